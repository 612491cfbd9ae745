"""Checkpoints in an order that survives a kill at any time."""

import glob
import os
from numbers import Real
from pathlib import Path

from mmengine import hooks
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.runner import Runner

from mmfkd.checkpoints import heads_of, weights_digest
from mmfkd.checkpoints.settings import selecting_values, training_values
from mmfkd.registry import HOOKS

from .unwrapped import unwrapped


@HOOKS.register_module()
class CheckpointHook(hooks.CheckpointHook):
    """mmengine's hook of that name, whose checkpoint of an epoch comes after its validation.

    mmengine writes the checkpoint first: a run that is killed in the validation and resumed never
    validates this epoch, and selects another. It also deletes the best checkpoint so far before it
    writes the better one, and the oldest before the newest. Here a file is deleted when its
    successor is on disk, and each checkpoint knows the best one of its time.

    A run that a hook ends early keeps the checkpoint of its last step, and a best checkpoint is
    looked for by its name, so that a work dir can be moved. Arguments are mmengine's. In the scope
    ``mmfkd`` it takes the place of mmengine's hook; elsewhere it is ``mmfkd.CheckpointHook``.
    """

    last_ckpt: str | None
    max_keep_ckpts: int
    _due = False
    _teachers: dict[str, str] = {}

    def before_train(self, runner: Runner) -> None:
        """Continues from what the resumed checkpoint knows, and removes what kills left."""
        super().before_train(runner)
        self._due = False
        self._teachers = teacher_digests(runner)
        for index, path in enumerate(self._best_paths()):
            if path:
                here = os.path.join(self.out_dir, os.path.basename(path))
                self._record_best(runner, index, here)
                if not os.path.isfile(here):
                    runner.logger.warning(
                        f'{here}, the best checkpoint so far, is gone: the best one from here on '
                        'is selected')
                    self._forget_best(runner, index)
        if is_main_process():
            self._remove_leftovers()

    def after_train_epoch(self, runner: Runner) -> None:
        """Saves the epoch; where there are validations, not before the next one."""
        if runner.val_loop is None or not self.by_epoch:
            super().after_train_epoch(runner)
        else:
            self._due = self.every_n_epochs(runner, self.interval, self.save_begin) or (
                self.save_last and self.is_last_train_epoch(runner))

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
                         ) -> None:
        """Likewise for runs that count iterations."""
        if runner.val_loop is None or self.by_epoch:
            super().after_train_iter(runner, batch_idx, data_batch, outputs)
        else:
            self._due = self.every_n_train_iters(runner, self.interval, self.save_begin) or (
                self.save_last and self.is_last_train_iter(runner))

    def before_train_epoch(self, runner: Runner) -> None:
        """Saves an epoch that was not validated."""
        self._save_due(runner)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch=None) -> None:
        """Likewise for runs that count iterations."""
        self._save_due(runner)

    def after_train(self, runner: Runner) -> None:
        """Likewise at the end."""
        self._save_due(runner)
        super().after_train(runner)

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Saves the best checkpoint, then that of the step, and then deletes their predecessors."""
        selecting = set(self.key_indicators) if self.save_best else set()
        if unknown := selecting - {'auto', *(metrics or {})}:
            raise KeyError(f'save_best: {sorted(unknown)} is not among {list(metrics or {})} of '
                           'val_evaluator: set default_hooks.checkpoint.save_best to one')
        before, last = self._best_paths(), self.last_ckpt
        # Without them the base class neither deletes the best one nor saves the step.
        self._point_to([None] * len(before))
        self.last_ckpt = None
        super().after_val_epoch(runner, metrics)
        new, self.last_ckpt = self._best_paths(), last
        self._point_to([path or old for path, old in zip(new, before, strict=True)])
        if any(new[:1]):  # what the checkpoint scores by every metric
            runner.message_hub.update_info('best_metrics', {
                key: float(value) for key, value in (metrics or {}).items()
                if isinstance(value, Real)})
        writes_steps = self.interval > 0 or self.save_last
        if writes_steps and (any(new) or getattr(runner.train_loop, 'stop_training', False)):
            self._due = True
        self._save_due(runner)
        for path in {path for path in before if path} - set(self._best_paths()):
            self._remove(path)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Records what the run is trained with, and what the students take."""
        checkpoint['meta']['length'] = length(runner.cfg)
        checkpoint['meta']['training'] = training_values(runner.cfg)
        checkpoint['meta']['selecting'] = selecting_values(runner.cfg)
        checkpoint['meta']['workers'] = workers(runner.cfg)
        checkpoint['meta']['teachers'] = self._teachers
        students = getattr(unwrapped(runner), 'students', {})
        checkpoint['meta']['modalities'] = {
            name: list(student.modalities) for name, student in students.items()}
        checkpoint['meta']['takes'] = {name: student.takes for name, student in students.items()}
        checkpoint['meta']['heads'] = {
            name: heads_of(student.model) for name, student in students.items()}

    def _save_due(self, runner: Runner) -> None:
        if not self._due:
            return
        self._due = False
        step = runner.epoch if self.by_epoch else runner.iter
        runner.logger.info(f'Saving checkpoint at {step} '
                           f'{"epochs" if self.by_epoch else "iterations"}')
        self._save_checkpoint_with_step(runner, step, dict(epoch=runner.epoch, iter=runner.iter))

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        limit, steps = self.max_keep_ckpts, [step]
        if limit > 0:
            steps = [*(one for one in self.keep_ckpt_ids if one != step), step]
            self.keep_ckpt_ids.clear()
            self.keep_ckpt_ids.extend(steps)
            runner.message_hub.update_info('keep_ckpt_ids', steps[-limit:])
            self.max_keep_ckpts = -1  # or the base class would delete the oldest first
        super()._save_checkpoint_with_step(runner, step, meta)
        self.max_keep_ckpts = limit
        for old in steps[:-limit] if limit > 0 else ():
            self._remove(self._step_path(old))

    def _best_paths(self) -> list[str | None]:
        """Path of the best checkpoint so far, for each metric that selects one."""
        if not self.save_best:
            return []
        if len(self.key_indicators) == 1:
            return [self.best_ckpt_path]
        return [self.best_ckpt_path_dict.get(key) for key in self.key_indicators]

    def _point_to(self, paths: list[str | None]) -> None:
        if len(paths) == 1:
            self.best_ckpt_path = paths[0]
        elif paths:
            self.best_ckpt_path_dict = dict(zip(self.key_indicators, paths, strict=True))

    def _record_best(self, runner: Runner, index: int, path: str) -> None:
        self._point_to([path if i == index else old for i, old in enumerate(self._best_paths())])
        runner.message_hub.update_info(f'best_ckpt{self._suffix(index)}', path)

    def _forget_best(self, runner: Runner, index: int) -> None:
        self._point_to([None if i == index else old for i, old in enumerate(self._best_paths())])
        for name in ('best_ckpt', 'best_score'):
            runner.message_hub.pop_info(f'{name}{self._suffix(index)}')
        if index == 0:
            runner.message_hub.pop_info('best_metrics')

    def _suffix(self, index: int) -> str:
        """What mmengine adds to the names of its records where there are several metrics."""
        return '' if len(self.key_indicators) == 1 else f'_{self.key_indicators[index]}'

    def _remove_leftovers(self) -> None:
        """Removes half-written files and, of what the resumed checkpoint knows, what it replaced.

        A run that is not resumed knows none, and leaves what others have written.
        """
        folder, best = Path(self.out_dir), [path for path in self._best_paths() if path]
        found, kept = [*folder.glob('*.pth.tmp')], set(best)
        for key in self.key_indicators if best else ():
            start = glob.escape(f'best_{key.replace("/", "_")}_')
            found += folder.glob(start + self.filename_tmpl.format('*'))
        if self.max_keep_ckpts > 0 and self.keep_ckpt_ids:
            kept |= {self._step_path(step) for step in self.keep_ckpt_ids}
            names = {str(path) for path in folder.glob('*.pth')}
            found += [Path(name) for step in range(self.keep_ckpt_ids[-1])
                      if (name := self._step_path(step)) in names]
        for path in found:
            if str(path) not in kept:
                path.unlink()

    def _step_path(self, step: int) -> str:
        return os.path.join(self.out_dir, self.filename_tmpl.format(step))

    def _remove(self, path: str) -> None:
        if is_main_process() and os.path.isfile(path):
            os.unlink(path)


def counts_iterations(cfg: Config) -> bool:
    """Whether a training is a number of iterations long, and not of epochs."""
    return 'max_iters' in (cfg.get('train_cfg') or {})


def workers(cfg: Config) -> int:
    """Processes that load the training data, each with random numbers of its own."""
    return (cfg.get('train_dataloader') or {}).get('num_workers', 0)


def length(cfg: Config) -> int | None:
    """Epochs, or iterations, that a training is to be long; None if the config does not say it."""
    train = cfg.get('train_cfg') or {}
    return train.get('max_iters' if counts_iterations(cfg) else 'max_epochs')


def teacher_digests(runner: Runner) -> dict[str, str]:
    """A digest of the weights of each teacher of a runner's model, by its name."""
    teachers = getattr(unwrapped(runner), 'teachers', {})
    return {name: weights_digest(teacher) for name, teacher in teachers.items()}
