"""CKA against a computation by explicit matrices and loops, and what it is invariant to."""

import numpy as np
import pytest
import torch

from mmfkd.analysis.similarity import StreamingCKA, band_cka, linear_cka


def by_definition(x, y):
    """FDKD, appendix B, step by step: Gram matrices, double centring, traces."""
    n = len(x)
    ones = np.ones((n, n))

    def centred(z):
        gram = np.array([[sum(float(a) * float(b) for a, b in zip(u, v, strict=True))
                          for v in z] for u in z])
        return gram - ones @ gram / n - gram @ ones / n + ones @ gram @ ones / n ** 2

    k, m = centred(x), centred(y)
    return np.trace(k @ m) / np.sqrt(np.trace(k @ k) * np.trace(m @ m))


def pair(n, p, q, seed=0, shift=0.0):
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, 3))
    return (shared @ rng.normal(size=(3, p)) + rng.normal(size=(n, p)) + shift,
            shared @ rng.normal(size=(3, q)) + rng.normal(size=(n, q)) - shift)


# More samples than features, fewer, as many, and one in between.
SHAPES = [(30, 5, 4), (6, 20, 15), (8, 8, 8), (10, 4, 16), (2, 3, 3)]


@pytest.mark.parametrize('shape', SHAPES)
@pytest.mark.parametrize('shift', [0.0, 100.0])
def test_the_score_is_that_of_the_definition(shape, shift):
    x, y = pair(*shape, shift=shift)
    expected = by_definition(x, y)
    assert linear_cka(x, y) == pytest.approx(expected, abs=1e-8)
    assert linear_cka(y, x) == pytest.approx(expected, abs=1e-8)
    assert 0.01 < expected < 0.9999 or shape[0] == 2


def test_float32_tensors_are_computed_in_float64():
    x, y = (torch.from_numpy(z).float() for z in pair(20, 6, 7, shift=50.0))
    expected = by_definition(x.double().numpy(), y.double().numpy())
    assert linear_cka(x, y) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize('n', [5, 60])
def test_rotation_scale_and_shift_do_not_matter(n):
    x, y = pair(n, 8, 8)
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(8, 8)))[0]
    assert linear_cka(x, x) == pytest.approx(1, abs=1e-12)
    assert linear_cka(x, 1e-3 * x @ rotation + 7) == pytest.approx(1, abs=1e-9)
    assert linear_cka(x @ rotation, 1e80 * y) == pytest.approx(linear_cka(x, y), abs=1e-9)


def test_a_stretch_of_one_direction_matters():
    x, _ = pair(60, 8, 8)
    assert linear_cka(x, x * ([30] + [1] * 7)) < 0.9


def test_unrelated_features_have_a_low_score_only_with_many_samples():
    rng = np.random.default_rng(0)
    few, many = (linear_cka(rng.normal(size=(n, 32)), rng.normal(size=(n, 32)))
                 for n in (16, 4000))
    assert few > 0.5 and many < 0.02


@pytest.mark.parametrize('n', [6, 40])
@pytest.mark.parametrize('value', [0.0, 0.1, 1e6 / 3])
def test_a_constant_feature_is_like_nothing(n, value):
    x, _ = pair(n, 8, 8)
    constant = np.full((n, 5), value)
    assert linear_cka(x, constant) == linear_cka(constant, constant) == 0
    assert streamed(x, constant, 4) == streamed(constant, constant, 4) == 0


def test_a_constant_column_changes_nothing():
    x, y = pair(30, 6, 6)
    wider = np.concatenate([x, np.full((30, 1), 1 / 3)], axis=1)
    assert linear_cka(wider, y) == pytest.approx(linear_cka(x, y), abs=1e-12)


@pytest.mark.parametrize('x, y, message', [
    (np.zeros((3, 2)), np.zeros((4, 2)), r'same samples, not \(3, 2\) and \(4, 2\)'),
    (np.zeros((1, 2)), np.zeros((1, 2)), '1 samples is not defined: give at least 2'),
    (np.zeros((3, 2, 2, 2)), np.zeros((3, 2)), 'pool maps'),
    (np.array([[1.0], [np.nan]]), np.zeros((2, 1)), 'NaN or infinite'),
    (np.zeros((2, 1)), np.array([[1.0], [np.inf]]), 'NaN or infinite')])
def test_what_has_no_score_is_refused(x, y, message):
    with pytest.raises(ValueError, match=message):
        linear_cka(x, y)


# ---------------------------------------------------------------- streaming


def streamed(x, y, size):
    cka = StreamingCKA()
    for start in range(0, len(x), size):
        cka.update(x[start:start + size], y[start:start + size])
    assert cka.count == len(x)
    return cka.compute()


@pytest.mark.parametrize('size', [1, 7, 64, 1000])
@pytest.mark.parametrize('shift', [0.0, 1e4])
def test_batches_give_the_score_of_the_set(size, shift):
    x, y = pair(200, 24, 17, shift=shift)
    # Sorted, so that the batches differ: the mean of their scores is far away.
    order = np.argsort(x[:, 0])
    x, y = x[order], y[order]
    whole = linear_cka(x, y)
    assert streamed(x, y, size) == pytest.approx(whole, abs=1e-9)
    if size == 64:
        batches = np.mean([linear_cka(x[i:i + 64], y[i:i + 64]) for i in (0, 64, 128)])
        assert abs(batches - whole) > 1e-3


def test_streams_of_more_features_than_samples():
    x, y = pair(12, 40, 30)
    assert streamed(x, y, 5) == pytest.approx(by_definition(x, y), abs=1e-8)


def test_a_stream_refuses_what_does_not_belong_to_it():
    cka = StreamingCKA()
    with pytest.raises(ValueError, match='0 samples is not defined'):
        cka.compute()
    cka.update(np.zeros((0, 3)), np.zeros((0, 2)))
    cka.update(np.zeros((1, 3)), np.zeros((1, 2)))
    with pytest.raises(ValueError, match='1 samples is not defined'):
        cka.compute()
    with pytest.raises(ValueError, match=r'widths \(3, 3\) after \(3, 2\)'):
        cka.update(np.zeros((1, 3)), np.zeros((1, 3)))
    with pytest.raises(ValueError, match='same samples'):
        cka.update(np.zeros((1, 3)), np.zeros((2, 2)))


# ---------------------------------------------------------------- bands


def test_bands_are_scored_apart():
    rng = np.random.default_rng(0)
    columns = np.arange(16)
    low, high = (np.stack([f(2 * np.pi * k * columns / 16) for k in bins for f in (np.sin, np.cos)])
                 for bins in ((1, 2, 3, 4), (5, 6, 7)))
    shared = rng.normal(size=(300, 8))
    x, y = (shared @ low + rng.normal(size=(300, 6)) @ high for _ in range(2))
    scores = band_cka(x, y)
    assert scores['low'] == pytest.approx(1, abs=1e-6)
    assert scores['high'] < 0.1
    assert scores['high'] < scores['raw'] < scores['low']
    assert scores['raw'] == linear_cka(x, y)


def test_the_mean_can_be_kept_in_the_low_band():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(300, 16)), rng.normal(size=(300, 16))
    shared = 20 * rng.normal(size=(300, 1))
    assert band_cka(x + shared, y + shared)['low'] < 0.2
    assert band_cka(x + shared, y + shared, keep_dc=True)['low'] > 0.9
