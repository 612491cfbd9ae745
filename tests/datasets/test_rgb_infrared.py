"""MSRS, MVSS and FMB in the layouts of their authors, on files that the test writes."""

import json

import cv2
import numpy as np
import pytest

from mmfkd.datasets import FMB14Dataset, FMBDataset, MSRSDataset, MVSSDataset
from mmfkd.datasets.subset import select_subset
from mmfkd.registry import DATASETS

LOAD = [dict(type='mmfkd.LoadModalities'), dict(type='mmfkd.LoadCheckedAnnotations')]
PACK = [*LOAD, dict(type='mmfkd.StackModalities'), dict(type='mmfkd.PackModalities')]
SIZE = (12, 16)
RNG = np.random.default_rng(0)
OPTICAL = RNG.integers(0, 256, (*SIZE, 3)).astype(np.uint8)
THERMAL = RNG.integers(0, 256, SIZE).astype(np.uint8)


def labels(classes):
    return (np.arange(SIZE[0] * SIZE[1]).reshape(SIZE) % classes).astype(np.uint8)


def write(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


def folders(root, kinds, classes, stems, split='train'):
    for stem in stems:
        for kind, image in zip(kinds, (OPTICAL, THERMAL, labels(classes)), strict=True):
            write(root / split / kind / f'{stem}.png', image)
    return root


@pytest.fixture
def msrs(tmp_path):
    root = folders(tmp_path, MSRS, 9, [f'{i:05d}{"DN"[i % 2]}' for i in range(20)])
    return folders(root, MSRS, 9, ['00020D'], 'test')


@pytest.fixture
def fmb(tmp_path):
    return folders(tmp_path, FMB, 15, ['00001', '00002'])


@pytest.fixture
def mvss(tmp_path):
    """Two videos of two labelled frames and one without a label; images as jpg and as png."""
    label = labels(26)
    label[label == 25] = 255
    for video, suffix in (('a', 'jpg'), ('b', 'png')):
        for frame in ('01', '02', '03'):
            write(tmp_path / f'data/{video}/visible/{frame}v.{suffix}', OPTICAL)
            write(tmp_path / f'data/{video}/infrared/{frame}i.{suffix}', THERMAL)
            if frame != '02':
                write(tmp_path / f'data/{video}/label/{frame}l.png', label)
    for split, videos in dict(train='ab', val='b', test='a', test_night='a').items():
        (tmp_path / f'{split}.txt').write_text(''.join(f'{video}\n' for video in videos))
    return tmp_path


MSRS = ('vi', 'ir', 'Segmentation_labels')
FMB = ('Visible', 'Infrared', 'Label')


def stems(dataset):
    return [dataset.get_data_info(i)['stem'] for i in range(len(dataset))]


def label_of(item):
    return item['data_samples'].gt_sem_seg.data[0].numpy()


# Names and colours.

def test_msrs_and_fmb_have_the_published_names_and_colours(shared_data):
    published = json.loads((shared_data / 'palettes.json').read_text())
    for dataset, key in ((MSRSDataset, 'MFNet_MSRS'), (FMBDataset, 'FMB')):
        assert list(dataset.METAINFO['classes']) == published[key]['classes']
        assert dataset.METAINFO['palette'] == published[key]['palette']


def test_mvss_has_26_classes_in_the_official_order():
    classes, palette = (MVSSDataset.METAINFO[key] for key in ('classes', 'palette'))
    assert len(set(classes)) == len({tuple(c) for c in palette}) == len(palette) == 26
    places = dict(Background=0, Car=1, Bicycle=4, Pedestrian=5, Pole=12, Car_stop=16, Sky=18,
                  Road=19, Curb=21, Building=24, Ground=25)
    assert {name: classes.index(name) for name in places} == places
    assert palette[5] == [255, 0, 0] and palette[18] == [70, 130, 180]


# What is read.

def test_msrs_is_read(msrs):
    dataset = MSRSDataset(str(msrs), pipeline=PACK)
    assert len(dataset) == 20 and stems(dataset)[:2] == ['00000D', '00001N']
    item = dataset[1]
    inputs = {name: x.numpy() for name, x in item['inputs'].items()}
    assert list(inputs) == ['rgb', 'ir']
    np.testing.assert_array_equal(inputs['rgb'].transpose(1, 2, 0), OPTICAL)
    np.testing.assert_array_equal(inputs['ir'], np.stack([THERMAL] * 3))
    assert {x.dtype for x in inputs.values()} == {np.dtype(np.uint8)}
    np.testing.assert_array_equal(label_of(item), labels(9))
    assert stems(MSRSDataset(str(msrs), split='test')) == ['00020D']


def test_infrared_alone_needs_no_optical_files(msrs):
    for path in (msrs / 'train/vi').iterdir():
        path.unlink()
    item = MSRSDataset(str(msrs), modalities=['ir'], pipeline=PACK)[0]
    assert {name: tuple(x.shape) for name, x in item['inputs'].items()} == dict(ir=(3, *SIZE))


def test_msrs_subsets_are_the_seeded_tenth_and_the_rest(msrs):
    fit, val = (stems(MSRSDataset(str(msrs), subset=subset)) for subset in ('fit', 'val'))
    everything = stems(MSRSDataset(str(msrs)))
    assert len(val) == 2 and sorted(fit + val) == everything
    assert val == [everything[i] for i in select_subset(everything, 'val', 0.1, 0)]


def test_fmb_scores_its_background(fmb):
    dataset = FMBDataset(str(fmb), pipeline=PACK)
    np.testing.assert_array_equal(label_of(dataset[0]), labels(15))
    assert len(dataset.metainfo['classes']) == 15


def test_fmb14_ignores_its_background(fmb):
    dataset = DATASETS.build(dict(type='FMB14Dataset', data_root=str(fmb), pipeline=PACK))
    expected = np.where(labels(15) == 0, 255, labels(15).astype(int) - 1)
    for item in (dataset[0], dataset[1]):
        np.testing.assert_array_equal(label_of(item), expected)
    classes, palette = (dataset.metainfo[key] for key in ('classes', 'palette'))
    assert classes == FMBDataset.METAINFO['classes'][1:] and len(classes) == 14
    assert classes[expected[0, 1]] == 'Road' and palette[0] == [228, 228, 179]
    assert set(np.unique(expected)) == {*range(14), 255}


def test_reduce_zero_label_overrides_that_of_the_class(fmb):
    assert not FMBDataset(str(fmb)).reduce_zero_label
    assert not FMB14Dataset(str(fmb), reduce_zero_label=False).reduce_zero_label
    same = FMBDataset(str(fmb), reduce_zero_label=True, pipeline=LOAD, ignore_index=255)[0]
    np.testing.assert_array_equal(same['gt_seg_map'],
                                  FMB14Dataset(str(fmb), pipeline=LOAD)[0]['gt_seg_map'])


def test_mvss_takes_labelled_frames_of_the_listed_videos(mvss):
    assert stems(MVSSDataset(str(mvss))) == ['a/01', 'a/03', 'b/01', 'b/03']
    for split, expected in dict(val='b', test='a', test_night='a').items():
        assert stems(MVSSDataset(str(mvss), split=split)) == [f'{expected}/01', f'{expected}/03']


def test_mvss_reads_jpg_and_png(mvss):
    dataset = MVSSDataset(str(mvss), pipeline=PACK)
    info = dataset.get_data_info(0)
    assert info['modalities']['rgb']['path'] == str(mvss / 'data/a/visible/01v.jpg')
    assert info['modalities']['ir']['path'] == str(mvss / 'data/a/infrared/01i.jpg')
    assert info['seg_map_path'] == str(mvss / 'data/a/label/01l.png')
    inputs = dataset[2]['inputs']
    np.testing.assert_array_equal(inputs['rgb'].numpy().transpose(1, 2, 0), OPTICAL)
    np.testing.assert_array_equal(inputs['ir'][1], THERMAL)


def test_mvss_255_in_a_file_is_ground(mvss):
    item = MVSSDataset(str(mvss), pipeline=PACK)[0]
    stored = cv2.imread(str(mvss / 'data/a/label/01l.png'), cv2.IMREAD_UNCHANGED)
    assert set(np.unique(stored)) == {*range(25), 255}
    np.testing.assert_array_equal(label_of(item), labels(26))


def test_mvss_255_follows_a_choice_of_classes(mvss):
    """Ground is the second of two, or ignored where it is not among them."""
    for names, values in ((('Car', 'Ground'), {1: 0, 25: 1}), (('Car', 'Road'), {1: 0, 19: 1})):
        dataset = MVSSDataset(str(mvss), pipeline=PACK, metainfo=dict(classes=names))
        expected = np.vectorize(lambda value, values=values: values.get(value, 255))(labels(26))
        np.testing.assert_array_equal(label_of(dataset[0]), expected)
        assert len(dataset.metainfo['palette']) == 2


def test_mvss_folders_and_suffixes_can_be_given(mvss):
    for path in list((mvss / 'data').rglob('*.jpg')):
        path.rename(path.with_suffix('.JPEG'))
    spec = dict(folder='data/{video}/infrared', suffix='i.JPEG', channels=1,
                loader=dict(type='mmfkd.LoadInfrared', channels=1))
    item = MVSSDataset(str(mvss), split='test', modalities=dict(ir=spec), pipeline=PACK)[0]
    assert tuple(item['inputs']['ir'].shape) == (1, *SIZE)


# What is refused.

def test_mvss_suffixes_that_are_there_are_said_where_none_match(mvss):
    for path in list((mvss / 'data/a/visible').iterdir()):
        path.rename(path.with_suffix('.bmp'))
    with pytest.raises(ValueError, match=r"visible holds no file that ends in 'v.jpg or v.png', "
                                         r'only .bmp'):
        MVSSDataset(str(mvss), split='test')


def test_mvss_label_without_infrared_is_named(mvss):
    (mvss / 'data/b/infrared/03i.png').unlink()
    with pytest.raises(ValueError, match=r'infrared: 1 of 4 files of "ir" are missing: b/03i.jpg '
                                         r'or i.png'):
        MVSSDataset(str(mvss))


def test_mvss_missing_list_is_named(mvss):
    with pytest.raises(FileNotFoundError, match='day.txt does not exist: set split'):
        MVSSDataset(str(mvss), split='day')


def test_mvss_empty_list_is_named(mvss):
    (mvss / 'val.txt').write_text('\n')
    with pytest.raises(ValueError, match='val.txt is empty'):
        MVSSDataset(str(mvss), split='val')


def test_mvss_listed_video_without_folder_is_named(mvss):
    (mvss / 'val.txt').write_text('b\nzebra\n')
    with pytest.raises(FileNotFoundError, match='data/zebra/visible does not exist'):
        MVSSDataset(str(mvss), split='val')


def test_file_without_partner_is_named(msrs):
    (msrs / 'train/ir/00003N.png').unlink()
    with pytest.raises(ValueError, match='train/ir: 1 of 20 files of "ir".*00003N.png'):
        MSRSDataset(str(msrs))


def test_pair_of_different_sizes_is_named_with_both_sizes(msrs):
    write(msrs / 'train/ir/00000D.png', THERMAL[:-1])
    with pytest.raises(ValueError, match='vi/00000D.png 12x16, .*ir/00000D.png 11x16.*registered'):
        MSRSDataset(str(msrs), pipeline=LOAD)[0]


@pytest.mark.parametrize('value', [9, 254])
def test_unknown_label_is_named_with_the_cure(msrs, value):
    label = labels(9)
    label[2, 3] = value
    write(msrs / 'train/Segmentation_labels/00000D.png', label)
    with pytest.raises(ValueError, match=f'Segmentation_labels/00000D.png holds label {value}, '
                                         'but there are 9 classes.*Map the labels'):
        MSRSDataset(str(msrs), pipeline=LOAD)[0]


@pytest.mark.parametrize('dataset, value', [(FMBDataset, 15), (FMB14Dataset, 15)])
def test_unknown_label_of_fmb_is_named(fmb, dataset, value):
    label = labels(15)
    label[2, 3] = value
    write(fmb / 'train/Label/00001.png', label)
    with pytest.raises(ValueError, match='Label/00001.png holds label'):
        dataset(str(fmb), pipeline=LOAD)[0]


def test_unknown_label_of_mvss_is_named(mvss):
    label = labels(26)
    label[2, 3] = 26
    write(mvss / 'data/a/label/01l.png', label)
    with pytest.raises(ValueError, match='data/a/label/01l.png holds label 26.* 26 classes'):
        MVSSDataset(str(mvss), pipeline=LOAD)[0]


# The real lists.

def test_real_lists_of_msrs(shared_data):
    stems = {split: (shared_data / f'msrs/msrs_{split}.txt').read_text().split()
             for split in ('train', 'test')}
    assert {split: len(set(names)) for split, names in stems.items()} == dict(train=1083, test=361)
    assert not set(stems['train']) & set(stems['test'])
    assert {name[-1] for names in stems.values() for name in names} == {'D', 'N'}
    val = select_subset(sorted(stems['train']), 'val', 0.1, 0)
    assert len(val) == 108
