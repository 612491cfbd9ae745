"""Gradients at tapped places of a network."""

from collections.abc import Sequence

import torch
from torch import Tensor


def gradients(total: Tensor, places: Sequence[Tensor]) -> list[Tensor | None]:
    """Gradients of a scalar at places of a network, whose graph is kept.

    A place may be a part of a tensor, such as the samples of one modality in a batch of two, and
    the network go on with the whole: what is computed from these values in either way counts.

    Args:
        total: a scalar with a gradient.
        places: tensors that it may be computed from.

    Returns:
        a gradient in the shape of each place; None where the scalar does not depend on it.

    Raises:
        ValueError: between the two lies a block that is computed twice, to save memory.
    """
    wholes = [place if place._base is None else place._base for place in places]
    try:
        found = torch.autograd.grad(total, wholes, retain_graph=True, allow_unused=True)
    except RuntimeError as error:
        if 'checkpoint' not in str(error).lower():
            raise
        raise ValueError(
            'no gradient can be measured at a tap behind which the student has blocks of '
            "with_cp=True: set with_cp=False in its backbone, or leave the loss's balance out, as "
            'the preset METHOD-paper does, and FeatureSimilarityHook too') from error
    return [grad if grad is None or place is whole else _part(grad, whole, place)
            for grad, whole, place in zip(found, wholes, places, strict=True)]


def _part(grad: Tensor, whole: Tensor, place: Tensor) -> Tensor:
    """The gradient of a tensor, seen as a view of that tensor sees its values."""
    laid = torch.empty_like(whole).copy_(grad)
    return laid.as_strided(place.size(), place.stride(),
                           place.storage_offset() - whole.storage_offset())
