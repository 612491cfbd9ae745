"""Predictions as a program uses them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import torch
from mmengine.structures import BaseDataElement
from torch import Tensor

from mmfkd.visualization.pictures import paint, picture
from mmfkd.visualization.scores import draw_scores


@dataclass(frozen=True)
class Segmentation:
    """A predicted mask.

    Attributes:
        name: of the sample.
        modalities: that the network was given.
        classes: names.
        palette: RGB of each class, uint8 (classes, 3).
        mask: class of each pixel, uint8 (H, W), at the size of the file; of more than 256 classes
            uint16.
        scores: probabilities, float32 (classes, H, W); None unless they were asked for.
        inputs: modality to (C, H', W'), raw, as the network was given them.
    """

    name: str
    modalities: tuple[str, ...]
    classes: tuple[str, ...]
    palette: np.ndarray
    mask: np.ndarray
    scores: np.ndarray | None = None
    inputs: Mapping[str, Tensor] = field(default_factory=dict, repr=False)

    @property
    def shares(self) -> dict[str, float]:
        """Share of the pixels that each class has."""
        counts = np.bincount(self.mask.ravel(), minlength=len(self.classes))
        return dict(zip(self.classes, (counts / self.mask.size).tolist(), strict=False))

    def picture(self, opacity: float = 0.5) -> np.ndarray:
        """The first modality under the colours of the mask, RGB uint8 (H, W, 3).

        Args:
            opacity: of the colours, from 0 to 1.
        """
        image = picture(next(iter(self.inputs.values())))
        height, width = self.mask.shape
        image = cv2.resize(image, (width, height))
        colours = paint(torch.from_numpy(self.mask.astype(np.int64))[None], self.palette)
        return (opacity * colours + (1 - opacity) * image).round().astype(np.uint8)


@dataclass(frozen=True)
class Classification:
    """A predicted class.

    Attributes:
        name: of the sample.
        modalities: that the network was given.
        classes: names.
        label: number of the class with the highest score.
        scores: probabilities, float32 (classes,).
        inputs: modality to what the network was given, raw.
        sounds: modalities that are spectrograms.
    """

    name: str
    modalities: tuple[str, ...]
    classes: tuple[str, ...]
    label: int
    scores: np.ndarray
    inputs: Mapping[str, Tensor] = field(default_factory=dict, repr=False)
    sounds: tuple[str, ...] = ()

    @property
    def class_name(self) -> str:
        """Name of the class."""
        return self.classes[self.label]

    @property
    def score(self) -> float:
        """Its probability."""
        return float(self.scores[self.label])

    def picture(self, count: int = 5) -> np.ndarray:
        """What the network was given beside the highest scores, RGB uint8 (H, W, 3).

        Args:
            count: number of scores.
        """
        best = np.argsort(-self.scores, kind='stable')[:count]
        return draw_scores(self.inputs, {self.classes[i]: float(self.scores[i]) for i in best},
                           self.sounds)


Prediction = Segmentation | Classification


def prediction(name: str, sample: BaseDataElement, inputs: Mapping[str, Tensor],
               classes: tuple[str, ...], palette: np.ndarray, with_scores: bool,
               sounds: Sequence[str] = ()) -> Prediction:
    """A prediction out of the data sample that a network wrote it into.

    Args:
        name: of the sample.
        sample: of mmseg or mmpretrain.
        inputs: modality to what the network was given.
        classes: their names.
        palette: uint8 (classes, 3); of a classifier it is not looked at.
        with_scores: whether a segmentation holds probabilities.
        sounds: modalities that are spectrograms.

    Raises:
        ValueError: it is a fused image.
    """
    modalities = tuple(inputs)
    if 'fused' in sample:
        raise ValueError(f'{name}: the network fuses images and predicts no classes: mmfkd fuse '
                         'writes them')
    if 'pred_sem_seg' not in sample:
        scores = sample.pred_score.float().cpu().numpy()
        return Classification(name, modalities, classes, int(sample.pred_label), scores, inputs,
                              tuple(sounds))
    kind = np.uint8 if len(classes) <= 256 else np.uint16
    mask = sample.pred_sem_seg.data[0].cpu().numpy().astype(kind)
    scores = None
    if with_scores:
        logits = sample.seg_logits.data.float()
        # Of two classes in a single channel mmseg gives the probability of the second.
        scores = (logits.softmax(0) if len(logits) > 1 else
                  torch.cat([1 - logits, logits])).cpu().numpy()
    return Segmentation(name, modalities, classes, palette, mask, scores, inputs)
