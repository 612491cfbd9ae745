"""Scale of features and the energy of their bands (FDKD, Figure 2 and section 3.1)."""

from collections.abc import Mapping, Sequence
from math import prod, sqrt
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmfkd.models.losses import split_bands

BANDS = ('dc', 'low', 'high')


class Scale(NamedTuple):
    """Size of a feature.

    Attributes:
        count: number of values.
        mean: over all samples, channels and pixels.
        std: likewise, of the population.
    """

    count: int  # type: ignore[assignment]
    mean: float
    std: float


def feature_scale(x: np.ndarray | Tensor) -> Scale:
    """Mean and standard deviation of all values of a feature (FDKD, Figure 2), in float64.

    Args:
        x: of any shape.

    Raises:
        ValueError: it is empty or not finite.
    """
    x = _finite(x)
    return Scale(x.numel(), x.mean().item(), x.std(correction=0).item())


def pooled_scale(scales: Sequence[Scale]) -> Scale:
    """The scale of the values of several batches together.

    Raises:
        ValueError: there are none.
    """
    count = sum(scale.count for scale in scales)
    if count == 0:
        raise ValueError('no batch of features was given: check that the split has samples')
    mean = sum(scale.count * scale.mean for scale in scales) / count
    variance = sum(scale.count * (scale.std ** 2 + (scale.mean - mean) ** 2)
                   for scale in scales) / count
    return Scale(count, mean, sqrt(variance))


def band_energy(x: np.ndarray | Tensor, cutoff: float = 0.5, dim: int | tuple[int, int] = 1
                ) -> dict[str, float]:
    """Sum of squares of the mean, the low and the high band of a feature.

    The three parts are orthogonal, so they add up to the sum of squares of the feature (Parseval);
    energies of batches add up to those of the set.

    Args:
        x: (N, D) or (N, D, H, W); computed in float64.
        cutoff: see :func:`mmfkd.models.losses.split_bands`.
        dim: likewise; 1 for channels, (-2, -1) for space.

    Returns:
        ``dc``, ``low`` and ``high``.

    Raises:
        ValueError: the feature is empty or not finite.
    """
    x = _finite(x)
    low, high = split_bands(x, cutoff, dim)
    length = prod(x.size(d) for d in ((dim,) if isinstance(dim, int) else dim))
    dc = length * x.mean(dim).square().sum()
    energies = (dc, low.square().sum(), high.square().sum())
    return dict(zip(BANDS, (energy.item() for energy in energies), strict=True))


def band_shares(energies: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Shares of the bands in the energy of several batches; they sum to 1.

    Args:
        energies: of :func:`band_energy`.

    Raises:
        ValueError: there is no energy.
    """
    sums = {band: sum(energy[band] for energy in energies) for band in BANDS}
    total = sum(sums.values())
    if total == 0:
        raise ValueError('the feature is 0 everywhere, so no band has a share: tap another place')
    return {band: value / total for band, value in sums.items()}


def _finite(x: np.ndarray | Tensor) -> Tensor:
    x = torch.as_tensor(x).detach().double()
    if x.numel() == 0 or not x.isfinite().all():
        raise ValueError(f'a feature of shape {tuple(x.shape)} is empty, or NaN or infinite: check '
                         'the checkpoint, or whether training diverged')
    return x
