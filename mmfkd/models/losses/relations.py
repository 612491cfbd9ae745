"""Losses between the relations of samples."""

import torch
from torch import Tensor
from torch.nn import functional as F

from mmfkd.registry import MODELS

from .base import DistillLoss
from .shapes import pooled


@MODELS.register_module()
class RKDLoss(DistillLoss):
    """Distances and angles between the samples of a batch.

    Paper: Park et al., "Relational Knowledge Distillation" (arXiv 1904.05068), eq. 5-10: Huber loss
    between pairwise distances, each divided by the mean of its branch, and between the cosines of
    the angles of all triplets. The widths of the branches may differ.

    Maps are averaged over space first, so a relation is one between images. Memory grows with N³
    for the angles. A distance of 0 has no gradient. Two samples have one distance, which is its own
    mean, and no angle: with fewer than three in the batch of a process the loss is 0.

    Args:
        student: ``branch.tap`` of the student's feature, (N, C) or (N, C, H, W); N of 3 or more.
        teacher: likewise for the teacher, of any width.
        weight: see :class:`DistillLoss`.
        distance_weight: factor of the distances; 25 for classification, 1 for metric learning.
        angle_weight: factor of the angles; 50 for classification, 2 for metric learning.
    """

    least_samples = 3

    def __init__(self, student: str = 'student.feat', teacher: str = 'teacher.feat',
                 weight: float = 1.0, distance_weight: float = 25.0,
                 angle_weight: float = 50.0) -> None:
        super().__init__(student, teacher, weight)
        self.distance_weight = distance_weight
        self.angle_weight = angle_weight

    def _match(self, tapped: Tensor, teacher: Tensor) -> Tensor:
        """Nothing to match: relations have no width."""
        return tapped

    def terms(self, student: Tensor, teacher: Tensor, gt: Tensor | None) -> dict[str, Tensor]:
        """``distance`` and ``angle``: see the class."""
        student, teacher = pooled(student), pooled(teacher)
        distance = F.smooth_l1_loss(relative_distances(student), relative_distances(teacher))
        angle = F.smooth_l1_loss(cosines(student), cosines(teacher))
        return dict(distance=self.distance_weight * distance, angle=self.angle_weight * angle)


def relative_distances(x: Tensor) -> Tensor:
    """Distances (N, N) of vectors (N, C), divided by their mean over all pairs (eq. 5-6)."""
    distances = torch.linalg.vector_norm(x[:, None] - x[None], dim=-1)
    pairs = max(len(x) * (len(x) - 1), 1)
    return distances / (distances.sum() / pairs).clamp(min=1e-12)


def cosines(x: Tensor) -> Tensor:
    """Cosine (N, N, N) of the angle at the first vector between the other two (eq. 8)."""
    gaps = x[None] - x[:, None]
    norm = torch.linalg.vector_norm(gaps, dim=-1, keepdim=True)
    # Divided by infinity, equal samples have a direction and a gradient of 0.
    directions = gaps / norm.masked_fill(norm == 0, torch.inf)
    return directions @ directions.transpose(1, 2)
