import re

import cv2
import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mmfkd.datasets.synthetic import talking_heads, tweets
from mmfkd.datasets.synthetic.classification import SyntheticAudioVisual, SyntheticTextImage
from mmfkd.datasets.synthetic.seeding import scene_seed
from mmfkd.datasets.synthetic.talking_heads import render_clip
from mmfkd.datasets.synthetic.tweets import render_tweet, vocabulary
from mmfkd.registry import DATASETS

BOTH = pytest.mark.parametrize('dataset, render', [('SyntheticAudioVisual', 'RenderAudioVisual'),
                                                   ('SyntheticTextImage', 'RenderTextImage')])


def build(dataset, render, num_samples, seed=0, **changes):
    return DATASETS.build(dict(type=dataset, num_samples=num_samples, seed=seed, size=[32, 40],
                               test_mode=True, pipeline=[dict(type=render)], **changes))


def parts(item):
    """Every array and text of an item, in one list."""
    values = [item['modalities'][name] for name in sorted(item['modalities'])]
    return [v for value in values for v in (value if isinstance(value, list) else [value])]


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(parts(a), parts(b), strict=True))


@pytest.mark.parametrize('size', [(64, 64), (48, 80), [33, 47]])
def test_shapes_and_types_of_a_clip(size):
    clip = render_clip(3, 5, size)
    audio, visual = clip['audio'], clip['visual']
    assert audio.dtype == np.float32 and audio.ndim == 1 and np.abs(audio).max() <= 1
    assert len(visual) == 3
    assert all(f.shape == (*size, 3) and f.dtype == np.uint8 for f in visual)
    assert not np.array_equal(visual[0], visual[1])


def test_clips_last_one_to_three_seconds():
    seconds = [len(render_clip(i, 0, (8, 8))['audio']) / 16000 for i in range(60)]
    assert min(seconds) > 0.99 and max(seconds) <= 3
    assert max(seconds) - min(seconds) > 1


@pytest.mark.parametrize('size', [(64, 64), (48, 80), [33, 47]])
def test_shapes_and_types_of_a_tweet(size):
    tweet = render_tweet(3, 4, size)
    assert tweet['image'].shape == (*size, 3) and tweet['image'].dtype == np.uint8
    assert f"#{tweet['event'].replace('_', '')}" in tweet['text'].lower()


def test_texts_are_short_ascii_and_of_known_words():
    known = set(vocabulary())
    assert len(known) == len(vocabulary())
    texts = [render_tweet(i, i % 5, (8, 8))['text'] for i in range(500)]
    assert all(6 <= len(text.split()) <= 30 for text in texts)
    for text in texts:
        assert text.isascii()
        assert set(re.findall(r'[a-z]+|[^a-z\s]', text.lower())) <= known
    # Real tweets hold quotes that are never closed, which readers of lists stumble over.
    assert 0.01 < np.mean([text.count('"') == 1 for text in texts]) < 0.2


@BOTH
def test_a_seed_and_index_decide_the_sample(dataset, render):
    first, again = build(dataset, render, 4), build(dataset, render, 9)
    other = build(dataset, render, 4, seed=1)
    assert all(same(first[i], again[i]) for i in range(4))
    assert not same(first[2], first[3]) and not same(first[2], other[2])


@BOTH
def test_splits_are_disjoint_balanced_and_grow_at_the_end(dataset, render):
    large, other, small = (
        [(info['scene_seed'], info['gt_label'])
         for info in build(dataset, render, count, seed, lazy_init=True).load_data_list()]
        for count, seed in ((500, 0), (500, 1), (20, 0)))
    assert len({seed for seed, _ in large + other}) == 1000
    assert small == large[:20]
    counts = np.bincount([label for _, label in large])
    assert counts.max() - counts.min() <= 1


@BOTH
def test_dataset_runs_through_the_registries(dataset, render):
    split = build(dataset, render, 8, seed=2, indices=[7, 1])
    classes = split.metainfo['classes']
    item = split[0]
    assert len(split) == 2
    assert item['img_path'] == 'synthetic/000007' and item['scene_seed'] == scene_seed(2, 7)
    assert item['gt_label'] == 7 % len(classes) and item['size'] == (32, 40)


def test_transforms_hold_what_is_rendered():
    clip = build('SyntheticAudioVisual', 'RenderAudioVisual', 4)[3]['modalities']
    tweet = build('SyntheticTextImage', 'RenderTextImage', 4)[3]['modalities']
    expected = render_clip(scene_seed(0, 3), 3, (32, 40))
    assert set(clip) == {'audio', 'visual'} and set(tweet) == {'text', 'image'}
    assert np.array_equal(clip['audio'], expected['audio'])
    assert np.array_equal(clip['visual'], expected['visual'])
    expected = render_tweet(scene_seed(0, 3), 3, (32, 40))
    assert tweet['text'] == expected['text'] and np.array_equal(tweet['image'], expected['image'])


@pytest.mark.parametrize('kind', [SyntheticAudioVisual, SyntheticTextImage])
@pytest.mark.parametrize('wrong', [dict(num_samples=0), dict(seed=-1), dict(size=96),
                                   dict(size=(96, 0)), dict(size=(96.0, 96))])
def test_wrong_arguments_are_named(kind, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        kind(**{'num_samples': 1, **wrong})


@pytest.mark.parametrize('render, label', [(render_clip, 6), (render_clip, -1), (render_tweet, 5)])
def test_labels_that_are_no_class_are_refused(render, label):
    with pytest.raises(ValueError, match=f'label={label} .* 0 to'):
        render(0, label)


# Weights (513, 49) of the lines of a spectrum for bands from 90 to 3000 Hz.
BANDS = np.array([np.interp(np.geomspace(90, 3000, 49) * 1024 / 16000, np.arange(513), line)
                  for line in np.eye(513)])


def voice(wave):
    """Where the spectrum moved from the first to the last third, and its mean: (66,)."""
    frames = np.lib.stride_tricks.sliding_window_view(wave, 1024)[::512] * np.hanning(1024)
    power = np.abs(np.fft.rfft(frames, axis=1))**2
    log = np.log(power @ BANDS + 1e-6 * power.mean())
    first, last = (part - part.mean() for part in (log[:len(log) // 3].mean(0),
                                                   log[-len(log) // 3:].mean(0)))
    moved = [(np.roll(first, k) * last)[8:-8].mean() for k in range(-8, 9)]
    return np.hstack([moved / (first.std() * last.std()), log.mean(0) - log.mean()])


def face(frames):
    """How tall dark things are, and how far both sides slant against each other: (7,)."""
    grey = np.mean(frames, (0, 3), np.float32)
    grey = (grey - grey.mean()) / grey.std()
    tall = [cv2.morphologyEx(grey[28:60, 16:48], cv2.MORPH_BLACKHAT, np.ones((k, 1))).mean()
            for k in (3, 5, 7, 9, 13, 17)]
    left, right = np.split(np.prod(np.gradient(grey[8:40, 8:56]), 0), 2, 1)
    return np.array([*tall, left.mean() - right.mean()])


def outlines(image):
    """Directions of the edges at the top, in the middle and at the bottom, log shares: (36,)."""
    y, x = np.gradient(cv2.GaussianBlur(image.mean(2), (0, 0), 1.5))
    strength, direction = x**2 + y**2, (np.arctan2(y, x) % np.pi * 12 / np.pi).astype(int) % 12
    rows = [np.bincount(direction[part].ravel(), strength[part].ravel(), 12)
            for part in (slice(0, 24), slice(16, 48), slice(40, 64))]
    return np.hstack([np.log(row / row.sum() + 1e-3) for row in rows])


def accuracy(features, labels, train):
    """Share of the samples after the first ``train`` that a linear classifier gets right."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500))
    model.fit(features[:train], labels[:train])
    return model.score(features[train:], labels[train:])


def measure(first, second, labels, train):
    return [accuracy(x, labels, train) for x in (first, second, np.hstack([first, second]))]


def shared_beyond_the_label(first, second, labels, train):
    """Correlation of what two modalities say of a class, between samples of the same label."""
    found = []
    for features in (first, second):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500))
        said = model.fit(features[:train], labels[:train]).predict_proba(features[train:])
        for label in np.unique(labels):
            said[labels[train:] == label] -= said[labels[train:] == label].mean(0)
        found.append(said.ravel())
    return np.corrcoef(*found)[0, 1]


def test_the_face_knows_more_of_a_voice_than_its_label():
    labels = np.arange(900) % 6
    clips = [render_clip(scene_seed(0, i), label) for i, label in enumerate(labels)]
    sound = np.array([voice(clip['audio']) for clip in clips])
    frames = np.array([face(clip['visual']) for clip in clips])
    audio, visual, _ = measure(sound, frames, labels, 600)
    assert 0.4 < audio < 0.62 and 0.45 < visual < 0.66
    # Both express the same: where the face is unlike the label, so is the voice.
    assert shared_beyond_the_label(frames, sound, labels, 600) > 0.15


def test_the_text_knows_more_of_an_image_than_its_label():
    labels = np.arange(1200) % 5
    posts = [render_tweet(scene_seed(0, i), label) for i, label in enumerate(labels)]
    text = CountVectorizer(binary=True).fit_transform([p['text'] for p in posts]).toarray()
    image = np.array([outlines(post['image']) for post in posts])
    words, pixels, _ = measure(text, image, labels, 900)
    # A fifth of the labels are drawn at random.
    assert 0.6 < words < 0.84 and 0.35 < pixels < words - 0.15
    assert shared_beyond_the_label(text, image, labels, 900) > 0.15


def test_cues_stay_apart_from_each_other():
    words = [w for group in (*tweets.TOPIC_WORDS, *tweets.CLASS_WORDS,
                             tweets.FILLERS) for w in group]
    assert len(words) == len(set(words))
    pairs = set(zip(tweets.TOPICS, tweets.MOTIFS, strict=True))
    assert len(pairs) == len(tweets.CLASSES)
    assert len(talking_heads.CLASSES) == 2 * len(talking_heads.CONTOURS)
