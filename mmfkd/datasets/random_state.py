"""Seeds of Python's, numpy's and torch's random numbers, and their states."""

import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch

from .inside import held_by

GENERATORS = (random.Random, np.random.Generator, np.random.RandomState, torch.Generator)


def refuse_own_generators(steps: Iterable[object]) -> None:
    """Refuses steps of a pipeline with a random generator that :func:`seed_all` does not reach.

    Args:
        steps: transforms; what they hold, such as other transforms, is looked through.

    Raises:
        ValueError: there is one.
    """
    # The seeded ones, which may be held under another name: as check_random_state of sklearn does.
    reached = (random._inst, np.random.mtrand._rand, torch.default_generator)
    for step in steps:
        for name, held in held_by(step):
            if isinstance(held, GENERATORS) and held not in reached:
                raise ValueError(
                    f"{type(step).__name__} of the pipeline has a random generator of its own, "
                    f"'{name}', so that its samples would differ each time that a view is met: let "
                    'it draw from random, np.random or torch without a generator, or leave the '
                    'cache of the teacher out')


def seed_all(numbers: Sequence[int]) -> int:
    """Seeds Python, numpy and torch on the CPU from several numbers together; returns the seed."""
    seed = int(np.random.SeedSequence(numbers).generate_state(1)[0])
    random.seed(seed)
    np.random.seed(seed)
    torch.default_generator.manual_seed(seed)
    return seed


@contextmanager
def kept_random_state() -> Iterator[None]:
    """Leaves Python's, numpy's and, on the CPU, torch's random numbers as they were."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
