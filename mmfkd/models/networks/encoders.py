"""Encoders of several streams around one backbone of mmseg, mmpretrain or timm."""

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from inspect import signature
from typing import TypeVar

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmfkd.registry import MODELS

from .exchange import ChannelExchange, SpatialExchange
from .modality_norm import PerModality, Streams, to_modality_norm

Kind = TypeVar('Kind', bound=nn.Module)


class SharedEncoder(BaseModule):
    """One backbone for all modalities: shared convolutions, a batch norm for each modality.

    Between the modalities features may be exchanged (CSK-Net, section 2.5). With one modality
    there is nothing to exchange, and the encoder is the plain backbone.

    Args:
        backbone: config of a backbone with batch norms.
        modalities: names, in the order of the stacked batch.
        exchange: dict of ``channel`` and ``spatial``, or None; either may be None or missing.
            ``channel``: ``norms``, places of the batch norms after which channels are exchanged,
            usually the last of each stage, and the arguments of :class:`ChannelExchange`.
            ``spatial``: ``stages``, places of the sequences of blocks after which odd columns
            are exchanged, and the arguments of :class:`SpatialExchange`. A place is a module's
            path in the backbone.

    Raises:
        ValueError: a place that is not there, or of the wrong kind; close ones are named.
    """

    def __init__(self, backbone: dict, modalities: Sequence[str],
                 exchange: Mapping | None = None) -> None:
        super().__init__()
        self.net = MODELS.build(backbone)
        self.streams = to_modality_norm(self.net, modalities)
        exchange = dict(exchange or {})
        unknown = set(exchange) - {'channel', 'spatial'}
        if unknown:
            raise ValueError(f"exchange has {sorted(unknown)}: choose 'channel' and 'spatial'")
        kinds: dict[str, Callable] = dict(channel=self._exchange_channels,
                                          spatial=self._exchange_columns)
        for kind, put in kinds.items():
            if exchange.get(kind):
                check_arguments(put, exchange[kind], f'exchange.{kind}')
                put(**exchange[kind])

    def _exchange_channels(self, norms: Sequence[str], threshold: float = 0.02,
                           ratio: float | None = None, probability: float = 1.0,
                           receivers: Sequence[str] | None = None) -> None:
        for place in norms:
            find(self.net, place, PerModality, 'batch norm').exchange = ChannelExchange(
                threshold, ratio, self.streams, probability, receivers)

    def _exchange_columns(self, stages: Sequence[str], probability: float = 1.0,
                          receivers: Sequence[str] | None = None) -> None:
        for place in stages:
            # At the end of the sequence and without parameters: no key of a checkpoint changes.
            find(self.net, place, nn.Sequential, 'sequence of blocks').append(
                SpatialExchange(self.streams, probability, receivers))

    def exchanging(self) -> list[PerModality]:
        """Batch norms after which channels are exchanged."""
        return [module for module in self.net.modules()
                if isinstance(module, PerModality) and module.exchange is not None]

    def exchanged(self) -> dict[str, Tensor]:
        """Modality to the share of its channels that are exchanged, over all places, from 0 to 1.

        Empty without channel exchange.
        """
        norms = self.exchanging()
        if not norms:
            return {}
        return {name: torch.cat([norm.exchange.chosen(norm.each[name].weight)
                                 for norm in norms]).float().mean()
                for name in self.streams.names if norms[0].exchange.receives(name)}

    def stacked(self, inputs: Mapping[str, Tensor]) -> Sequence[Tensor]:
        """Maps of all stages, stacked over the modalities that are in ``inputs``.

        Call it, and what works on its result, within ``streams.only(*inputs)``.
        """
        images = list(inputs.values())
        return self.net(images[0] if len(images) == 1 else torch.cat(images))

    def forward(self, inputs: Mapping[str, Tensor]) -> dict[str, tuple[Tensor, ...]]:
        """(N, C, H, W) of one or more modalities to the maps of all stages, for each of them."""
        inputs = {name: inputs[name] for name in self.streams.names if name in inputs}
        check_widths(inputs)
        with self.streams.only(*inputs):
            maps = [self.streams.split(stacked) for stacked in self.stacked(inputs)]
        return {name: tuple(parts[i] for parts in maps) for i, name in enumerate(inputs)}


class ForkedEncoder(BaseModule):
    """One backbone whose last stages exist once for each of several streams.

    Args:
        backbone: config of a backbone.
        streams: names.
        specific: places of the modules that every stream has for itself, in the order of the
            forward pass; the first of them forks.

    Raises:
        ValueError: a place that is not there.
    """

    def __init__(self, backbone: dict, streams: Sequence[str], specific: Sequence[str]) -> None:
        super().__init__()
        self.net = MODELS.build(backbone)
        self.streams = Streams(streams)
        for i, place in enumerate(specific):
            module = find(self.net, place, nn.Module, 'module')
            parent, _, name = place.rpartition('.')
            self.net.get_submodule(parent).register_module(
                name, PerModality(module, self.streams, fork=i == 0))

    def forward(self, images: Tensor) -> dict[str, tuple[Tensor, ...]]:
        """(N, C, H, W) to the maps of all stages, for each stream; shared stages are the same."""
        maps = self.net(images)
        parts = [(x,) * len(self.streams.names) if len(x) == len(images)
                 else self.streams.split(x) for x in maps]
        return {name: tuple(part[i] for part in parts)
                for i, name in enumerate(self.streams.names)}


def check_arguments(function: Callable, given: Mapping, place: str) -> None:
    """Refuses arguments that a function does not take, and too few of them.

    Raises:
        ValueError: names the place in the config, and what can stand there.
    """
    taken = signature(function).parameters
    needed = [name for name, one in taken.items() if one.default is one.empty]
    wrong, lacking = set(given) - set(taken), [name for name in needed if name not in given]
    if wrong or lacking:
        said = f'does not take {", ".join(sorted(wrong))}' if wrong else (
            f'needs {", ".join(lacking)}, which the preset csknet-paper has')
        raise ValueError(f'{place} {said}. It is a dict of {", ".join(taken)}')


def find(net: nn.Module, place: str, kind: type[Kind], called: str) -> Kind:
    """The module at a place of a network.

    Raises:
        ValueError: there is none, or it is of another kind; close places are named.
    """
    modules = {name: module for name, module in net.named_modules() if isinstance(module, kind)}
    if place not in modules:
        close = get_close_matches(place, modules, n=3, cutoff=0.4)
        raise ValueError(f"'{place}' is no {called} of {type(net).__name__}. "
                         f'Close: {", ".join(close) or "none"}')
    return modules[place]


def check_widths(inputs: Mapping[str, Tensor]) -> None:
    """Refuses modalities of different shapes, which no shared convolution can take.

    Raises:
        ValueError: shapes differ; says what to do.
    """
    shapes = {name: tuple(x.shape) for name, x in inputs.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f'modalities of a shared encoder need one shape, not {shapes}. Load a '
                         'single channel as three, with channels=3 and loader=dict('
                         "type='LoadInfrared') in 'modalities' of the data set; sizes must be "
                         'registered pixel by pixel')
