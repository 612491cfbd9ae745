"""The Gated Spectral Unit of CSK-Net."""

from collections.abc import Sequence

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch import Tensor, nn

from mmfkd.registry import MODELS

from .defaults import CROSS_ENTROPY


@MODELS.register_module()
class GatedSpectralHead(BaseDecodeHead):
    """Fuses the decoder outputs of two modalities by gates, and classifies the result.

    Paper: CSK-Net, eq. 2-6, after the Gated Multimodal Units of Arevalo et al.::

        h1 = tanh(W1 * F_I)   h2 = tanh(W2 * F_O)   h3 = tanh(W3 * (F_I + F_O))
        Z_k = sigmoid(V_k * [F_I, F_O, F_I + F_O])          F = Z1 h1 + Z2 h2 + Z3 h3

    Eq. 5 gives Z1 alone and calls its weights W1 again: here the three gates have weights of
    their own. They are sigmoids and not normalised to one sum. No kernel size is given; 1 is the
    linear map of the GMU pixel by pixel.

    Args:
        in_channels: width of either decoder output; equal.
        channels: width of the fused map; equal to ``in_channels``.
        num_classes: number of classes.
        kernel_size: of the convolutions W_k; the gates are 1x1.
        gated: False adds the two maps instead (Table 4, "w/o Gated Spectral Fusion").
        dropout_ratio: before the classifier.
        loss_decode: see mmseg.
        ignore_index: see mmseg.
        align_corners: see mmseg.

    Raises:
        ValueError: ``channels`` differs from ``in_channels``.
    """

    def __init__(self, in_channels: int, channels: int, num_classes: int, kernel_size: int = 1,
                 gated: bool = True, dropout_ratio: float = 0.1,
                 loss_decode: dict | Sequence[dict] = CROSS_ENTROPY,
                 ignore_index: int = 255, align_corners: bool = False) -> None:
        if channels != in_channels:
            raise ValueError(f'GatedSpectralHead: channels={channels} must be '
                             f'in_channels={in_channels}, the width of what it fuses')
        super().__init__((in_channels, in_channels), channels, num_classes=num_classes,
                         in_index=(0, 1), input_transform='multiple_select',
                         dropout_ratio=dropout_ratio, loss_decode=loss_decode,
                         ignore_index=ignore_index, align_corners=align_corners)
        if gated:
            self.transforms = nn.ModuleList(
                nn.Conv2d(channels, channels, kernel_size, padding=kernel_size // 2)
                for _ in range(3))
            # The three gates side by side.
            self.gates = nn.Conv2d(3 * channels, 3 * channels, 1)
        self.gated = gated

    def fuse(self, optical: Tensor, infrared: Tensor) -> Tensor:
        """Two maps (N, D, H, W), F_O and F_I, to the fused one (eq. 2-6)."""
        both = infrared + optical
        if not self.gated:
            return both
        sources = (infrared, optical, both)
        gates = self.gates(torch.cat(sources, 1)).sigmoid().chunk(3, 1)
        return sum(gate * transform(source).tanh() for gate, transform, source
                   in zip(gates, self.transforms, sources, strict=True))

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """``(F_O, F_I)``, each (N, D, H, W), to logits (N, C, H, W)."""
        return self.cls_seg(self.fuse(*self._transform_inputs(inputs)))
