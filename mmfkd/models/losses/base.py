"""Base classes of the distillation losses: routing, precision, weight, adapter, shapes."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, cast

import mmcv.cnn  # noqa: F401  registers Conv2d, for adapters
import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmfkd.registry import MODELS

from .shapes import class_logits, labelled_rows, learnt_rows, resized

MODELS.register_module('Linear', module=nn.Linear)


class DistillLoss(BaseModule):
    """Base of the losses between a student's and a teacher's tensor.

    A subclass writes :meth:`terms`. The base brings both tensors to float32 with autocast off,
    cuts the teacher's gradient, runs the adapter, resizes the student's map to the teacher's,
    checks that the shapes agree, and weights every term.

    A loss between several tensors of either branch sets ``paired = False``: it names a list of
    taps, is given lists, and brings widths and sizes together itself. One that trains the teacher
    too sets ``detaches = False``. A loss on the student alone names no teacher. One that compares
    the samples of a batch with each other sets ``least_samples``, with fewer of which it is always
    0. One between logits sets ``of_logits``, so that one channel, of a sigmoid, fits two classes.

    Args:
        student: ``branch.tap`` of the tensor that learns.
        teacher: ``branch.tap`` of the tensor that teaches, or None.
        weight: factor of every term; :class:`mmfkd.engine.LossWeightHook` makes it a schedule.
        adapter: config of a module that maps the student's tensor to the teacher's width. It is
            a parameter of the loss, trained with it and absent from the student.

    Example:
        >>> loss = FeatureLoss()
        >>> loss(student_feat, teacher_feat)
        {'mse': tensor(...)}
    """

    needs_gt = False
    same_size = True
    predicts = False
    paired = True
    detaches = True
    least_samples = 1
    of_logits = False

    def __init__(self, student: str | Sequence[str], teacher: str | Sequence[str] | None,
                 weight: float = 1.0, adapter: dict | None = None) -> None:
        super().__init__()
        self.student = student if isinstance(student, str) else tuple(student)
        self.teacher = teacher if isinstance(teacher, str) else tuple(teacher or ())
        self.weight = weight
        self.adapter = MODELS.build(adapter) if adapter else None

    @property
    def inputs(self) -> dict[str, str | tuple[str, ...]]:
        """Argument of :meth:`forward` to ``branch.tap``, or to several."""
        named = dict(student=self.student, teacher=self.teacher)
        return {argument: keys for argument, keys in named.items() if keys}

    def forward(self, student: Any, teacher: Any = (), gt: Tensor | None = None
                ) -> dict[str, Tensor]:
        """Weighted terms of the loss.

        Args:
            student: (N, C), (N, C, H, W) or what the subclass says.
            teacher: likewise; no gradient flows into it.
            gt: labels (N,) or (N, H, W), int64, for losses with ``needs_gt``.

        Raises:
            ValueError: the shapes differ after adapter and resizing, or labels are missing.
        """
        if self.needs_gt and gt is None:
            raise ValueError(f'{type(self).__name__} needs labels (gt)')
        device = student.device if self.paired else student[0].device
        with torch.autocast(device.type, enabled=False):
            if self.paired:
                student, teacher = student.float(), self._taught(teacher)
                student = self._match(student, teacher)
            else:
                student = [x.float() for x in student]
                teacher = [self._taught(x) for x in teacher]
            terms = self.terms(student, teacher, gt)
            return {name: self.weight * term for name, term in terms.items()}

    def _taught(self, teacher: Tensor) -> Tensor:
        return (teacher.detach() if self.detaches else teacher).float()

    @abstractmethod
    def terms(self, student: Any, teacher: Any, gt: Any) -> dict[str, Tensor]:
        """Named scalars of the method, unweighted.

        The tensors are float32, and of one shape if the loss is ``paired``.
        """

    def leaves_out_unlabelled(self, images: bool) -> bool:
        """Whether it learns nothing from samples without a label.

        Args:
            images: whether each pixel has a label, as in segmentation.
        """
        return self.needs_gt

    def report(self) -> dict[str, Tensor]:
        """Values of the last step that are logged beside the terms, and not summed."""
        return {}

    def predictions(self, student: Tensor) -> dict[str, Tensor]:
        """Logits of classifiers that the loss has on the student's tensor, by name.

        A loss that has some sets ``predicts``; they are then evaluated beside the student.
        """
        return {}

    def _match(self, tapped: Tensor, teacher: Tensor) -> Tensor:
        student = tapped if self.adapter is None else self.adapter(tapped)
        if self.of_logits:
            student, teacher = class_logits(student), class_logits(teacher)
        if self.same_size and student.ndim == teacher.ndim == 4:
            student = resized(student, teacher.shape[-2:])
        if student.shape != teacher.shape:
            raise ValueError(self._mismatch(tapped, teacher))
        return student

    def _mismatch(self, student: Tensor, teacher: Tensor) -> str:
        head = (f"{type(self).__name__}: student '{self.student}' has shape "
                f"{tuple(student.shape)}, teacher '{self.teacher}' {tuple(teacher.shape)}. ")
        if student.ndim != teacher.ndim or student.size(0) != teacher.size(0):
            return head + 'Tap places of the same kind (two maps or two vectors).'
        if student.ndim == 4:
            layer = (f"dict(type='Conv2d', in_channels={student.size(1)}, "
                     f'out_channels={teacher.size(1)}, kernel_size=1)')
        else:
            layer = (f"dict(type='Linear', in_features={student.size(-1)}, "
                     f'out_features={teacher.size(-1)})')
        return head + f'Give the loss an adapter: adapter={layer}'


class LogitLoss(DistillLoss):
    """Base of the losses between logits at a temperature.

    A subclass writes :meth:`row_terms`, on the positions that count, one a row: pixels that have a
    label, and samples of classification, also without one unless the rows need labels.

    Args:
        student: ``branch.tap`` of the student's logits, (N, C) or (N, C, H, W).
        teacher: likewise for the teacher.
        weight: see :class:`DistillLoss`.
        adapter: see :class:`DistillLoss`.
        temperature: T, above 0.
        ignore_index: label of the positions to leave out; None takes all and needs no labels.

    Raises:
        ValueError: ``temperature`` is not above 0, or the rows need labels and ``ignore_index`` is
            None.
    """

    of_logits = True
    by_label = False  # whether the terms of a row depend on its label

    def __init__(self, student: str = 'student.logits', teacher: str = 'teacher.logits',
                 weight: float = 1.0, adapter: dict | None = None, temperature: float = 4.0,
                 ignore_index: int | None = 255) -> None:
        super().__init__(student, teacher, weight, adapter)
        if self.by_label and ignore_index is None:
            raise ValueError(f'{type(self).__name__}: ignore_index=None is for losses without '
                             'labels, and this one needs them: give the label to leave out, 255')
        if temperature <= 0:
            raise ValueError(f'temperature={temperature} must be above 0')
        self.temperature = temperature
        self.ignore_index = ignore_index
        self.needs_gt = ignore_index is not None

    def terms(self, student: Tensor, teacher: Tensor, gt: Any) -> dict[str, Tensor]:
        """The terms of the rows."""
        student, teacher = class_logits(student), class_logits(teacher)
        if not self.needs_gt:
            return self.row_terms(student, teacher, None)
        rows = labelled_rows if self.by_label else learnt_rows
        (student, teacher), labels = rows((student, teacher), gt, cast(int, self.ignore_index))
        return self.row_terms(student, teacher, labels)

    def leaves_out_unlabelled(self, images: bool) -> bool:
        """See :class:`DistillLoss`: of images alone, unless the rows need labels."""
        return self.needs_gt and (images or self.by_label)

    @abstractmethod
    def row_terms(self, student: Tensor, teacher: Tensor, labels: Any) -> dict[str, Tensor]:
        """Named scalars, unweighted.

        Args:
            student: logits (M, C), not yet divided by the temperature; without ``ignore_index``
                as they were tapped.
            teacher: likewise.
            labels: (M,); None without ``ignore_index``.
        """


class StageLoss(DistillLoss):
    """Base of the losses between the stages of two networks.

    Args:
        student_channels: width of each stage of the student.
        teacher_channels: likewise for the teacher.
        student: taps of the student's stages, from shallow to deep.
        teacher: likewise for the teacher.
        weight: see :class:`DistillLoss`.

    Raises:
        ValueError: another number of taps than of widths; the message names the argument.
    """

    paired = False

    def __init__(self, student_channels: Sequence[int], teacher_channels: Sequence[int],
                 student: Sequence[str], teacher: Sequence[str], weight: float) -> None:
        super().__init__(student, teacher, weight)
        for name, taps, channels in (('student', self.student, student_channels),
                                     ('teacher', self.teacher, teacher_channels)):
            if len(taps) != len(channels):
                raise ValueError(f'{type(self).__name__}: {len(taps)} taps in {name}, but '
                                 f'{len(channels)} widths in {name}_channels={tuple(channels)}')
