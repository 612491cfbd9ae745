"""Distributed runs on machines without a GPU."""

import torch
from mmengine.config import Config


def use_gloo_without_gpu(cfg: Config) -> None:
    """Prepares a distributed run on CPU, where mmengine's own start needs CUDA.

    Starts the gloo process group from torchrun's environment, keeps batch norms unsynchronised
    (SyncBN needs CUDA) and wraps the model without device ids. Does nothing for one process or
    with a GPU.

    Args:
        cfg: the run's config, changed in place.
    """
    if cfg.get('launcher', 'none') == 'none' or torch.cuda.is_available():
        return
    torch.distributed.init_process_group('gloo')
    cfg.sync_bn = None
    cfg.model_wrapper_cfg = dict(type='MMDistributedDataParallel', device_ids=None,
                                 broadcast_buffers=False)
