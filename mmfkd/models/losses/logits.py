"""Losses between logits."""

from torch import Tensor
from torch.nn import functional as F

from mmfkd.registry import MODELS

from .base import DistillLoss


@MODELS.register_module()
class KDLoss(DistillLoss):
    """Knowledge distillation between logits.

    Paper: Hinton et al., "Distilling the Knowledge in a Neural Network" (arXiv 1503.02531):
    ``T² · KL(softmax(teacher / T) || softmax(student / T))``, averaged over samples and, for
    maps, over pixels; ``batchmean`` on maps, as it is often written, divides by the batch alone
    and grows with the image.

    Args:
        student: ``branch.tap`` of the student's logits, (N, C) or (N, C, H, W).
        teacher: likewise for the teacher.
        weight: see :class:`DistillLoss`.
        adapter: see :class:`DistillLoss`.
        temperature: T, above 0.

    Raises:
        ValueError: ``temperature`` is not above 0.
    """

    def __init__(self, student: str = 'student.logits', teacher: str = 'teacher.logits',
                 weight: float = 1.0, adapter: dict | None = None,
                 temperature: float = 4.0) -> None:
        super().__init__(student, teacher, weight, adapter)
        if temperature <= 0:
            raise ValueError(f'temperature={temperature} must be above 0')
        self.temperature = temperature

    def terms(self, student: Tensor, teacher: Tensor, gt: Tensor | None) -> dict[str, Tensor]:
        """``kl``: see the class."""
        log_s = F.log_softmax(student / self.temperature, dim=1)
        log_t = F.log_softmax(teacher / self.temperature, dim=1)
        divergence = F.kl_div(log_s, log_t, reduction='none', log_target=True).sum(1)
        return dict(kl=self.temperature ** 2 * divergence.mean())
