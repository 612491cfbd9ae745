"""NYU Depth V2."""

from mmfkd.registry import DATASETS

from .image_files import UNCHANGED
from .palettes import voc_palette
from .rgbx import RGBXDataset
from .transforms.images import COLOR


@DATASETS.register_module()
class NYUv2Dataset(RGBXDataset):
    """NYU Depth V2: 795 / 654 indoor scenes, 480x640, 40 classes, 255 = void.

    Layout of ``mmfkd prepare nyuv2``: ``{train,test}/{rgb,depth,label}/NNNNNN.png``, depth in
    millimetres, 16 bit, up to the sensor's 10 m, loaded as float32.
    """

    METAINFO = dict(
        classes=('wall', 'floor', 'cabinet', 'bed', 'chair', 'sofa', 'table', 'door', 'window',
                 'bookshelf', 'picture', 'counter', 'blinds', 'desk', 'shelves', 'curtain',
                 'dresser', 'pillow', 'mirror', 'floor-mat', 'clothes', 'ceiling', 'books',
                 'refridgerator', 'television', 'paper', 'towel', 'shower-curtain', 'box',
                 'whiteboard', 'person', 'night-stand', 'toilet', 'sink', 'lamp', 'bathtub',
                 'bag', 'otherstructure', 'otherfurniture', 'otherprop'),
        palette=voc_palette(40))
    MODALITIES = dict(
        rgb=dict(folder='{split}/rgb', suffix='.png', channels=3, loader=COLOR),
        depth=dict(folder='{split}/depth', suffix='.png', channels=1, loader=UNCHANGED,
                   range=(0, 10000)))
