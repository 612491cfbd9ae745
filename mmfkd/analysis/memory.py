"""Peak memory of training steps."""

import gc
import multiprocessing
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.utils import import_modules_from_strings

from .untrained import build_model, random_data

STATUS = Path('/proc/self/status')


def peak_memory(cfg: Config, size: Sequence[int] | Mapping[str, Sequence[int]], batch: int,
                with_weights: bool = False) -> int:
    """Bytes that two training steps need.

    The steps run in a process of their own, because a process does not forget its peak.

    Args:
        cfg: a distillation config, or a unimodal one.
        size: height and width in pixels, or those of each modality.
        batch: samples a step.
        with_weights: whether students and teachers themselves are counted.

    Raises:
        ValueError: that is nothing, as building the model took more.
    """
    with multiprocessing.get_context('spawn').Pool(1) as pool:
        peak = pool.apply(_peak, (cfg.to_dict(), size, batch, torch.get_num_threads(),
                                  with_weights))
    if peak <= 0:
        raise ValueError(f'a step of batch {batch} at {size} needs less memory than building the '
                         'model: take a larger --size or --batch')
    return peak


def _peak(config: dict, size: Sequence[int] | Mapping[str, Sequence[int]], batch: int,
          threads: int, with_weights: bool) -> int:
    torch.set_num_threads(threads)
    cfg = Config(config)
    if cfg.get('custom_imports'):
        import_modules_from_strings(**cfg.custom_imports)
    init_default_scope('mmfkd')
    empty = _in_use()
    model = build_model(cfg)
    model = model.to('cuda' if torch.cuda.is_available() else 'cpu').train()
    data = random_data(model, size, batch)
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    gc.collect()
    before = empty if with_weights else _in_use()
    _forget_peak()
    for _ in range(2):
        model.train_step(data, optim_wrapper)
    return largest() - before


def _in_use() -> int:
    """The number of bytes that this process has on the GPU, or without one in memory."""
    if torch.cuda.is_available():
        return torch.cuda.memory_allocated()
    return _of_status('VmRSS') if STATUS.is_file() else largest()


def largest() -> int:
    """The largest number of bytes that it has had."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    if STATUS.is_file():
        # What getrusage says begins at the peak of the process that started this one.
        return _of_status('VmHWM')
    # Not on every system; those without the file above have it.
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _forget_peak() -> None:
    """Begins anew to look for the largest; on a CPU where the system can."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        return
    with suppress(OSError):
        Path('/proc/self/clear_refs').write_text('5')


def _of_status(name: str) -> int:
    match = re.search(rf'{name}:\s+(\d+) kB', STATUS.read_text())
    return 1024 * int(match[1]) if match else 0
