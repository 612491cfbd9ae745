"""Writers of rendered streets in the layouts of MFNet, PST900 and DELIVER."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from mmfkd.datasets.deliver import CASES, DELIVERDataset
from mmfkd.datasets.rgb_thermal import PST900Dataset

from .infrared_layouts import numbers_of, rendered, write_image
from .seeding import check_size, scene_seed
from .streets import CLASSES, PARTS, is_night

# What a part of a street is called; all others are background, or 'Other'.
PST900_NAMES = dict(car='fire_extinguisher', bike='backpack', car_stop='hand_drill',
                    person='survivor')
DELIVER_NAMES = dict(
    car='Cars', person='Pedestrian', bike='TwoWheeler', curve='GroundRail', car_stop='Static',
    color_cone='Dynamic', bump='RoadLine', sky='Sky', building='Building', road='Road',
    sidewalk='SideWalk', ground='Ground', vegetation='Vegetation', poster='TrafficSign',
    lamp='Pole')


def write_mfnet_layout(root: str | Path, num_train: int, num_val: int, num_test: int,
                       size: Sequence[int] = (480, 640), seed: int = 0,
                       progress: Callable[[list], Iterable] = iter) -> None:
    """Writes streets as ``root/images/NNNNNX.png``, colour and thermal in four channels.

    The lists ``{train,val,test,test_day,test_night}.txt`` name the stems; X is D by day and N by
    night. ``mmfkd prepare mfnet`` splits the images.

    Args:
        root: Folder to write into; created where missing.
        num_train: Number of training scenes.
        num_val: Number of scenes to select on.
        num_test: Number of test scenes.
        size: Height and width in pixels.
        seed: Decides the scenes.
        progress: Wraps the list of scenes that is iterated, for example ``tqdm.tqdm``.

    Raises:
        ValueError: If ``size`` is not two positive integers.
        OSError: If a file cannot be written.
    """
    size = check_size(size)
    names = np.arange(len(PARTS)) * (np.arange(len(PARTS)) < len(CLASSES))
    lists: dict[str, list[str]] = {}
    for split, number, one_seed in progress(list(_splits((num_train, num_val, num_test), seed))):
        letter = 'N' if is_night(one_seed) else 'D'
        stem = f'{number:05d}{letter}'
        rgb, ir, label = rendered(one_seed, size, names)
        write_image(Path(root, 'images', f'{stem}.png'), np.dstack([rgb, ir[..., 0]]))
        write_image(Path(root, 'labels', f'{stem}.png'), label)
        lists.setdefault(split, []).append(stem)
        if split == 'test':
            lists.setdefault(f'test_{"night" if letter == "N" else "day"}', []).append(stem)
    for split, stems in lists.items():
        Path(root, f'{split}.txt').write_text(''.join(f'{stem}\n' for stem in stems))


def write_pst900_layout(root: str | Path, num_train: int, num_test: int,
                        size: Sequence[int] = (720, 1280), seed: int = 0,
                        progress: Callable[[list], Iterable] = iter) -> None:
    """Writes streets as ``root/{train,test}/{rgb,thermal,labels}/NNNNN.png``.

    For the arguments see :func:`write_mfnet_layout`.
    """
    size = check_size(size)
    names = numbers_of(PST900_NAMES, PST900Dataset.METAINFO['classes'])
    for split, number, one_seed in progress(list(_splits((num_train, 0, num_test), seed))):
        rgb, ir, label = rendered(one_seed, size, names)
        for folder, image in (('rgb', rgb), ('thermal', ir[..., 0]), ('labels', label)):
            write_image(Path(root, split, folder, f'{number:05d}.png'), image)


def write_deliver_layout(root: str | Path, num_train: int, num_val: int, num_test: int,
                         size: Sequence[int] = (1042, 1042), seed: int = 0,
                         progress: Callable[[list], Iterable] = iter) -> None:
    """Writes streets as the four modalities and ``semantic`` of DELIVER, in turns a weather.

    Depth is the infrared image, lidar every fourth row of it, and events are where colour
    changes: their files are of the right form, not of the right content. For the arguments see
    :func:`write_mfnet_layout`.
    """
    size = check_size(size)
    # 0 is ignored; classes begin with 1.
    classes = DELIVERDataset.METAINFO['classes']
    names = 1 + np.array([classes.index(DELIVER_NAMES.get(part, 'Other')) for part in PARTS])
    for split, number, one_seed in progress(list(_splits((num_train, num_val, num_test), seed))):
        rgb, ir, label = rendered(one_seed, size, names)
        rows = np.zeros_like(ir)
        rows[::4] = ir[::4]
        semantic = np.zeros_like(rgb)
        semantic[..., 2] = label  # red, which is the first channel of the file
        images = dict(img=('rgb', rgb), depth=('depth', ir), lidar=('lidar', rows),
                      event=('event', cv2.Laplacian(rgb, cv2.CV_8U)),
                      semantic=('semantic', semantic))
        place = Path(CASES[number % len(CASES)], split, 'MAP_1_point1')
        for folder, (kind, image) in images.items():
            write_image(Path(root, folder, place, f'{number:06d}_{kind}_front.png'), image)


def _splits(counts: Sequence[int], seed: int) -> Iterator[tuple[str, int, int]]:
    """Split, number and scene seed of every scene of train, val and test."""
    number = 0
    for offset, (split, count) in enumerate(zip(('train', 'val', 'test'), counts, strict=True)):
        for index in range(count):
            number += 1
            yield split, number, scene_seed(seed + offset, index)
