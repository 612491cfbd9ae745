"""Helpers of the tests that run the real commands."""

import os
import subprocess
import sys
from pathlib import Path

import torch
from mmengine.registry import init_default_scope

from mmfkd.config import student_config
from mmfkd.models import CrossModalDistiller

ROOT = Path(__file__).parent.parent

# A config of 24 rendered scenes at 32x32; what it leaves open is what a test is about.
SMALL = '''
_base_ = ['{root}/configs/fdkd/synthetic_depth2rgb.py']
small = dict(batch_size=4, num_workers={workers}, dataset=dict(num_scenes=24, size=(32, 32)))
train_dataloader = small
val_dataloader = dict(batch_size=4, num_workers=0, dataset=dict(num_scenes=4, size=(32, 32)))
test_dataloader = val_dataloader
train_cfg = dict(max_epochs={epochs}, val_interval={epochs})
model = dict(teachers=dict(teacher=dict(
    config='{root}/configs/unimodal/synthetic_depth.py', checkpoint='{teacher}')))
default_hooks = dict(logger=dict(interval=1), checkpoint=dict(interval=1))
'''


def save_teacher(path: Path, config: str = 'synthetic_depth') -> Path:
    """A checkpoint of a baseline in ``configs/unimodal`` with random weights."""
    torch.manual_seed(0)
    init_default_scope('mmfkd')
    branch = student_config(ROOT / f'configs/unimodal/{config}.py')
    model = CrossModalDistiller(students=dict(student=branch))
    torch.save(dict(state_dict=model.state_dict()), path)
    return path


def write_config(folder: Path, text: str, epochs: int = 3, workers: int = 0) -> Path:
    """SMALL and ``text`` as a config file in ``folder``, with its teacher's checkpoint."""
    teacher = save_teacher(folder / 'teacher.pth')
    path = folder / 'small.py'
    path.write_text(SMALL.format(root=ROOT, teacher=teacher, epochs=epochs, workers=workers)
                    + text)
    return path


def run(*command: str | Path, modules: Path | None = None, check: bool = True,
        cwd: Path = ROOT, package: Path = ROOT) -> subprocess.CompletedProcess:
    """Runs a command of the project; ``modules`` is put on the Python path, as ``package`` is."""
    env = dict(os.environ, OMP_NUM_THREADS='1', PYTHONHASHSEED='0',
               PATH=f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}')
    paths = [str(path) for path in (package, modules) if path] + [env.get('PYTHONPATH', '')]
    env['PYTHONPATH'] = os.pathsep.join(path for path in paths if path)
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=env, check=False,
                          capture_output=True, text=True)
    assert not check or done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done


def weights(path: Path) -> dict[str, torch.Tensor]:
    """State dict of a checkpoint that the test itself made."""
    return torch.load(path, map_location='cpu', weights_only=False)['state_dict']


def train_command(config: Path, options: list[str]) -> tuple[Path, list[str]]:
    """A work dir beside the config, and tools/train.py for it."""
    work_dir = Path(config).parent / 'work_dir'
    named = ['--cfg-options', *options] if options else []
    return work_dir, [str(ROOT / 'tools/train.py'), str(config), '--work-dir', str(work_dir),
                      *named]


def check_failure(line: str, work_dir: Path, parts: tuple) -> None:
    """The last line of a failed run has the parts, and it left no checkpoint."""
    for part in parts:
        assert str(part) in line, f'{part!r} is not in the last line: {line}'
    assert not list(work_dir.rglob('*.pth')), 'a failed run left a checkpoint'
