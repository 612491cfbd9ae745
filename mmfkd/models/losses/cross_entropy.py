"""Cross entropies in which some pixels or samples do not count."""

from typing import Any

from mmpretrain.models.losses import CrossEntropyLoss as ClsCrossEntropyLoss
from mmseg.models.losses import CrossEntropyLoss as SegCrossEntropyLoss
from torch import Tensor
from torch.nn import functional

from mmfkd.registry import MODELS


@MODELS.register_module()
class CrossEntropyLoss(SegCrossEntropyLoss):
    """mmseg's loss of that name, in which class weights and ignored pixels go together.

    mmseg looks the weight of the ignored label up and ends in an IndexError. Here weighted cross
    entropy is torch's: ``Σ w[y] · -log p[y] / Σ w[y]`` over the pixels that count. Without
    ``class_weight``, and for sigmoids, it is mmseg's. Arguments are mmseg's.
    """

    def forward(self, cls_score: Tensor, label: Tensor, weight: Tensor | None = None,
                avg_factor: int | None = None, reduction_override: str | None = None,
                ignore_index: int = -100, **kwargs: Any) -> Tensor:
        """The loss.

        Args:
            cls_score: logits (N, C, H, W).
            label: (N, H, W), int64.
            weight: of each pixel, (N, H, W).
            avg_factor: what the sum is divided by; None takes the sum of the weights.
            reduction_override: 'none', 'mean' or 'sum' in place of the loss's own.
            ignore_index: label of pixels that do not count.
            **kwargs: of mmseg's loss.
        """
        if self.class_weight is None or self.use_sigmoid or self.use_mask:
            return super().forward(cls_score, label, weight, avg_factor, reduction_override,
                                   ignore_index, **kwargs)
        balance = cls_score.new_tensor(self.class_weight)
        loss = functional.cross_entropy(cls_score, label, balance, ignore_index=ignore_index,
                                        reduction='none')
        if weight is not None:
            loss = loss * weight
        reduction = reduction_override or self.reduction
        if reduction == 'none':
            return self.loss_weight * loss
        if reduction == 'mean':
            counted = label != ignore_index
            total = balance[label[counted]].sum() if avg_factor is None else avg_factor
            # Without a pixel that counts the loss is 0, and has a gradient.
            return self.loss_weight * loss.sum() / (total if total else 1)
        return self.loss_weight * loss.sum()


@MODELS.register_module()
class LabelledCrossEntropyLoss(ClsCrossEntropyLoss):
    """mmpretrain's ``CrossEntropyLoss`` as a mean over the samples of a batch that have a label.

    Those without one have a negative label, and mmpretrain would count them with a loss of 0.
    Without any the loss is 0 and has a gradient. Arguments are mmpretrain's.
    """

    def forward(self, cls_score: Tensor, label: Tensor, weight: Tensor | None = None,
                avg_factor: int | None = None, reduction_override: str | None = None,
                **kwargs: Any) -> Tensor:
        """The loss.

        Args:
            cls_score: logits (N, C).
            label: (N,), int64; or scores (N, C), which all count.
            weight: of each sample, (N,).
            avg_factor: the number of samples, N, as heads give it; that of those with a label is
                taken instead.
            reduction_override: 'none', 'mean' or 'sum' in place of the loss's own.
            **kwargs: of mmpretrain's loss.
        """
        if label.ndim > 1:
            return super().forward(cls_score, label, weight, avg_factor, reduction_override,
                                   **kwargs)
        kept = label >= 0
        count = int(kept.sum())
        if not count:
            return 0 * cls_score.sum()
        weight = None if weight is None else weight[kept]
        factor = None if avg_factor is None else count
        return super().forward(cls_score[kept], label[kept], weight, factor, reduction_override,
                               **kwargs)
