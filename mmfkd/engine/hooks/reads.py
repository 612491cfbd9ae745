"""A hook that lets data sets read the modalities that a run uses, and no others."""

from collections.abc import Collection, Iterable, Sequence

from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmfkd.engine.run_parts import datasets
from mmfkd.models import Branch, CrossModalDistiller
from mmfkd.registry import HOOKS

from .unwrapped import unwrapped


@HOOKS.register_module()
class ReadsHook(Hook):
    """Lets data sets read the modalities that a branch takes, or anything else asks for.

    A unimodal baseline of CREMA-D decodes no frames, and one of NYU Depth V2 no depth. What
    teachers alone take is read in training alone, unless a hook says by an attribute
    ``runs_teachers`` that it runs them in validation. Which samples there are stays the same;
    random transforms of what is not read draw no numbers. A data set that was given names of
    modalities reads these. A hook, a metric or a module of the model, such as a head, asks for
    others by an attribute ``further_modalities``.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        """Before a worker has a copy of the training set."""
        limit(runner, runner.train_dataloader, with_teachers=True)

    def before_val(self, runner: Runner) -> None:
        """Likewise for the validation set."""
        limit(runner, runner.val_dataloader, runner.val_evaluator.metrics, with_teachers=any(
            getattr(hook, 'runs_teachers', False) for hook in runner.hooks))

    def before_test(self, runner: Runner) -> None:
        """Likewise for the test set."""
        limit(runner, runner.test_dataloader, runner.test_evaluator.metrics)


def limit(runner: Runner, loader: DataLoader, metrics: Sequence[BaseMetric] = (),
          with_teachers: bool = False) -> None:
    """Lets the data sets of a loader read what a run uses.

    Args:
        runner: of the run; one without a distiller reads all.
        loader: of the data.
        metrics: that are computed of what it loads.
        with_teachers: whether teachers run on it, beside the students.
    """
    model = unwrapped(runner)
    if isinstance(model, CrossModalDistiller):
        branches = model.branches if with_teachers else model.students
        used = used_modalities(branches.values(),
                               [*model.losses.values(), *metrics, *runner.hooks])
        read_only(loader.dataset, used)


def used_modalities(branches: Iterable[Branch], others: Iterable[object]) -> set[str]:
    """Names of the modalities that branches take, or that a module of them or another asks for."""
    used: set[str] = set()
    asking = list(others)
    for branch in branches:
        used.update(branch.modalities)
        asking += branch.modules()
    return used.union(*(getattr(one, 'further_modalities', ()) for one in asking))


def read_only(dataset: object, names: Collection[str]) -> None:
    """Lets a data set open the files of some modalities alone; its samples stay the same.

    A data set that was given names of modalities goes on to read these, and one that renders its
    samples has no files to leave out.

    Args:
        dataset: one of this package, or a wrapper of some.
        names: of the modalities that are used.
    """
    for part in datasets(dataset):
        if hasattr(part, 'reads') and not part.chosen:
            # What it has not may be made of what it has.
            part.reads = set(names) if set(names) <= set(part.modalities) else None
