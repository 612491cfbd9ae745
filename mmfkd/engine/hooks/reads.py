"""What is read from the files of a data set: what the networks take, and no more."""

from collections.abc import Sequence

from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmfkd.datasets.reads import read_only
from mmfkd.models import CrossModalDistiller
from mmfkd.registry import HOOKS

from .unwrapped import unwrapped


@HOOKS.register_module()
class ReadsHook(Hook):
    """Lets data sets read the modalities that a branch takes, or anything else asks for.

    A unimodal baseline of CREMA-D decodes no frames, and one of NYU Depth V2 no depth. Samples and
    their number stay the same, and a data set that was given names of modalities reads these. A
    hook, a metric or a module of the model, such as a head, asks for others by an attribute
    ``further_modalities``.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        """Before a worker has a copy of the training set."""
        limit(runner, runner.train_dataloader)

    def before_val(self, runner: Runner) -> None:
        """Likewise for the validation set."""
        limit(runner, runner.val_dataloader, runner.val_evaluator.metrics)

    def before_test(self, runner: Runner) -> None:
        """Likewise for the test set."""
        limit(runner, runner.test_dataloader, runner.test_evaluator.metrics)


def limit(runner: Runner, loader: DataLoader, metrics: Sequence[BaseMetric] = ()) -> None:
    """Lets the data set of a loader read what a run uses.

    Args:
        runner: of the run; one without a distiller reads all.
        loader: of the data set.
        metrics: that are computed of what it loads.
    """
    model = unwrapped(runner)
    if not isinstance(model, CrossModalDistiller):
        return
    branches = [*model.students.values(), *model.teachers.values()]
    used = {name for branch in branches for name in branch.modalities}
    modules = [module for branch in branches for module in branch.modules()]
    for part in (*modules, *model.losses.values(), *metrics, *runner.hooks):
        used.update(getattr(part, 'further_modalities', ()))
    read_only(loader.dataset, used)
