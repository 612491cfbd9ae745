"""Models and batches for measurements, without checkpoints and data."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from mmengine.config import Config

from mmfkd.checkpoints import resolve_checkpoint
from mmfkd.config import without_init
from mmfkd.models import Branch, CrossModalDistiller
from mmfkd.registry import MODELS

from .places import branch_arguments, random_batch


def build_model(cfg: Config) -> CrossModalDistiller:
    """The distiller, randomly initialised; untrained teachers get random weights too.

    Raises:
        ValueError: a teacher has a cache, of which a random batch takes nothing.
    """
    config = without_init(cfg.model)
    with TemporaryDirectory() as folder:
        for name, spec in (config.get('teachers') or {}).items():
            if spec.get('cache'):
                raise ValueError(
                    f"teacher '{name}' has a cache, but the batches here are random: nothing of "
                    'them is kept, and it would run in every step. Leave the cache out, as by '
                    f'--cfg-options model.teachers.{name}.cache=None; benchmarks/cache_rate.py '
                    'measures how fast what is kept is read')
            try:
                resolve_checkpoint(spec.get('checkpoint', 'auto'), spec.get('config'))
            except FileNotFoundError:
                arguments = branch_arguments(spec)
                branch = Branch(without_init(arguments['model']), arguments['modality'])
                spec['checkpoint'] = str(Path(folder, f'{name}.pth'))
                torch.save(branch.model.state_dict(), spec['checkpoint'])
        return MODELS.build(config)


def random_data(model: CrossModalDistiller, size: Sequence[int] | Mapping[str, Sequence[int]],
                batch: int) -> dict:
    """A random batch for all branches of a model, on its device; see :func:`random_batch`."""
    branches = [*model.students.values(), *model.teachers.values()]
    return model.data_preprocessor.cast_data(random_batch(branches, size, batch))
