"""Modalities that are dropped sample by sample, so that a network learns to do without them."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import torch
from torch import Tensor, nn


class ModalityMask(nn.Module):
    """Draws for each sample of a training batch which modalities it keeps.

    Every combination but the empty one is as likely as the others, as in MMANet. Its output can
    be tapped.

    Args:
        modalities: names.
        keep: combinations to draw from, each a sequence of names; all by default.

    Raises:
        ValueError: a combination without a modality, or with one that is not there.
    """

    combinations: Tensor

    def __init__(self, modalities: Sequence[str],
                 keep: Sequence[Sequence[str]] | None = None) -> None:
        super().__init__()
        self.modalities = tuple(modalities)
        chosen = non_empty(self.modalities) if keep is None else keep
        if not chosen:
            raise ValueError('mask: no combination of modalities is kept; give one or more')
        self.register_buffer('combinations', torch.stack([self.of(names) for names in chosen]),
                             persistent=False)

    def of(self, names: Sequence[str]) -> Tensor:
        """The mask (M,) of a combination of modalities, 1 for those that are kept."""
        unknown = [name for name in names if name not in self.modalities]
        if unknown or not names or isinstance(names, str):
            raise ValueError(f'mask: {names!r} is no combination of {list(self.modalities)}: give '
                             'a list of one or more of them')
        return torch.tensor([float(name in names) for name in self.modalities])

    def forward(self, like: Tensor) -> Tensor:
        """Masks (N, M) for a batch (N, ...); 1 everywhere outside of training."""
        if not self.training:
            return like.new_ones(len(like), len(self.modalities))
        drawn = torch.randint(len(self.combinations), (len(like),))
        return self.combinations[drawn.to(self.combinations.device)].to(like)


def non_empty(modalities: Sequence[str]) -> list[tuple[Any, ...]]:
    """All combinations of one or more modalities, the smallest first."""
    return [names for count in range(1, len(modalities) + 1)
            for names in combinations(modalities, count)]
