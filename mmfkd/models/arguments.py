"""Unknown arguments of the parts of a run, with their place in the config."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

from mmfkd.config.option_keys import arguments, classes_of

UNKNOWN = re.compile(r"(?:(\w+)\.__init__\(\) got an )?unexpected keyword argument '(\w+)'")
SCOPES = ('mmfkd', 'mmseg', 'mmpretrain')


@contextmanager
def located_arguments(place: str, config: Any) -> Iterator[None]:
    """Adds the place and the closest argument to an error of an unknown one, raised inside.

    Args:
        place: of the config, such as ``model of the branch of rgb``.
        config: what is built from.

    Raises:
        ValueError: in place of such an error, where the config has the argument.
    """
    try:
        yield
    except TypeError as error:
        found = UNKNOWN.search(str(error))
        having = list(dicts_with(found[2], config)) if found else []
        if not found or not having:
            raise
        own = [(path, taken) for path, node in having
               if (taken := taken_by(node, found[1]))] or [(path, []) for path, _ in having]
        close = get_close_matches(found[2], own[0][1], 1, 0.5)
        hint = f"did you mean '{close[0]}'? Else " if close else ''
        keys = ' and '.join(path + found[2] for path, _ in own)
        raise ValueError(f'{place}: {keys} is no argument there ({error}): {hint}correct its '
                         'spelling or remove it') from error


def taken_by(node: Mapping, kind: str | None) -> list[str]:
    """Names of the arguments of what a dict configures; none where it is no class of a name.

    Args:
        node: with the ``type``.
        kind: name of the class, or of a base of it.
    """
    return [name for scope in SCOPES for found in classes_of(node.get('type'), scope)
            if kind in [base.__name__ for base in found.__mro__]
            for base in found.__mro__ for name in arguments(vars(base).get('__init__'))]


def dicts_with(name: str, config: Any, above: str = '') -> Iterator[tuple[str, Mapping]]:
    """Dicts that have a key, with the path before it, such as ``backbone.``, in nested ones."""
    items: Any = ()
    if isinstance(config, Mapping):
        items = config.items()
        if name in config:
            yield above, config
    elif isinstance(config, Sequence) and not isinstance(config, str):
        items = enumerate(config)
    for key, value in items:
        yield from dicts_with(name, value, f'{above}{key}.')
