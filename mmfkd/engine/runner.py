"""The runner of a config."""

from mmengine.config import Config
from mmengine.runner import Runner


def build_runner(cfg: Config) -> Runner:
    """The runner of mmengine, of a config whose text is written as it is.

    By default yapf formats the whole text whenever it is written, which is seven times in a run of
    one epoch and once more with every checkpoint, for a third of a second each.

    Args:
        cfg: of the run.
    """
    return Runner.from_cfg(Config(cfg.to_dict(), cfg_text=cfg.text, filename=cfg.filename,
                                  format_python_code=False))
