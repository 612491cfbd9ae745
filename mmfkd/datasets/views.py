"""Augmentation that is a function of the sample, so that it can be met again."""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

import torch
from mmcv.transforms import BaseTransform
from mmengine.dataset import BaseDataset, ConcatDataset

from mmfkd.registry import DATASETS

from .inside import held_by
from .random_state import kept_random_state, refuse_own_generators, seed_all


@DATASETS.register_module()
class ViewedDataset:
    """A data set whose samples come in a number of views, each with the same crop and flip again.

    Each step of the pipeline is seeded by ``seed``, sample, view and its place: a view does not
    depend on the order of the samples, on workers, on the random numbers of anything else, or on
    which modalities are read. The meta data of the data samples say which view they are, ``view``:
    ``(sample, view)``, and ``shapes``, modality to that of the sample before a batch pads it.

    Args:
        dataset: config of a data set with a pipeline, or of several that are concatenated.
        views: number of views.
        seed: of the augmentation.

    Raises:
        ValueError: less than one view, a data set that does more than to run its pipeline on one
            sample, or a step with a random generator of its own.
    """

    def __init__(self, dataset: dict, views: int, seed: int = 0) -> None:
        if views < 1:
            raise ValueError(f'views={views}: take 1 or more')
        self.dataset: Any = DATASETS.build(dataset)
        self.views = views
        self.seed = seed
        # Shared with workers that outlive an epoch.
        self._view = torch.zeros((), dtype=torch.int64).share_memory_()
        for part in self._parts(self.dataset):
            check_plain(part)
            refuse_own_generators(part.pipeline.transforms)

    @property
    def metainfo(self) -> dict:
        """That of the data set."""
        return self.dataset.metainfo

    @property
    def files(self) -> list[str]:
        """Files that steps of the pipelines say they have read, by an attribute ``files_read``."""
        return [str(file) for part in self._parts(self.dataset)
                for _, step in held_by(part.pipeline) if isinstance(step, BaseTransform)
                for file in getattr(step, 'files_read', ())]

    @property
    def view(self) -> int:
        """The view that is loaded now."""
        return int(self._view)

    @view.setter
    def view(self, view: int) -> None:
        self._view.fill_(view)

    def full_init(self) -> None:
        """Reads the lists of the data set."""
        self.dataset.full_init()

    def get_data_info(self, idx: int) -> dict:
        """One sample before its pipeline."""
        part, place = self._located(idx)
        return part.get_data_info(place)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, idx: int) -> dict:
        part, place = self._located(idx)
        view, data = self.view, part.get_data_info(place)
        with kept_random_state():
            for number, step in enumerate(part.pipeline.transforms):
                seed_all([self.seed, idx, view, number])
                data = step(data)
        shapes = {name: tuple(values.shape) for name, values in data['inputs'].items()}
        data['data_samples'].set_metainfo(dict(view=(idx, view), shapes=shapes))
        return data

    def _located(self, idx: int) -> tuple[Any, int]:
        """The data set that holds a sample, and its place there."""
        part, place = self.dataset, idx % len(self)
        while isinstance(part, ConcatDataset):
            ends = part.cumulative_sizes
            number = bisect_right(ends, place)
            place -= ends[number - 1] if number else 0
            part = part.datasets[number]
        return part, place

    def _parts(self, dataset: Any) -> Iterator[Any]:
        if isinstance(dataset, ConcatDataset):
            for part in dataset.datasets:
                yield from self._parts(part)
        else:
            yield dataset


def check_plain(dataset: object) -> None:
    """Refuses a data set whose samples are more than its pipeline makes of one of its list.

    Args:
        dataset: to be seen in views, which run the pipeline themselves.

    Raises:
        ValueError: it is a wrapper, as those that mix or repeat samples, or has a way of its own.
    """
    kind = type(dataset)
    if not isinstance(dataset, BaseDataset) or any(
            getattr(kind, name) is not getattr(BaseDataset, name)
            for name in ('__getitem__', 'prepare_data')):
        raise ValueError(f'{kind.__name__} has no pipeline for one sample whose random numbers a '
                         'view could repeat, as data sets that mix or repeat samples: give a data '
                         'set of mmengine that does not, or a ConcatDataset of some, or leave the '
                         'cache of the teacher out')
