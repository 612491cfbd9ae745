"""A branch that is not trained: at a precision of its own, and computed once where it is kept."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import torch
from mmengine.logging import print_log
from torch import Tensor

from mmfkd.caching import CacheOptions, TeacherOutputs, one_shape

from .branch import Branch, BranchOutput

PRECISIONS = dict(float16=torch.float16, bfloat16=torch.bfloat16)


class FrozenBranch(Branch):
    """A teacher, whose pass may be cheaper than a student's.

    What it says of a part of its modalities would be another lesson, so it needs all of them. It
    runs without gradients, but not in PyTorch's inference mode, whose tensors no loss with a
    gradient could use.

    Args:
        branch: arguments of :class:`Branch`.
        autocast: 'bfloat16' or 'float16', the precision of its pass; None for that of the run.

    Raises:
        ValueError: another precision.
    """

    complete = True

    def __init__(self, branch: Mapping[str, Any], autocast: str | None = None) -> None:
        super().__init__(**branch)
        if autocast is not None and autocast not in PRECISIONS:
            raise ValueError(f"autocast='{autocast}' of a teacher: choose "
                             f"{' or '.join(PRECISIONS)}, or None for the precision of the run")
        self.autocast = autocast
        self.requires_grad_(False).train(False)

    def forward(self, inputs: Mapping[str, Tensor], data_samples: list | None = None,
                mode: str = 'tensor', record: bool | Sequence[str] = True,
                available: Sequence[str] | None = None) -> BranchOutput:
        """See :class:`Branch`."""
        device = next(iter(inputs.values())).device.type
        precision: AbstractContextManager = nullcontext() if self.autocast is None else (
            torch.autocast(device, PRECISIONS[self.autocast]))
        with precision:
            return super().forward(inputs, data_samples, mode, record, available)


class CachedBranch(FrozenBranch):
    """A teacher whose taps are read from disk where they have been computed before.

    Samples that say which view they are (:class:`mmfkd.datasets.ViewedDataset`) are looked up in
    ``outputs``; the network runs on a batch of which one is missing. What a loss is given is
    rounded to the type on disk in both cases, so that a run that is resumed, or the next one,
    gets the same numbers.

    Args:
        cache: arguments of :class:`mmfkd.caching.CacheOptions`.
        branch: arguments of :class:`Branch`.
        autocast: see :class:`FrozenBranch`.

    Attributes:
        outputs: where taps are kept; None, and nothing is kept, until
            :class:`mmfkd.engine.TeacherCacheHook` has opened it.
        kept: the taps that are, those of the losses; a batch of which others are asked for is
            computed.
        read_again: loads samples by their numbers, as a batch with all that the branch takes;
            there where ``outputs`` is.
    """

    read_again: Callable[[list[int]], dict]

    def __init__(self, cache: Mapping[str, Any], branch: Mapping[str, Any],
                 autocast: str | None = None) -> None:
        super().__init__(branch, autocast)
        self.cache = CacheOptions.of(cache)
        self.outputs: TeacherOutputs | None = None
        self.kept: frozenset[str] = frozenset()
        self._told = False

    def forward(self, inputs: Mapping[str, Tensor], data_samples: list | None = None,
                mode: str = 'tensor', record: bool | Sequence[str] = True,
                available: Sequence[str] | None = None) -> BranchOutput:
        """See :class:`Branch`; without the network's output where all taps are read.

        Raises:
            ValueError: the samples differ in size.
        """
        places = places_of(data_samples)
        asked = set() if isinstance(record, bool) else set(record)
        if self.outputs is None or places is None or not asked or not asked <= self.kept:
            return super().forward(inputs, data_samples, mode, record, available)
        taps, sizes = sorted(asked), one_shape(self._sizes_of(cast(list, data_samples)))
        feats = self.outputs.load(taps, places, sizes)
        if feats is None:
            if not set(self.modalities) <= set(inputs):
                self._tell()
                batch = self.read_again([sample for sample, _ in places])
                return self(batch['inputs'], batch['data_samples'], mode, record, available)
            computed = super().forward(inputs, data_samples, mode, taps, available)
            feats = self.outputs.store(computed.feats, places, sizes)
        device = next(self.model.parameters()).device
        return BranchOutput(None, {tap: feat.to(device, non_blocking=True).float()
                                   for tap, feat in feats.items()}, {})

    def _tell(self) -> None:
        """Warns once that outputs are gone that were there when the epoch began."""
        if not self._told and self.outputs is not None:
            self._told = True
            print_log(f'{self.outputs.folder} was whole when the epoch began, and is not any more: '
                      'samples of which something is missing are read again, and computed anew',
                      logger='current', level=logging.WARNING)

    def _sizes_of(self, data_samples: list) -> list[dict[str, tuple[int, ...]]]:
        """Shapes of each sample of a batch, of those of the branch's modalities that were read."""
        return [{name: shape for name, shape in sample.metainfo['shapes'].items()
                 if name in self.modalities} for sample in data_samples]


def places_of(data_samples: list | None) -> list[tuple[int, int]] | None:
    """Sample and view of each of a batch; None where they do not say it."""
    views = [sample.metainfo.get('view') for sample in data_samples or ()]
    return None if not views or None in views else [tuple(view) for view in views]
