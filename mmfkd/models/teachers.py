"""Frozen branches, built with the weights that they were trained to."""

from collections.abc import Sequence
from typing import Any

from mmengine.logging import print_log

from mmfkd.checkpoints import load_network, resolve_checkpoint
from mmfkd.config import branch_config, without_init

from .frozen_branch import CachedBranch, FrozenBranch


class Teachers(dict):
    """Frozen branches by name. Copies of a model (EMA) share them instead of doubling them."""

    def __deepcopy__(self, memo: dict) -> 'Teachers':
        return self


def build_teacher(model: dict | None = None, modality: str | list | None = None,
                  norm: dict | None = None, taps: dict | None = None,
                  pool: Sequence[str] | None = None, config: str | None = None,
                  checkpoint: str = 'auto', cache: dict | None = None,
                  autocast: str | None = None, channels_last: bool | None = None
                  ) -> FrozenBranch:
    """Builds a frozen branch and loads its weights strictly.

    Args:
        model: see :class:`Branch`; or None to take it, the modality, the normalisation, the taps
            and ``pool`` from ``config``.
        modality: see :class:`Branch`.
        norm: see :class:`Branch`.
        taps: see :class:`Branch`; given together with ``config`` they replace its taps.
        pool: see :class:`Branch`; likewise.
        config: the config that the teacher was trained with.
        checkpoint: a file, a work dir, or 'auto'; see
            :func:`mmfkd.checkpoints.resolve_checkpoint`.
        cache: :class:`mmfkd.caching.CacheOptions` to keep what its taps record on disk; None runs
            the teacher in every step.
        autocast: see :class:`mmfkd.models.frozen_branch.FrozenBranch`.
        channels_last: see :class:`Branch`; likewise.

    Raises:
        FileNotFoundError: no checkpoint.
        ValueError: a checkpoint without weights or of another architecture.
    """
    spec: dict[str, Any] = dict(model=model, modality=modality, norm=norm, taps=taps, pool=pool,
                                channels_last=channels_last)
    if model is None:
        if config is None:
            raise ValueError("a teacher needs 'config', or 'model' and 'modality'")
        spec = branch_config(dict(spec, config=config))
    path = resolve_checkpoint(checkpoint, config)
    spec = {**spec, 'model': without_init(spec['model']), 'pool': spec.get('pool') or (),
            'channels_last': bool(spec.get('channels_last'))}
    branch = (FrozenBranch(spec, autocast) if cache is None else
              CachedBranch(cache, spec, autocast))
    branch.classes = load_network(branch.model, path, takes=branch.takes)
    print_log(f'teacher of {branch.modality}: {path}', logger='current')
    return branch
