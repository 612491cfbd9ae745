"""One metric for several predictions."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from mmfkd.config.metrics import MEAN
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
        mean: names of others, such as a student's subsets of its modalities, of whose metrics and
            the student's the mean is added, as ``mean/mIoU``. ``save_best='mean/mIoU'`` then
            selects the checkpoint that does well in all of these settings.

    Raises:
        ValueError: a name in ``mean`` does not predict, though others do.

    Example:
        >>> val_evaluator = dict(type='PerBranchMetric', metric=dict(type='mmpretrain.Accuracy'))
    """

    def __init__(self, metric: dict, mean: Sequence[str] = ()) -> None:
        self.config = metric
        self.mean = tuple(mean)
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
        main = self.main.evaluate(size)
        others = {name: metric.evaluate(size) for name, metric in self.others.items()}
        self.others = {}
        return {**main, **{f'{name}/{key}': value for name, metrics in others.items()
                           for key, value in metrics.items()}, **self._means(main, others)}

    def _means(self, main: Mapping[str, float], others: Mapping[str, Mapping[str, float]]
               ) -> dict[str, float]:
        if not self.mean or not others:  # as where a teacher's predictions are scored
            return {}
        if unknown := [name for name in self.mean if name not in others]:
            raise ValueError(f'PerBranchMetric with mean={list(self.mean)}: {unknown} do not '
                             f'predict, but {sorted(others)} do: name subsets of the student '
                             'whose modalities the data has')
        return {f'{MEAN}{key}': fmean([value, *(others[name][key] for name in self.mean)])
                for key, value in main.items()}
