"""Pictures of predictions during training."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmfkd.registry import HOOKS
from mmfkd.visualization.pictures import paint, picture

from .unwrapped import unwrapped


@HOOKS.register_module()
class PredictionPanelHook(Hook):
    """Draws rows of each modality | ground truth | teachers | student, to every vis backend.

    Segmentation only; predictions and labels in the data set's palette.

    Args:
        interval: epochs between drawings.
        num_images: samples of the validation set that are drawn.
        height: height of a picture in pixels.
        modalities: those that are drawn beside the ones that a branch takes.
    """

    runs_teachers = True  # in validation, see ReadsHook

    def __init__(self, interval: int = 1, num_images: int = 4, height: int = 160,
                 modalities: Sequence[str] = ()) -> None:
        self.interval = interval
        self.num_images = num_images
        self.height = height
        self.further_modalities = tuple(modalities)
        self._drawn = 0

    def before_val_epoch(self, runner: Runner) -> None:
        """Counts from zero."""
        self._drawn = 0

    def after_val_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None,
                       outputs: Any = None) -> None:
        """Draws the samples of a batch."""
        if runner.epoch % self.interval or self._drawn >= self.num_images:
            return
        model = unwrapped(runner)
        inputs = model.data_preprocessor(data_batch, False)['inputs']
        # Each network writes its prediction into the samples it is given: a fresh copy for each.
        with torch.no_grad():
            taught = [teacher(mode='predict', record=False,
                              **model.data_preprocessor(data_batch, False)).output
                      for teacher in model.teachers.values()]
        palette = np.array(runner.val_dataloader.dataset.metainfo['palette'], dtype=np.uint8)
        for i, output in enumerate(outputs[:self.num_images - self._drawn]):
            images = [picture(tensor[i]) for tensor in inputs.values()]
            images += [paint(sample.data, palette) for sample in (
                output.gt_sem_seg, *(t[i].pred_sem_seg for t in taught), output.pred_sem_seg)]
            row = np.concatenate([self._resized(image) for image in images], axis=1)
            runner.visualizer.add_image(f'panel_{self._drawn}', row, step=runner.epoch)
            self._drawn += 1

    def _resized(self, image: np.ndarray) -> np.ndarray:
        width = round(image.shape[1] * self.height / image.shape[0])
        return cv2.resize(image, (width, self.height), interpolation=cv2.INTER_NEAREST)
