"""Decoding of image files, without a change of their values that nobody asked for."""

import re
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

import mmcv
import numpy as np
from mmcv.transforms import BaseTransform, LoadImageFromFile
from mmengine import fileio
from PIL import Image, UnidentifiedImageError

ORIENTATION = 0x0112  # EXIF
PNG_TEXTS = (b'tEXt', b'zTXt', b'iTXt')
EXIF_TEXTS = (b'Raw profile type exif', b'XML:com.adobe.xmp')
# Modes in which pillow's own values are numbers of colours, or 0 and 1 for black and white.
INDEXED = ('P', 'PA', '1')
BITS_PER_SAMPLE = 258  # TIFF
REDUCED_OR_MASK = 0b101  # of the bits of a TIFF's subfile type
MEMORY = re.compile(r' ?<_io\.BytesIO object at \w+>')  # how pillow names what it was given
TEXTS = ('.csv', '.tsv', '.txt', '.json')  # often given in place of an image


class ValueFault(Exception):
    """A file whose values would be changed; its message names the file, the value and the cure.

    It is no ``ValueError`` where decoders run, which take that for a file that is broken.
    """


def decode(path: str, load: Callable) -> Any:
    """Runs a loader; whatever a broken file raises becomes one error that names the file."""
    try:
        return load()
    except FileNotFoundError as error:
        raise FileNotFoundError(f'{path} does not exist') from error
    except ValueFault as error:
        raise ValueError(str(error)) from error
    # Decoders raise nearly any type on a damaged file: OSError, SyntaxError, struct.error, ...
    except Exception as error:
        cure = ('it is a text or a table. Name an image, or a folder of them'
                if path.lower().endswith(TEXTS) else
                'it is truncated or no image. Copy it again or remove it with its partners')
        reason = MEMORY.sub('', str(error))
        raise ValueError(f'{path} cannot be decoded ({reason}): {cure}.') from error


def read_image(loader: BaseTransform, path: str, registered: bool = False) -> np.ndarray:
    """(H, W, C) of a file; the axis of a single channel is kept.

    Args:
        loader: a transform that reads ``img_path`` into ``img``.
        path: of the file.
        registered: its pixels are those of other files, so that it must not be turned.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a file that cannot be decoded, that the loader would cut to 8 bits, whose
            values are no grey values, of which it would read one page of several, or that is to be
            turned; it is named.
    """
    def load() -> np.ndarray:
        check_file(path, loader, registered)
        return loader(dict(img_path=path))['img']

    image = decode(path, load)
    # Colours that mmcv turned to BGR are a view with a negative stride, slow in all that follows.
    if image.ndim == 3 and image.strides[2] < 0:
        image = mmcv.rgb2bgr(image[..., ::-1])
    return image[..., None] if image.ndim == 2 else image


def image_of(loader: BaseTransform, spec: Mapping, registered: bool = False) -> np.ndarray:
    """(H, W, C) of a sample's modality: the array that it brings, or its file.

    Args:
        loader: see :func:`read_image`.
        spec: ``dict(path=...)`` of a file, or ``dict(array=...)`` as the loader would read it,
            (H, W) or (H, W, C), colour in BGR order.
        registered: see :func:`read_image`.

    Raises:
        FileNotFoundError, ValueError: see :func:`read_image`; or an array of another form.
    """
    if 'array' not in spec:
        return read_image(loader, spec['path'], registered)
    image = np.asarray(spec['array'])
    if image.ndim not in (2, 3) or image.dtype.kind not in 'uif':
        raise ValueError(f'an image of shape {image.shape} and type {image.dtype}: give numbers of '
                         'shape (H, W) or (H, W, C)')
    image = image.astype(np.float32) if image.dtype == np.float64 else image
    return image[..., None] if image.ndim == 2 else image


def check_file(path: str, loader: BaseTransform | None, registered: bool) -> None:
    """Looks at the head of a file for what its loader would change without a word.

    Raises:
        ValueFault: there is something.
    """
    try:
        content = fileio.get(path)
        image = Image.open(BytesIO(content))
    except UnidentifiedImageError:
        return  # the loader knows it, or says that it does not
    png = image.format == 'PNG'
    # Of a PNG the whole image would be decoded to look for a tag after it.
    tagged = not png or _png_has_exif(content)
    turned = image.getexif().get(ORIENTATION, 1) if tagged else 1
    kind = getattr(loader, 'color_type', '') if isinstance(loader, LoadImageFromFile) else None
    if turned != 1 and (registered or kind == 'unchanged'):
        raise ValueFault(f'{path} has EXIF orientation {turned}: its pixels are to be turned, and '
                         'whether those of its partners and labels are is not known. Write it '
                         'turned, or remove the tag (Pillow: ImageOps.exif_transpose)')
    if kind is not None and getattr(loader, 'imdecode_backend', None) != 'tifffile':
        check_pages(path, content, image.format)
    bits = bits_of(image, content)
    if png:
        Image.open(BytesIO(content)).verify()  # the checksums, at which decoders do not look
    pillow = getattr(loader, 'imdecode_backend', None) == 'pillow'
    if kind == 'unchanged' and pillow and image.mode in INDEXED:
        raise ValueFault(
            f"{path} is of pillow's mode '{image.mode}', in which color_type='unchanged' of its "
            "loader reads the places of a palette or bits, and no grey values: take loader=dict("
            "type='LoadImageFromFile', color_type='grayscale', imdecode_backend='pillow')")
    if kind is not None and bits > 8 and (
            kind != 'unchanged' or (pillow and image.mode in ('RGB', 'RGBA'))):
        raise ValueFault(
            f"{path} has {bits} bits a channel, of which its loader (color_type='{kind}') would "
            'make 8: for one channel take channels=1, which keeps the values as float32, or '
            "loader=dict(type='mmfkd.LoadInfrared', channels=3) for 0 to 255; for more, loader="
            "dict(type='LoadImageFromFile', color_type='unchanged', imdecode_backend='cv2', "
            'to_float32=True)')


def check_pages(path: str, content: bytes, form: str | None) -> None:
    """Refuses a TIFF of several images, of which pillow reads the first.

    Args:
        path: of the file, for the message.
        content: of the file.
        form: its format, as pillow calls it.

    Raises:
        ValueFault: more than one page has the size of the first, without smaller copies and masks;
            or there are several, and tifffile is missing.
    """
    if form != 'TIFF' or _has_one_page(content):
        return
    with tiff_reader(path)(BytesIO(content)) as file:  # pillow does not open every kind of page
        pages = [page.aspage() for page in file.pages]
    sizes = [(page.imagewidth, page.imagelength) for page in pages
             if not page.subfiletype & REDUCED_OR_MASK]
    count = sizes.count(sizes[0]) if sizes else 1
    if count > 1:
        raise ValueFault(f'{path} has {count} pages of one size, of which its loader reads the '
                         "first alone: read all as channels with loader=dict(type='mmfkd.LoadArray'"
                         '), or write the one that is meant')


def _has_one_page(content: bytes) -> bool:
    try:
        return getattr(Image.open(BytesIO(content)), 'n_frames', 1) == 1
    except SyntaxError:  # a further page of a kind that pillow does not open
        return False


def tiff_reader(path: str) -> Any:
    """``tifffile.TiffFile``, which nothing but TIFF files of many channels or pages needs.

    Args:
        path: of the file, for the message.

    Raises:
        ValueFault: tifffile is not installed; the message names the extra.
    """
    try:
        from tifffile import TiffFile
    except ImportError as error:
        raise ValueFault(f'{path}: a TIFF of many channels or pages is read with tifffile, which '
                         f"is not installed: pip install 'mmfkd[tiff]' ({error})") from error
    return TiffFile


def check_depth(path: str, image: Image.Image, content: bytes) -> None:
    """Refuses several channels of 16 bits, of which pillow keeps the upper 8.

    Args:
        path: of the file, for the message.
        image: as pillow opens the file.
        content: of the file.

    Raises:
        ValueFault: there are some.
    """
    bits = bits_of(image, content)
    if bits > 8 and not image.mode.startswith(('I', 'F')):
        raise ValueFault(f'{path} holds {bits} bits a channel, of which pillow keeps 8: write one '
                         'channel, or 8 bits a channel')


def _png_has_exif(content: bytes) -> bool:
    """Whether one of the chunks of a PNG may hold an orientation; pixels are skipped."""
    place = 8
    while place < len(content):
        kind = content[place + 4:place + 8]
        if kind == b'eXIf' or kind in PNG_TEXTS and content.startswith(EXIF_TEXTS, place + 8):
            return True
        place += 12 + int.from_bytes(content[place:place + 4], 'big')
    return False


def bits_of(image: Image.Image, content: bytes) -> int:
    """Bits of a channel in a file, of which pillow's mode may hold fewer.

    Args:
        image: as pillow opens the file.
        content: the file.
    """
    if image.mode == 'F' or image.mode == 'I':
        return 32
    if image.mode.startswith('I;16'):
        return 16
    if image.format == 'PNG':
        return content[24]
    if image.format == 'TIFF':
        return max(getattr(image, 'tag_v2', {}).get(BITS_PER_SAMPLE, (8,)))
    return 8
