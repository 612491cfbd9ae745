"""The encoder of MMANet: one ResNet a modality, fused stage by stage under a mask."""

from collections.abc import Mapping
from typing import Any

import torch
from mmengine.model import BaseModule, ModuleDict
from torch import Tensor, nn

from mmfkd.models.heads.scse_fusion import channel_gate
from mmfkd.registry import MODELS

STRIDE = 32


class SqueezeFusion(nn.Module):
    """Weighs the channels of each modality by itself, then adds the modalities (ESANet).

    Args:
        modalities: names.
        channels: width D.
    """

    def __init__(self, modalities: tuple[str, ...], channels: int) -> None:
        super().__init__()
        self.gates = nn.ModuleDict({name: channel_gate(channels) for name in modalities})

    def forward(self, maps: Mapping[str, Tensor]) -> Tensor:
        """Maps (N, D, H, W) of one or more modalities to their sum."""
        return torch.stack([x * self.gates[name](x) for name, x in maps.items()]).sum(0)


class MaskedEncoder(BaseModule):
    """Runs the stages of several ResNets side by side and fuses after the stem and each stage.

    The first modality's network goes on with the fused map, the others with their own. A mask
    multiplies the maps before each fusion, not the images, so every batch norm sees every sample,
    and what is masked has no influence on the result. A modality that is not in the inputs is
    masked for all samples.

    Args:
        backbones: modality to the config of a ResNet of mmseg or mmpretrain, all of one width and
            of total stride 32.

    Raises:
        ValueError: a backbone that is no ResNet, or widths that differ.
    """

    def __init__(self, backbones: Mapping[str, dict]) -> None:
        super().__init__()
        self.modalities = tuple(backbones)
        self.nets = ModuleDict({name: MODELS.build(cfg) for name, cfg in backbones.items()})
        widths = {name: stage_widths(net) for name, net in self.nets.items()}
        self.widths = widths[self.modalities[0]]
        if len(set(widths.values())) > 1:
            raise ValueError(f'backbones of widths {widths}: what is added must have one width')
        self.fusions = nn.ModuleList(SqueezeFusion(self.modalities, width)
                                     for width in self.widths)

    def forward(self, inputs: Mapping[str, Tensor], masks: Tensor) -> list[Tensor]:
        """Fused maps of the stages, at 1/4 to 1/32.

        Args:
            inputs: modality to (N, C, H, W), H and W multiples of 32.
            masks: (N, M), 1 for the modalities that a sample keeps, in the order of all M.

        Raises:
            ValueError: another size; says what to do.
        """
        present = [name for name in self.modalities if name in inputs]
        check_size(inputs[present[0]])
        kept = {name: masks[:, i, None, None, None] for i, name in enumerate(self.modalities)}
        maps = {name: stem(self.nets[name], inputs[name]) for name in present}
        fused = []
        for depth, fusion in enumerate(self.fusions):
            fused.append(fusion({name: maps[name] * kept[name] for name in present}))
            if depth == len(self.fusions) - 1:
                break
            # Without it in the inputs nothing of the first network would count.
            if self.modalities[0] in maps:
                maps[self.modalities[0]] = fused[-1]
            maps = {name: run_stage(self.nets[name], depth, x) for name, x in maps.items()}
        return fused[1:]


def stage_widths(net: Any) -> tuple[int, ...]:
    """Widths of the stem and of the stages of a ResNet.

    Raises:
        ValueError: it is none.
    """
    if not hasattr(net, 'res_layers') or not hasattr(net, 'maxpool'):
        raise ValueError(f'{type(net).__name__} is no ResNet of mmseg or mmpretrain, which MMANet '
                         'runs stage by stage: give one as a backbone')
    return (net.norm1.num_features if hasattr(net, 'norm1') else net.stem[-2].num_features,
            *(last_norm(getattr(net, name)).num_features for name in net.res_layers))


def last_norm(stage: Any) -> Any:
    """The last batch norm of a stage, that of the last block's residual."""
    return [module for module in stage[-1].modules() if hasattr(module, 'num_features')][-1]


def stem(net: Any, image: Tensor) -> Tensor:
    """What a ResNet computes before its pooling, (N, D, H / 2, W / 2)."""
    return net.stem(image) if net.deep_stem else net.relu(net.norm1(net.conv1(image)))


def run_stage(net: Any, index: int, x: Tensor) -> Tensor:
    """A stage of a ResNet, the first one after its pooling."""
    x = net.maxpool(x) if index == 0 else x
    return getattr(net, net.res_layers[index])(x)


def check_size(image: Tensor) -> None:
    """Refuses sizes at which the maps of the decoder do not meet those of the encoder.

    Raises:
        ValueError: height or width is no multiple of the stride.
    """
    if image.size(-2) % STRIDE or image.size(-1) % STRIDE:
        raise ValueError(f'MMANet needs height and width in multiples of {STRIDE}, not '
                         f'{image.size(-2)}x{image.size(-1)}: set model.data_preprocessor.'
                         f'size_divisor={STRIDE}')
