"""Predictions as files."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from .results import Classification, Prediction, Segmentation


def write(predictions: Iterable[Prediction], out: Path, classes: Sequence[str],
          palette: np.ndarray) -> int:
    """Writes predictions as they come.

    Of a segmentation: ``masks/NAME.png``, the number of the class with its colour as palette;
    ``overlays/NAME.png``, the colours over the image; and in ``predictions.csv`` the share of each
    class. Of a classification: ``predictions.csv`` with class, score and the scores of all
    classes. ``classes.csv`` has number, name and colour of each class.

    Args:
        predictions: of one network.
        out: folder; files of an earlier prediction are overwritten, and masks of other names left
            as they are.
        classes: their names.
        palette: their colours, uint8 (classes, 3).

    Returns:
        how many there were.

    Raises:
        ValueError: there was none.
    """
    rows: list[Sequence[object]] = []
    for one in predictions:
        if isinstance(one, Segmentation):
            write_images(one, out)
        rows.append((one.name, *numbers(one)))
        first = () if isinstance(one, Segmentation) else ('class', 'score')
    if not rows:
        raise ValueError('nothing could be predicted')
    # Not before all are predicted, or a run that fails would leave a table that says nothing.
    write_table(out / 'predictions.csv', ('name', *first, *classes), rows)
    write_table(out / 'classes.csv', ('number', 'class', 'red', 'green', 'blue'), [
        (i, name, *colour) for i, (name, colour) in enumerate(
            zip(classes, palette.tolist(), strict=True))])
    return len(rows)


def unlisted(out: Path) -> int:
    """Counts masks that the table of a folder does not list: an earlier prediction has left them.

    Args:
        out: folder that :func:`write` has written.
    """
    with (out / 'predictions.csv').open(newline='', encoding='utf-8') as file:
        listed = {row[0] for row in csv.reader(file)}
    masks = out / 'masks'
    return sum(path.relative_to(masks).as_posix().removesuffix('.png') not in listed
               for path in masks.rglob('*.png'))


def write_table(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes a CSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open('w', newline='', encoding='utf-8') as file:
        csv.writer(file).writerows([head, *rows])


def numbers(one: Prediction) -> list[object]:
    """What the table says of a prediction."""
    if isinstance(one, Classification):
        return [one.class_name, f'{one.score:.6f}', *(f'{score:.6f}' for score in one.scores)]
    return [f'{share:.6f}' for share in one.shares.values()]


def write_images(one: Segmentation, out: Path) -> None:
    """Mask and overlay of a segmentation."""
    mask = Image.fromarray(one.mask)
    if one.mask.dtype == np.uint8:  # a palette has 256 colours at most
        mask.putpalette(one.palette.tobytes())
    for folder, image in (('masks', mask), ('overlays', Image.fromarray(one.picture()))):
        path = out / folder / f'{one.name}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)
