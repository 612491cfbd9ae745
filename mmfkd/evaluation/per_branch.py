"""One metric for several predictions."""

from collections.abc import Sequence

from mmfkd.registry import METRICS


@METRICS.register_module()
class PerBranchMetric:
    """Evaluates the student and what predicts beside it, each with a metric of its own.

    Beside the first student predict other students, and losses with classifiers, such as the low
    and the high head of FDKD; see :meth:`mmfkd.models.CrossModalDistiller.predict`. The
    student's metrics keep their names, so ``save_best='accuracy/top1'`` is the same with and
    without this class; those of the others are prefixed, as ``fdkd.low/accuracy/top1``.

    Args:
        metric: config of an upstream metric that reads fields starting with 'pred'.

    Example:
        >>> val_evaluator = dict(type='PerBranchMetric', metric=dict(type='mmpretrain.Accuracy'))
    """

    def __init__(self, metric: dict) -> None:
        self.config = metric
        self.main = METRICS.build(metric)
        self.others: dict = {}

    @property
    def dataset_meta(self) -> dict | None:
        """Meta data of the data set, which mmengine's evaluator sets."""
        return self.main.dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, meta: dict) -> None:
        self.main.dataset_meta = meta

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Gives every metric its predictions of a batch."""
        self.main.process(data_batch, data_samples)
        for name in data_samples[0].get('predictions', ()):
            if name not in self.others:
                self.others[name] = METRICS.build(self.config)
                self.others[name].dataset_meta = self.dataset_meta
            self.others[name].process(data_batch, [{**sample, **sample['predictions'][name]}
                                                   for sample in data_samples])

    def evaluate(self, size: int) -> dict:
        """Metrics of all, over ``size`` samples, collected from all ranks."""
        metrics = self.main.evaluate(size)
        for name, metric in self.others.items():
            metrics.update({f'{name}/{key}': value
                            for key, value in metric.evaluate(size).items()})
        self.others = {}
        return metrics
