"""Which classes the labels of a run hold."""

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from torch import Tensor

from mmfkd.engine.label_checks import may_lack_labels
from mmfkd.registry import HOOKS


@HOOKS.register_module()
class LabelCensusHook(Hook):
    """Counts the labels of the first pass over each split, and says which classes have none.

    A class without a label is not learned, and drops out of a mean over classes.

    Samples that the training set says may have no label are not looked at.

    Raises:
        ValueError: no label of a split counts, or those of a single class do beside ignored ones,
            as in masks of 0 and 255, which would give a mIoU of 100.
    """

    def __init__(self) -> None:
        self._counts: dict[str, Tensor] = {}
        self._told: set[str] = set()
        self._files: dict[str, str] = {}

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None,
                         outputs: dict | None = None) -> None:
        """Counts until all batches were seen once."""
        self._count(runner, 'train', data_batch)
        if batch_idx + 1 == len(runner.train_dataloader):
            self._tell(runner, 'train')

    def after_val_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None,
                       outputs: list | None = None) -> None:
        """Counts."""
        self._count(runner, 'val', data_batch)

    def after_test_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None,
                        outputs: list | None = None) -> None:
        """Counts."""
        self._count(runner, 'test', data_batch)

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Tells of validation."""
        self._tell(runner, 'val')

    def after_test_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Tells of the test."""
        self._tell(runner, 'test')

    def _count(self, runner: Runner, split: str, data_batch: dict | None) -> None:
        if split in self._told or not isinstance(data_batch, dict):
            return
        classes = len(_classes(runner, split))
        counts = self._counts.setdefault(split, torch.zeros(classes + 1, dtype=torch.long))
        for sample in data_batch.get('data_samples') or ():
            label = _label(sample)
            self._files.setdefault(split, sample.metainfo.get('seg_map_path') or '')
            if classes and label is not None:
                # The last place is for all that is no class.
                label = label.flatten().cpu().long()
                label = label.where((label >= 0) & (label < classes), torch.tensor(classes))
                counts += torch.bincount(label, minlength=classes + 1)

    def _tell(self, runner: Runner, split: str) -> None:
        if split in self._told or split not in self._counts:
            return
        self._told.add(split)
        counts, names = self._counts.pop(split), _classes(runner, split)
        all_reduce(counts)
        if counts.sum() == 0:
            return
        if split == 'train' and may_lack_labels(runner.train_dataloader.dataset):
            return
        if counts[:-1].sum() == 0:
            raise ValueError(f'no label of {split} counts: all are ignored, so that there is '
                             'nothing to score. Are the label files of this data set, and '
                             'reduce_zero_label and ignore_index right? Files without labels are '
                             'for mmfkd predict')
        present = [name for name, count in zip(names, counts[:-1].tolist(), strict=True) if count]
        absent = [name for name in names if name not in present]
        ignored = counts[-1] / counts.sum()
        if absent and len(present) == 1 and ignored:
            such = f', such as {self._files[split]},' if self._files.get(split) else ''
            raise ValueError(
                f'the labels of {split}{such} hold {present[0]!r} alone, and {ignored:.1%} of them '
                'are ignored, as 255 is: write masks of 0 and 255 as 0 and 1')
        if absent:
            runner.logger.warning(
                f'class {", ".join(map(repr, absent))} occurs in no label of {split}'
                + ('' if split == 'train' else ', and is left out of means over classes')
                + (f'; {ignored:.1%} of the labels are ignored' if ignored else ''))


def _classes(runner: Runner, split: str) -> tuple:
    data = getattr(runner, f'{split}_dataloader').dataset
    return tuple((getattr(data, 'metainfo', None) or {}).get('classes') or ())


def _label(sample: BaseDataElement) -> Tensor | None:
    """The label of a sample of mmseg or mmpretrain, if it has one."""
    if 'gt_sem_seg' in sample:
        return sample.gt_sem_seg.data
    return sample.gt_label if 'gt_label' in sample else None
