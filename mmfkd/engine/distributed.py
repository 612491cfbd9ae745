"""Start and end of distributed runs."""

import gc
import os

import torch
from mmengine.config import Config

from mmfkd.config import branch_config


def first_rank(launcher: str) -> bool:
    """Whether this process is the first one of its run, before any process group is there.

    Args:
        launcher: of the run. Without one there is a single process, whatever a cluster has set.
    """
    variable = dict(pytorch='RANK', slurm='SLURM_PROCID', mpi='OMPI_COMM_WORLD_RANK').get(launcher)
    return variable is None or int(os.environ.get(variable, '0')) == 0


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


def end_together() -> None:
    """Waits for all ranks and ends the process group, if there is one.

    Threads of gloo that are alive when the interpreter ends abort the process, and the launcher
    calls a finished run a failed one. They live as long as a model wrapped for several processes
    refers to the group, so call this when no runner is in use any more: runners refer to
    themselves, and only the garbage collector frees them. A group that goes away later, with the
    model, can wait for ever for a thread that waits for the interpreter.
    """
    if torch.distributed.is_initialized():
        torch.distributed.barrier()
        gc.collect()
        torch.distributed.destroy_process_group()


def keep_timm_norms(cfg: Config) -> None:
    """Leaves batch norms unsynchronised where a student has a network of timm, and says so.

    timm's batch norms hold the activation after them, which torch's conversion to synchronised
    ones would drop.

    Args:
        cfg: the run's config, changed in place.
    """
    students = [branch_config(spec) for spec in cfg.model.get('students', {}).values()]
    if cfg.get('launcher', 'none') != 'none' and cfg.get('sync_bn') and 'TIMMBackbone' in str(
            students):
        cfg.sync_bn = None
        print('sync_bn is off: it would drop the activations inside the batch norms of timm')
