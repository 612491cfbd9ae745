"""Size and seed of rendered samples."""

from collections.abc import Sequence

import numpy as np


def check_size(size: Sequence[int]) -> tuple[int, int]:
    """``size`` as a tuple (height, width); ValueError where it is not two positive integers."""
    if (not isinstance(size, Sequence) or len(size) != 2
            or not all(isinstance(n, int) and n > 0 for n in size)):
        raise ValueError(f'size={size!r} must be two positive whole numbers of pixels, height '
                         'then width, such as (96, 96)')
    height, width = size
    return height, width


def scene_seed(seed: int, index: int) -> int:
    """Seed of scene ``index`` in the split ``seed``; no two splits share a scene."""
    return int(np.random.SeedSequence([seed, index]).generate_state(1, np.uint64)[0])


def listed_samples(counts: dict[str, int], seed: int,
             classes: Sequence[str]) -> list[tuple[str, int, int]]:
    """Split, scene seed and label of every sample; the seeds of the splits are consecutive."""
    return [(split, scene_seed(seed + offset, index), index % len(classes))
            for offset, (split, count) in enumerate(counts.items()) for index in range(count)]
