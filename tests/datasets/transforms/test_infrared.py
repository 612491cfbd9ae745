"""LoadInfrared on every kind of file that infrared images come in."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from PIL import Image

from mmfkd.datasets import RGBXDataset
from mmfkd.datasets.transforms.decoding import read_image
from mmfkd.datasets.transforms.infrared import INFRARED, InfraredError, LoadInfrared
from mmfkd.models import CrossModalDistiller
from mmfkd.registry import TRANSFORMS

ROOT = Path(__file__).parents[3]
PACK = [dict(type='mmfkd.LoadModalities'), dict(type='mmfkd.LoadCheckedAnnotations'),
        dict(type='mmfkd.StackModalities'), dict(type='mmfkd.PackModalities')]


@pytest.fixture
def grey():
    """uint8 (20, 28) with every corner of the range."""
    image = np.random.default_rng(0).integers(0, 256, (20, 28)).astype(np.uint8)
    image[0, :3] = 0, 1, 255
    return image


@pytest.fixture
def deep():
    """uint16 (20, 28) of 14 bits."""
    image = np.random.default_rng(1).integers(0, 2**14, (20, 28)).astype(np.uint16)
    image[0, :3] = 0, 255, 2**14 - 1
    return image


def load(path, image, **options):
    """Writes an array or pillow image, and loads it."""
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path)
    return LoadInfrared(**options)(dict(img_path=str(path)))['img']


def check_grey(image, expected, channels=3):
    assert image.dtype == np.uint8 and image.shape == (*expected.shape, channels)
    for channel in range(channels):
        np.testing.assert_array_equal(image[..., channel], expected)


@pytest.mark.parametrize('channels', [1, 3])
def test_one_channel(tmp_path, grey, channels):
    check_grey(load(tmp_path / 'x.png', grey, channels=channels), grey, channels)


def test_shapes_are_those_of_the_image(tmp_path, grey):
    Image.fromarray(grey).save(tmp_path / 'x.png')
    results = LoadInfrared()(dict(img_path=str(tmp_path / 'x.png'), other=1))
    assert results['img_shape'] == results['ori_shape'] == (20, 28) and results['other'] == 1


@pytest.mark.parametrize('mode', ['RGB', 'RGBA', 'LA', 'P'])
def test_other_modes_of_the_same_grey(tmp_path, grey, mode):
    check_grey(load(tmp_path / 'x.png', Image.fromarray(grey).convert(mode)), grey)


def test_palette_is_looked_up(tmp_path):
    index = np.array([[0, 1], [2, 1]], np.uint8)
    image = Image.fromarray(index, 'P')
    image.putpalette([10, 10, 10, 250, 250, 250, 30, 40, 50])
    check_grey(load(tmp_path / 'x.png', image), np.array([[10, 250], [40, 250]]))


def test_unequal_channels_are_averaged_and_rounded(tmp_path):
    colour = np.array([[[0, 0, 1], [0, 1, 1], [255, 255, 255], [32, 0, 0]]], np.uint8)
    check_grey(load(tmp_path / 'x.png', colour), np.array([[0, 1, 255, 11]]))


def test_false_colours_are_refused_but_for_a_few_pixels(tmp_path):
    ramp = np.arange(256, dtype=np.uint8)[None].repeat(4, 0)
    cv2.imwrite(str(tmp_path / 'x.png'), cv2.applyColorMap(ramp, cv2.COLORMAP_JET))
    with pytest.raises(InfraredError, match=r'x\.png is in colours: its channels differ by more'):
        LoadInfrared()(dict(img_path=str(tmp_path / 'x.png')))
    colour = np.full((10, 10, 3), 9, np.uint8)
    colour[0, 0] = 255, 0, 0  # one of a hundred
    expected = np.full((10, 10), 9)
    expected[0, 0] = 85
    check_grey(load(tmp_path / 'y.png', colour), expected)
    colour[0, 1] = 0, 33, 0
    with pytest.raises(InfraredError, match=r'more than 32 in 2\.0% of the pixels'):
        load(tmp_path / 'y.png', colour)


def test_jpeg_of_three_channels(tmp_path):
    ramp = np.broadcast_to(np.arange(28, dtype=np.uint8) * 8, (20, 28))
    image = load(tmp_path / 'x.jpg', np.repeat(ramp[..., None], 3, axis=2))
    assert image.dtype == np.uint8
    np.testing.assert_allclose(image[..., 0].astype(int), ramp, atol=3)


@pytest.mark.parametrize('suffix', ['.png', '.tif'])
def test_sixteen_bits_are_scaled(tmp_path, deep, suffix):
    for options, limit in (({}, 65535), (dict(bits=14), 16383)):
        image = load(tmp_path / f'x{suffix}', deep, **options)
        assert image.dtype == np.float32 and image.shape == (20, 28, 3)
        for channel in range(3):
            np.testing.assert_allclose(image[..., channel], deep.astype(float) * 255 / limit,
                                       rtol=1e-6)
    assert image.max() == pytest.approx(255)


@pytest.mark.parametrize('bits', [None, 14])
@pytest.mark.parametrize(('name', 'opacity'), [('x.png', []), ('x.png', [65535]), ('x.tif', [])])
def test_sixteen_bits_of_several_channels_are_not_cut(tmp_path, deep, name, opacity, bits):
    channels = [deep] * 3 + [np.full_like(deep, value) for value in opacity]
    cv2.imwrite(str(tmp_path / name), np.dstack(channels))
    with pytest.raises(ValueError, match=rf'{name} holds 16 bits a channel.*write one channel'):
        read_image(LoadInfrared(bits=bits), str(tmp_path / name))


def test_sixteen_bits_are_scaled_alike_in_every_file(tmp_path, deep):
    first = load(tmp_path / 'a.png', deep)
    second = load(tmp_path / 'b.png', (deep // 2).astype(np.uint16))
    np.testing.assert_allclose(second, first / 2, atol=255 / 65535)


def test_value_beyond_the_bits_names_the_file_and_the_bits_to_set(tmp_path, deep):
    with pytest.raises(InfraredError, match=r'x.png holds 16383, but 12 bits end at 4095: set bits '
                                            r'of LoadInfrared to 14'):
        load(tmp_path / 'x.png', deep, bits=12)
    load(tmp_path / 'x.png', deep, bits=14)


def test_value_beyond_sixteen_bits(tmp_path):
    image = Image.fromarray(np.full((4, 4), 70000, np.int32))
    with pytest.raises(InfraredError, match='x.tif holds 70000.*convert the file to 16 bit'):
        load(tmp_path / 'x.tif', image)


def test_negative_value(tmp_path):
    with pytest.raises(InfraredError, match='x.tif holds -5.*convert'):
        load(tmp_path / 'x.tif', Image.fromarray(np.full((4, 4), -5, np.int32)))


def test_eight_bit_file_where_bits_are_given(tmp_path, grey):
    with pytest.raises(InfraredError, match='x.png is 8 bit, but bits=14.*leave bits out'):
        load(tmp_path / 'x.png', grey, bits=14)


def test_floating_point_file(tmp_path):
    with pytest.raises(InfraredError, match="x.tif is of pillow's mode 'F': convert"):
        load(tmp_path / 'x.tif', np.ones((4, 4), np.float32))


@pytest.mark.parametrize('wrong', [dict(channels=0), dict(bits=8), dict(bits=17)])
def test_wrong_arguments_are_named(wrong):
    (name, value), = wrong.items()
    with pytest.raises(ValueError, match=f'{name}={value}'):
        LoadInfrared(**wrong)


@pytest.mark.parametrize('name', ['x.png', 'x.jpg', 'deep.png'])
def test_file_cut_anywhere_is_named_or_read_whole(tmp_path, grey, deep, name):
    """A cut behind the last pixel loses nothing; any other cut must not give an image."""
    path, loader = tmp_path / name, TRANSFORMS.build(INFRARED)
    Image.fromarray(deep if name == 'deep.png' else grey).save(path)
    content, whole, refused = path.read_bytes(), read_image(loader, str(path)), 0
    for length in {*range(0, len(content), 23), *range(len(content) - 16, len(content))}:
        path.write_bytes(content[:length])
        try:
            image = read_image(loader, str(path))
        except ValueError as error:
            assert str(path) in str(error) and 'truncated' in str(error)
            refused += 1
        else:
            np.testing.assert_array_equal(image, whole)
    assert refused > 5


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='gone.png does not exist'):
        read_image(LoadInfrared(), str(tmp_path / 'gone.png'))


def test_kind_of_file_is_not_taken_for_a_broken_one(tmp_path, deep):
    """The data set passes the cure on."""
    Image.fromarray(deep).save(tmp_path / 'x.png')
    with pytest.raises(ValueError, match='x.png.* set bits .* 14$'):
        read_image(LoadInfrared(bits=10), str(tmp_path / 'x.png'))


# Real images.

@pytest.fixture
def mfnet(shared_data, tmp_path):
    """A root with MFNet's images split into rgb and ir, and the arrays (H, W, 4) by stem."""
    files = sorted((shared_data / 'mfnet_sample').glob('*.png'))
    assert len(files) == 2
    for kind in ('rgb', 'ir', 'label'):
        (tmp_path / 'train' / kind).mkdir(parents=True)
    arrays = {}
    for path in files:
        arrays[path.stem] = image = np.asarray(Image.open(path))
        for kind, part in dict(rgb=image[..., :3], ir=image[..., 3],
                               label=np.zeros(image.shape[:2], np.uint8)).items():
            Image.fromarray(np.ascontiguousarray(part)).save(
                tmp_path / 'train' / kind / path.name)
    return tmp_path, arrays


def real_pairs(root):
    return RGBXDataset(
        str(root), pipeline=PACK, metainfo=dict(classes=('unlabeled', 'car')), modalities=dict(
            rgb=dict(folder='{split}/rgb', suffix='.png', channels=3),
            ir=dict(folder='{split}/ir', suffix='.png', channels=3, loader=INFRARED)))


def test_real_pairs(mfnet):
    root, arrays = mfnet
    dataset = real_pairs(root)
    assert len(dataset) == len(arrays) == 2
    for index, image in enumerate(arrays.values()):
        inputs = {name: x.numpy() for name, x in dataset[index]['inputs'].items()}
        np.testing.assert_array_equal(inputs['rgb'][::-1].transpose(1, 2, 0), image[..., :3])
        assert inputs['ir'].dtype == np.uint8 and inputs['ir'].shape == (3, 480, 640)
        np.testing.assert_array_equal(inputs['ir'], np.stack([image[..., 3]] * 3))
        assert inputs['ir'].std() > 5


def test_real_pairs_are_segmented_with_both_modalities_and_with_either(mfnet):
    dataset = real_pairs(mfnet[0])
    cfg = Config.fromfile(ROOT / 'configs/csknet/streets_rgb-ir.py')
    model = CrossModalDistiller(students=dict(student=cfg.model.students.student),
                                data_preprocessor=cfg.model.data_preprocessor)
    model.eval()
    with torch.no_grad():
        sample, = model.test_step(pseudo_collate([dataset[0]]))
    assert list(sample.predictions) == ['ir', 'rgb']
    for answer in (sample.pred_sem_seg, *(fields['pred_sem_seg']
                                          for fields in sample.predictions.values())):
        data = answer['data'] if isinstance(answer, dict) else answer.data
        assert data.shape == (1, 480, 640) and data.max() < 9
    logits = sample.seg_logits.data
    assert logits.shape == (9, 480, 640) and torch.isfinite(logits).all()


def test_real_four_channels_are_no_infrared_image(shared_data):
    path = shared_data / 'mfnet_sample/01234N.png'
    with pytest.raises(InfraredError, match='01234N.png holds an image in its fourth channel.*'
                                            'write that channel to its own file'):
        LoadInfrared()(dict(img_path=str(path)))
