"""Seeds of epochs and workers, which a resumed run repeats."""

import random

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmfkd.datasets.random_state import seed_all
from mmfkd.registry import FUNCTIONS, HOOKS

from .checkpoint import counts_iterations


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seeds every epoch from the run's seed, the epoch and the rank.

    mmengine seeds once, so a resumed run draws other flips and dropout masks than an
    uninterrupted one. With this hook both are equal, bit for bit on CPU. Workers of the data
    loader need :func:`seed_worker` and ``persistent_workers=False``.

    Where a run counts iterations, each of them is seeded so. What a resumed run loads may then
    have other flips and crops, as mmengine reads all that came before once more.
    """

    priority = 'VERY_HIGH'

    def before_train_epoch(self, runner: Runner) -> None:
        """Seeds Python, numpy and torch."""
        self._seed(runner, runner.iter if counts_iterations(runner.cfg) else runner.epoch)
        if counts_iterations(runner.cfg) and runner.iter:
            runner.logger.warning('this run counts iterations: from here on it may flip and crop '
                                  'otherwise than one that was never stopped. One that counts '
                                  'epochs (train_cfg.max_epochs) goes on with the same weights')

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None
                          ) -> None:
        """Likewise, where no epoch begins."""
        if counts_iterations(runner.cfg):
            self._seed(runner, runner.iter)

    def _seed(self, runner: Runner, step: int) -> None:
        torch.manual_seed(seed_all([runner.seed, step, get_rank()]))  # on every device


@FUNCTIONS.register_module()
def seed_worker(worker_id: int) -> None:
    """Seeds a worker from torch's own seed of it, which the epoch's seed determines.

    mmengine's default seeds workers with the run's seed alone: every epoch then repeats the
    augmentation of the first.
    """
    seed = torch.initial_seed() % 2 ** 32
    random.seed(seed)
    np.random.seed(seed)
