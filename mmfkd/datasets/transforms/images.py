"""Images and clips of a sample whose modalities have no common geometry."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmcv.transforms import BaseTransform, Compose

from mmfkd.registry import TRANSFORMS

from .decoding import image_of, read_image
from .forms import check_form, check_loaded

FRAME_SUFFIXES = ('.jpg', '.jpeg', '.png')
COLOR = dict(type='LoadImageFromFile', color_type='color', imdecode_backend='pillow')


@TRANSFORMS.register_module()
class LoadImage(BaseTransform):
    """Reads the image of one modality.

    Required Keys:

    - modalities: ``{modality: dict(path)}``, or ``dict(array)`` of an image that is loaded

    Modified Keys:

    - modalities: ``{modality: (H, W, C) array}``, colour in BGR order

    Args:
        modality: its name; without it in the sample nothing is done.
        loader: config of a transform that reads ``img_path`` into ``img``. Pillow decodes by
            default because it refuses truncated files.

    Raises:
        FileNotFoundError, ValueError: no such file, or one that cannot be decoded; it is named.
        ValueError: the modality is no file.
    """

    def __init__(self, modality: str, loader: dict = COLOR) -> None:
        self.modality = modality
        self.loader = TRANSFORMS.build(loader)

    def transform(self, results: dict) -> dict:
        """See the class."""
        spec = results['modalities'].get(self.modality)
        if spec is not None:
            check_form(spec, 'path', self.modality, 'LoadImage')
            results['modalities'][self.modality] = image_of(self.loader, spec)
        return results


@TRANSFORMS.register_module()
class LoadFrames(BaseTransform):
    """Reads some frames of a clip, one from each of equal parts of it (FDKD, A.2).

    Required Keys:

    - modalities: ``{modality: dict(folder, start, end)}``; a folder with a JPEG or PNG for each
      second, whose name ends in the second. ``start`` and ``end``, in seconds, are optional; both
      are taken. Or ``dict(array)`` of frames (T, H, W, 3) that are loaded.

    Modified Keys:

    - modalities: ``{modality: [(H, W, 3) array, ...]}``, in BGR order

    Args:
        modality: its name; without it in the sample nothing is done.
        num_frames: number of frames; where the clip has fewer they are repeated.
        random: take any frame of a part, for training; else the middle one.
        loader: see :class:`LoadImage`.

    Raises:
        ValueError: the folder holds no frames in the range, or one that cannot be decoded; or the
            modality is no folder.
    """

    def __init__(self, modality: str = 'visual', num_frames: int = 1, random: bool = False,
                 loader: dict = COLOR) -> None:
        self.modality = modality
        self.num_frames = num_frames
        self.random = random
        self.loader = TRANSFORMS.build(loader)

    def transform(self, results: dict) -> dict:
        """See the class."""
        spec = results['modalities'].get(self.modality)
        if spec is not None:
            check_form(spec, 'folder', self.modality, 'LoadFrames')
            frames = spec.get('array')
            paths = (frame_paths(spec['folder'], spec.get('start', 0), spec.get('end'))
                     if frames is None else [])
            results['modalities'][self.modality] = [
                read_image(self.loader, str(paths[i])) if frames is None else
                image_of(self.loader, dict(array=frames[i]))
                for i in self._choose(len(paths) or len(frames))]
        return results

    def _choose(self, count: int) -> list[int]:
        edges = np.arange(self.num_frames + 1) * count / self.num_frames
        places = (np.random.uniform(edges[:-1], edges[1:]) if self.random
                  else (edges[:-1] + edges[1:]) / 2)
        return [min(int(place), count - 1) for place in places]


def frame_number(path: str | Path) -> int:
    """The number in which the name of a frame ends, by which frames are ordered; -1 without."""
    number = re.search(r'\d+$', Path(path).stem)
    return int(number[0]) if number else -1


def frame_paths(folder: str | Path, start: float = 0, end: float | None = None) -> list[Path]:
    """Frames of a clip in order of time: that of the number in which each name ends.

    Raises:
        ValueError: there are none, a name without a number, or one number twice; the folder is
            named.
    """
    frames: dict[int, Path] = {}
    for path in sorted(Path(folder).iterdir()) if Path(folder).is_dir() else ():
        if path.suffix.lower() not in FRAME_SUFFIXES:
            continue
        number = frame_number(path)
        if number < 0 or number in frames:
            raise ValueError(f'{path} has no number of its own at the end of its name: name the '
                             'frames of a clip by their second, such as 00000.jpg or '
                             'frame_0001.png')
        frames[number] = path
    paths = [path for second, path in sorted(frames.items())
             if start <= second and (end is None or second <= end)]
    if not paths:
        raise ValueError(f'{folder} holds no frames{f" from {start} to {end} s" if end else ""}: '
                         'extract them with mmfkd prepare, or take the clip out of the list')
    return paths


@TRANSFORMS.register_module()
class TransformImages(BaseTransform):
    """Runs transforms of images on the image of one modality, or on each frame of its clip.

    Unlike :class:`ForModality` it may move pixels: no other modality has the same ones.

    Args:
        modality: its name; without it in the sample nothing is done.
        transforms: configs of transforms that change ``img``, such as mmpretrain's.

    Raises:
        ValueError: no image is loaded.
    """

    def __init__(self, modality: str, transforms: Sequence[dict]) -> None:
        self.modality = modality
        self.transforms = Compose([TRANSFORMS.build(cfg) for cfg in transforms])

    def transform(self, results: dict) -> dict:
        """See the class."""
        images = results['modalities'].get(self.modality)
        if images is not None:
            check_loaded(images, self.modality, 'TransformImages', 'LoadImage')
            results['modalities'][self.modality] = (
                [self._changed(image) for image in images] if isinstance(images, list)
                else self._changed(images))
        return results

    def _changed(self, image: np.ndarray) -> np.ndarray:
        changed = self.transforms(dict(img=image, img_shape=image.shape[:2],
                                       ori_shape=image.shape[:2]))['img']
        # cv2 drops the axis of a single channel.
        return changed.reshape(*changed.shape[:2], -1)
