"""The low-pass filter of FDKD: by FFT along a long axis, else as products with fixed matrices.

What the bands are is said in :func:`mmfkd.models.losses.split_bands`. All are symmetric
projections. Over two short axes the products take less time than an FFT, along one axis more, by
the square of its length. Along a short one they take a few milliseconds, and stay: the rounding of
an FFT is another, so that every run of a narrow network would be another too.
"""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

LONG = 512  # channels of which an FFT takes a quarter of the time of a product
ELEMENTS = 2 ** 20  # of float32 that stay in the cache of a CPU


def samples_at_once(x: Tensor) -> int:
    """How many samples many passes are done for at once: all, but on a CPU what its cache holds."""
    if x.device.type != 'cpu':
        return len(x)
    return max(1, ELEMENTS * len(x) // max(1, x.numel()))


def lowpass(x: Tensor, dims: tuple[int, ...], bins: tuple[int, ...]) -> Tensor:
    """Keeps DC and the first bins above it.

    Args:
        x: a float tensor, along one of its axes or over its last two.
        dims: the axis, or the last two.
        bins: how many of the bins above DC are kept, for each axis.
    """
    if not x.numel():  # of which there is no transform
        return torch.empty_like(x)
    if len(dims) > 1:
        return _lowpass_plane(x, bins)
    return (_lowpass_long if x.size(dims[0]) >= LONG else _lowpass_short)(x, dims[0], bins[0])


def _lowpass_short(x: Tensor, dim: int, bins: int) -> Tensor:
    matrix = _lowpass_matrix(x.size(dim), bins, x.dtype, x.device)
    last = x.movedim(dim, -1)
    if last.is_contiguous():  # without a copy
        return (last.reshape(-1, last.size(-1)) @ matrix).view(last.shape).movedim(-1, dim)
    x = x.contiguous()
    columns = x.view(-1, x.size(dim), x.shape[dim + 1:].numel())
    return torch.bmm(matrix.expand(columns.size(0), -1, -1), columns).view(x.shape)


def _lowpass_long(x: Tensor, dim: int, bins: int) -> Tensor:
    low = torch.empty_like(x)
    size = samples_at_once(x) if dim else len(x)
    for part, result in zip(x.split(size), low.split(size), strict=True):
        spectrum = torch.fft.rfft(part, dim=dim)
        spectrum.narrow(dim, bins + 1, spectrum.size(dim) - bins - 1).zero_()
        result.copy_(torch.fft.irfft(spectrum, n=x.size(dim), dim=dim))
    return low


def _lowpass_plane(x: Tensor, bins: tuple[int, ...]) -> Tensor:
    rows, columns = (_lowpass_matrix(length, kept, x.dtype, x.device)
                     for length, kept in zip(x.shape[-2:], bins, strict=True))
    planes = x.reshape(len(x) if x.ndim > 3 else 1, -1, *x.shape[-2:])
    low = torch.empty_like(planes)
    # Sample by sample, what lies between the two products stays in the cache.
    for sample, result in zip(planes, low, strict=True):
        torch.matmul(rows, sample @ columns, out=result)
    return low.view(x.shape)


@lru_cache(maxsize=128)
def _lowpass_matrix(length: int, bins: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Symmetric (length, length) matrix that keeps DC and the first ``bins`` bins above it."""
    mask = np.zeros(length // 2 + 1)
    mask[:bins + 1] = 1
    kernel = np.fft.irfft(mask, n=length)
    index = np.arange(length)
    matrix = kernel[(index[:, None] - index[None]) % length]
    return torch.as_tensor(matrix, dtype=dtype, device=device)


class BandSplit(torch.autograd.Function):
    """Low and high band of a centred feature, by one filter forward and one backward.

    The filter is symmetric, so the gradient of the low band is the low band of the gradient.
    Written by hand because new memory costs more than the arithmetic: what is fresh is changed
    in place.
    """

    @staticmethod
    def forward(ctx, x: Tensor, dims: tuple[int, ...], bins: tuple[int, ...]
                ) -> tuple[Tensor, Tensor]:
        """The low and the high band; see :func:`lowpass` for the arguments."""
        ctx.dims, ctx.bins = dims, bins
        # Centred first: a constant leaves exact zeros, and eq. 7 does not blow up its rounding.
        high = x - x.mean(dims, keepdim=True)
        low = lowpass(high, dims, bins)
        high -= low
        return low, high

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_low: Tensor, grad_high: Tensor) -> tuple[Tensor, None, None]:
        """The gradient of the feature."""
        grad = lowpass(grad_low - grad_high, ctx.dims, ctx.bins)
        grad += grad_high
        grad -= grad.mean(ctx.dims, keepdim=True)
        return grad, None, None
