"""Parameter-free exchange of features between modalities (CSK-Net, section 2.5; C.E.N.)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .modality_norm import Streams


class FeatureExchange(nn.Module):
    """Base of the exchanges: in which steps, and which modalities receive.

    A network that is trained with exchange alone has never seen a modality by itself, which is
    what it gets in the test of a missing modality. With a ``probability`` below 1 it sees both;
    a modality that is not among the ``receivers`` is always by itself. The paper has neither.

    Args:
        streams: of the network; only ``receivers`` needs them here.
        probability: share of the training steps in which there is exchange, drawn for each place
            and rank by itself; outside of training there always is.
        receivers: names of the modalities that get features of others; all by default.

    Raises:
        ValueError: ``probability`` outside [0, 1], or an unknown receiver.
    """

    def __init__(self, streams: Streams | None = None, probability: float = 1.0,
                 receivers: Sequence[str] | None = None) -> None:
        super().__init__()
        if not 0 <= probability <= 1:
            raise ValueError(f'probability={probability} of the exchange must be from 0 to 1')
        names = streams.names if streams else ()
        if receivers is not None and (isinstance(receivers, str) or set(receivers) - set(names)):
            raise ValueError(f'receivers={receivers!r} of the exchange: give a list of the '
                             f'modalities {list(names)}')
        self.streams = streams
        self.probability = probability
        self.receivers = receivers

    def receives(self, name: str) -> bool:
        """Whether a modality gets features of others."""
        return self.receivers is None or name in self.receivers

    def pauses(self) -> bool:
        """Whether there is no exchange in this step."""
        return self.training and self.probability < 1 and bool(torch.rand(()) >= self.probability)

    def kept(self, count: int) -> list[bool]:
        """Which of the active modalities get nothing in this step."""
        if self.pauses():
            return [True] * count
        if self.receivers is None or self.streams is None:
            return [False] * count
        return [not self.receives(name) for name in self.streams.active]


class ChannelExchange(FeatureExchange):
    """Replaces the channels that a batch norm scales to nearly nothing by the other modality's.

    Papers: CSK-Net, section 2.5, and Wang et al., "Channel Exchanging Networks" (TPAMI 2022): a
    channel with ``|γ| → 0`` is redundant, so the other modality's takes its place. With more than
    two modalities it is the mean of the others'. It works on what the batch norm gives, whose γ
    is known, before a residual is added. CSK-Net puts no sparsity term on γ.

    CSK-Net gives no threshold; 0.02 is C.E.N.'s. Without a sparsity term few γ may ever be that
    small, so ``ratio`` offers a rule that depends on their order alone.

    Args:
        threshold: exchange where ``|γ|`` is below it.
        ratio: exchange this share of the channels, those with the smallest ``|γ|``, instead;
            rounded to whole channels.
        streams: see :class:`FeatureExchange`.
        probability: likewise.
        receivers: likewise.

    Raises:
        ValueError: ``threshold`` below 0, ``ratio`` outside [0, 1], or see
            :class:`FeatureExchange`.
    """

    def __init__(self, threshold: float = 0.02, ratio: float | None = None,
                 streams: Streams | None = None, probability: float = 1.0,
                 receivers: Sequence[str] | None = None) -> None:
        super().__init__(streams, probability, receivers)
        if threshold < 0:
            raise ValueError(f'threshold={threshold} of the channel exchange must not be negative')
        if ratio is not None and not 0 <= ratio <= 1:
            raise ValueError(f'ratio={ratio} of the channel exchange must be from 0 to 1')
        self.threshold = threshold
        self.ratio = ratio

    @torch.no_grad()
    def chosen(self, gamma: Tensor) -> Tensor:
        """Which of the channels (C,) are exchanged, bool."""
        size = gamma.abs()
        if self.ratio is None:
            return size < self.threshold
        mask = torch.zeros_like(size, dtype=torch.bool)
        return mask.index_fill_(0, size.argsort(stable=True)[:round(self.ratio * len(size))], True)

    def forward(self, maps: Sequence[Tensor], gammas: Sequence[Tensor]) -> list[Tensor]:
        """One map (N, C, H, W) and one γ (C,) a modality to the exchanged maps."""
        exchanged = []
        kept = self.kept(len(maps))
        for i, (own, gamma) in enumerate(zip(maps, gammas, strict=True)):
            if kept[i]:
                exchanged.append(own)
                continue
            others = [other for j, other in enumerate(maps) if j != i]
            other = others[0] if len(others) == 1 else torch.stack(others).mean(0)
            exchanged.append(torch.where(self.chosen(gamma)[:, None, None], other, own))
        return exchanged


class SpatialExchange(FeatureExchange):
    """Exchanges the odd columns of the maps of two modalities (CSK-Net, eq. 1).

    ChangerEx, which CSK-Net follows, exchanges the even ones. With more than two modalities each
    takes those of the next one. Arguments are those of :class:`FeatureExchange`.
    """

    streams: Streams

    def forward(self, stacked: Tensor) -> Tensor:
        """Stacked maps (M · N, C, H, W), M modalities being active, to the exchanged ones."""
        maps = self.streams.split(stacked)
        if len(maps) == 1:
            return stacked
        odd = torch.arange(stacked.size(-1), device=stacked.device) % 2 == 1
        return torch.cat([own if kept else torch.where(odd, maps[(i + 1) % len(maps)], own)
                          for i, (own, kept) in enumerate(
                              zip(maps, self.kept(len(maps)), strict=True))])
