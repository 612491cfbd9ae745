"""tools/prepare/nyuv2.py, run as a command on a small file of the official layout."""

import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import cv2
import h5py
import numpy as np
import pytest
from scipy.io import loadmat, savemat

from mmfkd.cli.prepare.nyuv2 import main

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / 'tools/prepare/nyuv2.py'
SHARED = Path(os.environ.get('MMFKD_SHARED_DATA', ROOT.parent / 'shared/data'))

KINDS = ('rgb', 'depth', 'label')
LABELED = 'nyu_depth_v2_labeled.mat'
HEIGHT, WIDTH = 24, 32
SPLITS = dict(train=[1, 4, 5], test=[2, 6])
MAPPED = np.resize(np.arange(40, 0, -1), 894)


def run(raw, out, *options):
    """What the command prints, and its exit status, without a process of its own."""
    said, told = StringIO(), StringIO()
    with redirect_stdout(said), redirect_stderr(told):
        status = main([str(raw), '--out', str(out), *options])
    return SimpleNamespace(returncode=status, stdout=said.getvalue(), stderr=told.getvalue())


def write_labeled(path, rgb, depth, label):
    """Write (N, H, W[, 3]) arrays the way MATLAB v7.3 does, with all axes reversed."""
    with h5py.File(path, 'w', userblock_size=512) as file:
        file['images'] = rgb.transpose(0, 3, 2, 1)
        file['depths'] = depth.transpose(0, 2, 1)
        file['labels'] = label.transpose(0, 2, 1)


def write_splits(raw, train, test):
    """Write splits.mat with column vectors of the official dtype."""
    savemat(raw / 'splits.mat', dict(trainNdxs=np.array(train, np.uint16)[:, None],
                                     testNdxs=np.array(test, np.uint16)[:, None]))


def millimetres(depth):
    return np.floor(depth.astype(np.float64) * 1000 + 0.5).astype(np.uint16)


def read(path):
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    return image[..., ::-1] if image.ndim == 3 else image


def snapshot(folder):
    return {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.rglob('*.png')}


@pytest.fixture
def arrays():
    """Six images; every raw class and the unlabelled 0 occur in the first two."""
    rng = np.random.default_rng(0)
    label = rng.integers(0, 895, (6, HEIGHT, WIDTH)).astype(np.uint16)
    label[:2].flat[:895] = np.arange(895)
    return dict(rgb=rng.integers(0, 256, (6, HEIGHT, WIDTH, 3)).astype(np.uint8),
                depth=rng.uniform(0.7, 10, (6, HEIGHT, WIDTH)).astype(np.float32),
                label=label)


@pytest.fixture
def raw(tmp_path, arrays):
    folder = tmp_path / 'raw'
    folder.mkdir()
    write_labeled(folder / LABELED, **arrays)
    write_splits(folder, **SPLITS)
    savemat(folder / 'classMapping40.mat', dict(mapClass=MAPPED[None].astype(np.uint8)))
    return folder


@pytest.fixture
def out(tmp_path):
    return tmp_path / 'nyuv2'


def test_images_are_exact(raw, out, arrays):
    result = subprocess.run([sys.executable, SCRIPT, raw, '--out', out, '--allow-partial'],
                            capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    label40 = np.concatenate([[255], MAPPED - 1])[arrays['label']]
    for split, numbers in SPLITS.items():
        for kind in KINDS:
            names = sorted(path.name for path in (out / split / kind).iterdir())
            assert names == [f'{number:06d}.png' for number in numbers]
        for number in numbers:
            images = {kind: read(out / split / kind / f'{number:06d}.png') for kind in KINDS}
            assert [images[kind].dtype for kind in KINDS] == [np.uint8, np.uint16, np.uint8]
            np.testing.assert_array_equal(images['rgb'], arrays['rgb'][number - 1])
            np.testing.assert_array_equal(
                images['depth'], millimetres(arrays['depth'][number - 1]))
            np.testing.assert_array_equal(images['label'], label40[number - 1])


def test_images_are_upright(raw, out, arrays):
    """A red, 2 m far, class-1 bar along the top edge stays along the top edge."""
    arrays['rgb'][0], arrays['depth'][0], arrays['label'][0] = 0, 5, 0
    arrays['rgb'][0, :3], arrays['depth'][0, :3], arrays['label'][0, :3] = (255, 0, 0), 2, 1
    write_labeled(raw / LABELED, **arrays)
    assert run(raw, out, '--allow-partial').returncode == 0
    rgb, depth, label = (read(out / 'train' / kind / '000001.png') for kind in KINDS)
    assert rgb.shape == (HEIGHT, WIDTH, 3) and depth.shape == label.shape == (HEIGHT, WIDTH)
    assert (rgb[:3] == (255, 0, 0)).all() and not rgb[3:].any()
    assert (depth[:3] == 2000).all() and (depth[3:] == 5000).all()
    assert (label[:3] == 39).all() and (label[3:] == 255).all()


def test_depth_without_value_is_zero(raw, out, arrays):
    arrays['depth'][0, 0, :4] = np.nan, np.inf, -np.inf, 100
    write_labeled(raw / LABELED, **arrays)
    assert run(raw, out, '--allow-partial').returncode == 0
    assert read(out / 'train/depth/000001.png')[0, :4].tolist() == [0, 0, 0, 65535]


def test_stopped_run_continues(raw, out):
    assert run(raw, out, '--allow-partial').returncode == 0
    before = snapshot(out)
    content = {path: path.read_bytes() for path in before}
    for name in ('test/label/000006.png', 'train/rgb/000001.png'):
        (out / f'{name}.tmp').write_bytes(content[out / name][:20])
    (out / 'test/label/000006.png').unlink()
    for kind in KINDS:
        (out / 'train' / kind / '000004.png').unlink()

    result = run(raw, out, '--allow-partial')
    assert result.returncode == 0, result.stderr
    assert 'wrote 2 images, 3 were there already' in result.stdout
    after = snapshot(out)
    assert {path: path.read_bytes() for path in after} == content
    assert not list(out.rglob('*.tmp'))
    untouched = [path for path in before if path.stem not in ('000004', '000006')]
    assert len(untouched) == 9
    assert all(before[path] == after[path] for path in untouched)


def test_missing_files_are_listed(raw, out):
    (raw / LABELED).unlink()
    (raw / 'classMapping40.mat').unlink()
    result = run(raw, out)
    assert result.returncode == 1
    assert 'Traceback' not in result.stderr
    assert LABELED in result.stderr and 'nyu_depth_v2.html' in result.stderr
    assert 'classMapping40.mat' in result.stderr and 'nyuv2-meta-data' in result.stderr
    assert 'splits.mat' not in result.stderr
    assert not out.exists()


@pytest.mark.parametrize('name', [LABELED, 'splits.mat', 'classMapping40.mat'])
@pytest.mark.parametrize('damage', [
    pytest.param(lambda content: content[:len(content) // 2], id='truncated'),
    pytest.param(lambda content: b'<html>404 Not Found</html>', id='web-page'),
    pytest.param(lambda content: b'', id='empty')])
def test_damaged_file_is_named(raw, out, name, damage):
    (raw / name).write_bytes(damage((raw / name).read_bytes()))
    result = run(raw, out, '--allow-partial')
    assert result.returncode == 1
    assert 'Traceback' not in result.stderr
    assert str(raw / name) in result.stderr and 'delete the file' in result.stderr


def test_unreadable_image_is_named(raw, out, arrays):
    """Damage inside the data shows only when the image is read."""
    with h5py.File(raw / LABELED, 'r+') as file:
        del file['labels']
        labels = file.create_dataset('labels', data=arrays['label'].transpose(0, 2, 1),
                                     chunks=(1, WIDTH, HEIGHT), compression='gzip')
        chunk = labels.id.read_direct_chunk((4, 0, 0))[1]
    content = (raw / LABELED).read_bytes()
    (raw / LABELED).write_bytes(content.replace(chunk, bytes(len(chunk))))
    result = run(raw, out, '--allow-partial')
    assert result.returncode == 1
    assert 'Traceback' not in result.stderr
    assert f'cannot read {raw / LABELED}: image 5' in result.stderr
    assert (out / 'train/rgb/000004.png').exists() and not (out / 'train/rgb/000005.png').exists()


def test_other_layout_is_refused(raw, out, arrays):
    with h5py.File(raw / LABELED, 'w') as file:
        for name, kind in zip(('images', 'depths', 'labels'), KINDS, strict=True):
            file[name] = arrays[kind]
    result = run(raw, out, '--allow-partial')
    assert result.returncode == 1
    assert LABELED in result.stderr and 'shapes' in result.stderr


def test_label_beyond_mapping(raw, out, arrays):
    arrays['label'][3, 5, 7] = 895
    write_labeled(raw / LABELED, **arrays)
    result = run(raw, out, '--allow-partial')
    assert result.returncode == 1
    assert 'Traceback' not in result.stderr
    assert 'image 4: label 895 is beyond the 894 classes' in result.stderr


def test_counts(raw, out):
    refused = run(raw, out)
    assert refused.returncode == 1
    assert '795' in refused.stderr and '--allow-partial' in refused.stderr
    assert not out.exists()
    accepted = run(raw, out, '--allow-partial')
    assert accepted.returncode == 0
    assert 'warning' in accepted.stderr and '795' in accepted.stderr


def test_split_beyond_the_images(raw, out):
    write_splits(raw, train=[1, 7], test=[2])
    result = run(raw, out, '--allow-partial')
    assert result.returncode == 1
    assert 'lists image 7' in result.stderr


def test_image_in_both_splits(raw, out):
    write_splits(raw, train=[1, 2], test=[2])
    result = run(raw, out, '--allow-partial')
    assert result.returncode == 1
    assert 'more than once' in result.stderr


@pytest.mark.parametrize('below', ['.', 'new'])
def test_a_file_in_place_of_the_folder_is_refused(raw, tmp_path, below):
    (tmp_path / 'file').write_text('mine')
    result = run(raw, tmp_path / 'file' / below)
    assert result.returncode == 1 and 'is a file, or in one: name a folder' in result.stderr
    assert (tmp_path / 'file').read_text() == 'mine'


def test_stray_output_is_reported(raw, out):
    """An image of another split in train/ would train on test data."""
    assert run(raw, out, '--allow-partial').returncode == 0
    (out / 'test/rgb/000002.png').rename(out / 'train/rgb/000002.png')
    result = run(raw, out, '--allow-partial')
    assert result.returncode == 1
    assert '1 not in the split, for example 000002.png' in result.stderr


def test_official_split_and_mapping(tmp_path, out):
    """The real splits.mat and classMapping40.mat with 1449 images of 2 x 3 pixels."""
    source = SHARED / 'nyuv2'
    if not (source / 'splits.mat').is_file():
        pytest.skip(f'no official splits.mat in {source}; set MMFKD_SHARED_DATA')
    raw = tmp_path / 'raw'
    raw.mkdir()
    for name in ('splits.mat', 'classMapping40.mat'):
        (raw / name).write_bytes((source / name).read_bytes())
    label = np.resize(np.arange(895, dtype=np.uint16), (1449, 2, 3))
    write_labeled(raw / LABELED, rgb=np.zeros((1449, 2, 3, 3), np.uint8),
                  depth=np.full((1449, 2, 3), 2.5, np.float32), label=label)

    result = run(raw, out)
    assert result.returncode == 0, result.stderr
    assert 'warning' not in result.stderr
    for split, count in dict(train=795, test=654).items():
        assert [len(list((out / split / kind).iterdir())) for kind in KINDS] == [count] * 3
    mapping = loadmat(raw / 'classMapping40.mat')
    names = [str(name[0]) for name in mapping['className'].ravel()]
    raw_names = [str(name[0]) for name in mapping['allClassName'].ravel()]
    for number in (1, 2, 3, 4, 1449):
        path, = out.glob(f'*/label/{number:06d}.png')
        for before, after in zip(label[number - 1].flat, read(path).flat, strict=True):
            expected = 255 if before == 0 else int(mapping['mapClass'][0, before - 1]) - 1
            assert after == expected
            if before and raw_names[before - 1] in names:
                assert names[after] == raw_names[before - 1]
