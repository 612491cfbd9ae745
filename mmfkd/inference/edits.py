"""Edits of a config since a checkpoint was trained: differences that change what it scores."""

import re
from pathlib import Path

from mmengine.config import Config

from mmfkd.checkpoints.settings import changed_values, training_values
from mmfkd.config import load_config
from mmfkd.config.options import reading_loader

from .opening import config_of_run

# What a score depends on: networks with their inputs, and what is read of files and how.
_SCORED = re.compile(r'model\.(data_preprocessor|students\.[^.]+\.(modality|norm|model))\b'
                     r'|(val|test)_dataloader\.dataset\.')
_LEARNING = re.compile(r'\.(init_cfg|loss\w*)\b')  # of these networks, which no test looks at


def edits_since(cfg: Config, checkpoint: Path) -> list[str]:
    """What differs between a config and the one in the work dir of a checkpoint.

    Of networks and test data alone: where files are, sizes of batches and workers do not count.

    Args:
        cfg: as it would be used.
        checkpoint: file of the weights.

    Returns:
        ``key=old, and now new`` of each difference; none where the checkpoint lies in no folder
        that holds one config.
    """
    try:
        trained = load_config(config_of_run(checkpoint.parent), teachers=False)
    except (FileNotFoundError, ValueError):
        return []
    parts = ('model', reading_loader(cfg) or '')
    found = changed_values(*(training_values(one, parts, whole=True) for one in (trained, cfg)))
    return [said for said in found if _SCORED.match(said) and not _LEARNING.search(_key(said))]


def _key(said: str) -> str:
    return said.partition('=')[0]
