"""Comparison of runs by the values of their configs and the options of their commands."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, cast

from mmengine.config import Config

from mmfkd.config import spelled_options
from mmfkd.config.metrics import MEAN
from mmfkd.config.options import kind_of

from .work_dirs import plain

# Parts of a config that decide what a training ends with,
_DECIDING = ('model', 'optim_wrapper', 'param_scheduler', 'train_dataloader', 'randomness')
# hooks that do,
_HOOKS = ('EMAHook', 'EpochSeedHook', 'FusionPhaseHook', 'LossWeightHook', 'ModuleClipHook',
          'WeakCombinationHook')
# those of them that are no part of a method,
_PLAIN_HOOKS = ('EMAHook', 'EpochSeedHook', 'ModuleClipHook')
# and keys in them that say where files are, or how fast it is,
_FREE = {'data_root', 'num_workers', 'persistent_workers', 'prefetch_factor', 'pin_memory'}
# among them the folders of caches and of fused images; other folders tell what the data are.
_PLACES = ('cache.folder', 'fused.folder')
# What a run that is resumed has left behind, and folders, which its checkpoints have never said.
_PAST = {'checkpoint', 'init_cfg', 'folder'}
# The path of a branch's config is free too; a mapping is an architecture of transformers.
_CONFIG = 'config'
# Keys of the checkpoint hook that say which one is the best.
_RULES = ('save_best', 'rule', 'greater_keys', 'less_keys')


def training_values(cfg: Config, parts: Collection[str] = _DECIDING, whole: bool = False) -> str:
    """The values of a config that decide what a training ends with, by dotted key, as JSON.

    Args:
        cfg: of the training.
        parts: keys of the config whose values are meant, beside the hooks.
        whole: count the weights that branches start from and the folders of data too, by which two
            runs differ, but not one that is resumed.
    """
    said = cfg.to_dict()
    values = {key: value for key, value in said.items() if key in parts}
    values['hooks'] = hooks_of(said, _HOOKS)
    return _as_json(values, _FREE if whole else _FREE | _PAST)


def selecting_values(cfg: Config) -> str:
    """The values of a config by which a run selects its checkpoint, likewise."""
    said = cfg.to_dict()
    values = {key: said.get(key) for key in ('val_dataloader', 'val_evaluator')}
    return _as_json({**values, 'hooks': _selecting(said)}, _FREE | {'batch_size'})


def scoring_values(said: Mapping, alone: bool = False) -> str:
    """The values of a config by which a run starts, ends, is selected and tested, likewise.

    The metric of a student counts alike whether other predictions are scored beside it or not.

    Args:
        said: keys and values of the config.
        alone: for a distillation and a baseline: the mean over other predictions counts as the
            student's score, and hooks that are no part of a method count too.
    """
    values = {key: metric_of_student(said.get(key), alone)
              for key in ('val_evaluator', 'test_evaluator')}
    hooks = hooks_of(said, ('EarlyStoppingHook', *(_PLAIN_HOOKS if alone else ())))
    found = _as_json({**values, 'load_from': said.get('load_from'),
                      'hooks': {**_selecting(said), **hooks}}, _FREE)
    return found.replace(f'"{MEAN}', '"') if alone else found


def scored_otherwise(trained: Config, present: Config, alone: bool = False) -> list[str]:
    """What differs in :func:`scoring_values` of two configs: ``key=old, and now new``."""
    both = [cfg.to_dict() for cfg in (trained, present)]
    if any(said.get('resume') for said in both):  # what it started from at first is not known
        both = [{**said, 'load_from': None} for said in both]
    return changed_values(*(scoring_values(said, alone) for said in both))


def metric_of_student(evaluator: Any, alone: bool = False) -> Any:
    """An evaluator without PerBranchMetric; what that takes the mean of counts unless ``alone``."""
    if isinstance(evaluator, (list, tuple)):
        return [metric_of_student(one, alone) for one in evaluator]
    if kind_of(evaluator) != 'PerBranchMetric':
        return evaluator
    mean = {} if alone or not evaluator.get('mean') else {'mean': evaluator['mean']}
    return {**evaluator['metric'], **mean}


def hooks_of(said: Mapping, kinds: Collection[str]) -> dict[str | int, Mapping]:
    """Hooks of some classes: those of ``default_hooks`` by name, those added by their number."""
    added = [hook for hook in said.get('custom_hooks') or () if kind_of(hook) in kinds]
    named = {name: hook for name, hook in (said.get('default_hooks') or {}).items()
             if kind_of(hook) in kinds}
    return {**named, **dict(enumerate(added))}


def _selecting(said: Mapping) -> dict[str | int, Mapping]:
    hooks = hooks_of(said, ('CheckpointHook',))
    return {name: {key: hook[key] for key in _RULES if hook.get(key)}
            for name, hook in hooks.items()}


def _as_json(values: Mapping, free: Collection[str]) -> str:
    return json.dumps(dict(_leaves('', values, free)), default=str, sort_keys=True)


def _leaves(prefix: str, values: Mapping | Sequence, free: Collection[str]
            ) -> Iterator[tuple[str, object]]:
    for key, value in values.items() if isinstance(values, Mapping) else enumerate(values):
        named = key == _CONFIG and isinstance(value, str)
        if named or key in free or f'{prefix}{key}'.endswith(_PLACES):
            continue
        if isinstance(value, (Mapping, list, tuple)) and value:
            yield from _leaves(f'{prefix}{key}.', value, free)
        else:
            yield f'{prefix}{key}', value


def changed_values(saved: str, present: str) -> list[str]:
    """What differs between two of :func:`training_values`: ``key=old, and now new``.

    Of an architecture in a key 'config' an earlier version has saved nothing.
    """
    old, new = json.loads(saved), json.loads(present)
    if not any(_CONFIG in key.split('.') for key in old):
        new = {key: value for key, value in new.items() if _CONFIG not in key.split('.')}
    return [f'{key}={old.get(key)}, and now {new.get(key)}'
            for key in sorted({*old, *new}) if old.get(key) != new.get(key)]


def told(options: Mapping[str, object], amp: bool) -> set[str]:
    """Options as the words of a command, with lists in the place of tuples, as JSON has them."""
    kept = cast(dict, plain(dict(options)))
    return {*spelled_options(kept), *(['--amp'] if amp else [])}


def difference(summary: Mapping, options: Mapping[str, object], amp: bool
               ) -> tuple[str, str] | None:
    """How the command of a run that has ended differs from another.

    Args:
        summary: of the run; without options, as an earlier version wrote it, nothing is known.
        options: of the other command, as ``--cfg-options`` has them.
        amp: whether that has ``--amp``.

    Returns:
        what the run alone had, and what the other command alone has; None without a difference.
    """
    if 'options' not in summary:
        return None
    found, wanted = told(summary['options'], summary.get('amp', False)), told(options, amp)
    had, has = (' '.join(sorted(words)) for words in (found - wanted, wanted - found))
    return None if found == wanted else (had or 'fewer options', has)
