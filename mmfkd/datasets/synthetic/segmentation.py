"""Embedded segmentation data sets: rendered rooms and streets, without files."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.datasets import BaseSegDataset

from mmfkd.datasets.image_files import COLOR, UNCHANGED
from mmfkd.datasets.labelled import Labels, check_labels, labelled_samples
from mmfkd.datasets.transforms.infrared import INFRARED
from mmfkd.registry import DATASETS, TRANSFORMS

from . import rooms, streets
from .seeding import check_size, scene_seed


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
        labels: 'all', 'none' or the share of the scenes that have a label; see
            :class:`mmfkd.datasets.RGBXDataset`.
        modalities: Names that samples hold, of ``MODALITIES``; all of them by default.

    Raises:
        ValueError: If ``num_scenes``, ``seed`` or ``size`` is out of range, or a modality unknown.
    """

    MODALITIES: dict[str, dict] = {}

    def __init__(self, num_scenes: int, seed: int = 0, size: Sequence[int] = (96, 96),
                 pipeline: Sequence[dict | Callable] = (), test_mode: bool = False,
                 indices: int | Sequence[int] | None = None, lazy_init: bool = False,
                 labels: Labels = 'all', modalities: Sequence[str] | None = None) -> None:
        check_labels(labels)
        unknown = [name for name in modalities or () if name not in self.MODALITIES]
        if unknown:
            raise ValueError(f'{type(self).__name__}: unknown modality {unknown}; known are '
                             f'{list(self.MODALITIES)}')
        if num_scenes < 1:
            raise ValueError(f'num_scenes={num_scenes} leaves the split empty: set it to 1 or more')
        if seed < 0:
            raise ValueError(f'seed={seed} must not be negative: set it to 0 or more')
        self.num_scenes, self.seed, self.size = num_scenes, seed, check_size(size)
        self.labels = labels
        self.modalities = modalities
        super().__init__(pipeline=pipeline, test_mode=test_mode, indices=indices,
                         lazy_init=lazy_init)

    def load_data_list(self) -> list[dict]:
        """One small dict per scene; ``img_path`` only names the scene for logs and hooks."""
        names = [f'synthetic/{i:06d}' for i in range(self.num_scenes)]
        labelled = labelled_samples(self.labels, names, [True] * len(names), self.seed)
        chosen = dict(chosen=tuple(self.modalities)) if self.modalities else {}
        return [dict(chosen, img_path=name, scene_seed=scene_seed(self.seed, i), size=self.size,
                     seg_fields=[], label_map=self.label_map,
                     reduce_zero_label=self.reduce_zero_label,
                     **({} if labelled[i] else dict(seg_map_path=None)))
                for i, name in enumerate(names)]


def put_scene(results: dict, images: Mapping[str, np.ndarray], label: np.ndarray) -> None:
    """Adds the images of a scene that its sample holds, their size, and the label map.

    Where the scene has no label, the map says nothing.
    """
    results['modalities'] = {name: images[name] for name in results.get('chosen', images)}
    results['img_shape'] = results['ori_shape'] = results['size']
    unlabelled = 'seg_map_path' in results and results['seg_map_path'] is None
    results['gt_seg_map'] = np.full_like(label, 255) if unlabelled else label
    results['seg_fields'] = ['gt_seg_map']


@DATASETS.register_module()
class SyntheticRGBD(SyntheticScenes):
    """Rendered rooms; see :class:`SyntheticScenes` and, for the pipeline, :class:`RenderRGBD`."""

    METAINFO = dict(classes=rooms.CLASSES, palette=rooms.PALETTE)
    # How files of these modalities are read.
    MODALITIES = dict(rgb=dict(channels=3, loader=COLOR), depth=dict(channels=1, loader=UNCHANGED))


@TRANSFORMS.register_module()
class RenderRGBD(BaseTransform):
    """Renders the scene that an entry of :class:`SyntheticRGBD` describes.

    Reads ``scene_seed`` and ``size``. Adds ``modalities``, ``{'rgb': uint8 (H, W, 3) BGR, 'depth':
    float32 (H, W, 1) millimetres}``, ``gt_seg_map`` uint8 (H, W), ``seg_fields``, ``img_shape``
    and ``ori_shape`` (H, W).

    ``READERS`` read files of these modalities in its place.
    """

    READERS = (dict(type='LoadModalities'),)

    def transform(self, results: dict) -> dict:
        """See the class."""
        scene = rooms.render_scene(results['scene_seed'], results['size'])
        put_scene(results, dict(rgb=scene['rgb'], depth=scene['depth']), scene['label'])
        return results


@DATASETS.register_module()
class SyntheticEOIR(SyntheticScenes):
    """Rendered streets with the classes of MSRS, about half of them by night.

    See :class:`SyntheticScenes` and, for the pipeline, :class:`RenderEOIR`.
    """

    METAINFO = dict(classes=streets.CLASSES, palette=streets.PALETTE)
    # How files of these modalities are read.
    MODALITIES = dict(rgb=dict(channels=3, loader=COLOR), ir=dict(channels=3, loader=INFRARED))


@TRANSFORMS.register_module()
class RenderEOIR(BaseTransform):
    """Renders the street that an entry of :class:`SyntheticEOIR` describes.

    Reads ``scene_seed`` and ``size``. Adds ``modalities``, ``{'rgb': uint8 (H, W, 3) BGR, 'ir':
    uint8 (H, W, 3) equal channels}``, ``gt_seg_map`` uint8 (H, W), ``seg_fields``, ``night``
    (bool), ``img_shape`` and ``ori_shape`` (H, W).

    ``READERS`` read files of these modalities in its place.
    """

    READERS = (dict(type='LoadModalities'),)

    def transform(self, results: dict) -> dict:
        """See the class."""
        scene = streets.render_street(results['scene_seed'], results['size'])
        put_scene(results, dict(rgb=scene['rgb'], ir=scene['ir']), scene['label'])
        results['night'] = scene['night']
        return results
