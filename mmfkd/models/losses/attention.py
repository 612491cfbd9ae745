"""AFD: comparison of all pairs of stages, weighted by attention."""

import logging
from collections.abc import Sequence
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor, nn
from torch.nn import functional as F

from mmfkd.registry import MODELS

from .base import StageLoss
from .shapes import as_map


@MODELS.register_module()
class AFDLoss(StageLoss):
    """Distances of attention maps between all pairs of stages, weighted by a learned attention.

    Paper: Ji et al., "Show, Attend and Distill: Knowledge Distillation via Attention-based Feature
    Matching" (arXiv 2102.02973), eq. 1-8:

    - query of teacher stage t: ``BN(W_t · GAP(h_t))``; key of student stage s: ``ReLU(BN(W_s ·
      GAP(h_s)))``, both with D channels;
    - attention: ``softmax over s of (q_t · BN(W_B k_s)_t + p_t · p_s) / sqrt(D)``, with position
      embeddings p;
    - value: the mean over channels of h², at the teacher's size, as a unit vector;
    - loss: ``Σ_t mean over samples of Σ_s attention · mean over places of (v_s - v_t)²``.

    A batch needs two samples, for the batch norms. A stage of the teacher of a single place teaches
    nothing, as its unit vector is 1; this is logged.

    Departures from the authors' code are in ``docs/methods.md``, section ``afd``.

    Args:
        student: taps of the student's stages, (N, C, H, W), clips or tokens; see
            :func:`mmfkd.models.losses.shapes.as_map`.
        teacher: likewise for the teacher.
        student_channels: width of each stage of the student.
        teacher_channels: likewise for the teacher.
        weight: see :class:`DistillLoss`; the authors' is 200.
        channels: D.
        places: number of places of the maps that ``weight`` is for. The term of a stage counts as
            its own number over this one; the mean of the equation, None, makes a gradient that
            grows as maps shrink. The authors' last stage on CIFAR has 64.

    Raises:
        ValueError: another number of taps than of widths, or less than one place.
    """

    def __init__(self, student_channels: Sequence[int], teacher_channels: Sequence[int],
                 student: Sequence[str] = ('student.layer1', 'student.layer2', 'student.layer3',
                                           'student.layer4'),
                 teacher: Sequence[str] = ('teacher.layer1', 'teacher.layer2', 'teacher.layer3',
                                           'teacher.layer4'),
                 weight: float = 200.0, channels: int = 128, places: int | None = None) -> None:
        super().__init__(student_channels, teacher_channels, student, teacher, weight)
        if places is not None and places < 1:
            raise ValueError(f'AFDLoss: places={places}: take 1 or more, or None')
        self.places = places
        self._told = False
        self.queries = nn.ModuleList(projection(c, channels) for c in teacher_channels)
        self.keys = nn.ModuleList(projection(c, channels) for c in student_channels)
        self.bilinear = projection(channels, channels * len(teacher_channels))
        self.place_t = nn.Parameter(torch.empty(len(teacher_channels), channels))
        self.place_s = nn.Parameter(torch.empty(len(student_channels), channels))
        nn.init.xavier_normal_(self.place_t)
        nn.init.xavier_normal_(self.place_s)

    def terms(self, student: list[Tensor], teacher: list[Tensor], gt: Tensor | None
              ) -> dict[str, Tensor]:
        """``attention``: see the class."""
        student, teacher = [as_map(x) for x in student], [as_map(x) for x in teacher]
        self._tell_of_points(teacher)
        squares = [x.square().mean(1, keepdim=True) for x in student]
        attention = self.attention(student, teacher)
        total: Any = 0
        for i, t in enumerate(teacher):
            value = value_of(t.square().mean(1, keepdim=True), t.shape[-2:])
            gaps = torch.stack([(value_of(x, t.shape[-2:]) - value).square().sum(1)
                                for x in squares], dim=1) / (self.places or value.shape[1])
            total = total + (attention[:, i] * gaps).sum(1).mean()
        return dict(attention=total)

    def _tell_of_points(self, teacher: list[Tensor]) -> None:
        """Warns once of stages of a single place, which have nothing to compare."""
        points = [str(i + 1) for i, x in enumerate(teacher) if x.shape[-2:].numel() == 1]
        if points and not self._told:
            print_log(f"AFDLoss: the teacher's stage {', '.join(points)} is a map of 1x1, whose "
                      'attention is always 1: it teaches nothing. Leave it out of student and '
                      'teacher and of their channels', logger='current', level=logging.WARNING)
        self._told = self._told or bool(points)

    def attention(self, student: list[Tensor], teacher: list[Tensor]) -> Tensor:
        """Attention (N, T, S) of maps; over the last axis it sums to 1 (eq. 4-6)."""
        queries = torch.stack([project(x.mean((-1, -2))) for project, x in zip(
            self.queries, teacher, strict=True)], dim=1)
        keys = torch.stack([project(x.mean((-1, -2))).relu() for project, x in zip(
            self.keys, student, strict=True)], dim=1)
        samples, stages, channels = keys.shape
        # One batch norm over samples and stages, as in the authors' code.
        mixed = self.bilinear(keys.flatten(0, 1)).view(samples, stages, len(teacher), channels)
        scores = torch.einsum('nstd,ntd->nts', mixed, queries) + self.place_t @ self.place_s.T
        return (scores / channels ** 0.5).softmax(-1)


def projection(in_channels: int, out_channels: int) -> nn.Sequential:
    """A linear layer and a batch norm."""
    return nn.Sequential(nn.Linear(in_channels, out_channels), nn.BatchNorm1d(out_channels))


def value_of(square: Tensor, size: Sequence[int]) -> Tensor:
    """A map of energy (N, 1, H, W) at another size, as unit vectors (N, places) (eq. 7)."""
    height, width = size
    if square.shape[-2:] != (height, width):
        square = F.adaptive_avg_pool2d(square, (height, width))
    return F.normalize(square.flatten(1), dim=1)
