"""The blocks of CDDFuse: attention between channels, and invertible coupling."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of each pixel, (N, D, H, W) to the same."""

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class ChannelAttention(nn.Module):
    """Attention between the channels of a map, whose cost grows with its pixels alone.

    Paper: Zamir et al., "Restormer" (CVPR 2022), section 3.1: the rows of query and key, one a
    channel, are unit vectors, and their products are scaled by a learned factor a head.

    Args:
        channels: width D.
        heads: number of heads.
        depthwise: whether the 3x3 convolution after the projection is depthwise, as in Restormer,
            or full, as in CDDFuse's base branch.
    """

    def __init__(self, channels: int, heads: int, depthwise: bool) -> None:
        super().__init__()
        self.heads = heads
        self.scale = nn.Parameter(torch.ones(heads, 1, 1))
        self.project_in = nn.Sequential(
            nn.Conv2d(channels, 3 * channels, 1, bias=False),
            nn.Conv2d(3 * channels, 3 * channels, 3, padding=1, bias=False,
                      groups=3 * channels if depthwise else 1))
        self.project_out = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, D, H, W) to the same."""
        query, key, value = (part.unflatten(1, (self.heads, -1)).flatten(3)
                             for part in self.project_in(x).chunk(3, 1))
        weights = F.normalize(query, dim=-1) @ F.normalize(key, dim=-1).mT * self.scale
        mixed = weights.softmax(-1) @ value
        return self.project_out(mixed.flatten(1, 2).unflatten(2, x.shape[-2:]))


class GatedFeedForward(nn.Module):
    """Two branches of which one gates the other, after a 3x3 convolution (Restormer, eq. 2).

    Args:
        channels: width D.
        expansion: the branches have ``expansion · D`` channels each.
        depthwise: whether the 3x3 convolution is depthwise, or of pairs of channels, as in
            CDDFuse's base branch.
    """

    def __init__(self, channels: int, expansion: int, depthwise: bool) -> None:
        super().__init__()
        width = expansion * channels
        self.project_in = nn.Sequential(
            nn.Conv2d(channels, 2 * width, 1, bias=False),
            nn.Conv2d(2 * width, 2 * width, 3, padding=1, bias=False,
                      groups=2 * width if depthwise else width))
        self.project_out = nn.Conv2d(width, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, D, H, W) to the same."""
        gate, x = self.project_in(x).chunk(2, 1)
        return self.project_out(F.gelu(gate) * x)


class FusionBlock(nn.Module):
    """A transformer block: Restormer's, or that of the base branch of CDDFuse.

    Args:
        channels: width D.
        heads: see :class:`ChannelAttention`.
        base: the form of the base branch: full convolutions, and a feed-forward of width D.
    """

    def __init__(self, channels: int, heads: int, base: bool = False) -> None:
        super().__init__()
        self.norm1 = ChannelNorm(channels)
        self.attention = ChannelAttention(channels, heads, depthwise=not base)
        self.norm2 = ChannelNorm(channels)
        self.feed_forward = GatedFeedForward(channels, 1 if base else 2, depthwise=not base)

    def forward(self, x: Tensor) -> Tensor:
        """(N, D, H, W) to the same."""
        x = x + self.attention(self.norm1(x))
        return x + self.feed_forward(self.norm2(x))


class CouplingNode(nn.Module):
    """A step of the detail branch that could be undone: halves that transform each other.

    Paper: Zhao et al., "CDDFuse" (CVPR 2023), eq. 4-5, after RealNVP.

    Args:
        channels: width D, even.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shuffle = nn.Conv2d(channels, channels, 1)
        self.shift, self.scale, self.offset = (inverted_residual(channels // 2) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        """(N, D, H, W) to the same."""
        first, second = self.shuffle(x).chunk(2, 1)
        second = second + self.shift(first)
        return torch.cat([first * self.scale(second).exp() + self.offset(second), second], 1)

    def inverse(self, y: Tensor) -> Tensor:
        """The input that gives an output."""
        first, second = y.chunk(2, 1)
        first = (first - self.offset(second)) * (-self.scale(second)).exp()
        x = torch.cat([first, second - self.shift(first)], 1)
        weight, bias = self.shuffle.weight[:, :, 0, 0], self.shuffle.bias
        x = x if bias is None else x - bias[:, None, None]
        return torch.linalg.solve(weight, x.flatten(2)).view_as(x)


def inverted_residual(channels: int) -> nn.Sequential:
    """MobileNetV2's bottleneck at expansion 2, without norms and without its residual."""
    width = 2 * channels
    return nn.Sequential(
        nn.Conv2d(channels, width, 1, bias=False), nn.ReLU6(), nn.ReflectionPad2d(1),
        nn.Conv2d(width, width, 3, groups=width, bias=False), nn.ReLU6(),
        nn.Conv2d(width, channels, 1, bias=False))
