"""Another rate of a wave."""

from collections.abc import Callable
from functools import partial
from math import gcd
from types import ModuleType

import numpy as np
import torch
from torch import nn

PHASES = 2000


def audio_transforms() -> ModuleType:
    """``torchaudio.transforms``, which nothing but sound needs.

    Raises:
        ImportError: torchaudio is missing or does not fit torch; the message has the cure.
    """
    try:
        from torchaudio import transforms
    except (ImportError, OSError) as error:
        raise ImportError("spectrograms and resampling need torchaudio and the torch that it fits: "
                          f"pip install 'mmfkd[audio]' ({error})") from error
    return transforms


def resampler(rate: int, target: int) -> Callable[[np.ndarray], np.ndarray]:
    """A function that changes the rate of a wave.

    torchaudio has a filter for each phase, and for rates without a large common divisor, such as
    44101 and 8000, there are too many for the memory: scipy's Fourier method is taken for these.
    """
    if max(rate, target) // gcd(rate, target) > PHASES:
        return partial(_by_fourier, ratio=target / rate)
    return partial(_by_filters, module=audio_transforms().Resample(rate, target))


# Functions of the module, and no lambdas, which workers that are spawned could not be given.
def _by_fourier(wave: np.ndarray, ratio: float) -> np.ndarray:
    from scipy import signal  # slow to import, and hardly ever needed

    return signal.resample(wave, round(len(wave) * ratio))


def _by_filters(wave: np.ndarray, module: nn.Module) -> np.ndarray:
    return module(torch.from_numpy(wave)).numpy()
