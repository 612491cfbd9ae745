"""Keys of ``--cfg-options``: those that a config can have, so that no misspelt one is taken."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from inspect import Parameter, signature
from typing import Any

from mmengine.config import Config
from mmengine.registry import DefaultScope, Registry, root

# Names of mmengine's own default hooks.
HOOKS = ('runtime_info', 'timer', 'sampler_seed', 'logger', 'param_scheduler', 'checkpoint')
# What a teacher takes beside the arguments of a branch.
TEACHER_KEYS = ('cache', 'autocast')
# What starts a key that is not in the config and no argument of what it configures.
NEW = '+'
# What mmengine reads beside the arguments of its Runner.
TOP = ('sync_bn', 'find_unused_parameters', 'model_wrapper_cfg', 'compile', 'tta_model',
       'tta_pipeline', 'default_scope', 'baseline')
# What rooms without a type take.
ROOMS = dict(auto_scale_lr=('enable', 'base_batch_size'),
             env_cfg=('cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit'),
             optim_wrapper=('paramwise_cfg', 'constructor', 'optimizer', 'clip_grad',
                            'accumulative_counts', 'loss_scale', 'dtype'))
DEFAULT_TYPES = dict(optim_wrapper='OptimWrapper', val_cfg='ValLoop', test_cfg='TestLoop')
# Dicts whose keys belong to others, and are not checked here.
FREE = ('mp_cfg', 'dist_cfg', 'clip_grad', 'paramwise_cfg', 'test_cfg', 'metainfo')
# Rooms that hold parts under names of their own; a new one says its type, or its config.
NAMED_PARTS = ('default_hooks', 'model.losses', 'model.students', 'model.teachers',
               'optim_wrapper.paramwise_cfg.custom_keys')
LOADER = ('dataset', 'sampler', 'batch_sampler', 'collate_fn', 'worker_init_fn',
          'num_batch_per_epoch')


def checked_options(cfg: Config, options: Mapping[str, object]) -> dict[str, object]:
    """Options whose keys the config has, or takes, without the mark of new ones.

    Args:
        cfg: before the options.
        options: dotted key to value; ``+key`` is a key that is really new.

    Raises:
        ValueError: a key that the config neither has nor takes; the closest one is named.
    """
    checked = {}
    for key, value in options.items():
        if not key.startswith(NEW):
            _check(cfg, key, value, options)
        checked[key.removeprefix(NEW)] = value
    return checked


def near_misses(cfg: Config) -> dict[str, str]:
    """Keys of a config that mmengine's Runner does not take, and the ones that it takes instead.

    Only those that are almost the same: a config may have variables of its own.
    """
    from mmengine.runner import Runner

    taken = arguments(Runner.__init__)
    found = {key: get_close_matches(key, taken, 1, 0.88) for key in cfg
             if key not in taken and key not in TOP}
    return {key: close[0] for key, close in found.items() if close}


def fits(cfg: Config, key: str, value: object) -> bool:
    """Whether a config has, or takes, a key."""
    try:
        _check(cfg, key, value, {})
    except ValueError:
        return False
    return True


def _check(cfg: Config, key: str, value: object, options: Mapping[str, object]) -> None:
    node: Any = cfg
    scope, place, parts = cfg.get('default_scope', 'mmfkd'), '', key.split('.')
    for part in parts:
        if isinstance(node, (list, tuple)):
            if not part.isdigit() or int(part) >= len(node):
                raise ValueError(f"--cfg-options {key}: '{place}' is a list of {len(node)} parts: "
                                 'name one by its number, from 0')
            node = node[int(part)]
        elif isinstance(node, Mapping) or node is cfg:
            scope = node.get('_scope_') or scope
            if part not in node:
                here = f'{place}.{part}'
                made = isinstance(value, Mapping) or any(
                    f'{here}.{name}' in options for name in ('type', 'config'))
                if not (place in NAMED_PARTS and made):
                    _check_taken(node, place, part, scope, key)
                return
            node = node[part]
        else:
            raise ValueError(f"--cfg-options {key}: '{place}' is {node!r}, which has no parts. Set "
                             f'it as a whole: {place}="dict(...)" in a config of your own')
        place = f'{place}.{part}' if place else part


def _check_taken(node: Mapping, place: str, part: str, scope: str, key: str) -> None:
    """Refuses a part that its room neither has nor takes."""
    if place.rpartition('.')[2] in FREE and place != 'test_cfg':
        return
    known = {*node, *_taken(node, place, scope), *(('type',) if place else ())}
    if part in known:
        return
    close = get_close_matches(part, [name for name in known if isinstance(name, str)], 1, 0.5)
    hint = f"did you mean '{'.'.join(filter(None, (place, close[0])))}'? " if close else ''
    raise ValueError(f"--cfg-options {key}: the config has no '{part}'"
                     f"{f' in {place!r}' if place else ''}; {hint}A key that is really new is "
                     f'written {NEW}{key}=...')


def _taken(node: Mapping, place: str, scope: str) -> Iterable[str]:
    """Names that a part of a config takes beyond those that stand in it."""
    from mmengine.runner import Runner

    if not place:
        return {*arguments(Runner.__init__), *TOP}
    if place == 'randomness':
        return arguments(Runner.set_randomness)
    if place.endswith('_dataloader'):
        from torch.utils.data import DataLoader

        return {*arguments(DataLoader.__init__), *LOADER}
    if place.startswith(('model.students.', 'model.teachers.')) and place.count('.') == 2:
        from mmfkd.models import Branch

        own = ('config', 'checkpoint', *(TEACHER_KEYS if '.teachers.' in place else ()))
        return {*arguments(Branch.__init__), *own}
    if place == 'default_hooks':
        return HOOKS
    default = DEFAULT_TYPES.get(place)
    if place == 'train_cfg':
        default = 'IterBasedTrainLoop' if 'max_iters' in node else 'EpochBasedTrainLoop'
    of_loss = place.startswith('model.losses.') and place.count('.') == 2
    own = ('balance',) if of_loss else ROOMS.get(place, ())
    return {*own, *(name for kind in classes_of(node.get('type', default), scope)
                    for base in kind.__mro__ for name in arguments(vars(base).get('__init__')))}


def classes_of(name: object, scope: str) -> Iterator[type]:
    """Classes that are registered under a name, in whatever registry."""
    if isinstance(name, type):
        yield name
    elif isinstance(name, str):
        for registry in _registries():
            with DefaultScope.overwrite_default_scope(scope):
                found = registry.get(name if '.' in name else f'{scope}.{name}')
                found = found or registry.get(name)
            if isinstance(found, type):
                yield found


def _registries() -> Iterator[Registry]:
    """The roots of mmengine, by which every child is found."""
    for value in vars(root).values():
        if isinstance(value, Registry):
            yield value


def arguments(function: Any) -> set[str]:
    """Names of the arguments of a function; none of None."""
    if function is None or not hasattr(function, '__code__'):
        return set()
    return {name for name, parameter in signature(function).parameters.items()
            if parameter.kind is not Parameter.VAR_KEYWORD and name != 'self'}
