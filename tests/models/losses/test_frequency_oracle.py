"""Frequency-decoupled distillation against an oracle written from the paper's equations 1 to 11.

The oracle is float64 numpy and knows nothing of the code under test: bands are an explicit Fourier
sum over the bins of a band, cross-entropy and bilinear resizing are plain loops, gradients are
central differences of the oracle's value.
"""

from fractions import Fraction
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from mmfkd.models.heads import BandClassifier
from mmfkd.models.losses.frequency import (
    FrequencyDecoupledLoss,
    log_compress,
    split_bands,
    standardize,
)

SPATIAL = (-2, -1)
EPS = 1e-4
TOLERANCE = {torch.float64: 1e-6, torch.float32: 1e-5, torch.float16: 4e-3, torch.bfloat16: 3e-2}
HALF = [torch.float16, torch.bfloat16]


# ---------------------------------------------------------------------------------- the oracle


def projection(waves):
    """Analysis then synthesis with the given unit waves, one per column: sum_k w_k w_k^H / n."""
    matrix = waves @ waves.conj().T / len(waves)
    assert np.abs(matrix.imag).max() < 1e-9, 'a band must hold k together with -k'
    return matrix.real


def wave_angles(length):
    """Angle of wave k at sample n, reduced modulo one turn while still an integer."""
    n = np.arange(length)
    return 2 * np.pi * (np.outer(n, n) % length) / length


@cache
def axis_projections(length, cutoff, keep_dc):
    """Low and high projection matrices of a signal with `length` samples."""
    above_dc = length // 2
    last_low = round(cutoff * above_dc)
    low, high = [], []
    for k in range(length):
        frequency = min(k, length - k)
        if frequency == 0:
            low.extend([k] if keep_dc else [])
        elif frequency <= last_low:
            low.append(k)
        else:
            high.append(k)
    waves = np.exp(1j * wave_angles(length))
    return projection(waves[:, low]), projection(waves[:, high])


@cache
def spatial_projections(height, width, cutoff, keep_dc):
    """Low and high projection matrices of a flattened (height, width) map."""
    limit = Fraction(str(cutoff)) / 2  # cycles per sample; Nyquist is one half
    low, high = [], []
    for ky in range(height):
        for kx in range(width):
            fy = Fraction(min(ky, height - ky), height)
            fx = Fraction(min(kx, width - kx), width)
            if ky == kx == 0:
                low.extend([(ky, kx)] if keep_dc else [])
            else:
                (low if fy <= limit and fx <= limit else high).append((ky, kx))
    rows, columns = wave_angles(height), wave_angles(width)

    def matrix(bins):
        waves = [np.exp(1j * (rows[ky][:, None] + columns[kx])).ravel() for ky, kx in bins]
        return projection(np.reshape(waves, (len(bins), height * width)).T)

    return matrix(low), matrix(high)


def oracle_bands(x, cutoff=0.5, dim=1, keep_dc=False):
    """Equations 1 to 3."""
    if isinstance(dim, tuple):
        flat = x.reshape(*x.shape[:-2], -1)
        matrices = spatial_projections(*x.shape[-2:], cutoff, keep_dc)
        return tuple((flat @ matrix.T).reshape(x.shape) for matrix in matrices)
    moved = np.moveaxis(x, dim, -1)
    matrices = axis_projections(moved.shape[-1], cutoff, keep_dc)
    return tuple(np.moveaxis(moved @ matrix.T, -1, dim) for matrix in matrices)


def oracle_standardize(x, dim=1, eps=EPS):
    """Equation 7 with eps inside the norm."""
    centred = x - x.mean(dim, keepdims=True)
    return centred / np.sqrt((centred**2).sum(dim, keepdims=True) + eps**2)


def oracle_log(x):
    """Equation 6, one term for each branch of the definition."""
    return np.log1p(np.maximum(x, 0)) - np.log1p(np.maximum(-x, 0))


def oracle_distance(a, b, reduction='elements'):
    """Squared distance over N * D (* H * W), or over the number of vectors."""
    count = a.size if reduction == 'elements' else a.size // a.shape[1]
    return ((a - b) ** 2).sum() / count


def oracle_resize(logits, height, width):
    """Bilinear interpolation of (C, h, w) at pixel centres (align_corners=False)."""

    def taps(position, size_in, size_out):
        source = max((position + 0.5) * size_in / size_out - 0.5, 0.0)
        first = min(int(source), size_in - 1)
        return first, min(first + 1, size_in - 1), source - first

    out = np.empty((len(logits), height, width))
    for i in range(height):
        top, bottom, v = taps(i, logits.shape[1], height)
        for j in range(width):
            left, right, u = taps(j, logits.shape[2], width)
            upper = (1 - u) * logits[:, top, left] + u * logits[:, top, right]
            lower = (1 - u) * logits[:, bottom, left] + u * logits[:, bottom, right]
            out[:, i, j] = (1 - v) * upper + v * lower
    return out


def oracle_logits(x, weight, bias):
    """ReLU, then the linear layer on axis 1."""
    out = np.einsum('cd,nd...->nc...', weight, np.maximum(x, 0))
    return out + bias.reshape(1, -1, *[1] * (x.ndim - 2))


def oracle_cross_entropy(logits, labels):
    """Mean negative log-likelihood; a map is resized to its label and skips label 255."""
    losses = []
    for sample, label in zip(logits, labels, strict=True):
        if label.ndim:
            sample = oracle_resize(sample, *label.shape)
        for index in np.ndindex(label.shape):
            if label.ndim and label[index] == 255:
                continue
            scores = sample[(slice(None), *index)]
            peak = scores.max()
            losses.append(peak + np.log(np.exp(scores - peak).sum()) - scores[label[index]])
    return np.mean(losses)


def oracle_classification(bands, head, labels):
    """One line of equation 10: cross-entropy of the low plus that of the high band."""
    return sum(
        oracle_cross_entropy(oracle_logits(band, *layer), labels)
        for band, layer in zip(bands, head, strict=True)
    )


def oracle_terms(
    student,
    teacher,
    labels=None,
    align=None,
    task=None,
    low_weight=1.0,
    high_weight=1.0,
    cutoff=0.5,
    dim=1,
    keep_dc=False,
    standardize=True,
    log=True,
    reduction='elements',
):
    """Equations 8 to 10 and the task terms; `align` and `task` are weights of a classifier."""
    bands_s = oracle_bands(student, cutoff, dim, keep_dc)
    bands_t = oracle_bands(teacher, cutoff, dim, keep_dc)
    scaled = [(s, t) for s, t in zip(bands_s, bands_t, strict=True)]
    if standardize:
        scaled = [(oracle_standardize(s), oracle_standardize(t)) for s, t in scaled]
    if log:
        scaled[1] = (oracle_log(scaled[1][0]), oracle_log(scaled[1][1]))
    terms = {
        'low': low_weight * oracle_distance(*scaled[0], reduction),
        'high': high_weight * oracle_distance(*scaled[1], reduction),
    }
    if align is not None:
        terms['align_student'] = oracle_classification(bands_s, align, labels)
        terms['align_teacher'] = oracle_classification(bands_t, align, labels)
    if task is not None:
        terms['task'] = oracle_classification(bands_s, task, labels)
    return terms


def central_difference(function, x, direction, step=1e-5):
    """Directional derivative of a scalar function of an array."""
    return (function(x + step * direction) - function(x - step * direction)) / (2 * step)


# ------------------------------------------------------------------------------------- helpers


def features(*shape, seed=0, scale=1.0, shift=0.0):
    return scale * np.random.default_rng(seed).standard_normal(shape) + shift


def tensor(array, dtype=torch.float64, grad=False):
    return torch.tensor(np.asarray(array), dtype=dtype, requires_grad=grad)


def array(value):
    return value.detach().double().numpy()


def cosine(bin_, length=512):
    return np.cos(2 * np.pi * bin_ * np.arange(length) / length)


def head_config(channels, classes):
    return dict(type='BandClassifier', in_channels=channels, num_classes=classes)


def classifiers(loss):
    return [module for module in loss.modules() if isinstance(module, BandClassifier)]


def head_weights(head):
    return [(array(layer.weight), array(layer.bias)) for layer in (head.low, head.high)]


def trained(head):
    """Whether every parameter of a classifier has received a gradient that is not all zero."""
    return all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in head.parameters())


def assert_close(actual, expected, dtype=torch.float64):
    actual = array(actual)
    expected = np.asarray(expected)
    assert actual.shape == expected.shape
    scale = max(1e-30, np.abs(expected).max(initial=0))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE[dtype] * scale)


def assert_bands(x, dtype=torch.float64, **kwargs):
    """Compare `split_bands` to the oracle, on the scale of the input."""
    expected = oracle_bands(array(x), **kwargs)
    actual = split_bands(x, **kwargs)
    assert len(actual) == 2
    atol = TOLERANCE[dtype] * max(1.0, float(x.double().abs().max()))
    for band, reference in zip(actual, expected, strict=True):
        assert band.dtype == x.dtype and band.shape == x.shape
        np.testing.assert_allclose(array(band), reference, rtol=0, atol=atol)


def assert_terms(actual, expected, rtol=5e-6):
    """Compare terms, computed in single precision; an empty band may hold rounding over eps."""
    assert set(actual) == set(expected)
    for key, value in expected.items():
        assert actual[key].ndim == 0
        atol = 1e-5 if value < 1e-12 else 0
        np.testing.assert_allclose(array(actual[key]), value, rtol=rtol, atol=atol, err_msg=key)


# --------------------------------------------------------------------------- bands, equations 1-3


def test_four_samples_split_as_by_hand():
    low, high = split_bands(tensor([[1.0, 2.0, 3.0, 4.0]]))
    assert_close(low, [[-1.0, -1.0, 1.0, 1.0]])
    assert_close(high, [[-0.5, 0.5, -0.5, 0.5]])


@pytest.mark.parametrize('dtype', [torch.float64, torch.float32])
@pytest.mark.parametrize('bin_, is_low', [(1, 1), (2, 1), (128, 1), (129, 0), (255, 0), (256, 0)])
def test_512_channels_put_bins_1_to_128_low_and_129_to_256_high(bin_, is_low, dtype):
    x = tensor(cosine(bin_)[None], dtype)
    low, high = split_bands(x)
    kept, other = (low, high) if is_low else (high, low)
    assert_close(kept, array(x), dtype)
    assert other.abs().max() < TOLERANCE[dtype]


@pytest.mark.parametrize('keep_dc', [False, True])
def test_constant_is_in_the_low_band_only_when_dc_is_kept(keep_dc):
    low, high = split_bands(torch.full((2, 512), 3.0), keep_dc=keep_dc)
    assert (low - (3.0 if keep_dc else 0.0)).abs().max() < 3e-5
    assert high.abs().max() < 3e-5


@pytest.mark.parametrize('dtype', [torch.float64, torch.float32])
@pytest.mark.parametrize('keep_dc', [False, True])
@pytest.mark.parametrize('cutoff', [0, 0.25, 0.3, 0.5, 1])
@pytest.mark.parametrize('length', [1, 2, 3, 4, 5, 7, 10, 11, 64, 511, 512])
def test_bands_equal_the_explicit_fourier_sum(length, cutoff, keep_dc, dtype):
    x = tensor(features(2, length, seed=length, shift=1.0), dtype)
    assert_bands(x, dtype, cutoff=cutoff, keep_dc=keep_dc)


@pytest.mark.parametrize('length, low_bins', [(3, 0), (7, 2), (11, 2), (15, 4), (511, 128)])
def test_half_a_bin_rounds_to_even(length, low_bins):
    for bin_ in range(1, length // 2 + 1):
        low, _ = split_bands(tensor(cosine(bin_, length)[None]))
        assert (low.abs().max() > 1e-6) == (bin_ <= low_bins)


@pytest.mark.parametrize('dim', [0, 1, 2, 3, -1, -2, -3, -4])
def test_bands_run_along_any_dimension(dim):
    assert_bands(tensor(features(4, 7, 5, 6)), dim=dim)


@pytest.mark.parametrize('dim', [0, -1])
def test_a_single_vector_splits(dim):
    assert_bands(tensor(features(9)), dim=dim)


@pytest.mark.parametrize('dim', [1, (-2, -1)])
def test_a_batch_of_nothing_has_bands_of_nothing(dim):
    x = torch.zeros(0, 8, 4, 4, requires_grad=True)
    low, high = split_bands(x, 0.5, dim)
    (low.sum() + high.sum()).backward()
    assert low.shape == high.shape == x.grad.shape == x.shape


def test_large_maps_are_split_part_by_part_alike(monkeypatch):
    x = torch.randn(5, 512, 3, 3, dtype=torch.float64)
    whole = split_bands(x)
    monkeypatch.setattr('mmfkd.models.losses.band_split.ELEMENTS', 10000)  # two samples at once
    assert all(torch.equal(*bands) for bands in zip(whole, split_bands(x), strict=True))


@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
def test_products_and_transforms_filter_alike(layout, monkeypatch):
    x = torch.randn(2, 96, 5, 4, dtype=torch.float64).to(memory_format=layout)
    products = split_bands(x, 0.3)
    monkeypatch.setattr('mmfkd.models.losses.band_split.LONG', 1)
    for one, other in zip(products, split_bands(x, 0.3), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


def test_default_is_the_middle_of_axis_one_without_dc():
    x = tensor(features(3, 12, 4))
    for default, explicit in zip(
        split_bands(x), split_bands(x, cutoff=0.5, dim=1, keep_dc=False), strict=True
    ):
        assert torch.equal(default, explicit)


@pytest.mark.parametrize('dtype', [torch.float64, torch.float32])
@pytest.mark.parametrize('keep_dc', [False, True])
@pytest.mark.parametrize('cutoff', [0, 0.25, 0.5, 1])
@pytest.mark.parametrize('size', [(1, 1), (1, 6), (2, 2), (5, 8), (8, 5), (7, 3)])
def test_spatial_bands_equal_the_explicit_fourier_sum(size, cutoff, keep_dc, dtype):
    x = tensor(features(2, 3, *size, shift=1.0), dtype)
    assert_bands(x, dtype, cutoff=cutoff, dim=SPATIAL, keep_dc=keep_dc)


@pytest.mark.parametrize('dtype', [torch.float64, torch.float32])
def test_spatial_bands_of_a_30_by_40_map(dtype):
    assert_bands(tensor(features(1, 2, 30, 40), dtype), dtype, dim=SPATIAL)


@pytest.mark.parametrize('cutoff, size', [(0.2, 10), (0.3, 20), (0.4, 10), (0.6, 10), (0.7, 20)])
def test_spatial_frequency_equal_to_the_cutoff_is_low(cutoff, size):
    x = tensor(cosine(round(cutoff * size / 2), size)[None] * np.ones((size, 1)))
    low, high = split_bands(x, cutoff=cutoff, dim=SPATIAL)
    assert_close(low, array(x))
    assert high.abs().max() < 1e-6


def test_spatial_wave_that_is_fast_in_one_direction_only_is_high():
    x = tensor(np.outer(cosine(1, 8), cosine(3, 8)))
    low, high = split_bands(x, dim=SPATIAL)
    assert low.abs().max() < 1e-6
    assert_close(high, array(x))


@pytest.mark.parametrize('cutoff', [0, 0.25, 0.5, 1])
@pytest.mark.parametrize('dim', [1, SPATIAL])
def test_bands_and_mean_add_up_to_the_input(dim, cutoff):
    x = tensor(features(2, 7, 5, 8, shift=2.0))
    low, high = split_bands(x, cutoff, dim)
    assert_close(low + high + x.mean(dim, keepdim=True), array(x))
    low, high = split_bands(x, cutoff, dim, keep_dc=True)
    assert_close(low + high, array(x))


@pytest.mark.parametrize('keep_dc', [False, True])
@pytest.mark.parametrize('dim', [1, SPATIAL])
def test_bands_are_orthogonal_projections(dim, keep_dc):
    low, high = split_bands(tensor(features(2, 8, 5, 6)), dim=dim, keep_dc=keep_dc)
    assert (low * high).sum(dim).abs().max() < 1e-6
    again, nothing = split_bands(low, dim=dim, keep_dc=keep_dc)
    assert_close(again, array(low))
    assert nothing.abs().max() < 1e-6


@pytest.mark.parametrize('dim', [0, 1, -1, SPATIAL])
def test_memory_layout_does_not_matter(dim):
    x = tensor(features(4, 6, 5, 8))
    layouts = [
        x.contiguous(memory_format=torch.channels_last),
        x.permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0),
        torch.stack([x, x], -1)[..., 0],
        x[:1].expand(4, -1, -1, -1),
        torch.cat([x, x], 1)[:, 1::2],
    ]
    for view in layouts:
        assert_bands(view, dim=dim)


def test_the_input_is_left_as_it_was():
    x = tensor(features(3, 8))
    before = x.clone()
    split_bands(x), standardize(x), log_compress(x)
    assert torch.equal(x, before)


@pytest.mark.parametrize('dtype', HALF)
@pytest.mark.parametrize(
    'shape, dim', [((2, 512), 1), ((2, 7), 1), ((2, 6, 5), 1), ((2, 3, 5, 8), SPATIAL)]
)
def test_half_precision_is_kept_and_close(shape, dim, dtype):
    assert_bands(tensor(features(*shape), dtype), dtype, dim=dim)


def test_half_precision_does_not_overflow_inside():
    x = torch.full((1, 512), 6e4, dtype=torch.float16)
    low, high = split_bands(x, keep_dc=True)
    assert torch.isfinite(low).all() and torch.isfinite(high).all()
    assert_close(low, array(x), torch.float16)


@pytest.mark.parametrize('dim', [1, SPATIAL])
def test_precision_does_not_depend_on_earlier_calls(dim):
    x = tensor(features(2, 13, 9, 11, seed=3))
    for dtype in [torch.bfloat16, torch.float32]:
        split_bands(x.to(dtype), dim=dim)
    expected = oracle_bands(array(x), dim=dim)
    for band, reference in zip(split_bands(x, dim=dim), expected, strict=True):
        np.testing.assert_allclose(array(band), reference, rtol=0, atol=1e-10)


@pytest.mark.parametrize('dim, length', [(1, 17), (SPATIAL, 19)])
def test_gradient_flows_after_a_call_in_inference_mode(dim, length):
    x = tensor(features(2, length, length, length), torch.float32)
    with torch.inference_mode():
        split_bands(x.clone(), dim=dim)
    x.requires_grad_()
    low, high = split_bands(x, dim=dim)
    (low.square().sum() + high.square().sum()).backward()
    assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize('dim', [1, SPATIAL])
def test_autocast_does_not_lower_the_precision_of_bands(dim):
    x = tensor(features(2, 16, 6, 6), torch.float32)
    with torch.autocast('cpu', torch.bfloat16):
        assert_bands(x, torch.float32, dim=dim)


@pytest.mark.parametrize('keep_dc', [False, True])
@pytest.mark.parametrize(
    'shape, dim', [((2, 7), 1), ((2, 8), -1), ((5, 3), 0), ((1, 2, 3, 4), SPATIAL)]
)
def test_gradcheck_of_bands(shape, dim, keep_dc):
    x = tensor(features(*shape), grad=True)
    assert torch.autograd.gradcheck(lambda v: split_bands(v, dim=dim, keep_dc=keep_dc), x)


@pytest.mark.parametrize('dim', [1, SPATIAL])
@pytest.mark.parametrize('cutoff', [-0.1, 1.1, 2, -1, float('nan'), float('inf')])
def test_cutoff_outside_zero_to_one_is_refused(cutoff, dim):
    with pytest.raises((ValueError, TypeError)):
        split_bands(torch.zeros(2, 8, 4, 4), cutoff=cutoff, dim=dim)


@pytest.mark.parametrize('cutoff', [-0.1, 1.1])
def test_loss_refuses_a_cutoff_outside_zero_to_one(cutoff):
    with pytest.raises((ValueError, TypeError)):
        FrequencyDecoupledLoss(cutoff=cutoff)(torch.ones(2, 8), torch.ones(2, 8))


@pytest.mark.parametrize('dim', [1, SPATIAL])
@pytest.mark.parametrize('dtype', [torch.int64, torch.int32, torch.uint8, torch.bool])
def test_integer_tensor_is_refused(dtype, dim):
    with pytest.raises((ValueError, TypeError)):
        split_bands(torch.zeros(2, 8, 4, 4, dtype=dtype), dim=dim)


# ---------------------------------------------------------------- standardisation, equation 7


@pytest.mark.parametrize('scale', [1e-6, 1e-4, 1e-2, 1.0, 1e6])
@pytest.mark.parametrize('eps', [1e-4, 1e-2])
@pytest.mark.parametrize('dim', [0, 1, -1])
def test_standardize_equals_equation_7(dim, eps, scale):
    x = features(3, 8, 4, scale=scale, shift=scale)
    assert_close(standardize(tensor(x), dim=dim, eps=eps), oracle_standardize(x, dim, eps))


def test_standardize_defaults_to_axis_one_and_eps_1e_4():
    x = features(3, 8, 4, scale=1e-4)
    assert_close(standardize(tensor(x)), oracle_standardize(x, 1, 1e-4))
    assert_close(standardize(tensor(x, torch.float32)), oracle_standardize(x), torch.float32)


def test_standardized_vectors_have_zero_mean_and_unit_norm():
    x = standardize(tensor(features(2, 16, 3, 3, shift=5.0)))
    assert x.mean(1).abs().max() < 1e-9
    assert (x.norm(dim=1) - 1).abs().max() < 1e-6


@pytest.mark.parametrize('dtype', [torch.float64, torch.float32, *HALF])
def test_zero_vector_standardizes_to_zero(dtype):
    out = standardize(torch.zeros(2, 8, dtype=dtype))
    assert out.dtype == dtype
    assert torch.equal(out, torch.zeros(2, 8, dtype=dtype))


@pytest.mark.parametrize('dtype', [torch.float64, torch.float32])
def test_gradient_of_standardize_at_zero_is_centring_over_eps(dtype):
    x = torch.zeros(1, 8, dtype=dtype, requires_grad=True)
    cotangent = features(1, 8)
    standardize(x).backward(tensor(cotangent, dtype))
    assert_close(x.grad, (cotangent - cotangent.mean()) / EPS, dtype)


@pytest.mark.parametrize('scale', [1e-8, 1e-4, 1.0])
def test_gradcheck_of_standardize(scale):
    x = tensor(features(2, 5, scale=scale))
    jacobian = torch.autograd.functional.jacobian(lambda v: standardize(v[None])[0], x[0])
    step = 1e-3 * max(scale, EPS)
    for column in range(5):
        numeric = central_difference(
            lambda v: oracle_standardize(v[None])[0], array(x[0]), np.eye(5)[column], step
        )
        np.testing.assert_allclose(array(jacobian[:, column]), numeric, atol=1e-5 / EPS)


@pytest.mark.parametrize('dtype', HALF)
@pytest.mark.parametrize('scale', [1e-3, 1.0, 1e4])
def test_standardize_in_half_precision_is_kept_and_close(scale, dtype):
    x = tensor(features(2, 64, scale=scale), dtype)
    out = standardize(x)
    assert out.dtype == dtype
    assert_close(out, oracle_standardize(array(x)), dtype)


# -------------------------------------------------------------------- compression, equation 6


@pytest.mark.parametrize('dtype', [torch.float64, torch.float32, *HALF])
def test_log_compress_equals_equation_6(dtype):
    x = tensor([-6e4, -3.0, -1.0, -1e-3, 0.0, 1e-3, 1.0, 3.0, 6e4], dtype)
    out = log_compress(x)
    assert out.dtype == dtype
    np.testing.assert_allclose(array(out), oracle_log(array(x)), rtol=TOLERANCE[dtype])


def test_log_compress_keeps_small_values_exact():
    x = tensor([1e-12, -1e-12])
    np.testing.assert_allclose(array(log_compress(x)), array(x), rtol=1e-9)


def test_slope_of_log_compress_is_one_over_one_plus_magnitude():
    x = tensor([-100.0, -1.0, -1e-6, 1e-6, 1.0, 100.0], grad=True)
    log_compress(x).sum().backward()
    assert_close(x.grad, 1 / (1 + np.abs(array(x))))


def test_slope_of_log_compress_at_zero_is_one():
    x = torch.zeros(3, requires_grad=True)
    log_compress(x).sum().backward()
    assert torch.equal(x.grad, torch.ones(3))


# ---------------------------------------------------------------------- losses, equations 8, 9

CASES = [
    dict(shape=(4, 512)),
    dict(shape=(3, 7)),
    dict(shape=(1, 511)),
    dict(shape=(3, 16), dim=-1),
    dict(shape=(2, 9, 3, 4)),
    dict(shape=(2, 6, 5, 8), dim=SPATIAL),
    dict(shape=(1, 3, 1, 1), dim=SPATIAL),
]


def loss_case(case, seed=0):
    kwargs = dict(case)
    shape = kwargs.pop('shape')
    return features(*shape, seed=seed), features(*shape, seed=seed + 1, scale=3.0, shift=1), kwargs


@pytest.mark.parametrize('case', CASES)
@pytest.mark.parametrize('reduction', ['elements', 'vectors'])
@pytest.mark.parametrize('log', [True, False])
@pytest.mark.parametrize('standard', [True, False])
def test_terms_equal_equations_8_and_9(case, standard, log, reduction):
    student, teacher, kwargs = loss_case(case)
    kwargs.update(standardize=standard, log=log, reduction=reduction)
    terms = FrequencyDecoupledLoss(**kwargs)(tensor(student), tensor(teacher))
    assert_terms(terms, oracle_terms(student, teacher, **kwargs))


@pytest.mark.parametrize('reduction', ['elements', 'vectors'])
def test_terms_of_a_batch_in_unequal_parts_equal_equations_8_and_9(reduction, monkeypatch):
    case = dict(shape=(5, 8, 3, 4), reduction=reduction)
    student, teacher, kwargs = loss_case(case)
    whole, parts = tensor(student).requires_grad_(), tensor(student).requires_grad_()
    loss = FrequencyDecoupledLoss(**kwargs)
    sum(loss(whole, tensor(teacher)).values()).backward()
    monkeypatch.setattr('mmfkd.models.losses.band_split.ELEMENTS', 2 * 8 * 3 * 4)
    terms = loss(parts, tensor(teacher))
    assert_terms(terms, oracle_terms(student, teacher, **kwargs))
    sum(terms.values()).backward()
    torch.testing.assert_close(parts.grad, whole.grad, rtol=0,
                               atol=1e-6 * whole.grad.abs().max().item())


@pytest.mark.parametrize('case', CASES)
@pytest.mark.parametrize('cutoff', [0, 0.25, 1])
@pytest.mark.parametrize('keep_dc', [True, False])
def test_terms_follow_cutoff_dc_and_weights(case, cutoff, keep_dc):
    student, teacher, kwargs = loss_case(case)
    kwargs.update(cutoff=cutoff, keep_dc=keep_dc, low_weight=0.5, high_weight=3.0)
    terms = FrequencyDecoupledLoss(**kwargs)(tensor(student), tensor(teacher))
    assert_terms(terms, oracle_terms(student, teacher, **kwargs))


@pytest.mark.parametrize('dim', [1, SPATIAL])
@pytest.mark.parametrize('cutoff, empty', [(0, 'low'), (1, 'high')])
@pytest.mark.parametrize('scale', [1.0, 100.0])
def test_an_empty_band_costs_nothing_at_any_scale(scale, cutoff, empty, dim):
    student, teacher = features(2, 16, 15, 20, scale=scale), features(2, 16, 15, 20, seed=1)
    loss = FrequencyDecoupledLoss(cutoff=cutoff, dim=dim, reduction='vectors')
    terms = loss(tensor(student, torch.float32), tensor(teacher, torch.float32))
    assert abs(terms[empty].item()) < 1e-6


@pytest.mark.parametrize('case', CASES)
def test_terms_in_single_precision(case):
    student, teacher, kwargs = loss_case(case)
    terms = FrequencyDecoupledLoss(**kwargs)(
        tensor(student, torch.float32), tensor(teacher, torch.float32)
    )
    assert_terms(terms, oracle_terms(student, teacher, **kwargs), rtol=1e-5)


@pytest.mark.parametrize('dtype', HALF)
def test_half_precision_features_give_a_finite_loss_and_gradient(dtype):
    student = tensor(features(2, 64), dtype, grad=True)
    terms = FrequencyDecoupledLoss()(student, tensor(features(2, 64, seed=1), dtype))
    sum(terms.values()).backward()
    expected = oracle_terms(array(student), features(2, 64, seed=1))
    assert_terms(terms, expected, rtol=5e-2)
    assert student.grad.dtype == dtype and torch.isfinite(student.grad).all()


def test_terms_keep_their_precision_under_autocast():
    student, teacher = features(4, 64), features(4, 64, seed=1)
    with torch.autocast('cpu', torch.bfloat16):
        terms = FrequencyDecoupledLoss()(
            tensor(student, torch.float32), tensor(teacher, torch.float32)
        )
    assert_terms(terms, oracle_terms(student, teacher), rtol=1e-5)


@pytest.mark.parametrize('case', CASES)
@pytest.mark.parametrize(
    'extra',
    [{}, dict(standardize=False), dict(log=False), dict(reduction='vectors', keep_dc=True)],
)
def test_student_gradient_equals_central_differences(case, extra):
    student, teacher, kwargs = loss_case(case)
    kwargs.update(extra, low_weight=2.0)
    x = tensor(student, grad=True)
    sum(FrequencyDecoupledLoss(**kwargs)(x, tensor(teacher)).values()).backward()
    gradient = array(x.grad)

    def total(value):
        return sum(oracle_terms(value, teacher, **kwargs).values())

    directions = [features(*student.shape, seed=seed) for seed in range(10, 14)]
    unit = np.zeros_like(student)
    unit.flat[0] = 1
    for direction in [*directions, unit]:
        numeric = central_difference(total, student, direction)
        scale = np.linalg.norm(gradient) * np.linalg.norm(direction)
        assert abs((gradient * direction).sum() - numeric) <= 5e-6 * scale + 1e-10


@pytest.mark.parametrize('case', CASES)
def test_equal_features_give_zero_loss_and_zero_gradient(case):
    student, _, kwargs = loss_case(case)
    x = tensor(student, grad=True)
    terms = FrequencyDecoupledLoss(**kwargs)(x, tensor(student))
    sum(terms.values()).backward()
    assert set(terms) == {'low', 'high'}
    assert all(abs(term.item()) < 1e-15 for term in terms.values())
    assert x.grad.abs().max() < 1e-9


@pytest.mark.parametrize('case', CASES)
def test_standardized_loss_ignores_scale_and_shift(case):
    student, teacher, kwargs = loss_case(case)
    loss = FrequencyDecoupledLoss(**kwargs)
    expected = {key: value.item() for key, value in loss(tensor(student), tensor(teacher)).items()}
    if expected['low'] + expected['high'] < 1e-12:
        return
    for scale, shift in [(1.0, 4.0), (10.0, 0.0), (1e3, -2.0)]:
        moved = loss(tensor(scale * student + shift), tensor(2 * scale * teacher - shift))
        assert_terms(moved, expected, rtol=1e-5)


def test_opposite_features_give_the_largest_low_loss():
    x = tensor(features(3, 8))
    low = FrequencyDecoupledLoss(reduction='vectors')(x, -x)['low']
    assert low.item() == pytest.approx(4.0, rel=1e-6)


@pytest.mark.parametrize('shape, dim', [((3, 16), 1), ((2, 6, 5, 8), 1), ((2, 6, 5, 8), SPATIAL)])
def test_batch_is_the_mean_of_its_samples(shape, dim):
    loss = FrequencyDecoupledLoss(dim=dim)
    student, teacher = tensor(features(*shape)), tensor(features(*shape, seed=1))
    single = [loss(s[None], t[None]) for s, t in zip(student, teacher, strict=True)]
    expected = {key: np.mean([terms[key].item() for terms in single]) for key in ('low', 'high')}
    assert_terms(loss(student, teacher), expected)


@pytest.mark.parametrize('dtype', [torch.float64, torch.float32])
def test_zero_student_has_the_bounded_gradient_of_equation_7(dtype):
    teacher = features(2, 16)
    x = torch.zeros(2, 16, dtype=dtype, requires_grad=True)
    terms = FrequencyDecoupledLoss()(x, tensor(teacher, dtype))
    assert_terms(terms, oracle_terms(np.zeros((2, 16)), teacher), rtol=1e-5)
    sum(terms.values()).backward()
    low, high = (oracle_standardize(band) for band in oracle_bands(teacher))
    expected = low + oracle_bands(oracle_log(high))[1]
    assert_close(x.grad, -2 / (x.numel() * EPS) * expected, torch.float32)


@pytest.mark.parametrize('shape, dim', [((2, 16), 1), ((2, 4, 3, 5), 1), ((2, 4, 3, 5), SPATIAL)])
@pytest.mark.parametrize('zero', ['student', 'teacher', 'both', 'constant'])
def test_vectors_without_content_give_no_nan(zero, shape, dim):
    student = torch.zeros(shape) if zero in ('student', 'both') else tensor(features(*shape))
    teacher = torch.zeros(shape) if zero in ('teacher', 'both') else tensor(features(*shape))
    if zero == 'constant':
        student = torch.full(shape, 7.0)
    student = student.float().requires_grad_()
    terms = FrequencyDecoupledLoss(dim=dim)(student, teacher.float())
    sum(terms.values()).backward()
    assert all(torch.isfinite(term) for term in terms.values())
    assert torch.isfinite(student.grad).all()
    assert student.grad.norm() <= 10 / EPS


@pytest.mark.parametrize('level', [1.0, 10.0, 100.0])
@pytest.mark.parametrize('shape, dim', [((2, 512), 1), ((2, 8, 30, 40), SPATIAL)])
def test_constant_student_costs_as_much_as_a_zero_student(shape, dim, level):
    teacher = features(*shape)
    loss = FrequencyDecoupledLoss(dim=dim, reduction='vectors')
    terms = loss(torch.full(shape, level), tensor(teacher, torch.float32))
    bands = oracle_bands(teacher, dim=dim)
    low, high = (oracle_standardize(band) for band in bands)
    expected = {
        'low': oracle_distance(0 * low, low, 'vectors'),
        'high': oracle_distance(0 * high, oracle_log(high), 'vectors'),
    }
    assert_terms(terms, expected, rtol=1e-4)


@pytest.mark.parametrize('dtype', [torch.float64, torch.float32])
@pytest.mark.parametrize('scale', [1e6, 1e15])
def test_huge_features_keep_the_loss(scale, dtype):
    student, teacher = features(2, 64), features(2, 64, seed=1)
    x = tensor(scale * student, dtype, grad=True)
    terms = FrequencyDecoupledLoss()(x, tensor(scale * teacher, dtype))
    sum(terms.values()).backward()
    assert_terms(terms, oracle_terms(student, teacher))
    assert torch.isfinite(x.grad).all()


def test_features_whose_square_overflows_give_no_nan():
    x = tensor(features(2, 64, scale=1e25), torch.float32, grad=True)
    terms = FrequencyDecoupledLoss()(x, tensor(features(2, 64, seed=1), torch.float32))
    sum(terms.values()).backward()
    assert all(torch.isfinite(term) for term in terms.values())
    assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize('length', [1, 2, 3])
def test_very_short_vectors_give_a_finite_loss(length):
    student, teacher = features(2, length), features(2, length, seed=1)
    x = tensor(student, grad=True)
    terms = FrequencyDecoupledLoss()(x, tensor(teacher))
    sum(terms.values()).backward()
    assert_terms(terms, oracle_terms(student, teacher))
    assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize('dim', [1, SPATIAL])
def test_channels_last_and_strided_features_give_the_same_terms(dim):
    student, teacher = features(2, 6, 5, 8), features(2, 6, 5, 8, seed=1)
    last = tensor(student).contiguous(memory_format=torch.channels_last)
    strided = torch.stack([tensor(teacher)] * 2, -1)[..., 1]
    terms = FrequencyDecoupledLoss(dim=dim)(last, strided)
    assert_terms(terms, oracle_terms(student, teacher, dim=dim))


@pytest.mark.parametrize('key, left', [('low_weight', 'high'), ('high_weight', 'low')])
def test_weight_zero_leaves_the_term_out(key, left):
    student, teacher = features(2, 8), features(2, 8, seed=1)
    terms = FrequencyDecoupledLoss(**{key: 0})(tensor(student), tensor(teacher))
    assert_terms(terms, {left: oracle_terms(student, teacher)[left]})


def test_loss_without_classifiers_has_no_parameters():
    loss = FrequencyDecoupledLoss()
    assert isinstance(loss, nn.Module)
    assert not list(loss.parameters())


# -------------------------------------------------------------------- classifiers, equation 10


@pytest.mark.parametrize('shape', [(4, 6), (1, 6), (2, 6, 3, 5)])
def test_band_classifier_is_relu_then_linear(shape):
    head = BandClassifier(in_channels=6, num_classes=3).double()
    assert isinstance(head.low, nn.Linear) and isinstance(head.high, nn.Linear)
    bands = features(*shape), features(*shape, seed=1)
    outputs = head(*map(tensor, bands))
    for output, band, layer in zip(outputs, bands, head_weights(head), strict=True):
        assert_close(output, oracle_logits(band, *layer))


def test_band_classifier_accepts_channels_last_maps():
    head = BandClassifier(6, 3)
    x = tensor(features(2, 6, 3, 5), torch.float32)
    last = x.contiguous(memory_format=torch.channels_last)
    for output, reference in zip(head(last, last), head(x, x), strict=True):
        torch.testing.assert_close(output, reference)


def test_band_classifier_leaves_its_input_alone():
    x = tensor(features(2, 6), torch.float32)
    before = x.clone()
    BandClassifier(6, 3)(x, x)
    assert torch.equal(x, before)


def label_map(*shape, classes, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, shape)
    labels[rng.random(shape) < 0.2] = 255
    return labels


LABELLED = [
    dict(shape=(4, 8), labels=np.array([0, 2, 1, 2])),
    dict(shape=(1, 7), labels=np.array([1])),
    dict(shape=(2, 6, 3, 4), labels=label_map(2, 3, 4, classes=3)),
    dict(shape=(2, 6, 3, 4), labels=label_map(2, 9, 10, classes=3)),
    dict(shape=(2, 6, 6, 5), labels=label_map(2, 4, 3, classes=3), dim=SPATIAL),
]


def labelled_case(case, heads=('align', 'task')):
    kwargs = dict(case)
    shape, labels = kwargs.pop('shape'), kwargs.pop('labels')
    kwargs.update({name: head_config(shape[1], 3) for name in heads})
    torch.manual_seed(0)
    loss = FrequencyDecoupledLoss(**kwargs)
    options = {key: value for key, value in kwargs.items() if key not in heads}
    return loss, features(*shape), features(*shape, seed=1, shift=1.0), labels, options


@pytest.mark.parametrize('case', LABELLED)
def test_alignment_terms_equal_equation_10(case):
    loss, student, teacher, labels, options = labelled_case(case, ['align'])
    (head,) = classifiers(loss)
    terms = loss(tensor(student), tensor(teacher), torch.tensor(labels))
    expected = oracle_terms(student, teacher, labels, align=head_weights(head), **options)
    assert_terms(terms, expected)


@pytest.mark.parametrize('case', LABELLED)
def test_task_term_is_the_cross_entropy_of_both_student_bands(case):
    loss, student, teacher, labels, options = labelled_case(case, ['task'])
    (head,) = classifiers(loss)
    terms = loss(tensor(student), tensor(teacher), torch.tensor(labels))
    expected = oracle_terms(student, teacher, labels, task=head_weights(head), **options)
    assert_terms(terms, expected)


def heads_by_role(loss, student, teacher, labels):
    """Tell the alignment from the task classifier by whom the task term trains."""
    loss(tensor(student), tensor(teacher), torch.tensor(labels))['task'].backward()
    roles = {trained(head): head for head in classifiers(loss)}
    assert set(roles) == {True, False} and len(classifiers(loss)) == 2
    loss.zero_grad(set_to_none=True)
    return roles[False], roles[True]


@pytest.mark.parametrize('case', LABELLED)
def test_total_and_its_gradient_equal_equation_11(case):
    loss, student, teacher, labels, options = labelled_case(case)
    align, task = heads_by_role(loss, student, teacher, labels)
    options.update(align=head_weights(align), task=head_weights(task))
    x = tensor(student, grad=True)
    total = sum(loss(x, tensor(teacher), torch.tensor(labels)).values())
    total.backward()

    def oracle(value):
        return sum(oracle_terms(value, teacher, labels, **options).values())

    assert total.item() == pytest.approx(oracle(student), rel=2e-6)
    gradient = array(x.grad)
    for seed in range(10, 13):
        direction = features(*student.shape, seed=seed)
        numeric = central_difference(oracle, student, direction, 1e-6)
        assert (gradient * direction).sum() == pytest.approx(numeric, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize('key', ['align_student', 'align_teacher', 'task'])
def test_each_classification_term_trains_its_own_classifier_only(key):
    loss, student, teacher, labels, _ = labelled_case(LABELLED[0])
    align, task = heads_by_role(loss, student, teacher, labels)
    loss(tensor(student), tensor(teacher), torch.tensor(labels))[key].backward()
    assert (trained(align), trained(task)) == (key != 'task', key == 'task')


def test_classifiers_are_shared_between_student_and_teacher():
    loss, student, teacher, labels, _ = labelled_case(LABELLED[0], ['align'])
    assert len(list(loss.parameters())) == 4
    forward = loss(tensor(student), tensor(teacher), torch.tensor(labels))
    swapped = loss(tensor(teacher), tensor(student), torch.tensor(labels))
    assert forward['align_student'].item() == pytest.approx(swapped['align_teacher'].item())
    assert forward['align_teacher'].item() == pytest.approx(swapped['align_student'].item())


@pytest.mark.parametrize('key', ['align_student', 'task'])
def test_classifiers_see_bands_that_are_not_normalised(key):
    loss, student, teacher, labels, _ = labelled_case(LABELLED[0])
    labels = torch.tensor(labels)
    small = loss(tensor(student), tensor(teacher), labels)
    large = loss(tensor(100 * student), tensor(teacher), labels)
    assert large['low'].item() == pytest.approx(small['low'].item(), rel=1e-5)
    assert abs(large[key].item() - small[key].item()) > 1


@pytest.mark.parametrize('case', LABELLED)
def test_teacher_features_receive_no_gradient(case):
    loss, student, teacher, labels, _ = labelled_case(case)
    s, t = tensor(student, grad=True), tensor(teacher, grad=True)
    sum(loss(s, t, torch.tensor(labels)).values()).backward()
    assert t.grad is None
    assert s.grad.abs().sum() > 0
    assert all(trained(head) for head in classifiers(loss))


def test_teacher_alignment_gives_the_student_no_gradient():
    loss, student, teacher, labels, _ = labelled_case(LABELLED[0], ['align'])
    s = tensor(student, grad=True)
    loss(s, tensor(teacher), torch.tensor(labels))['align_teacher'].backward()
    assert s.grad is None or not s.grad.any()


def test_ignored_pixels_do_not_count():
    loss, student, teacher, labels, _ = labelled_case(LABELLED[2])
    whole = loss(tensor(student), tensor(teacher), torch.tensor(labels))
    labels = np.concatenate([labels, np.full_like(labels[:1], 255)])
    more = [np.concatenate([x, 50 * x[:1]]) for x in (student, teacher)]
    padded = loss(*map(tensor, more), torch.tensor(labels))
    for key in ('align_student', 'align_teacher', 'task'):
        assert padded[key].item() == pytest.approx(whole[key].item(), rel=1e-9)


@pytest.mark.parametrize('autocast', [False, True])
def test_classification_terms_in_single_precision(autocast):
    loss, student, teacher, labels, options = labelled_case(LABELLED[3], ['align'])
    (head,) = classifiers(loss)
    inputs = tensor(student, torch.float32), tensor(teacher, torch.float32), torch.tensor(labels)
    with torch.autocast('cpu', torch.bfloat16, enabled=autocast):
        terms = loss(*inputs)
    expected = oracle_terms(student, teacher, labels, align=head_weights(head), **options)
    assert_terms(terms, expected, rtol=1e-5)


def test_distillation_weights_leave_the_classification_terms_alone():
    loss, student, teacher, labels, _ = labelled_case(LABELLED[0], ['align'])
    other = FrequencyDecoupledLoss(low_weight=0, high_weight=0, align=head_config(8, 3))
    other.load_state_dict(loss.state_dict())
    inputs = tensor(student), tensor(teacher), torch.tensor(labels)
    expected = {key: value.item() for key, value in loss(*inputs).items() if 'align' in key}
    assert_terms(other(*inputs), expected)
