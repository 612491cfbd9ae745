"""MFNet, PST900 and DELIVER: rendered in their layouts, prepared, and read back."""

import json

import cv2
import numpy as np
import pytest

from mmfkd.cli.prepare import deliver, mfnet, pst900
from mmfkd.datasets import DELIVERDataset, MFNetDataset, PST900Dataset
from mmfkd.datasets.synthetic.seeding import scene_seed
from mmfkd.datasets.synthetic.streets import PARTS, render_street
from mmfkd.datasets.synthetic.thermal_layouts import (
    DELIVER_NAMES,
    PST900_NAMES,
    write_deliver_layout,
    write_mfnet_layout,
    write_pst900_layout,
)

LOAD = [dict(type='mmfkd.LoadModalities'), dict(type='mmfkd.LoadCheckedAnnotations')]
SIZE = (24, 32)


def scene(seed, index):
    return render_street(scene_seed(seed, index), SIZE)


def run(module, root, *options):
    return module.main([str(root), '--workers', '1', *options])


@pytest.fixture
def mfnet_root(tmp_path):
    write_mfnet_layout(tmp_path, 6, 3, 8, SIZE, seed=4)
    return tmp_path


@pytest.fixture
def deliver_root(tmp_path):
    write_deliver_layout(tmp_path, 6, 3, 5, SIZE, seed=4)
    return tmp_path


def test_mfnet_is_split_into_colour_and_thermal(mfnet_root):
    assert run(mfnet, mfnet_root) == 0
    report = json.loads((mfnet_root / 'prepare_report.json').read_text())
    assert report['splits']['val'] == dict(listed=3, ready=3, published=392)
    for split, seed, count in (('train', 4, 6), ('val', 5, 3), ('test', 6, 8)):
        dataset = MFNetDataset(str(mfnet_root), split=split, pipeline=LOAD)
        assert len(dataset) == count
        for i in range(count):
            item, wanted = dataset[i], scene(seed, i)
            assert np.array_equal(item['modalities']['rgb'], wanted['rgb'])
            assert np.array_equal(item['modalities']['ir'], wanted['ir'])
            assert np.array_equal(item['gt_seg_map'], wanted['label'])
    night, day = (len(MFNetDataset(str(mfnet_root), split=f'test_{part}'))
                  for part in ('night', 'day'))
    assert night and day and night + day == 8


def test_what_mfnet_has_been_split_into_is_kept(mfnet_root):
    assert run(mfnet, mfnet_root) == 0
    made = sorted(mfnet_root.glob('*/*.png'))
    times = [path.stat().st_mtime_ns for path in made]
    gone = mfnet_root / 'ir' / made[-1].name
    gone.unlink()
    assert run(mfnet, mfnet_root) == 0
    assert gone.is_file()
    assert [path.stat().st_mtime_ns for path in made if path != gone] == [
        time for path, time in zip(made, times, strict=True) if path != gone]


def test_mfnet_before_it_is_split_and_with_wrong_files(mfnet_root, capsys):
    with pytest.raises(FileNotFoundError, match='mmfkd prepare DATASET'):
        MFNetDataset(str(mfnet_root))
    image = sorted((mfnet_root / 'images').iterdir())[0]
    cv2.imwrite(str(image), np.zeros((*SIZE, 3), np.uint8))
    assert run(mfnet, mfnet_root) == 1
    assert f'{image} has 3 channels, not 4: get these files again' in capsys.readouterr().err
    image.write_bytes(image.read_bytes()[:40])
    assert run(mfnet, mfnet_root) == 1
    assert f'{image} cannot be read' in capsys.readouterr().err
    for path in (mfnet_root / 'images').iterdir():
        path.unlink()
    assert run(mfnet, mfnet_root) == 1
    assert 'images holds no png file' in capsys.readouterr().err


def test_a_stem_of_a_list_needs_its_files(mfnet_root, capsys):
    assert run(mfnet, mfnet_root) == 0
    with (mfnet_root / 'val.txt').open('a') as file:
        file.write('99999D\n')
    assert run(mfnet, mfnet_root) == 1
    assert '99999D.png' in capsys.readouterr().err
    with pytest.raises(FileNotFoundError, match='dusk.txt does not exist: set split'):
        MFNetDataset(str(mfnet_root), split='dusk')


def test_pst900_has_five_classes(tmp_path):
    write_pst900_layout(tmp_path, 12, 3, SIZE, seed=4)
    assert run(pst900, tmp_path) == 0
    assert len((tmp_path / 'val.txt').read_text().split()) == 1
    classes = PST900Dataset.METAINFO['classes']
    numbers = np.array([classes.index(PST900_NAMES.get(part, 'background')) for part in PARTS])
    seen = set()
    dataset = PST900Dataset(str(tmp_path), split='train', pipeline=LOAD)
    for i in range(12):
        item, wanted = dataset[i], scene(4, i)
        assert np.array_equal(item['modalities']['ir'], wanted['ir'])
        assert np.array_equal(item['gt_seg_map'], numbers[wanted['parts']])
        seen |= set(np.unique(item['gt_seg_map']))
    assert {0, 1} < seen <= set(range(5))


def test_deliver_has_four_modalities_and_its_labels_begin_with_1(deliver_root):
    assert run(deliver, deliver_root) == 0
    classes = DELIVERDataset.METAINFO['classes']
    numbers = np.array([classes.index(DELIVER_NAMES.get(part, 'Other')) for part in PARTS])
    dataset = DELIVERDataset(str(deliver_root), split='test', pipeline=LOAD)
    items = {item['stem'].split('/')[-1]: item for item in (dataset[i] for i in range(5))}
    assert {item['stem'].split('/')[0] for item in items.values()} == {
        'cloud', 'fog', 'night', 'rain', 'sun'}
    for i in range(5):
        item, wanted = items[f'{10 + i:06d}'], scene(6, i)
        assert list(item['modalities']) == ['rgb', 'depth', 'event', 'lidar']
        assert all(image.shape == (*SIZE, 3) for image in item['modalities'].values())
        assert np.array_equal(item['modalities']['rgb'], wanted['rgb'])
        assert np.array_equal(item['gt_seg_map'], numbers[wanted['parts']])


def test_pixels_without_a_class_are_ignored_in_deliver(deliver_root):
    path = sorted(deliver_root.glob('semantic/*/train/*/*.png'))[0]
    image = cv2.imread(str(path))
    image[0, :3, 2] = (0, 255, 25)
    cv2.imwrite(str(path), image)
    assert run(deliver, deliver_root) == 0
    dataset = DELIVERDataset(str(deliver_root), split='train', pipeline=LOAD)
    label = path.name.replace('semantic', 'label')
    item = next(dataset[i] for i in range(6)
                if dataset.get_data_info(i)['seg_map_path'].endswith(label))
    assert item['gt_seg_map'][0, :3].tolist() == [255, 255, 24]


def test_deliver_without_its_files(tmp_path, capsys):
    assert run(deliver, tmp_path) == 1
    assert 'holds no file that ends in _semantic_front.png' in capsys.readouterr().err
    with pytest.raises(FileNotFoundError, match='does not exist for any case of cloud, fog'):
        DELIVERDataset(str(tmp_path))
