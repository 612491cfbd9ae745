
import cv2
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from mmfkd.cli.prepare import synthetic
from mmfkd.datasets.synthetic import rooms
from mmfkd.datasets.synthetic.nyuv2_layout import NYU40_IDS, write_nyuv2_layout
from mmfkd.datasets.synthetic.rooms import CLASSES, PALETTE, render_scene
from mmfkd.datasets.synthetic.seeding import scene_seed
from mmfkd.datasets.synthetic.segmentation import RenderRGBD, SyntheticEOIR, SyntheticRGBD
from mmfkd.registry import DATASETS, TRANSFORMS


def scenes(seed, count, size=(64, 64)):
    return [render_scene(scene_seed(seed, i), size) for i in range(count)]


def same(a, b):
    return all(np.array_equal(a[key], b[key]) for key in ('rgb', 'depth', 'label'))


@pytest.mark.parametrize('size', [(96, 96), (60, 80), [33, 47]])
def test_shapes_and_types(size):
    scene = render_scene(3, size)
    height, width = size
    assert scene['rgb'].shape == (height, width, 3) and scene['rgb'].dtype == np.uint8
    assert scene['depth'].shape == (height, width, 1) and scene['depth'].dtype == np.float32
    assert scene['label'].shape == (height, width) and scene['label'].dtype == np.uint8


def test_depth_is_whole_millimetres_in_range_with_some_readings_missing():
    depth = np.concatenate([scene['depth'].ravel() for scene in scenes(0, 20)])
    valid = depth[depth > 0]
    assert valid.min() >= 500 and valid.max() <= 8000
    assert np.array_equal(depth, np.round(depth))
    assert 0.005 < (depth == 0).mean() < 0.15


def test_depth_noise_grows_with_distance():
    near, far = [], []
    for scene in scenes(0, 20):
        step = np.abs(np.diff(scene['depth'][..., 0], axis=1))
        start, same_label = scene['depth'][:, :-1, 0], np.diff(scene['label'].astype(int)) == 0
        for low, high, steps in ((500, 2000, near), (4000, 6000, far)):
            steps.append(step[same_label & (start > low) & (start < high) & (step < 400)])
    assert np.median(np.concatenate(far)) > 2 * np.median(np.concatenate(near))


def test_a_seed_and_index_decide_the_scene():
    first, again, next_one = (render_scene(scene_seed(5, i)) for i in (2, 2, 3))
    assert same(first, again)
    assert not same(first, next_one)


def test_splits_are_disjoint_and_growing_one_keeps_its_first_scenes():
    splits = [[d['scene_seed'] for d in SyntheticRGBD(num_scenes=n, seed=s)]
              for n, s in ((500, 0), (500, 1), (20, 0))]
    assert len(set(splits[0] + splits[1])) == 1000
    assert splits[2] == splits[0][:20]


def test_every_class_occurs():
    seen = np.unique(np.concatenate([scene['label'].ravel() for scene in scenes(0, 60)]))
    assert seen.tolist() == list(range(len(CLASSES)))


def test_classes_and_palette_agree():
    assert len(CLASSES) == len(set(NYU40_IDS)) == len({tuple(c) for c in PALETTE})


def test_dataset_runs_through_the_registries():
    dataset = DATASETS.build(dict(
        type='SyntheticRGBD', num_scenes=4, seed=1, size=[48, 64], test_mode=True,
        pipeline=[dict(type='mmfkd.RenderRGBD')]))
    assert TRANSFORMS.get('RenderRGBD') is RenderRGBD
    assert len(dataset) == 4 and dataset.metainfo['classes'] == CLASSES
    item = dataset[2]
    expected = render_scene(scene_seed(1, 2), (48, 64))
    assert set(item['modalities']) == {'rgb', 'depth'}
    assert same(dict(item['modalities'], label=item['gt_seg_map']), expected)
    assert item['seg_fields'] == ['gt_seg_map']
    assert item['img_shape'] == item['ori_shape'] == (48, 64)
    assert item['img_path'] == 'synthetic/000002'
    assert item['label_map'] is None and item['reduce_zero_label'] is False


@pytest.mark.parametrize(('dataset', 'renderer', 'name'), [
    (SyntheticRGBD, 'RenderRGBD', 'depth'), (SyntheticEOIR, 'RenderEOIR', 'ir')])
def test_dataset_keeps_the_chosen_modalities(dataset, renderer, name):
    """As data sets of files do, so that a test set may have the deployed one alone."""
    options = dict(num_scenes=2, size=(32, 32), pipeline=[dict(type=f'mmfkd.{renderer}')])
    whole, part = dataset(**options)[1], dataset(**options, modalities=[name])[1]
    assert list(part['modalities']) == [name] and list(whole['modalities']) == ['rgb', name]
    assert np.array_equal(part['modalities'][name], whole['modalities'][name])
    assert np.array_equal(part['gt_seg_map'], whole['gt_seg_map'])
    with pytest.raises(ValueError, match=r"unknown modality \['infra'\]; known are \['rgb', "):
        dataset(**options, modalities=['infra'])


def test_dataset_keeps_the_chosen_scenes():
    dataset = SyntheticRGBD(num_scenes=9, indices=[7, 1])
    assert [d['img_path'] for d in dataset] == ['synthetic/000007', 'synthetic/000001']


@pytest.mark.parametrize('wrong', [dict(num_scenes=0), dict(seed=-1), dict(size=96),
                                   dict(size=(96, 0)), dict(size=(96.0, 96)), dict(size=(1, 2, 3))])
def test_wrong_arguments_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SyntheticRGBD(**{'num_scenes': 1, **wrong})


def neighbourhood(image):
    """Each pixel (H * W, F): value, and mean, spread and slope around it."""
    image = image.astype(np.float32)
    features = [image]
    for width in (5, 15, 31):
        mean = cv2.blur(image, (width, width)).reshape(image.shape)
        square = cv2.blur(image**2, (width, width)).reshape(image.shape)
        features += [mean, np.sqrt(np.maximum(square - mean**2, 0))]
    smooth = features[1]
    features += [np.roll(smooth, shift, (0, 1)) - smooth
                 for shift in ((0, 8), (8, 0), (0, -8), (-8, 0))]
    return np.concatenate(features, -1).reshape(-1, image.shape[-1] * len(features))


def pixels(seed, count):
    """Features of up to 12 pixels per class and scene, for each choice of modalities."""
    rng = np.random.default_rng(0)
    columns, labels = dict(position=[], rgb=[], depth=[]), []
    for scene in scenes(seed, count):
        label = scene['label'].ravel()
        chosen = np.concatenate([rng.permutation(np.flatnonzero(label == c))[:12]
                                 for c in np.unique(label)])
        columns['position'].append(np.stack(np.divmod(chosen, 64), 1))
        columns['rgb'].append(neighbourhood(scene['rgb'])[chosen])
        columns['depth'].append(neighbourhood(scene['depth'])[chosen])
        labels.append(label[chosen])
    position, rgb, depth = (np.concatenate(parts) for parts in columns.values())
    inputs = dict(none=position, rgb=np.hstack([position, rgb]),
                  depth=np.hstack([position, depth]), both=np.hstack([position, rgb, depth]))
    return inputs, np.concatenate(labels)


@pytest.fixture(scope='module')
def recall():
    """Share of held-out pixels recognised, (classes,) for each choice of modalities."""
    (train, train_label), (test, test_label) = pixels(0, 120), pixels(1, 60)
    result = {}
    for name in train:
        forest = RandomForestClassifier(40, min_samples_leaf=2, random_state=0)
        right = forest.fit(train[name], train_label).predict(test[name]) == test_label
        result[name] = np.array([right[test_label == c].mean() for c in range(len(CLASSES))])
    return result


def test_each_modality_informs_and_depth_the_most(recall):
    mean = {name: values.mean() for name, values in recall.items()}
    assert mean['rgb'] > mean['none'] + 0.05
    assert mean['depth'] > mean['rgb'] + 0.08
    assert mean['both'] > mean['rgb'] + 0.08


def test_furniture_is_told_by_depth(recall):
    solid = [CLASSES.index(name) for name in ('cabinet', 'bed')]
    assert recall['depth'][solid].mean() > recall['rgb'][solid].mean() + 0.1


def test_what_is_flat_is_in_the_picture_alone(monkeypatch):
    seeds = [scene_seed(0, i) for i in range(8)]
    with_all = [render_scene(seed, (64, 64)) for seed in seeds]
    monkeypatch.setattr(rooms, '_decorate', lambda rng, room: [])
    changed = 0
    for seed, scene in zip(seeds, with_all, strict=True):
        bare = render_scene(seed, (64, 64))
        assert np.array_equal(bare['label'], scene['label'])
        seen = (bare['depth'] > 0) & (scene['depth'] > 0)
        assert np.median(np.abs(bare['depth'] - scene['depth'])[seen]) < 60  # noise
        changed += (np.abs(bare['rgb'].astype(int) - scene['rgb']).max(-1) > 60).mean()
    assert changed / len(seeds) > 0.03


def test_layout_holds_paired_files_of_the_right_types(tmp_path):
    write_nyuv2_layout(tmp_path, 3, 2, size=(60, 80), seed=4)
    for split, seed, count in (('train', 4, 3), ('test', 5, 2)):
        names = [f'{i:06d}.png' for i in range(count)]
        for kind in ('rgb', 'depth', 'label'):
            assert sorted(p.name for p in (tmp_path / split / kind).iterdir()) == names
        for index, name in enumerate(names):
            rgb, depth, label = (cv2.imread(str(tmp_path / split / kind / name), -1)
                                 for kind in ('rgb', 'depth', 'label'))
            scene = render_scene(scene_seed(seed, index), (60, 80))
            assert rgb.dtype == np.uint8 and np.array_equal(rgb, scene['rgb'])
            assert depth.dtype == np.uint16 and np.array_equal(depth, scene['depth'][..., 0])
            assert label.dtype == np.uint8 and set(np.unique(label)) <= {*NYU40_IDS, 255}
            kept = label != 255
            assert 0.5 < kept.mean() < 1
            assert np.array_equal(label[kept], np.array(NYU40_IDS)[scene['label'][kept]])


def test_tool_writes_and_refuses_a_folder_in_use(tmp_path):
    main = synthetic.main
    args = [str(tmp_path / 'nyuv2'), '--test', '1', '--size', '24', '32', '--train']
    main([*args, '2'])
    stored = tmp_path / 'nyuv2' / 'train' / 'rgb'
    assert cv2.imread(str(stored / '000001.png')).shape == (24, 32, 3)
    with pytest.raises(SystemExit, match='--overwrite') as stop:
        main([*args, '1'])
    assert stop.value.code not in (0, None)
    assert len(list(stored.iterdir())) == 2
    main([*args, '1', '--overwrite'])
    assert len(list(stored.iterdir())) == 1
