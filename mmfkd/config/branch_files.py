"""The files of the configs that branches name."""

from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config

from .files import find_config, spelled
from .method_files import composed_name


def resolve_branches(cfg: Config, named_by: str | Path,
                     kinds: Sequence[str] = ('students', 'teachers')) -> None:
    """Replaces the configs that branches name by where they were found.

    What is composed of a method and a pair has no file, and keeps its name.

    Args:
        cfg: changed in place.
        named_by: the file of the config.
        kinds: which branches.

    Raises:
        FileNotFoundError: one does not exist; the message names the field.
    """
    for kind in kinds:
        for branch, spec in (cfg.get('model', {}).get(kind) or {}).items():
            if not spec.get('config'):
                continue
            try:
                spec['config'] = spelled(find_config(spec['config'], named_by))
            except FileNotFoundError as error:
                if composed_name(spec['config']) is None:
                    raise FileNotFoundError(f'{named_by}: model.{kind}.{branch}.config: {error}'
                                            ) from None
