"""Every config is built by the real Runner and trained for one step on small data on disk."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmfkd.checkpoints import student_config
from mmfkd.datasets.synthetic import write_nyuv2_layout
from mmfkd.models import CrossModalDistiller

ROOT = Path(__file__).parent.parent
CONFIGS = sorted(path.relative_to(ROOT).as_posix()
                 for folder in (ROOT / 'configs').iterdir() if folder.name != '_base_'
                 for path in folder.glob('*.py'))


def write_ombria_layout(root: Path) -> None:
    rng = np.random.default_rng(0)
    for split in ('train', 'test'):
        for i in range(20 if split == 'train' else 2):
            for kind, shape, high in (('optical', (64, 64, 3), 256), ('sar', (64, 64), 256),
                                      ('label', (64, 64), 2)):
                suffix = 'png' if kind == 'label' else 'jpg'
                path = root / split / kind / f'{i:04d}.{suffix}'
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), rng.integers(0, high, shape, dtype=np.uint8))


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp('configs')
    write_nyuv2_layout(root / 'data/nyuv2', 20, 2, size=(64, 64))
    write_ombria_layout(root / 'data/ombria')
    return root


@pytest.fixture(scope='module')
def teacher_checkpoint(folder):
    def save(config: str) -> str:
        path = folder / f'{Path(config).stem}.pth'
        if not path.exists():
            branch = student_config(config)
            branch['model']['backbone']['init_cfg'] = None
            init_default_scope('mmfkd')
            model = CrossModalDistiller(students=dict(student=branch))
            torch.save(dict(state_dict=model.state_dict()), path)
        return str(path)
    return save


def shrink(cfg: Config, folder: Path, work_dir: Path) -> None:
    """One step on two images of 64x64, from scratch, without refusing the random teacher."""
    cfg.work_dir = str(work_dir)
    cfg.experiment_name = work_dir.name
    cfg.train_cfg.max_epochs = 1
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.get('test_dataloader')):
        if loader is None:
            continue
        loader.update(num_workers=0, batch_size=2)
        if 'data_root' in loader.dataset:
            loader.dataset.data_root = str(folder / loader.dataset.data_root)
        else:
            loader.dataset.update(size=(64, 64))
        loader.dataset.indices = 2
        for step in loader.dataset.pipeline:
            if step.type == 'mmseg.Resize':
                step.scale = (64, 64)
    for hook in cfg.custom_hooks:
        if hook.type == 'TeacherReportHook':
            hook.refuse = False


def test_there_are_as_many_configs_as_documented():
    assert len(CONFIGS) == 33
    assert {path.split('/')[1] for path in CONFIGS} == {'unimodal', 'fdkd', 'kd', 'feature',
                                                        'mixin'}


@pytest.mark.parametrize('path', CONFIGS)
def test_config_trains_one_step(path, folder, teacher_checkpoint, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    cfg = Config.fromfile(path)
    shrink(cfg, folder, tmp_path / Path(path).parent.name)
    for student in cfg.model.get('students', {}).values():
        student.model.backbone.init_cfg = None
    for teacher in cfg.model.get('teachers', {}).values():
        teacher.checkpoint = teacher_checkpoint(teacher.config)
    runner = Runner.from_cfg(cfg)
    before = {name: p.detach().clone() for name, p in runner.model.named_parameters()}
    runner.train()
    assert runner.iter == 1
    # A block whose last norm starts at zero passes its first gradient to that norm alone.
    changed = [name for name, p in runner.model.named_parameters()
               if not torch.equal(p, before[name])]
    assert len(changed) > 0.7 * len(before)
    assert any(name.startswith('best_mIoU') for name in os.listdir(cfg.work_dir))


@pytest.mark.parametrize('path', [path for path in CONFIGS
                                  if path.split('/')[1] not in ('unimodal', 'mixin')])
def test_distillation_differs_from_its_baseline_by_teacher_and_losses_alone(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    cfg = Config.fromfile(path)
    dataset, pair = Path(path).stem.split('_')
    baseline = Config.fromfile(f'configs/unimodal/{dataset}_{pair.split("2")[1]}.py')
    assert set(cfg) - set(baseline) == {'losses'}
    assert set(cfg.model) - set(baseline.model) == {'teachers', 'losses'}
    same = [key for key in baseline if key != 'model']
    assert all(cfg[key] == baseline[key] for key in same)
    assert cfg.model.students == baseline.model.students
    teacher = cfg.model.teachers.teacher
    assert teacher.config == f'configs/unimodal/{dataset}_{pair.split("2")[0]}.py'
