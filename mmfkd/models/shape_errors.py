"""PyTorch's errors of shapes, with the place in the config that they come from."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from .routing import named_taps

# Parts of PyTorch's messages.
SHAPES = ('shapes cannot be multiplied', 'must match', 'weight of size', 'to have', 'size mismatch',
          'running_mean should contain', 'Sizes of tensors')


@contextmanager
def explained_shapes(place: str, cure: str) -> Iterator[None]:
    """Adds place and cure to an error of shapes that is raised inside.

    Raises:
        ValueError: in place of such an error.
    """
    try:
        yield
    except RuntimeError as error:
        if not any(part in str(error) for part in SHAPES):
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
