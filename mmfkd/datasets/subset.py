"""A part of a list that is held out to select on."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from mmengine.logging import print_log
from mmengine.registry import FUNCTIONS

from .lists import ListFormat, composed

# What says which samples belong together; see groups_of.
Group = str | Mapping[str, str] | Callable[[str], str]
GROUPS = ListFormat(dict(name=str, group=str), header=('name', 'group'))


def check_subset(subset: str | None, val_fraction: float) -> None:
    """Refuses arguments of :func:`select_subset` that mean nothing.

    Raises:
        ValueError: an unknown subset, or a fraction outside (0, 1).
    """
    if subset not in (None, 'fit', 'val'):
        raise ValueError(f"subset='{subset}': choose 'fit', 'val' or None")
    if not 0 < val_fraction < 1:
        raise ValueError(f'val_fraction={val_fraction}: it is a share, above 0 and below 1')


def select_subset(names: Sequence[str], subset: str | None, val_fraction: float, seed: int,
                  groups: Sequence[str] | None = None) -> list[int]:
    """Places of the seeded share 'val' of a list, of the rest, 'fit', or, with None, of all.

    The choice depends on nothing but the number of samples, the fraction, the seed and the groups.

    Args:
        names: of the samples.
        subset: 'val', 'fit' or None.
        val_fraction: share that is 'val'.
        seed: of the choice.
        groups: of each sample; no group is in both parts, and as many are 'val' as come nearest to
            the share.

    Raises:
        ValueError: the part is empty.
    """
    if subset is None:
        return list(range(len(names)))
    draw = np.random.RandomState(seed)
    if groups is None:
        held_out = set(draw.permutation(len(names))[:round(val_fraction * len(names))].tolist())
    else:
        held_out = _whole_groups(groups, val_fraction * len(names), draw)
        share = len(held_out) / len(names)
        if subset == 'val' and abs(share - val_fraction) > val_fraction / 2:
            print_log(f'{len(held_out)} of {len(names)} samples are held out, {share:.0%} in place '
                      f'of {val_fraction:.0%}: {len(set(groups))} groups of other sizes do not '
                      'come nearer with this split_seed', logger='current')
    chosen = [i for i in range(len(names)) if (i in held_out) == (subset == 'val')]
    if not chosen:
        kinds = '' if groups is None else f' in {len(set(groups))} groups'
        raise ValueError(f"subset='{subset}' of {len(names)} samples{kinds} is empty: change "
                         f'val_fraction={val_fraction}, or add files')
    return chosen


def _whole_groups(groups: Sequence[str], wanted: float, draw: np.random.RandomState) -> set[int]:
    kinds, sizes = np.unique(np.asarray(groups, dtype=str), return_counts=True)
    order = draw.permutation(len(kinds))
    totals = sizes[order].cumsum()
    # Never all, and never none where there are two.
    count = min(int(np.abs(totals - wanted).argmin()) + 1, len(kinds) - 1)
    held_out = set(kinds[order[:count]].tolist())
    return {i for i, group in enumerate(groups) if group in held_out}


def groups_of(names: Sequence[str], group: Group | None) -> list[str] | None:
    r"""The group of each name.

    Args:
        names: of samples.
        group: a regular expression, such as ``r'^(\d+)_'``, whose first group names it; a list,
            ``{name: group}``, or the file of one, with a line ``name,group`` for each sample; or a
            function of the name, in a config ``dict(type=...)`` with its name in mmengine's
            registry ``FUNCTIONS``. None has no groups.

    Raises:
        ValueError: the expression cannot be read, has no group, or finds nothing in a name; a name
            is not in the list; or no such function is registered.
    """
    if group is None:
        return None
    if isinstance(group, Mapping) and set(group) == {'type'}:
        group = _registered(group['type'])
    if callable(group):
        return [str(group(name)) for name in names]
    if isinstance(group, str) and not Path(group).is_file():
        return _found(names, group)
    listed = group if isinstance(group, Mapping) else {
        row['name']: row['group'] for row in GROUPS.read(Path(group))}
    listed = {composed(name): one for name, one in listed.items()}
    names = [composed(name) for name in names]
    lost = [name for name in names if name not in listed]
    if lost:
        where = 'group' if isinstance(group, Mapping) else str(group)
        raise ValueError(f'{where} names no group for {len(lost)} of {len(names)} samples, such as '
                         f'{lost[0]!r}')
    return [str(listed[name]) for name in names]


def _registered(name: str) -> Callable[[str], str]:
    function = FUNCTIONS.get(name)
    if function is None:
        raise ValueError(f"group=dict(type='{name}'): no such function is registered. Register it "
                         "with mmengine.registry.FUNCTIONS.register_module() in a module that the "
                         "config's custom_imports names")
    return function


def _found(names: Sequence[str], expression: str) -> list[str]:
    try:
        pattern = re.compile(expression)
    except re.error as error:
        raise ValueError(f'group={expression!r} is no regular expression, nor a file: {error}'
                         ) from error
    if not pattern.groups:
        raise ValueError(f"group={expression!r} has no group: put what names it in brackets, such "
                         r"as '^(\d+)_', or name a file of lines name,group")
    found = [pattern.search(name) for name in names]
    lost = [name for name, match in zip(names, found, strict=True) if match is None]
    if lost:
        raise ValueError(f'group={expression!r} finds nothing in {len(lost)} of {len(names)} names,'
                         f' such as {lost[0]!r}')
    return [match[1] for match in found if match]
