"""Trained models from their config and checkpoint: a student alone, or a whole distiller."""

from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmfkd.checkpoints import load_network, resolve_checkpoint
from mmfkd.config import TapKey, student_config, without_init
from mmfkd.devices import default_device
from mmfkd.models import CrossModalDistiller
from mmfkd.registry import MODELS


def keep_student(cfg: Config, name: str | None = None) -> dict:
    """Leaves a student alone in a config, named 'student', and returns its branch."""
    cfg.model.students = dict(student=student_config(cfg, name))
    cfg.model.teachers, cfg.model.losses = {}, {}
    return cfg.model.students.student


def load_student(cfg: Config, checkpoint: str | Path, name: str | None = None
                 ) -> CrossModalDistiller:
    """A distiller with a student alone, its weights loaded strictly, in eval mode.

    Args:
        cfg: a distillation or unimodal config, changed in place.
        checkpoint: a file, a work dir, or 'best' for the selected one of the default work dir.
        name: of the student; None takes the first.

    Raises:
        FileNotFoundError, ValueError: see :mod:`mmfkd.checkpoints`.
    """
    path = resolve_checkpoint(checkpoint, cfg.filename, cfg.get('work_dir'))
    keep_student(cfg, name)
    return build_student(cfg, path, name)


def build_student(cfg: Config, path: Path, name: str | None = None) -> CrossModalDistiller:
    """The distiller of :func:`keep_student`, its weights loaded strictly, in eval mode.

    Args:
        cfg: with a single student.
        path: of the checkpoint.
        name: of the student in it; None takes the first.

    Raises:
        FileNotFoundError, ValueError: see :mod:`mmfkd.checkpoints`.
    """
    init_default_scope(cfg.get('default_scope', 'mmfkd'))
    model = MODELS.build(cfg.model)
    student = model.student
    student.classes = load_network(student.model, path, name, student.takes)
    model.eval()
    return model


def load_distiller(cfg: Config, checkpoint: str | Path, keys: Sequence[str]
                   ) -> tuple[CrossModalDistiller, Path]:
    """Students with the weights of a checkpoint, and the teachers that ``keys`` name.

    A single student takes the weights of any checkpoint of its architecture, so that a baseline
    can be looked at beside the teachers of its distillation.

    Args:
        cfg: of a distiller.
        checkpoint: as for :func:`load_student`.
        keys: ``branch.tap`` that will be asked for.

    Returns:
        the model, in eval mode, on the GPU if there is one; and the checkpoint's path.

    Raises:
        FileNotFoundError, ValueError: see :mod:`mmfkd.checkpoints`.
    """
    path = resolve_checkpoint(checkpoint, cfg.filename, cfg.get('work_dir'))
    named = {TapKey.parse(key).branch for key in keys}
    config = without_init(cfg.model)
    config.losses = {}
    config.teachers = {name: spec for name, spec in (config.get('teachers') or {}).items()
                       if name in named}
    model = MODELS.build(config)
    for name, student in model.students.items():
        load_network(student.model, path, name if len(model.students) > 1 else None,
                     student.takes)
    return model.to(default_device()).eval(), path
