"""Infrared images of any kind of file as one kind of array."""

from io import BytesIO

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine import fileio
from PIL import Image, ImageOps

from mmfkd.registry import TRANSFORMS

from .decoding import ValueFault, check_depth, check_pages

# With its scope: it is built inside models' and mmseg's scopes as well.
INFRARED = dict(type='mmfkd.LoadInfrared', channels=3)
# What pillow calls the images that it converts to 8-bit colour without loss, but for opacity.
EIGHT_BIT = ('1', 'L', 'LA', 'P', 'PA', 'RGB', 'RGBA')
# Channels of grey that was compressed differ by less, but for a few pixels.
LARGEST_SPREAD = 32
SPREAD_PIXELS = 0.01


class InfraredError(ValueFault):
    """An infrared file of an unexpected kind; its message names the file and the cure."""


@TRANSFORMS.register_module()
class LoadInfrared(BaseTransform):
    """Reads an infrared image into equal channels.

    There are three by default because the convolutions of an encoder are shared with optical
    images, while each modality has its own normalization.

    * 8 bit, with one channel, three or a palette: uint8. Channels that differ a little, as lossy
      compression leaves them, are averaged, false colours refused; opacity is left out.
    * 16 bit, with one channel: float32 in 0..255, ``value * 255 / (2**bits - 1)``.

    All files of a data set should be of one kind, or its batches mix the two types.

    Required Keys:

    - img_path

    Added Keys:

    - img: (H, W, ``channels``)
    - img_shape, ori_shape: (H, W)

    Args:
        channels: number of equal channels.
        bits: bits that a 16-bit file uses, 16 by default; if given, 8-bit files are refused.

    Raises:
        ValueError: ``channels`` or ``bits`` is out of range.
        InfraredError: a value beyond ``bits``, false colours, a fourth channel that holds an image,
            or a file that is neither 8 nor 16 bit.
        ValueFault: a TIFF of several pages, or several channels of 16 bits.
        OSError, SyntaxError, ValueError: a truncated file, or none; see ``LoadModalities``.
    """

    def __init__(self, channels: int = 3, bits: int | None = None) -> None:
        if channels < 1:
            raise ValueError(f'channels={channels}: give a number from 1')
        if bits is not None and not 9 <= bits <= 16:
            raise ValueError(f'bits={bits}: give 9 to 16, or leave it out for 8-bit files')
        self.channels = channels
        self.bits = bits

    def transform(self, results: dict) -> dict:
        """See the class."""
        path = results['img_path']
        content = fileio.get(path)
        with Image.open(BytesIO(content)) as file:
            check_pages(path, content, file.format)
            check_depth(path, file, content)
            # As the loader of colour does, or a turned pair would not be registered.
            image = self._grey(ImageOps.exif_transpose(file), path)
        results['img'] = np.repeat(image[..., None], self.channels, axis=2)
        results['img_shape'] = results['ori_shape'] = image.shape
        return results

    def _grey(self, image: Image.Image, path: str) -> np.ndarray:
        """(H, W): uint8, or float32 in 0..255."""
        if image.mode.startswith('I'):
            return self._scaled(np.asarray(image), path)
        if image.mode not in EIGHT_BIT:
            raise InfraredError(f"{path} is of pillow's mode '{image.mode}': convert it to 8 or "
                                '16 bit with one channel')
        if self.bits is not None:
            raise InfraredError(f'{path} is 8 bit, but bits={self.bits} of LoadInfrared is for '
                                '16-bit files: leave bits out')
        if image.mode == 'RGBA' and len(np.unique(np.asarray(image)[..., 3])) > 1:
            raise InfraredError(f'{path} holds an image in its fourth channel, perhaps infrared '
                                'after colour, as in MFNet: write that channel to its own file')
        if image.mode == 'L':
            return np.asarray(image)
        colours = np.asarray(image.convert('RGB'))
        coloured = np.mean(np.ptp(colours, axis=2) > LARGEST_SPREAD)
        if coloured > SPREAD_PIXELS:
            raise InfraredError(f'{path} is in colours: its channels differ by more than '
                                f'{LARGEST_SPREAD} in {coloured:.1%} of the pixels, and their mean '
                                'is no temperature. Get the grey images, or take channels=3 '
                                'without LoadInfrared')
        # Rounded; 255 * 3 + 1 fits.
        total = colours.sum(axis=2, dtype=np.uint16)
        return ((total + 1) // 3).astype(np.uint8)

    def _scaled(self, image: np.ndarray, path: str) -> np.ndarray:
        bits = self.bits or 16
        low, high, limit = int(image.min()), int(image.max()), 2**bits - 1
        if low < 0 or high > limit:
            beyond = low if low < 0 else high
            cure = ('set bits of LoadInfrared to '
                    f'{high.bit_length()}' if 0 <= low and high < 2**16
                    else 'convert the file to 16 bit')
            raise InfraredError(f'{path} holds {beyond}, but {bits} bits end at {limit}: {cure}')
        return image.astype(np.float32) * np.float32(255 / limit)
