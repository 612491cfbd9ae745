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
        stop: the value at the end.
    """

    place: str
    loss: str
    keys: tuple[str, ...]
    stop: float


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
                           else (number,), hook['stop'])


def check_schedules(cfg: Config) -> None:
    """Refuses a number of a loss that a schedule would replace by another.

    Raises:
        ValueError: names both, and the key to set.
    """
    losses = cfg.model.get('losses') or {}
    for schedule in schedules(cfg):
        for key in schedule.keys:
            stated = losses.get(schedule.loss)
            for part in key.split('.'):
                stated = stated.get(part) if isinstance(stated, Mapping) else None
            if stated is not None and stated != schedule.stop:
                raise ValueError(
                    f'model.losses.{schedule.loss}.{key}={stated} has no effect, as '
                    f'{schedule.place} moves it to {schedule.stop}: set {schedule.place}.stop, or '
                    f'leave the schedule out with {schedule.place}=None')
