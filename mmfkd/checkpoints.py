"""Checkpoints: their files in work dirs, and their weights."""

import re
import zipfile
from pathlib import Path
from typing import cast

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from torch import Tensor, nn

from mmfkd.config import default_work_dir, shown

_STEP = re.compile(r'(?:epoch|iter)_(\d+)\.pth')


def is_whole(path: str | Path) -> bool:
    """Whether a checkpoint was written to its end: a zip file's directory comes last."""
    return zipfile.is_zipfile(path)


def latest_checkpoint(work_dir: str | Path) -> tuple[Path | None, int]:
    """The newest whole ``epoch_N.pth`` or ``iter_N.pth``, and N; (None, 0) without any."""
    steps = {int(match[1]): path for path in Path(work_dir).glob('*.pth')
             if (match := _STEP.fullmatch(path.name)) and is_whole(path)}
    step = max(steps, default=0)
    return steps.get(step), step


def best_checkpoint(work_dir: str | Path) -> Path | None:
    """The newest whole ``best_*.pth`` of a work dir, or None."""
    paths = [path for path in Path(work_dir).glob('best_*.pth') if is_whole(path)]
    return max(paths, key=lambda path: path.stat().st_mtime, default=None)


def resolve_checkpoint(checkpoint: str | Path, config: str | Path | None = None,
                       work_dir: str | Path | None = None) -> Path:
    """Path of trained weights.

    Args:
        checkpoint: a file, a work dir (its best checkpoint), or 'auto' or 'best', which are the
            best checkpoint of ``work_dir``.
        config: the config that the weights were trained with.
        work_dir: folder of the run; None takes the default one of ``config``.

    Raises:
        ValueError: 'auto' or 'best' with neither config nor work dir.
        FileNotFoundError: there is nothing; the message has the command that trains it.
    """
    path = Path(checkpoint)
    if str(checkpoint) in ('auto', 'best'):
        if config is None and work_dir is None:
            raise ValueError(f"checkpoint='{checkpoint}' needs 'config', the config that the "
                             'weights were trained with')
        path = Path(work_dir or default_work_dir(cast(str, config)))
    if path.is_file():
        return path
    best = best_checkpoint(path)
    if best is None:
        named = path.suffix == '.pth'
        cures = ['check the path'] if named or not config else []
        if config:
            folder = path.parent if named else path
            where = '' if folder == Path() else f' --work-dir {folder}'
            cures.append(f'train it first: mmfkd train {shown(config)}{where}')
        raise FileNotFoundError(f'checkpoint missing: {path} is no file and holds no '
                                f'best_*.pth; {", or ".join(cures)}')
    return best


def load_weights(path: str | Path) -> dict[str, Tensor]:
    """State dict of a checkpoint, read with ``weights_only``.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is truncated, is no checkpoint or has no weights.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'checkpoint {path} does not exist')
    try:
        with torch.serialization.safe_globals(safe_globals_of_mmengine()):
            content = torch.load(path, map_location='cpu', weights_only=True)
    except Exception as error:
        raise ValueError(f'checkpoint {path} cannot be read: it is truncated or not a PyTorch '
                         f'file of weights ({type(error).__name__}). Train or copy it again.'
                         ) from error
    weights = content.get('state_dict', content) if isinstance(content, dict) else {}
    if not weights or not all(isinstance(value, Tensor) for value in weights.values()):
        raise ValueError(f'checkpoint {path} has no weights: it needs a state_dict of tensors. '
                         'Name a checkpoint that a training run wrote.')
    return weights


def safe_globals_of_mmengine() -> list:
    """What mmengine puts into its checkpoints beside tensors: log histories and numpy scalars."""
    core = np._core if hasattr(np, '_core') else np.core
    dtypes = [type(np.dtype(name)) for name in ('float32', 'float64', 'int32', 'int64', 'uint32')]
    return [HistoryBuffer, core.multiarray._reconstruct, core.multiarray.scalar, np.ndarray,
            np.dtype, getattr, slice, *dtypes]


def branch_weights(weights: dict[str, Tensor], student: str | None = None) -> dict[str, Tensor]:
    """Weights of the network alone: of a student of a distiller's checkpoint, or all.

    Args:
        weights: state dict of a distiller, or of a plain network.
        student: its name; None takes the first.
    """
    names = [key.split('.')[1] for key in weights if key.startswith('students.')]
    if not names:
        return {key: value for key, value in weights.items()
                if not key.startswith('data_preprocessor.')}
    prefix = f'students.{student or names[0]}.model.'
    return {key[len(prefix):]: value for key, value in weights.items()
            if key.startswith(prefix)}


def load_network(model: nn.Module, path: str | Path, student: str | None = None) -> None:
    """Loads a network's weights from a checkpoint of a distiller, or of the network alone.

    Args:
        model: the network.
        path: of the checkpoint.
        student: name of the student whose weights they are; None takes the first.

    Raises:
        FileNotFoundError, ValueError: see :func:`load_weights` and :func:`load_strictly`.
    """
    load_strictly(model, branch_weights(load_weights(path), student), path)


def load_strictly(model: nn.Module, weights: dict[str, Tensor], source: str | Path) -> None:
    """Loads a network's weights; every key and every shape must fit.

    Raises:
        ValueError: they do not; the message counts and names the differences.
    """
    own = model.state_dict()
    missing = [key for key in own if key not in weights]
    unexpected = [key for key in weights if key not in own]
    shapes = [f'{key} {tuple(weights[key].shape)} instead of {tuple(own[key].shape)}'
              for key in own if key in weights and weights[key].shape != own[key].shape]
    problems = [f'{len(keys)} {what} ({", ".join(keys[:3])}{", ..." if len(keys) > 3 else ""})'
                for what, keys in (('missing', missing), ('unexpected', unexpected),
                                   ('of another shape', shapes)) if keys]
    if problems:
        raise ValueError(f'checkpoint {source} is of another architecture than '
                         f'{type(model).__name__}: {"; ".join(problems)}. Use the config that it '
                         'was trained with.')
    model.load_state_dict(weights)
