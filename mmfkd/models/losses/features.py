"""Losses between features."""

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

    Args:
        student: ``branch.tap`` of the student's feature, any shape.
        teacher: likewise for the teacher.
        weight: see :class:`DistillLoss`.
        adapter: see :class:`DistillLoss`.
    """

    def __init__(self, student: str = 'student.feat', teacher: str = 'teacher.feat',
                 weight: float = 1.0, adapter: dict | None = None) -> None:
        super().__init__(student, teacher, weight, adapter)

    def terms(self, student: Tensor, teacher: Tensor, gt: Tensor | None) -> dict[str, Tensor]:
        """``mse``: mean over all elements."""
        return dict(mse=F.mse_loss(student, teacher))
