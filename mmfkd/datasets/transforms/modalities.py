"""Pipeline steps for several registered images: load, one at a time, stacked, packed.

Geometry runs once, on a stack of all modalities, by mmseg's own transforms between
:class:`StackModalities` and :class:`PackModalities`; photometry runs before, on the modality it
belongs to, inside :class:`ForModality`.
"""

from collections.abc import Sequence
from functools import cache
from io import BytesIO

import numpy as np
import torch
from mmcv.transforms import BaseTransform, Compose
from mmengine import fileio
from mmseg.datasets.transforms import LoadAnnotations, PackSegInputs
from PIL import Image

from mmfkd.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadModalities(BaseTransform):
    """Reads one image per modality, each with its own loader.

    Required Keys:

    - modalities: ``{name: dict(path, channels, loader)}``

    Modified Keys:

    - modalities: ``{name: (H, W, C) array}``, colour in BGR order
    - img_shape, ori_shape

    Raises:
        ValueError: a file that cannot be decoded, has another number of channels, or another
            size than its partners; the file is named.
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
        image = read_image(self._loaders[name], spec['path'])
        if image.shape[2] != spec['channels']:
            raise ValueError(f"{spec['path']} has {image.shape[2]} channels, but modality "
                             f"'{name}' says channels={spec['channels']}: correct that, or set "
                             "color_type ('color', 'grayscale', 'unchanged') of its loader")
        return image


def decode(path: str, load):
    """Runs a loader; whatever a broken file raises becomes one error that names the file."""
    try:
        return load()
    except FileNotFoundError as error:
        raise FileNotFoundError(f'{path} does not exist') from error
    except (OSError, SyntaxError, ValueError, AssertionError, AttributeError) as error:
        raise ValueError(f'{path} cannot be decoded ({error}): it is truncated or no image. Copy '
                         'it again or remove it with its partners.') from error


def read_image(loader: BaseTransform, path: str) -> np.ndarray:
    """(H, W, C) of a file; the axis of a single channel is kept."""
    image = decode(path, lambda: loader(dict(img_path=path)))['img']
    return image[..., None] if image.ndim == 2 else image


@TRANSFORMS.register_module()
class LoadCheckedAnnotations(LoadAnnotations):
    """mmseg's ``LoadAnnotations``, which also checks what it read.

    Raises:
        ValueError: a label map that cannot be decoded, has another size than the images, or
            holds a value that is neither a class nor ``ignore_index``; the file is named.
    """

    def _load_seg_map(self, results: dict) -> None:
        path = results['seg_map_path']
        decode(path, lambda: super(LoadCheckedAnnotations, self)._load_seg_map(results))
        label = results['gt_seg_map']
        top = decode(path, lambda: _highest_value(path, self.backend_args))
        if top > 255:
            raise ValueError(f'{path} holds label {top}, but labels are 8 bit: there are '
                             f"{results.get('num_classes', 'fewer')} classes. Map the labels.")
        if label.shape != tuple(results.get('ori_shape', label.shape)):
            raise ValueError(f'{path} is {label.shape}, its images are {results["ori_shape"]} '
                             '(height, width): labels must be registered with the images')
        if 'num_classes' not in results:
            return
        wrong = (label >= results['num_classes']) & (label != results['ignore_index'])
        if wrong.any():
            raise ValueError(
                f"{path} holds label {int(label[wrong].max())}, but there are "
                f"{results['num_classes']} classes (0 to {results['num_classes'] - 1}) and "
                f"{results['ignore_index']} = ignore. Map the labels, or set reduce_zero_label "
                'or metainfo.classes of the data set.')


def _highest_value(path: str, backend_args: dict | None) -> int:
    """Highest value of an image with more than 8 bits, which mmseg would wrap around; else 0."""
    image = Image.open(BytesIO(fileio.get(path, backend_args=backend_args)))
    return int(np.asarray(image).max()) if image.mode.startswith('I') else 0


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
        changed = self.transforms(dict(img=image, img_shape=(height, width),
                                       gt_seg_map=probe.copy(), seg_fields=['gt_seg_map']))
        # cv2 drops the axis of a single channel.
        result = changed['img'].reshape(*changed['img'].shape[:2], -1)
        if result.shape != image.shape or not np.array_equal(changed['gt_seg_map'], probe):
            raise ValueError(f"ForModality('{self.modality}') moved pixels ({image.shape} to "
                             f'{result.shape}): put geometry between StackModalities and '
                             'PackModalities, where it moves every modality alike')
        results['modalities'][self.modality] = result
        return results


@cache
def _probe(height: int, width: int) -> np.ndarray:
    return (np.arange(height * width) % 251).astype(np.uint8).reshape(height, width)


@TRANSFORMS.register_module()
class StackModalities(BaseTransform):
    """Stacks all modalities as channels of ``img``, so that geometry treats them as one image.

    Required Keys:

    - modalities

    Added Keys:

    - img: (H, W, sum of C); uint8 if all modalities are, else float32
    - stacked: ``{name: (channels, dtype)}``
    """

    def transform(self, results: dict) -> dict:
        """See the class."""
        images = results.pop('modalities')
        dtypes = {image.dtype for image in images.values()}
        dtype = dtypes.pop() if len(dtypes) == 1 else np.float32
        results['stacked'] = {name: (image.shape[2], image.dtype)
                              for name, image in images.items()}
        results['img'] = np.concatenate(
            [image.astype(dtype, copy=False) for image in images.values()], axis=2)
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
        image = results.pop('img')
        # cv2 drops the axis of a single channel.
        image = image[..., None] if image.ndim == 2 else image
        packed = self.pack(results)
        packed['inputs'] = {}
        start = 0
        for name, (channels, dtype) in results['stacked'].items():
            part = image[..., start:start + channels].transpose(2, 0, 1)
            if np.issubdtype(dtype, np.integer) and part.dtype != dtype:
                part = part.round().clip(np.iinfo(dtype).min, np.iinfo(dtype).max)
            packed['inputs'][name] = torch.from_numpy(
                np.ascontiguousarray(part.astype(dtype, copy=False)))
            start += channels
        return packed
