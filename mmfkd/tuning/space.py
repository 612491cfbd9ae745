"""Search spaces of methods, as their files declare them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mmengine.config import Config

from mmfkd.config import Pair, method_file
from mmfkd.config.pairs import PairConfigs
from mmfkd.config.schedules import schedules

if TYPE_CHECKING:
    from optuna import Trial

LR, TAP = 'lr_factor', '.tap'
TAPS = ('feat', *(f'{kind}{i}' for kind in ('layer', 'pre') for i in range(1, 5)))
UNIMODAL_SPACE = {LR: (0.3, 3.0)}


@dataclass(frozen=True)
class Dimension:
    """One value that is searched.

    Attributes:
        key: of an option; 'lr_factor' multiplies the learning rate, and 'LOSS.tap' sets the taps of
            both branches.
        choices: to choose from; or
        low: smallest value of a range, which is searched on a logarithmic scale.
        high: largest value of it.
    """

    key: str
    choices: tuple = ()
    low: float = 0.0
    high: float = 0.0

    @classmethod
    def read(cls, key: str, values: Any) -> 'Dimension':
        """A dimension from a list of choices or a pair (low, high).

        Raises:
            ValueError: it is neither.
        """
        if isinstance(values, list) and len(values) > 1:
            return cls(key, tuple(values))
        if isinstance(values, tuple) and len(values) == 2 and 0 < values[0] < values[1]:
            return cls(key, low=values[0], high=values[1])
        raise ValueError(f'search of {key!r}: {values!r} is neither a list of two choices or more '
                         'nor a pair (low, high) with 0 < low < high')

    def __str__(self) -> str:
        return f'{self.key}={list(self.choices) or (self.low, self.high)}'

    def suggest(self, trial: 'Trial') -> Any:
        """A value of a trial."""
        if self.choices:
            return trial.suggest_categorical(self.key, self.choices)
        return trial.suggest_float(self.key, self.low, self.high, log=True)


def space_of(method: str | None) -> list[Dimension]:
    """The dimensions of a method: ``search`` of its preset or its file; None is a baseline.

    Raises:
        FileNotFoundError: no such method.
        ValueError: the method declares no search, or a wrong one.
    """
    if method is None:
        declared = UNIMODAL_SPACE
    else:
        how, preset = method_file(method)
        declared = preset.get('search') or how.get('search') or {}
        if not declared:
            raise ValueError(f"method '{method}' declares no search: add search = {{'model.losses."
                             "loss_x.weight': (0.1, 10.0)}} to its file")
    return [Dimension.read(key, values) for key, values in declared.items()]


def fitting(space: Sequence[Dimension], pair: str) -> list[Dimension]:
    """A space without the taps at which the branches of a pair have different widths.

    A declared adapter is for the default tap alone. A choice of which one tap is left is none.

    Args:
        space: of :func:`space_of`.
        pair: ``DATASET_A2B``.
    """
    widths = [cfg.get('channels') or {} for cfg in PairConfigs.find(Pair.parse(pair))]
    found = []
    for dimension in space:
        if dimension.key.endswith(TAP):
            own, other = ({str(tap): _width(tap, each) for tap in dimension.choices}
                          for each in widths)
            dimension = replace(dimension, choices=tuple(
                tap for tap in dimension.choices if own[tap] and own[tap] == other[tap]))
            if len(dimension.choices) < 2:
                continue
        found.append(dimension)
    return found


def searchable(space: Sequence[Dimension], cfg: Config, fixed: Iterable[str]) -> list[Dimension]:
    """A space without what a config switches off or moves by a schedule, or what is fixed.

    Where a loss has no balance, its weight is searched in place of the balance's ratio.

    Args:
        space: of :func:`space_of`.
        cfg: a preset may set a part to None whose values the method searches.
        fixed: keys of options that are not searched, nor their parts.
    """
    moved = [f'model.losses.{schedule.loss}.{key}' for schedule in schedules(cfg)
             for key in schedule.keys]
    kept = []
    for dimension in space:
        own = _weighted(dimension, cfg)
        value = own.choices[0] if own.choices else own.low
        keys = {dimension.key, *options_of({own.key: value}, cfg)}
        if not _switched_off(cfg, own.key) and not any(
                _within(key, [*fixed, *moved]) for key in keys):
            kept.append(own)
    return kept


def _weighted(dimension: Dimension, cfg: Config) -> Dimension:
    """The weight of a loss that has no balance, around its own value, in place of a ratio."""
    loss, ratio, _ = dimension.key.partition('.balance.ratio')
    spec = (cfg.model.get('losses') or {}).get(loss.removeprefix('model.losses.'))
    if not ratio or not spec or spec.get('balance'):
        return dimension
    weight = spec.get('weight', 1.0)
    return Dimension(f'{loss}.weight', tuple(weight * one for one in dimension.choices),
                     weight * dimension.low, weight * dimension.high)


def _within(key: str, fixed: Iterable[str]) -> bool:
    """Whether a key is one of some, or a part of one."""
    return any(f'{key}.'.startswith(f'{one}.') for one in fixed)


def _switched_off(cfg: Config, key: str) -> bool:
    """Whether a part of a config that holds a key is None, or a hook that it does not have."""
    node: Any = cfg
    for part in key.split('.')[:-1]:
        node = node.get(part, None if key.startswith('default_hooks.') else {})
        if node is None:
            return True
    return False


def _width(tap: str, widths: Mapping[str, Any]) -> int | None:
    """Channels of ``feat``, and of ``layer1`` to ``pre4``, as a config declares them.

    Raises:
        ValueError: another tap.
    """
    if tap == 'feat':
        return widths.get('feat')
    stages = {f'{kind}{i}': width for i, width in enumerate(widths.get('stages', ()), 1)
              for kind in ('layer', 'pre')}
    if tap not in TAPS:
        raise ValueError(f"search of a tap: '{tap}' is none whose width is declared: {TAPS}")
    return stages.get(tap)


def options_of(values: Mapping[str, Any], cfg: Config) -> dict[str, Any]:
    """The ``--cfg-options`` of values that were found.

    Args:
        values: key of a dimension to value.
        cfg: the config that they are for.
    """
    options: dict[str, Any] = {}
    for key, value in values.items():
        if key == LR:
            options['optim_wrapper.optimizer.lr'] = cfg.optim_wrapper.optimizer.lr * value
        elif key.endswith(TAP):
            loss = key.removesuffix(TAP)
            for branch in ('student', 'teacher'):
                options[f'model.losses.{loss}.{branch}'] = f'{branch}.{value}'
        else:
            options[key] = value
    return options
