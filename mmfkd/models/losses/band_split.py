"""The split of FDKD as a product with a fixed matrix, and its gradient.

What the bands are is said in :func:`mmfkd.models.losses.split_bands`.
"""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


@lru_cache(maxsize=128)
def lowpass_matrix(length: int, bins: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Symmetric (length, length) matrix that keeps DC and the first ``bins`` bins above it."""
    mask = np.zeros(length // 2 + 1)
    mask[:bins + 1] = 1
    kernel = np.fft.irfft(mask, n=length)
    index = np.arange(length)
    matrix = kernel[(index[:, None] - index[None]) % length]
    return torch.as_tensor(matrix, dtype=dtype, device=device)


def _project(x: Tensor, dims: tuple[int, ...], matrices: tuple[Tensor, ...]) -> Tensor:
    """Multiplies one axis, or the last two, by symmetric matrices."""
    if len(dims) == 1:
        return _project_axis(x, matrices[0], dims[0])
    rows, columns = matrices
    planes = x.reshape(len(x) if x.ndim > 3 else 1, -1, *x.shape[-2:])
    low = torch.empty_like(planes)
    # Sample by sample, what lies between the two products stays in the cache.
    for sample, result in zip(planes, low, strict=True):
        torch.matmul(rows, sample @ columns, out=result)
    return low.view(x.shape)


def _project_axis(x: Tensor, matrix: Tensor, dim: int) -> Tensor:
    """Without a copy of ``x`` where its layout allows."""
    last = x.movedim(dim, -1)
    if last.is_contiguous():
        return (last.reshape(-1, last.size(-1)) @ matrix).view(last.shape).movedim(-1, dim)
    x = x.contiguous()
    columns = x.view(-1, x.size(dim), x.shape[dim + 1:].numel())
    return torch.bmm(matrix.expand(columns.size(0), -1, -1), columns).view(x.shape)


class BandSplit(torch.autograd.Function):
    """Low and high band of a centred feature, by one projection forward and one backward.

    The projection is symmetric, so the gradient of the low band is the low band of the gradient.
    Written by hand because new memory costs more than the arithmetic: what is fresh is changed
    in place.
    """

    @staticmethod
    def forward(ctx, x: Tensor, dims: tuple[int, ...], matrices: tuple[Tensor, ...]
                ) -> tuple[Tensor, Tensor]:
        """The low and the high band."""
        ctx.dims, ctx.matrices = dims, matrices
        # Centred first: a constant leaves exact zeros, and eq. 7 does not blow up its rounding.
        high = x - x.mean(dims, keepdim=True)
        low = _project(high, dims, matrices)
        high -= low
        return low, high

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_low: Tensor, grad_high: Tensor) -> tuple[Tensor, None, None]:
        """The gradient of the feature."""
        grad = _project(grad_low - grad_high, ctx.dims, ctx.matrices)
        grad += grad_high
        grad -= grad.mean(ctx.dims, keepdim=True)
        return grad, None, None
