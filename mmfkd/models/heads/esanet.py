"""The decoder of ESANet, which MMANet trains at four scales."""

from collections.abc import Sequence
from typing import Any

import torch
from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.structures import SegDataSample
from torch import Tensor, nn
from torch.nn import functional as F

from mmfkd.models.losses.shapes import nearest_labels
from mmfkd.registry import MODELS

from .defaults import BATCH_NORM, CROSS_ENTROPY


class NonBottleneck1D(nn.Module):
    """ERFNet's residual block of four one-dimensional convolutions, with ReLU between them.

    Paper: Romera et al., "ERFNet" (TITS 2018).

    Args:
        channels: width D.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [nn.Conv2d(channels, channels, (3, 1), padding=(1, 0)), nn.ReLU(),
                       nn.Conv2d(channels, channels, (1, 3), padding=(0, 1)),
                       nn.BatchNorm2d(channels, eps=1e-3), nn.ReLU()]
        self.residual = nn.Sequential(*layers[:-1])

    def forward(self, x: Tensor) -> Tensor:
        """(N, D, H, W) to the same."""
        return F.relu(x + self.residual(x))


class LearnedUpsample(nn.Sequential):
    """Doubles height and width: nearest, then a depthwise 3x3 that starts as a bilinear filter.

    Args:
        channels: width D.
    """

    def __init__(self, channels: int) -> None:
        smooth: Any = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        super().__init__(nn.Upsample(scale_factor=2), smooth)
        line = torch.tensor([0.25, 0.5, 0.25])
        nn.init.zeros_(smooth.bias)
        with torch.no_grad():
            smooth.weight.copy_(torch.outer(line, line).expand_as(smooth.weight))


class DecoderStage(nn.Module):
    """Convolves, doubles the size and adds the map of the encoder.

    Args:
        in_channels: width of the deeper map.
        channels: width D of what leaves, and of the encoder's map.
        num_classes: width of the side output.
        blocks: number of residual blocks.
        norm_cfg: see mmseg.
    """

    def __init__(self, in_channels: int, channels: int, num_classes: int, blocks: int,
                 norm_cfg: dict) -> None:
        super().__init__()
        self.conv = ConvModule(in_channels, channels, 3, padding=1, norm_cfg=norm_cfg)
        self.blocks = nn.Sequential(*(NonBottleneck1D(channels) for _ in range(blocks)))
        self.side = nn.Conv2d(channels, num_classes, 1)
        self.upsample = LearnedUpsample(channels)

    def forward(self, deeper: Tensor, skip: Tensor) -> tuple[Tensor, Tensor]:
        """The deeper map (N, D', H, W), and what the side output sees, (N, D, H, W).

        Returns:
            (N, D, 2 H, 2 W), and (N, D, H, W).
        """
        x = self.blocks(self.conv(deeper))
        return self.upsample(x) + skip, x


@MODELS.register_module()
class ESANetHead(BaseDecodeHead):
    """Decodes maps at 1/4, 1/8, 1/16 and 1/32 to logits of the size of the image.

    Paper: Seichter et al., "Efficient RGB-D Semantic Segmentation for Indoor Scene Analysis"
    (ICRA 2021), and its code, in the form that MMANet has it. In training the three stages have
    side outputs; each is supervised by labels of its own size, and the losses of all scales are
    summed. With ``class_weight`` each is the sum of the weighted losses by the sum of the weights,
    as the authors' is.

    Args:
        in_channels: widths of the maps, the finest first; those of the first three are those of
            the stages, the deepest stage last.
        num_classes: number of classes.
        blocks: number of residual blocks of each stage.
        norm_cfg: see mmseg.
        loss_decode: see mmseg.
        ignore_index: see mmseg.
    """

    def __init__(self, in_channels: Sequence[int], num_classes: int, blocks: int = 3,
                 norm_cfg: dict = BATCH_NORM, loss_decode: dict | Sequence[dict] = CROSS_ENTROPY,
                 ignore_index: int = 255) -> None:
        super().__init__(tuple(in_channels), in_channels[0], num_classes=num_classes,
                         in_index=tuple(range(len(in_channels))),
                         input_transform='multiple_select', norm_cfg=norm_cfg, dropout_ratio=0,
                         loss_decode=loss_decode, ignore_index=ignore_index)
        self.conv_seg = nn.Conv2d(in_channels[0], num_classes, 3, padding=1)
        self.upsample = nn.Sequential(LearnedUpsample(num_classes), LearnedUpsample(num_classes))
        deep = list(reversed(in_channels))
        self.stages = nn.ModuleList(
            DecoderStage(before, width, num_classes, blocks, norm_cfg)
            for before, width in zip(deep, deep[1:], strict=False))

    def forward(self, inputs: Sequence[Tensor]) -> Tensor | list[Tensor]:
        """Maps of all scales, the finest first, to logits (N, C, H, W) of the image's size.

        In training a list of them, and of the side outputs, the finest first.
        """
        *skips, x = self._transform_inputs(inputs)
        sides: list[Tensor] = []
        stages: Any = self.stages
        for stage, skip in zip(stages, reversed(skips), strict=True):
            x, seen = stage(x, skip)
            if self.training:
                sides.insert(0, stage.side(seen))
        logits = self.upsample(self.conv_seg(x))
        return [logits, *sides] if self.training else logits

    def loss_by_feat(self, seg_logits: list[Tensor], batch_data_samples: list[SegDataSample]
                     ) -> dict[str, Tensor]:
        """Losses of all scales: ``loss_ce``, ``loss_ce_8`` and so on, by name of the loss.

        Args:
            seg_logits: logits of each scale, the first of the image's size.
            batch_data_samples: with labels of the image's size.
        """
        labels = self._stack_batch_gt(batch_data_samples).squeeze(1)
        given: Any = self.loss_decode
        losses = {}
        for logits in seg_logits:
            scale = labels.size(-1) // logits.size(-1)
            small = nearest_labels(labels, logits.shape[-2:])
            for loss in given if isinstance(given, nn.ModuleList) else [given]:
                name = str(loss.loss_name) if scale == 1 else f'{loss.loss_name}_{scale}'
                losses[name] = loss(logits, small, ignore_index=self.ignore_index)
        return losses
