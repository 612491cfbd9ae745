"""Writers of rendered streets in the layouts of MSRS, MVSS and FMB."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from mmfkd.datasets.rgb_infrared import FMBDataset, MVSSDataset

from .seeding import check_size, scene_seed
from .streets import CLASSES, PARTS, is_night, render_street

FRAMES = 4  # labelled frames of a video; one more has no label, as most real ones
# What a part of a street is called; all others are background.
MVSS_NAMES = dict(
    car='Car', person='Pedestrian', bike='Bicycle', curve='Curb', car_stop='Car_stop',
    color_cone='Color_cone', bump='Road', sky='Sky', building='Building', road='Road',
    sidewalk='Sidewalk', ground='Ground', vegetation='Vegetation', poster='Traffic_sign',
    lamp='Street_lamp')
FMB_NAMES = dict(
    car='Car', person='Person', bike='Bicycle', curve='Sidewalk', bump='Road', sky='Sky',
    building='Building', road='Road', sidewalk='Sidewalk', ground='Sidewalk',
    vegetation='Vegetation', poster='Sign', lamp='Lamp')


def write_msrs_layout(root: str | Path, num_train: int, num_test: int,
                      size: Sequence[int] = (480, 640), seed: int = 0,
                      progress: Callable[[list], Iterable] = iter) -> None:
    """Writes streets as ``root/{train,test}/{vi,ir,Segmentation_labels}/NNNNND.png``.

    The last letter is D by day and N by night, numbers go on from train to test, and ``ir`` has
    one channel. Train holds the first scenes of ``SyntheticEOIR(seed=seed)``, test those of
    ``seed + 1``; existing files are overwritten.

    Args:
        root: Folder to write into; created where missing.
        num_train: Number of training scenes.
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
    for split, number, one_seed in progress(list(_splits(num_train, num_test, seed))):
        stem = f'{number:05d}{"N" if is_night(one_seed) else "D"}'
        rgb, ir, label = rendered(one_seed, size, names)
        write_image(Path(root, split, 'vi', f'{stem}.png'), rgb)
        write_image(Path(root, split, 'ir', f'{stem}.png'), ir[..., 0])
        write_image(Path(root, split, 'Segmentation_labels', f'{stem}.png'), label)


def write_fmb_layout(root: str | Path, num_train: int, num_test: int,
                     size: Sequence[int] = (600, 800), seed: int = 0,
                     progress: Callable[[list], Iterable] = iter) -> None:
    """Writes streets as ``root/{train,test}/{Visible,Infrared,Label}/NNNNN.png``.

    ``Infrared`` has three equal channels; for the rest see :func:`write_msrs_layout`.
    """
    size = check_size(size)
    names = numbers_of(FMB_NAMES, FMBDataset.METAINFO['classes'])
    for split, number, one_seed in progress(list(_splits(num_train, num_test, seed))):
        images = rendered(one_seed, size, names)
        for folder, image in zip(('Visible', 'Infrared', 'Label'), images, strict=True):
            write_image(Path(root, split, folder, f'{number:05d}.png'), image)


def write_mvss_layout(root: str | Path, num_train: int, num_val: int, num_test: int,
                      size: Sequence[int] = (320, 480), seed: int = 0,
                      progress: Callable[[list], Iterable] = iter) -> None:
    """Writes streets as videos ``root/data/VIDEO/{visible,infrared,label}`` and lists of these.

    A video has up to four labelled frames, ``NNNNNv.jpg``, ``NNNNNi.jpg`` and ``NNNNNl.png``, all
    by day or all by night, and one frame without a label. Ground is 255 in labels. ``test_night``
    lists those of test that are by night. Train holds the first scenes of
    ``SyntheticEOIR(seed=seed)``, val those of ``seed + 1`` and test of ``seed + 2``.

    Args:
        root: Folder to write into; created where missing.
        num_train: Number of labelled training frames.
        num_val: Number of labelled frames to select on.
        num_test: Number of labelled test frames.
        size: Height and width in pixels.
        seed: Decides the scenes.
        progress: Wraps the list of videos that is iterated, for example ``tqdm.tqdm``.

    Raises:
        ValueError: If ``size`` is not two positive integers.
        OSError: If a file cannot be written.
    """
    size = check_size(size)
    videos = {split: list(_videos(seed + offset, count)) for offset, (split, count)
              in enumerate(dict(train=num_train, val=num_val, test=num_test).items())}
    names = {split: [f'{split}_{i:04d}' for i in range(len(videos[split]))] for split in videos}
    Path(root).mkdir(parents=True, exist_ok=True)
    nights = [name for name, seeds in zip(names['test'], videos['test'], strict=True)
              if is_night(seeds[0])]
    for split, listed in dict(names, test_night=nights).items():
        Path(root, f'{split}.txt').write_text(''.join(f'{name}\n' for name in listed))
    jobs = [(name, seeds) for split in videos
            for name, seeds in zip(names[split], videos[split], strict=True)]
    for name, seeds in progress(jobs):
        _write_video(Path(root, 'data', name), seeds, size)


def _write_video(folder: Path, seeds: Sequence[int], size: tuple[int, int]) -> None:
    classes = MVSSDataset.METAINFO['classes']
    names = numbers_of(MVSS_NAMES, classes)
    names[names == classes.index('Ground')] = 255
    # The last one is the frame without a label.
    for number, one_seed in enumerate((*seeds, seeds[-1])):
        rgb, ir, label = rendered(one_seed, size, names)
        write_image(folder / 'visible' / f'{number:05d}v.jpg', rgb)
        write_image(folder / 'infrared' / f'{number:05d}i.jpg', ir[..., 0])
        if number < len(seeds):
            write_image(folder / 'label' / f'{number:05d}l.png', label)


def _splits(num_train: int, num_test: int, seed: int) -> Iterator[tuple[str, int, int]]:
    """Split, number from 1 and scene seed of every scene; numbers go on from train to test."""
    for split, offset, count, first in (('train', 0, num_train, 1),
                                        ('test', 1, num_test, 1 + num_train)):
        for index in range(count):
            yield split, first + index, scene_seed(seed + offset, index)


def _videos(seed: int, count: int) -> Iterator[list[int]]:
    """Scene seeds of each video: those by day first, in their order, then those by night."""
    seeds = [scene_seed(seed, index) for index in range(count)]
    for night in (False, True):
        alike = [seed for seed in seeds if is_night(seed) == night]
        for start in range(0, len(alike), FRAMES):
            yield alike[start:start + FRAMES]


def numbers_of(names: Mapping[str, str], classes: Sequence[str]) -> np.ndarray:
    """Number of the class of each part; background, the first class, where it has no name."""
    return np.array([classes.index(names.get(part, classes[0])) for part in PARTS])


def rendered(seed: int, size: tuple[int, int],
             names: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Colour, infrared and labels of a street, with a number for each part."""
    scene = render_street(seed, size)
    return scene['rgb'], scene['ir'], names[scene['parts']].astype(np.uint8)


def write_image(path: Path, image: np.ndarray) -> None:
    """Writes an image, and its folder where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), image):
        raise OSError(f'cannot write {path}')
