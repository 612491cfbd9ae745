"""Images of any number of channels and bits: NumPy's files, and TIFF."""

from io import BytesIO
from pathlib import Path

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine import fileio
from PIL import Image

from mmfkd.registry import TRANSFORMS

from .decoding import ValueFault, tiff_reader

NUMPY = ('.npy', '.npz')
SUFFIXES = (*NUMPY, '.tif', '.tiff')
PHOTOMETRIC, BLACK_IS_ZERO = 262, 1  # a tag of TIFF, and its value


@TRANSFORMS.register_module()
class LoadArray(BaseTransform):
    """Reads a ``.npy``, ``.npz`` or TIFF file with its own values as float32.

    Required Keys:

    - img_path

    Added Keys:

    - img: float32 (H, W, C), channels in the order of the file
    - img_shape, ori_shape: (H, W)

    Args:
        channels_first: the file holds (C, H, W). A TIFF with separate planes does, and is known
            without it.
        key: name of the array in a ``.npz`` file; without it the file must hold a single one.

    Raises:
        ValueFault: no such array, another number of axes, or values that float32 does not hold.
        OSError, ValueError: a damaged file; see :class:`LoadModalities`.
    """

    def __init__(self, channels_first: bool = False, key: str | None = None) -> None:
        self.channels_first = channels_first
        self.key = key

    def transform(self, results: dict) -> dict:
        """See the class."""
        path = results['img_path']
        image = read_array(path, self.key)
        if image.ndim not in (2, 3):
            raise ValueFault(f'{path} holds an array of shape {image.shape}: an image is (H, W) or '
                             '(H, W, C), of a TIFF in one page of several channels or in several '
                             'pages of one. Write one image a file')
        if image.ndim == 3 and self.channels_first:
            image = image.transpose(1, 2, 0)
        results['img'] = as_float32(image, path)
        results['img_shape'] = results['ori_shape'] = image.shape[:2]
        return results


def read_array(path: str, key: str | None = None) -> np.ndarray:
    """The array in a file, (H, W) or (H, W, C), with its own values and type.

    Raises:
        ValueFault: a ``.npz`` file without ``key``, or with several arrays; see also
            :func:`read_tiff`.
        OSError, ValueError: a damaged file.
    """
    content = BytesIO(fileio.get(path))
    if Path(path).suffix.lower() in ('.tif', '.tiff'):
        return read_tiff(path, content)
    found = np.load(content, allow_pickle=False)
    if isinstance(found, np.ndarray):
        return found
    names = list(found)
    if key not in names and (key is not None or len(names) != 1):
        raise ValueFault(f"{path} holds the arrays {', '.join(names) or 'none'}: name one with "
                         "loader=dict(type='LoadArray', key='...')")
    return found[names[0] if key is None else key]


def read_tiff(path: str, content: BytesIO) -> np.ndarray:
    """The image of a TIFF file, channels last: samples of a pixel, planes, or pages of one size.

    Smaller copies of it, as pyramids have them, are left out. More than three axes, such as pages
    of planes, stay in the order of the file.

    Raises:
        ValueFault: tifffile is missing, and it is more than one page of one channel.
    """
    try:
        reader = tiff_reader(path)
    except ValueFault:
        page = plain_page(content)
        if page is None:
            raise
        return page
    with reader(content) as file:
        series = file.series[0]
        image = series.asarray()
    channels_last = image.ndim != 3 or series.axes.endswith('S')
    return image if channels_last else image.transpose(1, 2, 0)


def plain_page(content: BytesIO) -> np.ndarray | None:
    """A TIFF (H, W) of one page and one channel, of which pillow keeps the values; None else."""
    with Image.open(content) as image:
        plain = (getattr(image, 'n_frames', 1) == 1 and image.mode in ('L', 'I;16', 'F')
                 and getattr(image, 'tag_v2', {}).get(PHOTOMETRIC) == BLACK_IS_ZERO)
        return np.asarray(image) if plain else None


def as_float32(image: np.ndarray, path: str) -> np.ndarray:
    """An image as float32.

    Raises:
        ValueFault: there are whole numbers that float32 does not hold, or no numbers.
    """
    if image.dtype.kind not in 'buif':
        raise ValueFault(f'{path} holds {image.dtype} and no real numbers')
    converted = image.astype(np.float32)
    if image.dtype.kind in 'ui' and image.size and np.abs(image.astype(np.float64)).max() > 2**24:
        raise ValueFault(f'{path} holds {int(np.abs(image.astype(np.float64)).max())}: whole '
                         f'numbers above {2**24} are not exact in float32. Scale the file')
    return converted
