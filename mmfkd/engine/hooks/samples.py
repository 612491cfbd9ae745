"""Scores of every sample of the test set, for statistics."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import collect_results, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement

from mmfkd.evaluation.sample_scores import SAMPLES, write_samples
from mmfkd.registry import HOOKS


@HOOKS.register_module()
class SampleScoreHook(Hook):
    """Writes what each sample of the test set adds to the score, as ``test_samples.npz``.

    Of segmentation these are counts of pixels by class, of classification whether the prediction
    is right; see :mod:`mmfkd.evaluation.sample_scores`. ``mmfkd benchmark`` draws from them. It is
    part of every training, whose closing test it describes.
    Predictions of another kind write nothing.
    """

    def before_test_epoch(self, runner: Runner) -> None:
        """Forgets what an earlier test has left."""
        self._rows: list[np.ndarray] = []

    def after_test_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None,
                        outputs: Any = None) -> None:
        """Keeps the counts of a batch."""
        meta = getattr(runner.test_dataloader.dataset, 'metainfo', None) or {}
        classes = len(meta.get('classes') or ())
        rows = [sample_counts(sample, classes) for sample in outputs or ()]
        self._rows += [row for row in rows if row is not None]

    def after_test_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Collects the samples of all processes, in the order of the data set, and writes them."""
        rows = collect_results(self._rows, len(runner.test_dataloader.dataset), device='cpu')
        self._rows = []
        if is_main_process() and rows and len({row.shape for row in rows}) == 1:
            write_samples(Path(runner.work_dir, SAMPLES), np.stack(rows))


def sample_counts(sample: BaseDataElement, classes: int) -> np.ndarray | None:
    """Counts of a sample of mmseg, (3, C): right, predicted and labelled pixels of each class.

    Of a sample of mmpretrain (1,): whether the prediction is right. None for another kind, and for
    a sample without a label.
    """
    if 'pred_sem_seg' in sample and 'gt_sem_seg' in sample and classes:
        predicted, label = (sample.get(key).data.flatten().cpu().long()
                            for key in ('pred_sem_seg', 'gt_sem_seg'))
        kept = label < classes
        predicted, label = predicted[kept], label[kept]
        return np.stack([torch.bincount(x, minlength=classes)[:classes].numpy()
                         for x in (label[predicted == label], predicted, label)])
    if 'pred_label' in sample and 'gt_label' in sample and len(sample.gt_label) == 1:
        return np.array([int(sample.pred_label.item() == sample.gt_label.item())])
    return None
