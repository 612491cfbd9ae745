"""A part of a list that is held out to select on."""

from collections.abc import Sequence

import numpy as np


def check_subset(subset: str | None, val_fraction: float) -> None:
    """Refuses arguments of :func:`select_subset` that mean nothing.

    Raises:
        ValueError: an unknown subset, or a fraction outside (0, 1).
    """
    if subset not in (None, 'fit', 'val'):
        raise ValueError(f"subset='{subset}': choose 'fit', 'val' or None")
    if not 0 < val_fraction < 1:
        raise ValueError(f'val_fraction={val_fraction}: it is a share, above 0 and below 1')


def select_subset(items: Sequence, subset: str | None, val_fraction: float, seed: int) -> list:
    """The seeded share 'val' of a list, the rest, 'fit', or, with None, all.

    The choice depends on nothing but the number of items, the fraction and the seed.

    Raises:
        ValueError: the part is empty.
    """
    if subset is None:
        return list(items)
    order = np.random.RandomState(seed).permutation(len(items))
    held_out = set(order[:round(val_fraction * len(items))].tolist())
    chosen = [item for i, item in enumerate(items) if (i in held_out) == (subset == 'val')]
    if not chosen:
        raise ValueError(f"subset='{subset}' of {len(items)} samples is empty: change "
                         f'val_fraction={val_fraction}, or add files')
    return chosen
