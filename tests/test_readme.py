"""What the README says works."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from runs import ROOT
from test_configs import shrink

README = (ROOT / 'README.md').read_text()


def python_blocks() -> dict[str, str]:
    """Code blocks that begin with the name of a config file."""
    blocks = re.findall(r'```python\n# (configs/\S+)\n(.*?)```', README, flags=re.DOTALL)
    return {name: f'# {name}\n{text}' for name, text in blocks}


@pytest.fixture
def project(tmp_path):
    """A folder with the README's own configs, our bases and a data set of the user's own."""
    rng = np.random.default_rng(0)
    for split in ('train', 'test'):
        for i in range(10):
            for kind, shape, high in (('rgb', (64, 64, 3), 256), ('thermal', (64, 64), 256),
                                      ('label', (64, 64), 3)):
                path = tmp_path / 'data/mine' / split / kind / f'{i}.png'
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), rng.integers(0, high, shape, dtype=np.uint8))
    (tmp_path / 'configs').mkdir()
    (tmp_path / 'configs/_base_').symlink_to(ROOT / 'configs/_base_')
    for name, text in python_blocks().items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    rgb = (tmp_path / 'configs/unimodal/mine_rgb.py').read_text()
    thermal = rgb.replace("modality='rgb'", "modality='thermal'").replace(
        'mean=[123.7, 116.3, 103.5], std=[58.4, 57.1, 57.4], bgr_to_rgb=True',
        'mean=[127.0], std=[70.0]').replace('in_channels=3', 'in_channels=1')
    (tmp_path / 'configs/unimodal/mine_thermal.py').write_text(thermal)
    return tmp_path


def train(config: str, project: Path, work_dir: Path) -> Runner:
    cfg = Config.fromfile(config)
    shrink(cfg, project, work_dir)
    cfg.model.students.student.model.backbone.init_cfg = None
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


def test_own_pair_of_modalities_takes_20_lines_and_trains(project, monkeypatch):
    monkeypatch.chdir(project)
    block = re.search(r'<!-- own-pair -->\n```python\n(.*?)```', README, re.DOTALL)[1]
    assert len([line for line in block.splitlines() if line.strip()]) <= 20
    train('configs/unimodal/mine_thermal.py', project, Path('work_dirs/unimodal/mine_thermal'))
    runner = train('configs/fdkd/mine_thermal2rgb.py', project, Path('work_dirs/fdkd/mine'))
    assert runner.model.student.modalities == ('rgb',)
    assert runner.model.teachers['teacher'].modalities == ('thermal',)
    assert len(runner.train_dataloader.dataset) == 2
    assert set(runner.train_dataloader.dataset[0]['inputs']) == {'rgb', 'thermal'}


def test_every_file_that_is_named_exists():
    # What stands in the blocks of a user's own pair is theirs.
    named = set(re.findall(r'(?:configs|tools|docs)/[\w./]+\.(?:py|sh|md)', README))
    ours = {name for name in named if 'mine' not in name}
    assert len(ours) > 10
    assert not [name for name in ours if not (ROOT / name).is_file()]


def test_quoted_leaf_is_the_file():
    name = 'configs/fdkd/nyuv2_depth2rgb.py'
    assert python_blocks()[name].split('\n', 1)[1] == (ROOT / name).read_text()
