"""Checks of the weights that a run starts from."""

from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmfkd.checkpoints import misfits
from mmfkd.checkpoints.networks import weights_in
from mmfkd.checkpoints.settings import changed_values, selecting_values, training_values
from mmfkd.checkpoints.work_dirs import SUMMARY
from mmfkd.registry import HOOKS

from .checkpoint import counts_iterations, length, teacher_digests, workers
from .unwrapped import unwrapped

BALANCES = 'balances.'  # where a model keeps the averages of its balanced losses


@HOOKS.register_module()
class StartCheckHook(Hook):
    """Refuses to resume what is no earlier part of the same run, and to start from nothing.

    mmengine leaves weights out that do not fit, and learning rates of another length end where the
    earlier length did: from there on they would be 0. The weights of a plain network, of mmseg or
    mmpretrain, in ``load_from`` are those of the first student.

    Raises:
        ValueError: the checkpoint that is resumed holds weights alone, is of another network, of
            a training of another length whose learning rates follow the length, of one with other
            values or under a teacher of other weights, or of one that selects by another metric
            or validation; or no weight in ``load_from`` fits.
    """

    priority = 'VERY_HIGH'

    def before_run(self, runner: Runner) -> None:
        """The next checkpoint that is loaded is the one that the run starts from."""
        self._starts = True

    def before_train(self, runner: Runner) -> None:
        """Withdraws the summary of an earlier end: until there is another, the run goes on."""
        self._starts = False
        if is_main_process():
            Path(runner.work_dir, SUMMARY).unlink(missing_ok=True)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Runs the checks on what the run starts from."""
        if not self._starts:
            return
        if not runner.cfg.get('resume'):
            self._fit(runner, checkpoint, str(runner.cfg.load_from))
            return
        source = runner.cfg.load_from
        lacking = {'meta', 'message_hub', 'optimizer', 'state_dict'} - set(checkpoint)
        if lacking:
            raise ValueError(f'{source} cannot be resumed: it holds no {", ".join(sorted(lacking))}'
                             '. A best checkpoint, or weights, can only be started from: '
                             '--cfg-options load_from=FILE, without --resume and with another '
                             '--work-dir')
        problems = misfits(unwrapped(runner).state_dict(), checkpoint['state_dict'])
        if problems:
            raise ValueError(f'{source} is of another run: {problems}. Resume it with its own '
                             'config and options, or name another --work-dir')
        self._check_length(runner, checkpoint, str(source))
        self._check_values(runner, checkpoint, str(source))
        self._check_teachers(runner, checkpoint, str(source))
        self._compare_workers(runner, checkpoint, str(source))

    def _fit(self, runner: Runner, checkpoint: dict, source: str) -> None:
        """Gives plain weights the names that they have in the first student.

        Averages of balances are left out: this run measures its own.
        """
        own = unwrapped(runner).state_dict()
        # As mmengine does: of a model that was wrapped for several processes.
        weights = {name: value for key, value in weights_in(checkpoint, source).items()
                   if not (name := key.removeprefix('module.')).startswith(BALANCES)}
        prefix = next((f'{".".join(key.split(".")[:3])}.' for key in own
                       if key.startswith('students.')), '')
        plain = prefix and not set(own) & set(weights)
        if plain:
            weights = {prefix + key: value for key, value in weights.items()}
        if plain or 'state_dict' not in checkpoint:
            checkpoint.clear()
        checkpoint['state_dict'] = weights
        fitting = [key for key, value in weights.items()
                   if key in own and own[key].shape == value.shape]
        if not fitting:
            raise ValueError(f'load_from={source} has no weight of this model: its keys begin like '
                             f"'{next(iter(weights))}', the model's like '{next(iter(own))}'")
        place = f', as those of {prefix[:-1]}' if plain else ''
        runner.logger.info(f'{len(fitting)} of the {len(own)} tensors of the model start from '
                           f'{source}{place}')

    def _check_values(self, runner: Runner, checkpoint: dict, source: str) -> None:
        changed = []
        for name, values in (('training', training_values), ('selecting', selecting_values)):
            present = values(runner.cfg)
            changed += changed_values(checkpoint['meta'].get(name, present), present)
        if changed:
            raise ValueError(f'{source} was trained with {"; ".join(changed[:5])}'
                             f'{"; ..." if len(changed) > 5 else ""}. A resumed run goes on with '
                             'what it was begun with: give the same config and options, or start a '
                             f'new one from its weights: --cfg-options load_from={source}, without '
                             '--resume and with another --work-dir')

    def _check_teachers(self, runner: Runner, checkpoint: dict, source: str) -> None:
        present = teacher_digests(runner)
        saved = checkpoint['meta'].get('teachers', present)
        changed = [name for name in present if saved.get(name) != present[name]]
        if changed:
            raise ValueError(f'{source} was trained under other weights of the teacher '
                             f"{', '.join(changed)}. A resumed run goes on with those that it was "
                             f'begun with: give their file as model.teachers.{changed[0]}.'
                             'checkpoint, or start a new run in another --work-dir')

    def _compare_workers(self, runner: Runner, checkpoint: dict, source: str) -> None:
        present = workers(runner.cfg)
        saved = checkpoint['meta'].get('workers', present)
        if saved != present:
            runner.logger.warning(
                f'{source} was trained with train_dataloader.num_workers={saved}, and now '
                f'{present}: random numbers are drawn by worker, so from here on images are '
                'flipped and cropped otherwise than in a run that was never stopped')

    def _check_length(self, runner: Runner, checkpoint: dict, source: str) -> None:
        planned, unit = length(runner.cfg), (
            'iterations' if counts_iterations(runner.cfg) else 'epochs')
        saved = checkpoint['meta'].get('length', planned)
        schedules, now = checkpoint.get('param_schedulers') or [], runner.param_schedulers or []
        if isinstance(schedules, dict) or isinstance(now, dict):
            return
        ends, wanted = [item.get('end') for item in schedules], [item.end for item in now]
        if now and (saved != planned or ends != wanted):
            change = (f'{saved} {unit}, and now for {planned}' if saved != planned else
                      f'learning rates that end at step {ends}, and now at {wanted}')
            raise ValueError(
                f'{source} is of a training planned for {change}. Its learning rates follow that '
                'length, so the longer or shorter run is another one. Resume it with the data, '
                'batch size and number of processes that it was planned for, or start a new one '
                'from its weights: --cfg-options '
                f'load_from={source}, without --resume and with another --work-dir')
