"""The choice of the weak combination of modalities, by MMANet's rule."""

from collections.abc import Iterator

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmfkd.config import TapKey
from mmfkd.models import Branch, CrossModalDistiller
from mmfkd.models.losses.margin import ModalityRegularizationLoss
from mmfkd.models.networks.modality_mask import ModalityMask
from mmfkd.registry import HOOKS

from .checkpoint import counts_iterations
from .unwrapped import named_loss, unwrapped


@HOOKS.register_module()
class WeakCombinationHook(Hook):
    """Chooses the combination of modalities that is furthest behind all of them on validation.

    Paper: Wei et al., "MMANet" (CVPR 2023), and its code for segmentation: over some early epochs
    ``(mIoU_all - mIoU_c)²`` is summed for each combination c, and the largest sum wins. The
    authors' code does so on the images that it tests on; here it is the validation set. The
    combinations are ``subsets`` of the student. A combination that the loss was given stays.

    Args:
        loss: name of a :class:`mmfkd.models.ModalityRegularizationLoss` in ``losses``.
        begin: validations after more than this many epochs count; 6 in the authors' code.
        end: number of epochs after which it chooses; 10 in the authors' code.
        metric: of the validation.

    Raises:
        KeyError: no such loss, or no such metric.
        ValueError: the student has no subsets, no validation falls between, or the run counts
            iterations or is over when it would choose.
    """

    def __init__(self, loss: str = 'loss_mar', begin: int = 6, end: int = 10,
                 metric: str = 'mIoU') -> None:
        self.loss = loss
        self.begin = begin
        self.end = end
        self.metric = metric

    def before_train(self, runner: Runner) -> None:
        """Checks that there will be something to choose from."""
        if self._loss(runner).weak:
            return
        if counts_iterations(runner.cfg):
            raise ValueError('WeakCombinationHook chooses after epochs, and this run counts '
                             'iterations: set train_cfg.max_epochs in place of max_iters, or '
                             f'losses.{self.loss}.weak')
        if runner.max_epochs <= self.end:
            raise ValueError(f'WeakCombinationHook chooses after end={self.end} epochs, and this '
                             f'run has {runner.max_epochs}: lower begin and end of the hook, raise '
                             f'train_cfg.max_epochs, or set losses.{self.loss}.weak')
        interval = getattr(runner.train_loop, 'val_interval', 1)
        first = getattr(runner.train_loop, 'val_begin', 1)
        counted = [epoch for epoch in range(max(self.begin + 1, first), self.end + 1)
                   if not epoch % interval]
        if runner.val_loop is None or not counted:
            raise ValueError(f'WeakCombinationHook: no validation from epoch {self.begin + 1} to '
                             f'{self.end} (val_interval={interval}, val_begin={first}): set begin '
                             f'and end of it otherwise, or losses.{self.loss}.weak')
        student = unwrapped(runner).student
        if not student.subsets or any(set(subset) == set(student.modalities)
                                      for subset in student.subsets):
            raise ValueError('WeakCombinationHook: the student has no subsets to choose from, or '
                             'one of all its modalities: set model.students.student.subsets, such '
                             'as [[ir], [rgb]]')

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Adds what each combination is behind, squared."""
        if not self.begin < runner.epoch <= self.end or self._loss(runner).weak:
            return
        scores = metrics or {}
        for subset in unwrapped(runner).student.subsets:
            key = f'{"+".join(subset)}/{self.metric}'
            if key not in scores or self.metric not in scores:
                raise KeyError(f'WeakCombinationHook: {key} and {self.metric} are to be among the '
                               f'metrics of the validation, which are {list(scores)}')
            gap = (float(scores[self.metric]) - float(scores[key])) ** 2
            runner.message_hub.update_info(_key(subset), self._sum(runner, subset) + gap)

    def before_train_epoch(self, runner: Runner) -> None:
        """Chooses after the last epoch that counts."""
        loss = self._loss(runner)
        if runner.epoch < self.end or loss.weak:
            return
        subsets = unwrapped(runner).student.subsets
        weak = max(subsets, key=lambda subset: self._sum(runner, subset))
        loss.choose(weak)
        gaps = ', '.join(f'{"+".join(subset)} {self._sum(runner, subset):.1f}'
                         for subset in subsets)
        runner.logger.info(f'The weak combination is {"+".join(weak)}. Squared gaps of '
                           f'{self.metric} to all modalities: {gaps}')

    def _loss(self, runner: Runner) -> ModalityRegularizationLoss:
        return named_loss(runner, self.loss, 'WeakCombinationHook')

    @staticmethod
    def _sum(runner: Runner, subset: tuple[str, ...]) -> float:
        return runner.message_hub.get_info(_key(subset), 0.0)


def _key(subset: tuple[str, ...]) -> str:
    return f'weak_gap_{"+".join(subset)}'


def check_weak_combinations(runner: Runner) -> None:
    """Refuses a :class:`mmfkd.models.ModalityRegularizationLoss` that stays 0.

    Raises:
        ValueError: it has no weak combination and no hook chooses one, or the student's masks never
            leave one.
    """
    model = unwrapped(runner)
    if not isinstance(model, CrossModalDistiller):
        return
    for name, loss in model.losses.items():
        if not isinstance(loss, ModalityRegularizationLoss):
            continue
        chosen = any(isinstance(hook, WeakCombinationHook) and hook.loss == name
                     for hook in runner.hooks)
        if not loss.weak and not chosen:
            raise ValueError(f'model.losses.{name}.weak is None and no hook chooses it, so that '
                             f'the loss stays 0: give some of {list(loss.modalities)}, as an '
                             'earlier run may have chosen them, or add '
                             f"default_hooks.weak=dict(type='WeakCombinationHook', loss='{name}')")
        key = TapKey.parse(loss.student[-1])
        student = model.students[key.branch]
        drawn = list(_drawn(student, key.tap))
        for weak in ([loss.weak] if loss.weak else student.subsets):
            if drawn and set(weak) not in drawn:
                raise ValueError(
                    f"model.students.{key.branch}.model.mask draws no samples with "
                    f'{"+".join(weak)} alone, of which model.losses.{name} would learn: add it to '
                    f'mask, or choose another with model.losses.{name}.weak')


def _drawn(student: Branch, tap: str) -> Iterator[set[str]]:
    """What a mask of a student leaves in training; nothing where the tap is elsewhere."""
    mask = student.model.get_submodule(student.taps.paths[tap])
    if isinstance(mask, ModalityMask):
        for row in mask.combinations.tolist():
            yield {name for name, kept in zip(mask.modalities, row, strict=True) if kept}
