"""Branches in configs: the students and teachers of a distiller."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from .branch_files import resolve_branches
from .composition import compose
from .files import find_config
from .method_files import composed_name
from .option_keys import TEACHER_KEYS
from .plain_branch import plain_branch


def read_config(name: str | Path) -> Config:
    """Reads a config whose branches are needed, and finds the configs that these name.

    Args:
        name: see :func:`find_config`; or ``METHOD/PAIR``, which needs no file.

    Raises:
        FileNotFoundError: there is no such config.
    """
    composed = composed_name(name)
    if composed:
        return compose(*composed)
    path = find_config(name)
    cfg = Config.fromfile(path)
    resolve_branches(cfg, path, ('students',))
    return cfg


def student_config(config: str | Path | Config, student: str | None = None) -> dict:
    """Config of the branch that a distillation or unimodal config trains and deploys.

    Args:
        config: a config, or its name.
        student: name of the student; None takes the first.

    Raises:
        ValueError: the config is not one of a CrossModalDistiller, or has no such student.
    """
    cfg = config if isinstance(config, Config) else read_config(config)
    students = cfg.get('model', {}).get('students')
    if not students:
        raise ValueError(f"{cfg.filename}: 'model.students' is missing; name a config of a "
                         'CrossModalDistiller, such as configs/unimodal/*.py')
    if student is not None and student not in students:
        raise ValueError(f"{cfg.filename} has no student '{student}': name one of "
                         f'{list(students)}')
    return branch_config(students[student or next(iter(students))])


def branch_config(spec: Mapping) -> dict:
    """Arguments of a Branch; those of the unimodal ``config`` that it names, if it names one.

    What stands beside ``config`` replaces what the config says. ``checkpoint`` and what only a
    teacher takes are no arguments of a branch, and are left out. The config may also be a plain
    one of mmseg or mmpretrain, see :func:`plain_branch`.
    """
    own = {key: value for key, value in spec.items()
           if key not in ('config', 'checkpoint', *TEACHER_KEYS)}
    if 'config' not in spec:
        return own
    given = {key: value for key, value in own.items() if value is not None}
    cfg = read_config(spec['config'])
    if not cfg.get('model', {}).get('students'):
        return plain_branch(cfg, given)
    return {**student_config(cfg), **given}


def without_init(config: Any) -> Any:
    """A copy of a model config with no ``init_cfg``: its weights will come from a checkpoint."""
    if isinstance(config, dict):
        return type(config)({key: None if key == 'init_cfg' else without_init(value)
                             for key, value in config.items()})
    if isinstance(config, (list, tuple)):
        return type(config)(without_init(value) for value in config)
    return config
