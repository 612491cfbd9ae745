"""tools/prepare/{msrs,mvss,fmb}.py on rendered streets in these layouts."""

import json

import cv2
import numpy as np
import pytest

from mmfkd.cli.prepare import fmb, msrs, mvss
from mmfkd.datasets import FMBDataset, MSRSDataset
from mmfkd.datasets.synthetic.infrared_layouts import (
    write_fmb_layout,
    write_msrs_layout,
    write_mvss_layout,
)

SIZE = (24, 32)


@pytest.fixture
def msrs_root(tmp_path):
    write_msrs_layout(tmp_path, 12, 3, SIZE)
    return tmp_path


@pytest.fixture
def mvss_root(tmp_path):
    write_mvss_layout(tmp_path, 6, 4, 8, SIZE)
    return tmp_path


def report(root):
    return json.loads((root / 'prepare_report.json').read_text())


def run(module, root, *options):
    return module.main([str(root), '--workers', '1', *options])


def first(root, pattern):
    """The first file of a pattern; there must be one."""
    return sorted(root.glob(pattern))[0]


@pytest.mark.parametrize('module, write, dataset, published', [
    (msrs, write_msrs_layout, MSRSDataset, (1083, 361)),
    (fmb, write_fmb_layout, FMBDataset, (1220, 280))])
def test_good_files_and_the_held_out_stems(tmp_path, capsys, module, write, dataset, published):
    write(tmp_path, 12, 3, SIZE)
    assert module.main([str(tmp_path), '--workers', '2']) == 0
    assert report(tmp_path) == dict(samples=15, skipped={}, splits=dict(
        train=dict(listed=12, ready=12, published=published[0]),
        test=dict(listed=3, ready=3, published=published[1])))
    assert f'test: 3 of 3 samples ready ({published[1]} in the paper)' in capsys.readouterr().out
    listed = {subset: (tmp_path / f'{subset}.txt').read_text().split()
              for subset in ('fit', 'val')}
    assert len(listed['val']) == 1 and len(listed['fit']) == 11
    for subset, stems in listed.items():
        chosen = dataset(str(tmp_path), subset=subset, val_fraction=0.1, split_seed=0)
        assert [chosen.get_data_info(i)['stem'] for i in range(len(chosen))] == stems
        by_list = dataset(str(tmp_path), ann_file=f'{subset}.txt')
        assert len(by_list) == len(stems)


def test_mvss_counts_frames_and_videos(mvss_root, capsys):
    assert run(mvss, mvss_root) == 0
    out = capsys.readouterr().out
    assert '18 labelled frames in all (3545 in the paper of the data set; CSK-Net has 1004' in out
    nights = report(mvss_root)['splits']['test_night']['listed']
    assert 0 < nights < 8
    assert report(mvss_root)['samples'] == 18
    assert [report(mvss_root)['splits'][split]['ready'] for split in ('train', 'val', 'test')] == [
        6, 4, 8]
    videos = len((mvss_root / 'train.txt').read_text().split())
    assert f'train: 6 labelled frames of {videos} videos' in out


@pytest.mark.parametrize('workers', ['1', '2'])
def test_every_fault_names_its_file(msrs_root, capsys, workers):
    train = msrs_root / 'train'
    stems = sorted(path.stem for path in (train / 'vi').iterdir())[:4]
    cut = train / f'vi/{stems[0]}.png'
    cut.write_bytes(cut.read_bytes()[:-200])
    cv2.imwrite(str(train / f'ir/{stems[1]}.png'), np.zeros((24, 31), np.uint8))
    cv2.imwrite(str(train / f'Segmentation_labels/{stems[2]}.png'), np.full(SIZE, 9, np.uint8))
    label = train / f'Segmentation_labels/{stems[3]}.png'
    label.write_bytes(label.read_bytes()[:30])
    assert msrs.main([str(msrs_root), '--workers', workers]) == 1
    error = capsys.readouterr().err
    for part in (f'{cut} cannot be decoded', f'ir/{stems[1]}.png 24x31. They must be registered',
                 f'Segmentation_labels/{stems[2]}.png holds label 9, but there are 9 classes',
                 f'{label} cannot be decoded', '4 files cannot be used'):
        assert part in error
    assert error.splitlines()[-1] == f'error: Get them again from {msrs.SOURCE}'
    assert report(msrs_root)['splits']['train'] == dict(listed=12, ready=8, published=1083)
    assert len(report(msrs_root)['skipped']) == 4


def test_sixteen_bit_infrared_and_four_channels_are_judged(msrs_root, capsys):
    paths = sorted((msrs_root / 'train/ir').iterdir())
    cv2.imwrite(str(paths[0]), np.full(SIZE, 40000, np.uint16))
    cv2.imwrite(str(paths[1]), np.random.randint(0, 256, (*SIZE, 4), np.uint8))
    assert run(msrs, msrs_root) == 1
    error = capsys.readouterr().err
    assert f'{paths[1]} holds an image in its fourth channel' in error
    assert str(paths[0]) not in error


@pytest.mark.parametrize('module, write, folder', [
    (msrs, write_msrs_layout, 'train/ir'), (fmb, write_fmb_layout, 'test/Label')])
def test_missing_partner(tmp_path, capsys, module, write, folder):
    write(tmp_path, 12, 3, SIZE)
    path = first(tmp_path, f'{folder}/*.png')
    path.unlink()
    assert run(module, tmp_path) == 1
    error = capsys.readouterr().err
    assert f'{path.parent}: 1 of' in error and path.name in error and 'add these or remove' in error


def test_missing_folder(msrs_root, capsys):
    (msrs_root / 'test/vi').rename(msrs_root / 'test/visible')
    assert run(msrs, msrs_root) == 1
    assert 'test/vi does not exist' in capsys.readouterr().err
    assert run(msrs, msrs_root / 'nowhere') == 1
    assert 'nowhere does not exist: name the folder' in capsys.readouterr().err


def test_lists_of_msrs_that_agree(msrs_root, capsys):
    stems = [path.stem for path in (msrs_root / 'train/vi').iterdir()]
    (msrs_root / 'msrs_train.txt').write_text('\n'.join(stems))
    assert run(msrs, msrs_root) == 0
    assert "msrs_train.txt: its 12 stems are those of the split 'train'" in capsys.readouterr().out


def test_lists_of_msrs_that_differ(msrs_root, capsys):
    stems = sorted(path.stem for path in (msrs_root / 'test/vi').iterdir())
    (msrs_root / 'msrs_test.txt').write_text('\n'.join([*stems[1:], '09999N']))
    assert run(msrs, msrs_root) == 1
    error = capsys.readouterr().err
    assert 'msrs_test.txt' in error
    assert f'09999N only in the list, {stems[0]} only in the folder' in error


def test_real_list_of_msrs_is_compared(msrs_root, shared_data, capsys):
    (msrs_root / 'msrs_train.txt').write_text((shared_data / 'msrs/msrs_train.txt').read_text())
    lacking = set((msrs_root / 'msrs_train.txt').read_text().split()) - {
        path.stem for path in (msrs_root / 'train/vi').iterdir()}
    assert len(lacking) > 1000 and run(msrs, msrs_root) == 1
    assert f'and {len(lacking) - 5} more only in the list' in capsys.readouterr().err


def test_mvss_label_and_missing_frame(mvss_root, capsys):
    path = first(mvss_root, 'data/val_*/label/*.png')
    cv2.imwrite(str(path), np.full(SIZE, 26, np.uint8))
    assert run(mvss, mvss_root) == 1
    assert f'{path} holds label 26, but there are 26 classes' in capsys.readouterr().err
    frame = first(mvss_root, 'data/test_*/infrared/*.jpg')
    frame.unlink()
    assert run(mvss, mvss_root) == 1
    error = capsys.readouterr().err
    assert '"ir" are missing' in error and frame.name[:5] in error


def test_too_few_to_hold_some_out(tmp_path, capsys):
    write_msrs_layout(tmp_path, 2, 1, SIZE)
    assert run(msrs, tmp_path) == 1
    assert "subset='val' of 2 samples is empty" in capsys.readouterr().err


@pytest.mark.parametrize('module', [msrs, mvss, fmb])
def test_samples_cannot_be_left_out(module, capsys):
    """The data sets read all that is there."""
    with pytest.raises(SystemExit):
        module.main(['--skip-broken'])
    assert '--skip-broken' in capsys.readouterr().err
