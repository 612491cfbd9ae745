"""The files of the configs that branches name."""

from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config

from .files import find_config, spelled
from .method_files import composed_name, is_network
from .pairs import Modalities, pair_file


def resolve_branches(cfg: Config, named_by: str | Path,
                     kinds: Sequence[str] = ('students', 'teachers')) -> None:
    """Replaces the configs that branches name by where they were found.

    What is composed of a method and a pair has no file, and keeps its name. Its parts must be in
    the working directory or in the package.

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
                lacking = _lacking(spec['config'], error)
                if lacking:
                    raise FileNotFoundError(f'{named_by}: model.{kind}.{branch}.config: {lacking}'
                                            ) from None


def _lacking(name: str, error: FileNotFoundError) -> FileNotFoundError | None:
    """What a config without a file lacks to be composed; the error itself if it is no such name."""
    composed = composed_name(name)
    if composed is None:
        return error
    modalities = Modalities.parse(composed[0])
    try:
        if is_network(composed[1]) and pair_file(modalities):
            return None
        for baseline in modalities.baselines:
            find_config(baseline)
    except FileNotFoundError as missing:
        return missing
    return None
