"""Checks of a run some of whose samples have no label."""

from mmengine.runner import Runner
from mmpretrain.models.losses import CrossEntropyLoss
from mmseg.models.losses import CrossEntropyLoss as PixelCrossEntropyLoss
from torch import nn
from torch.utils.data import DataLoader

from mmfkd.datasets import SourceSampler
from mmfkd.datasets.labelled import all_labelled, has_label, none_labelled
from mmfkd.models import CrossModalDistiller, LabelledCrossEntropyLoss

from .run_parts import datasets, networks

FREE = ('kd, feature, pkd, rkd, ofd, afd, reviewkd, recommended, fdkd with align=None and '
        'task=None, or dist, dml and c2kd, which for masks need ignore_index=None')


def may_lack_labels(dataset: object) -> bool:
    """Whether a data set was told that samples may have no label."""
    return any(not all_labelled(getattr(part, 'labels', 'all')) for part in datasets(dataset))


def is_scored(dataset: object) -> bool:
    """Whether a data set can give a score: it was not told that labels are not looked at."""
    labels = [getattr(part, 'labels', 'all') for part in datasets(dataset)]
    return not labels or not all(map(none_labelled, labels))


def count_labelled(dataset: object) -> tuple[int, int]:
    """How many samples have a label, and how many there are."""
    infos = [part.get_data_info(i) for part in datasets(dataset) for i in range(len(part))]
    return sum(map(has_label, infos)), len(infos)


def check_sources(loader: DataLoader) -> None:
    """Refuses batches of another size than the numbers of its sources add up to.

    Raises:
        ValueError: says both.
    """
    counts = loader.sampler.counts if isinstance(loader.sampler, SourceSampler) else ()
    if counts and sum(counts) != loader.batch_size:
        raise ValueError(f'train_dataloader.sampler.counts={list(counts)} add up to {sum(counts)}, '
                         f'but train_dataloader.batch_size={loader.batch_size}: make them equal')


def check_labels(runner: Runner, model: nn.Module) -> None:
    """Refuses a training on samples without labels that could learn nothing from them.

    Raises:
        ValueError: a batch is no sum of its sources; validation looks at no label; there is no
            label and no loss that does without; or the loss of a network counts samples without a
            label.
    """
    check_sources(runner.train_dataloader)
    if runner.val_loop and not is_scored(runner.val_loop.dataloader.dataset):
        raise ValueError("val_dataloader.dataset.labels='none' leaves nothing to score: hold out "
                         'samples with labels, or select on none and take the last checkpoint: '
                         'val_dataloader=None')
    data = runner.train_dataloader.dataset
    if not may_lack_labels(data):
        return
    count, total = count_labelled(data)
    runner.logger.info(f'{count} of {total} training samples have a label')
    losses = dict(model.losses.items()) if isinstance(model, CrossModalDistiller) else {}
    images = 'gt_label' not in next(datasets(data)).get_data_info(0)
    needing = [name for name, loss in losses.items() if loss.leaves_out_unlabelled(images)]
    if count == 0 and len(needing) == len(losses):
        why = (f'{", ".join(needing)} needs labels too' if needing else
               'the model has no distillation loss')
        raise ValueError(f'no sample of train has a label, and {why}, so there is nothing to learn:'
                         f' take a method that does without labels ({FREE}), or label some samples')
    if needing:
        runner.logger.warning(f'{", ".join(needing)} learns from the {count} samples with a label '
                              'alone')
    for place, network in networks(model).items():
        for name, module in network.named_modules():
            if isinstance(module, PixelCrossEntropyLoss) and not module.avg_non_ignore:
                raise ValueError(f'{place}{name} is a mean over all pixels, also those of the '
                                 f'{total - count} of {total} samples without a label: set '
                                 'avg_non_ignore=True of it')
        loss = getattr(getattr(network, 'head', None), 'loss_module', None)
        if isinstance(loss, nn.Module) and not isinstance(loss, LabelledCrossEntropyLoss):
            cure = ("'mmfkd.LabelledCrossEntropyLoss'" if isinstance(loss, CrossEntropyLoss) else
                    'a loss that leaves out negative labels, such as '
                    "'mmfkd.LabelledCrossEntropyLoss'")
            raise ValueError(f'{place}head.loss is {type(loss).__name__}, which counts the '
                             f'{total - count} of {total} samples without a label: set '
                             f'{place}head.loss.type to {cure}')
