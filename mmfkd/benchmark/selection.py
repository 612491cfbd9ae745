"""By which metric runs are judged, with the options that they are trained with."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from mmengine.config import Config
from mmengine.hooks import CheckpointHook

from mmfkd.config import main_metric, merge_options
from mmfkd.config.option_keys import NEW

from .grid import Cell

HOOKS = 'default_hooks'
# What mmengine's hook decides by whether more is better.
RULES = ('save_best', 'rule', 'greater_keys', 'less_keys')


def selecting(cell: Cell, options: Mapping[str, object]) -> Config:
    """The config of a cell with the options on its hooks; not to be changed."""
    chosen = {key: value for key, value in options.items()
              if key.removeprefix(NEW).split('.')[0] == HOOKS}
    if not chosen:
        return cell.config
    cfg = deepcopy(cell.config)
    merge_options(cfg, chosen)
    return cfg


def metric_of(cell: Cell, options: Mapping[str, object]) -> str | None:
    """The metric that a cell is judged by, see :func:`mmfkd.config.main_metric`."""
    return main_metric(selecting(cell, options))


def refuse_lower_is_better(cells: Iterable[Cell], options: Mapping[str, object]) -> None:
    """Refuses metrics of which less is better: tables and searches take more for better.

    Args:
        cells: of a table or search.
        options: of all of them.

    Raises:
        ValueError: a cell selects by such a metric.
    """
    for cell in cells:
        cfg = selecting(cell, {**options, **cell.changes()})
        if _rule((cfg.get(HOOKS) or {}).get('checkpoint') or {}) == 'less':
            raise ValueError(f"{HOOKS}.checkpoint.rule of {cell.row.name} on {cell.leaf} is 'less' "
                             f'for {main_metric(cfg)}: tables and searches take more for better; '
                             'choose a save_best of which more is better')


def _rule(hook: Mapping[str, Any]) -> str | None:
    """'greater' or 'less' of the first metric that a hook selects by, as mmengine infers it.

    None where nothing selects, or whatever metric comes first.

    Raises:
        ValueError: it cannot be inferred, or is neither.
    """
    given = {key: hook[key] for key in RULES if hook.get(key)}
    if 'save_best' not in given:
        return None
    try:
        return CheckpointHook(**given).rules[0]
    except (KeyError, ValueError) as error:
        raise ValueError(f'{HOOKS}.checkpoint.save_best={given["save_best"]}: {error.args[0]}: '
                         f"set {HOOKS}.checkpoint.rule to 'greater'") from None
