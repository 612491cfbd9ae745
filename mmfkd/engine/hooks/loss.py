"""Hooks on losses: their weight over time, and whether they are finite."""

import math
from collections.abc import Mapping

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmfkd.registry import HOOKS

from .unwrapped import unwrapped


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Stops training at a loss that is NaN or infinite, and says which term it was.

    It looks every ``interval`` iterations and at the end of each epoch, before the checkpoint is
    written, so no epoch's checkpoint follows such a loss. It looks at all iterations since
    the last look, because one step later every term is NaN.

    Args:
        interval: iterations between looks; each look waits for the device.

    Raises:
        FloatingPointError: names the terms, the iteration and what to try.
    """

    priority = 'VERY_HIGH'

    def __init__(self, interval: int = 10) -> None:
        self.interval = interval
        self._unseen: list[tuple[int, Mapping]] = []

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None,
                         outputs: Mapping | None = None) -> None:
        """Keeps ``outputs``, the logged terms, and looks at what it kept."""
        terms: Mapping = {name: _detached(value) for name, value in (outputs or {}).items()}
        self._unseen.append((runner.iter + 1, terms))
        if not (self.every_n_train_iters(runner, self.interval)
                or self.end_of_epoch(runner.train_dataloader, batch_idx)):
            return
        for iteration, terms in self._unseen:
            bad = _not_finite(terms)
            if bad:
                raise FloatingPointError(
                    f'{", ".join(bad)} is not finite at iteration {iteration} (epoch '
                    f'{runner.epoch + 1}). Lower the learning rate or the weight of that loss, '
                    'clip gradients with optim_wrapper.clip_grad, or train without --amp.')
        self._unseen.clear()


def _detached(value: torch.Tensor | float) -> torch.Tensor | float:
    """Without the graph, which would be kept until the next look."""
    return value.detach() if isinstance(value, torch.Tensor) else value


def _not_finite(terms: Mapping) -> list[str]:
    """Names of the losses that are NaN or infinite; their sum only if no summand is."""
    bad = [name for name, value in terms.items()
           if 'loss' in name and not math.isfinite(float(value))]
    return [name for name in bad if name != 'loss'] or bad


@HOOKS.register_module()
class LossWeightHook(Hook):
    """Moves the weight of a loss linearly from one value to another over epochs.

    Of a loss with ``balance`` it moves the ratio, as the weight does not count there.

    Args:
        loss: name in the distiller's ``losses``.
        start: weight before and in epoch ``begin``.
        stop: weight from epoch ``end`` on.
        begin: first epoch of the ramp, from 0.
        end: epoch in which ``stop`` is reached; the same as ``begin`` for a step there. None is
            that behind the last one, so that the ramp has the length of the run.

    Raises:
        KeyError: no such loss.
    """

    def __init__(self, loss: str, start: float, stop: float, begin: int = 0,
                 end: int | None = None) -> None:
        self.loss = loss
        self.start = start
        self.stop = stop
        self.begin = begin
        self.end = end

    def before_train_epoch(self, runner: Runner) -> None:
        """Sets the weight of the epoch."""
        model = unwrapped(runner)
        if self.loss not in model.losses:
            raise KeyError(f"LossWeightHook: no loss '{self.loss}'; the model has "
                           f'{list(model.losses.keys())}')
        end = runner.max_epochs if self.end is None else self.end
        if self.begin < runner.epoch < end:
            share = (runner.epoch - self.begin) / (end - self.begin)
        else:
            share = float(runner.epoch >= end)
        value = self.start + share * (self.stop - self.start)
        if self.loss in model.balances:
            model.balances[self.loss].ratio = value
        else:
            model.losses[self.loss].weight = value
