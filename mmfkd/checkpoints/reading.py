"""Checkpoint files, read without running anything that stands in them."""

from io import BytesIO
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import ZipFile

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.registry import PARAM_SCHEDULERS
from safetensors.torch import load, load_file

SAFETENSORS = '.safetensors'
# How torch calls what it refuses to run.
REFUSED = ('GLOBAL', 'Trying to', 'Can only build', 'Can not create new object')


def is_whole(file: str | Path | BytesIO) -> bool:
    """Whether a checkpoint was written to its end and is what was written.

    A zip file's directory comes last, and holds a checksum of every part, at which PyTorch does
    not look.
    """
    try:
        with ZipFile(file) as parts:
            return parts.testzip() is None
    # What zipfile raises on a damaged file: BadZipFile, NotImplementedError, zlib.error, ...
    except Exception:
        return False


def read_checkpoint(path: str | Path, map_location: Any = 'cpu', content: bytes | None = None
                    ) -> dict:
    """The content of a checkpoint of PyTorch or mmengine, or of weights as safetensors.

    Tensors, numbers, texts and containers of these are read, and the log histories of mmengine.
    Whatever else a file names is refused, as it could run a program. The text of a config
    (``meta['config']``) is left out, because mmengine executes it when a run is resumed.

    Args:
        path: of the file; a name for the messages if ``content`` is given.
        map_location: see ``torch.load``; safetensors are read to the CPU.
        content: the bytes of the file, if they do not come from a disk.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is cut short, damaged, no checkpoint, or names something that could
            run.
    """
    if content is None and not Path(path).is_file():
        raise FileNotFoundError(f'checkpoint {path} does not exist')
    try:
        if Path(path).suffix == SAFETENSORS:
            return dict(state_dict=load_file(path) if content is None else load(content))
        with torch.serialization.safe_globals(readable()):
            found = torch.load(path if content is None else BytesIO(content),
                               map_location=map_location, weights_only=True)
    except Exception as error:
        if isinstance(error, UnpicklingError) and any(word in str(error) for word in REFUSED):
            raise ValueError(f'checkpoint {path} is refused: it holds more than weights and '
                             f'records, and could run a program ({_reason(error)}). Take it from '
                             'a source that you trust and save its state_dict alone, or train '
                             'again.') from error
        raise _unreadable(path, type(error).__name__) from error
    if _is_zip(path, content) and not is_whole(path if content is None else BytesIO(content)):
        raise _unreadable(path, 'a checksum does not fit')
    if not isinstance(found, dict):
        raise ValueError(f'checkpoint {path} has no weights: it holds a {type(found).__name__} and '
                         'no dict of them. Name a checkpoint that a training run wrote.')
    return _restored(found)


def _is_zip(path: str | Path, content: bytes | None) -> bool:
    if content is None:
        with open(path, 'rb') as file:
            content = file.read(4)
    return content[:4] == b'PK\x03\x04'


def _unreadable(path: str | Path, reason: str) -> ValueError:
    return ValueError(f'checkpoint {path} cannot be read: it is truncated, damaged or not a '
                      f'file of weights ({reason}). Train or copy it again.')


class SavedLog:
    """Stands for mmengine's ``HistoryBuffer`` while a file is read: numbers without methods."""

    def __setstate__(self, state: dict) -> None:
        self.arguments = (state['_log_history'], state['_count_history'], state['max_length'])


class Ignored(dict):
    """Stands for what only names functions: the classes of learning rates, in their states."""


def readable() -> list:
    """What a checkpoint of mmengine names beside tensors, and what is taken for it."""
    core = np._core if hasattr(np, '_core') else np.core
    kinds = {type(np.dtype(code)) for code in np.typecodes['All'] if code not in 'OV'}
    arrays = [(getattr(core.multiarray, name), f'numpy.{module}.multiarray.{name}')
              for name in ('_reconstruct', 'scalar') for module in ('core', '_core')]
    schedules = [(Ignored, f'{kind.__module__}.{kind.__qualname__}')
                 for cls in PARAM_SCHEDULERS.module_dict.values() for kind in cls.__mro__[:-1]]
    return [*arrays, *kinds, *schedules, np.ndarray, np.dtype, slice, range,
            (dict, 'mmengine.config.config.ConfigDict'),
            (_no_method, 'builtins.getattr'),
            (SavedLog, 'mmengine.logging.history_buffer.HistoryBuffer')]


def _no_method(owner: object, name: str) -> None:
    """Stands for ``getattr``, by which a HistoryBuffer names its methods."""


def _restored(found: dict) -> dict:
    """The content with log histories as mmengine has them, and without a config's text.

    A learning rate's own function, of which nothing is left, stays that of the config.
    """
    schedules = found.get('param_schedulers')
    for state in schedules if isinstance(schedules, list) else ():
        if isinstance(state, dict):
            for key in [key for key, value in state.items() if key.endswith('_func')]:
                state.pop(key)
    hub, meta = found.get('message_hub'), found.get('meta')
    if isinstance(meta, dict):
        meta.pop('config', None)
    if isinstance(hub, dict) and isinstance(hub.get('log_scalars'), dict):
        logs = hub['log_scalars']
        for key, log in logs.items():
            if isinstance(log, SavedLog):
                logs[key] = HistoryBuffer(*log.arguments)
    return found


def _reason(error: Exception) -> str:
    """The sentence of torch's message that names what is refused."""
    sentences = [line.strip() for line in str(error).splitlines()
                 if any(word in line for word in REFUSED)]
    return sentences[-1].split('. ')[0].removeprefix('WeightsUnpickler error: ')
