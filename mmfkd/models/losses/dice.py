"""The Dice loss of several classes."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmfkd.registry import MODELS


def multiclass_dice(logits: Tensor, labels: Tensor, ignore_index: int = 255,
                    per_image: bool = True) -> Tensor:
    """One minus the overlap of softmax probabilities and labels, averaged over classes (eq. 7).

    ``1 - 2 Σ p y / (Σ p + Σ y)`` over the pixels of a class; a class without labels counts as 0
    in the mean, as in segmentation_models_pytorch, which DisOptNet uses.

    Args:
        logits: (N, C, H, W).
        labels: (N, H, W), int64.
        ignore_index: label of pixels that are in no sum.
        per_image: sums over each image, which is averaged over the batch; so ranks of a
            distributed run agree with one process. False sums over the batch.
    """
    count = logits.size(1)
    valid = labels != ignore_index
    target = F.one_hot(labels.where(valid, 0), count).movedim(-1, 1) * valid[:, None]
    probabilities = logits.softmax(1) * valid[:, None]
    dims = (2, 3) if per_image else (0, 2, 3)
    overlap = (probabilities * target).sum(dims)
    there = target.sum(dims)
    loss = 1 - 2 * overlap / (probabilities.sum(dims) + there).clamp(min=1e-7)
    return torch.where(there > 0, loss, 0).mean()


@MODELS.register_module()
class MulticlassDiceLoss(nn.Module):
    """:func:`multiclass_dice` as a ``loss_decode`` of mmseg's heads.

    mmseg's ``DiceLoss`` sums over all classes together, and its ignored pixels still count in the
    denominator.

    Args:
        loss_weight: factor.
        per_image: see :func:`multiclass_dice`.
        loss_name: name in the log, which starts with 'loss'.
    """

    def __init__(self, loss_weight: float = 1.0, per_image: bool = True,
                 loss_name: str = 'loss_dice') -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.per_image = per_image
        self.loss_name = loss_name

    def forward(self, pred: Tensor, target: Tensor, weight: Tensor | None = None,
                ignore_index: int = 255) -> Tensor:
        """Logits (N, C, H, W) and labels (N, H, W); ``weight`` per pixel is not supported."""
        if weight is not None:
            raise ValueError('MulticlassDiceLoss takes no weight per pixel: remove the sampler of '
                             'the decode head')
        with torch.autocast(pred.device.type, enabled=False):
            return self.loss_weight * multiclass_dice(pred.float(), target, ignore_index,
                                                      self.per_image)
