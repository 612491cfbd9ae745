"""The decoder of RefineNet, which C.E.N.'s authors use."""

from collections.abc import Sequence

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn
from torch.nn import functional as F

from mmfkd.registry import MODELS

from .defaults import CROSS_ENTROPY


def conv3x3(in_channels: int, out_channels: int, bias: bool = False) -> nn.Conv2d:
    """A 3x3 convolution that keeps the size."""
    return nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=bias)


class ResidualUnits(nn.Module):
    """Units of two convolutions after ReLUs, each added to what came in.

    What is added has passed the ReLU too, as in the authors' code, whose ReLU works in place.

    Args:
        channels: width D.
        count: number of units.
    """

    def __init__(self, channels: int, count: int) -> None:
        super().__init__()
        self.units = nn.ModuleList(nn.Sequential(
            conv3x3(channels, channels, bias=True), nn.ReLU(), conv3x3(channels, channels))
            for _ in range(count))

    def forward(self, x: Tensor) -> Tensor:
        """(N, D, H, W) to the same."""
        for unit in self.units:
            x = F.relu(x)
            x = x + unit(x)
        return x


class ChainedPooling(nn.Module):
    """Adds what four poolings and convolutions in a row make of a map.

    Args:
        channels: width D.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(conv3x3(channels, channels) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        """(N, D, H, W) to the same."""
        top = x
        for conv in self.convs:
            top = conv(F.max_pool2d(top, 5, 1, 2))
            x = x + top
        return x


class RefineStage(nn.Module):
    """One stage: the map of the encoder, fused with what comes from the deeper one.

    Args:
        in_channels: width of the encoder's map.
        channels: width D of the stage.
        deepest: whether no stage is after it.
        out_channels: width of what the next stage gets; None of the last.
    """

    def __init__(self, in_channels: int, channels: int, deepest: bool, out_channels: int | None
                 ) -> None:
        super().__init__()
        adapted = nn.Identity() if deepest else conv3x3(channels, channels)
        self.adapt = nn.Sequential(conv3x3(in_channels, channels), ResidualUnits(channels, 2),
                                   adapted)
        self.pool = ChainedPooling(channels)
        self.units = ResidualUnits(channels, 3)
        self.reduce = nn.Identity() if out_channels is None else conv3x3(channels, out_channels)

    def forward(self, x: Tensor, deeper: Tensor | None) -> Tensor:
        """The encoder's map (N, D', H, W) and (N, D, h, w) of the deeper stage, if there is one."""
        x = self.adapt(x)
        if deeper is not None:
            x = x + F.interpolate(deeper, x.shape[-2:], mode='bilinear', align_corners=True)
        return self.reduce(self.units(self.pool(F.relu(x))))


@MODELS.register_module()
class RefineNetHead(BaseDecodeHead):
    """RefineNet's decoder: from the deepest map to the finest, each refined by the next.

    Paper: Lin et al., "RefineNet" (CVPR 2017), in the form of C.E.N.'s code. It has no batch norm.

    Args:
        in_channels: widths of the encoder's maps, the finest first.
        channels: width of the stages; the deepest has twice that.
        num_classes: number of classes.
        dropout_ratio: of the two deepest maps, and before the classifier.
        loss_decode: see mmseg.
        ignore_index: see mmseg.
    """

    def __init__(self, in_channels: Sequence[int], num_classes: int, channels: int = 256,
                 dropout_ratio: float = 0.5, loss_decode: dict | Sequence[dict] = CROSS_ENTROPY,
                 ignore_index: int = 255) -> None:
        super().__init__(tuple(in_channels), channels, num_classes=num_classes,
                         in_index=tuple(range(len(in_channels))),
                         input_transform='multiple_select', dropout_ratio=dropout_ratio,
                         loss_decode=loss_decode, ignore_index=ignore_index, align_corners=True)
        self.conv_seg = conv3x3(channels, num_classes, bias=True)
        *shallow, deep = in_channels
        # From the deepest to the finest.
        self.stages = nn.ModuleList([RefineStage(deep, 2 * channels, True, channels), *(
            RefineStage(width, channels, False, channels if i else None)
            for i, width in reversed(list(enumerate(shallow))))])
        self.thinned = nn.Dropout(dropout_ratio)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Maps of all stages, the finest first, to logits (N, C, H / 4, W / 4)."""
        maps = list(reversed(self._transform_inputs(inputs)))
        x: Tensor | None = None
        for i, (stage, own) in enumerate(zip(self.stages, maps, strict=True)):
            x = stage(self.thinned(own) if i < 2 else own, x)
        return self.cls_seg(x)
