"""Losses that take a teacher's prediction for labels (CSK-Net, DisOptNet)."""

from torch import Tensor
from torch.nn import functional as F

from mmfkd.registry import MODELS

from .base import DistillLoss
from .dice import multiclass_dice
from .logits import divergence
from .shapes import class_logits

IGNORED = -100  # label of the positions of which the teacher is not sure


@MODELS.register_module()
class SoftLabelLoss(DistillLoss):
    """KL divergence and cross entropy to the teacher's probabilities, L_D1 of CSK-Net (eq. 8).

    ``Σ t log(t / s) - Σ t log s`` over classes, with probabilities t and s at temperature 1,
    averaged over samples and pixels. The two differ by the teacher's entropy, which has no
    gradient, so together they are twice either of them. DisOptNet uses the cross entropy alone
    (``kl_weight=0``).

    Args:
        student: ``branch.tap`` of the student's logits, (N, C) or (N, C, H, W).
        teacher: likewise for the teacher.
        weight: see :class:`DistillLoss`.
        adapter: see :class:`DistillLoss`.
        kl_weight: factor of the KL divergence; 0 leaves it out.
        ce_weight: factor of the cross entropy; 0 leaves it out.
    """

    of_logits = True

    def __init__(self, student: str = 'student.logits', teacher: str = 'teacher.logits',
                 weight: float = 1.0, adapter: dict | None = None, kl_weight: float = 1.0,
                 ce_weight: float = 1.0) -> None:
        super().__init__(student, teacher, weight, adapter)
        self.kl_weight = kl_weight
        self.ce_weight = ce_weight

    def terms(self, student: Tensor, teacher: Tensor, gt: Tensor | None) -> dict[str, Tensor]:
        """``kl`` and ``ce``: see the class."""
        student, teacher = class_logits(student), class_logits(teacher)
        log_s, log_t = F.log_softmax(student, dim=1), F.log_softmax(teacher, dim=1)
        terms = {}
        if self.kl_weight:
            terms['kl'] = self.kl_weight * divergence(log_s, log_t).mean()
        if self.ce_weight:
            terms['ce'] = -self.ce_weight * (log_t.exp() * log_s).sum(1).mean()
        return terms


@MODELS.register_module()
class PseudoLabelLoss(DistillLoss):
    """Cross entropy and Dice to the teacher's most probable class, where the teacher is sure.

    L_seg of DisOptNet's pseudo branch (Kang et al., TGRS 2022, and its code), which takes every
    pixel. With a threshold it is the pseudo label of FixMatch (Sohn et al., arXiv 2001.07685, eq.
    4), a cross entropy over all positions, to which unsure ones add 0, but from a teacher.

    Args:
        student: ``branch.tap`` of the student's logits, (N, C) or (N, C, H, W).
        teacher: likewise for the teacher.
        weight: see :class:`DistillLoss`.
        adapter: see :class:`DistillLoss`.
        threshold: probability that the teacher's class must reach to count, from 0 to 1.
        dice_weight: factor of Dice, which takes maps; 0 leaves it out.

    Raises:
        ValueError: a threshold outside [0, 1], or Dice on vectors.
    """

    of_logits = True

    def __init__(self, student: str = 'student.logits', teacher: str = 'teacher.logits',
                 weight: float = 1.0, adapter: dict | None = None, threshold: float = 0.0,
                 dice_weight: float = 1.0) -> None:
        super().__init__(student, teacher, weight, adapter)
        if not 0 <= threshold <= 1:
            raise ValueError(f'threshold={threshold}: it is a probability, from 0 to 1')
        self.threshold = threshold
        self.dice_weight = dice_weight

    def terms(self, student: Tensor, teacher: Tensor, gt: Tensor | None) -> dict[str, Tensor]:
        """``ce`` and ``dice``: see the class."""
        student, teacher = class_logits(student), class_logits(teacher)
        surety, labels = teacher.softmax(1).max(1)
        labels = labels.masked_fill(surety < self.threshold, IGNORED)
        ce = F.cross_entropy(student, labels, ignore_index=IGNORED, reduction='none').mean()
        if not self.dice_weight:
            return dict(ce=ce)
        if student.ndim != 4:
            raise ValueError('PseudoLabelLoss: Dice takes maps, and these logits are '
                             f'{tuple(student.shape)}: set dice_weight=0')
        return dict(ce=ce, dice=self.dice_weight * multiclass_dice(student, labels, IGNORED))
