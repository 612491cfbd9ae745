"""Compilation of what a student computes most."""

from collections.abc import Iterator, Mapping, Sequence

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn

from mmfkd.models import Branch
from mmfkd.models.routing import taps_of
from mmfkd.registry import HOOKS

from .unwrapped import unwrapped

# Not called themselves, or by code of PyTorch that torch.compile leaves as it is.
CONTAINERS = (nn.ModuleList, nn.ModuleDict, nn.Sequential)
VARIANTS = 4  # that a part is compiled in: in training and validation, for inputs of two sizes


@HOOKS.register_module()
class CompileHook(Hook):
    """Compiles the backbones of students with ``torch.compile`` when training begins.

    Compiled are the largest parts without a tap that a loss or a hook records, a whole backbone or
    its blocks: torch.compile does not see when a tap begins or ends to record. So no graph breaks
    at a tap, and what it records keeps its gradient. Weights, checkpoints and exports stay as they
    are; the first steps, and the first validation, take longer.

    Args:
        students: names of the students whose backbones are compiled; None for all.
        options: arguments of ``torch.compile``, such as ``dict(backend='inductor')``.

    Raises:
        ValueError: there is no such student, it takes several modalities, has no backbone, or all
            parts of that are tapped.
    """

    def __init__(self, students: Sequence[str] | None = None,
                 options: Mapping[str, object] | None = None) -> None:
        self.students = students
        self.options = dict(options or {})

    def before_train(self, runner: Runner) -> None:
        """Compiles; what is compiled runs for the first time in the first step."""
        model, count = unwrapped(runner), 0
        recorded = model.loss_taps.union(*(getattr(hook, 'taps', ()) for hook in runner.hooks))
        for name in model.students.keys() if self.students is None else self.students:
            if name not in model.students:
                raise ValueError(f"CompileHook: no student '{name}'; the model has "
                                 f'{list(model.students.keys())}')
            parts = list(untapped_parts(model.students[name], taps_of(recorded, name)))
            if not parts:
                raise ValueError(f"CompileHook: student '{name}' is no network of one modality "
                                 'that has a backbone with parts between its taps: name others in '
                                 'students of the hook, or leave it out')
            for part in parts:
                part.compile(**self.options)
            count += len(parts)
        # Parts of one class share it, and what is beyond runs as it did before.
        limits = torch._dynamo.config
        limits.recompile_limit = max(limits.recompile_limit, VARIANTS * count)


def untapped_parts(branch: Branch, taps: Sequence[str]) -> Iterator[nn.Module]:
    """The largest modules of a backbone that hold several others, and none of some taps.

    None of a network of several modalities, which calls its backbone stage by stage.

    Args:
        branch: of a student.
        taps: names of those that are recorded.
    """
    backbone = getattr(branch.model, 'backbone', None)
    if isinstance(branch.modality, str) and backbone is not None:
        paths = [branch.taps.paths[name] for name in taps]
        yield from _below('backbone', backbone, paths)


def _below(path: str, module: nn.Module, tapped: Sequence[str]) -> Iterator[nn.Module]:
    if isinstance(module, CONTAINERS) or any(f'{tap}.'.startswith(f'{path}.') for tap in tapped):
        for name, child in module.named_children():
            yield from _below(f'{path}.{name}', child, tapped)
    elif any(True for _ in module.children()):
        yield module
