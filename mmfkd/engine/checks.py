"""Checks of a run before its first step, with messages in place of those of others."""

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import cv2
from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.runner import Runner
from torch import nn

from mmfkd.config.option_keys import near_misses
from mmfkd.config.options import reading_loader
from mmfkd.config.schedules import check_schedules
from mmfkd.datasets import labelled
from mmfkd.models import CrossModalDistiller

from .hooks.checkpoint import counts_iterations, length
from .hooks.unwrapped import unwrapped
from .hooks.weak_combination import check_weak_combinations
from .label_checks import check_labels
from .overlap import warn_of_overlap, warn_of_parts
from .run_parts import networks

# Parts of messages of torch, OpenCV and numpy, and what they mean here.
EXPLAINED = {
    'Expected more than 1 value per channel when training': (
        'a batch norm saw a single value a channel, as a layer of 1x1 pixels gives for a batch of '
        'one: set train_dataloader.batch_size to 2 or more, and train_dataloader.drop_last=True if '
        'the last batch of an epoch is of one sample'),
    "in function 'copyMakeBorder'": (
        'Pad of mmcv and mmseg takes images of up to 4 channels, and the stacked modalities have '
        'more: take it out of the pipeline, and set model.data_preprocessor.size_divisor, which '
        'pads a batch, labels with 255'),
    '(-15:Bad number of channels)': (
        'a step of colours, such as PhotoMetricDistortion, was given stacked modalities: put it '
        "before StackModalities, into dict(type='ForModality', modality=..., transforms=[...])"),
    'could not broadcast input array from shape (3,)': (
        'a step that fills with a colour, such as RandomCutOut, was given stacked modalities of '
        'more channels: set its fill_in to as many numbers, or one number for all')}


def check_config(cfg: Config) -> None:
    """Refuses a config that cannot be run, and warns of keys that are almost those of a run.

    Raises:
        ValueError: it has no model, is to train for less than one epoch or iteration, is to be
            compiled, states a number of a loss that a schedule moves to another, or labels of its
            training set that are none.
        SystemExit: ``--launcher pytorch`` without torchrun.
    """
    if not cfg.get('model'):
        raise ValueError(f"{cfg.filename} has no 'model': name a config of a run, such as those in "
                         'configs/unimodal and configs/fdkd, and not one of the parts in _base_')
    planned = length(cfg)
    if planned is not None and planned < 1:
        unit = 'max_iters' if counts_iterations(cfg) else 'max_epochs'
        raise ValueError(f'train_cfg.{unit}={planned}: train for 1 or more; to test a '
                         'checkpoint, run mmfkd test')
    if ((cfg.get('default_hooks') or {}).get('checkpoint') or {}).get('out_dir'):
        raise ValueError('default_hooks.checkpoint.out_dir is not supported, as a run is found by '
                         'its work dir: leave it out, and name the folder with --work-dir')
    if cfg.get('compile') not in (None, False) and cfg.model.get('students'):
        raise ValueError('compile would compile the step with its taps, and drop the gradients of '
                         "what they record: write default_hooks.compile.type=CompileHook in its "
                         "place, which compiles the student's backbone between its taps")
    for key, close in near_misses(cfg).items():
        print_log(f"{cfg.filename}: nothing reads '{key}'; did you mean '{close}'? A variable of "
                  'your own needs a name that is less like it', logger='current',
                  level=logging.WARNING)
    check_schedules(cfg)
    data = (cfg.get('train_dataloader') or {}).get('dataset') or {}
    labelled.check_labels(data.get('labels', 'all'))
    if cfg.get('launcher') == 'pytorch' and 'RANK' not in os.environ:
        sys.exit('--launcher pytorch is for processes that torchrun starts: run '
                 'tools/dist_train.sh CONFIG GPUS, or torchrun --nproc_per_node GPUS -m mmfkd '
                 'train CONFIG --launcher pytorch')


def check_runner(runner: Runner) -> None:
    """Refuses a run that would fail or mislead, and warns of what selects on trained samples.

    Raises:
        SystemExit: the training set is smaller than a batch.
        FileNotFoundError, ValueError: the test set cannot be built.
        ValueError: a head has another number of classes than the data; a teacher whose logits a
            loss takes was trained on others; a batch is too small for a loss; a regularisation
            loss of MMANet would stay 0; or labels are missing, see
            :mod:`mmfkd.engine.label_checks`.
    """
    data = runner.train_dataloader.dataset
    if len(runner.train_dataloader) == 0:
        sys.exit(f'{len(data)} training samples are less than one batch: lower '
                 f'train_dataloader.batch_size={runner.cfg.train_dataloader.batch_size}')
    classes = (getattr(data, 'metainfo', None) or {}).get('classes') or ()
    for place, head in heads(unwrapped(runner)):
        count = getattr(head, 'num_classes', None)
        if classes and count is not None and count != len(classes):
            raise ValueError(f'{place} has num_classes={count}, but {type(data).__name__} has '
                             f'{len(classes)} classes ({", ".join(map(repr, classes[:10]))}'
                             f'{", ..." if len(classes) > 10 else ""}): '
                             'set num_classes of the head, or metainfo.classes of the data set, '
                             'or correct labels that are none of your classes')
    check_teachers(unwrapped(runner), tuple(map(str, classes)))
    check_batch(unwrapped(runner), runner.train_dataloader.batch_size)
    check_weak_combinations(runner)
    check_test_set(runner)
    check_labels(runner, unwrapped(runner))
    warn_of_overlap(runner)
    warn_of_parts(runner)


def check_test_set(runner: Runner) -> None:
    """Builds the test set, so that files which it lacks stop a run before it starts.

    Without one, nor one of validation, it says what will lack it.

    Raises:
        FileNotFoundError, ValueError: it cannot be built; the message says how to go without.
    """
    try:
        _ = runner.test_loop
    except (FileNotFoundError, ValueError) as error:
        kind = FileNotFoundError if isinstance(error, FileNotFoundError) else ValueError
        raise kind(f'{error} That is the test set, on which the run is scored at its end: '
                          'to train without one, set test_dataloader=None') from error
    if not reading_loader(runner.cfg):
        runner.logger.warning(
            'there is neither test_dataloader nor val_dataloader, whose data set says how mmfkd '
            'predict and mmfkd export read files: they will refuse this run. Keep test_dataloader; '
            "with dataset.labels='none' nothing is tested")


def check_teachers(model: nn.Module, classes: Sequence[str]) -> None:
    """Refuses teachers of other classes than those of the data, where a loss takes their logits.

    Raises:
        ValueError: names the classes that differ.
    """
    if not isinstance(model, CrossModalDistiller) or not classes:
        return
    for name, teacher in model.teachers.items():
        said = class_difference('the teacher', teacher.classes, 'the data', classes)
        if said and f'{name}.logits' in model.loss_taps:
            raise ValueError(f"teacher '{name}' was trained on other classes than those of "
                             f'train_dataloader, so that its logits mean others: {said}. Train a '
                             'teacher on the same metainfo.classes, or distil features alone')


def check_batch(model: nn.Module, size: int | None) -> None:
    """Refuses batches in which a loss is 0 because it has too few samples to compare.

    Args:
        model: of the runner.
        size: of the batches of a process, where there is one.

    Raises:
        ValueError: names the loss and the size that it needs.
    """
    if not isinstance(model, CrossModalDistiller) or size is None:
        return
    for name, loss in model.losses.items():
        if loss.weight and size < loss.least_samples:
            raise ValueError(f'losses.{name} is 0 whatever it compares, as batches of {size} have '
                             'too few samples: set train_dataloader.batch_size to '
                             f'{loss.least_samples} or more, for each process, or leave the loss '
                             f'out with model.losses.{name}=None')


def class_difference(one: str, own: Sequence[str], other: str, classes: Sequence[str]
                     ) -> str | None:
    """In what two lists of classes differ; None where they do not, or one is not known.

    Args:
        one: whose the first list is.
        own: the first list.
        other: whose the second list is.
        classes: the second list.
    """
    if not own or not classes or tuple(own) == tuple(classes):
        return None
    alone = {one: [name for name in own if name not in classes],
             other: [name for name in classes if name not in own]}
    return '; '.join(f'{whose} alone has {", ".join(map(repr, names[:5]))}'
                     for whose, names in alone.items() if names) or 'their order differs'


def heads(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The heads of students, or of a plain model, with their places."""
    for place, network in networks(model).items():
        for name in ('decode_head', 'decode_heads', 'fusion_head', 'auxiliary_head', 'head'):
            head = getattr(network, name, None)
            if isinstance(head, (nn.ModuleDict, nn.ModuleList)):  # one for each output
                yield from ((f'{place}{name}.{key}', one) for key, one in head.named_children())
            elif isinstance(head, nn.Module):
                yield f'{place}{name}', head


@contextmanager
def explained_errors() -> Iterator[None]:
    """Says what known errors of torch and OpenCV mean.

    Raises:
        ValueError: with the cure, in place of such an error.
    """
    try:
        yield
    except (ValueError, RuntimeError, cv2.error) as error:
        for part, meaning in EXPLAINED.items():
            if part in str(error):
                raise ValueError(meaning) from error
        raise
