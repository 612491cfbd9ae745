"""Outputs of teachers that a run keeps on disk: where they lie, what is missing, how it is made."""

from collections.abc import Callable, Collection, Iterator
from functools import partial

import torch
from mmengine.config import Config
from mmengine.dist import get_rank, get_world_size
from mmengine.model import BaseDataPreprocessor
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import DataLoader, Subset

from mmfkd.caching import CacheOptions, TeacherOutputs, output_key
from mmfkd.config import branch_config
from mmfkd.datasets import ViewedDataset
from mmfkd.models import CrossModalDistiller
from mmfkd.models.frozen_branch import CachedBranch
from mmfkd.models.routing import taps_of

from .hooks.reads import read_only, used_modalities
from .hooks.unwrapped import unwrapped
from .run_parts import datasets
from .runner import build_runner

CHECKPOINTS = 4  # on disk at once: two that are kept, the best one, and one that is being written


def use_views(cfg: Config) -> bool:
    """Gives the training set of a config its views, if a teacher's outputs are kept.

    Those that a run has written into its config are replaced: they are of its own options.

    Args:
        cfg: of the run, changed in place.

    Returns:
        whether they are.

    Raises:
        ValueError: training is not by epochs, two teachers want other views, or workers outlive
            an epoch.
    """
    teachers = cfg.model.get('teachers') or {}
    wanted = {name: CacheOptions.of(teacher['cache']) for name, teacher in teachers.items()
              if teacher and teacher.get('cache')}
    without_views(cfg)
    if not wanted:
        return False
    if cfg.train_dataloader.get('persistent_workers'):
        raise ValueError('a teacher has a cache, and its files are not read where its outputs are '
                         'kept, of which workers that outlive an epoch would not know: set '
                         'train_dataloader.persistent_workers=False')
    epochs = cfg.train_cfg.get('max_epochs')
    if epochs is None:
        raise ValueError('outputs of teachers are kept by epochs: set train_cfg.max_epochs in '
                         'place of max_iters, or leave the cache of the teachers out')
    views = {(options.count(epochs), options.seed) for options in wanted.values()}
    if len(views) > 1:
        raise ValueError(f'the teachers {", ".join(wanted)} have caches of other views or seeds: '
                         'they are given the same samples, so give them the same cache.views and '
                         'cache.seed')
    (count, seed), = views
    cfg.train_dataloader.dataset = dict(type='mmfkd.ViewedDataset', views=count, seed=seed,
                                        dataset=cfg.train_dataloader.dataset)
    return True


def without_views(cfg: Config) -> None:
    """Takes the views from the training set of a config that a run has written.

    Args:
        cfg: changed in place.
    """
    dataset = (cfg.get('train_dataloader') or {}).get('dataset') or {}
    if str(dataset.get('type')).endswith('ViewedDataset'):
        cfg.train_dataloader.dataset = dataset['dataset']


def cached_teachers(model: nn.Module) -> dict[str, CachedBranch]:
    """The teachers of a model whose outputs are kept, and that a loss takes something from."""
    if not isinstance(model, CrossModalDistiller):
        return {}
    return {name: teacher for name, teacher in model.teachers.items()
            if isinstance(teacher, CachedBranch) and taps_of(model.loss_taps, name)}


def open_outputs(runner: Runner, name: str) -> None:
    """Opens the outputs of a teacher on the training set.

    Raises:
        ValueError: the training set has no views.
        OSError: the folder cannot be written.
    """
    data = runner.train_dataloader.dataset
    if not isinstance(data, ViewedDataset):
        raise ValueError(f"teacher '{name}' has a cache, but the training set has no views: start "
                         'the run with mmfkd train, or with tools/train.py')
    teacher, cfg = unwrapped(runner).teachers[name], runner.cfg
    branch = branch_config(cfg.model.teachers[name])
    settings = dict(
        branch=branch, autocast=teacher.autocast, channels_last=teacher.channels_last,
        data=cfg.train_dataloader.dataset.dataset, files=data.files, seed=data.seed,
        padding=cfg.model.get('data_preprocessor'), dtype=teacher.cache.dtype,
        precision=[cfg.optim_wrapper.get(key) for key in ('type', 'dtype')])
    folder = teacher.cache.root / output_key(teacher.model, settings,
                                             _samples(data, teacher.modalities))
    teacher.outputs = TeacherOutputs(folder, len(data), data.views, teacher.cache.dtype,
                                     teacher.cache.limit, _room_for_checkpoints(runner))
    teacher.read_again = partial(
        read_batch, data, used_modalities([teacher], ()), runner.train_dataloader.collate_fn,
        unwrapped(runner).data_preprocessor)
    teacher.kept = frozenset(taps_of(unwrapped(runner).loss_taps, name))
    runner.logger.info(f"outputs of teacher '{name}' are kept in {folder}")


def read_batch(data: ViewedDataset, modalities: Collection[str], collate: Callable[[list], dict],
               preprocessor: BaseDataPreprocessor, samples: list[int]) -> dict:
    """Loads samples of the present view, whatever the training reads of them.

    Args:
        data: the training set, which then reads what it did before.
        modalities: that are read.
        collate: of the loader.
        preprocessor: of the model.
        samples: their numbers.

    Returns:
        ``inputs`` and ``data_samples``, as the model takes them.
    """
    parts = [part for part in datasets(data) if hasattr(part, 'reads')]
    before = [part.reads for part in parts]
    read_only(data, modalities)
    batch = collate([data[sample] for sample in samples])
    for part, reads in zip(parts, before, strict=True):
        part.reads = reads
    return preprocessor(batch, True)


def missing_outputs(runner: Runner, name: str) -> list[int]:
    """Samples of which an output of the present view is missing or damaged."""
    teacher = unwrapped(runner).teachers[name]
    return teacher.outputs.missing(teacher.kept, runner.train_dataloader.dataset.view)


def compute_outputs(cfg: Config) -> None:
    """Computes what is missing of every view, without a training.

    Args:
        cfg: of the training, with its views, see :func:`use_views`.

    Raises:
        ValueError, OSError: see :func:`open_outputs` and :class:`mmfkd.caching.TeacherOutputs`.
    """
    runner = build_runner(cfg)
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    data, teachers = runner.train_dataloader.dataset, cached_teachers(unwrapped(runner))
    read_only(data, used_modalities(teachers.values(), ()))
    for name, teacher in teachers.items():
        open_outputs(runner, name)
        for view in range(data.views):
            data.view = view
            count = fill_view(runner, name)
            if teacher.outputs is not None and teacher.outputs.full:
                raise OSError(f"view {view + 1} of {data.views} of teacher '{name}' could not be "
                              'written: make room, or name another cache.folder, and start again')
            runner.logger.info(f"teacher '{name}', view {view + 1} of {data.views}: {count} of "
                               f'{len(data)} samples computed')


@torch.no_grad()
def fill_view(runner: Runner, name: str) -> int:
    """Computes what is missing of the present view; each process does its share.

    Returns:
        the number of samples that this process computed.
    """
    model, loader = unwrapped(runner), runner.train_dataloader
    teacher = model.teachers[name]
    if teacher.outputs.full:
        return 0
    # By their numbers: what is missing changes while others write.
    missing = [sample for sample in missing_outputs(runner, name)
               if sample % get_world_size() == get_rank()]
    size = runner.cfg.train_dataloader.batch_size
    batches = DataLoader(Subset(loader.dataset, missing), size, collate_fn=loader.collate_fn,
                         num_workers=loader.num_workers if len(missing) > size else 0)
    for batch in batches:
        data = model.data_preprocessor(batch, True)
        with runner.optim_wrapper.optim_context(model):
            teacher(data['inputs'], data['data_samples'], record=sorted(teacher.kept))
    return len(missing)


def _room_for_checkpoints(runner: Runner) -> int:
    """Bytes of the checkpoints of a run whose optimizer keeps two numbers a weight, as Adam."""
    weights = unwrapped(runner).state_dict().values()
    return CHECKPOINTS * 3 * sum(weight.nbytes for weight in weights)


def _samples(data: ViewedDataset, modalities: tuple[str, ...]) -> Iterator[dict]:
    """Samples as the data set lists them, with the files of some modalities."""
    for i in range(len(data)):
        info = data.get_data_info(i)
        files = info.get('modalities')
        if isinstance(files, dict):
            info = dict(info, modalities={one: files[one] for one in modalities if one in files})
        yield info
