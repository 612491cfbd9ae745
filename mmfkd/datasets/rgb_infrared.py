"""Segmentation of registered optical and infrared images, in the layouts of the authors."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmfkd.registry import DATASETS

from .image_files import list_each
from .rgbx import RGBXDataset
from .transforms.images import COLOR
from .transforms.infrared import INFRARED


def optical(folder: str, suffix: str | tuple[str, ...]) -> dict:
    """A modality of colour images."""
    return dict(folder=folder, suffix=suffix, channels=3, loader=COLOR)


def infrared(folder: str, suffix: str | tuple[str, ...]) -> dict:
    """A modality of infrared images, as three equal channels."""
    return dict(folder=folder, suffix=suffix, channels=3, loader=INFRARED)


@DATASETS.register_module()
class MSRSDataset(RGBXDataset):
    """MSRS: 1,083 / 361 street scenes by day and night, 480x640, 9 classes.

    Layout: ``{train,test}/{vi,ir,Segmentation_labels}/NNNNND.png``, by night ``NNNNNN.png`` with
    'N' as the last letter. 'unlabeled' is a class and is scored; no pixel is ignored. There is no
    val split: hold one out with ``subset``.
    """

    METAINFO: dict[str, Any] = dict(
        classes=('unlabeled', 'car', 'person', 'bike', 'curve', 'car_stop', 'guardrail',
                 'color_cone', 'bump'),
        palette=[[0, 0, 0], [64, 0, 128], [64, 64, 0], [0, 128, 192], [0, 0, 192], [128, 128, 0],
                 [64, 64, 128], [192, 128, 128], [192, 64, 0]])
    MODALITIES = dict(rgb=optical('{split}/vi', '.png'), ir=infrared('{split}/ir', '.png'))
    LABEL = dict(folder='{split}/Segmentation_labels', suffix='.png')


@DATASETS.register_module()
class MVSSDataset(RGBXDataset):
    """MVSeg, the set of MVSS: 3,545 labelled frames of 738 videos, 320x480, 26 classes.

    Layout: the splits are lists of videos, ``{train,val,test,test_night}.txt``; a frame is
    ``data/VIDEO/visible/FRAMEv.jpg``, ``infrared/FRAMEi.jpg`` and ``label/FRAMEl.png``, images
    also as png. Its stem is ``VIDEO/FRAME``. Only labelled frames are taken. 'Background' is a
    class and is scored; 255 in a file is the class 'Ground', so no pixel is ignored.

    Raises:
        FileNotFoundError: the list of the split, or a folder of one of its videos, is missing.
    """

    METAINFO: dict[str, Any] = dict(
        classes=('Background', 'Car', 'Bus', 'Motorcycle', 'Bicycle', 'Pedestrian',
                 'Motorcyclist', 'Bicyclist', 'Cart', 'Bench', 'Umbrella', 'Box', 'Pole',
                 'Street_lamp', 'Traffic_light', 'Traffic_sign', 'Car_stop', 'Color_cone', 'Sky',
                 'Road', 'Sidewalk', 'Curb', 'Vegetation', 'Terrain', 'Building', 'Ground'),
        palette=[[0, 0, 0], [0, 0, 142], [0, 60, 100], [0, 0, 230], [119, 11, 32], [255, 0, 0],
                 [0, 139, 139], [255, 165, 150], [192, 64, 0], [211, 211, 211], [100, 33, 128],
                 [117, 79, 86], [153, 153, 153], [190, 122, 222], [250, 170, 30], [220, 220, 0],
                 [222, 142, 35], [205, 155, 155], [70, 130, 180], [128, 64, 128], [244, 35, 232],
                 [0, 0, 70], [107, 142, 35], [152, 251, 152], [70, 70, 70], [110, 80, 100]])
    MODALITIES = dict(rgb=optical('data/{video}/visible', ('v.jpg', 'v.png')),
                      ir=infrared('data/{video}/infrared', ('i.jpg', 'i.png')))
    LABEL = dict(folder='data/{video}/label', suffix='l.png')
    RAW_LABELS = {255: 25}

    def find_files(self, folder: str) -> list[tuple[str, Path]]:
        """See the base class; ``{video}`` in ``folder`` is each video of the split's list."""
        return list_each(folder, '{video}', self.listed('video'))

    def wanted_stems(self, files: Mapping[str, Mapping[str, Path]]) -> set[str]:
        """Stems of the labels, as most frames have none; all frames where labels may be missing."""
        return set(files['label']) if 'label' in files else super().wanted_stems(files)


@DATASETS.register_module()
class FMBDataset(RGBXDataset):
    """FMB: 1,220 / 280 street scenes, 600x800 (height, width), with 15 classes.

    Layout: ``{train,test}/{Visible,Infrared,Label}/NNNNN.png``. 'background' is a class and is
    scored; see :class:`FMB14Dataset`. There is no val split: hold one out with ``subset``.
    """

    METAINFO: dict[str, Any] = dict(
        classes=('background', 'Road', 'Sidewalk', 'Building', 'Lamp', 'Sign', 'Vegetation', 'Sky',
                 'Person', 'Car', 'Truck', 'Bus', 'Motorcycle', 'Bicycle', 'Pole'),
        palette=[[0, 0, 0], [228, 228, 179], [133, 57, 181], [177, 162, 67], [50, 178, 200],
                 [199, 45, 132], [84, 172, 66], [79, 73, 179], [166, 99, 76], [253, 121, 66],
                 [91, 165, 137], [152, 97, 155], [140, 153, 105], [158, 215, 222], [90, 113, 135]])
    MODALITIES = dict(rgb=optical('{split}/Visible', '.png'),
                      ir=infrared('{split}/Infrared', '.png'))
    LABEL = dict(folder='{split}/Label', suffix='.png')


@DATASETS.register_module()
class FMB14Dataset(FMBDataset):
    """FMB with the 14 categories that papers speak of: background is ignored (255)."""

    METAINFO = {name: values[1:] for name, values in FMBDataset.METAINFO.items()}
    REDUCE_ZERO_LABEL = True
