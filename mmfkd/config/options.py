"""Options of a command in a config."""

from collections.abc import Iterator, Mapping
from os.path import normpath
from typing import Any

from mmengine.config import Config

from .option_keys import checked_options

DATA_ROOT = 'data_root'
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def merge_options(cfg: Config, options: Mapping[str, object]) -> None:
    """Merges ``--cfg-options`` into a config; ``data_root`` reaches the data sets that have it.

    Configs read ``data_root`` when they are parsed, so mmengine's merge alone would change a
    variable that nobody reads any more. A data set with another root than the config's keeps it;
    where the config has none, or one of a base that no data set has, while all share another, all
    have the new one.

    Args:
        cfg: changed in place.
        options: dotted key to value.

    Raises:
        ValueError: see :func:`checked_options`; or no data set has the ``data_root`` of the
            config, and they have several, so that it is not clear which one is meant.
    """
    before, checked = cfg.get(DATA_ROOT), checked_options(cfg, options)
    # mmengine merges parts of a dict into a dict alone; elsewhere the whole is meant.
    cfg.merge_from_dict({key: _whole(value) if isinstance(value, Mapping)
                         and _has_no_dict(cfg, key) else value for key, value in checked.items()})
    if DATA_ROOT not in checked:
        return
    rooted = [dataset for name in LOADERS for dataset in datasets_of(cfg.get(name))
              if DATA_ROOT in dataset]
    having = [dataset for dataset in rooted
              if before is None or _root(dataset) == normpath(str(before))]
    if not having and len(set(map(_root, rooted))) == 1:
        having = rooted
    if not having:
        raise ValueError(f'--cfg-options {DATA_ROOT}: no data set of the config has its root '
                         f'{before!r}, nor all the same: name the one to change, such as '
                         f'train_dataloader.dataset.{DATA_ROOT}=...')
    for dataset in having:
        dataset[DATA_ROOT] = checked[DATA_ROOT]


def _root(dataset: Mapping) -> str:
    return normpath(str(dataset[DATA_ROOT]))


def _has_no_dict(cfg: Config, key: str) -> bool:
    """Whether there is something at a dotted key that is no dict, such as None."""
    node: Any = cfg
    for part in key.split('.'):
        if isinstance(node, (list, tuple)):
            node = node[int(part)]
        elif part in node:
            node = node[part]
        else:
            return False
    return not isinstance(node, Mapping)


def _whole(value: Mapping) -> dict:
    return {**value, '_delete_': True}


def reading_loader(cfg: Config) -> str | None:
    """Name of the loader whose data set reads files for predictions and exports.

    That is the test set, else validation. Training changes what it reads at random.
    """
    return next((name for name in ('test_dataloader', 'val_dataloader') if cfg.get(name)), None)


def kind_of(part: object) -> str:
    """Class of a part of a config, without its scope; empty where it is no dict."""
    return str(part.get('type')).rpartition('.')[2] if isinstance(part, Mapping) else ''


def datasets_of(node: Any) -> Iterator[dict]:
    """The config of the data set of a data loader, and those that it wraps or joins."""
    inner = [] if node is None else [node.get('dataset'), *(node.get('datasets') or ())]
    for dataset in inner:
        if dataset is not None:
            yield dataset
            yield from datasets_of(dataset)
