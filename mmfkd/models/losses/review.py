"""ReviewKD: comparison of stages that are fused from deep to shallow."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmfkd.registry import MODELS

from .base import StageLoss
from .shapes import as_map


@MODELS.register_module()
class ReviewKDLoss(StageLoss):
    """Fused stages of the student against the stages of the teacher, over a pyramid of sizes.

    Paper: Chen et al., "Distilling Knowledge via Knowledge Review" (arXiv 2104.09044), eq. 8-9 and
    figures 3-4. From deep to shallow, each stage of the student is fused with what came before
    (:class:`AttentionFusion`) and compared with the teacher's stage by :func:`pyramid_distance`.

    Maps may have any size. A warm-up is :class:`mmfkd.engine.LossWeightHook`.

    Departures from the authors' code are in ``docs/methods.md``, section ``reviewkd``.

    Args:
        student: taps of the student's stages, from shallow to deep; see
            :func:`mmfkd.models.losses.shapes.as_map`.
        teacher: likewise for the teacher.
        student_channels: width of each stage of the student.
        teacher_channels: likewise for the teacher.
        weight: see :class:`DistillLoss`; 1 for ImageNet, 0.6 to 8 for CIFAR.
        mid_channels: width at which stages are fused.
        pooled: review the average of the last stage too.

    Raises:
        ValueError: another number of taps than of widths.
    """

    def __init__(self, student_channels: Sequence[int], teacher_channels: Sequence[int],
                 student: Sequence[str] = ('student.layer1', 'student.layer2', 'student.layer3',
                                           'student.layer4'),
                 teacher: Sequence[str] = ('teacher.layer1', 'teacher.layer2', 'teacher.layer3',
                                           'teacher.layer4'),
                 weight: float = 1.0, mid_channels: int = 512, pooled: bool = True) -> None:
        super().__init__(student_channels, teacher_channels, student, teacher, weight)
        self.pooled = pooled
        last = (-1,) if pooled else ()
        widths = [(student_channels[i], teacher_channels[i])
                  for i in (*range(len(student_channels)), *last)]
        self.fusions = nn.ModuleList(
            AttentionFusion(s, t, mid_channels, fuse=i < len(widths) - 1)
            for i, (s, t) in enumerate(widths))

    def terms(self, student: list[Tensor], teacher: list[Tensor], gt: Tensor | None
              ) -> dict[str, Tensor]:
        """``review``: see the class."""
        student, teacher = [as_map(x) for x in student], [as_map(x) for x in teacher]
        if self.pooled:
            for stages in (student, teacher):
                stages.append(stages[-1].mean((-1, -2), keepdim=True))
        total: Any = 0
        residual = None
        for fusion, s, t in reversed(list(zip(self.fusions, student, teacher, strict=True))):
            fused, residual = fusion(s, residual, t.shape[-2:])
            total = total + pyramid_distance(fused, t)
        return dict(review=total)


class AttentionFusion(nn.Module):
    """The paper's ABF: brings a stage to a common width and mixes it with the deeper ones.

    Args:
        in_channels: width of the student's stage.
        out_channels: width of the teacher's stage.
        mid_channels: width at which they are mixed.
        fuse: False for the deepest stage, which has nothing to be mixed with.
    """

    def __init__(self, in_channels: int, out_channels: int, mid_channels: int, fuse: bool) -> None:
        super().__init__()
        self.reduce = nn.Sequential(nn.Conv2d(in_channels, mid_channels, 1, bias=False),
                                    nn.BatchNorm2d(mid_channels))
        self.expand = nn.Sequential(
            nn.Conv2d(mid_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels))
        self.gates = None
        if fuse:
            self.gates = nn.Sequential(nn.Conv2d(2 * mid_channels, 2, 1), nn.Sigmoid())

    def forward(self, x: Tensor, residual: Any, size: Sequence[int]) -> tuple[Tensor, Tensor]:
        """The fused stage at the teacher's width and ``size``, and what the next is mixed with."""
        x = self.reduce(x)
        if self.gates is not None:
            residual = F.interpolate(residual, size=x.shape[-2:], mode='nearest')
            gates = self.gates(torch.cat([x, residual], dim=1))
            x = x * gates[:, :1] + residual * gates[:, 1:]
        if x.shape[-2:] != tuple(size):
            x = F.interpolate(x, size=tuple(size), mode='nearest')
        return self.expand(x), x


def pyramid_distance(student: Tensor, teacher: Tensor, levels: Sequence[int] = (4, 2, 1)
                     ) -> Tensor:
    """The paper's HCL: mean squared errors of two maps at full size and averaged to smaller ones.

    Each level counts half of the one before, and the weights sum to 1. A level that is not below
    both sides of the map is left out.
    """
    total, weight, weights = F.mse_loss(student, teacher), 1.0, 1.0
    for level in levels:
        if level >= min(student.shape[-2:]):
            continue
        weight /= 2
        weights += weight
        total = total + weight * F.mse_loss(F.adaptive_avg_pool2d(student, level),
                                            F.adaptive_avg_pool2d(teacher, level))
    return total / weights
