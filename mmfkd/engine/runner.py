"""The runner of a config."""

from pprint import pformat

from mmengine.config import Config
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


def build_runner(cfg: Config) -> Runner:
    """The runner of mmengine, which writes a config as :class:`OrderedConfig` does.

    Args:
        cfg: of the run.
    """
    return Runner.from_cfg(OrderedConfig(cfg.to_dict(), cfg_text=cfg.text, filename=cfg.filename))
