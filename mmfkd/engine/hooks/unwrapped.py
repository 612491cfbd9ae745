"""The distiller of a runner."""

from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmfkd.models import CrossModalDistiller


def unwrapped(runner: Runner) -> CrossModalDistiller:
    """A runner's model without what wraps it for several processes."""
    return runner.model.module if is_model_wrapper(runner.model) else runner.model
