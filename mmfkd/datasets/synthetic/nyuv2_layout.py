"""Rendered rooms as files in the layout of NYU Depth V2."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

from .rooms import render_scene
from .seeding import check_size, scene_seed

NYU40_IDS = (0, 1, 2, 3)  # place in the NYU 40-class list, from 0


def write_nyuv2_layout(root: str | Path, num_train: int, num_test: int,
                       size: Sequence[int] = (480, 640), seed: int = 0,
                       progress: Callable[[list], Iterable] = iter) -> None:
    """Writes scenes as ``root/{train,test}/{rgb,depth,label}/NNNNNN.png``.

    ``rgb`` is 8-bit colour, ``depth`` 16-bit millimetres and ``label`` 8-bit in the NYU 40-class
    numbering from 0, with 255 (ignore) along object borders. Train holds the first scenes of
    ``SyntheticRGBD(seed=seed)``, test those of ``seed + 1``; existing files are overwritten.

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
    scenes = [(Path(root, split), index, scene_seed(split_seed, index))
              for split, split_seed, count in (('train', seed, num_train),
                                               ('test', seed + 1, num_test))
              for index in range(count)]
    for folder, index, one_seed in progress(scenes):
        scene = render_scene(one_seed, size)
        label = np.array(NYU40_IDS, np.uint8)[scene['label']]
        label[cv2.morphologyEx(label, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0] = 255
        depth = scene['depth'].astype(np.uint16)
        for kind, image in dict(rgb=scene['rgb'], depth=depth, label=label).items():
            path = folder / kind / f'{index:06d}.png'
            path.parent.mkdir(parents=True, exist_ok=True)
            if not cv2.imwrite(str(path), image):
                raise OSError(f'cannot write {path}')
