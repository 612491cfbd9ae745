"""Compilation of what a student computes most."""

from collections.abc import Iterator, Mapping, Sequence

from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn

from mmfkd.models import Branch
from mmfkd.registry import HOOKS

from .unwrapped import unwrapped


@HOOKS.register_module()
class CompileHook(Hook):
    """Compiles the backbones of students with ``torch.compile`` when training begins.

    Compiled are the largest parts without a tap, such as whole stages: torch.compile does not see
    when a tap begins or ends to record. So no graph breaks at a tap, and what it records keeps its
    gradient. Weights, checkpoints and exports stay as they are; the first steps, and the first
    validation, take longer.

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
        known = unwrapped(runner).students
        for name in known.keys() if self.students is None else self.students:
            if name not in known:
                raise ValueError(f"CompileHook: no student '{name}'; the model has "
                                 f'{list(known.keys())}')
            parts = list(untapped_parts(known[name]))
            if not parts:
                raise ValueError(f"CompileHook: student '{name}' is no network of one modality "
                                 'that has a backbone with parts between its taps: name others in '
                                 'students of the hook, or leave it out')
            for part in parts:
                part.compile(**self.options)


def untapped_parts(branch: Branch) -> Iterator[nn.Module]:
    """The largest modules of a backbone that hold several others, and no tap.

    None of a network of several modalities, which calls its backbone stage by stage.
    """
    backbone = getattr(branch.model, 'backbone', None)
    if isinstance(branch.modality, str) and backbone is not None:
        yield from _below('backbone', backbone, branch.taps.paths)


def _below(path: str, module: nn.Module, tapped: Sequence[str]) -> Iterator[nn.Module]:
    if any(f'{tap}.'.startswith(f'{path}.') for tap in tapped) or isinstance(
            module, (nn.ModuleList, nn.ModuleDict)):  # which are not called
        for name, child in module.named_children():
            yield from _below(f'{path}.{name}', child, tapped)
    elif any(True for _ in module.children()):
        yield module
