"""Time that one loss costs in a training step."""

from statistics import median

from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from mmfkd.models import CrossModalDistiller

from .devices import default_device
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


def check_loss(model: CrossModalDistiller, loss: str) -> None:
    """Refuses the name of a loss that the model does not have.

    Raises:
        KeyError: names those that it has.
    """
    if loss not in model.losses:
        raise KeyError(f"no loss '{loss}'; the model has {list(model.losses.keys())}")


def _model(cfg: Config) -> CrossModalDistiller:
    init_default_scope('mmfkd')
    model = build_model(cfg)
    return model.to(default_device()).train()


def medians(times: dict[str, list[float]]) -> tuple[float, float]:
    """Median seconds with and without the loss."""
    return median(times['full']), median(times['floor'])
