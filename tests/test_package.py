"""The wheel and the source distribution carry everything, and the wheel works alone."""

import csv
import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
import torch
from PIL import Image
from runs import ROOT, run

from mmfkd.cli import main
from mmfkd.models.losses.shapes import resized

BUILD = 'import sys, setuptools.build_meta as backend; getattr(backend, sys.argv[1])(sys.argv[2])'
SMALL = ['train_cfg.max_epochs=1', 'train_cfg.val_interval=1', 'train_dataloader.batch_size=2',
         'default_hooks.teacher_report.refuse=False',
         *(f'{split}_dataloader.{key}' for split in ('train', 'val', 'test') for key in (
             'dataset.num_scenes=4', 'dataset.size=(32,32)', 'num_workers=0'))]


def build(kind: str, source: Path, out: Path) -> Path:
    """Builds a distribution with the installed setuptools, so that no network is needed."""
    out.mkdir()
    done = subprocess.run([sys.executable, '-c', BUILD, f'build_{kind}', str(out)], cwd=source,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    path, = out.iterdir()
    return path


@pytest.fixture(scope='module')
def wheels(tmp_path_factory) -> tuple[Path, Path]:
    """The wheel of the checkout, and that of its source distribution."""
    folder = tmp_path_factory.mktemp('build')
    ignored = shutil.ignore_patterns('work_dirs', 'data', '.git', '__pycache__', '*.egg-info',
                                     'build', 'site')
    shutil.copytree(ROOT, folder / 'checkout', ignore=ignored, symlinks=True)
    sdist = build('sdist', folder / 'checkout', folder / 'sdist')
    with tarfile.open(sdist) as file:
        file.extractall(folder / 'unpacked', filter='data')
    source, = (folder / 'unpacked').iterdir()
    return (build('wheel', folder / 'checkout', folder / 'wheel'),
            build('wheel', source, folder / 'second'))


def contents(wheel: Path) -> dict[str, int]:
    """Name and checksum of each file, but for the list of files itself."""
    with zipfile.ZipFile(wheel) as file:
        return {info.filename: info.CRC for info in file.infolist()
                if not info.filename.endswith('RECORD')}


def test_the_wheel_has_configs_metafiles_tools_and_types(wheels):
    found = set(contents(wheels[0]))
    for folder in ('configs', 'tools'):
        wanted = {f'mmfkd/.mim/{path.relative_to(ROOT).as_posix()}'
                  for path in (ROOT / folder).rglob('*')
                  if path.is_file() and '__pycache__' not in path.parts}
        assert len(wanted) > 20
        assert wanted == {name for name in found if name.startswith(f'mmfkd/.mim/{folder}/')}
    assert {'mmfkd/.mim/model-index.yml', 'mmfkd/py.typed', 'mmfkd/cli/train.py'} <= found
    assert not [name for name in found if name.startswith(('tests/', 'benchmarks/'))]


def test_the_source_distribution_builds_the_same_wheel(wheels):
    assert contents(wheels[0]) == contents(wheels[1])


def test_the_wheel_alone_trains_exports_and_predicts_in_an_empty_folder(wheels, tmp_path):
    with zipfile.ZipFile(wheels[0]) as file:
        file.extractall(tmp_path / 'installed')
    folder = tmp_path / 'empty'
    folder.mkdir()

    def command(*arguments):
        return run(sys.executable, '-m', 'mmfkd', *arguments, cwd=folder,
                   package=tmp_path / 'installed')

    name = 'fdkd/synthetic_depth2rgb'
    done = command('train', name, '--cfg-options', *SMALL)
    assert 'mmfkd train unimodal/synthetic_depth.py' in done.stdout
    summary = json.loads((folder / f'work_dirs/{name}/summary.json').read_text())
    assert Path(summary['config']).is_relative_to(tmp_path / 'installed/mmfkd/.mim/configs')
    command('export', name, 'best', '-o', 'exported', '--size', '32', '32',
            '--format', 'onnx')
    assert (folder / 'exported/weights.pth').is_file()
    (folder / 'images').mkdir()
    for i in range(2):
        image = np.random.default_rng(i).integers(0, 256, (32, 32, 3), np.uint8)
        cv2.imwrite(str(folder / f'images/{i}.png'), image)
    command('predict', 'exported', '--rgb', 'images', '-o', 'out')
    assert cv2.imread(str(folder / 'out/masks/1.png')).shape == (32, 32, 3)
    # Plain mmseg opens the export, and draws the same classes; mmfkd cannot even be imported.
    program = ('import sys; sys.modules["mmfkd"] = None; from mmseg.apis import MMSegInferencer; '
               'MMSegInferencer("exported/config.py", "exported/weights.pth")('
               '["images/0.png", "images/1.png"], out_dir="drawn")')
    done = subprocess.run([sys.executable, '-c', program], cwd=folder, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    program = ('import sys; sys.modules["mmfkd"] = None; import cv2, numpy, onnxruntime; '
               'raw = numpy.float32([cv2.imread(f"images/{i}.png") for i in "01"]); '
               'session = onnxruntime.InferenceSession("exported/model.onnx"); '
               'numpy.save("logits.npy", session.run(None, {session.get_inputs()[0].name: '
               'raw.transpose(0, 3, 1, 2)})[0])')
    done = subprocess.run([sys.executable, '-c', program], cwd=folder, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    logits = resized(torch.from_numpy(np.load(folder / 'logits.npy')), (32, 32))
    assert logits.shape == (2, 4, 32, 32) and logits.std() > 0
    for name, row in zip('01', csv.DictReader((folder / 'out/predictions.csv').open()),
                         strict=True):
        mask, = (folder / 'drawn/pred').glob(f'*{int(name):0>8}_pred.png')
        values = np.array(Image.open(mask))
        assert (logits[int(name)].argmax(0).numpy() == values).mean() > 0.999
        shares = [(values == i).mean() for i in range(4)]
        np.testing.assert_allclose([float(row[c]) for c in ('wall', 'floor', 'cabinet', 'bed')],
                                   shares, atol=1e-6)

    sound = [option.replace('num_scenes=4', 'num_samples=8') for option in SMALL
             if 'dataset.size' not in option]
    command('train', 'kd/synthetic_visual2audio', '--cfg-options', *sound)
    (folder / 'sounds').mkdir()
    for i in range(2):
        wave = np.random.default_rng(i).normal(0, 0.1, 24000).astype(np.float32)
        soundfile.write(folder / f'sounds/{i}.wav', wave, 16000)
    command('predict', 'work_dirs/kd/synthetic_visual2audio', '--audio', 'sounds', '-o', 'heard')
    heard = list(csv.DictReader((folder / 'heard/predictions.csv').open()))
    assert [row['name'] for row in heard] == ['0', '1'] and 0 < float(heard[0]['score']) <= 1


def test_the_command_lists_its_commands_and_refuses_others(capsys):
    listed = run(sys.executable, '-m', 'mmfkd', '--help').stdout
    for name in ('train', 'test', 'predict', 'demo', 'export', 'cache', 'benchmark', 'recommend',
                 'tune', 'prepare', 'analyze', 'compose', 'env'):
        assert f'\n  {name} ' in listed
        with suppress(SystemExit):
            main([name, '--help'])
        assert f'usage: mmfkd {name}' in capsys.readouterr().out
    done = run(sys.executable, '-m', 'mmfkd', 'trian', check=False)
    assert done.returncode == 2 and "there is no command 'trian'" in done.stderr


@pytest.mark.parametrize('missing', ['fcntl', 'resource'])
def test_what_only_some_systems_have_is_imported_where_it_is_used(missing):
    code = (f'import sys; sys.modules[{missing!r}] = None; import mmfkd.benchmark, '
            'mmfkd.analysis.loss_cost, mmfkd.engine.training, mmfkd.datasets, mmfkd.export.student')
    run(sys.executable, '-W', 'ignore', '-c', code)
