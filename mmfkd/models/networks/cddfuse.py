"""CDDFuse: one image out of a visible and an infrared one."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.model import BaseModel
from mmengine.structures import PixelData
from torch import Tensor, nn
from torch.nn import functional as F

from mmfkd.models.losses.fusion import decomposition, dissimilarity, edges, gradient_gap
from mmfkd.registry import MODELS

from .fusion_blocks import CouplingNode, FusionBlock

GREY = (0.299, 0.587, 0.114)  # of red, green and blue


class FusionEncoder(nn.Module):
    """A grey image to its base and its detail, by one network for both modalities.

    Args:
        channels: width D.
        heads: of the attention.
        blocks: number of Restormer blocks.
    """

    def __init__(self, channels: int, heads: int, blocks: int) -> None:
        super().__init__()
        self.shared = nn.Sequential(nn.Conv2d(1, channels, 3, padding=1, bias=False),
                                    *(FusionBlock(channels, heads) for _ in range(blocks)))
        self.base = FusionBlock(channels, heads, base=True)
        self.detail = nn.Sequential(*(CouplingNode(channels) for _ in range(3)))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 1, H, W) to two maps (N, D, H, W)."""
        shared = self.shared(image)
        return self.base(shared), self.detail(shared)


class FusionDecoder(nn.Module):
    """Base and detail to an image, whose difference to a given image is learned.

    Args:
        channels: see :class:`FusionEncoder`.
        heads: likewise.
        blocks: likewise.
    """

    def __init__(self, channels: int, heads: int, blocks: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(2 * channels, channels, 1, bias=False),
            *(FusionBlock(channels, heads) for _ in range(blocks)),
            nn.Conv2d(channels, channels // 2, 3, padding=1, bias=False), nn.LeakyReLU(),
            nn.Conv2d(channels // 2, 1, 3, padding=1, bias=False))

    def forward(self, image: Tensor, base: Tensor, detail: Tensor) -> Tensor:
        """Image (N, 1, H, W) and maps (N, D, H, W) to an image from 0 to 1."""
        return (self.layers(torch.cat([base, detail], 1)) + image).sigmoid()


@MODELS.register_module()
class CDDFuse(BaseModel):
    """Fuses a visible and an infrared image into a grey one, without labels, in two phases.

    Paper: Zhao et al., "CDDFuse: Correlation-Driven Dual-Branch Feature Decomposition for
    Multi-Modality Image Fusion" (CVPR 2023), and its code. In phase 1 encoder and decoder learn to
    give back each image V, I (eq. 7-9)::

        Σ_{X in V, I} [5 dssim(X, X̂) + mse(X, X̂)] + 5 |∇V - ∇V̂| + 2 L_dec

    in phase 2, together with the two fusion layers, to fuse (eq. 10-11)::

        |F - max(V, I)| + 10 ||S F| - max(|S V|, |S I|)| + 2 L_dec

    :class:`mmfkd.engine.FusionPhaseHook` sets the phase. The visible image is taken as grey. Its
    size is kept all the way, so memory is its price. It is no segmentor: its images are written by
    ``mmfkd fuse``, and a segmentor of one modality is trained on them.

    Args:
        modalities: names of the visible and of the infrared modality in the inputs, whose values
            are to be from 0 to 1 (``norm`` of the branch: mean 0, std 255).
        channels: width D.
        heads: of the attention.
        blocks: number of Restormer blocks of encoder and decoder each.
        ssim_weight: of dssim.
        gradient_weight: of the gradients in phase 1.
        edge_weight: of the edges in phase 2.
        decomposition_weight: of L_dec.
        data_preprocessor: see mmengine.
        init_cfg: see mmengine.

    Attributes:
        value_range: lowest and highest value that it takes, for :class:`mmfkd.models.Branch`.

    Raises:
        ValueError: not two modalities.
    """

    value_range = (0.0, 1.0)

    def __init__(self, modalities: Sequence[str], channels: int = 64, heads: int = 8,
                 blocks: int = 4, ssim_weight: float = 5.0, gradient_weight: float = 5.0,
                 edge_weight: float = 10.0, decomposition_weight: float = 2.0,
                 data_preprocessor: dict | None = None, init_cfg: dict | None = None) -> None:
        super().__init__(data_preprocessor, init_cfg)
        if len(set(modalities)) != 2:
            raise ValueError(f'CDDFuse fuses two modalities, visible first, not '
                             f'{list(modalities)}')
        self.modalities = tuple(modalities)
        self.encoder = FusionEncoder(channels, heads, blocks)
        self.decoder = FusionDecoder(channels, heads, blocks)
        self.base_fusion = FusionBlock(channels, heads, base=True)
        self.detail_fusion = CouplingNode(channels)
        self.ssim_weight = ssim_weight
        self.gradient_weight = gradient_weight
        self.edge_weight = edge_weight
        self.decomposition_weight = decomposition_weight
        self.phase = 1

    def forward(self, inputs: Mapping[str, Tensor], data_samples: list | None = None,
                mode: str = 'tensor') -> Any:
        """Losses of the phase, samples with the field ``fused``, or fused images (N, 1, H, W).

        Raises:
            ValueError: a modality is missing.
        """
        missing = [name for name in self.modalities if name not in inputs]
        if missing:
            raise ValueError(f'CDDFuse fuses {" and ".join(self.modalities)}, and {missing} is '
                             'missing: it cannot do with one of them')
        visible, infrared = (grey(inputs[name]) for name in self.modalities)
        if mode == 'loss':
            return self.loss(visible, infrared)
        fused = self.fuse(visible, self.encoder(visible), self.encoder(infrared))
        if mode == 'tensor' or data_samples is None:
            return fused
        for sample, image in zip(data_samples, fused, strict=True):
            height, width = sample.img_shape[:2]
            sample.set_data(dict(fused=PixelData(data=image[:, :height, :width])))
        return data_samples

    def fuse(self, visible: Tensor, first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor]
             ) -> Tensor:
        """Fused image of the visible one and of base and detail of either, (N, 1, H, W)."""
        return self.decoder(visible, self.base_fusion(first[0] + second[0]),
                            self.detail_fusion(first[1] + second[1]))

    def loss(self, visible: Tensor, infrared: Tensor) -> dict[str, Tensor]:
        """Losses of the phase, of grey images (N, 1, H, W)."""
        first, second = self.encoder(visible), self.encoder(infrared)
        if self.phase == 2:
            made = [self.fuse(visible, first, second)]
        else:
            made = [self.decoder(visible, *first), self.decoder(infrared, *second)]
        # In half precision the variances of dissimilarity and the lengths of correlation are lost.
        with torch.autocast(visible.device.type, enabled=False):
            images = [x.float() for x in (visible, infrared, *made)]
            terms = (self.fusion_terms(*images) if self.phase == 2 else
                     self.reconstruction_terms(*images))
            (base, detail), (other_base, other_detail) = (
                tuple(x.float() for x in maps) for maps in (first, second))
            apart = decomposition((base, other_base), (detail, other_detail))
            return dict(terms, loss_decomposition=self.decomposition_weight * apart)

    def reconstruction_terms(self, visible: Tensor, infrared: Tensor, shown: Tensor, seen: Tensor
                             ) -> dict[str, Tensor]:
        """Terms of phase 1, and a zero that depends on the fusion layers, for DDP.

        Args:
            visible: image (N, 1, H, W).
            infrared: likewise.
            shown: what the decoder makes of the visible one.
            seen: likewise of the infrared one.
        """
        unused = (*self.base_fusion.parameters(), *self.detail_fusion.parameters())
        return dict(
            loss_ssim=self.ssim_weight * (dissimilarity(visible, shown)
                                          + dissimilarity(infrared, seen)),
            loss_mse=F.mse_loss(shown, visible) + F.mse_loss(seen, infrared),
            loss_gradient=self.gradient_weight * gradient_gap(visible, shown),
            loss_unused=0 * torch.stack([weight.sum() for weight in unused]).sum())

    def fusion_terms(self, visible: Tensor, infrared: Tensor, fused: Tensor) -> dict[str, Tensor]:
        """Terms of phase 2, of images (N, 1, H, W)."""
        wanted = torch.maximum(edges(visible), edges(infrared))
        return dict(loss_intensity=F.l1_loss(fused, torch.maximum(visible, infrared)),
                    loss_edges=self.edge_weight * F.l1_loss(edges(fused), wanted))


def grey(x: Tensor) -> Tensor:
    """An image (N, 3, H, W), red first, or (N, 1, H, W) as luminance (N, 1, H, W)."""
    if x.size(1) == 1:
        return x
    return (x * x.new_tensor(GREY)[:, None, None]).sum(1, keepdim=True)
