"""Values that are in other units than the normalisation of a branch."""

import logging

import torch
from mmengine.logging import print_log
from torch import Tensor

FAR = 10.0  # standard deviations between the mean of a batch and that of the norm
WIDE = 10.0  # standard deviation of a normalised channel, which is to be about 1
# A normalised channel is narrow if that and its range are below these: of dark images, some pixels
# are bright.
NARROW, NARROW_RANGE = 0.1, 0.5


def warn_of_far_values(modality: str, x: Tensor, normed: Tensor,
                       value_range: tuple[float, float] | None = None) -> None:
    """Warns where a batch lies far from what its norm was made for, or the network.

    It waits for the device: call it on one batch, and not on every one.

    Args:
        modality: name of the input.
        x: (..., C, H, W), as the data have it.
        normed: the same, normalised.
        value_range: lowest and highest normalised value that the network takes; of None, mean 0 and
            deviation 1 are expected.
    """
    if normed.is_meta:  # of shapes alone
        return
    if value_range is not None:
        warn_beyond(modality, x, normed, value_range)
        return
    fault = fault_of(normed.movedim(-3, 0).flatten(1))
    if fault:
        values = x.float()
        print_log(f'norm of {modality}: its first batch has values from {float(values.min()):g} to '
                  f'{float(values.max()):g}, mean {float(values.mean()):g}, {fault}. '
                  'The files have another unit than norm, or than those that a teacher was trained '
                  'on: measure them with mmfkd analyze values CONFIG, and set norm, or scale of '
                  'the modality (and pad_val of the data preprocessor, where images are padded)',
                  logger='current', level=logging.WARNING)


def warn_beyond(modality: str, x: Tensor, normed: Tensor, value_range: tuple[float, float]) -> None:
    """Warns where normalised values are beyond those that a network takes.

    How they spread within these says nothing: images may be dark.

    Args:
        modality: see :func:`warn_of_far_values`.
        x: likewise.
        normed: likewise.
        value_range: lowest and highest value.
    """
    low, high = value_range
    if float(normed.min()) < low or float(normed.max()) > high:
        print_log(f'norm of {modality}: its first batch has values from {float(x.min()):g} to '
                  f'{float(x.max()):g}, which norm makes {float(normed.min()):g} to '
                  f'{float(normed.max()):g}, and the network takes {low:g} to {high:g}. Set scale '
                  'of the modality, or norm, by the lowest and the highest value that its files '
                  'can have', logger='current', level=logging.WARNING)


def fault_of(channels: Tensor) -> str:
    """What says that a norm is in another unit; empty where nothing does.

    Args:
        channels: (C, N), normalised; of one constant value, as of a mask, no spread is known.
    """
    channels = channels.float()
    distance = float(channels.mean(1).abs().max())
    if distance > FAR:
        return f'which is {distance:.0f} standard deviations from the mean of norm'
    spread, extent = channels.std(1, correction=0), channels.amax(1) - channels.amin(1)
    narrow = (extent > 0) & (spread < NARROW) & (extent < NARROW_RANGE)
    wrong = spread[narrow | (spread > WIDE)]
    return (f'where a channel spreads over {float(wrong[0]):.2g} of the std of norm'
            if len(wrong) else '')


def in_program() -> bool:
    """Whether a network is being traced, where a value can be neither read nor told."""
    return torch.jit.is_tracing() or torch.compiler.is_compiling()
