"""Channels of image files as files of their own."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from mmfkd.whole_files import written_whole

from .processes import run_parallel
from .splits import PrepareError

Parts = Mapping[Path, slice | int]


def write_channels(jobs: Mapping[Path, Parts], workers: int) -> None:
    """Writes channels of images as PNG files; those that are there already are kept.

    Args:
        jobs: image to file to its channels.
        workers: number of processes.

    Raises:
        PrepareError: an image has too few channels, or cannot be read; the first is named.
    """
    faults = [fault for fault in run_parallel(_write, list(jobs.items()), workers,
                                              partial(tqdm, unit='image')) if fault]
    if faults:
        raise PrepareError(f'{faults[0]}{f" and {len(faults) - 1} more" if faults[1:] else ""}: '
                           'get these files again')


def _write(job: tuple[Path, Parts]) -> str | None:
    """Writes what is missing of one image; what is wrong with it, or None."""
    path, parts = job
    left = {target: part for target, part in parts.items() if not target.is_file()}
    if not left:
        return None
    try:
        with Image.open(path) as file:
            image = np.asarray(file)
    except (OSError, SyntaxError, ValueError) as error:
        return f'{path} cannot be read ({error})'
    deepest = max(part if isinstance(part, int) else part.stop - 1 for part in left.values())
    if image.ndim != 3 or image.shape[2] <= deepest:
        return f'{path} has {1 if image.ndim == 2 else image.shape[2]} channels, not {deepest + 1}'
    for target, part in left.items():
        with written_whole(target) as temporary:
            Image.fromarray(np.ascontiguousarray(image[..., part])).save(temporary, format='PNG')
    return None
