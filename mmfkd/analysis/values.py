"""Mean and deviation of the values that a data set gives."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor


class Moments:
    """Lowest and highest value, mean and standard deviation of each channel, over many arrays.

    Sums are kept in float64, about the first array's mean, so that large offsets cost no digits.
    """

    def __init__(self) -> None:
        self.count = 0
        self.low = self.high = self._origin = self._sum = self._square = torch.zeros(0)

    def add(self, x: Tensor) -> None:
        """Takes an array (..., C, H, W) along.

        Raises:
            ValueError: it has another number of channels than those before.
        """
        rows = x.double().movedim(-3, 0).flatten(1)
        if not self.count:
            self._origin = rows.mean(1, keepdim=True)
            self._sum = self._square = torch.zeros(len(rows), dtype=torch.float64)
            self.low, self.high = rows.amin(1), rows.amax(1)
        if len(rows) != len(self._sum):
            raise ValueError(f'{len(rows)} channels after arrays of {len(self._sum)}')
        apart = rows - self._origin
        self.count += rows.size(1)
        self._sum = self._sum + apart.sum(1)
        self._square = self._square + apart.square().sum(1)
        self.low = torch.minimum(self.low, rows.amin(1))
        self.high = torch.maximum(self.high, rows.amax(1))

    @property
    def mean(self) -> Tensor:
        """Of each channel, (C,)."""
        return self._origin[:, 0] + self._sum / self.count

    @property
    def std(self) -> Tensor:
        """Of each channel, (C,), with the number of values in the denominator."""
        apart = self._sum / self.count
        return (self._square / self.count - apart.square()).clamp(min=0).sqrt()


def moments_of(samples: Iterable[Mapping[str, Tensor]]) -> dict[str, Moments]:
    """Modality to the moments of its channels; tokens, which are indices, have none.

    Args:
        samples: of each sample the ``inputs`` of its pipeline.
    """
    found: dict[str, Moments] = {}
    for inputs in samples:
        for name, x in inputs.items():
            if x.ndim > 2:
                found.setdefault(name, Moments()).add(x)
    return found
