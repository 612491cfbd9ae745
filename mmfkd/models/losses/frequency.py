"""FDKD: frequency-decoupled cross-modal knowledge distillation.

Paper: "Distilling Cross-Modal Knowledge via Feature Disentanglement" (arXiv 2511.19887). Features
are split along a feature axis into low frequencies, which modalities share, and high frequencies,
which belong to one modality. The low band is aligned strongly (MSE), the high band weakly (MSE of
logarithms), both after standardisation; classifiers shared by teacher and student tie the two
feature spaces together.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from mmfkd.registry import MODELS

from .band_split import BandSplit, samples_at_once
from .base import DistillLoss
from .shapes import check_axes, counted


def split_bands(x: Tensor, cutoff: float = 0.5, dim: int | tuple[int, int] = 1,
                keep_dc: bool = False) -> tuple[Tensor, Tensor]:
    """Splits a feature into its low and its high frequencies (eq. 1-3).

    The definition is ``irfft(rfft(x) * mask)``. Along one axis of length D, of the D // 2 bins
    above DC the first ``round(cutoff * (D // 2))`` are low and the others high; with D = 512 and
    cutoff 0.5 that is bins 1-128 and 129-256, as in the authors' code. Over two axes, a frequency
    is low where both its components are at most ``cutoff`` times Nyquist.

    Args:
        x: real tensor of any float dtype; half precision is computed in float32.
        cutoff: share of the frequencies that is low, from 0 to 1.
        dim: the feature axis, or the pair of spatial axes.
        keep_dc: put the mean into the low band. Otherwise it is in neither band, which is the
            mean subtraction of eq. 7 (the paper's DC filter), and ``low + high + mean = x``.

    Returns:
        low and high band, each of the shape and dtype of ``x``.

    Raises:
        TypeError: ``x`` is not a real float tensor.
        ValueError: ``cutoff`` is outside [0, 1], or a pair of axes is not the last two.
        IndexError: ``dim`` is no axis of ``x``.
    """
    if not x.is_floating_point():
        raise TypeError(f'split_bands needs a real float tensor, not {x.dtype}: call x.float()')
    if not 0 <= cutoff <= 1:
        raise ValueError(f'cutoff={cutoff}: it is a share of the frequencies, from 0 to 1')
    dims = tuple(sorted(range(x.ndim)[d] for d in ((dim,) if isinstance(dim, int) else dim)))
    if len(dims) > 1 and dims != (x.ndim - 2, x.ndim - 1):
        raise ValueError(f'dim={dim}: a pair must be the last two axes, (-2, -1)')
    bins = tuple(_low_bins(x.size(d), cutoff, spatial=len(dims) > 1) for d in dims)
    work = x if x.dtype == torch.float64 else x.float()
    if not any(bins) or bins == tuple(x.size(d) // 2 for d in dims):
        centred = work - work.mean(dims, keepdim=True)
        empty = torch.zeros_like(centred)
        low, high = (centred, empty) if any(bins) else (empty, centred)
    else:
        with torch.autocast(x.device.type, enabled=False):
            low, high = BandSplit.apply(work, dims, bins)
    if keep_dc:
        low = low + work.mean(dims, keepdim=True)
    return low.to(x.dtype), high.to(x.dtype)


def _low_bins(length: int, cutoff: float, spatial: bool) -> int:
    if spatial:
        return int(cutoff * length / 2 + 1e-9)
    return round(cutoff * (length // 2))


class _Standardize(torch.autograd.Function):
    """Eq. 7 with its closed gradient, which takes half the passes of autograd's."""

    @staticmethod
    def forward(ctx, x: Tensor, dim: int, eps: float) -> Tensor:
        unit = x - x.mean(dim, keepdim=True)
        norm = (unit.square().sum(dim, keepdim=True) + eps ** 2).sqrt()
        unit /= norm
        ctx.save_for_backward(unit, norm)
        ctx.dim = dim
        return unit

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None, None]:
        unit, norm = ctx.saved_tensors
        grad = (grad - unit * (grad * unit).sum(ctx.dim, keepdim=True)) / norm
        return grad - grad.mean(ctx.dim, keepdim=True), None, None


def standardize(x: Tensor, dim: int = 1, eps: float = 1e-4) -> Tensor:
    """Zero mean and unit L2 norm along ``dim``: ``(x - mean) / ||x - mean||`` (eq. 7).

    Args:
        x: (N, D) or (N, D, H, W).
        dim: the feature axis.
        eps: added to the norm in quadrature, so that a zero vector stays zero and has a gradient
            of at most 1 / eps.
    """
    work = x if x.dtype == torch.float64 else x.float()
    return _Standardize.apply(work, dim, eps).to(x.dtype)


class _LogCompress(torch.autograd.Function):
    """``sign(x) * log(1 + |x|)`` with its slope 1 / (1 + |x|), which autograd would lose at 0."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.abs().log1p().copysign(x)

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:
        x, = ctx.saved_tensors
        return grad / (1 + x.abs())


def log_compress(x: Tensor) -> Tensor:
    """``sign(x) * log(1 + |x|)``: damps large values (eq. 6)."""
    return _LogCompress.apply(x)


@MODELS.register_module()
class FrequencyDecoupledLoss(DistillLoss):
    """The distillation loss of FDKD (eq. 4-11).

    Terms, each switchable by itself (the rows of Tables 3 and 4):

    - ``low``: λ1 · MSE of the standardised low bands (eq. 8);
    - ``high``: λ2 · MSE of the logarithms of the standardised high bands (eq. 9);
    - ``align_student``, ``align_teacher``: cross entropy of classifiers on either band that
      teacher and student share (eq. 10), on unnormalised bands;
    - ``task``: cross entropy of the student's own low and high heads (L_task of eq. 11; the main
      head's term is the student's ordinary loss).

    Segmentation runs without ``align`` and ``task`` (appendix A.3).

    Departures from the authors' code are in ``docs/methods.md``, section ``fdkd``.

    The mean over N·D of eq. 8-9 makes both terms small: unit vectors differ by at most 4, so a
    term is at most 4 / D. ``reduction='vectors'`` divides by N alone, which is the same as
    multiplying λ1 and λ2 by D.

    Args:
        student: ``branch.tap`` of the student's feature, (N, D) or (N, D, H, W).
        teacher: likewise for the teacher.
        weight: see :class:`DistillLoss`.
        adapter: see :class:`DistillLoss`.
        low_weight: λ1; 0 leaves the term out.
        high_weight: λ2; 0 leaves the term out.
        cutoff: see :func:`split_bands`.
        dim: axis of the frequencies: 1 for channels, (-2, -1) for space.
        keep_dc: see :func:`split_bands`.
        standardize: apply eq. 7 to either band.
        log: apply eq. 6 to the high band.
        reduction: 'elements' (1 / ND, the paper) or 'vectors' (1 / N).
        align: config of a :class:`mmfkd.models.heads.BandClassifier`, or None.
        task: likewise.

    Raises:
        ValueError: an unknown ``reduction``, a pair of axes on vectors, or clips.
    """

    def __init__(self, student: str = 'student.feat', teacher: str = 'teacher.feat',
                 weight: float = 1.0, adapter: dict | None = None, low_weight: float = 1.0,
                 high_weight: float = 1.0, cutoff: float = 0.5,
                 dim: int | tuple[int, int] = 1, keep_dc: bool = False,
                 standardize: bool = True, log: bool = True, reduction: str = 'elements',
                 align: dict | None = None, task: dict | None = None) -> None:
        super().__init__(student, teacher, weight, adapter)
        if reduction not in ('elements', 'vectors'):
            raise ValueError(f"reduction='{reduction}': choose 'elements' or 'vectors'")
        self.low_weight, self.high_weight = low_weight, high_weight
        self.cutoff = cutoff
        self.dim: Any = dim if isinstance(dim, int) else tuple(dim)
        self.keep_dc = keep_dc
        self.standardize = standardize
        self.log = log
        self.reduction = reduction
        self.align = MODELS.build(align) if align else None
        self.task = MODELS.build(task) if task else None
        self.needs_gt = bool(align or task)
        self.predicts = bool(task)

    def terms(self, student: Tensor, teacher: Tensor, gt: Any) -> dict[str, Tensor]:
        """See the class; both tensors (N, D) or (N, D, H, W)."""
        check_axes(self, student, self.dim)
        low_s, high_s = split_bands(student, self.cutoff, self.dim, self.keep_dc)
        low_t, high_t = split_bands(teacher, self.cutoff, self.dim, self.keep_dc)
        terms = {}
        if self.low_weight:
            terms['low'] = self.low_weight * self._distance(low_s, low_t)
        if self.high_weight:
            terms['high'] = self.high_weight * self._distance(high_s, high_t, log=self.log)
        if self.align is not None:
            terms['align_student'] = band_cross_entropy(self.align(low_s, high_s), gt)
            terms['align_teacher'] = band_cross_entropy(self.align(low_t, high_t), gt)
        if self.task is not None:
            terms['task'] = band_cross_entropy(self.task(low_s, high_s), gt)
        return terms

    def predictions(self, student: Tensor) -> dict[str, Tensor]:
        """Logits of the student's own heads on its ``low`` and its ``high`` band."""
        if self.task is None:
            return {}
        with torch.autocast(student.device.type, enabled=False):
            student = student.float()
            student = student if self.adapter is None else self.adapter(student)
            bands = split_bands(student, self.cutoff, self.dim, self.keep_dc)
            return dict(zip(('low', 'high'), self.task(*bands), strict=True))

    def _distance(self, student: Tensor, teacher: Tensor, log: bool = False) -> Tensor:
        # Samples do not meet before the mean, so that parts of the batch can be done one by one.
        parts = (x.split(samples_at_once(student)) for x in (student, teacher))
        distance = torch.stack([self._mse(s, t, log) * (len(s) / max(1, len(student)))
                                for s, t in zip(*parts, strict=True)]).sum()
        return distance * student.size(1) if self.reduction == 'vectors' else distance

    def _mse(self, student: Tensor, teacher: Tensor, log: bool) -> Tensor:
        if self.standardize:
            student, teacher = standardize(student), standardize(teacher)
        if log:
            student, teacher = log_compress(student), log_compress(teacher)
        return F.mse_loss(student, teacher)


def band_cross_entropy(logits: Sequence[Tensor], gt: Tensor, ignore_index: int = 255) -> Tensor:
    """Sum of the cross entropies of the low and the high head (two summands of eq. 10).

    Args:
        logits: two of (N, C), or of (N, C, h, w), which are resized to the labels.
        gt: (N,) or (N, H, W), int64; negative where there is no label. Of vectors the mean is over
            all N samples, as that of the task is; of maps over the pixels that count.
        ignore_index: label that does not count either, unless it is a class.
    """
    if gt.ndim == 3:
        logits = [F.interpolate(x, size=gt.shape[-2:], mode='bilinear', align_corners=False)
                  for x in logits]
    valid = counted(gt, ignore_index, logits[0].size(1))
    gt = gt.where(valid, -100)
    # Divided by at least one, the sum over no label is 0 and not NaN.
    count = valid.sum().clamp(min=1) if gt.ndim == 3 else len(gt)
    low, high = (F.cross_entropy(x, gt, ignore_index=-100, reduction='sum') for x in logits)
    return (low + high) / count
