"""The decoder of DeepLabV3+ with the parameters of CSK-Net's tables."""

from collections.abc import Sequence

import torch
from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn
from torch.nn import functional as F

from mmfkd.registry import MODELS

from .defaults import BATCH_NORM, CROSS_ENTROPY


def separable(in_channels: int, out_channels: int, norm_cfg: dict, dilation: int = 1
              ) -> nn.Sequential:
    """Depthwise 3x3, pointwise, one batch norm and ReLU; none between the two convolutions."""
    return nn.Sequential(
        nn.Conv2d(in_channels, in_channels, 3, padding=dilation, dilation=dilation,
                  groups=in_channels, bias=False),
        ConvModule(in_channels, out_channels, 1, norm_cfg=norm_cfg))


@MODELS.register_module()
class DeepLabV3PlusHead(BaseDecodeHead):
    """DeepLabV3+ decoder with the structure of segmentation_models_pytorch.

    Its separable convolutions have one batch norm, and a 1x1 convolution projects its ASPP.

    Paper: Chen et al., "Encoder-Decoder with Atrous Separable Convolution" (ECCV 2018), in the
    form that CSK-Net and DisOptNet use. mmseg's ``DepthwiseSeparableASPPHead`` projects by a 3x3
    convolution, fuses twice and has a batch norm inside each separable convolution: at 256
    channels 2.8 M parameters more.

    Args:
        in_channels: width of the deepest map.
        c1_in_channels: width of the map at 1/4, the first of the inputs.
        channels: width of the decoder.
        c1_channels: width that the map at 1/4 is reduced to.
        dilations: of the three atrous branches.
        num_classes: number of classes.
        in_index: which of the inputs is the deepest map.
        norm_cfg: see mmseg.
        dropout_ratio: after the ASPP, as in DisOptNet's network.
        loss_decode: see mmseg.
        ignore_index: see mmseg.
        align_corners: see mmseg.
    """

    def __init__(self, in_channels: int, c1_in_channels: int, num_classes: int,
                 channels: int = 256, c1_channels: int = 48,
                 dilations: Sequence[int] = (12, 24, 36), in_index: int = -1,
                 norm_cfg: dict = BATCH_NORM, dropout_ratio: float = 0.5,
                 loss_decode: dict | Sequence[dict] = CROSS_ENTROPY,
                 ignore_index: int = 255, align_corners: bool = False) -> None:
        super().__init__(in_channels, channels, num_classes=num_classes, in_index=in_index,
                         norm_cfg=norm_cfg, dropout_ratio=0, loss_decode=loss_decode,
                         ignore_index=ignore_index, align_corners=align_corners)
        self.branches = nn.ModuleList([
            ConvModule(in_channels, channels, 1, norm_cfg=norm_cfg),
            *(separable(in_channels, channels, norm_cfg, rate) for rate in dilations)])
        self.image_pool = nn.Sequential(nn.AdaptiveAvgPool2d(1),
                                        ConvModule(in_channels, channels, 1, norm_cfg=norm_cfg))
        self.project = nn.Sequential(
            ConvModule((len(dilations) + 2) * channels, channels, 1, norm_cfg=norm_cfg),
            nn.Dropout(dropout_ratio), separable(channels, channels, norm_cfg))
        self.c1_bottleneck = ConvModule(c1_in_channels, c1_channels, 1, norm_cfg=norm_cfg)
        self.sep_bottleneck = separable(channels + c1_channels, channels, norm_cfg)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Maps of all stages to logits (N, C, H / 4, W / 4)."""
        x = self._transform_inputs(inputs)
        pooled = self.image_pool(x).expand(-1, -1, *x.shape[-2:])
        deep = self.project(torch.cat([*(branch(x) for branch in self.branches), pooled], 1))
        shallow = self.c1_bottleneck(inputs[0])
        deep = F.interpolate(deep, size=shallow.shape[-2:], mode='bilinear',
                             align_corners=self.align_corners)
        return self.cls_seg(self.sep_bottleneck(torch.cat([deep, shallow], 1)))
