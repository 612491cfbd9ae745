"""Rendered streets in the layouts of MSRS, MVSS and FMB, read back by their data sets."""


import cv2
import numpy as np
import pytest

from mmfkd.cli.prepare import synthetic
from mmfkd.datasets import FMBDataset, MSRSDataset, MVSSDataset
from mmfkd.datasets.synthetic.infrared_layouts import (
    FMB_NAMES,
    MVSS_NAMES,
    write_fmb_layout,
    write_msrs_layout,
    write_mvss_layout,
)
from mmfkd.datasets.synthetic.seeding import scene_seed
from mmfkd.datasets.synthetic.streets import CLASSES, PARTS, is_night, render_street

LOAD = [dict(type='mmfkd.LoadModalities'), dict(type='mmfkd.LoadCheckedAnnotations')]
SIZE = (24, 32)


def scene(seed, index):
    return render_street(scene_seed(seed, index), SIZE)


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def check_item(item, expected):
    assert np.array_equal(item['modalities']['rgb'], expected['rgb'])
    assert np.array_equal(item['modalities']['ir'], expected['ir'])


def test_msrs_holds_the_scenes_with_day_or_night_in_their_names(tmp_path):
    write_msrs_layout(tmp_path, 9, 5, SIZE, seed=4)
    letters = set()
    for split, seed, first, count in (('train', 4, 1, 9), ('test', 5, 10, 5)):
        dataset = MSRSDataset(str(tmp_path), split=split, pipeline=LOAD)
        assert len(dataset) == count
        for index in range(count):
            expected, item = scene(seed, index), dataset[index]
            check_item(item, expected)
            assert np.array_equal(item['gt_seg_map'], expected['label'])
            letter = 'N' if expected['night'] else 'D'
            assert item['stem'] == f'{first + index:05d}{letter}'
            letters.add(letter)
    assert letters == {'D', 'N'}
    assert files(tmp_path / 'test') == ['Segmentation_labels', 'ir', 'vi']
    stored = cv2.imread(str(next((tmp_path / 'test/ir').iterdir())), cv2.IMREAD_UNCHANGED)
    assert stored.shape == SIZE


def test_fmb_holds_the_scenes_in_its_own_numbers(tmp_path):
    write_fmb_layout(tmp_path, 4, 3, SIZE, seed=4)
    classes, seen = FMBDataset.METAINFO['classes'], set()
    for split, seed, first, count in (('train', 4, 1, 4), ('test', 5, 5, 3)):
        dataset = FMBDataset(str(tmp_path), split=split, pipeline=LOAD)
        assert [dataset.get_data_info(i)['stem'] for i in range(len(dataset))] == [
            f'{first + i:05d}' for i in range(count)]
        for index in range(count):
            expected, item = scene(seed, index), dataset[index]
            check_item(item, expected)
            for part in np.unique(expected['parts']):
                number = np.unique(item['gt_seg_map'][expected['parts'] == part])
                assert number.tolist() == [classes.index(FMB_NAMES.get(PARTS[part], 'background'))]
                seen.add(PARTS[part])
    assert {'person', 'car', 'sky', 'road', 'guardrail'} <= seen
    assert files(tmp_path / 'train') == ['Infrared', 'Label', 'Visible']
    stored = cv2.imread(str(tmp_path / 'train/Infrared/00001.png'), cv2.IMREAD_UNCHANGED)
    assert stored.shape == (*SIZE, 3)


def test_mvss_holds_videos_by_day_or_night_with_some_frames_labelled(tmp_path):
    write_mvss_layout(tmp_path, 11, 6, 9, SIZE, seed=4)
    datasets = {split: MVSSDataset(str(tmp_path), split=split, pipeline=LOAD)
                for split in ('train', 'val', 'test', 'test_night')}
    assert [len(datasets[split]) for split in ('train', 'val', 'test')] == [11, 6, 9]
    classes, numbers = MVSSDataset.METAINFO['classes'], set()
    for seed, split in ((4, 'train'), (5, 'val'), (6, 'test')):
        # By day first, each in its order.
        order = sorted(range(len(datasets[split])), key=lambda i: is_night(scene_seed(seed, i)))
        for place, index in enumerate(order):
            expected, item = scene(seed, index), datasets[split][place]
            difference = np.abs(item['modalities']['rgb'].astype(int) - expected['rgb'])
            assert difference.mean() < 12  # JPEG
            assert np.abs(item['modalities']['ir'].astype(int) - expected['ir']).mean() < 6
            for part in np.unique(expected['parts']):
                number = np.unique(item['gt_seg_map'][expected['parts'] == part])
                assert number.tolist() == [classes.index(MVSS_NAMES.get(PARTS[part],
                                                                        'Background'))]
                numbers.add(int(number[0]))
    assert 25 in numbers and len(numbers) > 10


def test_mvss_lists_the_nights_of_test(tmp_path):
    write_mvss_layout(tmp_path, 1, 1, 12, SIZE, seed=4)
    nights = sum(is_night(scene_seed(6, i)) for i in range(12))
    assert 0 < nights < 12
    assert len(MVSSDataset(str(tmp_path), split='test_night')) == nights
    listed = {split: (tmp_path / f'{split}.txt').read_text().split()
              for split in ('train', 'val', 'test', 'test_night')}
    assert set(listed['test_night']) < set(listed['test'])
    assert len(listed['train']) == len(listed['val']) == 1
    assert sorted(listed['train'] + listed['val'] + listed['test']) == files(tmp_path / 'data')


def test_mvss_labels_hold_255_for_ground_and_some_frames_have_none(tmp_path):
    write_mvss_layout(tmp_path, 8, 1, 1, SIZE, seed=4)
    videos = sorted((tmp_path / 'data').glob('train_*'))
    assert videos
    values = set()
    for video in videos:
        visible, infrared, label = (files(video / kind)
                                    for kind in ('visible', 'infrared', 'label'))
        assert [name.replace('v.jpg', 'i.jpg') for name in visible] == infrared
        assert [name.replace('l.png', 'v.jpg') for name in label] == visible[:-1]
        for name in label:
            values |= set(np.unique(cv2.imread(str(video / 'label' / name), -1)).tolist())
    assert 255 in values and 25 not in values


@pytest.mark.parametrize('names, dataset', [(MVSS_NAMES, MVSSDataset), (FMB_NAMES, FMBDataset)])
def test_tables_of_names_have_parts_and_classes(names, dataset):
    assert set(names) <= set(PARTS) - {'unlabeled'}
    assert set(names.values()) <= set(dataset.METAINFO['classes'])
    assert len(set(names) & set(CLASSES)) >= 5


@pytest.mark.parametrize('write', [
    lambda root: write_msrs_layout(root, 1, 1, size=(0, 8)),
    lambda root: write_fmb_layout(root, 1, 1, size=8),
    lambda root: write_mvss_layout(root, 1, 1, 1, size=(8, 8, 8))])
def test_wrong_sizes_are_named(tmp_path, write):
    with pytest.raises(ValueError, match='size='):
        write(tmp_path)
    assert not files(tmp_path)


@pytest.mark.parametrize('layout, dataset, parts', [
    ('msrs', MSRSDataset, ['test', 'train']), ('fmb', FMBDataset, ['test', 'train']),
    ('mvss', MVSSDataset, ['data', 'test.txt', 'test_night.txt', 'train.txt', 'val.txt'])])
def test_tool_writes_each_layout_and_replaces_only_that(tmp_path, layout, dataset, parts):
    main, root = synthetic.main, tmp_path / layout
    args = [str(root), '--layout', layout, '--size', '24', '32', '--test', '1',
            *(['--dev', '2'] if layout == 'mvss' else []), '--train']
    main([*args, '3'])
    assert files(root) == parts and len(dataset(str(root))) == 3
    (root / 'notes.txt').write_text('mine')
    with pytest.raises(SystemExit, match='--overwrite'):
        main([*args, '2'])
    main([*args, '2', '--overwrite'])
    assert files(root) == sorted([*parts, 'notes.txt']) and len(dataset(str(root))) == 2


def test_tool_has_the_real_numbers_and_sizes():
    parse = synthetic.parse_args
    values = {layout: parse(['x', '--layout', layout]) for layout in ('msrs', 'mvss', 'fmb')}
    assert {layout: (args.train, args.dev, args.test, args.size)
            for layout, args in values.items()} == dict(
        msrs=(1083, None, 361, (480, 640)), mvss=(1004, 100, 612, (320, 480)),
        fmb=(1220, None, 280, (600, 800)))
