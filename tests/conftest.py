"""Small networks, batches, checkpoints and runners that the tests share."""

import gc
import os
import random
from logging import FileHandler
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import mmpretrain.models  # noqa: F401  registers what configs name; once, not in the first test
import mmseg.models  # noqa: F401
import numpy as np
import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmengine.structures import PixelData
from mmpretrain.structures import DataSample
from mmseg.structures import SegDataSample

from mmfkd.models.branch import Branch
from mmfkd.registry import MODELS

ROOT = Path(__file__).parents[1]
CLASSES = 4
CHANNELS = dict(rgb=3, depth=1)
NORM = dict(rgb=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375],
                     bgr_to_rgb=True),
            depth=dict(mean=[2841.95], std=[1417.26]))

os.environ['PIP_NO_INDEX'] = '1'  # nothing may be installed while tests run
# Two test processes run beside each other; more threads than cores slow both down many times.
os.environ['OMP_NUM_THREADS'] = '1'
torch.set_num_threads(1)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Takes what is imported out of the garbage collector's sight, which would look at it often."""
    gc.freeze()


@pytest.fixture(autouse=True)
def seeded():
    """Every test draws the same numbers, alone or after others."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def default_scope():
    """Types are looked up as in a config of mmfkd; what a runner changes is undone."""
    with DefaultScope.overwrite_default_scope('mmfkd'):
        yield


@pytest.fixture(autouse=True)
def closed_logs():
    """Ends the logs of runners whose folder went with an earlier test.

    mmengine keeps every logger. What sets up logging anew, as the server of the demo page does,
    closes their files, and the next message would open one in a folder that is no longer there.
    """
    for logger in MMLogger._instance_dict.values():
        for handler in list(logger.handlers):
            if isinstance(handler, FileHandler) and not Path(handler.baseFilename).exists():
                logger.removeHandler(handler)
                handler.close()


@pytest.fixture(autouse=True)
def quick_runners(monkeypatch):
    """Spares runners what takes seconds and is not tested.

    That is the layout of configs, a look at compilers and at git, and the collection of garbage
    for each data set, which takes longer the more is imported.
    """
    monkeypatch.setattr(Config, 'pretty_text', property(lambda cfg: ''.join(
        f'{key} = {value!r}\n' for key, value in cfg.to_dict().items())))
    monkeypatch.setattr('mmengine.runner.runner.collect_env', dict)
    monkeypatch.setattr('mmengine.runner.runner.get_git_hash', str)
    monkeypatch.setattr('mmengine.dataset.base_dataset.gc', SimpleNamespace(collect=int))


@pytest.fixture(scope='session')
def shared_data():
    """Folder of the real data sets; without it the test is skipped."""
    path = Path(os.environ.get('MMFKD_SHARED_DATA', ROOT.parent / 'shared' / 'data'))
    if not path.is_dir():
        pytest.skip(f'no data sets: {path} does not exist; set MMFKD_SHARED_DATA to their folder')
    return path


def _segmentor(channels=3, classes=CLASSES, width=8):
    return ConfigDict(
        _scope_='mmseg', type='EncoderDecoder',
        backbone=dict(type='ResNet', depth=18, in_channels=channels, stem_channels=8,
                      base_channels=width, num_stages=2, strides=(1, 2), dilations=(1, 1),
                      out_indices=(0, 1), norm_cfg=dict(type='BN')),
        decode_head=dict(type='FCNHead', in_channels=2 * width, in_index=1, channels=8,
                         num_convs=1, num_classes=classes, dropout_ratio=0.1,
                         norm_cfg=dict(type='BN'), align_corners=False,
                         loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)),
        train_cfg=dict(), test_cfg=dict(mode='whole'))


def _classifier(channels=3, classes=CLASSES):
    return ConfigDict(
        _scope_='mmpretrain', type='ImageClassifier',
        backbone=dict(type='ResNet', depth=18, in_channels=channels, stem_channels=8,
                      base_channels=8, num_stages=2, strides=(1, 2), dilations=(1, 1),
                      out_indices=(1,)),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=classes, in_channels=16,
                  loss=dict(type='CrossEntropyLoss')))


def _seg_branch(modality='rgb', **kwargs):
    return ConfigDict(
        modality=modality, norm=NORM[modality],
        taps=dict(feat='backbone.layer2.1.relu@in', logits='decode_head.conv_seg'),
        model=_segmentor(CHANNELS[modality], **kwargs))


def _cls_branch(modality='rgb'):
    return ConfigDict(modality=modality, norm=NORM[modality],
                      taps=dict(feat='neck[0]', logits='head.fc'),
                      model=_classifier(CHANNELS[modality]))


@pytest.fixture(scope='session')
def segmentor():
    """``segmentor(channels, classes, width)``: config of an EncoderDecoder on a small ResNet-18."""
    return _segmentor


@pytest.fixture(scope='session')
def classifier():
    """``classifier(channels, classes)``: config of an ImageClassifier on a small ResNet-18."""
    return _classifier


@pytest.fixture(scope='session')
def seg_branch():
    """``seg_branch(modality, classes, width)``: arguments of a Branch with taps feat, logits."""
    return _seg_branch


@pytest.fixture(scope='session')
def cls_branch():
    """``cls_branch(modality)``: likewise for classification."""
    return _cls_branch


def _inputs(sizes):
    return dict(rgb=[torch.randint(0, 256, (3, *size), dtype=torch.uint8) for size in sizes],
                depth=[torch.rand(1, *size) * 8000 for size in sizes])


@pytest.fixture
def seg_batch():
    """``seg_batch(sizes, classes)``: what the loader gives to the preprocessor, with labels."""
    def make(sizes=((32, 32), (32, 32)), classes=CLASSES):
        samples = []
        for size in sizes:
            label = PixelData(data=torch.randint(0, classes, (1, *size)))
            sample = SegDataSample(gt_sem_seg=label)
            sample.set_metainfo(dict(img_shape=size, ori_shape=size))
            samples.append(sample)
        return dict(inputs=_inputs(sizes), data_samples=samples)
    return make


@pytest.fixture
def cls_batch():
    """``cls_batch(labels)``: likewise with a class per image."""
    def make(labels=(0, 1)):
        return dict(inputs=_inputs([(32, 32)] * len(labels)),
                    data_samples=[DataSample().set_gt_label(label) for label in labels])
    return make


@pytest.fixture
def save_teacher(tmp_path):
    """``save_teacher(branch)``: random weights of a baseline's checkpoint; returns its path."""
    def save(branch, name='teacher.pth'):
        model = MODELS.build(ConfigDict(type='CrossModalDistiller',
                                        students=dict(student=branch)))
        # Statistics that are not the initial ones, so that a lost buffer shows.
        for key, value in model.state_dict().items():
            if 'running' in key:
                value.uniform_(0.5, 1.5)
        torch.save(dict(state_dict=model.state_dict(), meta=dict(epoch=1)), tmp_path / name)
        return tmp_path / name
    return save


@pytest.fixture
def distiller_config(save_teacher):
    """``distiller_config(losses, make, teachers, students)``: config of depth teaching rgb."""
    def make_config(losses=None, make=_seg_branch, teachers=None, students=None):
        if teachers is None:
            branch = make('depth')
            teachers = dict(teacher=dict(branch, checkpoint=str(save_teacher(branch))))
        return ConfigDict(type='CrossModalDistiller', teachers=teachers, losses=losses or {},
                          students=students or dict(student=make('rgb')),
                          data_preprocessor=dict(type='MultiModalDataPreprocessor'))
    return make_config


@pytest.fixture
def distiller(distiller_config):
    """``distiller(...)``: the same, built."""
    return lambda *args, **kwargs: MODELS.build(distiller_config(*args, **kwargs))


@pytest.fixture
def stub_branch():
    """``stub_branch(forward, modality)``: a Branch around a function of inputs and samples."""
    class Stub(torch.nn.Module):
        def __init__(self, function):
            super().__init__()
            self.function = function

        def forward(self, inputs, data_samples=None, mode='tensor'):
            return self.function(inputs, data_samples)

    return lambda function, modality='rgb', **kwargs: Branch(Stub(function), modality, **kwargs)


@pytest.fixture
def make_runner(tmp_path):
    """``make_runner(model, name, **changes)``: a Runner on four rendered 32x32 scenes."""
    def make(model, name='run', **changes):
        pipeline = [dict(type='RenderRGBD'), dict(type='StackModalities'),
                    dict(type='PackModalities')]
        loader = dict(batch_size=2, num_workers=0,
                      sampler=dict(type='DefaultSampler', shuffle=False),
                      dataset=dict(type='SyntheticRGBD', num_scenes=4, size=(32, 32),
                                   pipeline=pipeline))
        cfg = Config(dict(
            model=model, work_dir=str(tmp_path / name), default_scope='mmfkd',
            # mmengine keeps a visualizer a name and second, also when its folder is gone.
            experiment_name=f'{name}_{uuid4().hex}', log_level='WARNING',
            randomness=dict(seed=0), train_dataloader=loader,
            train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=1),
            optim_wrapper=dict(type='OptimWrapper',
                               optimizer=dict(type='SGD', lr=0.01, momentum=0.9)),
            visualizer=dict(type='Visualizer', vis_backends=[dict(type='LocalVisBackend')])))
        if changes.pop('validate', False):
            changes = dict(
                val_dataloader=loader, val_cfg=dict(type='ValLoop'),
                val_evaluator=dict(type='mmseg.IoUMetric', iou_metrics=['mIoU'])) | changes
        cfg.merge_from_dict(changes)
        return Runner.from_cfg(cfg)
    return make
