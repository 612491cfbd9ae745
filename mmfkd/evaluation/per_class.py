"""The IoU of mmseg with the score of each class."""

import numpy as np
from mmseg.evaluation.metrics import IoUMetric

from mmfkd.registry import METRICS


@METRICS.register_module()
class ClassIoU(IoUMetric):
    """mmseg's ``IoUMetric``, which also returns ``IoU.<class>`` in percent.

    A class that is neither labelled nor predicted anywhere has NaN, as in mmseg's mean.
    """

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Adds a metric for each class to those of mmseg."""
        metrics = super().compute_metrics(results)
        if not self.format_only:
            intersection, union = (np.asarray(sum(sample[i] for sample in results)) for i in (0, 1))
            with np.errstate(invalid='ignore'):
                scores = 100 * intersection / union
            metrics.update({f'IoU.{name}': round(float(score), 2) for name, score
                            in zip(self.dataset_meta['classes'], scores, strict=True)})
        return metrics
