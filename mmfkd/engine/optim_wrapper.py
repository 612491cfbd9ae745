"""Mixed precision, on the CPU too."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from torch import nn

from mmfkd.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """bfloat16 autocast on the CPU; ``--amp`` takes it on machines without a GPU.

    bfloat16 has the range of float32, so gradients need no scaling. mmengine's
    ``AmpOptimWrapper`` asserts that there is a GPU.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Autocast around the forward pass."""
        with super().optim_context(model), torch.autocast('cpu', torch.bfloat16):
            yield


def use_amp(cfg: Config) -> None:
    """Mixed precision: float16 on a GPU, bfloat16 on a CPU."""
    cuda = torch.cuda.is_available()
    cfg.optim_wrapper.type = 'AmpOptimWrapper' if cuda else 'mmfkd.BFloat16OptimWrapper'
