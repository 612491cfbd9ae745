"""Numbers of fused images that need no label and no reference."""

from collections.abc import Sequence

import numpy as np
from mmengine.evaluator import BaseMetric

from mmfkd.registry import METRICS


@METRICS.register_module()
class FusedImageMetric(BaseMetric):
    """Entropy, standard deviation and spatial frequency of fused images, averaged over images.

    Three of the numbers that CDDFuse's paper reports, of 8-bit values as ``mmfkd fuse`` writes
    them: ``EN`` in bits, ``SD`` and ``SF`` in grey levels. Larger means more contrast and detail,
    not a better segmentation.
    """

    default_prefix = 'fused'

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Takes the field ``fused`` of samples, (1, H, W) from 0 to 1."""
        for sample in data_samples:
            image = np.round(stretched(sample['fused']['data'][0].float().cpu().numpy()) * 255)
            self.results.append(measures(image))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Means over the images."""
        entropy, deviation, frequency = np.mean(results, axis=0)
        return dict(EN=float(entropy), SD=float(deviation), SF=float(frequency))


def measures(image: np.ndarray) -> tuple[float, float, float]:
    """Entropy, standard deviation and spatial frequency of (H, W), whole numbers to 255."""
    shares = np.bincount(image.astype(np.int64).ravel(), minlength=256) / image.size
    entropy = -float((shares[shares > 0] * np.log2(shares[shares > 0])).sum())
    frequency = np.sqrt(np.mean(np.diff(image, axis=0) ** 2) + np.mean(np.diff(image) ** 2))
    return entropy, float(image.std()), float(frequency)


def stretched(image: np.ndarray) -> np.ndarray:
    """An image whose lowest value is 0 and whose highest is 1; 0 where all are equal."""
    low, high = image.min(), image.max()
    return (image - low) / max(high - low, np.finfo(np.float32).tiny)
