"""Losses between features."""

import torch
from torch import Tensor
from torch.nn import functional as F

from mmfkd.registry import MODELS

from .base import DistillLoss
from .shapes import check_axes


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


@MODELS.register_module()
class PKDLoss(DistillLoss):
    """Half the mean squared error between features standardised per channel.

    Paper: Cao et al., "PKD: General Distillation Framework for Object Detectors via Pearson
    Correlation Coefficient" (arXiv 2207.02039), eq. 3-5. Each channel gets zero mean and unit
    (unbiased) deviation over the batch and, for maps, over space; the loss is then 1 - r, with
    Pearson's r of the channel, but for the 1e-6 that is added to the deviation.

    For vectors the statistics are those of the batch, so it takes three samples: two, standardised,
    are the same whatever they were. A channel without variance has no gradient.

    Departures from the authors' code are in ``docs/methods.md``, section ``pkd``.

    Args:
        student: ``branch.tap`` of the student's feature, (N, C) or (N, C, H, W).
        teacher: likewise for the teacher.
        weight: see :class:`DistillLoss`.
        adapter: see :class:`DistillLoss`; the paper has none.

    Raises:
        ValueError: fewer than three vectors, or values of a channel: they teach nothing; or clips.
    """

    def __init__(self, student: str = 'student.feat', teacher: str = 'teacher.feat',
                 weight: float = 6.0, adapter: dict | None = None) -> None:
        super().__init__(student, teacher, weight, adapter)

    def terms(self, student: Tensor, teacher: Tensor, gt: Tensor | None) -> dict[str, Tensor]:
        """``pearson``: see the class."""
        check_axes(self, student)
        return dict(pearson=F.mse_loss(whiten(student), whiten(teacher)) / 2)


def whiten(x: Tensor, eps: float = 1e-6) -> Tensor:
    """Each channel of (N, C, ...) with zero mean and unit deviation over all other axes."""
    dims = [d for d in range(x.ndim) if d != 1]
    count = x.numel() // x.size(1)
    if count < 3:
        raise ValueError(
            f'PKDLoss teaches nothing on {tuple(x.shape)}, as standardising leaves nothing of a '
            'channel of one or two values: set train_dataloader.batch_size to 3 or more, for each '
            'process, and train_dataloader.drop_last=True if the last batch of an epoch is of '
            'fewer; or tap a map')
    centred = x - x.mean(dims, keepdim=True)
    variance = centred.square().sum(dims, keepdim=True) / (count - 1)
    # What is left of a constant channel is rounding; and the root's slope is infinite at 0.
    varies = variance > 1e-12 * x.square().mean(dims, keepdim=True)
    return centred * varies / (variance.masked_fill(~varies, 1).sqrt() + eps)
