"""Hooks of networks whose parts are trained in phases, and clipped one by one."""

from collections.abc import Sequence

from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.nn.utils import clip_grad_norm_

from mmfkd.models.networks import CDDFuse
from mmfkd.registry import HOOKS

from .unwrapped import unwrapped


@HOOKS.register_module()
class FusionPhaseHook(Hook):
    """Sets the phase of every :class:`mmfkd.models.CDDFuse` of the model.

    The fusion layers begin phase 2 without the moments that the optimizer has of 40 epochs of zero
    gradients, as the authors do not step them before.

    Args:
        second: first epoch of phase 2, from 0; 40 of 120 in the authors' code. The learning rate
            of the fusion layers is that of a schedule that has run until then: ``lr_mult`` of the
            config follows from it.

    Raises:
        ValueError: training ends before phase 2, so that nothing would have learned to fuse; or no
            student is a CDDFuse.
    """

    def __init__(self, second: int = 40) -> None:
        self.second = second

    def before_train(self, runner: Runner) -> None:
        """Checks that there is a phase 2."""
        if runner.max_epochs <= self.second:
            raise ValueError(f'FusionPhaseHook: phase 2 begins with epoch {self.second + 1} of '
                             f'{runner.max_epochs}: raise train_cfg.max_epochs, or lower '
                             'default_hooks.phase.second, and lr_mult of the fusion layers with '
                             'it')
        if not _networks(runner):
            raise ValueError('FusionPhaseHook: no student is a CDDFuse: set '
                             'default_hooks.phase=None')

    def before_train_epoch(self, runner: Runner) -> None:
        """Sets the phase of the epoch."""
        state = runner.optim_wrapper.optimizer.state
        for network in _networks(runner):
            network.phase = 2 if runner.epoch >= self.second else 1
            if runner.epoch == self.second:
                for part in (network.base_fusion, network.detail_fusion):
                    for weight in part.parameters():
                        state.pop(weight, None)


def _networks(runner: Runner) -> list[CDDFuse]:
    return [module for module in unwrapped(runner).modules() if isinstance(module, CDDFuse)]


@HOOKS.register_module()
class ModuleClipHook(Hook):
    """Clips the norm of the gradient of several modules, each by itself.

    mmengine's ``clip_grad`` clips all parameters together. This one runs in front of every step of
    the optimizer, after the unscaling of mixed precision.

    Args:
        modules: paths in the model.
        max_norm: of each gradient.

    Raises:
        ValueError: there is no module at a path.
    """

    def __init__(self, modules: Sequence[str], max_norm: float) -> None:
        self.modules = tuple(modules)
        self.max_norm = max_norm

    def before_train(self, runner: Runner) -> None:
        """Hooks into the optimizer."""
        model = unwrapped(runner)
        found = dict(model.named_modules())
        unknown = [path for path in self.modules if path not in found]
        if unknown:
            raise ValueError(f'ModuleClipHook: the model has no {", ".join(unknown)}')
        parts = [list(found[path].parameters()) for path in self.modules]

        def clip(*_) -> None:
            for part in parts:
                clip_grad_norm_(part, self.max_norm)

        self._handle = runner.optim_wrapper.optimizer.register_step_pre_hook(clip)

    def after_train(self, runner: Runner) -> None:
        """Leaves the optimizer as it was."""
        self._handle.remove()
