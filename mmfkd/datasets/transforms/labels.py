"""Label maps of segmentation."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from mmengine import fileio
from mmseg.datasets.transforms import LoadAnnotations
from PIL import Image

from mmfkd.registry import TRANSFORMS

from .arrays import SUFFIXES, read_array
from .decoding import ValueFault, bits_of, check_depth, check_file, decode

IGNORED = 255  # what heads, losses and metrics leave out


@TRANSFORMS.register_module()
class LoadCheckedAnnotations(LoadAnnotations):
    """mmseg's ``LoadAnnotations`` for label maps of any kind, which takes no value for another.

    A file holds whole numbers of any width, a palette, or colours: those of ``palette`` in
    ``metainfo`` of the data set stand for its classes. The numbers of a file with a palette of its
    own are classes, unless all colours in it are known and nothing else maps numbers to classes:
    then it is read by colour. Values are checked before they become 8 bit. Pixels of
    ``ignore_index`` become 255, which heads, losses and metrics leave out; a sample without a label
    file, ``seg_map_path`` None, has 255 everywhere.

    Raises:
        ValueError: a label map that cannot be decoded, has another size than the images, or
            holds what is neither a class nor ``ignore_index``, such as NaN, a fraction, a negative
            number or an unknown colour; the file and the value are named.
    """

    def _load_seg_map(self, results: dict) -> None:
        path = results['seg_map_path']
        results['seg_fields'].append('gt_seg_map')
        if path is None:
            results['gt_seg_map'] = np.full(results['ori_shape'], IGNORED, np.uint8)
            return
        maps_numbers = bool(results.get('reduce_zero_label') or results.get('label_map'))
        raw = decode(path, lambda: read_labels(path, results.get('palette'), maps_numbers))
        if raw.shape != tuple(results.get('ori_shape', raw.shape)):
            raise ValueError(f'{path} is {raw.shape}, its images are {results["ori_shape"]} '
                             '(height, width): labels must be registered with the images')
        label = mapped(raw, results.get('reduce_zero_label', False),
                       results.get('label_map') or {})
        ignore_index = results.get('ignore_index', IGNORED)
        check_classes(path, raw, label, results.get('num_classes'), ignore_index)
        results['gt_seg_map'] = np.where(label == ignore_index, IGNORED, label).astype(np.uint8)


def read_labels(path: str, palette: Sequence | None, by_number: bool = False) -> np.ndarray:
    """Whole numbers (H, W) of a label file.

    Args:
        path: of the file.
        palette: (R, G, B) of each class, for a file of colours.
        by_number: the numbers of a file with a palette of its own count, and not its colours.

    Raises:
        ValueFault: a number that is not whole, an unknown colour, or one of two classes; a JPEG,
            or several channels of 16 bits.
    """
    if Path(path).suffix.lower() in SUFFIXES:
        raw = read_array(path)
    else:
        check_file(path, None, registered=True)
        content = fileio.get(path)
        image: Image.Image = Image.open(BytesIO(content))
        if image.format == 'JPEG':
            raise ValueFault(f'{path} is a JPEG, which changes the values that are written: save '
                             'label maps as PNG, from where they were made')
        check_depth(path, image, content)
        if image.mode == 'P' and not by_number and _known_colours(image, palette):
            image = image.convert('RGB')
        raw = np.asarray(image)
        if image.mode == 'L':
            # Pillow stretches 2 and 4 bits to 8.
            raw = raw // (255 // (2 ** bits_of(image, content) - 1))
    raw = raw.squeeze()
    if raw.ndim == 3 and raw.shape[2] in (3, 4):
        return classes_of_colours(path, raw[..., :3], palette)
    if raw.dtype.kind == 'f':
        broken = ~np.isfinite(raw) | (raw != np.round(raw))
        if broken.any():
            raise ValueFault(f'{path} holds {raw[broken][0]:g}, which is no class. Write whole '
                             'numbers, and ignore_index (255) where there is no label')
    return raw.astype(np.int64)


def _known_colours(image: Image.Image, palette: Sequence | None) -> bool:
    """Whether the colours of an image with a palette tell its numbers apart, and all are known.

    Args:
        image: of pillow's mode 'P'.
        palette: (R, G, B) of each class.
    """
    numbers = np.unique(np.asarray(image)).tolist()
    stored = np.array(image.getpalette('RGB') or ()).reshape(-1, 3)[:numbers[-1] + 1]
    own = [tuple(colour) for colour in stored.tolist()]
    known = {tuple(colour) for colour in palette or ()}
    return (numbers[-1] < len(own) == len(set(own))
            and all(own[number] in known for number in numbers))


def classes_of_colours(path: str, colours: np.ndarray, palette: Sequence | None) -> np.ndarray:
    """Classes (H, W) of colours (H, W, 3).

    Raises:
        ValueFault: a colour that is not in the palette, or one that is in it twice.
    """
    weights = np.array([65536, 256, 1])
    numbers = colours.astype(np.int64) @ weights
    known = {int(np.asarray(colour, np.int64) @ weights): i
             for i, colour in enumerate(palette or ())}
    if len(known) < len(palette or ()):
        raise ValueFault(f'{path} holds colours, but metainfo.palette of the data set has '
                         f'{len(known)} for {len(palette or ())} classes: give each class a colour '
                         'of its own')
    found = np.unique(numbers)
    unknown = [number for number in found.tolist() if number not in known]
    if unknown:
        if (colours == colours[..., :1]).all():
            raise ValueFault(f'{path} has three equal channels: write one, with the class of each '
                             'pixel; or, where they are colours, give the data set metainfo='
                             'dict(classes=..., palette=[[r, g, b], ...])')
        colour = (unknown[0] >> 16, unknown[0] >> 8 & 255, unknown[0] & 255)
        raise ValueFault(f'{path} is a label map of colours, and {colour} is the colour of no '
                         'class: give the data set metainfo=dict(classes=..., palette=[[r, g, b], '
                         '...]), one colour a class')
    return np.array([known[number] for number in found.tolist()])[
        np.searchsorted(found, numbers)]


def mapped(raw: np.ndarray, reduce_zero_label: bool, label_map: Mapping[int, int]) -> np.ndarray:
    """Classes of the values in a file, as mmseg maps them."""
    label = raw.copy()
    if reduce_zero_label:
        label[raw == 0] = 255
        label[(raw > 0) & (raw < 255)] -= 1
    reduced = label.copy()
    for old, new in label_map.items():
        label[reduced == old] = new
    return label


def check_classes(path: str, raw: np.ndarray, label: np.ndarray, num_classes: int | None,
                  ignore_index: int) -> None:
    """Refuses what is neither a class nor ignored.

    Args:
        path: of the file, for the message.
        raw: its values.
        label: what they become.
        num_classes: of the data set; None knows none, and labels are 8 bit.
        ignore_index: of the data set.

    Raises:
        ValueError: there is such a value.
    """
    wrong = ((label < 0) | (label >= (256 if num_classes is None else num_classes))) & (
        label != ignore_index)
    if wrong.any():
        values = ', '.join(map(str, np.unique(raw[wrong])[:5]))
        known = (f'there are {num_classes} classes (0 to {num_classes - 1}) and {ignore_index} = '
                 'ignore' if num_classes is not None else 'labels are 8 bit')
        raise ValueError(f'{path} holds label {values}, but {known}. Map the labels, or set '
                         'reduce_zero_label or metainfo.classes of the data set.')
