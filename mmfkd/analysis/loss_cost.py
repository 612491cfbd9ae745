"""Time and memory that one loss costs in a training step."""

import multiprocessing
import re
from pathlib import Path
from statistics import median

import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from mmfkd.models import CrossModalDistiller

from .step_time import compare
from .untrained import build_model, random_data


def time_without(cfg: Config, loss: str, size: tuple[int, int], batch: int, steps: int,
                 warmup: int) -> dict[str, list[float]]:
    """Seconds of the step with and without a loss, in turns.

    Args:
        cfg: a distillation config.
        loss: name in ``model.losses``.
        size: height and width in pixels.
        batch: samples a step.
        steps: timed steps of each kind.
        warmup: untimed steps of each kind before them.

    Returns:
        'full' and 'floor', the latter without the loss.

    Raises:
        KeyError: no such loss.
    """
    model = _model(cfg)
    check_loss(model, loss)
    data = random_data(model, size, batch)
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    removed = model.losses[loss]

    def reduced() -> None:
        del model.losses[loss]
        model.train_step(data, optim_wrapper)
        model.losses[loss] = removed

    return compare(lambda: model.train_step(data, optim_wrapper), reduced, steps, warmup,
                   next(model.parameters()).device)


def peak_memory(cfg: Config, size: tuple[int, int] | dict[str, tuple[int, int]],
                batch: int) -> int:
    """Bytes that two training steps need beyond what is there before them.

    The steps run in a process of their own, because a process does not forget its peak.

    Raises:
        ValueError: that is nothing, as building the model took more.
    """
    with multiprocessing.get_context('spawn').Pool(1) as pool:
        peak = pool.apply(_peak, (cfg.to_dict(), size, batch, torch.get_num_threads()))
    if peak <= 0:
        raise ValueError(f'a step of batch {batch} at {size} needs less memory than building the '
                         'model: take a larger --size or --batch')
    return peak


def check_loss(model: CrossModalDistiller, loss: str) -> None:
    """Refuses the name of a loss that the model does not have.

    Raises:
        KeyError: names those that it has.
    """
    if loss not in model.losses:
        raise KeyError(f"no loss '{loss}'; the model has {list(model.losses.keys())}")


def _peak(config: dict, size: tuple[int, int], batch: int, threads: int) -> int:
    torch.set_num_threads(threads)
    cfg = Config(config)
    model = _model(cfg)
    data = random_data(model, size, batch)
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    cuda = torch.cuda.is_available()
    before = torch.cuda.memory_allocated() if cuda else _resident()
    for _ in range(2):
        model.train_step(data, optim_wrapper)
    return (torch.cuda.max_memory_allocated() if cuda else _resident()) - before


def _resident() -> int:
    """The largest number of bytes that this process has had in memory."""
    status = Path('/proc/self/status')
    if status.is_file():
        match = re.search(r'VmHWM:\s+(\d+) kB', status.read_text())
        if match:
            # What getrusage says begins at the peak of the process that started this one.
            return 1024 * int(match[1])
    # Not on every system; those without the file above have it.
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _model(cfg: Config) -> CrossModalDistiller:
    init_default_scope('mmfkd')
    model = build_model(cfg)
    return model.to('cuda' if torch.cuda.is_available() else 'cpu').train()


def medians(times: dict[str, list[float]]) -> tuple[float, float]:
    """Median seconds with and without the loss."""
    return median(times['full']), median(times['floor'])
