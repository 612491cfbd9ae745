"""The runner of a config."""

from pathlib import Path
from pprint import pformat

from mmengine.config import Config
from mmengine.dist import master_only
from mmengine.runner import Runner


class OrderedConfig(Config):
    """A config whose text has the keys in their order, of which the first student is one.

    mmengine sorts them, and has yapf lay the whole text out whenever it is written, which is seven
    times in a run of one epoch and once more with every checkpoint, for a third of a second each.
    """

    @property
    def pretty_text(self) -> str:
        """The config as Python."""
        return ''.join(f'{key} = {pformat(value, width=100, sort_dicts=False)}\n'
                       for key, value in self.to_dict().items())


class KeepingRunner(Runner):
    """A runner that leaves the config of a training, which lies in its work dir, as it is.

    A training that starts replaces it, see :class:`mmfkd.engine.hooks.work_dir.WorkDirHook`.
    """

    @master_only
    def dump_config(self) -> None:
        """Writes the config beside the log."""
        self.cfg.dump(str(Path(self.log_dir, Path(self.cfg.filename or 'config.py').name)))


def build_runner(cfg: Config, kind: type[Runner] = Runner) -> Runner:
    """The runner of mmengine, which writes a config as :class:`OrderedConfig` does.

    Args:
        cfg: of the run.
        kind: :class:`KeepingRunner` where a work dir may hold an earlier run.
    """
    return kind.from_cfg(OrderedConfig(cfg.to_dict(), cfg_text=cfg.text, filename=cfg.filename))
