"""Pipeline steps on images whose pixels carry their own coordinates.

In :func:`scene`, blue is x and green is y of a pixel, depth is ``1000 y + x`` and the label names
the 4x4 block of the pixel, so that modalities and label that move apart are seen to disagree.
"""

import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import Compose

from mmfkd.models.preprocessor import MultiModalDataPreprocessor
from mmfkd.registry import MODELS, TRANSFORMS

HEIGHT, WIDTH, BLOCK = 36, 52, 4
PHOTOMETRY = dict(type='mmseg.PhotoMetricDistortion')
EXACT = dict(
    none=[],
    flip=[dict(type='mmseg.RandomFlip', prob=0.5)],
    flips=[dict(type='mmseg.RandomFlip', prob=[0.3, 0.3, 0.3],
                direction=['horizontal', 'vertical', 'diagonal'])],
    crop=[dict(type='mmseg.RandomCrop', crop_size=(17, 23))],
    crop_by_classes=[dict(type='mmseg.RandomCrop', crop_size=(17, 23), cat_max_ratio=0.1)],
    crop_and_flip=[dict(type='mmseg.RandomCrop', crop_size=(20, 20)),
                   dict(type='mmseg.RandomFlip', prob=0.5)])
RESIZED = dict(
    smaller=[dict(type='mmseg.Resize', scale=(30, 20), keep_ratio=False)],
    larger=[dict(type='mmseg.Resize', scale=(90, 80), keep_ratio=False)],
    keep_ratio=[dict(type='mmseg.Resize', scale=(80, 60), keep_ratio=True)],
    random=[dict(type='mmseg.RandomResize', scale=(WIDTH, HEIGHT), ratio_range=(0.5, 2.0),
                 keep_ratio=True)],
    all=[dict(type='mmseg.RandomResize', scale=(WIDTH, HEIGHT), ratio_range=(0.8, 2.0),
              keep_ratio=True),
         dict(type='mmseg.RandomCrop', crop_size=(24, 24)),
         dict(type='mmseg.RandomFlip', prob=0.5)])


def block_of(y, x):
    return y // BLOCK * (WIDTH // BLOCK) + x // BLOCK


def scene(**more):
    """What the loading steps leave behind; ``more`` adds modalities or keys."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    rgb = np.stack([x, y, (5 * x + 11 * y) % 256], 2).astype(np.uint8)
    depth = (1000 * y + x)[..., None].astype(np.float32)
    modalities = {name: more.pop(name) for name in list(more) if isinstance(more[name], np.ndarray)}
    return dict(modalities={**dict(rgb=rgb, depth=depth), **modalities},
                gt_seg_map=block_of(y, x).astype(np.uint8), seg_fields=['gt_seg_map'],
                img_shape=(HEIGHT, WIDTH), ori_shape=(HEIGHT, WIDTH), img_path='a.png', **more)


def run(transforms, results=None):
    """Stacks, transforms and packs; returns modalities and label as arrays, and the sample."""
    pipeline = Compose([dict(type='StackModalities'), *transforms, dict(type='PackModalities')])
    packed = pipeline(scene() if results is None else results)
    images = {name: tensor.numpy() for name, tensor in packed['inputs'].items()}
    sample = packed['data_samples']
    return images, sample.gt_sem_seg.data[0].numpy(), sample


# Alignment.

@pytest.mark.parametrize('name', EXACT)
def test_pixels_stay_together_under_flip_and_crop(name):
    """Exactly: nothing is interpolated."""
    for seed in range(12):
        np.random.seed(seed)
        images, label, _ = run(EXACT[name])
        x, y, check = images['rgb'].astype(int)
        assert images['rgb'].shape[1:] == images['depth'].shape[1:] == label.shape
        np.testing.assert_array_equal(check, (5 * x + 11 * y) % 256)
        np.testing.assert_array_equal(images['depth'][0], 1000 * y + x)
        np.testing.assert_array_equal(label, block_of(y, x))


@pytest.mark.parametrize('name', RESIZED)
def test_pixels_stay_together_under_resizing(name):
    """To a pixel of the original: images are interpolated, labels take the nearest."""
    for seed in range(6):
        np.random.seed(seed)
        images, label, _ = run(RESIZED[name])
        x, y = images['rgb'][:2].astype(float)
        assert images['rgb'].shape[1:] == images['depth'].shape[1:] == label.shape
        # Linear in the coordinates, which rgb rounds to whole numbers.
        assert np.abs(images['depth'][0] - (1000 * y + x)).max() <= 501
        rows, columns = divmod(label, WIDTH // BLOCK)
        middle = (BLOCK - 1) / 2
        for coordinate, block in ((x, columns), (y, rows)):
            assert np.abs(coordinate - (block * BLOCK + middle)).max() <= BLOCK / 2 + 1.5


@pytest.mark.parametrize('name', ['flip', 'flips', 'crop', 'crop_and_flip'])
def test_augmentation_happens(name):
    """Or the alignment above would prove nothing."""
    corners = set()
    for seed in range(12):
        np.random.seed(seed)
        corners.add(tuple(run(EXACT[name])[0]['rgb'][:2, 0, 0]))
    assert len(corners) >= (2 if name == 'flip' else 4)


# Types and channels.

def test_dtypes_come_back():
    images, label, _ = run(RESIZED['larger'])
    assert images['rgb'].dtype == np.uint8
    assert images['depth'].dtype == np.float32
    assert label.dtype == np.int64


def test_depth_is_exact_without_resizing():
    rng = np.random.default_rng(0)
    depth = rng.uniform(0, 1e4, (HEIGHT, WIDTH, 1)).astype(np.float32)
    images, _, _ = run(EXACT['none'], scene(depth=depth))
    np.testing.assert_array_equal(images['depth'][0], depth[..., 0])


def test_resized_colour_is_rounded_and_not_cut_off():
    """Beside depth it is a float in the stack; alone OpenCV rounds by itself."""
    rng = np.random.default_rng(0)
    rgb = cv2.blur(rng.integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8), (5, 5))
    exact = cv2.resize(rgb.astype(np.float32), (90, 80)).transpose(2, 0, 1)
    alone = scene(rgb=rgb)
    del alone['modalities']['depth']
    beside, single = (run(RESIZED['larger'], results)[0]['rgb']
                      for results in (scene(rgb=rgb), alone))
    assert np.abs(beside - exact).max() <= 0.501
    assert np.abs(single - exact).max() <= 1


def test_overshoot_of_interpolation_does_not_wrap():
    edge = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    edge[:, WIDTH // 2:] = 255
    cubic = [dict(type='mmseg.Resize', scale=(150, 100), keep_ratio=False,
                  interpolation='bicubic')]
    rgb = run(cubic, scene(rgb=edge))[0]['rgb'].astype(int)
    assert rgb.min() == 0 and rgb.max() == 255
    assert (np.diff(rgb, axis=2) >= -20).all()


@pytest.mark.parametrize('transforms', [[], EXACT['crop_and_flip'], RESIZED['all']])
@pytest.mark.parametrize('name, dtype', [('depth', np.float32), ('sar', np.uint8)])
def test_one_modality_of_one_channel_alone(transforms, name, dtype):
    results = scene(sar=scene()['modalities']['rgb'][..., :1])
    results['modalities'] = {name: results['modalities'][name]}
    images, label, _ = run(transforms, results)
    assert list(images) == [name] and images[name].dtype == dtype
    assert images[name].shape == (1, *label.shape)
    if not transforms:
        y, x = np.mgrid[:HEIGHT, :WIDTH]
        np.testing.assert_array_equal(images[name][0], x if name == 'sar' else 1000 * y + x)


def test_modalities_of_three_one_and_one_channels():
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    thermal = (x + y)[..., None].astype(np.uint16)
    images, label, _ = run(EXACT['crop_and_flip'], scene(thermal=thermal))
    assert {name: (image.shape, image.dtype.name) for name, image in images.items()} == dict(
        rgb=((3, 20, 20), 'uint8'), depth=((1, 20, 20), 'float32'),
        thermal=((1, 20, 20), 'uint16'))
    x, y = images['rgb'][:2].astype(int)
    np.testing.assert_array_equal(images['depth'][0], 1000 * y + x)
    np.testing.assert_array_equal(images['thermal'][0], x + y)


def test_a_resized_modality_does_not_depend_on_its_partners():
    resize = [dict(type='mmseg.Resize', scale=(31, 23))]
    alone = scene()
    noise = np.random.default_rng(0).integers(0, 256, alone['modalities']['rgb'].shape, np.uint8)
    alone['modalities'] = dict(rgb=noise)
    both = scene()
    both['modalities']['rgb'] = noise
    one, other = (run(resize, given)[0]['rgb'] for given in (alone, both))
    assert one.dtype == np.uint8
    np.testing.assert_array_equal(one, other)


# Photometry of one modality.

def for_modality(modality, *transforms):
    return TRANSFORMS.build(dict(type='ForModality', modality=modality, transforms=transforms))


def test_photometry_changes_its_modality_and_nothing_else():
    before, after = scene(), for_modality('rgb', PHOTOMETRY)(scene())
    assert not np.array_equal(after['modalities']['rgb'], before['modalities']['rgb'])
    assert after['modalities']['rgb'].dtype == np.uint8
    assert after['modalities']['depth'].tobytes() == before['modalities']['depth'].tobytes()
    assert after['gt_seg_map'].tobytes() == before['gt_seg_map'].tobytes()
    assert set(after) == set(before)
    assert {**after, 'modalities': 0, 'gt_seg_map': 0} == {
        **before, 'modalities': 0, 'gt_seg_map': 0}


def test_depth_is_bit_identical_after_photometry_and_packing():
    before = scene()['modalities']['depth']
    images, _, _ = run([], for_modality('rgb', PHOTOMETRY)(scene()))
    assert images['depth'][0].tobytes() == before[..., 0].tobytes()


def test_transforms_of_a_modality_run_in_order():
    twice = for_modality('rgb', dict(type='mmseg.AdjustGamma', gamma=2.0),
                         dict(type='mmseg.CLAHE'))(scene())
    one = for_modality('rgb', dict(type='mmseg.AdjustGamma', gamma=2.0))(scene())
    both = for_modality('rgb', dict(type='mmseg.CLAHE'))(one)
    np.testing.assert_array_equal(twice['modalities']['rgb'], both['modalities']['rgb'])


def test_absent_modality_is_left_alone():
    results = scene()
    del results['modalities']['rgb']
    after = for_modality('rgb', PHOTOMETRY)(results)
    assert list(after['modalities']) == ['depth']
    np.testing.assert_array_equal(after['modalities']['depth'], scene()['modalities']['depth'])


@pytest.mark.parametrize('transform', [dict(type='mmseg.AdjustGamma', gamma=2.0),
                                       dict(type='mmseg.CLAHE')])
def test_photometry_of_a_grey_modality(transform):
    """OpenCV drops the axis of a single channel; that is no geometry."""
    grey = scene()['modalities']['rgb'][..., :1]
    after = for_modality('sar', transform)(scene(sar=grey.copy()))['modalities']['sar']
    assert after.shape == grey.shape and not np.array_equal(after, grey)


@pytest.mark.parametrize('transform', [
    dict(type='mmseg.Resize', scale=(20, 20)),
    dict(type='mmseg.RandomCrop', crop_size=(16, 16)),
    dict(type='mmseg.RandomFlip', prob=1.0),
    dict(type='mmseg.RandomRotate', prob=1.0, degree=(80, 90))], ids=lambda t: t['type'])
def test_geometry_on_one_modality_is_refused(transform):
    """It would move one modality away from the others and from the labels."""
    with pytest.raises(ValueError, match="ForModality.*'rgb'.*StackModalities"):
        for_modality('rgb', transform)(scene())


# Packing.

def test_meta_keys_are_packed():
    transforms = [dict(type='mmseg.Resize', scale=(104, 72), keep_ratio=False),
                  dict(type='mmseg.RandomFlip', prob=1.0)]
    _, _, sample = run(transforms, scene(seg_map_path='label.png', reduce_zero_label=False))
    assert sample.metainfo == dict(
        img_path='a.png', seg_map_path='label.png', ori_shape=(HEIGHT, WIDTH),
        img_shape=(72, 104), scale_factor=(2.0, 2.0), flip=True, flip_direction='horizontal',
        reduce_zero_label=False)


def test_meta_keys_can_be_chosen():
    pack = dict(type='PackModalities', meta_keys=('img_path', 'note'))
    packed = Compose([dict(type='StackModalities'), pack])(scene(note='night'))
    assert packed['data_samples'].metainfo == dict(img_path='a.png', note='night')


def test_packing_needs_no_label():
    results = scene()
    del results['gt_seg_map']
    packed = Compose([dict(type='StackModalities'), dict(type='PackModalities')])(results)
    assert 'gt_sem_seg' not in packed['data_samples']
    assert packed['inputs']['rgb'].shape == (3, HEIGHT, WIDTH)


def test_packed_tensors_share_no_memory():
    """Or a network that changes its input in place changes the other's too."""
    packed = Compose([dict(type='StackModalities'), dict(type='PackModalities')])(scene())
    expected = packed['inputs']['depth'].clone()
    packed['inputs']['rgb'].zero_()
    assert packed['inputs']['depth'].equal(expected)
    assert all(tensor.is_contiguous() for tensor in packed['inputs'].values())


# Predictions in the size of the original.

@pytest.fixture
def resized_test_item(tmp_path):
    """Loaded, resized, and only then the labels loaded, as OMBRIA's test pipeline does."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    paths = {name: str(tmp_path / f'{name}.png') for name in ('rgb', 'depth', 'label')}
    cv2.imwrite(paths['rgb'], scene()['modalities']['rgb'])
    cv2.imwrite(paths['depth'], (1000 * y + x).astype(np.uint16))
    cv2.imwrite(paths['label'], (x > 20).astype(np.uint8))
    loader = dict(type='LoadImageFromFile', color_type='unchanged', imdecode_backend='pillow')
    specs = {name: dict(path=paths[name], channels=channels, loader=loader)
             for name, channels in (('rgb', 3), ('depth', 1))}
    return Compose([
        dict(type='LoadModalities'), dict(type='StackModalities'),
        dict(type='mmseg.Resize', scale=(32, 32), keep_ratio=False),
        dict(type='LoadCheckedAnnotations'), dict(type='PackModalities')])(
            dict(img_path=paths['rgb'], modalities=specs, seg_map_path=paths['label'],
                 seg_fields=[], reduce_zero_label=False, label_map=None, num_classes=2,
                 ignore_index=255))


def test_label_loaded_after_resizing_has_the_original_size(resized_test_item):
    sample = resized_test_item['data_samples']
    assert resized_test_item['inputs']['rgb'].shape == (3, 32, 32)
    assert resized_test_item['inputs']['depth'].shape == (1, 32, 32)
    assert sample.gt_sem_seg.shape == sample.ori_shape == (HEIGHT, WIDTH)
    assert sample.img_shape == (32, 32)
    np.testing.assert_array_equal(sample.gt_sem_seg.data[0],
                                  np.broadcast_to(np.arange(WIDTH) > 20, (HEIGHT, WIDTH)))


def test_prediction_is_scaled_back_without_the_padding(resized_test_item, segmentor):
    """A network that answers by the brightness of blue, which is x, finds the label again."""
    model = MODELS.build(segmentor(classes=2)).eval()
    model.encode_decode = lambda inputs, metas: torch.cat(
        [20.5 - inputs[:, :1], inputs[:, :1] - 20.5], 1)
    batch = dict(inputs={name: [x] for name, x in resized_test_item['inputs'].items()},
                 data_samples=[resized_test_item['data_samples']])
    batch = MultiModalDataPreprocessor(size_divisor=48)(batch)
    assert batch['inputs']['rgb'].shape == (1, 3, 48, 48)
    sample, = model(batch['inputs']['rgb'].float(), batch['data_samples'], mode='predict')
    assert sample.pred_sem_seg.shape == (HEIGHT, WIDTH)
    agree = sample.pred_sem_seg.data == sample.gt_sem_seg.data
    assert agree[..., :19].all() and agree[..., 23:].all()
