"""Work dirs of runs: their checkpoints, and the summary that says that a run has ended."""

import json
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np
from mmengine.config import Config
from mmengine.logging import print_log
from torch import Tensor

from mmfkd.config import default_work_dir, shown
from mmfkd.whole_files import written_whole

from .reading import SAFETENSORS, is_whole

SUMMARY = 'summary.json'
_NUMBER = re.compile(r'\d+(?=\.pth$)')
_STEP = re.compile(r'(?:epoch|iter)_(\d+)\.pth')


def latest_checkpoint(work_dir: str | Path) -> tuple[Path | None, int]:
    """The newest whole ``epoch_N.pth`` or ``iter_N.pth``, and N; (None, 0) without any."""
    steps = sorted(((int(match[1]), path) for path in Path(work_dir).glob('*.pth')
                    if (match := _STEP.fullmatch(path.name))), reverse=True)
    return next(((path, step) for step, path in steps if is_whole(path)), (None, 0))


def best_checkpoint(work_dir: str | Path) -> Path | None:
    """The whole ``best_*.pth`` of the latest step, or None: a later best one is better.

    Raises:
        ValueError: several metrics have one.
    """
    paths = sorted(Path(work_dir).glob('best_*.pth'), key=_last_number, reverse=True)
    if len({_NUMBER.sub('', path.name) for path in paths}) > 1:
        raise ValueError(f'{work_dir} has a best checkpoint of more than one metric, and no '
                         'summary that tells which one counts: name one of the files '
                         f'{", ".join(sorted(path.name for path in paths))}')
    return next((path for path in paths if is_whole(path)), None)


def selected_checkpoint(work_dir: str | Path) -> Path | None:
    """The checkpoint that a run reports.

    Of a run that has ended it is the one in its summary: the best on validation, or the last if
    nothing selected one. Of another run it is the best so far, if there is one.

    Raises:
        ValueError: of another run that selects by several metrics, see :func:`best_checkpoint`.
    """
    summary = read_summary(work_dir)
    name = (summary or {}).get('checkpoint')
    if not isinstance(name, str) or name == 'None':
        return best_checkpoint(work_dir)
    path = Path(work_dir, Path(name).name)
    return path if is_whole(path) else None


def resolve_checkpoint(checkpoint: str | Path, config: str | Path | None = None,
                       work_dir: str | Path | None = None) -> Path:
    """Path of trained weights.

    Args:
        checkpoint: a file, a work dir (its selected checkpoint, or its last one where the run has
            no validation that would select one), or 'auto' or 'best', which are that of
            ``work_dir``.
        config: the config that the weights were trained with.
        work_dir: folder of the run; None takes the default one of ``config``.

    Raises:
        ValueError: 'auto' or 'best' with neither config nor work dir; a folder of transformers.
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
    if Path(path, f'model{SAFETENSORS}').is_file():
        raise ValueError(f'checkpoint {path} is the folder of a model of transformers, whose '
                         "weights have other names than here: docs/new_sensor.md, 'A network of "
                         "transformers', has the lines that make a checkpoint of it")
    selected = selected_checkpoint(path)
    if selected is None:
        newest = latest_checkpoint(path)[0]
        if newest and _selects_none(path):
            print_log(f'no validation selected a checkpoint: the last one is taken, {newest}',
                      logger='current', level=logging.WARNING)
            return newest
        named = path.suffix in ('.pth', SAFETENSORS)
        cures = ['check the path'] if named or not config else []
        cures += [f'name {newest} itself'] if newest else []
        if config:
            folder = path.parent if named else path
            where = '' if folder == Path() else f' --work-dir {folder}'
            resume = ' --resume' if latest_checkpoint(folder)[0] else ''
            cures.append(f'train it first: mmfkd train {shown(config)}{where}{resume}')
        named_in = (read_summary(path) or {}).get('checkpoint')
        lacking = (f'holds no whole {Path(named_in).name}, which its {SUMMARY} names'
                   if named_in else 'holds no best_*.pth')
        raise FileNotFoundError(f'checkpoint missing: {path} is no file and {lacking}; '
                                f'{", or ".join(cures)}')
    return selected


def _selects_none(work_dir: Path) -> bool:
    """Whether the config that mmengine left in a work dir has no validation.

    A run with validation that was stopped before its first has nothing selected yet.
    """
    configs = list(work_dir.glob('*.py'))
    if len(configs) != 1 or read_summary(work_dir) is not None:
        return False
    return Config.fromfile(configs[0], import_custom_modules=False).get('val_dataloader') is None


def read_summary(work_dir: str | Path) -> dict | None:
    """``summary.json`` of a run that has ended.

    None if there is none; also if it is damaged or no summary of a run, which is logged.
    """
    path = Path(work_dir, SUMMARY)
    try:
        summary = json.loads(path.read_text(encoding='utf-8'))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        print_log(f'{path} cannot be read ({error}): its run counts as not ended',
                  logger='current', level=logging.WARNING)
        return None
    if not isinstance(summary, dict) or not isinstance(summary.get('test'), dict):
        print_log(f'{path} is no summary of a run, which counts as not ended', logger='current',
                  level=logging.WARNING)
        return None
    return summary


def has_ended(work_dir: str | Path) -> bool:
    """Whether a run reached its end, after all its epochs or iterations, or early."""
    return read_summary(work_dir) is not None and selected_checkpoint(work_dir) is not None


def write_summary(work_dir: Path, summary: Mapping[str, object]) -> None:
    """Writes ``summary.json`` in one step: a summary that is there says that the run has ended."""
    with written_whole(work_dir / SUMMARY, durable=True) as temporary:
        temporary.write_text(json.dumps(plain(summary), indent=2) + '\n', encoding='utf-8')


def plain(value: object) -> object:
    """A value of a metric as JSON has it.

    Arrays and tensors become nested lists, numbers of numpy those of Python, and NaN and infinity,
    which JSON lacks, become None.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def step_of(checkpoint: str | Path) -> int | None:
    """N of ``epoch_N.pth`` or ``iter_N.pth``; None for another name."""
    match = _STEP.fullmatch(Path(checkpoint).name)
    return int(match[1]) if match else None


def set_aside(work_dir: str | Path, after: int = -1) -> Path | None:
    """Moves checkpoints and summary of an earlier run into a folder of their own.

    A new run in the same work dir would else be taken for the earlier one: ``--resume`` would find
    its later epochs, and its summary would say that the new run has ended.

    Args:
        work_dir: of the run.
        after: leave the summary, the best checkpoints and those up to this step.

    Returns:
        the folder, ``earlier_N`` in the work dir; None if there was nothing.
    """
    work_dir = Path(work_dir)
    found = [path for path in work_dir.glob('*.pth') if (step_of(path) or -1) > after]
    if after < 0:
        found += [*work_dir.glob('epoch_0.pth'), *work_dir.glob('best_*.pth'),
                  *work_dir.glob(SUMMARY), *work_dir.glob('last_checkpoint')]
    if not found:
        return None
    count = 1
    while (folder := work_dir / f'earlier_{count}').exists():
        count += 1
    folder.mkdir()
    for path in found:
        path.rename(folder / path.name)
    return folder


def _last_number(path: Path) -> int:
    numbers = re.findall(r'\d+', path.stem)
    return int(numbers[-1]) if numbers else 0
