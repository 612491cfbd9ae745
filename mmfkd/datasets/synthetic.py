"""The embedded data set: rendered RGB-D scenes, without files or with NYUv2's."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.datasets import BaseSegDataset

from mmfkd.registry import DATASETS, TRANSFORMS

from .scenes import CLASSES, PALETTE, check_size, render_scene, scene_seed

NYU40_IDS = (0, 1, 2, 3, 6, 7, 8, 10, 19, 21, 28, 29)  # place in the NYU 40-class list, from 0


class SyntheticScenes(BaseSegDataset):
    """A split of rendered scenes; its pipeline starts with their renderer.

    Args:
        num_scenes: Number of scenes.
        seed: Names the split, 0 or greater: different seeds give disjoint scenes, and a larger
            ``num_scenes`` adds scenes without changing the first ones.
        size: Height and width in pixels.
        pipeline: Transforms, as configs or callables.
        test_mode: Whether a scene that the pipeline drops is an error instead of being redrawn.
        indices: Keep the first ``indices`` scenes, or the listed ones.
        lazy_init: Whether to leave listing the scenes to ``full_init``.

    Raises:
        ValueError: If ``num_scenes``, ``seed`` or ``size`` is out of range.
    """

    def __init__(self, num_scenes: int, seed: int = 0, size: Sequence[int] = (96, 96),
                 pipeline: Sequence[dict | Callable] = (), test_mode: bool = False,
                 indices: int | Sequence[int] | None = None, lazy_init: bool = False) -> None:
        if num_scenes < 1:
            raise ValueError(f'num_scenes={num_scenes} leaves the split empty: set it to 1 or more')
        if seed < 0:
            raise ValueError(f'seed={seed} must not be negative: set it to 0 or more')
        self.num_scenes, self.seed, self.size = num_scenes, seed, check_size(size)
        super().__init__(pipeline=pipeline, test_mode=test_mode, indices=indices,
                         lazy_init=lazy_init)

    def load_data_list(self) -> list[dict]:
        """One small dict per scene; ``img_path`` only names the scene for logs and hooks."""
        return [dict(img_path=f'synthetic/{i:06d}', scene_seed=scene_seed(self.seed, i),
                     size=self.size, seg_fields=[], label_map=self.label_map,
                     reduce_zero_label=self.reduce_zero_label) for i in range(self.num_scenes)]


@DATASETS.register_module()
class SyntheticRGBD(SyntheticScenes):
    """Rendered rooms; see :class:`SyntheticScenes` and, for the pipeline, :class:`RenderRGBD`."""

    METAINFO = dict(classes=CLASSES, palette=PALETTE)


@TRANSFORMS.register_module()
class RenderRGBD(BaseTransform):
    """Render the scene that an entry of :class:`SyntheticRGBD` describes.

    Reads ``scene_seed`` and ``size``. Adds ``modalities``, ``{'rgb': uint8 (H, W, 3) BGR, 'depth':
    float32 (H, W, 1) millimetres}``, ``gt_seg_map`` uint8 (H, W), ``seg_fields``, ``img_shape``
    and ``ori_shape`` (H, W).
    """

    def transform(self, results: dict) -> dict:
        scene = render_scene(results['scene_seed'], results['size'])
        results['modalities'] = dict(rgb=scene['rgb'], depth=scene['depth'])
        results['gt_seg_map'] = scene['label']
        results['seg_fields'] = ['gt_seg_map']
        results['img_shape'] = results['ori_shape'] = results['size']
        return results


def write_nyuv2_layout(root: str | Path, num_train: int, num_test: int,
                       size: Sequence[int] = (480, 640), seed: int = 0,
                       progress: Callable[[list], Iterable] = iter) -> None:
    """Write scenes as ``root/{train,test}/{rgb,depth,label}/NNNNNN.png``.

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
