"""Normalisation layers of one modality each, after convolutions that all modalities share.

Batches of several modalities are stacked, so that a shared convolution runs once::

    streams = to_modality_norm(network, ('rgb', 'ir'))
    features = network(torch.cat([rgb, ir]))     # all modalities, in their order
    with streams.only('ir'):
        features = network(ir)                   # one of them
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

EACH = 'each'


class Streams:
    """The modalities that a stacked batch of a network holds, in order.

    Args:
        names: of all modalities.

    Raises:
        ValueError: fewer than two, the same name twice, or a name that cannot be a module's.
    """

    def __init__(self, names: Sequence[str]) -> None:
        if len(set(names)) < 2 or len(set(names)) < len(names):
            raise ValueError(f'modalities={list(names)}: name two or more, each once')
        if any('.' in name or not name for name in names):
            raise ValueError(f'modalities={list(names)}: a name has no dot and is not empty')
        self.names = tuple(names)
        self.active = self.names

    @contextmanager
    def only(self, *names: str) -> Iterator[None]:
        """Inside, the stacked batch holds these modalities alone.

        Raises:
            KeyError: a name that the network does not have.
        """
        unknown = [name for name in names if name not in self.names]
        if unknown or not names:
            raise KeyError(f'modalities {unknown or "(none)"}: choose of {list(self.names)}')
        before, self.active = self.active, tuple(names)
        try:
            yield
        finally:
            self.active = before

    def split(self, stacked: Tensor) -> tuple[Tensor, ...]:
        """The part (N, ...) of each active modality of a stacked batch (M · N, ...)."""
        if len(stacked) % len(self.active):
            raise ValueError(f'a stacked batch of {len(stacked)} cannot hold equally many samples '
                             f'of {list(self.active)}: give every modality the same batch, or '
                             'name those that are there with streams.only(...)')
        return stacked.chunk(len(self.active)) if len(self.active) > 1 else (stacked,)


class PerModality(nn.Module):
    """A copy of a module for each modality, each on its part of the stacked batch.

    A state dict of the module itself, such as pretrained weights, is loaded into every copy.

    Args:
        module: what is copied, with its weights.
        streams: of the network; shared by all layers of it.
        fork: the batch is not stacked yet: every copy gets all of it, and the outputs are
            stacked.
    """

    def __init__(self, module: nn.Module, streams: Streams, fork: bool = False) -> None:
        super().__init__()
        self.each = nn.ModuleDict({name: deepcopy(module) for name in streams.names})
        self.streams = streams
        self.fork = fork
        self.exchange: Any = None

    def forward(self, x: Tensor) -> Tensor:
        """Stacked (M · N, ...) to stacked, M modalities being active."""
        active = self.streams.active
        parts = (x,) * len(active) if self.fork else self.streams.split(x)
        outputs = [self.each[name](part) for name, part in zip(active, parts, strict=True)]
        if len(outputs) == 1:
            return outputs[0]
        if self.exchange is not None:
            outputs = self.exchange(outputs, [self.each[name].weight for name in active])
        return torch.cat(outputs)

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args) -> None:
        head = f'{prefix}{EACH}.'
        if not any(key.startswith(head) for key in state_dict):
            for key in [key for key in state_dict if key.startswith(prefix)]:
                weight = state_dict.pop(key)
                for name in self.each:
                    state_dict[f'{head}{name}.{key.removeprefix(prefix)}'] = weight
        super()._load_from_state_dict(state_dict, prefix, *args)


def to_modality_norm(module: nn.Module, modalities: Sequence[str] | Streams) -> Streams:
    """Gives every batch norm of a network one set of statistics and affine a modality, in place.

    Convolutions stay shared. The batch norm that is there, with its weights, is copied to every
    modality; so are the weights of a plain checkpoint that is loaded later. Networks of mmseg,
    mmpretrain and timm, whose batch norms may hold an activation, are all served.

    Args:
        module: network whose batch norms are replaced.
        modalities: names, in the order of the stacked batch; or the streams of another network
            that runs on the same stacked batch.

    Returns:
        the streams, which say what a stacked batch holds.

    Raises:
        ValueError: no batch norm, or they are of modalities already.
    """
    streams = modalities if isinstance(modalities, Streams) else Streams(modalities)
    if any(isinstance(child, PerModality) for child in module.modules()):
        raise ValueError(f'{type(module).__name__} has modality-specific parts already')
    norms = [(parent, name, child) for parent in module.modules()
             for name, child in parent.named_children() if isinstance(child, _BatchNorm)]
    if not norms:
        raise ValueError(f'{type(module).__name__} has no batch norm, so nothing in it would be '
                         "of one modality: set norm_cfg=dict(type='BN')")
    for parent, name, child in norms:
        parent.register_module(name, PerModality(child, streams))
    return streams


def take_modality(module: nn.Module, modality: str) -> nn.Module:
    """A copy of a network with the parts of one modality alone, as plain modules.

    It is the network as it was before :func:`to_modality_norm`, with that modality's weights.

    Raises:
        KeyError: no such modality.
    """
    copy = deepcopy(module)
    for parent in list(copy.modules()):
        for name, child in parent.named_children():
            if isinstance(child, PerModality):
                each = child.each[modality]
                # Layers that exchange between modalities share these streams, and now find one.
                child.streams.active = (modality,)
                parent.register_module(name, each)
    return copy


def modality_weights(weights: dict[str, Tensor], modality: str) -> dict[str, Tensor]:
    """The state dict of :func:`take_modality` from the state dict of the whole network."""
    mark = f'.{EACH}.'
    taken = {}
    for key, weight in weights.items():
        head, found, tail = key.rpartition(mark)
        if found:
            name, _, rest = tail.partition('.')
            if name != modality:
                continue
            key = f'{head}.{rest}'
        taken[key] = weight
    return taken
