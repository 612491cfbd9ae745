"""Hooks on losses: their weight over time, whether they are finite, whether they collapsed."""

import math
from collections.abc import Mapping

import torch
from mmengine.dataset import InfiniteSampler
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmfkd.config.schedules import Schedule, schedules, without
from mmfkd.registry import HOOKS

from .checkpoint import counts_iterations
from .unwrapped import named_loss, unwrapped


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


def passes(runner: Runner) -> tuple[int, int]:
    """Epochs that have ended, and those of the whole run.

    Where a run counts iterations, an epoch is one pass through the training data.
    """
    if not counts_iterations(runner.cfg):
        return runner.epoch, runner.max_epochs
    length = pass_length(runner.train_dataloader)
    return runner.iter // length, math.ceil(runner.max_iters / length)


def pass_length(loader: DataLoader) -> int:
    """Iterations of a process in which all processes go through the data once."""
    # mmengine's sampler without an end has the length of the data and not of a process's share.
    endless = isinstance(loader.sampler, InfiniteSampler)
    return math.ceil(len(loader) / get_world_size()) if endless else len(loader)


@HOOKS.register_module()
class LossWeightHook(Hook):
    """Moves the weight of a loss linearly from one value to another over epochs.

    Of a loss with ``balance`` it moves the ratio, as the weight does not count there. It may move
    another number of a loss instead, such as the ``hard_ratio`` of ``PixelContrastLoss``.

    Args:
        loss: name in the distiller's ``losses``.
        start: weight until the ramp begins.
        stop: weight when it has ended.
        begin: number of epochs before the ramp. Where a run counts iterations, an epoch is as
            many of them as one pass through the training data takes.
        end: number of epochs at which it has ended; the same as ``begin`` for a step. None is
            that of the run.
        number: name of what is moved.

    Raises:
        KeyError: no such loss, or no such number of it.
        ValueError: the run ends before a weight of 0 has risen.
    """

    def __init__(self, loss: str, start: float, stop: float, begin: int = 0,
                 end: int | None = None, number: str = 'weight') -> None:
        self.loss = loss
        self.number = number
        self.schedule = Schedule('default_hooks.NAME', loss, (number,), start, stop, begin, end)

    def before_train(self, runner: Runner) -> None:
        """Refuses a run in which the loss never counts, and warns of one that cuts the ramp."""
        schedule = next((one for one in schedules(runner.cfg)
                         if one.loss == self.loss and self.number in one.keys), self.schedule)
        epochs = passes(runner)[1]
        schedule.check(epochs, runner.cfg)
        if schedule.end is not None and schedule.end > epochs:
            last = schedule.value(epochs - 1, epochs)
            runner.logger.warning(
                f'The {self.number} of {self.loss} gets no further than {last:.4g} on its way from '
                f'{schedule.start} to {schedule.stop}, as the run has {epochs} epochs and the ramp '
                f'is to end after {schedule.end}: set {schedule.place}.end to follow the length of '
                'the run')

    def before_train_epoch(self, runner: Runner) -> None:
        """Sets the weight of the epoch."""
        self._set(runner, *passes(runner))

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None
                          ) -> None:
        """Sets it where no epoch begins, as the run counts iterations."""
        if counts_iterations(runner.cfg) and not runner.iter % pass_length(
                runner.train_dataloader):
            self._set(runner, *passes(runner))

    def _set(self, runner: Runner, epoch: int, epochs: int) -> None:
        loss, balances = named_loss(runner, self.loss, 'LossWeightHook'), unwrapped(runner).balances
        value = self.schedule.value(epoch, epochs)
        if self.number == 'weight' and self.loss in balances:
            balances[self.loss].ratio = value
        elif isinstance(getattr(loss, self.number, None), (int, float)):
            setattr(loss, self.number, value)
        else:
            raise KeyError(f"LossWeightHook: '{self.number}' is no number of the loss "
                           f"'{self.loss}'")


@HOOKS.register_module()
class ContrastCollapseHook(Hook):
    """Says in the log when a contrast teaches nothing, because its embeddings are all equal.

    It looks at the ``spread`` that :class:`mmfkd.models.PixelContrastLoss` reports, averaged over
    an epoch, in the epochs in which the loss has a weight.

    Args:
        loss: name in the distiller's ``losses``.
        least: the spread that an epoch needs, from 0 to 1.
    """

    def __init__(self, loss: str = 'loss_contrast', least: float = 0.01) -> None:
        self.loss = loss
        self.least = least
        self._seen: list[float] = []

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None,
                         outputs: Mapping | None = None) -> None:
        """Keeps the value of the step."""
        value = (outputs or {}).get(f'{self.loss}.spread')
        if value is not None and named_loss(runner, self.loss, 'ContrastCollapseHook').weight:
            self._seen.append(float(value))

    def after_train_epoch(self, runner: Runner) -> None:
        """Says so if the mean of the epoch is too small."""
        mean = sum(self._seen) / max(len(self._seen), 1)
        if self._seen and mean < self.least:
            runner.logger.warning(
                f'{self.loss} has collapsed: in epoch {runner.epoch + 1} all its embeddings were '
                f'equal but for a spread of {mean:.4f}, so the loss rests at the logarithm of the '
                'number of pixels that an anchor keeps, and teaches nothing. Take norm=True, '
                'start with hard_ratio=1.0 and move '
                'it to its value over the first epochs (LossWeightHook, number=hard_ratio), or '
                f'leave the loss out with {without(runner.cfg, self.loss)}')
        self._seen.clear()
