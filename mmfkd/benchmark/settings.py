"""Whether the runs that are there were trained with the options of a table."""

from collections.abc import Iterable, Mapping

from mmengine.config import Config

from mmfkd.checkpoints import read_summary
from mmfkd.checkpoints.settings import difference
from mmfkd.config import merge_options
from mmfkd.engine.optim_wrapper import use_amp
from mmfkd.engine.teachers import differences

from .grid import SEED, Cell
from .networks import NetworkCell


def check_settings(cells: Iterable[Cell | NetworkCell], options: Mapping[str, object], amp: bool
                   ) -> None:
    """Looks for runs that ended and had other options, another precision or another config.

    Those of a version that did not write them into ``summary.json`` are taken as they are.

    Args:
        cells: of a table.
        options: of the whole table, as ``--cfg-options`` has them.
        amp: mixed precision.

    Raises:
        ValueError: there is one; the message names its folder, and the options or the values.
    """
    for cell in cells:
        summary = read_summary(cell.work_dir) or {}
        if 'options' not in summary:
            continue
        given = {**options, **cell.changes()}
        own = {SEED, *cell.own()} - set(given)
        kept = {key: value for key, value in summary['options'].items() if key not in own}
        other = difference(dict(summary, options=kept), given, amp)
        if other:
            raise ValueError(f'{cell.work_dir} was trained with {other[0]}, and this table has '
                             f'{other[1] or "none of these"}: give the same options, another '
                             '--root, or remove that folder')
        changed = _changed_values(cell, summary['options'], summary.get('amp', False))
        if changed:
            raise ValueError(f'{cell.work_dir} was trained with {"; ".join(changed[:5])}'
                             f'{"; ..." if len(changed) > 5 else ""}: its config has been changed '
                             'since. Give it its values back, take another --root, or remove that '
                             'folder')


def _changed_values(cell: Cell | NetworkCell, options: Mapping[str, object], amp: bool
                    ) -> list[str]:
    """What the config of a run that ended says otherwise than it did then.

    Args:
        cell: the run; without the config that mmengine leaves nothing is known.
        options: that it was trained with.
        amp: likewise.
    """
    if len(list(cell.work_dir.glob('*.py'))) != 1:
        return []
    present = Config(cell.config.to_dict())
    merge_options(present, options)
    if amp:
        use_amp(present)
    return differences(cell.work_dir, present)
