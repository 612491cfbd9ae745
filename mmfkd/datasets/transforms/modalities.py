"""Pipeline steps for several registered images: load, one at a time, stacked, packed.

Geometry runs once, on a stack of all modalities, by mmseg's own transforms between
:class:`StackModalities` and :class:`PackModalities`; photometry runs before, on the modality it
belongs to, inside :class:`ForModality`.
"""

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform, Compose
from mmseg.datasets.transforms import PackSegInputs

from mmfkd.registry import TRANSFORMS

from .decoding import image_of


@TRANSFORMS.register_module()
class LoadModalities(BaseTransform):
    """Reads one image per modality, each with its own loader.

    Required Keys:

    - modalities: ``{name: dict(path, channels, loader, scale, range)}``; the last two, see
      :class:`mmfkd.datasets.RGBXDataset`, are optional. With an ``array`` no file is read.

    Modified Keys:

    - modalities: ``{name: (H, W, C) array}``, colour in BGR order
    - img_shape, ori_shape

    Raises:
        ValueError: a file that cannot be decoded, has another number of channels, another size
            than its partners, or values that would be changed or are beyond the range; the file
            is named.
    """

    def __init__(self) -> None:
        self._loaders: dict[str, BaseTransform] = {}

    def transform(self, results: dict) -> dict:
        """See the class."""
        specs = results['modalities']
        images = {name: self._load(name, spec) for name, spec in specs.items()}
        shapes = {name: image.shape[:2] for name, image in images.items()}
        if len(set(shapes.values())) > 1:
            listed = ', '.join(f"{specs[name]['path']} {h}x{w}" for name, (h, w) in shapes.items())
            raise ValueError(f'sizes of modalities differ: {listed}. They must be registered '
                             'pixel by pixel; resize or crop the files first.')
        results['modalities'] = images
        results['img_shape'] = results['ori_shape'] = next(iter(shapes.values()))
        return results

    def _load(self, name: str, spec: dict) -> np.ndarray:
        if name not in self._loaders:
            self._loaders[name] = TRANSFORMS.build(spec['loader'])
        image = image_of(self._loaders[name], spec, registered=True)
        if image.shape[2] != spec['channels']:
            cure = (f'give an array (H, W, {spec["channels"]})' if 'array' in spec else
                    "correct that, or set color_type ('color', 'grayscale', 'unchanged') of its "
                    'loader')
            raise ValueError(f"{spec['path']} has {image.shape[2]} channels, but modality "
                             f"'{name}' says channels={spec['channels']}: {cure}")
        if spec.get('scale') is not None:
            image = image.astype(np.float32) * np.float32(spec['scale'])
        return checked_values(image, name, spec)


@TRANSFORMS.register_module()
class LoadModality(LoadModalities):
    """Reads the image of one modality into ``img``, for pipelines of plain mmseg.

    What :class:`LoadModalities` refuses, this one refuses too.

    Required Keys:

    - modalities, see :class:`LoadModalities`

    Added Keys:

    - img: (H, W, C) array, colour in BGR order
    - img_shape, ori_shape

    Args:
        modality: its name.

    Raises:
        KeyError: the data set does not load this modality.
        ValueError: see :class:`LoadModalities`.
    """

    def __init__(self, modality: str) -> None:
        super().__init__()
        self.modality = modality

    def transform(self, results: dict) -> dict:
        """See the class."""
        specs = results.pop('modalities')
        if self.modality not in specs:
            raise KeyError(f"modality '{self.modality}' is not among {list(specs)}, which the data "
                           "set loads: check its 'modalities'")
        results['img'] = self._load(self.modality, specs[self.modality])
        results['img_shape'] = results['ori_shape'] = results['img'].shape[:2]
        return results


def checked_values(image: np.ndarray, name: str, spec: dict) -> np.ndarray:
    """An image whose values are numbers in the range of its modality.

    Args:
        image: (H, W, C).
        name: of the modality.
        spec: its ``path``, and ``range`` if it has one.

    Raises:
        ValueError: a value that is not; file and value are named.
    """
    if image.dtype.kind == 'f' and not np.isfinite(image).all():
        share = 1 - np.isfinite(image).mean()
        raise ValueError(f"{spec['path']} holds NaN or infinity in {share:.1%} of its values: "
                         'write a number there that stands for no value, such as 0')
    low, high = spec.get('range') or (None, None)
    below = low is not None and image.min() < low
    if below or (high is not None and image.max() > high):
        value = image.min() if below else image.max()
        raise ValueError(f"{spec['path']} holds {value:g}, but modality '{name}' is from {low} "
                         f'to {high}: its file is perhaps in another unit. Convert it, or give '
                         f'modalities.{name}.scale, the factor to the unit of the config, or '
                         f'another modalities.{name}.range')
    return image


@TRANSFORMS.register_module()
class ForModality(BaseTransform):
    """Runs transforms on one modality alone, before stacking. Without that modality, nothing.

    For photometry only: geometry here would break the registration.

    Required Keys:

    - modalities

    Args:
        modality: its name.
        transforms: configs of transforms that change ``img``.
    """

    def __init__(self, modality: str, transforms: Sequence[dict]) -> None:
        self.modality = modality
        self.transforms = Compose([TRANSFORMS.build(cfg) for cfg in transforms])

    def transform(self, results: dict) -> dict:
        """See the class."""
        image = results['modalities'].get(self.modality)
        if image is None:
            return results
        # A label that only geometry would change: flips keep the shape.
        height, width = image.shape[:2]
        probe = _probe(height, width)
        try:
            changed = self.transforms(dict(img=image, img_shape=(height, width),
                                           gt_seg_map=probe.copy(), seg_fields=['gt_seg_map']))
        except cv2.error as error:
            raise ValueError(
                f"ForModality('{self.modality}'): {self.transforms} does not work on images of "
                f'{image.shape[2]} channels and {image.dtype} ({error.err}): colours need 3 '
                'channels of uint8') from error
        # cv2 drops the axis of a single channel.
        result = changed['img'].reshape(*changed['img'].shape[:2], -1)
        if result.shape != image.shape or not np.array_equal(changed['gt_seg_map'], probe):
            raise ValueError(f"ForModality('{self.modality}') moved pixels ({image.shape} to "
                             f'{result.shape}): put geometry between StackModalities and '
                             'PackModalities, where it moves every modality alike')
        results['modalities'][self.modality] = result
        return results


@lru_cache(maxsize=8)  # of images of many sizes not all
def _probe(height: int, width: int) -> np.ndarray:
    return (np.arange(height * width) % 251).astype(np.uint8).reshape(height, width)


@TRANSFORMS.register_module()
class StackModalities(BaseTransform):
    """Stacks all modalities as channels of ``img``, so that geometry treats them as one image.

    Numbers are float32 on the way, so that what a resize makes of one modality does not depend on
    the type of the others; :class:`PackModalities` rounds integers again.

    Required Keys:

    - modalities

    Added Keys:

    - img: float32 (H, W, sum of C)
    - stacked: ``{name: (channels, dtype)}``
    """

    def transform(self, results: dict) -> dict:
        """See the class."""
        images = results.pop('modalities')
        results['stacked'] = {name: (image.shape[2], image.dtype)
                              for name, image in images.items()}
        # One alone is copied here, several by the concatenation.
        arrays = [image.astype(np.float32, copy=len(images) == 1) for image in images.values()]
        results['img'] = np.concatenate(arrays, axis=2) if len(arrays) > 1 else arrays[0]
        return results


@TRANSFORMS.register_module()
class PackModalities(BaseTransform):
    """Splits the stack again and packs it, labels and meta data by mmseg's ``PackSegInputs``.

    Required Keys:

    - img, stacked

    Returns ``inputs``, ``{name: (C, H, W) tensor}`` in the dtype that was loaded, and
    ``data_samples``, a ``SegDataSample``.

    Args:
        meta_keys: see mmseg's ``PackSegInputs``.
    """

    def __init__(self, meta_keys: Sequence[str] = (
            'img_path', 'seg_map_path', 'ori_shape', 'img_shape', 'pad_shape', 'scale_factor',
            'flip', 'flip_direction', 'reduce_zero_label')) -> None:
        self.pack = PackSegInputs(meta_keys)

    def transform(self, results: dict) -> dict:
        """See the class."""
        image = np.atleast_3d(results.pop('img'))  # cv2 drops the axis of a single channel
        packed = self.pack(results)
        packed['inputs'] = {}
        start = 0
        for name, (channels, dtype) in results['stacked'].items():
            part = image[..., start:start + channels].transpose(2, 0, 1)
            if np.issubdtype(dtype, np.integer) and part.dtype != dtype:
                part = np.rint(part)
                part.clip(np.iinfo(dtype).min, np.iinfo(dtype).max, out=part)
            packed['inputs'][name] = torch.from_numpy(
                np.ascontiguousarray(part.astype(dtype, copy=False)))
            start += channels
        return packed
