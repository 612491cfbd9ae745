"""Schedules of the numbers of losses in a config."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from mmengine.config import Config


class Schedule(NamedTuple):
    """A :class:`mmfkd.engine.LossWeightHook` of a config.

    Attributes:
        place: of the hook in the config.
        loss: name of the loss.
        keys: in the loss, of what is moved: a weight is the ratio of a balance, where it has one.
        start: the value before the ramp.
        stop: the value at the end.
        begin: epochs before the ramp.
        end: epochs at which it has ended; None for those of the run.
    """

    place: str
    loss: str
    keys: tuple[str, ...]
    start: float
    stop: float
    begin: int = 0
    end: int | None = None

    def value(self, epoch: int, epochs: int) -> float:
        """What it is in an epoch, from 0, of a run of so many epochs."""
        end = epochs if self.end is None else self.end
        if self.begin < epoch < end:
            share = (epoch - self.begin) / (end - self.begin)
        else:
            share = float(epoch >= end)
        return self.start + share * (self.stop - self.start)

    def check(self, epochs: int, cfg: Config) -> None:
        """Refuses a weight that is 0 in all epochs of a run, though it is to rise.

        Args:
            epochs: of the run.
            cfg: of the run, whose hooks the message names.

        Raises:
            ValueError: names the epochs, and the keys to set.
        """
        if 'weight' in self.keys and self.start == self.value(epochs - 1, epochs) == 0 != self.stop:
            raise ValueError(
                f'LossWeightHook: {self.loss} has the weight 0 in all of the run, as its ramp '
                f'begins after begin={self.begin} epochs and the run has {epochs}: let it count '
                f'from the start with {self.place}.begin=0 and {self.place}.end=0, train for '
                f'longer, or leave the loss out with {without(cfg, self.loss)}')


def schedules(cfg: Config) -> Iterator[Schedule]:
    """The schedules of a config."""
    hooks = {f'default_hooks.{name}': hook for name, hook in (
        cfg.get('default_hooks') or {}).items()}
    hooks.update((f'custom_hooks.{i}', hook) for i, hook in enumerate(
        cfg.get('custom_hooks') or ()))
    for place, hook in hooks.items():
        if isinstance(hook, Mapping) and str(hook.get('type')).endswith('LossWeightHook'):
            number = hook.get('number', 'weight')
            yield Schedule(place, hook['loss'], ('weight', 'balance.ratio') if number == 'weight'
                           else (number,), hook['start'], hook['stop'], hook.get('begin', 0),
                           hook.get('end'))


def without(cfg: Config, loss: str) -> str:
    """The options that leave out a loss, and each hook that would move a number of it."""
    return ' '.join(f'{key}=None' for key in (
        f'model.losses.{loss}', *(one.place for one in schedules(cfg) if one.loss == loss)))


def check_schedules(cfg: Config) -> None:
    """Refuses a number of a loss that a schedule would replace, and one that never counts.

    Raises:
        ValueError: names both numbers and the key to set, or a schedule of a loss that there is
            not; or see :meth:`Schedule.check`.
    """
    epochs = (cfg.get('train_cfg') or {}).get('max_epochs')
    losses = cfg.model.get('losses') or {}
    for schedule in schedules(cfg):
        if losses and not losses.get(schedule.loss):
            raise ValueError(
                f"{schedule.place} moves a number of the loss '{schedule.loss}', which is not in "
                f'model.losses: leave all of it out with {without(cfg, schedule.loss)}')
        if epochs and losses:
            schedule.check(epochs, cfg)
        for key in schedule.keys:
            stated = losses.get(schedule.loss)
            for part in key.split('.'):
                stated = stated.get(part) if isinstance(stated, Mapping) else None
            if stated is not None and stated != schedule.stop:
                raise ValueError(
                    f'model.losses.{schedule.loss}.{key}={stated} has no effect, as '
                    f'{schedule.place} moves it to {schedule.stop}: set {schedule.place}.stop, or '
                    f'leave the schedule out with {schedule.place}=None')
