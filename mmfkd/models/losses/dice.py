"""The Dice loss of several classes."""

import torch
from torch import Tensor, nn

from mmfkd.registry import MODELS


def multiclass_dice(logits: Tensor, labels: Tensor, ignore_index: int = 255,
                    per_image: bool = True) -> Tensor:
    """One minus the overlap of softmax probabilities and labels, averaged over classes (eq. 7).

    ``1 - 2 Σ p y / (Σ p + Σ y)`` over the pixels of a class; a class without labels counts as 0
    in the mean, as in segmentation_models_pytorch, which DisOptNet uses. There the sums run over
    the batch, which is ``per_image=False``; eq. 7 speaks of one prediction. An image without any
    label is no part of the mean.

    Args:
        logits: (N, C, H, W).
        labels: (N, H, W), int64.
        ignore_index: label of pixels that are in no sum.
        per_image: sums over each image, which is averaged over the batch; so ranks of a
            distributed run agree with one process. False sums over the batch.
    """
    valid = labels != ignore_index
    index = labels.where(valid, 0)[:, None]
    probabilities = logits.softmax(1) * valid[:, None]
    total = probabilities.sum((2, 3))
    # Summed by label: the one-hot labels would be as large as the logits in 64 bits.
    of_label = index.flatten(1)
    overlap = torch.zeros_like(total).scatter_add(
        1, of_label, probabilities.gather(1, index).flatten(1))
    labelled = torch.zeros_like(total).scatter_add(1, of_label, valid.flatten(1).to(total))
    if not per_image:
        overlap, labelled, total = (x.sum(0) for x in (overlap, labelled, total))
    loss = torch.where(labelled > 0, 1 - 2 * overlap / (total + labelled).clamp(min=1e-7), 0)
    there = labelled.sum(-1) > 0
    return (loss.mean(-1) * there).sum() / there.sum().clamp(min=1)


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
