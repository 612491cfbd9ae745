"""Batches of a stated make-up."""

from collections.abc import Iterator, Sequence, Sized
from math import ceil

import torch
from mmengine.dataset import BaseDataset, ConcatDataset
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from mmfkd.registry import DATA_SAMPLERS

from .labelled import has_label
from .views import ViewedDataset


@DATA_SAMPLERS.register_module()
class SourceSampler(Sampler):
    """Draws batches with a fixed number of samples of each source.

    The sources are the data sets of a ``ConcatDataset``; of a single data set they are its samples
    with a label and those without. An epoch goes through every source at least once; the sources
    that end earlier are gone through again, in another order.

    Args:
        dataset: given by the loader.
        counts: samples of each source in a batch; their sum is ``batch_size`` of the loader.
        seed: of the order; the run's by default.

    Raises:
        ValueError: other numbers than sources, a count below 1, or a source without a sample.

    Example:
        >>> train_dataloader = dict(
        ...     batch_size=16, sampler=dict(type='SourceSampler', counts=[4, 12]),
        ...     dataset=dict(type='ConcatDataset', datasets=[labelled, unlabelled]))
    """

    def __init__(self, dataset: Sized, counts: Sequence[int], seed: int | None = None) -> None:
        self.sources, self.counts = sources(dataset), tuple(counts)
        sizes = [len(source) for source in self.sources]
        if len(counts) != len(sizes) or min(counts) < 1:
            raise ValueError(f'SourceSampler: counts={list(counts)}, but there are {len(sizes)} '
                             'sources: give a number of 1 or more for each')
        if min(sizes) == 0:
            raise ValueError(f'SourceSampler: the sources have {sizes} samples: every one needs '
                             "some, so give the data set labels such as labels='some', or several "
                             'data sets')
        self.rank, self.world_size = get_dist_info()
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0
        longest = max(size / count for size, count in zip(sizes, counts, strict=True))
        self.batches = ceil(longest / self.world_size)

    def __iter__(self) -> Iterator[int]:
        """Indices of the batches of this process, one batch after the other."""
        draw = torch.Generator().manual_seed(self.seed + self.epoch)
        total = self.batches * self.world_size
        orders = [_cycled(source, total * count, draw)
                  for source, count in zip(self.sources, self.counts, strict=True)]
        for batch in range(self.rank, total, self.world_size):
            for order, count in zip(orders, self.counts, strict=True):
                yield from order[batch * count:(batch + 1) * count]

    def __len__(self) -> int:
        """Samples of this process in an epoch."""
        return self.batches * sum(self.counts)

    def set_epoch(self, epoch: int) -> None:
        """Another order for each epoch."""
        self.epoch = epoch


def _cycled(source: Sequence[int], length: int, draw: torch.Generator) -> list[int]:
    found: list[int] = []
    while len(found) < length:
        found += [source[i] for i in torch.randperm(len(source), generator=draw).tolist()]
    return found[:length]


def sources(dataset: Sized) -> list[list[int]]:
    """Indices of the data sets of a ``ConcatDataset``, or of what has a label and what has none.

    Raises:
        ValueError: a data set of another kind than mmengine's.
    """
    if isinstance(dataset, ViewedDataset):
        return sources(dataset.dataset)
    if isinstance(dataset, ConcatDataset):
        ends = dataset.cumulative_sizes
        return [list(range(start, end)) for start, end in zip([0, *ends], ends, strict=False)]
    if not isinstance(dataset, BaseDataset):
        raise ValueError(f'SourceSampler: {type(dataset).__name__} has no sources: give it a '
                         'ConcatDataset, or one data set some of whose samples have a label')
    marks = [has_label(dataset.get_data_info(i)) for i in range(len(dataset))]
    return [[i for i, mark in enumerate(marks) if mark is wanted] for wanted in (True, False)]
