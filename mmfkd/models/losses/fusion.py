"""Terms that compare images and features without labels, as CDDFuse is trained with."""

import torch
from torch import Tensor
from torch.nn import functional as F

EPSILON = torch.finfo(torch.float32).eps
TINY = 1e-24
SOBEL = ((-1.0, 0.0, 1.0), (-2.0, 0.0, 2.0), (-1.0, 0.0, 1.0))


def dissimilarity(x: Tensor, y: Tensor) -> Tensor:
    """``clamp(1 - SSIM, 0, 1) / 2`` of images (N, C, H, W) from 0 to 1, averaged.

    SSIM of Wang et al. (TIP 2004): a Gaussian window of 11 pixels and standard deviation 1.5,
    reflected at the border, K1 = 0.01 and K2 = 0.03.
    """
    mean_x, mean_y = blurred(x), blurred(y)
    var_x = blurred(x * x) - mean_x * mean_x
    var_y = blurred(y * y) - mean_y * mean_y
    covariance = blurred(x * y) - mean_x * mean_y
    c1, c2 = 0.01 ** 2, 0.03 ** 2
    similarity = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)
                  / ((mean_x * mean_x + mean_y * mean_y + c1) * (var_x + var_y + c2)))
    return ((1 - similarity).clamp(0, 1) / 2).mean()


def blurred(x: Tensor, size: int = 11, deviation: float = 1.5) -> Tensor:
    """(N, C, H, W) under a Gaussian window, reflected at the border."""
    places = torch.arange(size, dtype=x.dtype, device=x.device) - size // 2
    line = (-places.square() / (2 * deviation ** 2)).exp()
    line = line / line.sum()
    channels = x.size(1)
    x = F.pad(x, [size // 2] * 4, mode='reflect')
    x = F.conv2d(x, line.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)
    return F.conv2d(x, line.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)


def gradients(x: Tensor, normalised: bool) -> tuple[Tensor, Tensor]:
    """Sobel's derivatives of an image (N, 1, H, W), across and down.

    Args:
        x: the image.
        normalised: divided by 8 and with the border repeated, as kornia has them; else as they
            are, with zeros around.
    """
    across = x.new_tensor(SOBEL)[None, None] / (8 if normalised else 1)
    x = F.pad(x, (1, 1, 1, 1), mode='replicate' if normalised else 'constant')
    return F.conv2d(x, across), F.conv2d(x, across.mT)


def edges(x: Tensor) -> Tensor:
    """``|Sx| + |Sy|`` of an image (N, 1, H, W)."""
    across, down = gradients(x, normalised=False)
    return across.abs() + down.abs()


def gradient_gap(x: Tensor, y: Tensor) -> Tensor:
    """Mean absolute difference of the normalised gradients of two images (N, 1, H, W)."""
    own, other = (torch.stack(gradients(image, normalised=True)) for image in (x, y))
    return F.l1_loss(own, other)


def correlation(x: Tensor, y: Tensor) -> Tensor:
    """Pearson's correlation over space of maps (N, D, H, W), averaged over N and D."""
    x, y = (z.flatten(2) - z.flatten(2).mean(-1, keepdim=True) for z in (x, y))
    # A root has no gradient at 0, where a map is constant.
    lengths = [z.square().sum(-1).clamp(min=TINY).sqrt() for z in (x, y)]
    return ((x * y).sum(-1) / (lengths[0] * lengths[1] + EPSILON)).clamp(-1, 1).mean()


def decomposition(base: tuple[Tensor, Tensor], detail: tuple[Tensor, Tensor]) -> Tensor:
    """``cc(detail)² / (1.01 + cc(base))``: bases are to agree, details are not (CDDFuse, eq. 9)."""
    return correlation(*detail).square() / (1.01 + correlation(*base))
