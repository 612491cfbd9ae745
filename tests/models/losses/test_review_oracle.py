"""ReviewKD against loops over stages and levels, from the equations and figures of its paper."""

import numpy as np
import pytest
import torch
from oracles import (
    batch_norm,
    check,
    check_finite,
    check_half,
    conv,
    draw,
    leaves,
    nearest,
    pool,
    shaken,
    weights_of,
)

from mmfkd.models.losses import ReviewKDLoss
from mmfkd.models.losses.review import pyramid_distance


def pyramid(student, teacher, levels=(4, 2, 1)):
    """HCL (figure 4b): each level that is kept counts half of the one before."""
    value, weight, total = ((student - teacher) ** 2).mean(), 1.0, 1.0
    for level in levels:
        if level < min(student.shape[2:]):
            weight /= 2
            total += weight
            difference = pool(student, (level, level)) - pool(teacher, (level, level))
            value += weight * (difference ** 2).mean()
    return value / total


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def review(loss, weight=1.0, pooled=True):
    """Chen et al. eq. 8-9, ABF (figure 4a), from deep to shallow."""
    weights = weights_of(loss)

    def fuse(name, x, deeper, size):
        x = batch_norm(conv(x, weights[f'{name}.reduce.0.weight']), weights, f'{name}.reduce.1')
        if deeper is not None:
            deeper = nearest(deeper, x.shape[2:])
            gates = sigmoid(conv(np.concatenate([x, deeper], 1), weights[f'{name}.gates.0.weight'],
                                 weights[f'{name}.gates.0.bias']))
            x = x * gates[:, :1] + deeper * gates[:, 1:]
        x = nearest(x, size)
        out = conv(x, weights[f'{name}.expand.0.weight'])
        return batch_norm(out, weights, f'{name}.expand.1'), x

    def oracle(student, teacher):
        if pooled:
            student, teacher = ([*stages, stages[-1].mean((2, 3), keepdims=True)]
                                for stages in (student, teacher))
        value, deeper = 0.0, None
        for i in reversed(range(len(student))):
            out, deeper = fuse(f'fusions.{i}', student[i], deeper, teacher[i].shape[2:])
            value += pyramid(out, teacher[i])
        return dict(review=weight * value)
    return oracle


def taps(branch, count):
    return [f'{branch}.layer{i}' for i in range(count)]


def build(student, teacher, mid_channels=3, **options):
    torch.manual_seed(0)
    return shaken(ReviewKDLoss(
        [x.shape[1] for x in student], [x.shape[1] for x in teacher],
        taps('student', len(student)), taps('teacher', len(teacher)),
        mid_channels=mid_channels, **options))


def stages(*shapes, seed=0):
    return [draw(*shape, seed=seed + i) for i, shape in enumerate(shapes)]


CASES = {
    'one stage': (stages((3, 2, 3, 3)), stages((3, 4, 3, 3), seed=5)),
    'three stages': (stages((3, 2, 5, 6), (3, 3, 3, 3), (3, 4, 2, 2)),
                     stages((3, 3, 5, 6), (3, 2, 3, 3), (3, 4, 2, 2), seed=5)),
    'flat maps': (stages((3, 2, 2, 7), (3, 3, 1, 3)), stages((3, 3, 2, 7), (3, 2, 1, 3), seed=5)),
    'larger teacher': (stages((3, 2, 3, 2), (3, 3, 2, 2)), stages((3, 3, 5, 5), (3, 2, 3, 4))),
    'smaller teacher': (stages((3, 2, 6, 5), (3, 3, 4, 3)), stages((3, 3, 3, 2), (3, 2, 2, 3))),
    'all of one size': (stages((3, 2, 3, 3), (3, 2, 3, 3)), stages((3, 2, 3, 3), (3, 2, 3, 3))),
    'saturated': (stages((3, 2, 3, 3), (3, 2, 2, 2)),
                  [50 * np.sign(x) for x in stages((3, 4, 3, 3), (3, 2, 2, 2), seed=5)]),
}


@pytest.mark.parametrize('pooled', [True, False])
@pytest.mark.parametrize('case', CASES)
def test_values_and_gradients(case, pooled):
    student, teacher = CASES[case]
    loss = build(student, teacher, pooled=pooled)
    check(loss, review(loss, pooled=pooled), student, teacher, rtol=1e-3, atol=1e-6)


def test_a_batch_of_one_needs_maps_with_places():
    student, teacher = (stages((1, 2, 3, 3), (1, 3, 2, 2), seed=k) for k in (0, 5))
    loss = build(student, teacher, pooled=False)
    check(loss, review(loss, pooled=False), student, teacher, rtol=1e-3, atol=1e-6)


def test_weight_and_middle_width():
    student, teacher = CASES['flat maps']
    loss = build(student, teacher, mid_channels=1, weight=4.0)
    check(loss, review(loss, 4.0), student, teacher, rtol=1e-3, atol=1e-6)


def test_all_parameters_are_trained():
    student, teacher = CASES['three stages']
    loss = build(student, teacher)
    loss(leaves(student, torch.float32), leaves(teacher, torch.float32))['review'].backward()
    for name, parameter in loss.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 1e-4, name
    assert [hasattr(fusion, 'gates') and fusion.gates is not None
            for fusion in loss.fusions] == [True, True, True, False]


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
@pytest.mark.parametrize('case', ['three stages', 'saturated'])
def test_half_precision(case, dtype):
    check_half(build(*CASES[case]), dtype, *CASES[case])


@pytest.mark.parametrize('kind', ['zeros', 'constant', 'duplicates'])
@pytest.mark.parametrize('side', ['student', 'teacher', 'both'])
def test_features_without_content_are_finite(kind, side):
    student, teacher = CASES['three stages']

    def emptied(arrays):
        return [dict(zeros=0 * x, constant=0 * x - 1.3,
                     duplicates=np.repeat(x[:1], len(x), 0))[kind] for x in arrays]

    student = student if side == 'teacher' else emptied(student)
    teacher = teacher if side == 'student' else emptied(teacher)
    loss = build(student, teacher)
    terms, gradients = check_finite(loss, student, teacher)
    # What float32 leaves of no variance is divided by the square root of the norm's 1e-5.
    expected = review(loss)(student, teacher)['review']
    assert terms['review'] == pytest.approx(expected, rel=1e-2)
    assert all(np.abs(gradient).max() < 1e4 for gradient in gradients[0])


@pytest.mark.parametrize('student, teacher', [(2, 3), (3, 2), (1, 2)])
def test_there_are_as_many_taps_as_widths(student, teacher):
    with pytest.raises(ValueError):
        ReviewKDLoss([4] * student, [4] * student, taps('student', teacher),
                     taps('teacher', student))
    with pytest.raises(ValueError):
        ReviewKDLoss([4] * student, [4] * student, taps('student', student),
                     taps('teacher', teacher))
    with pytest.raises(ValueError):
        ReviewKDLoss([4] * student, [4] * teacher, taps('student', student),
                     taps('teacher', student))


# ----------------------------------------------------------------------------- pyramid distance


SIZES = [(1, 1), (1, 5), (2, 2), (2, 9), (3, 3), (4, 4), (4, 7), (5, 5), (5, 4), (7, 6), (8, 8)]


def distances(student, teacher, **options):
    student, teacher = torch.tensor(student, requires_grad=True), torch.tensor(teacher)
    value = pyramid_distance(student, teacher, **options)
    value.backward()
    return value.item(), student.grad.numpy()


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('options', [{}, dict(levels=(3, 1)), dict(levels=())])
def test_pyramid_distance(size, options):
    student, teacher = draw(2, 3, *size), draw(2, 3, *size, seed=1)
    value, gradient = distances(student, teacher, **options)
    assert value == pytest.approx(pyramid(student, teacher, **options), rel=1e-6)
    for k in range(20):
        index = np.unravel_index(k * 7 % student.size, student.shape)
        moved = [student.copy(), student.copy()]
        moved[0][index] += 1e-5
        moved[1][index] -= 1e-5
        high, low = (pyramid(x, teacher, **options) for x in moved)
        assert gradient[index] == pytest.approx((high - low) / 2e-5, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize('size', SIZES)
def test_pyramid_weights_sum_to_one(size):
    """A difference that is the same everywhere is the same at every level."""
    x = draw(2, 3, *size)
    assert distances(x + 3.0, x)[0] == pytest.approx(9, rel=1e-9)
    value, gradient = distances(x, x)
    assert value == 0 and not gradient.any()
