"""OMBRIA."""

from mmfkd.registry import DATASETS

from .image_files import GREY
from .rgbx import RGBXDataset
from .transforms.images import COLOR


@DATASETS.register_module()
class OmbriaDataset(RGBXDataset):
    """OMBRIA: floods in registered Sentinel-1 SAR and Sentinel-2 optical images, 256x256.

    Layout: ``{train,test}/{sar,optical}/NNNN.jpg``, ``label/NNNN.png``, 0 = dry, 1 = flood; 624
    and 70 images. There is no val split: hold one out with ``subset``.
    """

    METAINFO = dict(classes=('dry', 'flood'), palette=[[160, 130, 90], [40, 90, 220]])
    MODALITIES = dict(
        optical=dict(folder='{split}/optical', suffix='.jpg', channels=3, loader=COLOR),
        sar=dict(folder='{split}/sar', suffix='.jpg', channels=1, loader=GREY))
