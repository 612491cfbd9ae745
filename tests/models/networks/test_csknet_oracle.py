"""CSK-Net's parts against oracles written from the paper's equations 1 to 11.

The oracles are float64 numpy loops and know nothing of the code under test; gradients are central
differences of the oracle's value.
"""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch

from mmfkd.models import (
    FeatureLoss,
    GatedSpectralHead,
    MulticlassDiceLoss,
    PseudoLabelLoss,
    SoftLabelLoss,
)
from mmfkd.models.losses.contrastive import (
    PixelContrastLoss,
    anchor_losses,
    balanced_pixels,
    hardest,
    nearest_labels,
    pixels_of,
)
from mmfkd.models.networks import ChannelExchange, SpatialExchange, Streams

EPS = 1e-6
IGNORE = 255


def close(actual, expected, atol=1e-6, rtol=1e-6):
    if torch.is_tensor(actual):
        actual = actual.detach().double().numpy()
    np.testing.assert_allclose(actual, expected, atol=atol, rtol=rtol)


def differences(function, x, eps=EPS):
    """Central differences of a scalar function of a float64 array."""
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        high, low = x.copy(), x.copy()
        high[index] += eps
        low[index] -= eps
        gradient[index] = (function(high) - function(low)) / (2 * eps)
    return gradient


def leaf(array, dtype=torch.float64):
    return torch.tensor(array, dtype=dtype, requires_grad=True)


def finite(*tensors):
    return all(bool(torch.isfinite(t).all()) for t in tensors)


# ------------------------------------------------------------------------------ mixed exchange


def exchanged_by_loops(maps, gammas, chosen):
    """Channel c of modality m is the mean of the others' channel c where chosen(m, c)."""
    result = [m.copy() for m in maps]
    for m in range(len(maps)):
        for c in range(maps[m].shape[1]):
            if chosen(m, c):
                others = [maps[k][:, c] for k in range(len(maps)) if k != m]
                result[m][:, c] = sum(others) / len(others)
    return result


def smallest(gamma, count):
    order = sorted(range(len(gamma)), key=lambda c: abs(gamma[c]))
    return set(order[:count])


def random_maps(modalities, shape=(2, 8, 3, 5)):
    return [np.random.randn(*shape) for _ in range(modalities)]


def tensors(arrays):
    return [leaf(array) for array in arrays]


@pytest.mark.parametrize('modalities', [2, 3])
@pytest.mark.parametrize('threshold', [0.02, 0.25, 1.0])
def test_channels_below_the_threshold_come_from_the_others(modalities, threshold):
    maps = random_maps(modalities)
    # Of both signs, zero, at the threshold (a representable one: kept), just around it.
    gammas = [np.array([0, threshold * 0.99, -threshold * 0.99, threshold * 1.01,
                        -threshold * 1.01, 1.5, -1.5, threshold / 2]) for _ in range(modalities)]
    gammas[1] = np.roll(gammas[1], 3)
    expected = exchanged_by_loops(maps, gammas, lambda m, c: abs(gammas[m][c]) < threshold)
    given = tensors(maps)
    out = ChannelExchange(threshold=threshold)(given, tensors(gammas))
    assert len(out) == modalities
    for actual, wanted, source, array in zip(out, expected, given, maps, strict=True):
        close(actual, wanted)
        close(source, array)  # not written in place


@pytest.mark.parametrize('gamma', [0.25, -0.25])
def test_a_channel_at_the_threshold_stays(gamma):
    maps = random_maps(2, (1, 2, 2, 2))
    out = ChannelExchange(threshold=0.25)(
        tensors(maps), [torch.tensor([gamma, 0.0]), torch.tensor([gamma, 1.0])])
    close(out[0][:, 0], maps[0][:, 0])
    close(out[0][:, 1], maps[1][:, 1])
    close(out[1], maps[1])


def test_both_small_scales_swap_the_original_channels():
    maps = random_maps(2)
    zeros = [torch.zeros(8, dtype=torch.float64)] * 2
    first, second = ChannelExchange()(tensors(maps), zeros)
    close(first, maps[1])
    close(second, maps[0])


@pytest.mark.parametrize('modalities', [2, 3])
@pytest.mark.parametrize('share', [0.0, 0.125, 0.2, 0.3, 0.5, 0.95, 1.0])
@pytest.mark.parametrize('channels', [1, 8, 7])
def test_a_share_of_the_channels_is_exchanged(modalities, share, channels):
    if Fraction(str(share)) * channels % 1 == Fraction(1, 2):
        share += 0.01  # no half to round
    maps = random_maps(modalities, (2, channels, 2, 3))
    gammas = [np.random.randn(channels) for _ in range(modalities)]
    count = round(share * channels)
    expected = exchanged_by_loops(maps, gammas, lambda m, c: c in smallest(gammas[m], count))
    out = ChannelExchange(threshold=0.02, ratio=share)(tensors(maps), tensors(gammas))
    changed = [sum(not np.array_equal(wanted[:, c], array[:, c]) for c in range(channels))
               for wanted, array in zip(expected, maps, strict=True)]
    assert changed == [count] * modalities
    for actual, wanted in zip(out, expected, strict=True):
        close(actual, wanted)


@pytest.mark.parametrize('modalities', [2, 3])
@pytest.mark.parametrize('share', [None, 0.375])
def test_the_gradient_goes_where_a_channel_came_from(modalities, share):
    maps = random_maps(modalities, (1, 8, 1, 2))
    gammas = [np.random.randn(8) for _ in range(modalities)]
    weights = random_maps(modalities, (1, 8, 1, 2))
    cut = 0.6

    def chosen(m, c):
        return abs(gammas[m][c]) < cut if share is None else c in smallest(gammas[m], 3)

    given = tensors(maps)
    out = ChannelExchange(threshold=cut, ratio=share)(given, tensors(gammas))
    sum((o * torch.tensor(w)).sum() for o, w in zip(out, weights, strict=True)).backward()
    for m in range(modalities):
        def value(x, m=m):
            arrays = [x if k == m else maps[k] for k in range(modalities)]
            result = exchanged_by_loops(arrays, gammas, chosen)
            return sum((r * w).sum() for r, w in zip(result, weights, strict=True))
        close(given[m].grad, differences(value, maps[m]))


def swapped_by_loops(a, b):
    """Equation 1: an element of the mask is 1, exchange, unless its column is even."""
    first, second = a.copy(), b.copy()
    for n, c, h, w in np.ndindex(a.shape):
        mask = 0 if w % 2 == 0 else 1
        if mask:
            first[n, c, h, w], second[n, c, h, w] = b[n, c, h, w], a[n, c, h, w]
    return first, second


@pytest.mark.parametrize('shape', [(1, 1, 1, 1), (1, 2, 3, 2), (2, 3, 4, 5), (3, 2, 5, 8)])
def test_odd_columns_are_swapped(shape):
    a, b = np.random.randn(*shape), np.random.randn(*shape)
    exchange = SpatialExchange(Streams(('a', 'b')))
    stacked = leaf(np.concatenate([a, b]))
    out = exchange(stacked)
    close(out, np.concatenate(swapped_by_loops(a, b)))
    close(stacked, np.concatenate([a, b]))
    close(exchange(out), np.concatenate([a, b]))  # its own inverse
    weights = np.random.randn(2 * shape[0], *shape[1:])
    (out * torch.tensor(weights)).sum().backward()
    close(stacked.grad, np.concatenate(swapped_by_loops(*np.split(weights, 2))))


@pytest.mark.parametrize('name', ['a', 'b'])
@pytest.mark.parametrize('samples', [1, 2, 3])
def test_a_modality_alone_is_not_exchanged(name, samples):
    streams = Streams(('a', 'b'))
    exchange = SpatialExchange(streams)
    x = np.random.randn(samples, 2, 3, 4)
    with streams.only(name):
        close(exchange(leaf(x)), x)
    # Afterwards, also after an error, both are there again.
    both = np.random.randn(4, 2, 3, 4)
    expected = np.concatenate(swapped_by_loops(both[:2], both[2:]))
    close(exchange(leaf(both)), expected)
    with pytest.raises(ZeroDivisionError), streams.only(name):
        raise ZeroDivisionError
    close(exchange(leaf(both)), expected)


# ------------------------------------------------------------------------- gated spectral unit


def convolve(x, weight, bias):
    """Zero-padded convolution (cross-correlation, as everywhere) by loops."""
    pad = weight.shape[-1] // 2
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    out = np.zeros((x.shape[0], weight.shape[0], *x.shape[2:]))
    k = weight.shape[-1]
    for n, o, i, j in np.ndindex(out.shape):
        out[n, o, i, j] = bias[o] + (padded[n, :, i:i + k, j:j + k] * weight[o]).sum()
    return out


def parameters(conv):
    return conv.weight.detach().double().numpy(), conv.bias.detach().double().numpy()


def gsu_by_loops(head, optical, infrared):
    both = optical + infrared
    hidden = [np.tanh(convolve(x, *parameters(conv)))
              for x, conv in zip([infrared, optical, both], head.transforms, strict=True)]
    gates = convolve(np.concatenate([infrared, optical, both], axis=1), *parameters(head.gates))
    gates = 1 / (1 + np.exp(-gates))
    width = optical.shape[1]
    return sum(gates[:, k * width:(k + 1) * width] * hidden[k] for k in range(3))


def build_head(width=3, **kwargs):
    head = GatedSpectralHead(
        in_channels=width, channels=width, num_classes=4, dropout_ratio=0,
        loss_decode=dict(type='mmseg.CrossEntropyLoss', avg_non_ignore=True), **kwargs).double()
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.5)  # biases too
    return head


def test_the_default_head_builds_in_the_scope_of_the_project():
    head = GatedSpectralHead(in_channels=2, channels=2, num_classes=4)
    assert head((torch.zeros(1, 2, 3, 3),) * 2).shape == (1, 4, 3, 3)


@pytest.mark.parametrize('kernel_size', [1, 3])
@pytest.mark.parametrize('scale', [1, 30])
def test_fused_map_follows_equations_2_to_6(kernel_size, scale):
    head = build_head(kernel_size=kernel_size)
    optical, infrared = scale * np.random.randn(2, 2, 3, 4, 5)
    assert [conv.weight.shape for conv in head.transforms] == [(3, 3, *[kernel_size] * 2)] * 3
    assert head.gates.weight.shape == (9, 9, 1, 1)
    expected = gsu_by_loops(head, optical, infrared)
    close(head.fuse(leaf(optical), leaf(infrared)), expected)
    swapped = head.fuse(leaf(infrared), leaf(optical)).detach().numpy()
    assert np.abs(swapped - expected).max() > 1e-2  # the order of the maps matters
    close(head((leaf(optical), leaf(infrared))), convolve(expected, *parameters(head.conv_seg)))


def test_without_gates_maps_are_added():
    head = build_head(gated=False)
    optical, infrared = np.random.randn(2, 2, 3, 4, 5)
    close(head.fuse(leaf(optical), leaf(infrared)), optical + infrared)
    close(head((leaf(optical), leaf(infrared))),
          convolve(optical + infrared, *parameters(head.conv_seg)))


@pytest.mark.parametrize('kernel_size', [1, 3])
def test_gradient_of_the_fused_map(kernel_size):
    head = build_head(width=2, kernel_size=kernel_size)
    optical, infrared = np.random.randn(2, 1, 2, 3, 2)
    weights = np.random.randn(1, 2, 3, 2)
    given = leaf(optical), leaf(infrared)
    (head.fuse(*given) * torch.tensor(weights)).sum().backward()
    close(given[0].grad, differences(
        lambda x: (weights * gsu_by_loops(head, x, infrared)).sum(), optical))
    close(given[1].grad, differences(
        lambda x: (weights * gsu_by_loops(head, optical, x)).sum(), infrared))
    assert all(p.grad is not None and p.grad.abs().sum() > 0
               for name, p in head.named_parameters() if 'conv_seg' not in name)


# ------------------------------------------------------------------------------ pixel contrast


def ceil_share(share, count):
    """ceil(share * count) of the written decimal, without float rounding."""
    return math.ceil(Fraction(str(share)) * count)


def contrast_by_loops(anchors, labels, own, others, classes, temperature, hard):
    """Equation 10 with semi-hard sampling; losses of the anchors that have both kinds."""
    losses = []
    for anchor, label, place in zip(anchors, labels, own, strict=True):
        positives, negatives = [], []
        for k, (other, kind) in enumerate(zip(others, classes, strict=True)):
            if kind < 0 or k == place:
                continue
            similarity = sum(a * b for a, b in zip(anchor, other, strict=True))
            (positives if kind == label else negatives).append(similarity)
        if not positives or not negatives:
            continue
        positives = sorted(positives)[:ceil_share(hard, len(positives))]
        negatives = sorted(negatives)[::-1][:ceil_share(hard, len(negatives))]
        exponents = np.array(positives + negatives) / temperature
        top = exponents.max()
        log_sum = top + np.log(np.exp(exponents - top).sum())
        losses.append(-np.mean([s / temperature - log_sum for s in positives]))
    return np.array(losses)


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def embeddings(count, width=6):
    return unit(np.random.randn(count, width))


def losses_of(e, classes, own, temperature, hard, dtype=torch.float64):
    others, kinds, own = torch.tensor(e, dtype=dtype), torch.tensor(classes), torch.tensor(own)
    return anchor_losses(others[own], kinds[own], own, others, kinds, temperature, hard)


@pytest.mark.parametrize('hard', [0.01, 0.1, 0.3, 0.5, 1.0])
@pytest.mark.parametrize('temperature', [0.07, 0.1, 1.0])
@pytest.mark.parametrize('nobody', [0, 5])
def test_anchor_losses_follow_equation_10(hard, temperature, nobody):
    classes = np.concatenate([np.random.randint(0, 3, 30), [-1] * nobody])
    np.random.shuffle(classes)
    e = embeddings(len(classes))
    own = np.random.permutation(np.flatnonzero(classes >= 0))[:12]
    expected = contrast_by_loops(e[own], classes[own], own, e, classes, temperature, hard)
    assert len(expected) == 12
    close(losses_of(e, classes, own, temperature, hard), expected)


@pytest.mark.parametrize('hard', [0.1, 0.3, 1.0])
def test_pixels_of_nobody_change_nothing(hard):
    classes = np.array([0, 0, 0, 1, 1, 2, 2, 2])
    e = embeddings(8)
    alone = losses_of(e, classes, np.arange(8), 0.1, hard)
    # They include the hardest: the anchors themselves and their opposites.
    more = np.concatenate([e, e, -e])
    padded = losses_of(more, np.concatenate([classes, [-1] * 16]), np.arange(8), 0.1, hard)
    close(padded, alone.numpy())


@pytest.mark.parametrize('hard, count', [(0.1, 10), (0.1, 11), (0.1, 30), (0.1, 70), (0.3, 10),
                                         (0.2, 15), (0.07, 100), (0.55, 100), (0.7, 10)])
def test_share_of_hard_pixels_is_rounded_up_exactly(hard, count):
    """Where share times count is whole, float rounding would keep one more."""
    classes = np.concatenate([[0] * (count + 1), [1] * count])
    e = embeddings(len(classes))
    own = np.array([0, count // 2])
    expected = contrast_by_loops(e[own], classes[own], own, e, classes, 0.1, hard)
    close(losses_of(e, classes, own, 0.1, hard), expected)


@pytest.mark.parametrize('hard', [0.1, 0.34, 1.0])
def test_equally_similar_pixels(hard):
    """Which of equals is kept does not matter, only how many are."""
    base = embeddings(4)
    e = np.repeat(base, 5, axis=0)
    classes = np.tile([0, 0, 1, 1, 2], 4)
    own = np.arange(20)
    expected = contrast_by_loops(e, classes, own, e, classes, 0.1, hard)
    close(losses_of(e, classes, own, 0.1, hard), expected)


@pytest.mark.parametrize('hard', [0.1, 1.0])
@pytest.mark.parametrize('classes, used', [
    ([0, 0, 1, 1, 2], [0, 1, 2, 3]),  # 2 has no positive; a negative of others still
    ([0, 1, 2, 3], []),
    ([1, 1, 1], []),
    ([1, 1, 1, -1], []),
    ([1, 1, 0, -1], [0, 1]),
    ([2, 1, 2, 0, 1], [0, 1, 2, 4])])
def test_anchors_need_a_positive_and_a_negative(classes, used, hard):
    classes = np.array(classes)
    e = embeddings(len(classes))
    own = np.flatnonzero(classes >= 0)
    expected = contrast_by_loops(e[own], classes[own], own, e, classes, 0.1, hard)
    actual = losses_of(e, classes, own, 0.1, hard)
    assert actual.shape == (len(used),) == expected.shape
    close(actual, expected)
    for place, loss in zip(used, actual, strict=True):  # the order of the anchors
        alone = losses_of(e, classes, np.array([place]), 0.1, hard)
        close(alone, [loss.item()])


@pytest.mark.parametrize('hard', [0.1, 0.4, 1.0])
@pytest.mark.parametrize('temperature', [0.1, 1.0])
def test_gradient_of_anchor_losses(hard, temperature):
    """Of anchors that are also among the others, with unit length taken inside."""
    classes = np.array([0, 1, 0, 2, 1, 0, -1, 1, 2, 0, 1, 2])
    own = np.array([4, 0, 3, 9, 11])
    x = np.random.randn(12, 4)

    def value(x):
        e = unit(x)
        return contrast_by_loops(e[own], classes[own], own, e, classes, temperature, hard).mean()

    given = leaf(x)
    e = given / given.norm(dim=1, keepdim=True)
    places, kinds = torch.tensor(own), torch.tensor(classes)
    loss = anchor_losses(e[places], kinds[places], places, e, kinds, temperature, hard).mean()
    loss.backward()
    close(loss, value(x))
    close(given.grad, differences(value, x), rtol=1e-5)
    assert given.grad[6].abs().max() == 0  # nobody's


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_low_temperatures_do_not_overflow(dtype):
    classes = np.random.randint(0, 3, 15)
    e = embeddings(15)
    own = np.arange(15)
    expected = contrast_by_loops(e, classes, own, e, classes, 0.002, 0.3)
    actual = losses_of(e, classes, own, 0.002, 0.3, dtype)
    close(actual, expected, rtol=1e-5, atol=1e-3 if dtype is torch.float32 else 1e-6)


@pytest.mark.parametrize('share', [0.1, 0.5, 1.0])
def test_hardest_are_the_highest_within_the_mask(share):
    score, mask = np.random.randn(6, 9), np.random.rand(6, 9) < 0.6
    mask[2] = False
    mask[3] = True
    places, kept = hardest(torch.tensor(score), torch.tensor(mask), share)
    assert places.shape == kept.shape == (6, ceil_share(share, int(mask.sum(1).max())))
    for row in range(6):
        inside = [c for c in range(9) if mask[row, c]]
        inside.sort(key=lambda c: -score[row, c])  # noqa: B023
        chosen = places[row][kept[row]].tolist()
        assert sorted(chosen) == sorted(inside[:ceil_share(share, len(inside))])


@pytest.mark.parametrize('count', [1, 2, 5, 7, 12, 30, 1000])
@pytest.mark.parametrize('ignore', [255, 3, -1])
def test_balanced_pixels(count, ignore):
    labels = np.random.choice([0, 1, 4], size=(2, 4, 5), p=[0.6, 0.3, 0.1])
    labels.flat[7] = 6  # a class of one pixel
    labels[np.random.rand(*labels.shape) < 0.2] = ignore
    labels.flat[7] = 6
    flat = labels.ravel()
    present = sorted(set(flat.tolist()) - {ignore})
    most = max(count // len(present), 1)
    draws = []
    for _ in range(5):
        places = balanced_pixels(torch.tensor(labels), count, ignore).tolist()
        draws.append(frozenset(places))
        assert len(set(places)) == len(places)
        assert all(flat[place] != ignore for place in places)
        for kind in present:
            number = sum(flat[place] == kind for place in places)
            if count >= len(present):
                assert number == min(most, (flat == kind).sum())
            assert number <= most
        assert count >= len(present) or len(places) == count
    assert (len(set(draws)) > 1) == any((flat == kind).sum() > most for kind in present)


def test_balanced_pixels_are_drawn_evenly():
    labels = torch.zeros(1, 2, 4, dtype=torch.long)
    labels[0, 1, 2:] = 1
    seen = np.zeros(8)
    for _ in range(600):
        seen[balanced_pixels(labels, 4, IGNORE).numpy()] += 1
    close(seen[6:], 600)
    close(seen[:6] / 600, 1 / 3, atol=0.08)


@pytest.mark.parametrize('count', [1, 100])
def test_no_pixels_where_all_are_ignored(count):
    assert balanced_pixels(torch.full((2, 3, 4), IGNORE), count, IGNORE).numel() == 0


def feature_by_loops(x, shape):
    """All features of the grid (N, h, w), row by row: nearest, in whole numbers."""
    return np.array([x[n, :, i * x.shape[2] // shape[1], j * x.shape[3] // shape[2]]
                     for n, i, j in np.ndindex(*shape)])


@pytest.mark.parametrize('size', [(4, 6), (2, 3), (8, 12), (3, 5), (7, 11), (1, 1)])
def test_pixels_of_takes_nearest_features(size):
    shape = (2, 4, 6)
    x = np.random.randn(2, 3, *size)
    places = np.random.permutation(2 * 4 * 6)[:20]
    given = leaf(x)
    out = pixels_of(given, torch.tensor(places), shape)
    close(out, feature_by_loops(x, shape)[places])
    weights = np.random.randn(20, 3)
    (out * torch.tensor(weights)).sum().backward()
    close(given.grad, differences(
        lambda x: (feature_by_loops(x, shape)[places] * weights).sum(), x, 1e-3))


def all_sizes():
    """Pairs of lengths and, in whole numbers, the nearest places of one in the other."""
    for length in range(1, 61):
        for target in range(1, 61):
            yield length, target, [i * length // target for i in range(target)]


@pytest.mark.parametrize('axis', [1, 2])
def test_nearest_labels_of_all_sizes(axis):
    wrong = []
    for length, target, expected in all_sizes():
        gt, size = torch.arange(length).view(1, -1, 1), (target, 1)
        if axis == 2:
            gt, size = gt.transpose(1, 2), size[::-1]
        if nearest_labels(gt, size).flatten().tolist() != expected:
            wrong.append((length, target))
    assert not wrong


@pytest.mark.parametrize('axis', [2, 3])
def test_nearest_features_of_all_sizes(axis):
    wrong = []
    for length, target, expected in all_sizes():
        x, shape = torch.arange(length).float().view(1, 1, -1, 1), (1, target, 1)
        if axis == 3:
            x, shape = x.transpose(2, 3), (1, 1, target)
        features = pixels_of(x, torch.arange(target), shape)
        if features.flatten().tolist() != expected:
            wrong.append((length, target))
    assert not wrong


def labels_by_loops(gt, size):
    out = np.zeros((len(gt), *size), dtype=gt.dtype)
    for n, i, j in np.ndindex(*out.shape):
        out[n, i, j] = gt[n, i * gt.shape[1] // size[0], j * gt.shape[2] // size[1]]
    return out


@pytest.mark.parametrize('size', [(6, 8), (3, 4), (4, 5), (7, 3), (12, 16), (1, 1)])
def test_nearest_labels(size):
    gt = np.random.choice([0, 1, 2, IGNORE], (2, 6, 8))
    out = nearest_labels(torch.tensor(gt), size)
    assert out.dtype == torch.long
    np.testing.assert_array_equal(out.numpy(), labels_by_loops(gt, size))


def contrast_loss(**kwargs):
    settings = dict(student=['s.a', 's.b'], in_channels=[3, 2], channels=5, temperature=0.1,
                    hard_ratio=0.1, max_anchors=10000, max_samples=10000)
    loss = PixelContrastLoss(**{**settings, **kwargs})
    for parameter in loss.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    return loss


def weights_of(loss):
    first, _, last = loss.projection
    return [*parameters(first), *parameters(last)]


def whole_loss_by_loops(loss, maps, gt, temperature, hard, weights=None):
    shape = (len(gt), *maps[0].shape[2:])
    x = np.concatenate([feature_by_loops(m, shape) for m in maps], axis=1)
    first, shift, last, bias = weights or weights_of(loss)
    x = np.maximum(x @ first.T + shift, 0) @ last.T + bias
    e = unit(x)
    classes = labels_by_loops(gt, shape[1:]).ravel()
    e, classes = e[classes != IGNORE], classes[classes != IGNORE]
    own = np.arange(len(e))
    losses = contrast_by_loops(e, classes, own, e, classes, temperature, hard)
    return losses.mean() if len(losses) else 0.0


def equal_counts(shape, classes, ignored):
    """Labels with as many pixels of each class, the rest ignored."""
    number = math.prod(shape)
    each = (number - ignored) // classes
    labels = np.concatenate([np.repeat(np.arange(classes), each),
                             [IGNORE] * (number - each * classes)])
    return np.random.permutation(labels).reshape(shape)


@pytest.mark.parametrize('hard', [0.1, 0.3, 1.0])
@pytest.mark.parametrize('temperature', [0.1, 0.5])
@pytest.mark.parametrize('size', [(4, 5), (2, 3), (8, 10), (3, 7)])
def test_whole_contrast_loss(hard, temperature, size):
    maps = [np.random.randn(2, 3, 4, 5), np.random.randn(2, 2, *size)]
    gt = equal_counts((2, 4, 5), 3, 6)
    loss = contrast_loss(hard_ratio=hard, temperature=temperature)
    terms = loss([leaf(m) for m in maps], gt=torch.tensor(gt))
    assert list(terms) == ['contrast'] and terms['contrast'].shape == ()
    close(terms['contrast'], whole_loss_by_loops(loss, maps, gt, temperature, hard))


@pytest.mark.parametrize('gt_size', [(4, 4), (8, 8), (10, 7), (3, 2)])
def test_contrast_loss_resizes_labels(gt_size):
    maps = [np.random.randn(1, 3, 4, 4), np.random.randn(1, 2, 4, 4)]
    gt = np.random.choice([0, 1, 2, IGNORE], (1, *gt_size))
    gt[0, 0, :2] = 0, 1
    loss = contrast_loss(hard_ratio=0.3)
    terms = loss([leaf(m) for m in maps], gt=torch.tensor(gt))
    close(terms['contrast'], whole_loss_by_loops(loss, maps, gt, 0.1, 0.3))


@pytest.mark.parametrize('weight', [0.1, 2.0])
def test_weight_of_the_contrast_loss(weight):
    maps = [np.random.randn(1, 3, 3, 4), np.random.randn(1, 2, 3, 4)]
    gt = equal_counts((1, 3, 4), 2, 2)
    loss = contrast_loss(weight=weight)
    terms = loss([leaf(m) for m in maps], gt=torch.tensor(gt))
    close(terms['contrast'], weight * whole_loss_by_loops(loss, maps, gt, 0.1, 0.1))


def test_negatives_come_from_the_whole_batch():
    """Each image has one class: alone it has no negative."""
    maps = [np.random.randn(2, 3, 2, 3), np.random.randn(2, 2, 2, 3)]
    gt = np.stack([np.zeros((2, 3), int), np.ones((2, 3), int)])
    loss = contrast_loss()
    value = loss([leaf(m) for m in maps], gt=torch.tensor(gt))['contrast']
    expected = whole_loss_by_loops(loss, maps, gt, 0.1, 0.1)
    assert expected > 0
    close(value, expected)


@pytest.mark.parametrize('hard', [0.1, 0.5])
def test_gradient_of_the_whole_contrast_loss(hard):
    maps = [np.random.randn(1, 3, 3, 4), np.random.randn(1, 2, 2, 2)]
    gt = equal_counts((1, 3, 4), 3, 3)
    loss = contrast_loss(hard_ratio=hard, temperature=0.5)
    given = [leaf(m) for m in maps]
    loss(given, gt=torch.tensor(gt))['contrast'].backward()
    for k in range(2):
        def value(x, k=k):
            return whole_loss_by_loops(loss, [x if m == k else maps[m] for m in range(2)], gt,
                                       0.5, hard)
        close(given[k].grad, differences(value, maps[k]), rtol=1e-5)
    weights = weights_of(loss)
    for k, parameter in enumerate(loss.parameters()):
        def value(x, k=k):
            return whole_loss_by_loops(loss, maps, gt, 0.5, hard,
                                       [x if m == k else weights[m] for m in range(4)])
        close(parameter.grad, differences(value, weights[k]), rtol=1e-5)


NONE_COUNTS = {
    'all ignored': np.full((2, 4, 4), IGNORE),
    'one class': np.ones((2, 4, 4), int),
    'one class and ignored': np.where(np.arange(32).reshape(2, 4, 4) % 3, 2, IGNORE),
    'one pixel': np.where(np.arange(32).reshape(2, 4, 4) == 9, 2, IGNORE),
    'single pixels of two classes': np.where(
        np.arange(32).reshape(2, 4, 4) < 2, np.arange(32).reshape(2, 4, 4), IGNORE)}


@pytest.mark.parametrize('name', NONE_COUNTS)
@pytest.mark.parametrize('dtype', [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_without_anchors_the_contrast_is_zero_and_differentiable(name, dtype):
    loss = contrast_loss()
    maps = [leaf(np.random.randn(2, c, 4, 4), dtype) for c in (3, 2)]
    value = loss(maps, gt=torch.tensor(NONE_COUNTS[name]))['contrast']
    assert value.item() == 0
    value.backward()
    for x in [*maps, *loss.parameters()]:
        assert x.grad is not None  # what DDP waits for
        assert x.grad.abs().max() == 0


def test_a_class_of_one_pixel_is_only_a_negative():
    maps = [np.random.randn(1, 3, 3, 3), np.random.randn(1, 2, 3, 3)]
    gt = np.array([[[0, 0, 0], [0, 1, IGNORE], [IGNORE] * 3]])
    loss = contrast_loss(hard_ratio=1.0)
    value = loss([leaf(m) for m in maps], gt=torch.tensor(gt))['contrast']
    expected = whole_loss_by_loops(loss, maps, gt, 0.1, 1.0)
    close(value, expected)
    gt[gt == 1] = IGNORE
    assert expected > 0 == loss([leaf(m) for m in maps], gt=torch.tensor(gt))['contrast'].item()


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
@pytest.mark.parametrize('scale', [0, 1, 1000])
def test_half_precision_maps_give_finite_contrast(dtype, scale):
    loss = contrast_loss()
    maps = [leaf(scale * np.random.randn(2, c, 4, 5), dtype) for c in (3, 2)]
    gt = equal_counts((2, 4, 5), 3, 6)
    value = loss(maps, gt=torch.tensor(gt))['contrast']
    value.backward()
    assert finite(value, *[x.grad for x in [*maps, *loss.parameters()]])
    exact = [m.detach().double().numpy() for m in maps]
    expected = whole_loss_by_loops(loss, exact, gt, 0.1, 0.1)
    close(value, expected, rtol=1e-4, atol=1e-4)


def test_contrast_under_autocast():
    loss = contrast_loss()
    arrays = [np.random.randn(2, c, 4, 5) for c in (3, 2)]
    maps = [leaf(m, torch.bfloat16) for m in arrays]
    gt = equal_counts((2, 4, 5), 3, 6)
    with torch.autocast('cpu', torch.bfloat16):
        value = loss(maps, gt=torch.tensor(gt))['contrast']
    value.backward()
    assert finite(value, *[x.grad for x in [*maps, *loss.parameters()]])
    close(value, whole_loss_by_loops(loss, arrays, gt, 0.1, 0.1), rtol=2e-2)


@pytest.mark.parametrize('ignore', [0, 2])
def test_contrast_with_another_ignored_label(ignore):
    loss = contrast_loss(ignore_index=ignore)
    maps = [np.random.randn(1, c, 4, 4) for c in (3, 2)]
    gt = np.random.randint(0, 4, (1, 4, 4))
    value = loss([leaf(m) for m in maps], gt=torch.tensor(gt))['contrast']
    close(value, whole_loss_by_loops(loss, maps, np.where(gt == ignore, IGNORE, gt), 0.1, 0.1))


def test_pixels_without_an_embedding_give_finite_contrast():
    """A projection of zeros has no direction."""
    loss = contrast_loss()
    torch.nn.init.zeros_(loss.projection[2].weight)
    torch.nn.init.zeros_(loss.projection[2].bias)
    maps = [leaf(np.random.randn(2, c, 4, 5), torch.float32) for c in (3, 2)]
    value = loss(maps, gt=torch.tensor(equal_counts((2, 4, 5), 3, 6)))['contrast']
    value.backward()
    assert finite(value, *[x.grad for x in [*maps, *loss.parameters()]])


@pytest.mark.parametrize('max_anchors, max_samples', [(3, 100), (100, 9), (5, 12), (1, 1)])
def test_caps_on_the_contrasted_pixels(max_anchors, max_samples):
    loss = contrast_loss(max_anchors=max_anchors, max_samples=max_samples)
    maps = [leaf(np.random.randn(2, c, 4, 5)) for c in (3, 2)]
    gt = equal_counts((2, 4, 5), 3, 6)
    value = loss(maps, gt=torch.tensor(gt))['contrast']
    value.backward()
    assert finite(value, *[m.grad for m in maps])
    touched = sum(bool(maps[0].grad[n, :, i, j].any()) for n, i, j in np.ndindex(gt.shape))
    assert touched <= max(max_samples, 3)
    assert (value.item() > 0) == (max_samples >= 6)


# ---------------------------------------------------------------------------------------- dice


def log_probabilities(logits):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def dice_by_loops(logits, labels, per_image=True, ignore=IGNORE):
    """Equation 7's second part, class by class, over the pixels that are not ignored.

    Images without any other pixel are left out.
    """
    p = np.exp(log_probabilities(logits))
    there = [n for n in range(len(p)) if (labels[n] != ignore).any()]
    groups = [[n] for n in there] if per_image else [there]
    terms = []
    for images in groups:
        for c in range(p.shape[1]):
            both = mass = count = 0.0
            for n in images:
                for i, j in np.ndindex(labels.shape[1:]):
                    if labels[n, i, j] != ignore:
                        mass += p[n, c, i, j]
                        if labels[n, i, j] == c:
                            count += 1
                            both += p[n, c, i, j]
            terms.append(1 - 2 * both / (mass + count) if count else 0.0)
    return np.mean(terms)


def dice_labels(case, shape=(3, 4, 3)):
    labels = np.random.randint(0, 4, shape)
    if case == 'ignored':
        labels[np.random.rand(*shape) < 0.4] = IGNORE
    elif case == 'absent':
        labels[labels == 2] = 0
        labels[1][labels[1] == 3] = 1
    elif case == 'an image ignored':
        labels[1] = IGNORE
    elif case == 'one pixel':
        labels[:] = IGNORE
        labels[2, 1, 1] = 3
    return labels


DICE_CASES = ['plain', 'ignored', 'absent', 'an image ignored', 'one pixel']


@pytest.mark.parametrize('per_image', [True, False])
@pytest.mark.parametrize('case', DICE_CASES)
@pytest.mark.parametrize('weight', [1.0, 0.3])
def test_dice(per_image, case, weight):
    logits, labels = 2 * np.random.randn(3, 4, 4, 3), dice_labels(case)
    given = leaf(logits)
    value = MulticlassDiceLoss(loss_weight=weight, per_image=per_image)(
        given, torch.tensor(labels), ignore_index=IGNORE)
    assert value.shape == ()
    close(value, weight * dice_by_loops(logits, labels, per_image))
    value.backward()
    close(given.grad, differences(
        lambda x: weight * dice_by_loops(x, labels, per_image), logits))
    assert not given.grad.movedim(1, -1)[torch.tensor(labels == IGNORE)].any()


@pytest.mark.parametrize('ignore', [255, 0, -100])
def test_dice_with_another_ignored_label(ignore):
    logits, labels = np.random.randn(2, 3, 3, 3), np.random.randint(0, 3, (2, 3, 3))
    labels[0, 0] = ignore
    value = MulticlassDiceLoss()(leaf(logits), torch.tensor(labels), ignore_index=ignore)
    close(value, dice_by_loops(logits, labels, ignore=ignore))


@pytest.mark.parametrize('per_image', [True, False])
def test_dice_of_ignored_pixels_is_zero(per_image):
    given = leaf(np.random.randn(2, 3, 4, 4))
    value = MulticlassDiceLoss(per_image=per_image)(
        given, torch.full((2, 4, 4), IGNORE), ignore_index=IGNORE)
    assert value.item() == 0
    value.backward()
    assert given.grad.abs().max() == 0


@pytest.mark.parametrize('per_image', [True, False])
@pytest.mark.parametrize('right', [True, False])
@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_dice_of_saturated_logits(per_image, right, dtype):
    labels = np.random.randint(0, 3, (2, 4, 4))
    labels[0, 0, 0] = IGNORE
    chosen = labels if right else (labels + 1) % 3
    logits = np.where(np.arange(3)[:, None, None] == chosen[:, None], 50.0, -50.0)
    given = leaf(logits, dtype)
    value = MulticlassDiceLoss(per_image=per_image)(given, torch.tensor(labels),
                                                   ignore_index=IGNORE)
    close(value, dice_by_loops(logits, labels, per_image))
    close(value, 0 if right else 1)
    value.backward()
    assert finite(given.grad)


def test_dice_per_image_differs_from_the_batch():
    """So that the two cannot be mixed up above."""
    logits, labels = np.random.randn(3, 4, 4, 3), dice_labels('absent')
    gap = dice_by_loops(logits, labels, True) - dice_by_loops(logits, labels, False)
    default = MulticlassDiceLoss()(leaf(logits), torch.tensor(labels))
    assert abs(gap) > 1e-3
    close(default, dice_by_loops(logits, labels, True))


# ------------------------------------------------------------------------------- distillation


def soft_by_loops(student, teacher):
    """The two sums of equation 8, as means over pixels."""
    log_s, log_t = log_probabilities(student), log_probabilities(teacher)
    kl = ce = 0.0
    for n, i, j in np.ndindex(student.shape[0], *student.shape[2:]):
        for c in range(student.shape[1]):
            t = np.exp(log_t[n, c, i, j])
            kl += t * (log_t[n, c, i, j] - log_s[n, c, i, j])
            ce -= t * log_s[n, c, i, j]
    pixels = student.size / student.shape[1]
    return kl / pixels, ce / pixels


@pytest.mark.parametrize('kl_weight, ce_weight', [(1, 1), (0.5, 2), (0, 1), (1, 0)])
@pytest.mark.parametrize('shape', [(2, 3, 2, 3), (1, 5, 1, 1)])
def test_soft_labels_follow_equation_8(kl_weight, ce_weight, shape):
    student, teacher = 2 * np.random.randn(2, *shape)
    s, t = leaf(student), leaf(teacher)
    terms = SoftLabelLoss(kl_weight=kl_weight, ce_weight=ce_weight)(s, t)
    kl, ce = soft_by_loops(student, teacher)
    wanted = dict(kl=kl_weight * kl, ce=ce_weight * ce)
    for name, term in terms.items():
        close(term, wanted.pop(name))
    assert not any(wanted.values())  # a term may be left out only where it weighs nothing
    sum(terms.values()).backward()

    def value(x):
        return np.dot([kl_weight, ce_weight], soft_by_loops(x, teacher))
    close(s.grad, differences(value, student))
    assert t.grad is None


def test_soft_labels_of_equal_predictions():
    logits = np.random.randn(2, 4, 3, 3)
    terms = SoftLabelLoss()(leaf(logits), leaf(logits + 3))  # a shift is no difference
    p = np.exp(log_probabilities(logits))
    close(terms['kl'], 0)
    close(terms['ce'], -(p * np.log(p)).sum(1).mean())


@pytest.mark.parametrize('agree', [True, False])
@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_soft_labels_of_saturated_logits(agree, dtype):
    student = np.where(np.random.rand(2, 4, 3, 3) < 0.5, 50.0, -50.0)
    teacher = student if agree else -student
    s, t = leaf(student, dtype), leaf(teacher, dtype)
    terms = SoftLabelLoss()(s, t)
    for term, wanted in zip([terms['kl'], terms['ce']], soft_by_loops(student, teacher),
                            strict=True):
        close(term, wanted, atol=1e-5)
    sum(terms.values()).backward()
    assert finite(s.grad) and t.grad is None


@pytest.mark.parametrize('scale', [1, 10])
def test_pseudo_labels_are_the_teachers_best(scale):
    student, teacher = scale * np.random.randn(2, 3, 4, 3, 2)
    s, t = leaf(student), leaf(teacher)
    terms = PseudoLabelLoss()(s, t)
    labels = teacher.argmax(axis=1)

    def ce(x):
        log_s = log_probabilities(x)
        return -np.mean([log_s[n, labels[n, i, j], i, j] for n, i, j in np.ndindex(labels.shape)])

    assert sorted(terms) == ['ce', 'dice']
    close(terms['ce'], ce(student))
    close(terms['dice'], dice_by_loops(student, labels))
    sum(terms.values()).backward()
    close(s.grad, differences(lambda x: ce(x) + dice_by_loops(x, labels), student))
    assert t.grad is None


def test_pseudo_labels_of_saturated_logits():
    teacher = np.where(np.arange(4)[:, None, None] == np.random.randint(0, 4, (2, 1, 3, 3)),
                       50.0, -50.0)
    for student, ce in ((teacher, 0), (np.roll(teacher, 1, axis=1), 100)):
        s = leaf(student, torch.float32)
        terms = PseudoLabelLoss()(s, leaf(teacher, torch.float32))
        close(terms['ce'], ce)
        close(terms['dice'], dice_by_loops(student, teacher.argmax(axis=1)))
        sum(terms.values()).backward()
        assert finite(s.grad)


def features_by_loops(student, teacher, squared):
    gap = student - teacher
    if squared:
        return sum(gap[index] ** 2 for index in np.ndindex(gap.shape)) / gap.size
    return sum(math.sqrt(sum(g ** 2 for g in sample.ravel())) for sample in gap) / len(gap)


@pytest.mark.parametrize('squared', [True, False])
@pytest.mark.parametrize('shape', [(3, 2, 2, 3), (1, 4, 1, 1), (4, 6)])
def test_feature_loss_of_equation_9(squared, shape):
    student, teacher = np.random.randn(2, *shape)
    s, t = leaf(student), leaf(teacher)
    terms = FeatureLoss(squared=squared)(s, t)
    assert list(terms) == ['mse' if squared else 'norm']
    (value,) = terms.values()
    close(value, features_by_loops(student, teacher, squared))
    value.backward()
    close(s.grad, differences(lambda x: features_by_loops(x, teacher, squared), student))
    assert t.grad is None


@pytest.mark.parametrize('squared', [True, False])
@pytest.mark.parametrize('equal', [1, 3])
def test_equal_features_give_a_finite_gradient(squared, equal):
    """All samples or one of them."""
    student = np.random.randn(3, 2, 2, 2)
    teacher = student + np.random.randn(*student.shape)
    teacher[:equal] = student[:equal]
    s = leaf(student)
    (value,) = FeatureLoss(squared=squared)(s, leaf(teacher)).values()
    close(value, features_by_loops(student, teacher, squared))
    value.backward()
    assert finite(s.grad)
    assert s.grad[:equal].abs().max() == 0
    if equal == 3:
        assert value.item() == 0


def test_contrast_learns_to_tell_classes_apart():
    """Below its value where all embeddings are one, the logarithm of the pixels compared with."""
    gt = torch.tensor(equal_counts((2, 6, 6), 3, 0)).long()
    maps = [torch.nn.functional.one_hot(gt, 3).movedim(-1, 1) + torch.randn(2, 3, 6, 6),
            torch.randn(2, 2, 6, 6)]
    loss = PixelContrastLoss(['s.a', 's.b'], [3, 2], channels=8, hard_ratio=1.0)
    optimizer = torch.optim.SGD(loss.parameters(), lr=0.3, momentum=0.9)
    values = []
    for _ in range(200):
        optimizer.zero_grad()
        value = loss(maps, gt=gt)['contrast']
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert values[-1] < values[0] and values[-1] < math.log(gt.numel() - 1) - 0.2
