"""Checks of what a run is resumed from."""

from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmfkd.checkpoints import misfits
from mmfkd.checkpoints.work_dirs import SUMMARY
from mmfkd.registry import HOOKS

from .checkpoint import counts_iterations, length


@HOOKS.register_module()
class ResumeCheckHook(Hook):
    """Refuses to resume what is no earlier part of the same run.

    mmengine leaves weights out that do not fit, and learning rates of another length end where the
    earlier length did: from there on they would be 0.

    Raises:
        ValueError: the checkpoint holds weights alone, is of another network, or of a training of
            another length whose learning rates follow the length.
    """

    priority = 'VERY_HIGH'

    def before_run(self, runner: Runner) -> None:
        """The next checkpoint that is loaded is the resumed one, if the config says so."""
        self._resumes = bool(runner.cfg.get('resume'))

    def before_train(self, runner: Runner) -> None:
        """Withdraws the summary of an earlier end: until there is another, the run goes on."""
        self._resumes = False
        if is_main_process():
            Path(runner.work_dir, SUMMARY).unlink(missing_ok=True)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Runs the checks on what is resumed."""
        if not self._resumes:
            return
        source = runner.cfg.load_from
        lacking = {'meta', 'message_hub', 'optimizer', 'state_dict'} - set(checkpoint)
        if lacking:
            raise ValueError(f'{source} cannot be resumed: it holds no {", ".join(sorted(lacking))}'
                             '. A best checkpoint, or weights, can only be started from: '
                             '--cfg-options load_from=FILE, without --resume')
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        problems = misfits(model.state_dict(), checkpoint['state_dict'])
        if problems:
            raise ValueError(f'{source} is of another run: {problems}. Resume it with its own '
                             'config and options, or name another --work-dir')
        self._check_length(runner, checkpoint, str(source))

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
                'length, so the longer or shorter run is another one. Resume it as it was '
                'planned, or start a new one from its weights: --cfg-options '
                f'load_from={source}, without --resume and with another --work-dir')
