"""Unknown arguments of the parts of a network, with their place in the config."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

UNKNOWN = re.compile(r"unexpected keyword argument '(\w+)'")


@contextmanager
def located_arguments(place: str, config: Any) -> Iterator[None]:
    """Adds the place to an error of an unknown argument that is raised inside.

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
        keys = list(keys_named(found[1], config)) if found else []
        if not keys:
            raise
        raise ValueError(f'{place}: {" and ".join(keys)} is no argument there ({error}): correct '
                         'its spelling or remove it') from error


def keys_named(name: str, config: Any, above: str = '') -> Iterator[str]:
    """Paths of the keys of a name, such as ``backbone.init_cfg``, in nested dicts and lists."""
    items: Any = ()
    if isinstance(config, Mapping):
        items = config.items()
    elif isinstance(config, Sequence) and not isinstance(config, str):
        items = enumerate(config)
    for key, value in items:
        path = f'{above}.{key}' if above else str(key)
        if key == name:
            yield path
        yield from keys_named(name, value, path)
