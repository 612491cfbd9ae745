"""The neck of ESANet: skips and context between its encoder and its decoder."""

from collections.abc import Sequence

import torch
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from mmseg.models.decode_heads.psp_head import PPM
from torch import Tensor, nn

from mmfkd.registry import MODELS


@MODELS.register_module()
class ESANetNeck(BaseModule):
    """Brings the maps of an encoder to the widths of the decoder; the deepest gets a context.

    Paper: ESANet (Seichter et al., ICRA 2021): 1x1 convolutions where widths differ, and a pyramid
    pooling module whose bins share the width of its input. ``skips`` and ``context`` are places of
    taps.

    Args:
        in_channels: widths of the maps, the finest first.
        out_channels: widths of the decoder, one for each map.
        bins: sizes of the pooled maps; 1 and 5 in MMANet on NYUv2.
        norm_cfg: see mmseg.

    Raises:
        ValueError: another number of widths.
    """

    def __init__(self, in_channels: Sequence[int], out_channels: Sequence[int],
                 bins: Sequence[int] = (1, 5), norm_cfg: dict | None = None) -> None:
        super().__init__()
        if len(in_channels) != len(out_channels):
            raise ValueError(f'ESANetNeck: in_channels={tuple(in_channels)} and out_channels='
                             f'{tuple(out_channels)} need one width a map each')
        norm_cfg = norm_cfg or dict(type='BN')
        *shallow, deep = in_channels
        self.skips = nn.ModuleList(
            nn.Identity() if before == after else ConvModule(before, after, 1, norm_cfg=norm_cfg)
            for before, after in zip(shallow, out_channels, strict=False))
        width = deep // len(bins)
        self.pools = PPM(bins, deep, width, conv_cfg=None, norm_cfg=norm_cfg,
                         act_cfg=dict(type='ReLU'), align_corners=False)
        self.context = ConvModule(deep + width * len(bins), out_channels[-1], 1,
                                  norm_cfg=norm_cfg)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Maps (N, D_i, H_i, W_i), the finest first, to those of the decoder."""
        *shallow, deep = maps
        skips = [skip(x) for skip, x in zip(self.skips, shallow, strict=True)]
        return [*skips, self.context(torch.cat([deep, *self.pools(deep)], 1))]
