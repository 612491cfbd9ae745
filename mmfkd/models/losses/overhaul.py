"""OFD: distillation of features before the activation."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmfkd.registry import MODELS

from .base import StageLoss
from .shapes import as_map, resized


@MODELS.register_module()
class OFDLoss(StageLoss):
    """Partial L2 distance to the teacher's features before the activation, at several stages.

    Paper: Heo et al., "A Comprehensive Overhaul of Feature Distillation" (arXiv 1904.01866). The
    teacher passes a margin ReLU, ``t' = max(t, m)`` with the channel's mean of negative values m
    (eq. 2-3); the student passes a connector, a 1x1 convolution and a batch norm; the distance
    leaves out where the student is below a target that is not positive (eq. 4): ``(s - t')²``
    except where ``s <= t' <= 0``, summed over the map and divided by N. Stage i of L counts
    ``2^(i - L)``.

    m is the mean of all negative values of the channel seen so far in training, so no module of the
    teacher is needed.

    Departures from the authors' code are in ``docs/methods.md``, section ``ofd``.

    Args:
        student: taps of the student's stages before the activation, from shallow to deep.
        teacher: likewise for the teacher.
        student_channels: width of each stage of the student.
        teacher_channels: likewise for the teacher.
        weight: see :class:`DistillLoss`; the authors take 1e-3 for CIFAR, 1e-4 for ImageNet, 1e-5
            for segmentation, as the sum grows with the map.

    Raises:
        ValueError: another number of taps than of widths.
    """

    def __init__(self, student_channels: Sequence[int], teacher_channels: Sequence[int],
                 student: Sequence[str] = ('student.pre1', 'student.pre2', 'student.pre3',
                                           'student.pre4'),
                 teacher: Sequence[str] = ('teacher.pre1', 'teacher.pre2', 'teacher.pre3',
                                           'teacher.pre4'),
                 weight: float = 1e-3) -> None:
        super().__init__(student_channels, teacher_channels, student, teacher, weight)
        self.connectors = nn.ModuleList(connector(s, t) for s, t in zip(
            student_channels, teacher_channels, strict=True))
        self.margins = nn.ModuleList(NegativeMean(t) for t in teacher_channels)

    def terms(self, student: list[Tensor], teacher: list[Tensor], gt: Tensor | None
              ) -> dict[str, Tensor]:
        """``stage1`` to ``stageL``: see the class."""
        terms = {}
        for i, (s, t) in enumerate(zip(student, teacher, strict=True)):
            t = as_map(t)
            s = resized(self.connectors[i](as_map(s)), t.shape[-2:])
            target = torch.maximum(t, self.margins[i](t))
            share = 2.0 ** (i + 1 - len(student))
            terms[f'stage{i + 1}'] = share * partial_distance(s, target) / len(t)
        return terms


def connector(in_channels: int, out_channels: int) -> nn.Sequential:
    """A 1x1 convolution and a batch norm, initialised as by the authors."""
    conv = nn.Conv2d(in_channels, out_channels, 1, bias=False)
    nn.init.normal_(conv.weight, std=(2 / out_channels) ** 0.5)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels))


def partial_distance(student: Tensor, target: Tensor) -> Tensor:
    """Sum of ``(s - t)²`` but for where ``s <= t <= 0`` (eq. 4)."""
    counted = (student > target) | (target > 0)
    return ((student - target) * counted).square().sum()


class NegativeMean(nn.Module):
    """Mean of a channel's negative values over all training batches so far; 0 before the first.

    Args:
        channels: width C.
    """

    total: Tensor
    count: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        # In double precision: the counts pass what float32 can add one to.
        self.register_buffer('total', torch.zeros(channels, dtype=torch.float64))
        self.register_buffer('count', torch.zeros(channels, dtype=torch.float64))

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (C, 1, 1)."""
        if self.training:
            self.total += x.clamp(max=0).sum((0, 2, 3))
            self.count += (x < 0).sum((0, 2, 3))
        return (self.total / self.count.clamp(min=1)).to(x.dtype)[:, None, None]
