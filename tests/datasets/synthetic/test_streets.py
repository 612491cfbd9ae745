"""Rendered streets: what optical and infrared tell, by day and by night."""

import json

import cv2
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from mmfkd.datasets import MSRSDataset, SyntheticEOIR
from mmfkd.datasets.synthetic.seeding import scene_seed
from mmfkd.datasets.synthetic.streets import CLASSES, PALETTE, PARTS, is_night, render_street
from mmfkd.registry import DATASETS

IDS = {name: index for index, name in enumerate(CLASSES)}


def streets(seed, count, size=(64, 64), night=None):
    """The first ``count`` streets of a split, or those by day or by night alone."""
    chosen, index = [], 0
    while len(chosen) < count:
        one = scene_seed(seed, index)
        if night is None or is_night(one) == night:
            chosen.append(render_street(one, size))
        index += 1
    return chosen


def same(a, b):
    return all(np.array_equal(a[key], b[key]) for key in ('rgb', 'ir', 'label', 'parts', 'night'))


@pytest.mark.parametrize('size', [(96, 96), (60, 80), [33, 47]])
def test_shapes_and_types(size):
    scene = render_street(3, size)
    assert {key: (x.shape, x.dtype.name) for key, x in scene.items() if key != 'night'} == dict(
        rgb=((*size, 3), 'uint8'), ir=((*size, 3), 'uint8'), label=(tuple(size), 'uint8'),
        parts=(tuple(size), 'uint8'))
    assert isinstance(scene['night'], bool)
    assert (scene['ir'] == scene['ir'][..., :1]).all()


def test_a_seed_and_index_decide_the_scene():
    first, again, next_one = (render_street(scene_seed(5, i)) for i in (2, 2, 3))
    assert same(first, again)
    assert not same(first, next_one)


def test_about_half_of_the_scenes_are_by_night():
    seeds = [scene_seed(0, i) for i in range(400)]
    assert 0.43 < np.mean([is_night(seed) for seed in seeds]) < 0.57
    nights = [is_night(seed) for seed in seeds[:12]]
    assert [render_street(seed, (8, 8))['night'] for seed in seeds[:12]] == nights
    assert set(nights) == {True, False}


def test_every_class_occurs_in_a_third_of_the_scenes():
    labels = [scene['label'] for scene in streets(0, 120)]
    occurs = np.mean([np.bincount(x.ravel(), minlength=9) > 0 for x in labels], axis=0)
    assert occurs.min() > 0.33 and occurs[0] == 1
    assert set(np.unique(labels)) == set(range(len(CLASSES)))


def test_labels_are_the_parts_that_are_classes():
    assert PARTS[:len(CLASSES)] == CLASSES
    scenes = streets(0, 20)
    for scene in scenes:
        named = scene['parts'] < len(CLASSES)
        assert np.array_equal(scene['label'][named], scene['parts'][named])
        assert not scene['label'][~named].any()
    seen = set(np.unique([scene['parts'] for scene in scenes]))
    assert seen == set(range(1, len(PARTS)))


def test_names_and_colours_are_those_of_msrs(shared_data):
    published = json.loads((shared_data / 'palettes.json').read_text())['MFNet_MSRS']
    assert list(CLASSES) == published['classes'] and PALETTE == published['palette']
    assert MSRSDataset.METAINFO == SyntheticEOIR.METAINFO


def test_modalities_share_their_edges():
    """Of all shifts, that by nothing has most of the labels' edges on those of the images."""
    shifts = [(dy, dx) for dy in (-3, 0, 3) for dx in (-3, 0, 3)]
    score = {key: dict.fromkeys(shifts, 0.0) for key in ('rgb', 'ir')}
    for scene in streets(0, 20, (96, 96), night=False):
        edges = cv2.morphologyEx(scene['parts'], cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8)) > 0
        for key in score:
            grey = cv2.GaussianBlur(scene[key], (3, 3), 1).astype(np.float32).mean(2)
            steepness = np.hypot(cv2.Sobel(grey, -1, 1, 0), cv2.Sobel(grey, -1, 0, 1))
            for shift in shifts:
                score[key][shift] += steepness[np.roll(edges, shift, (0, 1))].mean()
    for key, values in score.items():
        best = max(values, key=values.get)
        others = [value for shift, value in values.items() if shift != best]
        assert best == (0, 0) and values[best] > 1.1 * max(others), key


def contrast(scenes, key):
    """Median over things of how far their mean is from that of the pixels around, in spreads."""
    found = []
    for scene in scenes:
        image = scene[key].astype(np.float32).mean(2)
        for part in range(1, len(CLASSES)):
            inside = (scene['parts'] == part).astype(np.uint8)
            around = cv2.dilate(inside, np.ones((7, 7), np.uint8)) > inside
            if inside.sum() < 30 or around.sum() < 30:
                continue
            inner, outer = image[inside > 0], image[around]
            found.append(abs(inner.mean() - outer.mean()) / (inner.std() + outer.std()))
    assert len(found) > 50
    return np.median(found)


def test_the_night_takes_the_signal_of_optical_and_leaves_that_of_infrared():
    day, night = (streets(0, 30, night=night) for night in (False, True))
    assert np.mean([s['rgb'].mean() for s in night]) < 0.2 * np.mean([s['rgb'].mean() for s in day])
    assert contrast(night, 'rgb') < 0.6 * contrast(day, 'rgb')
    assert contrast(night, 'ir') > 0.75 * contrast(day, 'ir')
    assert contrast(night, 'ir') > 1.5 * contrast(night, 'rgb')


@pytest.mark.parametrize('night', [False, True])
def test_people_are_warm_and_their_posters_are_not(night):
    values = {name: [] for name in ('person', 'poster', 'bike')}
    for scene in streets(0, 40, night=night):
        for name, found in values.items():
            found.append(scene['ir'][..., 0][scene['parts'] == PARTS.index(name)])
    person, poster, bike = (np.concatenate(found).mean() for found in values.values())
    assert person > poster + 40 and bike < poster - 20


def neighbourhood(image):
    """Each pixel (H * W, F): value, and mean and spread around it."""
    image = image.astype(np.float32)
    features = [image]
    for width in (3, 7, 15):
        mean = cv2.blur(image, (width, width)).reshape(image.shape)
        square = cv2.blur(image**2, (width, width)).reshape(image.shape)
        features += [mean, np.sqrt(np.maximum(square - mean**2, 0))]
    return np.concatenate(features, -1).reshape(-1, image.shape[-1] * len(features))


def pixels(seed, count, night):
    """Features of up to 15 pixels per class and scene, for each choice of modalities."""
    rng = np.random.default_rng(0)
    rgb, ir, labels = [], [], []
    for scene in streets(seed, count, night=night):
        label = scene['label'].ravel()
        chosen = np.concatenate([rng.permutation(np.flatnonzero(label == c))[:15 if c else 60]
                                 for c in np.unique(label)])
        rgb.append(neighbourhood(scene['rgb'])[chosen])
        ir.append(neighbourhood(scene['ir'][..., :1])[chosen])
        labels.append(label[chosen])
    rgb, ir = np.concatenate(rgb), np.concatenate(ir)
    return dict(rgb=rgb, ir=ir, both=np.hstack([rgb, ir])), np.concatenate(labels)


def f1_scores(night):
    """F1 (classes,) on other streets, for each choice of modalities."""
    (train, train_label), (test, test_label) = pixels(0, 60, night), pixels(1, 30, night)
    scores = {}
    for name in train:
        forest = RandomForestClassifier(30, min_samples_leaf=2, random_state=0)
        found = forest.fit(train[name], train_label).predict(test[name])
        scores[name] = np.array([2 * ((found == c) & (test_label == c)).sum()
                                 / ((found == c).sum() + (test_label == c).sum())
                                 for c in range(len(CLASSES))])
    return scores


@pytest.fixture(scope='module')
def f1():
    """``f1[night][modalities]``: what a simple classifier of pixels reaches, (classes,)."""
    return {night: f1_scores(night) for night in (False, True)}


def test_each_modality_informs_and_neither_is_enough(f1):
    means = {night: {name: values.mean() for name, values in scores.items()}
             for night, scores in f1.items()}
    for night in means:
        assert means[night]['both'] > max(means[night]['rgb'], means[night]['ir']) + 0.02
    assert means[False]['rgb'] > means[False]['ir'] + 0.05
    assert means[True]['ir'] > means[True]['rgb'] + 0.1
    assert means[True]['rgb'] < means[False]['rgb'] - 0.2


def test_optical_tells_cold_things_by_day_and_infrared_tells_people(f1):
    cold = [IDS[name] for name in ('car_stop', 'guardrail', 'color_cone')]
    assert f1[False]['rgb'][cold].mean() > f1[False]['ir'][cold].mean() + 0.15
    for night in (False, True):
        assert f1[night]['ir'][IDS['person']] > f1[night]['rgb'][IDS['person']] + 0.1


def test_dataset_runs_through_the_registries():
    dataset = DATASETS.build(dict(
        type='SyntheticEOIR', num_scenes=4, seed=1, size=[48, 64], test_mode=True, pipeline=[
            dict(type='mmfkd.RenderEOIR'), dict(type='mmfkd.StackModalities'),
            dict(type='mmseg.RandomFlip', prob=1.0), dict(type='mmfkd.PackModalities')]))
    assert len(dataset) == 4 and dataset.metainfo['classes'] == CLASSES
    item, expected = dataset[2], render_street(scene_seed(1, 2), (48, 64))
    inputs = {name: x.numpy().transpose(1, 2, 0)[:, ::-1] for name, x in item['inputs'].items()}
    assert list(inputs) == ['rgb', 'ir']
    label = item['data_samples'].gt_sem_seg.data[0].numpy()[:, ::-1]
    assert same(dict(expected, **inputs, label=label), expected)


def test_splits_are_disjoint():
    seeds = [info['scene_seed'] for seed in (0, 1, 2) for info in SyntheticEOIR(200, seed=seed)]
    assert len(set(seeds)) == 600
