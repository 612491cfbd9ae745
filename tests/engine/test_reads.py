"""A run opens the files of the modalities that it uses, and no others."""

import json
from pathlib import Path
from uuid import uuid4

import pytest
from mmengine.hooks import Hook
from runs import save_teacher

from mmfkd.config import load_config
from mmfkd.datasets.synthetic.cremad_layout import write_cremad_layout
from mmfkd.datasets.synthetic.nyuv2_layout import write_nyuv2_layout
from mmfkd.engine.processes import StopRequest
from mmfkd.engine.training import prepare_run, run
from mmfkd.registry import DATASETS, HOOKS

SHORT = {'train_cfg.max_epochs': 1, 'train_cfg.val_interval': 1, 'train_dataloader.batch_size': 4}
SPLITS = ('train', 'val', 'test')


@HOOKS.register_module(force=True)
class DepthHook(Hook):
    """Asks for a modality that no branch takes."""

    further_modalities = ('depth',)


def train(folder, config, **options):
    """Trains a config as the command does, and returns its summary."""
    loaders = {f'{split}_dataloader.{key}': value for split in SPLITS for key, value in (
        ('num_workers', 0), ('dataset.data_root', str(folder / 'data')))}
    cfg = load_config(config, {**SHORT, **loaders, **options})
    cfg.experiment_name = uuid4().hex  # mmengine keeps a visualizer by its name
    prepare_run(cfg, folder / 'run')
    run(cfg, StopRequest(), None, with_picture=False, settings={})
    return json.loads((folder / 'run/summary.json').read_text())


@pytest.fixture
def without_depth(tmp_path):
    """A folder with data whose depth cannot be read."""
    write_nyuv2_layout(tmp_path / 'data', 20, 2, size=(64, 64))
    files = list((tmp_path / 'data').glob('*/depth/*.png'))
    assert len(files) == 22
    for path in files:
        path.write_bytes(b'no image')
    return tmp_path


SCRATCH = {'model.students.student.model.backbone.init_cfg': None}


def test_a_baseline_of_rgb_reads_no_depth(without_depth):
    summary = train(without_depth, 'unimodal/nyuv2_rgb', **SCRATCH)
    assert summary['test']['mIoU'] >= 0


@pytest.mark.parametrize('asked', [
    {f'{split}_dataloader.dataset.modalities': ['rgb', 'depth'] for split in SPLITS},
    {'default_hooks.depth': dict(type='DepthHook')},
    {'default_hooks.prediction_panel.modalities': ['depth']}])
def test_what_is_asked_for_is_read(asked, without_depth):
    with pytest.raises(ValueError, match=r'depth/\d+\.png cannot be decoded'):
        train(without_depth, 'unimodal/nyuv2_rgb', **SCRATCH, **asked)


@HOOKS.register_module(force=True)
class TeacherHook(Hook):
    """Says that it runs teachers in validation."""

    runs_teachers = True


@pytest.mark.parametrize('hooks', [(), ('TeacherHook',)])
def test_only_training_reads_what_the_teacher_takes(hooks, tmp_path):
    write_nyuv2_layout(tmp_path / 'data', 20, 2, size=(64, 64))
    teacher = save_teacher(tmp_path / 'teacher.pth', 'nyuv2_depth')
    held_out = DATASETS.build(dict(
        load_config('unimodal/nyuv2_rgb').val_dataloader.dataset, pipeline=[],
        data_root=str(tmp_path / 'data')))
    unread = [Path(held_out.get_data_info(i)['modalities']['depth']['path'])
              for i in range(len(held_out))] + list((tmp_path / 'data/test/depth').iterdir())
    assert 2 < len(unread) < 22
    for path in unread:
        path.write_bytes(b'no image')
    changes = {**SCRATCH, 'model.teachers.teacher.checkpoint': str(teacher),
               'default_hooks.teacher_report': None, 'default_hooks.prediction_panel': None,
               'custom_hooks': [dict(type=name) for name in hooks]}
    if hooks:
        with pytest.raises(ValueError, match=r'depth/\d+\.png cannot be decoded'):
            train(tmp_path, 'kd/nyuv2_depth2rgb', **changes)
    else:
        assert train(tmp_path, 'kd/nyuv2_depth2rgb', **changes)['test']['mIoU'] >= 0


def test_a_baseline_of_sound_reads_no_frames(tmp_path):
    write_cremad_layout(tmp_path / 'data', 20, 2)
    frames = tmp_path / 'data/frames'
    for video in (tmp_path / 'data/VideoFlash').iterdir():
        (frames / video.stem).mkdir(parents=True)
        (frames / video.stem / '00000.jpg').write_bytes(b'no image')
    summary = train(tmp_path, 'unimodal/cremad_audio')
    assert 0 <= summary['test']['accuracy/top1'] <= 100
    with pytest.raises(ValueError, match=r'00000\.jpg cannot be decoded'):
        train(tmp_path, 'unimodal/cremad_visual')
