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


def test_sound_and_frames_inform_and_neither_is_enough():
    labels = np.arange(900) % 6
    clips = [render_clip(scene_seed(0, i), label) for i, label in enumerate(labels)]
    sound = np.array([voice(clip['audio']) for clip in clips])
    frames = np.array([face(clip['visual']) for clip in clips])
    audio, visual, both = measure(sound, frames, labels, 600)
    assert 0.45 < audio < 0.8 and 0.3 < visual < 0.7
    assert both > max(audio, visual) + 0.05
    # Sound tells the contour, the face the arousal.
    contour, arousal = labels // 2, labels % 2
    assert accuracy(sound, contour, 600) > accuracy(frames, contour, 600) + 0.2
    assert accuracy(frames, arousal, 600) > accuracy(sound, arousal, 600) + 0.05


def test_text_and_image_inform_and_neither_is_enough():
    labels = np.arange(1200) % 5
    tweets = [render_tweet(scene_seed(0, i), label) for i, label in enumerate(labels)]
    text = CountVectorizer(binary=True).fit_transform([t['text'] for t in tweets]).toarray()
    image = np.array([outlines(tweet['image']) for tweet in tweets])
    words, pixels, both = measure(text, image, labels, 900)
    assert 0.45 < words < 0.8 and 0.3 < pixels < 0.7
    assert both > max(words, pixels) + 0.05
    # Each tells the two apart that the other confuses: people from news and damage from news in
    # the text, people from supplies and people from houses in the image.
    def apart(features, *pairs):
        chosen = [np.isin(labels, pair) for pair in pairs]
        return np.mean([accuracy(features[these], labels[these], 360) for these in chosen])

    assert apart(text, (0, 2), (1, 3)) > apart(image, (0, 2), (1, 3)) + 0.15
    assert apart(image, (0, 4), (2, 3)) > apart(text, (0, 4), (2, 3)) + 0.1


def test_cues_stay_apart_from_each_other():
    words = [w for group in (*tweets.TOPIC_WORDS, *tweets.CLASS_WORDS,
                             tweets.FILLERS) for w in group]
    assert len(words) == len(set(words))
    pairs = set(zip(tweets.TOPICS, tweets.MOTIFS, strict=True))
    assert len(pairs) == len(tweets.CLASSES)
    assert len(talking_heads.CLASSES) == 2 * len(talking_heads.CONTOURS)
