"""Configs with the options of a command."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import init_default_scope

from .branch_files import resolve_branches
from .composition import compose
from .files import find_config
from .method_files import FUSED, composed_name, is_network
from .option_keys import HOOKS
from .options import kind_of, merge_options


def load_config(name: str | Path, options: Mapping[str, object] | None = None,
                teachers: bool = True) -> Config:
    """Reads a config, and finds the configs of its branches from where it lies.

    Args:
        name: see :func:`find_config`; or ``METHOD/PAIR``, which needs no file, see
            :func:`compose`.
        options: ``--cfg-options``, dotted key to value.
        teachers: whether teachers and losses are kept; testing and export need none.

    Raises:
        FileNotFoundError: the config, or one that a branch of it names, does not exist; the message
            names the field.
        ValueError: the pair does not offer what the method takes, or a pipeline of the validation
            or test set pads.
    """
    composed = composed_name(name)
    if composed:
        try:
            return load_composed(*composed, options, teachers)
        except FileNotFoundError as error:
            raise FileNotFoundError(f'{name} is no file, and cannot be composed: {error}'
                                    ) from None
    try:
        path = find_config(name)
    except FileNotFoundError as error:
        part = Path(name).parent.name
        if not is_network(part):
            raise
        fused = (f'; the segmentor of fused images is {FUSED}/DATASET_A-B'
                 if Path(name).stem.endswith(f'_{FUSED}') else '')
        raise FileNotFoundError(f'{error}. The network {part} is named with the modalities that it '
                                f'takes, DATASET_A-B, such as {part}/msrs_rgb-ir{fused}') from None
    return _finished(Config.fromfile(path), path, options or {}, teachers)


def load_composed(pair: str, method: str, options: Mapping[str, object] | None = None,
                  teachers: bool = True) -> Config:
    """:func:`compose` with the options of a command.

    Args:
        pair: see :func:`compose`.
        method: likewise.
        options: see :func:`load_config`.
        teachers: likewise.

    Raises:
        FileNotFoundError, ValueError: see :func:`compose`.
    """
    cfg = compose(pair, method)
    return _finished(cfg, Path(cfg.filename), options or {}, teachers)


def _finished(cfg: Config, named_by: Path, options: Mapping[str, object], teachers: bool
              ) -> Config:
    """The config with options, without what is switched off, and with its branches found."""
    merge_options(cfg, options)
    drop_disabled_hooks(cfg)
    drop_disabled_loops(cfg)
    drop_disabled_teachers(cfg)
    if not teachers and 'students' in cfg.get('model', {}):
        cfg.model.teachers, cfg.model.losses = {}, {}
    refuse_padding(cfg)
    resolve_branches(cfg, named_by)
    return cfg


def refuse_padding(cfg: Config) -> None:
    """Refuses ``Pad`` in pipelines whose predictions are scored in the size of the files.

    Predictions are resized to it with the padding in them, which squeezes them. In training labels
    are padded too.

    Raises:
        ValueError: a pipeline of the validation or test set has it.
    """
    for loader in ('val_dataloader', 'test_dataloader'):
        for pipeline in _pipelines(cfg.get(loader)):
            kinds = list(map(kind_of, pipeline))
            if 'Pad' in kinds and 'PackModalities' in kinds:
                raise ValueError(f'Pad in the pipeline of {loader}: predictions are resized to the '
                                 'size of the file, and would be squeezed by what was padded. '
                                 'Leave it out, and set model.data_preprocessor.size_divisor, '
                                 'whose padding is cut off again')


def _pipelines(part: object) -> Iterator[Sequence]:
    """Every ``pipeline`` in a part of a config: data sets may hold others."""
    if isinstance(part, Mapping):
        if part.get('pipeline'):
            yield part['pipeline']
        yield from _pipelines(list(part.values()))
    elif isinstance(part, (list, tuple)):
        for each in part:
            yield from _pipelines(each)


def drop_disabled_hooks(cfg: Config) -> None:
    """Leaves out what ``default_hooks`` sets to None.

    mmengine does so for hooks of its own and refuses None for others.

    Args:
        cfg: changed in place.
    """
    hooks = cfg.get('default_hooks') or {}
    for name in [name for name, hook in hooks.items() if hook is None and name not in HOOKS]:
        hooks.pop(name)


def drop_disabled_loops(cfg: Config) -> None:
    """Leaves out validation, or test, where the config sets its data loader to None.

    mmengine refuses a loop and a metric without data.

    Args:
        cfg: changed in place.
    """
    for split in ('val', 'test'):
        if f'{split}_dataloader' in cfg and cfg[f'{split}_dataloader'] is None:
            cfg[f'{split}_cfg'] = cfg[f'{split}_evaluator'] = None


def drop_disabled_teachers(cfg: Config) -> None:
    """Leaves out teachers that ``model.teachers`` sets to None, as it is with losses."""
    teachers = (cfg.get('model') or {}).get('teachers') or {}
    for name in [name for name, teacher in teachers.items() if teacher is None]:
        teachers.pop(name)


def load_distiller_config(name: str | Path, options: Mapping[str, object] | None = None,
                          teachers: bool = True) -> Config:
    """:func:`load_config` of a :class:`mmfkd.models.CrossModalDistiller`, with its scope set.

    Raises:
        FileNotFoundError: see :func:`load_config`.
        ValueError: it has no student.
    """
    cfg = load_config(name, options, teachers)
    if not cfg.get('model', {}).get('students'):
        raise ValueError(f'{name} has no model.students: name a config of a CrossModalDistiller')
    init_default_scope(cfg.get('default_scope', 'mmfkd'))
    return cfg
