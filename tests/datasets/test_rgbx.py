"""RGBXDataset and its data sets, on files that the test writes and on real ones."""

import shutil
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.logging import MMLogger
from mmseg.datasets import PascalVOCDataset
from scipy.io import loadmat

from mmfkd.datasets import NYUv2Dataset, OmbriaDataset, RGBXDataset
from mmfkd.datasets.image_files import UNCHANGED
from mmfkd.datasets.palettes import voc_palette
from mmfkd.registry import DATASETS

HEIGHT, WIDTH = 20, 28
LOAD = [dict(type='mmfkd.LoadModalities'), dict(type='mmfkd.LoadCheckedAnnotations')]
PACK = [*LOAD, dict(type='mmfkd.StackModalities'), dict(type='mmfkd.PackModalities')]
OWN = dict(
    rgb=dict(folder='{split}/rgb', suffix='.png', channels=3),
    thermal=dict(folder='{split}/ir', suffix='.jpg', channels=1),
    depth=dict(folder='{split}/depth', suffix='_d.png', channels=1, loader=UNCHANGED))
METAINFO = dict(classes=('road', 'car', 'sky'), palette=[[9, 9, 9], [8, 8, 8], [7, 7, 7]])


@pytest.fixture
def arrays():
    """One sample: colour in BGR order, a grey ramp, depth above 8 bit, three classes."""
    rng = np.random.default_rng(0)
    depth = rng.integers(300, 65535, (HEIGHT, WIDTH)).astype(np.uint16)
    depth[0, :4] = 0, 255, 256, 65535
    label = rng.integers(0, 3, (HEIGHT, WIDTH)).astype(np.uint8)
    label[-1] = 255
    ramp = np.broadcast_to(np.arange(WIDTH, dtype=np.uint8) * 8, (HEIGHT, WIDTH))
    return {'rgb/*.png': rng.integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8),
            'ir/*.jpg': ramp, 'depth/*_d.png': depth, 'label/*.png': label}


def write(root, arrays, stems=('a', 'b', 'c'), split='train'):
    for pattern, array in arrays.items():
        for stem in stems:
            path = root / split / pattern.replace('*', stem)
            path.parent.mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(path), array)
    return root


@pytest.fixture
def own_root(tmp_path, arrays):
    return write(tmp_path, arrays)


def own(root, names=tuple(OWN), **options):
    return RGBXDataset(data_root=str(root), modalities={name: OWN[name] for name in names},
                       **{'metainfo': METAINFO, **options})


def stems(dataset):
    return [Path(dataset.get_data_info(i)['img_path']).stem for i in range(len(dataset))]


# What a user's own data set gives.

def test_three_modalities_given_as_a_dict_are_read(own_root, arrays):
    item = own(own_root, pipeline=LOAD)[0]
    images = item['modalities']
    assert {name: (image.shape, image.dtype.name) for name, image in images.items()} == dict(
        rgb=((HEIGHT, WIDTH, 3), 'uint8'), thermal=((HEIGHT, WIDTH, 1), 'float32'),
        depth=((HEIGHT, WIDTH, 1), 'float32'))
    np.testing.assert_array_equal(images['rgb'], arrays['rgb/*.png'])
    np.testing.assert_array_equal(images['depth'][..., 0], arrays['depth/*_d.png'])
    np.testing.assert_allclose(images['thermal'][..., 0], arrays['ir/*.jpg'], atol=6)
    np.testing.assert_array_equal(item['gt_seg_map'], arrays['label/*.png'])
    assert item['ori_shape'] == item['img_shape'] == (HEIGHT, WIDTH)


def test_two_modalities_of_three_need_no_files_of_the_third(own_root):
    for path in (own_root / 'train/ir').iterdir():
        path.unlink()
    item = own(own_root, ['depth', 'rgb'], pipeline=PACK)[0]
    assert {name: tuple(x.shape) for name, x in item['inputs'].items()} == dict(
        depth=(1, HEIGHT, WIDTH), rgb=(3, HEIGHT, WIDTH))


def test_first_modality_is_displayed(own_root):
    item = own(own_root, ['depth', 'rgb'], pipeline=PACK)[0]
    assert item['data_samples'].img_path == str(own_root / 'train/depth/a_d.png')


def test_data_set_builds_from_a_config(own_root):
    dataset = DATASETS.build(dict(type='RGBXDataset', data_root=str(own_root), modalities=OWN,
                                  metainfo=METAINFO, pipeline=PACK, test_mode=True))
    assert len(dataset) == 3 and dataset.metainfo['classes'] == METAINFO['classes']


def test_split_fills_the_folders(own_root, arrays):
    write(own_root, arrays, ['x'], split='night')
    assert stems(own(own_root)) == ['a', 'b', 'c']
    assert stems(own(own_root, split='night')) == ['x']


def test_files_in_subfolders_pair_up(tmp_path, arrays):
    folders = [f'{folder}/{day}' for folder in ('rgb', 'ir', 'depth', 'label')
               for day in ('mon', 'tue')]
    for folder in folders:
        (tmp_path / 'train' / folder).mkdir(parents=True)
    write(tmp_path, arrays, ['mon/1', 'tue/1'])
    paths = [own(tmp_path).get_data_info(i)['seg_map_path'] for i in range(2)]
    assert paths == [str(tmp_path / f'train/label/{day}/1.png') for day in ('mon', 'tue')]


def test_links_to_folders_are_followed_and_circles_end(tmp_path, arrays):
    elsewhere = tmp_path / 'elsewhere'
    for kind in ('rgb', 'ir', 'depth', 'label'):
        (elsewhere / 'train' / kind).mkdir(parents=True)
    write(elsewhere, arrays, ['1', '2'])
    for kind in ('rgb', 'ir', 'depth', 'label'):
        (tmp_path / 'train' / kind).mkdir(parents=True)
        for day in ('mon', 'tue'):
            (tmp_path / 'train' / kind / day).symlink_to(elsewhere / 'train' / kind)
        (elsewhere / 'train' / kind / 'loop').symlink_to(elsewhere / 'train' / kind)
    dataset = own(tmp_path)
    assert [dataset.get_data_info(i)['stem'] for i in range(len(dataset))] == [
        'mon/1', 'mon/2', 'tue/1', 'tue/2']


def test_files_of_a_suffix_in_capitals_are_counted(own_root, arrays, caplog):
    path = own_root / 'train/rgb/a.png'
    for stem in ('x', 'y'):
        path.with_name(f'{stem}.PNG').write_bytes(path.read_bytes())
    MMLogger.get_instance('case', logger_name='case').addHandler(caplog.handler)
    assert stems(own(own_root)) == ['a', 'b', 'c']
    assert "rgb: 2 files that end in '.PNG' are left out, as 'suffix' is '.png'" in caplog.text


def test_files_that_are_no_samples_may_have_one_name_in_several_folders(tmp_path, arrays):
    for day in ('mon', 'tue'):
        write(tmp_path, arrays, [day], split=day)
        for kind in ('rgb', 'ir', 'depth', 'label'):
            (tmp_path / day / kind / 'notes.txt').write_text('sunny')
    modalities = {name: dict(spec, folder=spec['folder'].replace('{split}', '*'))
                  for name, spec in OWN.items()}
    label = dict(folder='*/label', suffix='.png')
    dataset = RGBXDataset(str(tmp_path), modalities=modalities, label=label, metainfo=METAINFO)
    assert stems(dataset) == ['mon', 'tue']
    with pytest.raises(ValueError, match=r"ends in '\.gif', only \.png, \.txt: check"):
        RGBXDataset(str(tmp_path), modalities=modalities, label=dict(label, suffix='.gif'),
                    metainfo=METAINFO)


@pytest.mark.parametrize('suffix', ['.png', ('.png', '.tif', '.jpg')])
def test_a_folder_is_listed_once_whatever_suffixes_there_are(own_root, suffix):
    class Counting(RGBXDataset):
        listed_folders = []

        def find_files(self, folder):
            self.listed_folders.append(Path(folder).name)
            return super().find_files(folder)

    dataset = Counting(str(own_root), modalities=dict(rgb=dict(OWN['rgb'], suffix=suffix)),
                       metainfo=METAINFO)
    assert stems(dataset) == ['a', 'b', 'c']
    assert dataset.listed_folders == ['rgb', 'label']


def test_ann_file_selects_stems(own_root):
    (own_root / 'list.txt').write_text('c\na\n')
    assert stems(own(own_root, ann_file='list.txt')) == ['a', 'c']
    assert stems(own(own_root, ann_file=str(own_root / 'list.txt'))) == ['a', 'c']


def test_ann_file_has_one_stem_a_line_whatever_it_contains(own_root, arrays):
    write(own_root, arrays, ['scene 1', 'scene 2'])
    (own_root / 'list.txt').write_text('scene 2\nb\n')
    assert stems(own(own_root, ann_file='list.txt')) == ['b', 'scene 2']


def test_label_folder_and_suffix_can_be_given(own_root):
    (own_root / 'train/label').rename(own_root / 'masks')
    for path in (own_root / 'masks').iterdir():
        path.rename(path.with_name(f'{path.stem}_mask.png'))
    item = own(own_root, label=dict(folder='masks', suffix='_mask.png'), pipeline=LOAD)[2]
    assert item['seg_map_path'] == str(own_root / 'masks/c_mask.png')


def test_sixteen_bit_image_is_not_squeezed_into_eight_by_the_default_loader(own_root, arrays):
    """Either its values are kept or it is refused, but it must not be clipped in silence."""
    spec = {key: value for key, value in OWN['depth'].items() if key != 'loader'}
    dataset = RGBXDataset(str(own_root), modalities=dict(depth=spec), metainfo=METAINFO,
                          pipeline=LOAD)
    try:
        image = dataset[0]['modalities']['depth']
    except ValueError as error:
        assert 'a_d.png' in str(error) and 'loader' in str(error)
    else:
        np.testing.assert_array_equal(image[..., 0], arrays['depth/*_d.png'])


# What is refused.

def test_unknown_modality_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"\['infrared'\].*known are \['rgb', 'depth'\]"):
        NYUv2Dataset('nowhere', modalities=['rgb', 'infrared'])


@pytest.mark.parametrize('key', ['folder', 'suffix', 'channels'])
def test_incomplete_modality_is_refused(own_root, key):
    spec = {k: v for k, v in OWN['rgb'].items() if k != key}
    with pytest.raises(ValueError, match=f'modalities.rgb.*{key}'):
        RGBXDataset(str(own_root), modalities=dict(rgb=spec), metainfo=METAINFO)


def test_no_modality_is_refused(own_root):
    with pytest.raises(ValueError, match='modalities is empty'):
        RGBXDataset(str(own_root), metainfo=METAINFO)


def test_missing_classes_are_asked_for(own_root):
    with pytest.raises(ValueError, match='metainfo.*classes|classes.*metainfo'):
        own(own_root, metainfo=None)


def test_classes_without_colours_have_those_that_predictions_have(own_root):
    classes = METAINFO['classes']
    assert own(own_root, metainfo=dict(classes=classes)).metainfo['palette'] == voc_palette(
        len(classes))


def test_missing_folder_is_named(own_root):
    (own_root / 'train/ir').rename(own_root / 'train/infrared')
    with pytest.raises(FileNotFoundError, match=f'{own_root}/train/ir does not exist'):
        own(own_root)


def test_a_relative_folder_is_named_with_the_working_directory(own_root, monkeypatch):
    monkeypatch.chdir(own_root / 'train')
    with pytest.raises(FileNotFoundError, match=(
            f'data/train/.* does not exist in the working directory {own_root}/train. Prepare')):
        own('data')


def test_folder_without_such_files_is_named_with_its_suffix(own_root):
    spec = dict(OWN['thermal'], suffix='.tif')
    with pytest.raises(ValueError, match=rf"{own_root}/train/ir holds no file .*'\.tif'"):
        RGBXDataset(str(own_root), modalities=dict(thermal=spec), metainfo=METAINFO)


@pytest.mark.parametrize('name', ['rgb/b.png', 'ir/b.jpg', 'depth/b_d.png', 'label/b.png'])
def test_file_without_partner_is_named(own_root, name):
    path = own_root / 'train' / name
    path.unlink()
    with pytest.raises(ValueError, match=f'{path.parent}: 1 of 3 files.*{path.name}'):
        own(own_root)


def test_stem_of_ann_file_without_file_is_named(own_root):
    (own_root / 'list.txt').write_text('a\nzebra\n')
    with pytest.raises(ValueError, match='zebra.png'):
        own(own_root, ann_file='list.txt')


def test_missing_ann_file_is_named(own_root):
    with pytest.raises(FileNotFoundError, match='list.txt does not exist'):
        own(own_root, ann_file='list.txt')


def test_wrong_number_of_channels_is_named(own_root):
    spec = dict(OWN['rgb'], channels=4)
    dataset = RGBXDataset(str(own_root), modalities=dict(rgb=dict(spec, loader=dict(
        type='LoadImageFromFile', color_type='color'))), metainfo=METAINFO, pipeline=LOAD)
    with pytest.raises(ValueError, match='a.png has 3 channels.*channels=4'):
        dataset[0]


@pytest.mark.parametrize('name', ['rgb/a.png', 'ir/a.jpg', 'depth/a_d.png', 'label/a.png'])
def test_file_cut_anywhere_is_named_or_read_whole(own_root, name):
    """A cut behind the last pixel loses nothing; any other cut must not give an image."""
    path, dataset = own_root / 'train' / name, own(own_root, pipeline=PACK)
    content, whole = path.read_bytes(), dataset[0]
    refused = 0
    for length in {*range(0, len(content), 23), *range(len(content) - 16, len(content))}:
        path.write_bytes(content[:length])
        try:
            item = dataset[0]
        except ValueError as error:
            assert str(path) in str(error) and 'truncated' in str(error)
            refused += 1
        else:
            assert all(x.equal(item['inputs'][key]) for key, x in whole['inputs'].items())
            assert item['data_samples'].gt_sem_seg.data.equal(
                whole['data_samples'].gt_sem_seg.data)
    assert refused > 5


def test_file_that_vanished_is_named(own_root):
    dataset = own(own_root, pipeline=LOAD)
    (own_root / 'train/rgb/a.png').unlink()
    with pytest.raises(FileNotFoundError, match='train/rgb/a.png does not exist'):
        dataset[0]


def test_modalities_of_different_sizes_are_named_with_their_sizes(own_root):
    cv2.imwrite(str(own_root / 'train/ir/a.jpg'), np.zeros((HEIGHT, WIDTH + 1), np.uint8))
    with pytest.raises(ValueError, match=rf'rgb/a.png {HEIGHT}x{WIDTH}, .*ir/a.jpg '
                                         rf'{HEIGHT}x{WIDTH + 1}'):
        own(own_root, pipeline=LOAD)[0]


def test_label_of_another_shape_is_named(own_root):
    cv2.imwrite(str(own_root / 'train/label/a.png'), np.zeros((WIDTH, HEIGHT), np.uint8))
    with pytest.raises(ValueError, match='label/a.png is .*registered with the images'):
        own(own_root, pipeline=LOAD)[0]


@pytest.mark.parametrize('value', [3, 254, 256, 300])
def test_label_beyond_the_classes_is_named(own_root, arrays, value):
    """Above 255 only 16-bit files can hold; their values must not wrap into the classes."""
    label = arrays['label/*.png'].astype(np.uint8 if value < 256 else np.uint16)
    label[3, 5] = value
    cv2.imwrite(str(own_root / 'train/label/a.png'), label)
    with pytest.raises(ValueError, match=f'label/a.png holds label {value}.* 3 classes'):
        own(own_root, pipeline=LOAD)[0]


def test_more_classes_than_8_bits_hold_are_refused(own_root):
    """255 is no label, so that class 255 would be ignored and class 256 be class 0."""
    def of(count):
        return RGBXDataset(data_root=str(own_root), modalities=OWN,
                           metainfo=dict(classes=[f'class {i}' for i in range(count)]))

    assert len(of(255)) == 3
    with pytest.raises(ValueError, match='has 256 classes, and labels are 8 bit with 255'):
        of(256)


def test_a_label_map_that_was_compressed_with_losses_is_refused(own_root, arrays):
    folder = own_root / 'train/label'
    for path in list(folder.iterdir()):
        cv2.imwrite(str(path.with_suffix('.jpg')), arrays['label/*.png'])
    dataset = own(own_root, label=dict(suffix='.jpg'), pipeline=LOAD)
    with pytest.raises(ValueError, match=r'a\.jpg is a JPEG, .*save label maps as PNG'):
        dataset[0]


@pytest.mark.parametrize('opacity', [[], [65535]])
def test_sixteen_bits_of_several_channels_are_no_label(own_root, arrays, opacity):
    """Of which all would be class 0: pillow keeps the upper 8."""
    label = arrays['label/*.png'].astype(np.uint16)
    channels = [label] * 3 + [np.full_like(label, value) for value in opacity]
    cv2.imwrite(str(own_root / 'train/label/a.png'), np.dstack(channels))
    palette = dict(metainfo=dict(classes=('a', 'b', 'c'),
                                 palette=[[0, 0, 0], [1, 1, 1], [2, 2, 2]]))
    with pytest.raises(ValueError, match=r'a\.png holds 16 bits a channel, of which pillow keeps '
                                         '8: write one channel'):
        own(own_root, **palette, pipeline=LOAD)[0]


def test_other_ignore_index_counts_as_no_class(own_root, arrays):
    label = np.where(arrays['label/*.png'] == 255, 7, arrays['label/*.png']).astype(np.uint8)
    cv2.imwrite(str(own_root / 'train/label/a.png'), label)
    dataset = own(own_root, ignore_index=7, pipeline=LOAD)
    # Heads, losses and metrics leave 255 out.
    np.testing.assert_array_equal(dataset[0]['gt_seg_map'], arrays['label/*.png'])
    with pytest.raises(ValueError, match='b.png holds label 255'):
        dataset[1]


def test_a_class_may_be_ignored_and_unlabelled_samples_are(own_root, arrays):
    label = arrays['label/*.png']
    cv2.imwrite(str(own_root / 'train/label/a.png'), np.where(label == 255, 1, label))
    for stem in 'bc':
        (own_root / f'train/label/{stem}.png').unlink()
    dataset = own(own_root, labels='some', ignore_index=0, pipeline=LOAD)
    expected = np.where(label == 255, 1, np.where(label == 0, 255, label))
    np.testing.assert_array_equal(dataset[0]['gt_seg_map'], expected)
    assert np.unique(dataset[1]['gt_seg_map']).tolist() == [255]


def test_reduce_zero_label_makes_zero_ignored(own_root, arrays):
    label = np.where(arrays['label/*.png'] == 255, 0, arrays['label/*.png'] + 1).astype(np.uint8)
    cv2.imwrite(str(own_root / 'train/label/a.png'), label)
    loaded = own(own_root, reduce_zero_label=True, pipeline=LOAD)[0]['gt_seg_map']
    np.testing.assert_array_equal(loaded, arrays['label/*.png'])


# Holding out a part to select on.

def many(root, count=40):
    pixel = np.zeros((1, 1), np.uint8)
    write(root, {'rgb/*.png': pixel, 'ir/*.jpg': pixel, 'depth/*_d.png': pixel,
                 'label/*.png': pixel}, [f'{i:03d}' for i in range(count)])
    return root


def test_fit_and_val_share_nothing_and_leave_nothing_out(tmp_path):
    root = many(tmp_path)
    fit, val = (stems(own(root, subset=subset)) for subset in ('fit', 'val'))
    assert len(val) == 4 and len(fit) == 36
    assert not set(fit) & set(val)
    assert sorted(fit + val) == stems(own(root))


@pytest.mark.parametrize('share', [0, 1, -0.1, 1.5])
def test_val_fraction_outside_its_range(tmp_path, share):
    with pytest.raises(ValueError, match=f'val_fraction={share}'):
        own(many(tmp_path), val_fraction=share)


def test_empty_list_of_stems(own_root, tmp_path):
    (tmp_path / 'stems.txt').write_text('\n')
    with pytest.raises(ValueError, match='stems.txt is empty'):
        own(own_root, ann_file=str(tmp_path / 'stems.txt'))


def test_val_fraction_decides_the_size(tmp_path):
    assert len(own(many(tmp_path), subset='val', val_fraction=0.25)) == 10


def test_held_out_files_depend_on_names_and_seed_alone(tmp_path):
    first, second = many(tmp_path / 'first'), many(tmp_path / 'second')
    np.random.seed(1)
    expected = stems(own(first, subset='val'))
    np.random.seed(2)
    assert stems(own(second, subset='val')) == expected
    assert stems(own(second, ['rgb'], subset='val', pipeline=LOAD, test_mode=True)) == expected


def test_held_out_files_are_no_block_of_the_list(tmp_path):
    """Neighbours in the list are often frames of one scene."""
    chosen = np.array(stems(own(many(tmp_path), subset='val', val_fraction=0.5)), int)
    assert np.diff(chosen).max() > 1 and chosen.min() < 20 <= chosen.max()


def test_split_seed_changes_the_choice(tmp_path):
    root = many(tmp_path)
    choices = {tuple(stems(own(root, subset='val', split_seed=seed))) for seed in range(5)}
    assert len(choices) == 5


def test_choosing_leaves_the_global_random_state_alone(tmp_path):
    root = many(tmp_path)
    np.random.seed(3)
    expected = np.random.random()
    np.random.seed(3)
    own(root, subset='val')
    assert np.random.random() == expected


def test_unknown_subset_is_refused(own_root):
    with pytest.raises(ValueError, match="subset='train'.*'fit', 'val' or None"):
        own(own_root, subset='train')


def test_empty_subset_is_refused_with_the_key_to_change(own_root):
    """A tenth of three files is none."""
    with pytest.raises(ValueError, match='val_fraction'):
        own(own_root, subset='val')


# NYUv2 and OMBRIA.

def nyuv2_arrays():
    rng = np.random.default_rng(1)
    return {'rgb/*.png': rng.integers(0, 256, (12, 16, 3)).astype(np.uint8),
            'depth/*.png': rng.integers(0, 10001, (12, 16)).astype(np.uint16),
            'label/*.png': np.append(np.arange(191) % 40, 255).reshape(12, 16).astype(np.uint8)}


def test_nyuv2_depth_is_exact_in_millimetres(tmp_path):
    arrays = nyuv2_arrays()
    item = NYUv2Dataset(str(write(tmp_path, arrays)), pipeline=PACK)[0]
    assert item['inputs']['depth'].numpy().dtype == np.float32
    np.testing.assert_array_equal(item['inputs']['depth'][0].numpy(), arrays['depth/*.png'])
    np.testing.assert_array_equal(item['data_samples'].gt_sem_seg.data[0], arrays['label/*.png'])


def test_nyuv2_names_select_modalities_in_their_order(tmp_path):
    root = str(write(tmp_path, nyuv2_arrays()))
    for names in (['rgb', 'depth'], ['depth', 'rgb'], ['depth'], ['rgb']):
        assert list(NYUv2Dataset(root, modalities=names, pipeline=PACK)[0]['inputs']) == names
    assert list(NYUv2Dataset(root, pipeline=PACK)[0]['inputs']) == ['rgb', 'depth']


def test_nyuv2_has_the_forty_classes_in_the_official_order():
    classes = NYUv2Dataset.METAINFO['classes']
    assert len(set(classes)) == len(classes) == 40
    places = {'wall': 0, 'floor': 1, 'chair': 4, 'floor-mat': 19, 'ceiling': 21, 'books': 22,
              'television': 24, 'person': 30, 'toilet': 32, 'lamp': 34, 'otherstructure': 37,
              'otherfurniture': 38, 'otherprop': 39}
    assert {name: classes.index(name) for name in places} == places


def test_nyuv2_palette_is_that_of_pascal_voc():
    palette = NYUv2Dataset.METAINFO['palette']
    assert palette[:3] == [[128, 0, 0], [0, 128, 0], [128, 128, 0]]
    assert palette[39] == [64, 0, 64]
    assert len({tuple(color) for color in palette}) == 40
    assert palette[:20] == [list(c) for c in PascalVOCDataset.METAINFO['palette'][1:]]
    assert voc_palette(5) == palette[:5]


def test_ombria_reads_grey_sar_and_coloured_optical(tmp_path):
    optical = np.full((16, 16, 3), (200, 100, 30), np.uint8)
    label = np.eye(16, dtype=np.uint8)
    arrays = {'optical/*.jpg': optical, 'sar/*.jpg': optical[..., 1], 'label/*.png': label}
    item = OmbriaDataset(str(write(tmp_path, arrays, ['0001'])), pipeline=PACK)[0]
    inputs = {name: tensor.numpy() for name, tensor in item['inputs'].items()}
    assert {name: (x.shape, x.dtype.name) for name, x in inputs.items()} == dict(
        optical=((3, 16, 16), 'uint8'), sar=((1, 16, 16), 'uint8'))
    np.testing.assert_allclose(inputs['optical'].transpose(1, 2, 0), optical, atol=4)
    np.testing.assert_allclose(inputs['sar'][0], 100, atol=2)
    np.testing.assert_array_equal(item['data_samples'].gt_sem_seg.data[0], label)
    assert OmbriaDataset.METAINFO['classes'] == ('dry', 'flood')


# Real files.

def test_nyuv2_classes_are_those_of_the_official_mapping(shared_data):
    names = loadmat(shared_data / 'nyuv2/classMapping40.mat')['className'].ravel()
    official = [str(name[0]).replace(' ', '-') for name in names]
    assert list(NYUv2Dataset.METAINFO['classes']) == official[:40]


def test_real_nyuv2_images(shared_data, tmp_path):
    samples = shared_data / 'nyuv2/samples'
    for kind in ('rgb', 'depth', 'label'):
        (tmp_path / 'test' / kind).mkdir(parents=True)
        for number in ('000433', '000464'):
            source = samples / f'{kind.replace("label", "label40")}_{number}.png'
            (tmp_path / 'test' / kind / f'{number}.png').symlink_to(source.resolve())
    # These are in 1/5000 m, and not in millimetres.
    modalities = {name: dict(spec) for name, spec in NYUv2Dataset.MODALITIES.items()}
    modalities['depth']['scale'] = 0.2
    dataset = NYUv2Dataset(str(tmp_path), split='test', pipeline=PACK, test_mode=True,
                           modalities=modalities)
    assert stems(dataset) == ['000433', '000464']
    for i, number in enumerate(stems(dataset)):
        stored = {kind: cv2.imread(str(tmp_path / 'test' / kind / f'{number}.png'),
                                   cv2.IMREAD_UNCHANGED) for kind in ('rgb', 'depth', 'label')}
        item = dataset[i]
        rgb, depth = (item['inputs'][name].numpy() for name in ('rgb', 'depth'))
        label = item['data_samples'].gt_sem_seg.data[0].numpy()
        assert stored['depth'].dtype == np.uint16
        assert rgb.dtype == np.uint8 and depth.dtype == np.float32 and label.dtype == np.int64
        assert rgb.shape == (3, 480, 640) and depth.shape == (1, 480, 640)
        np.testing.assert_array_equal(rgb.transpose(1, 2, 0), stored['rgb'])
        np.testing.assert_allclose(depth[0], stored['depth'] / 5, rtol=1e-6)
        np.testing.assert_array_equal(label, stored['label'])
        assert set(np.unique(label)) <= {*range(40), 255}


@pytest.mark.parametrize('split, count', [('train', 624), ('test', 70)])
def test_real_ombria_images(shared_data, split, count):
    root = str(shared_data / 'ombria')
    dataset = OmbriaDataset(root, split=split, pipeline=PACK, test_mode=True)
    assert len(dataset) == count
    fit, val = (OmbriaDataset(root, split=split, subset=subset) for subset in ('fit', 'val'))
    assert len(fit) + len(val) == count and len(val) == round(count / 10)
    seen = set()
    for i in range(0, count, count // 30):
        item = dataset[i]
        assert item['inputs']['optical'].shape == (3, 256, 256)
        assert item['inputs']['sar'].shape == (1, 256, 256)
        seen |= set(item['data_samples'].gt_sem_seg.data.unique().tolist())
    assert seen == {0, 1}


# One modality at test time.

def test_the_deployed_modality_alone_can_be_tested(tmp_path):
    for kind in ('ir', 'label'):
        (tmp_path / 'test' / kind).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / 'test' / kind / '0.png'), np.zeros((8, 8), np.uint8))
    ir = dict(folder='{split}/ir', suffix='.png', channels=1)
    rgb = dict(folder='{split}/rgb', suffix='.png', channels=3)
    options = dict(data_root=str(tmp_path), split='test', metainfo=dict(classes=('a',)))
    with pytest.raises(FileNotFoundError, match=r'test/rgb does not exist.*modalities\.rgb=None'):
        RGBXDataset(modalities=dict(rgb=rgb, ir=ir), **options)
    dataset = RGBXDataset(modalities=dict(rgb=None, ir=ir), pipeline=PACK, **options)
    assert list(dataset[0]['inputs']) == ['ir']
    with pytest.raises(ValueError, match='modalities is empty'):
        RGBXDataset(modalities=dict(rgb=None), **options)


def test_a_missing_folder_comes_with_the_way_to_do_without_it(tmp_path):
    for data, way in ((partial(NYUv2Dataset, str(tmp_path)), r'modalities=\[...\] without it'),
                      (partial(RGBXDataset, data_root=str(tmp_path), modalities=OWN,
                               metainfo=METAINFO), r'modalities\.rgb=None')):
        with pytest.raises(FileNotFoundError, match=f'{way} of the data set'):
            data()


def test_an_unknown_key_of_the_label_is_refused(own_root):
    with pytest.raises(ValueError, match=r"label: \['sufix'\] unknown"):
        own(own_root, label=dict(sufix='.tif'))


def test_one_of_two_files_of_a_stem_is_not_chosen_in_silence(own_root):
    shutil.copy(own_root / 'train/ir/b.jpg', own_root / 'train/ir/b.png')
    modalities = dict(OWN, thermal=dict(OWN['thermal'], suffix=('.jpg', '.png')))
    with pytest.raises(ValueError, match=r'ir/b\.jpg and .*ir/b\.png have the same stem'):
        RGBXDataset(data_root=str(own_root), modalities=modalities, metainfo=METAINFO)


def test_a_step_for_a_modality_that_is_never_there_is_told(own_root, caplog):
    MMLogger.get_instance('idle', logger_name='idle').addHandler(caplog.handler)
    photo = dict(type='mmseg.PhotoMetricDistortion')
    for name in ('cam', 'rgb'):
        caplog.clear()
        own(own_root, pipeline=[dict(type='LoadModalities'), dict(
            type='ForModality', modality=name, transforms=[photo])])
        assert ("ForModality(modality='cam') of the pipeline does nothing" in caplog.text) == (
            name == 'cam')
