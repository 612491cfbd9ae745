"""A frozen branch that computes each view of a sample once."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from mmfkd.caching import CacheOptions, TeacherOutputs

from .branch import Branch, BranchOutput


class CachedBranch(Branch):
    """A teacher whose taps are read from disk where they have been computed before.

    Samples that say which view they are (:class:`mmfkd.datasets.ViewedDataset`) are looked up in
    ``outputs``; the network runs on a batch of which one is missing. What a loss is given is
    rounded to the type on disk in both cases, so that a run that is resumed, or the next one,
    gets the same numbers.

    Args:
        cache: arguments of :class:`mmfkd.caching.CacheOptions`.
        branch: arguments of :class:`Branch`.

    Attributes:
        outputs: where taps are kept; None, and nothing is kept, until
            :class:`mmfkd.engine.TeacherCacheHook` has opened it.
    """

    def __init__(self, cache: Mapping[str, Any], branch: Mapping[str, Any]) -> None:
        super().__init__(**branch)
        self.cache = CacheOptions(**cache)
        self.outputs: TeacherOutputs | None = None

    def forward(self, inputs: Mapping[str, Tensor], data_samples: list | None = None,
                mode: str = 'tensor', record: bool | Sequence[str] = True,
                available: Sequence[str] | None = None) -> BranchOutput:
        """See :class:`Branch`; without the network's output where all taps are read."""
        places = places_of(data_samples)
        if self.outputs is None or places is None or mode != 'tensor' or isinstance(record, bool):
            return super().forward(inputs, data_samples, mode, record, available)
        feats = self.outputs.load(record, places)
        if feats is None:
            if not set(self.modalities) <= set(inputs):
                raise RuntimeError(f'{self.outputs.folder} was whole when the epoch began, and is '
                                   'not any more: go on with --resume, which computes it anew')
            computed = super().forward(inputs, data_samples, mode, record, available)
            feats = self.outputs.store(computed.feats, places)
        device = next(self.model.parameters()).device
        return BranchOutput(None, {tap: feat.to(device, non_blocking=True).float()
                                   for tap, feat in feats.items()}, {})


def places_of(data_samples: list | None) -> list[tuple[int, int]] | None:
    """Sample and view of each of a batch; None where they do not say it."""
    views = [sample.metainfo.get('view') for sample in data_samples or ()]
    return None if not views or None in views else [tuple(view) for view in views]
