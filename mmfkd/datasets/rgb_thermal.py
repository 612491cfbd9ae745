"""Segmentation of registered colour and thermal images: MFNet and PST900."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmfkd.registry import DATASETS

from .rgb_infrared import MSRSDataset, infrared, optical
from .rgbx import RGBXDataset


@DATASETS.register_module()
class MFNetDataset(RGBXDataset):
    """MFNet: 1,569 street scenes by day and night, 480x640, 9 classes, those of MSRS.

    Paper: Ha et al., "MFNet" (IROS 2017). Layout: ``images/NNNNNX.png`` hold colour in three
    channels and thermal in a fourth; ``mmfkd prepare mfnet`` writes them as ``rgb`` and ``ir``.
    ``labels/NNNNNX.png``, and the lists ``{train,val,test,test_day,test_night}.txt``; X is D by
    day and N by night. 'unlabeled' is a class and is scored.

    Raises:
        FileNotFoundError: the list of the split is missing.
        ValueError: a stem of it has no files.
    """

    METAINFO: dict[str, Any] = MSRSDataset.METAINFO
    MODALITIES = dict(rgb=optical('rgb', '.png'), ir=infrared('ir', '.png'))
    LABEL = dict(folder='labels', suffix='.png')

    def wanted_stems(self, files: Mapping[str, Mapping[str, Path]]) -> set[str]:
        """Stems of the list of the split: the folders hold all splits."""
        return set(self.listed('stem'))


@DATASETS.register_module()
class PST900Dataset(RGBXDataset):
    """PST900: 894 scenes underground, 720x1280, 5 classes of which one is background.

    Paper: Shivakumar et al., "PST900" (ICRA 2020). Layout: ``{train,test}/{rgb,thermal,labels}/
    STEM.png``; ``thermal`` is the camera's own 8-bit image, and ``thermal_raw`` and ``depth`` of
    the distribution may be named as further ``modalities``. There is no val split: hold one out
    with ``subset``.
    """

    METAINFO: dict[str, Any] = dict(
        classes=('background', 'fire_extinguisher', 'backpack', 'hand_drill', 'survivor'),
        palette=[[0, 0, 0], [0, 0, 255], [0, 255, 0], [255, 0, 0], [255, 255, 255]])
    MODALITIES = dict(rgb=optical('{split}/rgb', '.png'), ir=infrared('{split}/thermal', '.png'))
    LABEL = dict(folder='{split}/labels', suffix='.png')
