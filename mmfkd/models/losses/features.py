"""Losses between features."""

import torch
from torch import Tensor
from torch.nn import functional as F

from mmfkd.registry import MODELS

from .base import DistillLoss


@MODELS.register_module()
class FeatureLoss(DistillLoss):
    """Mean squared error between raw features, the "Feat" rows of FDKD's tables.

    After FitNets (Romero et al., arXiv 1412.6550), without the two-stage training; a learned
    regressor is an ``adapter``. No standardisation: it is the baseline that FDKD's section 3.2
    argues against.

    It is also L_D2 of CSK-Net (eq. 9), once for stage 4, stage 5 and the decoder. The text there
    says mean squared error, eq. 9 prints norms that are not squared: ``squared=False``.

    Args:
        student: ``branch.tap`` of the student's feature, any shape.
        teacher: likewise for the teacher.
        weight: see :class:`DistillLoss`.
        adapter: see :class:`DistillLoss`.
        squared: mean squared error; else the Euclidean norm of the difference, averaged over
            samples, which grows with the root of the number of elements.
    """

    def __init__(self, student: str = 'student.feat', teacher: str = 'teacher.feat',
                 weight: float = 1.0, adapter: dict | None = None, squared: bool = True) -> None:
        super().__init__(student, teacher, weight, adapter)
        self.squared = squared

    def terms(self, student: Tensor, teacher: Tensor, gt: Tensor | None) -> dict[str, Tensor]:
        """``mse``, mean over all elements; or ``norm``."""
        if self.squared:
            return dict(mse=F.mse_loss(student, teacher))
        # The gradient of a norm at zero is taken as zero and not as NaN.
        return dict(norm=torch.linalg.vector_norm((student - teacher).flatten(1), dim=1).mean())
