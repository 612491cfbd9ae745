"""Time that one loss costs in a training step."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median

from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from mmfkd.devices import default_device

from .step_time import compare
from .untrained import build_model, random_data

Size = Sequence[int] | Mapping[str, Sequence[int]]


def without_loss(cfg: Config, loss: str) -> Config:
    """A distillation config without one of its losses.

    Args:
        cfg: left as it is.
        loss: name in ``model.losses``.

    Raises:
        KeyError: names the losses that it has.
    """
    reduced = Config(cfg.to_dict())
    losses = reduced.model.get('losses') or {}
    if loss not in losses:
        raise KeyError(f"no loss '{loss}'; the model has {list(losses)}")
    losses.pop(loss)
    return reduced


def time_without(cfg: Config, reduced: Config, size: Size, batch: int, steps: int, warmup: int
                 ) -> dict[str, list[float]]:
    """Seconds of the steps of a config and of one without a loss of it, in turns.

    Args:
        cfg: a distillation config.
        reduced: see :func:`without_loss`.
        size: height and width in pixels, or those of each modality.
        batch: samples a step.
        steps: timed steps of each kind.
        warmup: untimed steps of each kind before them.

    Returns:
        'full' and 'floor', the latter without the loss.
    """
    init_default_scope('mmfkd')
    return compare(_step(cfg, size, batch), _step(reduced, size, batch), steps, warmup,
                   default_device())


def _step(cfg: Config, size: Size, batch: int) -> Callable[[], object]:
    model = build_model(cfg).to(default_device()).train()
    return partial(model.train_step, random_data(model, size, batch),
                   build_optim_wrapper(model, cfg.optim_wrapper))


def medians(times: dict[str, list[float]]) -> tuple[float, float]:
    """Median seconds with and without the loss."""
    return median(times['full']), median(times['floor'])
