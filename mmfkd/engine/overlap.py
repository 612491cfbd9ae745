"""Samples, and files of samples, that are trained on and scored."""

from collections.abc import Mapping
from typing import NamedTuple

from mmengine.dist import is_main_process
from mmengine.runner import Runner

from .label_checks import is_scored
from .run_parts import datasets

CURES = dict(
    validation="Hold some out (subset='fit' for training, 'val' for validation), or train on all "
               'and take the last checkpoint: val_dataloader=None',
    test='Name samples of their own in test_dataloader, or test on none: test_dataloader=None')


class Identity(NamedTuple):
    """What tells a sample apart.

    Attributes:
        whole: all of it.
        files: of its modalities that are read, with their places in time.
    """

    whole: str
    files: frozenset[str]


def warn_of_overlap(runner: Runner) -> None:
    """Warns of samples that are trained on and scored, or selected by and tested.

    Samples may also have a file in common, such as an image with several texts.
    """
    if not is_main_process():
        return
    trained = identities(runner.train_dataloader.dataset)
    scored = {split: identities(loop.dataloader.dataset)
              if loop and is_scored(loop.dataloader.dataset) else []
              for split, loop in (('validation', runner.val_loop), ('test', runner.test_loop))}
    wholes, files = _wholes(trained), frozenset().union(*(one.files for one in trained))
    for split, samples in scored.items():
        both = len(wholes & _wholes(samples))
        if both:
            runner.logger.warning(
                f'{both} of {len(_wholes(samples))} {split} samples are trained on: their score '
                f'says nothing about new ones. {CURES[split]}')
        shared = sum(bool(one.files & files) for one in samples if one.whole not in wholes)
        if shared:
            runner.logger.warning(
                f'{shared} of {len(samples)} {split} samples have a file of a sample that is '
                'trained on, beside others of their own: their score says little about new ones. '
                "Hold out together what belongs together: 'group' of the data set")
    selecting, tested = (_wholes(samples) for samples in scored.values())
    both = len(selecting & tested)
    if both:
        runner.logger.warning(
            f'{both} of {len(tested)} test samples select the checkpoint too: its score on them '
            "is the best of all epochs, not that of new samples. Hold some of the training set out "
            "to select on (subset='fit' for training, 'val' for validation)")


def warn_of_parts(runner: Runner) -> None:
    """Warns of parts that are no two parts of one list.

    A validation on a share, where training does not take the rest; and groups to be kept whole,
    where nothing is parted.
    """
    if not is_main_process():
        return
    training = runner.train_dataloader.dataset
    validation = runner.val_loop.dataloader.dataset if runner.val_loop else None
    if _lists(validation, 'val') - _lists(training, 'fit'):
        runner.logger.warning(
            "validation is on a share of its samples (subset='val'), and training not on the rest "
            "of these (subset='fit' of the same split): where validation has files of its own, set "
            'val_dataloader.dataset.subset=None and train_dataloader.dataset.subset=None, or, '
            "where they have the same samples, give both the same list, with labels='some' where "
            'labels are missing')
    parts = [*datasets(training), *datasets(validation)]
    if any(getattr(part, 'group', None) is not None for part in parts) and not any(
            getattr(part, 'subset', None) for part in parts):
        runner.logger.warning(
            "'group' of the data sets does nothing, as no share is held out that it would keep "
            "whole: set train_dataloader.dataset.subset='fit' and val_dataloader.dataset."
            "subset='val' of the same split, or leave it out")


def _lists(dataset: object, subset: str) -> set[str]:
    """What tells the lists apart of which the parts of a data set are a share."""
    return {str([getattr(part, key, None) for key in ('ann_file', 'data_prefix', 'split')])
            for part in datasets(dataset) if getattr(part, 'subset', None) == subset}


def identities(dataset: object) -> list[Identity]:
    """What tells the samples of a data set apart, where it is one of mmengine's kind."""
    keys = ('modalities', 'img_path', 'scene_seed')
    infos = (part.get_data_info(i) for part in datasets(dataset) for i in range(len(part)))
    named = ({key: info[key] for key in keys if key in info} for info in infos)
    return [Identity(str(info), frozenset(
        str(spec) for spec in info.get('modalities', {}).values()
        if isinstance(spec, Mapping) and {'path', 'folder'} & spec.keys()))
        for info in named if info]


def _wholes(samples: list[Identity]) -> set[str]:
    return {one.whole for one in samples}
