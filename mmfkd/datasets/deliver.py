"""DELIVER: one road scene in four modalities."""

from pathlib import Path
from typing import Any

from mmfkd.registry import DATASETS

from .image_files import list_each
from .rgb_infrared import optical
from .rgbx import RGBXDataset

CASES = ('cloud', 'fog', 'night', 'rain', 'sun')


def _kind(folder: str, name: str) -> dict:
    return optical(f'{folder}/{{case}}/{{split}}', f'_{name}_front.png')


@DATASETS.register_module()
class DELIVERDataset(RGBXDataset):
    """DELIVER: 7,885 rendered road scenes in five weathers, 1042x1042, 25 classes.

    Paper: Zhang et al., "Delivering Arbitrary-Modal Semantic Segmentation" (CVPR 2023). Layout:
    ``{img,depth,event,lidar}/CASE/{train,val,test}/MAP/FRAME_{rgb,depth,event,lidar}_front.png``,
    all of three channels; a stem is ``CASE/MAP/FRAME``. ``semantic`` has the class in the first of
    several channels; ``mmfkd prepare deliver`` writes it as ``label``, FRAME_label_front.png. 0 and
    255 in a file are ignored.
    """

    METAINFO: dict[str, Any] = dict(
        classes=('Building', 'Fence', 'Other', 'Pedestrian', 'Pole', 'RoadLine', 'Road',
                 'SideWalk', 'Vegetation', 'Cars', 'Wall', 'TrafficSign', 'Sky', 'Ground',
                 'Bridge', 'RailTrack', 'GroundRail', 'TrafficLight', 'Static', 'Dynamic',
                 'Water', 'Terrain', 'TwoWheeler', 'Bus', 'Truck'),
        palette=[[70, 70, 70], [100, 40, 40], [55, 90, 80], [220, 20, 60], [153, 153, 153],
                 [157, 234, 50], [128, 64, 128], [244, 35, 232], [107, 142, 35], [0, 0, 142],
                 [102, 102, 156], [220, 220, 0], [70, 130, 180], [81, 0, 81], [150, 100, 100],
                 [230, 150, 140], [180, 165, 180], [250, 170, 30], [110, 190, 160],
                 [170, 120, 50], [45, 60, 150], [145, 170, 100], [0, 0, 230], [0, 60, 100],
                 [0, 0, 70]])
    MODALITIES = dict(rgb=_kind('img', 'rgb'), depth=_kind('depth', 'depth'),
                      event=_kind('event', 'event'), lidar=_kind('lidar', 'lidar'))
    LABEL = dict(folder='label/{case}/{split}', suffix='_label_front.png')
    REDUCE_ZERO_LABEL = True

    def find_files(self, folder: str) -> list[tuple[str, Path]]:
        """See the base class; ``{case}`` in ``folder`` is each weather that is there.

        Raises:
            FileNotFoundError: none is.
        """
        if '{case}' not in folder:
            return super().find_files(folder)
        there = [case for case in CASES if Path(folder.replace('{case}', case)).is_dir()]
        if not there:
            raise FileNotFoundError(f'{folder} does not exist for any case of {", ".join(CASES)}. '
                                    'Prepare the data with mmfkd prepare deliver, or set '
                                    'data_root to where it is.')
        return list_each(folder, '{case}', there)
