"""The work dir of a run that starts."""

from pathlib import Path

from mmengine.config import Config
from mmengine.dist import barrier, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmfkd.checkpoints import set_aside, step_of


class WorkDirHook(Hook):
    """Takes the work dir over for a run, as late as that is possible.

    A run that starts anew sets an earlier one aside, and its config takes the place of the other's.
    By then the checks have been passed and the weights loaded, so that a run that is refused leaves
    an earlier one as it was.
    """

    priority = 'HIGHEST'

    def before_train(self, runner: Runner) -> None:
        """See the class; weights may lie in the work dir, and every process has loaded them."""
        barrier()
        if is_main_process():
            clear_work_dir(runner.cfg)
        Runner.dump_config(runner)


def clear_work_dir(cfg: Config) -> None:
    """Sets aside what a work dir holds of another run than the one that starts there."""
    source, folder = cfg.get('load_from'), Path(cfg.work_dir)
    inside = bool(source) and Path(source).resolve().parent == folder.resolve()
    step = step_of(source) if cfg.get('resume') and inside else -1
    if step is None:
        return
    earlier = set_aside(folder, step)
    if earlier:
        if inside and not Path(source).exists():
            cfg.load_from = str(earlier / Path(source).name)
        what = 'an earlier run' if step < 0 else f'later checkpoints than {source}'
        print(f'{folder} holds {what}, which is moved to {earlier}. To go on with a run, give '
              '--resume', flush=True)
