"""The maximum over epochs on test, which papers without a validation set report."""

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmfkd.config import main_metric
from mmfkd.config.metrics import MEAN
from mmfkd.registry import HOOKS

from .checkpoint import counts_iterations
from .unwrapped import unwrapped


@HOOKS.register_module()
class TestMaximumHook(Hook):
    """Scores the test set after every epoch and keeps the best score of all heads.

    Where a run counts iterations it does so after every validation.

    This is how FDKD's code reports: the maximum over epochs, and over the main, the low and the
    high head, on test. It selects on test, so it is an upper bound and no estimate; it is
    written to the log, and to ``summary.json`` as ``test_maximum`` (of another student than the
    first as ``test_maximum_<student>``), beside the score of the checkpoint that validation
    selected, and changes nothing in training. A run without a test set, such as a trial of
    ``mmfkd tune``, has no such maximum. What a network of several modalities says of fewer of them
    is another task, and does not count.

    Args:
        metric: key of the metric, larger is better; those of other heads end in it. By default
            the one that selects the checkpoint.

    Raises:
        KeyError: the test has no such metric, or no metric is given and none selects.
    """

    # Not a test, whatever pytest makes of the name.
    __test__ = False
    # Behind EMAHook, which takes the average out of the model after a validation and puts it in for
    # the test.
    priority = 'BELOW_NORMAL'

    def __init__(self, metric: str | None = None) -> None:
        self.metric = metric

    def before_train(self, runner: Runner) -> None:
        """Takes the metric of the run, if none was given."""
        self.metric = self.metric or main_metric(runner.cfg)
        if self.metric is None:
            raise KeyError('TestMaximumHook has no metric, and default_hooks.checkpoint.save_best '
                           'names none: set metric of the hook, such as mIoU')

    def after_train_epoch(self, runner: Runner) -> None:
        """Runs the test loop, if there is one."""
        if not counts_iterations(runner.cfg):
            self._score(runner)

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Likewise, where no epoch ends."""
        if counts_iterations(runner.cfg):
            self._score(runner)

    def _score(self, runner: Runner) -> None:
        if runner.test_loop is None:
            return
        metrics = runner.test_loop.run()
        model = unwrapped(runner)
        scores: dict[str, list[float]] = {name: [] for name in model.students.keys()}
        fewer = {MEAN.rstrip('/'), *('+'.join(subset) for subset in model.student.subsets)}
        for key, value in metrics.items():
            head = key.removesuffix(self.metric).rstrip('/')
            if f'/{key}'.endswith(f'/{self.metric}') and head not in fewer:
                scores[self._owner(head, list(scores))].append(float(value))
        for name, values in scores.items():
            if not values:
                raise KeyError(f"TestMaximumHook: metric='{self.metric}' of '{name}' is not among "
                               f'{list(metrics)} of test_evaluator')
            before = runner.message_hub.get_info(f'test_maximum_{name}', float('-inf'))
            runner.message_hub.update_info(f'test_maximum_{name}', max(*values, before))

    @staticmethod
    def _owner(head: str, students: list[str]) -> str:
        """The student that a head belongs to, which is the first if it names no other."""
        first, *others = students
        return next((name for name in others
                     if head == name or head.startswith(f'{name}.')), first)
