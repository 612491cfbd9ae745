"""Seeds of Python's, numpy's and torch's random numbers, and their states."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch


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
