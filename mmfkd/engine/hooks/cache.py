"""Teachers whose outputs are kept: opened before a training, completed and read in it."""

from mmengine.dist import barrier, broadcast_object_list, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmfkd.engine.teacher_outputs import cached_teachers, fill_view, missing_outputs, open_outputs
from mmfkd.models import CrossModalDistiller
from mmfkd.registry import HOOKS

from .reads import read_only, used_modalities
from .unwrapped import unwrapped


@HOOKS.register_module()
class TeacherCacheHook(Hook):
    """Opens what is kept of teachers with a ``cache``, and chooses the view of each epoch.

    Epoch e trains on view e modulo the number of views. Where every output of a view is there,
    the teacher does not run and its modality is not read, unless a student takes it too. Samples
    of the view that an epoch has left out, as ``drop_last`` does, are computed after it.

    Raises:
        ValueError: the training set has no views; see
            :func:`mmfkd.engine.teacher_outputs.use_views`.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        """Opens the outputs."""
        self._whole: set[tuple[str, int]] = set()
        self._teachers = cached_teachers(unwrapped(runner))
        for name in self._teachers:
            open_outputs(runner, name)

    def before_train_epoch(self, runner: Runner) -> None:
        """Sets the view, and leaves out the modalities that are not needed for it."""
        if not self._teachers:
            return
        model: CrossModalDistiller = unwrapped(runner)
        data = runner.train_dataloader.dataset
        data.view = runner.epoch % data.views
        barrier()  # until every process has written what it computed of this view
        looked = [[(name, data.view) for name in self._teachers
                   if (name, data.view) not in self._whole and not missing_outputs(runner, name)
                   ] if is_main_process() else []]
        broadcast_object_list(looked)  # all processes are of one mind
        self._whole.update(map(tuple, looked[0]))
        running = [teacher for name, teacher in model.teachers.items()
                   if (name, data.view) not in self._whole]
        read_only(data, used_modalities([*model.students.values(), *running],
                                        [*model.losses.values(), *runner.hooks]))

    def after_train_epoch(self, runner: Runner) -> None:
        """Computes what the epoch has left out."""
        for name in self._teachers:
            if (name, runner.train_dataloader.dataset.view) not in self._whole:
                barrier()
                fill_view(runner, name)
