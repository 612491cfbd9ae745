"""Tensors of a training step, handed from taps and labels to losses."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import torch
from mmengine.dist import all_reduce
from torch import Tensor

from mmfkd.config import TapKey

from .losses.shapes import IGNORED


class TrainingPass(NamedTuple):
    """What the forward half of a training step computes.

    Attributes:
        feats: ``branch.tap`` to what it recorded.
        tasks: student to its task losses.
        terms: distillation loss to its weighted terms.
    """

    feats: dict[str, Tensor]
    tasks: dict[str, dict[str, Tensor]]
    terms: dict[str, dict[str, Tensor]]

    def losses(self) -> dict[str, Tensor]:
        """Task losses and terms, as mmengine sums and logs them."""
        return {f'{name}.{key}': value for losses in (self.tasks, self.terms)
                for name, values in losses.items() for key, value in values.items()}


def named_taps(loss: Any) -> list[str]:
    """Every ``branch.tap`` that a loss names."""
    return [key for keys in loss.inputs.values()
            for key in ((keys,) if isinstance(keys, str) else keys)]


def taps_of(keys: Iterable[str], branch: str) -> list[str]:
    """The taps of a branch among several ``branch.tap``, sorted."""
    return sorted({key.tap for key in map(TapKey.parse, keys) if key.branch == branch})


def route(loss: Any, feats: Mapping[str, Tensor], data_samples: list
          ) -> dict[str, Tensor | list[Tensor]]:
    """Arguments of a loss: what the taps it names recorded, and the labels if it needs them."""
    tensors = {argument: feats[keys] if isinstance(keys, str) else [feats[key] for key in keys]
               for argument, keys in loss.inputs.items()}
    return dict(tensors, gt=stack_labels(data_samples)) if loss.needs_gt else tensors


def prefixed(prefix: str, values: Mapping) -> dict:
    """The values by ``prefix.key``."""
    return {f'{prefix}.{key}': value for key, value in values.items()}


def labelled_share(data_samples: list) -> Tensor | float:
    """The share of a batch's samples that have a label, if it be a map that counts nothing."""
    if 'gt_sem_seg' in data_samples[0]:
        # A data set without the file of a label says so.
        marks = [sample.metainfo.get('seg_map_path', '') is not None for sample in data_samples]
        return sum(marks) / len(marks)
    if 'gt_label' not in data_samples[0]:
        return 1.0
    return (stack_labels(data_samples) >= 0).float().mean()


def any_label(data_samples: list, device: torch.device) -> bool:
    """Whether a label of a batch counts, in any process: of a sample, or of a pixel.

    Args:
        data_samples: the batch.
        device: that processes exchange tensors on.
    """
    there = True
    if 'gt_sem_seg' in data_samples[0]:
        there = bool((stack_labels(data_samples) != IGNORED).any())
    elif 'gt_label' in data_samples[0]:
        there = bool((stack_labels(data_samples) >= 0).any())
    count = torch.tensor(float(there), device=device)
    all_reduce(count)
    return bool(count > 0)


def counted_tasks(tasks: Mapping[str, Mapping], data_samples: list) -> dict[str, dict]:
    """Task losses, means over the labelled samples, as means over all samples of the batch.

    Args:
        tasks: student to its task losses.
        data_samples: the batch.
    """
    share = labelled_share(data_samples)
    return {name: {key: _times(share, value) if 'loss' in key else value
                   for key, value in losses.items()} for name, losses in tasks.items()}


def _times(share: Tensor | float, loss: Tensor | list[Tensor]) -> Tensor | list[Tensor]:
    return [share * part for part in loss] if isinstance(loss, list) else share * loss


def stack_labels(data_samples: list) -> Tensor:
    """Labels of a batch: (N, H, W) of segmentation samples, (N,) of classification samples."""
    if 'gt_sem_seg' in data_samples[0]:
        return torch.cat([sample.gt_sem_seg.data for sample in data_samples])
    return torch.cat([sample.gt_label for sample in data_samples])
