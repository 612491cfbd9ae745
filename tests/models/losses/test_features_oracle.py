"""PKD and RKD against loops over channels, pairs and triplets, from their papers' equations."""

import numpy as np
import pytest
import torch
from oracles import bilinear, check, check_finite, check_half, draw

from mmfkd.models.losses import PKDLoss, RKDLoss

HALF = pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])


# ------------------------------------------------------------------------------------------ PKD


def standardised(x):
    out = np.empty_like(x)
    for c in range(x.shape[1]):
        centred = x[:, c] - x[:, c].mean()
        out[:, c] = centred / (np.sqrt((centred ** 2).sum() / (centred.size - 1)) + 1e-6)
    return out


def pkd(weight=6.0):
    """Cao et al. eq. 3-5."""
    def oracle(student, teacher):
        if student.shape[2:] != teacher.shape[2:]:
            student = bilinear(student, teacher.shape[2:])
        difference = standardised(student) - standardised(teacher)
        return dict(pearson=weight * (difference ** 2).mean() / 2)
    return oracle


PKD_CASES = {
    'vectors': (draw(5, 4), draw(5, 4, scale=3, seed=1) + 2),
    'three samples': (draw(3, 2), draw(3, 2, seed=1)),
    'maps': (draw(2, 3, 3, 2), draw(2, 3, 3, 2, seed=1)),
    'batch of one map': (draw(1, 4, 2, 3), draw(1, 4, 2, 3, seed=1)),
    'larger teacher': (draw(2, 3, 2, 3), draw(2, 3, 5, 4, seed=1)),
    'smaller teacher': (draw(2, 3, 5, 4), draw(2, 3, 2, 3, seed=1)),
    'another width alone': (draw(2, 3, 3, 5), draw(2, 3, 3, 2, seed=1)),
    'saturated': (50 * np.sign(draw(5, 4)), 50 * np.sign(draw(5, 4, seed=1))),
}


@pytest.mark.parametrize('case', PKD_CASES)
def test_pkd(case):
    check(PKDLoss(), pkd(), *PKD_CASES[case], atol=1e-6)


def test_pkd_is_one_minus_the_correlation():
    student, teacher = PKD_CASES['maps']
    terms, _ = check_finite(PKDLoss(weight=1), student, teacher)
    r = [np.corrcoef(student[:, c].ravel(), teacher[:, c].ravel())[0, 1] for c in range(3)]
    n = student[:, 0].size
    assert terms['pearson'] == pytest.approx((n - 1) / n * (1 - np.mean(r)), rel=1e-5)


@pytest.mark.parametrize('shape', [(5, 4), (2, 3, 3, 2)])
def test_pkd_of_equal_features_is_zero(shape):
    check(PKDLoss(), pkd(), draw(*shape), draw(*shape), flat=True, atol=1e-6)
    check(PKDLoss(), pkd(), 3 * draw(*shape) - 5, draw(*shape), flat=True, atol=1e-5)


def test_pkd_is_weighted():
    check(PKDLoss(weight=0.5), pkd(0.5), *PKD_CASES['maps'])


@HALF
@pytest.mark.parametrize('case', ['vectors', 'larger teacher', 'saturated'])
def test_pkd_in_half_precision(case, dtype):
    check_half(PKDLoss(), dtype, *PKD_CASES[case])


@pytest.mark.parametrize('shape', [(1, 4), (2, 4), (1, 4, 1, 2)])
def test_pkd_of_one_or_two_values_a_channel_is_refused(shape):
    """Two points always are on a line: there is no gradient."""
    with pytest.raises(ValueError, match=r'PKDLoss teaches nothing on \([12], 4.*batch_size to 3 '
                                         r'or more.*drop_last=True.*tap a map'):
        PKDLoss()(torch.randn(shape), torch.randn(shape))


LEVELS = [0.0, 1.0, 0.1, -3.7, 1234.5]


def with_constant_channel(shape, level):
    student, teacher = draw(*shape), draw(*shape, seed=1)
    student[:, 1] = np.float32(level)
    return student, teacher


@pytest.mark.parametrize('level', LEVELS)
@pytest.mark.parametrize('shape', [(7, 4), (3, 4, 7, 7)])
def test_pkd_of_a_channel_without_variance(level, shape):
    """Standardised it is 0, also in the numbers that float32 rounds."""
    student, teacher = with_constant_channel(shape, level)
    for pair in ((student, teacher), (teacher, student)):
        terms, _ = check_finite(PKDLoss(), *pair)
        assert terms['pearson'] == pytest.approx(pkd()(*pair)['pearson'], rel=1e-4)


@pytest.mark.parametrize('level', LEVELS)
@pytest.mark.parametrize('shape', [(7, 4), (3, 4, 7, 7)])
def test_pkd_of_a_channel_without_variance_has_no_gradient(level, shape):
    _, (gradient, _) = check_finite(PKDLoss(), *with_constant_channel(shape, level))
    assert np.abs(gradient[0][:, 1]).max() < 1e-5 < np.abs(gradient[0][:, 0]).max()


@pytest.mark.parametrize('shape', [(5, 4), (2, 3, 3, 2)])
def test_pkd_of_nothing_is_finite(shape):
    zeros, x = np.zeros(shape), draw(*shape)
    for pair in ((zeros, x), (x, zeros), (zeros, zeros)):
        terms, _ = check_finite(PKDLoss(), *pair)
        assert terms['pearson'] == pytest.approx(pkd()(*pair)['pearson'], rel=1e-5)


# ------------------------------------------------------------------------------------------ RKD


def huber(x):
    return 0.5 * x * x if abs(x) < 1 else abs(x) - 0.5


def relations(x):
    """Normalised distances of all pairs and cosines of all triplets (eq. 5-6, 8-9)."""
    x = x.reshape(*x.shape[:2], -1).mean(2)
    n = len(x)
    lengths = np.array([[np.sqrt(((x[i] - x[j]) ** 2).sum()) for j in range(n)] for i in range(n)])
    mean = lengths.sum() / (n * (n - 1))
    cosines = np.zeros((n, n, n))
    for i, j, k in np.ndindex(n, n, n):
        if lengths[i, j] > 0 and lengths[k, j] > 0:
            cosines[i, j, k] = (x[i] - x[j]) @ (x[k] - x[j]) / lengths[i, j] / lengths[k, j]
    return lengths / mean if mean > 0 else lengths, cosines  # 0 / 0 is 0


def rkd(distance=25.0, angle=50.0):
    """Park et al. eq. 5-10; means over all pairs and triplets, as in the authors' code."""
    def oracle(student, teacher):
        (d_s, a_s), (d_t, a_t) = relations(student), relations(teacher)
        return dict(distance=distance * np.mean([huber(x) for x in (d_s - d_t).ravel()]),
                    angle=angle * np.mean([huber(x) for x in (a_s - a_t).ravel()]))
    return oracle


FAR = np.array([[0.0, 0], [0.1, 0], [0.2, 0.1], [0, 0.1], [9, 9]])  # differences above 1
SIGNS = 50.0 * np.array([[1, 1, 1, -1], [1, -1, 1, 1], [-1, 1, -1, 1], [-1, -1, -1, -1]])
RKD_CASES = {
    'vectors': (draw(5, 3), draw(5, 3, seed=1)),
    'widths': (draw(4, 3), draw(4, 6, seed=1)),
    'three samples': (draw(3, 4), draw(3, 4, seed=1)),
    'maps': (draw(4, 3, 2, 3), draw(4, 2, 3, 1, seed=1)),
    'map against vector': (draw(4, 3, 2, 2), draw(4, 5, seed=1)),
    'large differences': (FAR, FAR[[4, 1, 2, 3, 0]] + 0.1 * draw(5, 2)),
    'saturated': (SIGNS, SIGNS[[1, 3, 2, 0]] * [1, 1, -1, 1]),
}


@pytest.mark.parametrize('case', RKD_CASES)
def test_rkd(case):
    check(RKDLoss(), rkd(), *RKD_CASES[case], atol=1e-6)


def test_the_large_case_reaches_the_linear_part_of_the_huber_loss():
    (d_s, a_s), (d_t, a_t) = map(relations, RKD_CASES['large differences'])
    assert np.abs(d_s - d_t).max() > 1 and np.abs(a_s - a_t).max() > 1


def test_rkd_of_equal_or_scaled_and_shifted_features_is_zero():
    x = draw(5, 3)
    check(RKDLoss(), rkd(), x, x, flat=True, atol=1e-5)
    check(RKDLoss(), rkd(), 4 * x - 2, x, flat=True, atol=1e-5)


def test_rkd_of_two_samples_is_zero():
    check(RKDLoss(), rkd(), draw(2, 3), draw(2, 3, seed=1), flat=True, atol=1e-5)


@pytest.mark.parametrize('distance, angle', [(1.0, 2.0), (3.0, 0.5)])
def test_rkd_weights(distance, angle):
    check(RKDLoss(weight=2, distance_weight=distance, angle_weight=angle),
          rkd(2 * distance, 2 * angle), *RKD_CASES['vectors'])


@HALF
@pytest.mark.parametrize('case', ['vectors', 'widths', 'saturated'])
def test_rkd_in_half_precision(case, dtype):
    check_half(RKDLoss(), dtype, *RKD_CASES[case])


@pytest.mark.parametrize('side', ['student', 'teacher', 'both'])
@pytest.mark.parametrize('shape', [(5, 4), (4, 3, 2, 2)])
def test_rkd_with_a_duplicate_sample(side, shape):
    """A distance of 0 counts in the mean of the branch and has no gradient."""
    student, teacher = draw(*shape), draw(*shape, seed=1)
    for x in dict(student=[student], teacher=[teacher], both=[student, teacher])[side]:
        x[2] = x[0]
    terms, gradients = check_finite(RKDLoss(), student, teacher)
    for name, value in rkd()(student, teacher).items():
        assert terms[name] == pytest.approx(value, rel=1e-4), name
    assert 1e-4 < np.abs(gradients[0][0]).max() < 1e3


@pytest.mark.parametrize('constant', ['student', 'teacher', 'both'])
@pytest.mark.parametrize('level', LEVELS)
def test_rkd_of_a_constant_batch(constant, level):
    x, same = draw(5, 4), np.full((5, 4), np.float32(level))
    student, teacher = dict(student=(same, x), teacher=(x, same), both=(same, same))[constant]
    terms, gradients = check_finite(RKDLoss(), student, teacher)
    for name, value in rkd()(student, teacher).items():
        assert terms[name] == pytest.approx(value, rel=1e-4, abs=1e-6), name
    if constant != 'teacher':
        assert not gradients[0][0].any()


def test_rkd_is_exact_far_from_the_origin():
    """Distances are those of differences and not of large norms."""
    student, teacher = RKD_CASES['vectors']
    check(RKDLoss(), rkd(), student + 1000, teacher - 1000, rtol=5e-3)
