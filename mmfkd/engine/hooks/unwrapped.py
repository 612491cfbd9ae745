"""The distiller of a runner, and its losses."""

from typing import Any

from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmfkd.models import CrossModalDistiller


def unwrapped(runner: Runner) -> CrossModalDistiller:
    """A runner's model without what wraps it for several processes."""
    return runner.model.module if is_model_wrapper(runner.model) else runner.model


def named_loss(runner: Runner, name: str, hook: str) -> Any:
    """A distillation loss of a runner's model.

    Args:
        runner: of the hook.
        name: of the loss.
        hook: name of its class, for the message.

    Raises:
        KeyError: there is no such loss.
    """
    losses = unwrapped(runner).losses
    if name not in losses:
        raise KeyError(f"{hook}: no loss '{name}'; the model has {list(losses.keys())}. Name one "
                       'of them, or leave the hook out too: default_hooks.NAME=None')
    return losses[name]
