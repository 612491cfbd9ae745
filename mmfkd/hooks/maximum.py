"""The number that papers report when they have no validation set."""

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmfkd.registry import HOOKS


@HOOKS.register_module()
class TestMaximumHook(Hook):
    """Scores the test set after every epoch and keeps the best score of all heads.

    This is how FDKD's code reports: the maximum over epochs, and over the main, the low and the
    high head, on test. It selects on test, so it is an upper bound and no estimate; it is
    written to the log, and to ``summary.json`` as ``test_maximum``, beside the score of the
    checkpoint that validation selected, and changes nothing in training.

    Args:
        metric: key of the metric, larger is better; those of other heads end in it.
    """

    # Not a test, whatever pytest makes of the name.
    __test__ = False

    def __init__(self, metric: str) -> None:
        self.metric = metric

    def after_train_epoch(self, runner: Runner) -> None:
        """Runs the test loop."""
        metrics = runner.test_loop.run()
        scores = [value for key, value in metrics.items()
                  if key == self.metric or key.endswith(f'/{self.metric}')]
        if not scores:
            raise KeyError(f"TestMaximumHook: metric='{self.metric}' is not among "
                           f'{list(metrics)} of test_evaluator')
        best = max(*scores, runner.message_hub.get_info('test_maximum', float('-inf')), key=float)
        runner.message_hub.update_info('test_maximum', float(best))
