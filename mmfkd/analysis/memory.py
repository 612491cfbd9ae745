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

from mmfkd.devices import default_device

from .untrained import build_model, random_data

STATUS = Path('/proc/self/status')


def peak_memory(cfg: Config, size: Sequence[int] | Mapping[str, Sequence[int]], batch: int,
                with_weights: bool = False, device: torch.device | None = None) -> int:
    """Bytes that two training steps need.

    The steps run in a process of their own, because a process does not forget its peak.

    Args:
        cfg: a distillation config, or a unimodal one.
        size: height and width in pixels, or those of each modality.
        batch: samples a step.
        with_weights: whether students and teachers themselves are counted.
        device: where the steps run; None takes the first GPU, else the CPU.

    Raises:
        ValueError: that is nothing, as building the model took more.
    """
    with multiprocessing.get_context('spawn').Pool(1) as pool:
        peak = pool.apply(_peak, (cfg.to_dict(), size, batch, torch.get_num_threads(),
                                  with_weights, device or default_device()))
    if peak <= 0:
        raise ValueError(f'a step of batch {batch} at {size} needs less memory than building the '
                         'model: take a larger --size or --batch')
    return peak


def _peak(config: dict, size: Sequence[int] | Mapping[str, Sequence[int]], batch: int,
          threads: int, with_weights: bool, device: torch.device) -> int:
    torch.set_num_threads(threads)
    cfg = Config(config)
    if cfg.get('custom_imports'):
        import_modules_from_strings(**cfg.custom_imports)
    init_default_scope('mmfkd')
    empty = _in_use(device)
    model = build_model(cfg).to(device).train()
    data = random_data(model, size, batch)
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    gc.collect()
    before = empty if with_weights else _in_use(device)
    _forget_peak(device)
    for _ in range(2):
        model.train_step(data, optim_wrapper)
    return largest(device) - before


def _in_use(device: torch.device) -> int:
    """The number of bytes that this process has on a device."""
    if device.type == 'cuda':
        return torch.cuda.memory_allocated(device)
    return _of_status('VmRSS') if STATUS.is_file() else largest(device)


def largest(device: torch.device) -> int:
    """The largest number of bytes that it has had."""
    if device.type == 'cuda':
        return torch.cuda.max_memory_allocated(device)
    if STATUS.is_file():
        # What getrusage says begins at the peak of the process that started this one.
        return _of_status('VmHWM')
    # Not on every system; those without the file above have it.
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _forget_peak(device: torch.device) -> None:
    """Begins anew to look for the largest; on a CPU where the system can."""
    if device.type == 'cuda':
        torch.cuda.reset_peak_memory_stats(device)
        return
    with suppress(OSError):
        Path('/proc/self/clear_refs').write_text('5')


def _of_status(name: str) -> int:
    match = re.search(rf'{name}:\s+(\d+) kB', STATUS.read_text())
    return 1024 * int(match[1]) if match else 0
