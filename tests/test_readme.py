"""Commands and files of the README and of docs/own_pair.md, run as they stand there."""

import csv
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
from mmengine.runner import Runner
from runs import ROOT
from test_configs import COMBINATIONS, shrink

from mmfkd.config import load_config

README = (ROOT / 'README.md').read_text()
OWN_PAIR = (ROOT / 'docs/own_pair.md').read_text()


def python_blocks(text: str) -> dict[str, str]:
    """Code blocks that begin with the name of their file."""
    blocks = re.findall(r'```python\n# (\S+\.py)\n(.*?)```', text, flags=re.DOTALL)
    return {name: f'# {name}\n{code}' for name, code in blocks}


def write_images(root: Path) -> None:
    rng = np.random.default_rng(0)
    for split in ('train', 'test'):
        for i in range(10):
            for kind, shape, high in (('rgb', (64, 64, 3), 256), ('thermal', (64, 64), 256),
                                      ('label', (64, 64), 3)):
                path = root / split / kind / f'{i}.png'
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), rng.integers(0, high, shape, dtype=np.uint8))


def write_clips(root: Path) -> None:
    rng = np.random.default_rng(0)
    root.mkdir(parents=True)
    for split in ('train', 'test'):
        with (root / f'{split}.csv').open('w', newline='') as file:
            for i in range(20):
                sound, photo = f'{split}{i}.wav', f'{split}{i}.jpg'
                soundfile.write(root / sound, rng.uniform(-0.3, 0.3, 16000), 16000)
                cv2.imwrite(str(root / photo), rng.integers(0, 256, (40, 48, 3), dtype=np.uint8))
                csv.writer(file).writerow([sound, photo, ('car', 'dog', 'rain')[i % 3]])


@pytest.fixture(scope='module')
def project(tmp_path_factory):
    """A folder with the files of the page, our bases and data of the user's own."""
    root = tmp_path_factory.mktemp('project')
    write_images(root / 'data/mine')
    write_clips(root / 'data/mine_clips')
    (root / 'configs').mkdir()
    (root / 'configs/_base_').symlink_to(ROOT / 'configs/_base_')
    for name, code in python_blocks(OWN_PAIR).items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(code)
    return root


def train(config: str, project: Path, work_dir: Path) -> Runner:
    cfg = load_config(config)
    shrink(cfg, project, work_dir)
    cfg.model.students.student.model.backbone.init_cfg = None
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


def test_readme_has_the_files_of_the_page():
    ours, page = python_blocks(README), python_blocks(OWN_PAIR)
    named = [name for name in ours if 'mine' in name]
    assert named == ['configs/unimodal/mine_rgb.py']
    assert all(ours[name] == page[name] for name in named)
    marked = re.search(r'<!-- own-pair -->\n```python\n(.*?)```', README, re.DOTALL)[1]
    assert marked == page['configs/unimodal/mine_rgb.py']


@pytest.mark.parametrize('teacher, student, method', [
    ('thermal', 'rgb', 'fdkd'), ('photo', 'audio', 'kd')])
def test_own_pair_of_modalities_takes_20_lines_and_trains(teacher, student, method, project,
                                                          monkeypatch):
    monkeypatch.chdir(project)
    monkeypatch.syspath_prepend(str(project))
    code = (project / f'configs/unimodal/mine_{student}.py').read_text()
    assert len([line for line in code.splitlines() if line.strip()]) <= 20
    train(f'configs/unimodal/mine_{teacher}.py', project,
          Path(f'work_dirs/unimodal/mine_{teacher}'))
    runner = train(f'configs/{method}/mine_{teacher}2{student}.py', project,
                   Path(f'work_dirs/{method}/mine_{student}'))
    assert runner.model.student.modalities == (student,)
    assert runner.model.teachers['teacher'].modalities == (teacher,)
    assert len(runner.train_dataloader.dataset) == 2
    assert set(runner.train_dataloader.dataset[0]['inputs']) == {teacher, student}


def test_every_file_that_is_named_exists():
    # What stands in the blocks of a user's own pair is theirs.
    named = set(re.findall(r'(?:configs|tools|docs)/[\w./]+\.(?:py|sh|md)', README))
    ours = {name for name in named if 'mine' not in name}
    assert len(ours) > 10
    assert not [name for name in ours if not (ROOT / name).is_file() and name.removeprefix(
        'configs/').removesuffix('.py') not in COMBINATIONS]


def test_quoted_leaf_is_the_file():
    name = 'configs/fdkd/nyuv2_depth2rgb.py'
    assert python_blocks(README)[name].split('\n', 1)[1] == (ROOT / name).read_text()
