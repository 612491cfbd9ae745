"""Similarity of two sets of features: linear CKA, whole or streamed (FDKD, Figure 1)."""

import numpy as np
import torch
from torch import Tensor

from mmfkd.models.losses import split_bands

# A column that varies by less than this share of its mean is constant but for rounding.
_ROUNDING = 1e-12


def linear_cka(x: np.ndarray | Tensor, y: np.ndarray | Tensor) -> float:
    """Linear centred kernel alignment of two features of the same samples.

    FDKD, appendix B, after Kornblith et al. (arXiv 1905.00414): with the Gram matrices ``K = X
    X^T`` centred on both sides, ``Tr(Kx Ky) / sqrt(Tr(Kx Kx) Tr(Ky Ky))``. Centring a Gram matrix
    on both sides is centring the columns of its feature, so where features are fewer than samples
    the traces are taken as the equal ``||X^T Y||²``, which needs no (n, n) matrix.

    Where samples are not many more than features the score of unrelated features is far above 0:
    compare scores of the same n only.

    Args:
        x: (n, p), a sample a row; computed in float64.
        y: (n, q).

    Returns:
        0 to 1; 1 for features that are equal up to rotation, scale and shift. A feature that is
        the same for all samples has no similarity to anything: 0.

    Raises:
        ValueError: not two matrices of the same n of at least 2, or values that are not finite.
    """
    x, y = _pair(x, y)
    _check_count(len(x))
    x, y = _unit(x), _unit(y)
    if len(x) > max(x.size(1), y.size(1)):
        return _ratio(*((a.T @ b).square().sum() for a, b in ((x, y), (x, x), (y, y))))
    gram_x, gram_y = x @ x.T, y @ y.T
    return _ratio(*((a * b).sum() for a, b in (
        (gram_x, gram_y), (gram_x, gram_x), (gram_y, gram_y))))


class StreamingCKA:
    """:func:`linear_cka` of a set that comes in batches, without an estimate.

    Kept are the means and the centred moments of both features side by side, in float64: (p + q)²
    numbers, 8 MB for two of width 512. Batches are merged as Chan et al. merge variances, so the
    result is that of the whole set up to rounding. (A mean of the scores of batches is not, as the
    score depends on n.)

    Example:
        >>> cka = StreamingCKA()
        >>> for x, y in batches:
        ...     cka.update(x, y)
        >>> cka.compute()
    """

    def __init__(self) -> None:
        self.count = 0
        self._widths = (0, 0)
        self._mean = self._moments = torch.empty(0)

    def update(self, x: np.ndarray | Tensor, y: np.ndarray | Tensor) -> None:
        """Adds a batch.

        Args:
            x: (n, p); n may be 1, or 0.
            y: (n, q).

        Raises:
            ValueError: see :func:`linear_cka`; or other widths than before.
        """
        x, y = _pair(x, y)
        widths, rows = (x.size(1), y.size(1)), torch.cat([x, y], dim=1)
        if len(rows) == 0:
            return
        if self.count == 0:
            self._widths = widths
            self._mean = rows.new_zeros(sum(widths))
            self._moments = rows.new_zeros(sum(widths), sum(widths))
        elif widths != self._widths:
            raise ValueError(f'features of widths {widths} after {self._widths}: use a '
                             'StreamingCKA for each pair of features')
        total = self.count + len(rows)
        mean = rows.mean(0)
        centred, shift = rows - mean, mean - self._mean
        self._moments += centred.T @ centred
        self._moments += torch.outer(shift, shift) * (self.count * len(rows) / total)
        self._mean += shift * (len(rows) / total)
        self.count = total

    def compute(self) -> float:
        """The score of all batches so far.

        Raises:
            ValueError: fewer than 2 samples came.
        """
        _check_count(self.count)
        varies = _varies(self._moments.diagonal(), self._mean, self.count)
        moments = self._moments * torch.outer(varies, varies)
        x, y = slice(self._widths[0]), slice(self._widths[0], None)
        size_x, size_y = (_positive(moments[z, z].trace().sqrt()) for z in (x, y))
        return _ratio((moments[x, y] / size_x / size_y).square().sum(),
                      (moments[x, x] / size_x / size_x).square().sum(),
                      (moments[y, y] / size_y / size_y).square().sum())


def band_views(x: np.ndarray | Tensor, cutoff: float = 0.5, keep_dc: bool = False
               ) -> dict[str, Tensor]:
    """A feature as it is and its bands: ``raw``, ``low`` and ``high`` (FDKD, eq. 1-3).

    Args:
        x: (n, D).
        cutoff: see :func:`mmfkd.models.losses.split_bands`.
        keep_dc: likewise.
    """
    x = torch.as_tensor(x)
    low, high = split_bands(x, cutoff, 1, keep_dc)
    return dict(raw=x, low=low, high=high)


def band_cka(x: np.ndarray | Tensor, y: np.ndarray | Tensor, cutoff: float = 0.5,
             keep_dc: bool = False) -> dict[str, float]:
    """:func:`linear_cka` of two features and of their low and high bands (FDKD, Figure 1).

    Args:
        x: (n, p).
        y: (n, q).
        cutoff: see :func:`band_views`.
        keep_dc: likewise.

    Raises:
        ValueError: see :func:`linear_cka`.
    """
    views = band_views(x, cutoff, keep_dc), band_views(y, cutoff, keep_dc)
    return {name: linear_cka(views[0][name], views[1][name]) for name in views[0]}


def _pair(x: np.ndarray | Tensor, y: np.ndarray | Tensor) -> tuple[Tensor, Tensor]:
    pair = torch.as_tensor(x).detach().double(), torch.as_tensor(y).detach().double()
    shapes = ' and '.join(str(tuple(z.shape)) for z in pair)
    if any(z.ndim != 2 for z in pair):
        raise ValueError(f'CKA takes matrices (samples, features), not {shapes}: pool maps, or '
                         'take their pixels as samples')
    if len(pair[0]) != len(pair[1]):
        raise ValueError(f'CKA compares features of the same samples, not {shapes}')
    if not all(z.isfinite().all() for z in pair):
        raise ValueError('CKA of features that are NaN or infinite is not defined: check the '
                         'checkpoint, or whether training diverged')
    return pair


def _check_count(count: int) -> None:
    if count < 2:
        raise ValueError(f'CKA of {count} samples is not defined: give at least 2')


def _unit(x: Tensor) -> Tensor:
    """Centred columns, divided by the norm of them all, so that no trace over- or underflows."""
    mean = x.mean(0)
    centred = x - mean
    centred = centred * _varies(centred.square().sum(0), mean, len(x))
    return centred / _positive(centred.norm())


def _varies(squares: Tensor, mean: Tensor, count: int) -> Tensor:
    """1 for columns whose sum of centred squares is more than rounding, else 0."""
    return (squares > count * (_ROUNDING * mean) ** 2).to(mean.dtype)


def _positive(norm: Tensor) -> Tensor:
    return norm if norm > 0 else torch.ones_like(norm)


def _ratio(xy: Tensor, xx: Tensor, yy: Tensor) -> float:
    """Of the traces; 0 where a feature is constant."""
    size = xx.sqrt() * yy.sqrt()
    return (xy / size).item() if size > 0 else 0.0
