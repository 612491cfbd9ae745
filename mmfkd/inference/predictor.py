"""Predictions of a trained network on files, arrays and texts without labels."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.infer import BaseInferencer

from mmfkd.devices import check_device
from mmfkd.export.mmpretrain_config import class_names
from mmfkd.export.mmseg_config import palette_of
from mmfkd.models import CrossModalDistiller

from .opening import open_network
from .reading import Reading
from .results import Prediction, prediction
from .samples import SOUND, Sample, named, samples_of

Skip = Callable[[str, Exception], None]


class Predictor(BaseInferencer):
    """A trained student, or its teacher, that predicts files, arrays and texts.

    Files are read, resized and batched as the test set of the config is, so that the masks are
    those of ``tools/test.py``. No label is asked for.

    Args:
        model: a work dir, a config, or the folder of an export.
        checkpoint: a file, or 'best' for the selected one of the work dir; an export has but one.
        available: modalities that a network of several is given; all that a sample has by default.
        device: such as 'cpu' or 'cuda:0'; the GPU if there is one, by default.
        branch: a student or a teacher by its name; the first student by default.
        show_progress: whether a bar is shown.

    Attributes:
        opened: config and checkpoint of the network, and where its files are read.
        classes: names.
        palette: their colours, uint8 (classes, 3).

    Raises:
        FileNotFoundError, ValueError: there is no such config, checkpoint, branch, modality or
            device.

    Example:
        >>> predict = Predictor('work_dirs/recommended/mars_aux2gray')
        >>> predict('gray/0001.png')[0].mask
        >>> predict(dict(gray='folder/of/images'))
        >>> Predictor('work_dirs/csknet/streets_rgb-ir')(dict(ir=array))[0].picture()
    """

    def __init__(self, model: str | Path, checkpoint: str | Path = 'best',
                 available: Sequence[str] | None = None, device: str | None = None,
                 branch: str | None = None, show_progress: bool = False) -> None:
        self.opened = open_network(model, checkpoint, available, branch)
        if device is not None:
            check_device(device)
        super().__init__(self.opened.config, None, device, 'mmfkd', show_progress)
        self.classes = self.model.student.classes or tuple(class_names(self.opened.config))
        self.palette = np.array(palette_of(self.opened.dataset, self.classes), dtype=np.uint8)

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the modalities that it can be given."""
        return self.opened.available

    @property
    def kinds(self) -> dict[str, str]:
        """Modality to what it is: an 'image', a 'clip', a 'sound' or a 'text'."""
        return self.pipeline.kinds

    def __call__(self, inputs: Any, batch_size: int | None = None, scores: bool = False,
                 pictures: bool = False) -> list[Prediction] | tuple[list[Prediction], list]:
        """Predicts.

        Args:
            inputs: see :func:`mmfkd.inference.samples.samples_of`.
            batch_size: samples at a time; that of the test set by default.
            scores: whether segmentations hold the probabilities of every pixel.
            pictures: whether pictures are returned too.

        Returns:
            the predictions; and RGB uint8 (H, W, 3) of each, where these were asked for.

        Raises:
            FileNotFoundError, ValueError: something cannot be read; it is named.
        """
        found = list(self.stream(inputs, batch_size, scores))
        return (found, self.visualize([], found)) if pictures else found

    def stream(self, inputs: Any, batch_size: int | None = None, scores: bool = False,
               skip: Skip | None = None) -> Iterator[Prediction]:
        """Predictions one after the other: those of a large folder need not be kept.

        Args:
            inputs: see :meth:`__call__`.
            batch_size: likewise.
            scores: likewise.
            skip: is told the name and the error of a sample that cannot be read, which is then
                left out; by default the error is raised.
        """
        for names, batch in self._progress(self.batches(inputs, batch_size, skip)):
            yield from self.answers(names, batch, scores)

    def batches(self, inputs: Any, batch_size: int | None = None, skip: Skip | None = None
                ) -> Iterator[tuple[list[str], dict]]:
        """Names and batches of what a user gives, ready for :meth:`answers`.

        Args:
            inputs: see :meth:`__call__`.
            batch_size: likewise.
            skip: see :meth:`stream`.
        """
        count = self.opened.batch_size if batch_size is None else batch_size
        return self.preprocess(self._inputs_to_list(inputs), count, skip)

    def answers(self, names: Sequence[str], batch: dict, scores: bool = False
                ) -> Iterator[Prediction]:
        """Predictions of a batch.

        Args:
            names: of its samples.
            batch: collated samples of :meth:`batches`, or of a data set of this project.
            scores: see :meth:`__call__`.
        """
        sounds = [name for name, kind in self.kinds.items() if kind == SOUND]
        for i, sample in enumerate(self.forward(batch)):
            given = {name: images[i] for name, images in batch['inputs'].items()}
            yield prediction(names[i], sample, given, self.classes, self.palette, scores, sounds)

    def preprocess(self, inputs: Sequence[Sample], batch_size: int = 1, skip: Skip | None = None
                   ) -> Iterator[tuple[list[str], dict]]:
        """Names and collated batches of samples; those of a batch have the same shapes.

        Padding would make a prediction depend on the others of its batch.

        Raises:
            ValueError: ``batch_size`` is below 1.
        """
        if batch_size < 1:
            raise ValueError(f'batch_size={batch_size}: take 1 or more')
        read = self._read(inputs, skip)
        for _, same in groupby(read, lambda pair: [
                (name, x.shape) for name, x in pair[1]['inputs'].items()]):
            while chunk := list(islice(same, batch_size)):
                yield [name for name, _ in chunk], self.collate_fn([data for _, data in chunk])

    def _read(self, samples: Sequence[Sample], skip: Skip | None) -> Iterator[tuple[str, dict]]:
        for i, (name, sample) in enumerate(zip(named(samples), samples, strict=True)):
            try:
                data = self.pipeline(sample, i)
            except (FileNotFoundError, ValueError) as error:
                if skip is None:
                    raise
                skip(name, error)
                continue
            yield name, data

    def visualize(self, inputs: Sequence, preds: Sequence[Prediction], show: bool = False
                  ) -> list[np.ndarray]:
        """Pictures, RGB uint8 (H, W, 3): see the methods of the predictions."""
        return [one.picture() for one in preds]

    def postprocess(self, preds: Sequence[Prediction], visualization: Sequence[np.ndarray],
                    return_datasample: bool = False) -> dict:
        """Mmengine's form: predictions and pictures in a dict."""
        return dict(predictions=list(preds), visualization=list(visualization))

    def _inputs_to_list(self, inputs: Any) -> list[Sample]:
        return samples_of(inputs, {name: self.kinds[name] for name in self.modalities},
                          self.pipeline.ends)

    def _progress(self, batches: Iterator) -> Iterator:
        if not self.show_progress:
            return batches
        from rich.progress import track

        return iter(track(batches, 'predict'))

    def _init_model(self, cfg: Config, weights: str | None, device: str) -> CrossModalDistiller:
        return self.opened.load().to(device)

    def _init_pipeline(self, cfg: Config) -> Reading:
        return Reading(self.opened.dataset, self.opened.modalities)

    def _init_collate(self, cfg: Config) -> Callable:
        return pseudo_collate

    def _init_visualizer(self, cfg: Config) -> None:
        return None
