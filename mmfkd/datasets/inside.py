"""A search through all objects that a step of a pipeline refers to."""

from collections.abc import Iterator, Mapping
from types import ModuleType


def held_by(owner: object) -> Iterator[tuple[str, object]]:
    """An object and all that it holds in attributes, lists and dicts, nested ones included.

    Args:
        owner: such as a step of a pipeline, which may hold other steps.

    Yields:
        the name of the attribute or key, '' for the owner itself, and the object.
    """
    todo, seen = [('', owner)], set()
    while todo:
        name, value = todo.pop()
        if id(value) in seen or isinstance(value, (type, ModuleType)):
            continue
        seen.add(id(value))
        yield name, value
        if isinstance(value, Mapping):
            todo += [(str(key), one) for key, one in value.items()]
        elif isinstance(value, (list, tuple)):
            todo += [(name, one) for one in value]
        else:
            todo += getattr(value, '__dict__', {}).items()
