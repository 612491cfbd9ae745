"""Parameters and operations of the predictions of a branch."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from mmfkd.config import without_init
from mmfkd.models import Branch

from .places import random_inputs


class Case(NamedTuple):
    """A branch, and the modalities that it is given."""

    branch: Branch
    modalities: tuple[str, ...]


def case_of(spec: Mapping[str, Any]) -> Case:
    """A branch of random weights in evaluation mode.

    Args:
        spec: config of a branch; ``available`` in it are the modalities that it is given.
    """
    branch = Branch(**{**spec, 'model': without_init(spec['model'])}).eval()
    return Case(branch, branch.available or branch.modalities)


def inputs_of(case: Case, sizes: Mapping[str, Sequence[int]], device: torch.device | str = 'cpu'
              ) -> dict[str, Tensor]:
    """A random input of each modality that a case is given.

    Args:
        case: a branch and its modalities.
        sizes: see :func:`mmfkd.analysis.places.random_batch`, a modality.
        device: where they are put.
    """
    return {name: random_inputs(case.branch, name, sizes[name], 1).to(device)
            for name in case.modalities}


@torch.no_grad()
def parameters(case: Case, inputs: Mapping[str, Tensor]) -> int:
    """Parameters of the modules that a prediction runs."""
    ran: set[nn.Module] = set()
    hooks = [module.register_forward_pre_hook(lambda module, _: ran.add(module))
             for module in case.branch.modules()]
    case.branch(inputs, record=False)
    for hook in hooks:
        hook.remove()
    return sum(weight.numel() for weight in {
        weight for module in ran for weight in module.parameters(recurse=False)})


@torch.no_grad()
def flops(case: Case, inputs: Mapping[str, Tensor]) -> int:
    """Floating point operations of a forward pass."""
    with FlopCounterMode(display=False) as counter:
        case.branch(inputs, record=False)
    return counter.get_total_flops()
