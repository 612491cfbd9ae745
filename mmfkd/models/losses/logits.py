"""Losses between logits.

All take (N, C) or, pixel by pixel, (N, C, H, W), whose labels are brought to the size of the
logits. Positions that have no label do not count, and without any the loss is 0. Means are over
positions: ``batchmean`` on maps divides by the batch alone and grows with the image.
"""

import torch
from torch import Tensor
from torch.linalg import vector_norm
from torch.nn import functional as F

from mmfkd.registry import MODELS

from .base import LogitLoss
from .shapes import mean_of_rows, without_target


def divergence(student: Tensor, teacher: Tensor) -> Tensor:
    """``KL(teacher || student)`` of each row of logarithms of probabilities, (M, C) to (M,)."""
    return F.kl_div(student, teacher, reduction='none', log_target=True).sum(1)


@MODELS.register_module()
class KDLoss(LogitLoss):
    """Knowledge distillation between logits.

    Paper: Hinton et al., "Distilling the Knowledge in a Neural Network" (arXiv 1503.02531):
    ``T² · KL(softmax(teacher / T) || softmax(student / T))``, averaged over samples and, for
    maps, over pixels; by default over those without a label too.

    With T = 1 between two students, once in each direction, it is DML: Zhang et al., "Deep Mutual
    Learning" (arXiv 1706.00384), eq. 3-6. Departures from the authors' code are in
    ``docs/methods.md``, sections ``kd`` and ``dml``.

    Args:
        student: ``branch.tap`` of the student's logits, (N, C) or (N, C, H, W).
        teacher: likewise for the teacher.
        weight: see :class:`DistillLoss`.
        adapter: see :class:`DistillLoss`.
        temperature: T, above 0.
        ignore_index: label of the positions to leave out; None takes all and needs no labels.

    Raises:
        ValueError: ``temperature`` is not above 0.
    """

    def __init__(self, student: str = 'student.logits', teacher: str = 'teacher.logits',
                 weight: float = 1.0, adapter: dict | None = None, temperature: float = 4.0,
                 ignore_index: int | None = None) -> None:
        super().__init__(student, teacher, weight, adapter, temperature, ignore_index)

    def row_terms(self, student: Tensor, teacher: Tensor, labels: Tensor | None
                  ) -> dict[str, Tensor]:
        """``kl``: see the class."""
        log_s = F.log_softmax(student / self.temperature, dim=1)
        log_t = F.log_softmax(teacher / self.temperature, dim=1)
        # Flat: rows, or positions of a map.
        return dict(kl=self.temperature ** 2 * mean_of_rows(divergence(log_s, log_t).flatten()))


@MODELS.register_module()
class DISTLoss(LogitLoss):
    """Correlation of the predicted probabilities, between classes and within a class.

    Paper: Huang et al., "Knowledge Distillation from A Stronger Teacher" (arXiv 2205.10536), eq.
    7-10, with Pearson's ρ: ``inter = 1 - mean over samples of ρ along the classes``, ``intra = 1 -
    mean over classes of ρ along the samples``, both times T².

    As in the authors' code 1e-8 is added to ρ's denominator, so a row or column without variance
    has ρ = 0 and no gradient, and a batch of one sample has intra = 1. Departures from that code
    are in ``docs/methods.md``, section ``dist``.

    With two classes ρ along them is 1 or -1: ``inter`` has no slope except where a prediction
    is nearly even, and there it grows as 1e-8 over the square of its spread, which makes
    training diverge. Leave it out with ``inter_weight=0``.

    Args:
        student: ``branch.tap`` of the student's logits, (N, C) or (N, C, H, W).
        teacher: likewise for the teacher.
        weight: see :class:`DistillLoss`; the authors' ImageNet recipe has 2, segmentation 1.
        adapter: see :class:`DistillLoss`.
        inter_weight: β.
        intra_weight: γ.
        temperature: T, above 0; the authors take 4 for CIFAR.
        ignore_index: label of the positions to leave out; None takes all and needs no labels.

    Raises:
        ValueError: ``temperature`` is not above 0.
    """

    def __init__(self, student: str = 'student.logits', teacher: str = 'teacher.logits',
                 weight: float = 1.0, adapter: dict | None = None, inter_weight: float = 1.0,
                 intra_weight: float = 1.0, temperature: float = 1.0,
                 ignore_index: int | None = 255) -> None:
        super().__init__(student, teacher, weight, adapter, temperature, ignore_index)
        self.inter_weight = inter_weight
        self.intra_weight = intra_weight

    def row_terms(self, student: Tensor, teacher: Tensor, labels: Tensor | None
                  ) -> dict[str, Tensor]:
        """``inter`` and ``intra``: see the class."""
        probs_s, probs_t = ((x / self.temperature).softmax(1).movedim(1, -1).flatten(0, -2)
                            for x in (student, teacher))
        squared = self.temperature ** 2 * (len(probs_s) > 0)
        return dict(
            inter=self.inter_weight * squared * (1 - mean_of_rows(pearson(probs_s, probs_t))),
            intra=self.intra_weight * squared * (1 - pearson(probs_s.T, probs_t.T).mean()))


def pearson(a: Tensor, b: Tensor, eps: float = 1e-8) -> Tensor:
    """Correlation of each row, (M, C) to (M,); 0 for a row without variance."""
    (a, norm_a), (b, norm_b) = _centred(a), _centred(b)
    return (a * b).sum(1) / (norm_a * norm_b + eps)


def _centred(x: Tensor) -> tuple[Tensor, Tensor]:
    """Rows (M, C) without their mean, and their norms (M,)."""
    centred = x - x.sum(1, keepdim=True) / max(x.size(1), 1)
    # What is left of a constant row is rounding, whose slope would be 1 / eps.
    varies = vector_norm(centred, dim=1) > 1e-6 * vector_norm(x, dim=1)
    centred = centred * varies[:, None]
    return centred, vector_norm(centred, dim=1)


@MODELS.register_module()
class DKDLoss(LogitLoss):
    """Distillation of the target class and of the other classes, each with its own weight.

    Paper: Zhao et al., "Decoupled Knowledge Distillation" (arXiv 2203.08679), eq. 5-7: ``T² · (α ·
    KL of (target, rest) + β · KL among the classes that are not the target)``.

    With two classes the second term is 0. A warm-up is :class:`mmfkd.engine.LossWeightHook`.

    Departures from the authors' code are in ``docs/methods.md``, section ``dkd``.

    Args:
        student: ``branch.tap`` of the student's logits, (N, C) or (N, C, H, W).
        teacher: likewise for the teacher.
        weight: see :class:`DistillLoss`.
        adapter: see :class:`DistillLoss`.
        target_weight: α.
        rest_weight: β; 8 for CIFAR, 0.5 for ImageNet.
        temperature: T, above 0; 4 for CIFAR, 1 for ImageNet.
        ignore_index: label of the positions to leave out.

    Raises:
        ValueError: ``temperature`` is not above 0.
    """

    by_label = True

    def __init__(self, student: str = 'student.logits', teacher: str = 'teacher.logits',
                 weight: float = 1.0, adapter: dict | None = None, target_weight: float = 1.0,
                 rest_weight: float = 8.0, temperature: float = 4.0,
                 ignore_index: int = 255) -> None:
        super().__init__(student, teacher, weight, adapter, temperature, ignore_index)
        self.target_weight = target_weight
        self.rest_weight = rest_weight

    def row_terms(self, student: Tensor, teacher: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """``target`` and ``rest``: see the class."""
        student, teacher = student / self.temperature, teacher / self.temperature
        binary = divergence(target_and_rest(student, labels), target_and_rest(teacher, labels))
        rest = rest_divergence(student, teacher, labels)
        return dict(target=self.target_weight * self.temperature ** 2 * mean_of_rows(binary),
                    rest=self.rest_weight * self.temperature ** 2 * mean_of_rows(rest))


def target_and_rest(logits: Tensor, labels: Tensor) -> Tensor:
    """Logarithms (M, 2) of the probabilities of the target and of all other classes together."""
    log_probs = F.log_softmax(logits, dim=1)
    target = log_probs.gather(1, labels[:, None])
    rest = without_target(log_probs, labels).logsumexp(1, keepdim=True)
    return torch.cat([target, rest], dim=1)


def rest_divergence(student: Tensor, teacher: Tensor, labels: Tensor) -> Tensor:
    """KL divergence (M,) among the classes that are not the target."""
    return divergence(*(F.log_softmax(without_target(x, labels), dim=1)
                        for x in (student, teacher)))


@MODELS.register_module()
class NKDLoss(LogitLoss):
    """Distillation of the classes that are not the target.

    FDKD's tables mean by "NKD" that only they are used (caption of Table 1): ``T² · KL among the
    classes that are not the target``, the second term of :class:`DKDLoss`. The published method of
    that name is :class:`NormalizedKDLoss`.

    Args:
        student: ``branch.tap`` of the student's logits, (N, C) or (N, C, H, W).
        teacher: likewise for the teacher.
        weight: see :class:`DistillLoss`.
        adapter: see :class:`DistillLoss`.
        temperature: T, above 0.
        ignore_index: label of the positions to leave out.

    Raises:
        ValueError: ``temperature`` is not above 0.
    """

    by_label = True

    def row_terms(self, student: Tensor, teacher: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """``rest``: see the class."""
        rest = rest_divergence(student / self.temperature, teacher / self.temperature, labels)
        return dict(rest=self.temperature ** 2 * mean_of_rows(rest))


@MODELS.register_module()
class NormalizedKDLoss(LogitLoss):
    """Normalised distillation of the target and of the other classes.

    Paper: Yang et al., "From Knowledge Distillation to Self-Knowledge Distillation" (arXiv
    2303.13005), eq. 8: ``-t_y log s_y - γ · T² · Σ over the others of t̂ log ŝ``, with probabilities
    at temperature 1 for the target y, and renormalised ones at temperature T for the others.

    Args:
        student: ``branch.tap`` of the student's logits, (N, C) or (N, C, H, W).
        teacher: likewise for the teacher.
        weight: see :class:`DistillLoss`.
        adapter: see :class:`DistillLoss`.
        temperature: T, above 0.
        gamma: γ.
        ignore_index: label of the positions to leave out.

    Raises:
        ValueError: ``temperature`` is not above 0.
    """

    by_label = True

    def __init__(self, student: str = 'student.logits', teacher: str = 'teacher.logits',
                 weight: float = 1.0, adapter: dict | None = None, temperature: float = 1.0,
                 gamma: float = 1.5, ignore_index: int = 255) -> None:
        super().__init__(student, teacher, weight, adapter, temperature, ignore_index)
        self.gamma = gamma

    def row_terms(self, student: Tensor, teacher: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """``target`` and ``rest``: see the class."""
        log_s, log_t = (F.log_softmax(x, dim=1).gather(1, labels[:, None])[:, 0]
                        for x in (student, teacher))
        others = [F.log_softmax(without_target(x / self.temperature, labels), dim=1)
                  for x in (student, teacher)]
        rest = -(others[1].exp() * others[0]).sum(1)
        return dict(target=-mean_of_rows(log_t.exp() * log_s),
                    rest=self.gamma * self.temperature ** 2 * mean_of_rows(rest))
