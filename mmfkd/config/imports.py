"""Modules that configs import before their types are looked up."""

from collections.abc import Iterable, Mapping

from mmengine.config import Config


def join_imports(cfg: Config, parts: Iterable[Mapping | Config]) -> None:
    """Makes ``custom_imports`` of a composed config those of all its parts.

    Merged as other values are, the list of the last part alone would stay, and types of the others
    would be unknown where the composed config is read from a file.

    Args:
        cfg: changed in place.
        parts: of which it is composed, in the order of the imports.
    """
    found = [said for part in parts if (said := part.get('custom_imports'))]
    names: dict[str, None] = {}
    for one in found:
        imports = one.get('imports') or ()
        names.update(dict.fromkeys([imports] if isinstance(imports, str) else imports))
    if names:
        cfg.custom_imports = dict(imports=list(names), allow_failed_imports=all(
            one.get('allow_failed_imports', False) for one in found))
