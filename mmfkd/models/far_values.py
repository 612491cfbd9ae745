"""Values that are in other units than the normalisation of a branch."""

import logging

import torch
from mmengine.logging import print_log
from torch import Tensor

FAR = 10.0  # standard deviations between the mean of a batch and that of the norm


def warn_of_far_values(modality: str, x: Tensor, normed: Tensor) -> None:
    """Warns where a batch lies far from what its norm was made for.

    It waits for the device: call it on one batch, and not on every one.

    Args:
        modality: name of the input.
        x: (..., C, H, W), as the data have it.
        normed: the same, normalised.
    """
    if normed.is_meta:  # of shapes alone
        return
    distance = float(normed.movedim(-3, 0).flatten(1).mean(1).abs().max())
    if distance > FAR:
        values = x.float()
        print_log(f'norm of {modality}: its first batch has values from {float(values.min()):g} to '
                  f'{float(values.max()):g}, mean {float(values.mean()):g}, which is '
                  f'{distance:.0f} standard deviations from the mean of norm. The files have '
                  'another unit than norm, or than those that a teacher was trained on: measure '
                  'them with mmfkd analyze values CONFIG, and set norm, or scale of the modality '
                  "(and pad_val of the data preprocessor, where images are padded)",
                  logger='current', level=logging.WARNING)


def in_program() -> bool:
    """Whether a network is being traced, where a value can be neither read nor told."""
    return torch.jit.is_tracing() or torch.compiler.is_compiling()
