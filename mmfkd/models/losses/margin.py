"""The losses of MMANet: relations of pixels weighed by margin, and weak combinations again."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from mmfkd.registry import MODELS

from .base import DistillLoss
from .shapes import class_logits, labelled_rows


@MODELS.register_module()
class MADLoss(DistillLoss):
    """Margin-aware distillation: relations between pixels, those near a class border counting more.

    Paper: Wei et al., "MMANet" (CVPR 2023), eq. 4-8, in the form of its code for segmentation. The
    rows X are the pixels of the whole batch. With the columns of ``G = X Xᵀ`` cut in two halves and
    each half of a row normalised by itself to Ĝ::

        L = Σ_maps Σ_r w_r Σ_halves ‖Ĝs_r - Ĝt_r‖²        w = H / Σ H

    H is the entropy of the teacher's prediction (the paper), of logits that are averaged to the
    size of the map as in the authors' code, which however takes a feature for logits: that is what
    ``margin`` may name. No
    R x R matrix is built: with the covariances ``A = Xsᵀ Xt`` of a half, ``Gs_r · Gt_r =
    xs_r A xt_rᵀ``, so memory and time grow with the number R of pixels. The widths of student and
    teacher may differ.

    Args:
        student: ``branch.tap`` of maps (N, D, H, W).
        teacher: likewise for the teacher, of the same sizes.
        margin: ``branch.tap`` of the teacher's logits (N, C, h, w), or of the feature whose
            entropy the authors' code takes.
        pool: maps that are higher are averaged to this height and width first.
        weight: factor; 4 on NYUv2, 10 on Cityscapes, both from the 12th epoch on.

    Raises:
        ValueError: another number of maps, or maps of other sizes than the teacher's.
    """

    paired = False

    def __init__(self, student: Sequence[str], teacher: Sequence[str], margin: str,
                 pool: Sequence[int] = (30, 40), weight: float = 4.0) -> None:
        super().__init__(student, [*teacher, margin], weight)
        if len(student) != len(teacher):
            raise ValueError(f'MADLoss: {len(student)} taps in student, but {len(teacher)} in '
                             'teacher')
        self.height, self.width = pool

    def terms(self, student: list[Tensor], teacher: list[Tensor], gt: Tensor | None
              ) -> dict[str, Tensor]:
        """``margin``: the sum over the maps.

        Args:
            student: maps (N, D, H, W).
            teacher: maps likewise, and the logits last.
            gt: nothing.
        """
        *maps, logits = teacher
        parts = []
        for own, other in zip(student, maps, strict=True):
            if own.shape[0] != other.shape[0] or own.shape[-2:] != other.shape[-2:]:
                raise ValueError(f'MADLoss: a map of the student is {tuple(own.shape)}, the '
                                 f"teacher's {tuple(other.shape)}: tap places of one size")
            own, other = self._small(own), self._small(other)
            pooled = F.adaptive_avg_pool2d(class_logits(logits), (own.size(-2), own.size(-1)))
            parts.append((relation_gaps(rows(own), rows(other)) * margins(pooled)).sum())
        return dict(margin=torch.stack(parts).sum())

    def _small(self, x: Tensor) -> Tensor:
        high = x.size(-2) > self.height
        return F.adaptive_avg_pool2d(x, (self.height, self.width)) if high else x


def rows(x: Tensor) -> Tensor:
    """A map (N, D, H, W) as its pixels (N · H · W, D)."""
    return x.movedim(1, -1).flatten(0, 2)


def margins(logits: Tensor) -> Tensor:
    """Entropy of each pixel of logits (N, C, h, w) by the sum of all, (N · h · w,)."""
    probabilities = rows(logits).softmax(1)
    entropy = -torch.xlogy(probabilities, probabilities).sum(1)
    return entropy / entropy.sum().clamp(min=torch.finfo(entropy.dtype).tiny)


def relation_gaps(student: Tensor, teacher: Tensor) -> Tensor:
    """Σ_halves ‖Ĝs_r - Ĝt_r‖² of each row of (R, D) and (R, D'): see :class:`MADLoss`."""
    half = len(student) // 2
    gaps = torch.zeros_like(student[:, 0])
    for part in (slice(half), slice(half, None)):
        own = row_products(student, student[part].T @ student[part], student)
        other = row_products(teacher, teacher[part].T @ teacher[part], teacher)
        mixed = row_products(student, student[part].T @ teacher[part], teacher)
        # As torch's normalisation has it, a row without length stays one.
        own_length, other_length = (x.clamp(min=1e-24).sqrt() for x in (own, other))
        gaps = gaps + (own / own_length**2 + other / other_length**2
                       - 2 * mixed / (own_length * other_length))
    return gaps


def row_products(left: Tensor, matrix: Tensor, right: Tensor) -> Tensor:
    """``left_r · matrix · right_rᵀ`` of each row r."""
    return (left @ matrix * right).sum(1)


@MODELS.register_module()
class ModalityRegularizationLoss(DistillLoss):
    """Modality-aware regularisation: an auxiliary head learns the weak combination once more.

    Paper: Wei et al., "MMANet" (CVPR 2023), eq. 9-10: cross entropy of the auxiliary head, at all
    its scales, over the samples of the batch whose mask is the weak combination. Its gradient
    reaches the encoders through the shared maps. Which combination is weak is given, or chosen on
    validation by :class:`mmfkd.engine.WeakCombinationHook`; without one the loss is 0.

    Args:
        student: ``branch.tap`` of the auxiliary head's logits (N, C, h, w) of each scale.
        mask: ``branch.tap`` of the masks (N, M).
        modalities: names of the modalities, in the order of the masks.
        weak: names of those that the weak combination keeps; None where it is chosen.
        weight: factor; 0.2 on NYUv2, 0.1 on Cityscapes, both from the 12th epoch on.
        ignore_index: label that does not count.

    Raises:
        ValueError: ``weak`` names no modality, all of them, or one that is not there.
    """

    needs_gt = True
    paired = False
    weak_mask: Tensor

    def __init__(self, student: Sequence[str], mask: str, modalities: Sequence[str],
                 weak: Sequence[str] | None = None, weight: float = 0.2,
                 ignore_index: int = 255) -> None:
        super().__init__([*student, mask], None, weight)
        self.modalities = tuple(modalities)
        self.ignore_index = ignore_index
        # What is given stands in the config, and no checkpoint of another run changes it.
        self.register_buffer('weak_mask', torch.zeros(len(self.modalities)),
                             persistent=weak is None)
        if weak is not None:
            self.choose(weak)

    def choose(self, weak: Sequence[str]) -> None:
        """Makes a combination the weak one; one that was chosen so is part of checkpoints."""
        if isinstance(weak, str) or not set(weak) < set(self.modalities) or not weak:
            raise ValueError(f'weak={weak!r}: give a list of some, and not all, of the modalities '
                             f'{list(self.modalities)}')
        for i, name in enumerate(self.modalities):
            self.weak_mask[i] = float(name in weak)

    @property
    def weak(self) -> tuple[str, ...]:
        """Names of the modalities that the weak combination keeps; none before it is chosen."""
        return tuple(name for name, kept in
                     zip(self.modalities, self.weak_mask.tolist(), strict=True) if kept)

    def terms(self, student: list[Tensor], teacher: list[Tensor], gt: Tensor
              ) -> dict[str, Tensor]:
        """``weak``: the sum over the scales; 0 without a sample of the weak combination.

        Args:
            student: logits (N, C, h, w) of each scale, and the masks (N, M) last.
            teacher: nothing.
            gt: labels (N, H, W), int64.
        """
        *scales, masks = student
        chosen = (masks == self.weak_mask).all(1)
        total = torch.stack([0 * logits.sum() for logits in scales]).sum()
        for logits in scales:
            (pixels,), labels = labelled_rows((logits[chosen],), gt[chosen], self.ignore_index)
            if len(labels):
                total = total + F.cross_entropy(pixels, labels)
        return dict(weak=total)
