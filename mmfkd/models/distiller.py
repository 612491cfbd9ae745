"""The one model class of mmfkd: students that learn, teachers that do not, losses between them."""

from collections.abc import Callable, Mapping

import torch
from mmengine.logging import print_log
from mmengine.model import BaseModel, ModuleDict
from torch import Tensor

from mmfkd.checkpoints import (
    branch_weights,
    load_strictly,
    load_weights,
    resolve_checkpoint,
    student_config,
    without_init,
)
from mmfkd.registry import MODELS

from .branch import Branch


class Teachers(dict):
    """Frozen branches by name. Copies of a model (EMA) share them instead of doubling them."""

    def __deepcopy__(self, memo: dict) -> 'Teachers':
        return self


def build_teacher(model: dict | None = None, modality: str | list | None = None,
                  norm: dict | None = None, taps: dict | None = None,
                  config: str | None = None, checkpoint: str = 'auto') -> Branch:
    """Builds a frozen branch and loads its weights strictly.

    Args:
        model: see :class:`Branch`; or None to take it, the modality, the normalisation and the
            taps from ``config``.
        modality: see :class:`Branch`.
        norm: see :class:`Branch`.
        taps: see :class:`Branch`; given together with ``config`` they replace its taps.
        config: the config that the teacher was trained with.
        checkpoint: a file, a work dir, or 'auto'; see
            :func:`mmfkd.checkpoints.resolve_checkpoint`.

    Raises:
        FileNotFoundError: no checkpoint.
        ValueError: a checkpoint without weights or of another architecture.
    """
    if model is None:
        if config is None:
            raise ValueError("a teacher needs 'config', or 'model' and 'modality'")
        spec = student_config(config)
        model, modality, norm = spec['model'], spec['modality'], spec.get('norm')
        taps = taps or spec.get('taps')
    path = resolve_checkpoint(checkpoint, config)
    branch = Branch(without_init(model), modality, norm, taps)
    load_strictly(branch.model, branch_weights(load_weights(path)), path)
    branch.requires_grad_(False).train(False)
    print_log(f'teacher of {branch.modality}: {path}', logger='current')
    return branch


@MODELS.register_module()
class CrossModalDistiller(BaseModel):
    """Trains students on their labels and on what teachers of other modalities compute.

    .. code-block:: text

        loss:     teachers (no_grad, 'tensor') ─┐ taps
                  students ('loss') ── task ────┼──> losses ──> {student.*, loss_*.*}
        predict:  first student
        tensor:   first student

    A method is a set of losses in the config, never a subclass. Without teachers and losses this
    is plain training, so a baseline, a teacher and a distilled student share one code path and
    one checkpoint layout (``students.<name>.model.*``, ``losses.*``).

    Teachers are frozen, in eval mode and no submodules: they are in no checkpoint, optimizer,
    EMA, DDP bucket, SyncBN conversion or ``init_weights``. What is trained is a student; mutual
    learning has two.

    Args:
        students: name to arguments of :class:`Branch`. The first is validated, tested, exported.
        teachers: name to arguments of :func:`build_teacher`.
        losses: name to config of a :class:`DistillLoss`. Names start with 'loss', because
            mmengine sums what has 'loss' in its key.
        data_preprocessor: usually a :class:`MultiModalDataPreprocessor`.
        init_cfg: see mmengine.

    Raises:
        ValueError: no student, a student with 'loss' in its name, a name that two branches
            share, a loss whose name does not start with 'loss' or that names an unknown tap.
    """

    def __init__(self, students: Mapping[str, dict], teachers: Mapping[str, dict] | None = None,
                 losses: Mapping[str, dict] | None = None,
                 data_preprocessor: dict | None = None, init_cfg: dict | None = None) -> None:
        super().__init__(data_preprocessor, init_cfg)
        if not students:
            raise ValueError('CrossModalDistiller needs at least one student')
        shared = set(students) & set(teachers or {})
        if shared:
            raise ValueError(f'{sorted(shared)} name both a student and a teacher')
        summed = [name for name in students if 'loss' in name]
        if summed:
            raise ValueError(f"students {summed}: mmengine adds up every log entry with 'loss' in "
                             'its key, accuracies too; choose other names')
        self.students = ModuleDict({name: Branch(**cfg) for name, cfg in students.items()})
        # What a method adds draws no random number of the students': at one seed a distilled
        # student starts from the weights of its baseline.
        with torch.random.fork_rng():
            self.losses = ModuleDict(
                {name: MODELS.build(cfg) for name, cfg in (losses or {}).items()})
            self.teachers = Teachers(
                {name: build_teacher(**cfg) for name, cfg in (teachers or {}).items()})
        self._check_losses()

    @property
    def student(self) -> Branch:
        """The first student: the one that is validated, tested and exported."""
        return next(iter(self.students.values()))

    def _check_losses(self) -> None:
        branches = {**dict(self.students.items()), **self.teachers}
        known = [f'{name}.{tap}' for name, branch in branches.items() for tap in branch.taps.names]
        for name, loss in self.losses.items():
            if not name.startswith('loss'):
                raise ValueError(f"losses.{name}: rename it to 'loss_{name}'; mmengine adds up "
                                 "only what has 'loss' in its key")
            for argument, key in loss.inputs.items():
                if key not in known:
                    raise ValueError(f"losses.{name}.{argument}='{key}': no such tap. "
                                     f'Known: {", ".join(known) or "none"}')

    def _apply(self, fn: Callable, recurse: bool = True) -> 'CrossModalDistiller':
        for teacher in self.teachers.values():
            teacher._apply(fn)
        return super()._apply(fn, recurse)

    def forward(self, inputs: Mapping[str, Tensor], data_samples: list | None = None,
                mode: str = 'tensor') -> dict | list | Tensor:
        """mmengine's three modes.

        Args:
            inputs: one (N, C, H, W) tensor per modality, raw.
            data_samples: with labels for 'loss'.
            mode: 'loss', 'predict' or 'tensor'.

        Returns:
            named losses, data samples with predictions, or the first student's raw output.
        """
        if mode == 'loss':
            return self.loss(inputs, data_samples)
        if mode in ('predict', 'tensor'):
            return self.student(inputs, data_samples, mode=mode, record=False)[0]
        raise ValueError(f"mode='{mode}': choose 'loss', 'predict' or 'tensor'")

    def loss(self, inputs: Mapping[str, Tensor], data_samples: list) -> dict[str, Tensor]:
        """Task losses of the students and weighted terms of the distillation losses."""
        feats = self.teach(inputs) if self.losses else {}
        losses = {}
        for name, student in self.students.items():
            task, tapped = student(inputs, data_samples, mode='loss', record=bool(self.losses))
            feats.update(_prefixed(name, tapped))
            losses.update(_prefixed(name, task))
        for name, loss in self.losses.items():
            tensors = {argument: feats[key] for argument, key in loss.inputs.items()}
            if loss.needs_gt:
                tensors['gt'] = stack_labels(data_samples)
            losses.update(_prefixed(name, loss(**tensors)))
        return losses

    @torch.no_grad()
    def teach(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the teachers' taps record, as ``branch.tap``."""
        feats = {}
        for name, teacher in self.teachers.items():
            feats.update(_prefixed(name, teacher(inputs)[1]))
        return feats


def _prefixed(prefix: str, values: Mapping) -> dict:
    return {f'{prefix}.{key}': value for key, value in values.items()}


def stack_labels(data_samples: list) -> Tensor:
    """Labels of a batch: (N, H, W) of segmentation samples, (N,) of classification samples."""
    if 'gt_sem_seg' in data_samples[0]:
        return torch.cat([sample.gt_sem_seg.data for sample in data_samples])
    return torch.cat([sample.gt_label for sample in data_samples])
