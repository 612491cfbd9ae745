"""Early stopping that a resumed run remembers."""

from mmengine import hooks
from mmengine.runner import Runner

from mmfkd.registry import HOOKS

STATE = 'early_stopping'


@HOOKS.register_module()
class EarlyStoppingHook(hooks.EarlyStoppingHook):
    """mmengine's hook of that name, whose patience outlives a run that was stopped.

    mmengine forgets the best score, how long nothing was better, and that the training had ended:
    resumed, such a run goes on. Arguments are mmengine's. In the scope ``mmfkd`` it takes the
    place of mmengine's hook.
    """

    # Before the checkpoint is written, which holds the state.
    priority = 'LOW'

    def before_train(self, runner: Runner) -> None:
        """Continues from what the resumed checkpoint knows.

        Raises:
            ValueError: its best score is of another metric, or less was better.
        """
        state = runner.message_hub.get_info(STATE, None)
        if state is not None:
            watched = state.get('watched', self._watched)
            if watched != self._watched:
                raise ValueError(f'{runner.cfg.load_from} was trained with EarlyStoppingHook of '
                                 f'{watched}, and now of {self._watched}: give it what it had, or '
                                 'leave the hook out')
            self.best_score, self.wait_count = state['best_score'], state['wait_count']
            runner.train_loop.stop_training = state['ended']

    def after_val_epoch(self, runner: Runner, metrics: dict) -> None:
        """Decides, and records the state."""
        super().after_val_epoch(runner, metrics)
        runner.message_hub.update_info(STATE, dict(
            best_score=float(self.best_score), wait_count=self.wait_count, watched=self._watched,
            ended=runner.train_loop.stop_training))

    @property
    def _watched(self) -> str:
        return f'monitor={self.monitor}, rule={self.rule}'
