"""PyTorch's errors of widths, with the place in the config that they come from."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from .routing import named_taps

# PyTorch's messages on widths: of a linear layer, a convolution, a batch norm, two summands.
WIDTHS = re.compile(r'shapes cannot be multiplied|to have \d+ channels|should contain \d+ elements|'
                    r'must match the size of tensor b \(\d+\) at non-singleton dimension 1\b')


@contextmanager
def explained_shapes(place: str, cure: str) -> Iterator[None]:
    """Adds place and cure to an error of widths that is raised inside.

    Raises:
        ValueError: in place of such an error.
    """
    try:
        yield
    except RuntimeError as error:
        if not WIDTHS.search(str(error)):
            raise
        raise ValueError(f'{place}: {error}. {cure}') from error


def in_loss(name: str, loss: Any, feats: Mapping[str, Tensor]) -> dict[str, str]:
    """Arguments of :func:`explained_shapes` for a distillation loss and what it is given."""
    given = ', '.join(f'{key} {tuple(feats[key].shape)}' for key in named_taps(loss))
    return dict(place=f'losses.{name}, of {given}', cure=(
        'The widths that it was built for are those of channels in the unimodal configs of the '
        'pair: write there those of the network, channels = dict(feat=..., stages=(...)), as '
        'configs/_base_/models has them, or set the widths of the loss'))


def in_branch(modality: str, images: Mapping[str, Tensor] | Tensor) -> dict[str, str]:
    """Arguments of :func:`explained_shapes` for a network and its input."""
    named = images if isinstance(images, Mapping) else {modality: images}
    given = ', '.join(f'{name} {tuple(image.shape)}' for name, image in named.items())
    return dict(place=f'the network of {given}', cure=(
        "in_channels of its first layer have to be the channels of the modality, and in_channels "
        'of its head the width of the stage that the head takes'))
