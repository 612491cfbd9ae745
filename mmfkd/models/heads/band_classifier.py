"""Classifiers on the two bands of a feature."""

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmfkd.registry import MODELS


@MODELS.register_module()
class BandClassifier(BaseModule):
    """Two linear classifiers, Φ_l and Φ_h, on the low and the high band (FDKD, eq. 10).

    Each is a ReLU and a linear layer, as in the authors' code; on maps they work pixel by pixel.

    Args:
        in_channels: width D of the feature.
        num_classes: number of classes C.
    """

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.low = nn.Linear(in_channels, num_classes)
        self.high = nn.Linear(in_channels, num_classes)

    def forward(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N, C) from (N, D), or (N, C, H, W) from (N, D, H, W), for either band."""
        return self._classify(self.low, low), self._classify(self.high, high)

    @staticmethod
    def _classify(layer: nn.Linear, band: Tensor) -> Tensor:
        return layer(band.relu().movedim(1, -1)).movedim(-1, 1)
