"""The networks and the data sets that a run is made of, as its checks look at them."""

from collections.abc import Iterator

from mmengine.dataset import BaseDataset, ConcatDataset
from torch import nn

from mmfkd.models import CrossModalDistiller


def networks(model: nn.Module) -> dict[str, nn.Module]:
    """What is trained: place in the config, such as ``students.rgb.``, to a network."""
    if isinstance(model, CrossModalDistiller):
        return {f'students.{name}.': student.model for name, student in model.students.items()}
    return {'': model}


def datasets(dataset: object) -> Iterator[BaseDataset]:
    """The data sets of mmengine's kind that a wrapper, or several, is made of."""
    if isinstance(dataset, ConcatDataset):
        for one in dataset.datasets:
            yield from datasets(one)
    elif hasattr(dataset, 'dataset'):
        yield from datasets(dataset.dataset)
    elif isinstance(dataset, BaseDataset):
        yield dataset
