"""The model class of mmfkd: students that learn, frozen teachers, losses between them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import cast

import torch
from mmengine.logging import print_log
from mmengine.model import BaseModel, ModuleDict
from torch import Tensor

from mmfkd.checkpoints import load_network, resolve_checkpoint
from mmfkd.config import TapKey, branch_config
from mmfkd.registry import MODELS

from .balance import LossBalance, LossBalances
from .branch import Branch
from .checks import check_inputs, check_names, check_predictions, check_taught, check_windows
from .predictions import copies, head_predictions, predicted_fields, subset_predictions
from .routing import TrainingPass, counted_tasks, named_taps, prefixed, route, taps_of
from .shape_errors import explained_shapes, in_loss
from .teachers import Teachers, build_teacher


@MODELS.register_module()
class CrossModalDistiller(BaseModel):
    """Trains students on their labels and on what teachers of other modalities compute.

    .. code-block:: text

        loss:     teachers (no_grad, 'tensor') ─┐ taps
                  students ('loss') ── task ────┼──> losses ──> {student.*, loss_*.*}
        predict:  first student, and beside it what else can predict
        tensor:   first student

    A method is a set of losses in the config, never a subclass. Without teachers and losses this
    is plain training, so a baseline, a teacher and a distilled student share one code path and
    one checkpoint layout (``students.<name>.model.*``, ``losses.*``).

    Teachers are frozen, in eval mode and no submodules: they are in no checkpoint, optimizer,
    EMA, DDP bucket, SyncBN conversion or ``init_weights``. What is trained is a student; mutual
    learning has two.

    Args:
        students: name to arguments of :class:`Branch`, or to ``config``, a unimodal config that
            has them. The first is validated, tested and exported. With ``checkpoint``, as
            teachers have it, a student starts from trained weights.
        teachers: name to arguments of :func:`mmfkd.models.teachers.build_teacher`.
        losses: name to config of a :class:`DistillLoss`. Names start with 'loss', because
            mmengine sums what has 'loss' in its key. None in place of a config leaves it out.
            ``balance`` in a config, the arguments of :class:`LossBalance`, keeps the gradient of
            the loss at a ratio to that of the task; ``weight`` then does not count.
        data_preprocessor: usually a :class:`MultiModalDataPreprocessor`.
        init_cfg: see mmengine.

    Raises:
        ValueError: no student, a student with 'loss' in its name, a name that two branches
            share or that predictions of the first student have, a loss whose name does not start
            with 'loss' or that names an unknown tap, or classifiers on a sliding window.
    """

    def __init__(self, students: Mapping[str, dict], teachers: Mapping[str, dict] | None = None,
                 losses: Mapping[str, dict] | None = None,
                 data_preprocessor: dict | None = None, init_cfg: dict | None = None) -> None:
        super().__init__(data_preprocessor, init_cfg)
        check_names(students, teachers or {})
        first, *others = students
        self.students = ModuleDict({first: Branch(**branch_config(students[first]))})
        check_predictions(others, self.student.subsets)
        self._starts = {name: (cfg['checkpoint'], cfg.get('config'))
                        for name, cfg in students.items() if cfg.get('checkpoint')}
        # What a method adds draws no random number of the first student's: at one seed a distilled
        # student starts from the weights of its baseline.
        with torch.random.fork_rng():
            self.students.update({name: Branch(**branch_config(students[name]))
                                  for name in others})
            kept = {name: dict(cfg) for name, cfg in (losses or {}).items() if cfg}
            self.balances = LossBalances({name: LossBalance(**balance) for name, cfg in kept.items()
                                          if (balance := cfg.pop('balance', None)) is not None})
            self.losses = ModuleDict({name: MODELS.build(cfg) for name, cfg in kept.items()})
            self.teachers = Teachers(
                {name: build_teacher(**cfg) for name, cfg in (teachers or {}).items()})
        self._check_losses()

    def init_weights(self) -> None:
        """Initialises what is trained, then loads the students that start from a checkpoint.

        Raises:
            FileNotFoundError, ValueError: see :mod:`mmfkd.checkpoints`.
        """
        super().init_weights()
        for name, (checkpoint, config) in self._starts.items():
            path = resolve_checkpoint(checkpoint, config)
            load_network(self.students[name].model, path, takes=self.students[name].takes)
            print_log(f"student '{name}' starts from {path}", logger='current')

    @property
    def student(self) -> Branch:
        """The first student: the one that is validated, tested and exported."""
        return next(iter(self.students.values()))

    @property
    def branches(self) -> dict[str, Branch]:
        """Students and teachers by name."""
        return {**dict(self.students.items()), **self.teachers}

    @property
    def tap_keys(self) -> list[str]:
        """Every ``branch.tap`` that can be named."""
        return [f'{name}.{tap}' for name, branch in self.branches.items()
                for tap in branch.taps.names]

    @property
    def loss_taps(self) -> set[str]:
        """Every ``branch.tap`` that a loss names."""
        return {key for loss in self.losses.values() for key in named_taps(loss)}

    def _check_losses(self) -> None:
        for name, loss in self.losses.items():
            check_inputs(name, loss, self.tap_keys)
            check_windows(name, loss, self.branches)
        self.balances.check(self.losses, self.students)

    def _apply(self, fn: Callable, recurse: bool = True) -> 'CrossModalDistiller':
        for teacher in self.teachers.values():
            teacher._apply(fn)
        return super()._apply(fn, recurse)

    def forward(self, inputs: Mapping[str, Tensor], data_samples: list | None = None,
                mode: str = 'tensor') -> dict | list | Tensor:
        """Runs one of the three modes of mmengine.

        Args:
            inputs: one (N, C, H, W) tensor per modality, raw.
            data_samples: with labels for 'loss'.
            mode: 'loss', 'predict' or 'tensor'.

        Returns:
            named losses, data samples with predictions, or the first student's raw output.
        """
        if mode == 'loss':
            return self.loss(inputs, cast(list, data_samples))
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        if mode == 'tensor':
            return self.student(inputs, data_samples, mode=mode, record=False).output
        raise ValueError(f"mode='{mode}': choose 'loss', 'predict' or 'tensor'")

    def loss(self, inputs: Mapping[str, Tensor], data_samples: list) -> dict[str, Tensor]:
        """Task losses of the students and weighted terms of the distillation losses."""
        return self.training_pass(inputs, data_samples).losses()

    def training_pass(self, inputs: Mapping[str, Tensor], data_samples: list,
                      taps: Iterable[str] = (),
                      phase: Callable[[str], AbstractContextManager] = nullcontext
                      ) -> TrainingPass:
        """Teachers, students and distillation losses on a batch: the forward half of a step.

        Args:
            inputs: one stacked tensor per modality.
            data_samples: with labels.
            taps: ``branch.tap`` to record beside those that the losses name.
            phase: makes a context in which each of 'teacher', 'student' and 'losses' runs.

        Raises:
            ValueError: in training, a loss whose gradient reaches no student.
        """
        keys = {*self.loss_taps, *taps}
        with phase('teacher'):
            feats = self.features(inputs, [key for key in keys if TapKey.parse(key).branch
                                           in self.teachers], data_samples)
        tasks, terms, recorded = {}, {}, {}
        with phase('student'):
            for name, student in self.students.items():
                done = student(inputs, data_samples, mode='loss', record=taps_of(keys, name))
                tasks[name] = done.output
                feats.update(prefixed(name, done.feats))
                recorded.update(prefixed(name, done.recorded))
        with phase('losses'):
            # An average of the weights, of which none is trained, has losses too.
            learning = (self.training and torch.is_grad_enabled()
                        and any(weight.requires_grad for weight in self.parameters()))
            for name, loss in self.losses.items():
                if learning:
                    check_taught(name, loss, feats)
                with explained_shapes(**in_loss(name, loss, feats)):
                    terms[name] = loss(**route(loss, feats, data_samples))
            if learning:
                terms = self.balances.weighted(self.losses, tasks, terms, recorded, data_samples)
        return TrainingPass(feats, counted_tasks(tasks, data_samples) if terms else tasks, terms)

    def parse_losses(self, losses: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """The sum to minimise, and what is logged: also what balances and losses report."""
        total, logged = super().parse_losses(losses)
        logged.update(self.balances.report())
        for name, loss in self.losses.items():
            logged.update(prefixed(name, loss.report()))
        return total, logged

    @torch.no_grad()
    def features(self, inputs: Mapping[str, Tensor], keys: Sequence[str],
                 data_samples: list | None = None) -> dict[str, Tensor]:
        """What taps record where their branches run without labels and gradients.

        Args:
            inputs: one stacked tensor per modality.
            keys: ``branch.tap``; branches that none of them names do not run.
            data_samples: say which views the inputs are, to a teacher whose outputs are kept.
        """
        feats = {}
        for name, branch in self.branches.items():
            taps = taps_of(keys, name)
            if taps:
                done = branch(inputs, data_samples, mode='tensor', record=taps)
                feats.update(prefixed(name, done.feats))
        return feats

    def predict(self, inputs: Mapping[str, Tensor], data_samples: list | None = None) -> list:
        """Data samples with the first student's predictions.

        Other students, losses with classifiers of their own, and a multi-modal student without
        some of its modalities (``subsets`` of :class:`Branch`) predict too; what they say is in
        the field ``predictions`` of the samples, by name, for
        :class:`mmfkd.evaluation.PerBranchMetric`: ``fdkd.low`` is a head of the first student,
        ``visual`` another student, ``visual.fdkd.low`` a head of it, and ``ir`` or ``rgb+ir`` the
        first student on these modalities, where the data has them.
        """
        heads = {name: loss for name, loss in self.losses.items() if loss.predicts}
        feats, outputs = {}, {}
        for name, student in self.students.items():
            samples = data_samples if student is self.student else copies(data_samples)
            taps = taps_of([loss.student for loss in heads.values()], name)
            done = student(inputs, samples, mode='predict', record=taps)
            outputs[name] = done.output
            feats.update(prefixed(name, done.feats))
        samples, *_ = outputs.values()
        others = {name: [predicted_fields(sample) for sample in own]
                  for name, own in outputs.items() if own is not samples}
        others.update(subset_predictions(self.student, inputs, data_samples))
        for name, loss in heads.items():
            others.update(head_predictions(self.students, name, loss, feats, data_samples))
        if others:
            for i, sample in enumerate(samples):
                sample.set_field({name: fields[i] for name, fields in others.items()},
                                 'predictions')
        return samples
