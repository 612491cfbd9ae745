"""A student alone, without teachers and losses."""

from pathlib import Path

from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmfkd.checkpoints import branch_weights, load_strictly, load_weights, student_config
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
        checkpoint: of it.
        name: of the student; None takes the first.

    Raises:
        FileNotFoundError, ValueError: see :mod:`mmfkd.checkpoints`.
    """
    init_default_scope(cfg.get('default_scope', 'mmfkd'))
    keep_student(cfg, name)
    model = MODELS.build(cfg.model)
    load_strictly(model.student.model, branch_weights(load_weights(checkpoint), name), checkpoint)
    model.eval()
    return model
