"""The fusion of DisOptNet."""

from collections.abc import Sequence

import torch
from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn

from mmfkd.registry import MODELS

from .defaults import BATCH_NORM, CROSS_ENTROPY


def channel_gate(channels: int, reduction: int = 16) -> nn.Sequential:
    """A factor for each channel, from 0 to 1, out of the means of all (squeeze and excitation).

    Paper: Hu et al., "Squeeze-and-Excitation Networks" (CVPR 2018).

    Args:
        channels: width D.
        reduction: it squeezes to ``D // reduction``.
    """
    width = max(channels // reduction, 1)
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, width, 1), nn.ReLU(),
                         nn.Conv2d(width, channels, 1), nn.Sigmoid())


class ChannelSpatialGate(nn.Module):
    """Concurrent spatial and channel squeeze and excitation, ``x * channel + x * spatial``.

    Paper: Roy et al., "Concurrent Spatial and Channel 'Squeeze & Excitation'" (MICCAI 2018).

    Args:
        channels: width D.
        reduction: the channel gate squeezes to ``D // reduction``.
    """

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        self.channel = channel_gate(channels, reduction)
        self.spatial = nn.Sequential(nn.Conv2d(channels, 1, 1), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        """(N, D, H, W) to the same."""
        return x * self.channel(x) + x * self.spatial(x)


@MODELS.register_module()
class SCSEFusionHead(BaseDecodeHead):
    """Gates the decoder outputs of two streams, concatenates, gates again and classifies.

    Paper: Kang et al., "DisOptNet" (TGRS 2022), and its code: scSE of each, concatenation, 1x1
    convolution with batch norm and ReLU, scSE, classifier.

    Args:
        in_channels: width of either decoder output.
        channels: width of the fused map.
        num_classes: number of classes.
        norm_cfg: see mmseg.
        dropout_ratio: before the classifier.
        loss_decode: see mmseg.
        ignore_index: see mmseg.
        align_corners: see mmseg.
    """

    def __init__(self, in_channels: int, channels: int, num_classes: int,
                 norm_cfg: dict = BATCH_NORM, dropout_ratio: float = 0.1,
                 loss_decode: dict | Sequence[dict] = CROSS_ENTROPY,
                 ignore_index: int = 255, align_corners: bool = False) -> None:
        super().__init__((in_channels, in_channels), channels, num_classes=num_classes,
                         in_index=(0, 1), input_transform='multiple_select', norm_cfg=norm_cfg,
                         dropout_ratio=dropout_ratio, loss_decode=loss_decode,
                         ignore_index=ignore_index, align_corners=align_corners)
        self.before = nn.ModuleList(ChannelSpatialGate(in_channels) for _ in range(2))
        self.bottleneck = ConvModule(2 * in_channels, channels, 1, norm_cfg=norm_cfg)
        self.after = ChannelSpatialGate(channels)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Two maps (N, D, H, W) to logits (N, C, H, W)."""
        gated = [gate(x) for gate, x in
                 zip(self.before, self._transform_inputs(inputs), strict=True)]
        return self.cls_seg(self.after(self.bottleneck(torch.cat(gated, 1))))
