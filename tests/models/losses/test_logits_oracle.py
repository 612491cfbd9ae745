"""The losses between logits against loops over positions, from the equations of their papers."""

import numpy as np
import pytest
import torch
from oracles import (
    IGNORE,
    bilinear,
    check,
    check_finite,
    check_half,
    check_zero,
    draw,
    kl,
    log_softmax,
    nearest,
    positions,
)

from mmfkd.models.losses import DISTLoss, DKDLoss, KDLoss, NKDLoss, NormalizedKDLoss


def kd(rows, temperature=4.0):
    """Hinton et al., with T = 1 Zhang et al. eq. 3-6."""
    return dict(kl=temperature ** 2 * np.mean([
        kl(log_softmax(t / temperature), log_softmax(s / temperature)) for s, t, _ in rows]))


def correlation(a, b):
    a, b = a - a.mean(), b - b.mean()
    return (a @ b) / (np.sqrt(a @ a) * np.sqrt(b @ b) + 1e-8)


def dist(rows, temperature=1.0, inter_weight=1.0, intra_weight=1.0):
    """Huang et al. eq. 7-10."""
    p, q = (np.exp([log_softmax(row[k] / temperature) for row in rows]) for k in (0, 1))
    between_classes = [correlation(p[n], q[n]) for n in range(len(p))]
    within_class = [correlation(p[:, c], q[:, c]) for c in range(p.shape[1])]
    return dict(inter=inter_weight * temperature ** 2 * (1 - np.mean(between_classes)),
                intra=intra_weight * temperature ** 2 * (1 - np.mean(within_class)))


def target_and_rest(z, y):
    """Log probabilities of (target, the others together), and of the others among themselves."""
    rest = np.delete(z, y)
    together = rest.max() + np.log(np.exp(rest - rest.max()).sum())
    return log_softmax(np.array([z[y], together])), log_softmax(rest)


def dkd(rows, temperature=4.0, target_weight=1.0, rest_weight=8.0):
    """Zhao et al. eq. 5-7."""
    target, rest = 0.0, 0.0
    for s, t, y in rows:
        binary_s, others_s = target_and_rest(s / temperature, y)
        binary_t, others_t = target_and_rest(t / temperature, y)
        target += kl(binary_t, binary_s) / len(rows)
        rest += kl(others_t, others_s) / len(rows)
    return dict(target=target_weight * temperature ** 2 * target,
                rest=rest_weight * temperature ** 2 * rest)


def nkd(rows, temperature=4.0):
    return dict(rest=dkd(rows, temperature, rest_weight=1.0)['rest'])


def published_nkd(rows, temperature=1.0, gamma=1.5):
    """Yang et al. eq. 8."""
    target, rest = 0.0, 0.0
    for s, t, y in rows:
        target -= np.exp(log_softmax(t)[y]) * log_softmax(s)[y] / len(rows)
        others_s = target_and_rest(s / temperature, y)[1]
        others_t = target_and_rest(t / temperature, y)[1]
        rest -= sum(np.exp(others_t) * others_s) / len(rows)
    return dict(target=target, rest=gamma * temperature ** 2 * rest)


LOSSES = {
    'kd': (KDLoss, kd, {}, dict(ignore_index=IGNORE)),
    'dml': (KDLoss, kd, dict(temperature=1.0), dict(ignore_index=IGNORE)),
    'dist': (DISTLoss, dist, {}, {}),
    'dist-4': (DISTLoss, dist, dict(temperature=4.0, inter_weight=2.0, intra_weight=0.5), {}),
    'dkd': (DKDLoss, dkd, {}, {}),
    'dkd-1': (DKDLoss, dkd, dict(temperature=1.0, target_weight=2.0, rest_weight=0.5), {}),
    'nkd': (NKDLoss, nkd, {}, {}),
    'nkd-half': (NKDLoss, nkd, dict(temperature=0.5), {}),
    'published': (NormalizedKDLoss, published_nkd, dict(temperature=1.0), {}),
    'published-2': (NormalizedKDLoss, published_nkd, dict(temperature=2.0, gamma=0.7), {}),
}
EVERY = pytest.mark.parametrize('name', LOSSES)
TWO = np.array([[1.0, -0.5], [0.25, 2.0], [-1.5, 0.5], [0.0, 0.75]])
SATURATED = np.array([[50.0, -50, -50], [-50, 50, 50], [50, 50, -50], [-50, 0, 50], [0, 50, 0]])
CASES = {
    'vectors': (draw(6, 4, scale=2), draw(6, 4, scale=2, seed=1), [0, 3, 1, 1, 2, 0]),
    'ignored': (draw(4, 5), draw(4, 5, seed=1), [2, IGNORE, 4, 0]),
    'maps': (draw(2, 3, 2, 4), draw(2, 3, 2, 4, seed=1),
             np.where(draw(2, 2, 4, seed=2) < -0.5, IGNORE,
                      np.random.default_rng(0).integers(0, 3, (2, 2, 4)))),
    'labels of another size': (draw(1, 3, 3, 2), draw(1, 3, 3, 2, seed=1),
                               [np.where(draw(5, 4, seed=2) < -0.7, IGNORE, np.arange(4) % 3)]),
    'one sample': (draw(1, 4), draw(1, 4, seed=1), [2]),
    'two classes': (TWO, TWO[::-1] * [1, 2], [0, 1, 1, IGNORE]),
    'saturated': (SATURATED, SATURATED[[1, 2, 2, 0, 4]], [0, 0, 1, 2, 2]),
    'saturated against soft': (SATURATED, draw(5, 3, seed=1), [1, 1, 2, 0, 1]),
    'soft against saturated': (draw(5, 3), SATURATED, [1, 1, 2, 0, 1]),
}


def built(name):
    cls, function, options, more = LOSSES[name]
    return cls(**options, **more), function, options


def oracle_of(name, gt):
    """The oracle of the positions that have a label."""
    _, function, options = built(name)
    gt = np.asarray(gt)

    def oracle(student, teacher):
        labels = gt if gt.ndim == 1 else nearest(gt, student.shape[2:])
        rows = zip(positions(student), positions(teacher), labels.ravel(), strict=True)
        return function([row for row in rows if row[2] != IGNORE], **options)

    return oracle


@EVERY
@pytest.mark.parametrize('case', CASES)
def test_values_and_gradients(name, case):
    student, teacher, gt = CASES[case]
    silent = case == 'two classes' and name.startswith('nkd')  # nothing is left to compare
    check(built(name)[0], oracle_of(name, gt), student, teacher, gt, flat=silent)


@EVERY
@pytest.mark.parametrize('factor', [1, 40])
def test_equal_logits(name, factor):
    logits, gt = factor * draw(6, 4), [0, 1, 2, 3, IGNORE, 0]
    # A cross entropy is not flat where all agree, nor is DIST where a class is hardly predicted.
    flat = None if factor == 40 else not name.startswith('published')
    check(built(name)[0], oracle_of(name, gt), logits, logits, gt, flat=flat, atol=1e-4)


@EVERY
def test_a_student_map_of_another_size_is_resized(name):
    student, teacher, gt = draw(2, 3, 2, 3), draw(2, 3, 4, 5, seed=1), [[[0, 1], [2, IGNORE]]] * 2
    oracle = oracle_of(name, gt)
    check(built(name)[0], lambda s, t: oracle(bilinear(s, (4, 5)), t), student, teacher, gt)


@EVERY
@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision(name, dtype):
    for case in ('vectors', 'maps', 'saturated'):
        student, teacher, gt = CASES[case]
        check_half(built(name)[0], dtype, student, teacher, gt)


@EVERY
@pytest.mark.parametrize('case', ['vectors', 'maps'])
def test_nothing_without_a_label_counts(name, case):
    student, teacher, gt = CASES[case]
    check_zero(built(name)[0], student, teacher, np.full_like(gt, IGNORE))


@EVERY
def test_positions_without_a_label_get_no_gradient(name):
    student, teacher, gt = CASES['maps']
    _, gradients = check_finite(built(name)[0], student, teacher, gt)
    unlabelled = positions(gradients[0][0])[np.ravel(gt) == IGNORE]
    assert len(unlabelled) > 2 and not unlabelled.any()


@pytest.mark.parametrize('gt', [False, True])
def test_kd_takes_all_positions_by_default(gt):
    student, teacher, labels = CASES['maps']

    def oracle(s, t):
        return kd([(*row, None) for row in zip(positions(s), positions(t), strict=True)])

    check(KDLoss(), oracle, student, teacher, labels if gt else None)


@EVERY
@pytest.mark.parametrize('case', ['vectors', 'maps'])
def test_every_term_is_weighted(name, case):
    student, teacher, gt = CASES[case]
    cls, _, options, more = LOSSES[name]
    oracle = oracle_of(name, gt)
    check(cls(weight=2.5, **options, **more),
          lambda s, t: {key: 2.5 * value for key, value in oracle(s, t).items()},
          student, teacher, gt)


@EVERY
@pytest.mark.parametrize('kind', ['constant rows', 'duplicates', 'zeros', 'extreme'])
def test_logits_without_content_are_finite(name, kind):
    student, teacher, gt = draw(7, 10), draw(7, 10, seed=1), np.arange(7)
    student = dict([
        ('constant rows', np.tile(draw(7, 1, scale=4), 10)),
        ('duplicates', np.tile(draw(1, 10), (7, 1))),
        ('zeros', 0 * student), ('extreme', 50 * np.sign(student))])[kind]
    for pair in ((student, teacher), (teacher, student), (student, student)):
        check_finite(built(name)[0], *pair, gt)


@pytest.mark.parametrize('samples, classes', [(2, 2), (3, 3), (7, 10), (64, 50)])
@pytest.mark.parametrize('kind', ['zeros', 'constant rows', 'duplicates'])
def test_dist_has_no_gradient_without_variance(kind, samples, classes):
    """A row or a class without variance has rho = 0, also in the numbers that float32 rounds."""
    student = dict([
        ('zeros', np.zeros((samples, classes))),
        ('constant rows', np.tile(draw(samples, 1, scale=4), classes)),
        ('duplicates', np.tile(draw(1, classes), (samples, 1)))])[kind]
    constant, options = ('intra', dict(inter_weight=0)) if kind == 'duplicates' else (
        'inter', dict(intra_weight=0))
    terms, gradients = check_finite(DISTLoss(**options), student,
                                    draw(samples, classes, seed=1), np.arange(samples) % classes)
    assert terms[constant] == pytest.approx(1, abs=1e-5)
    assert np.abs(gradients[0][0]).max() < 1e-5


def test_dist_of_one_sample_has_nothing_within_a_class():
    student, teacher, gt = CASES['one sample']
    for temperature in (1.0, 4.0):
        terms, gradients = check_finite(DISTLoss(temperature=temperature, inter_weight=0),
                                        student, teacher, gt)
        assert terms['intra'] == temperature ** 2 and not gradients[0][0].any()


@pytest.mark.parametrize('name', ['dkd', 'dkd-1', 'nkd', 'published'])
def test_two_classes_leave_nothing_but_the_target(name):
    student, teacher, gt = CASES['two classes']
    terms, gradients = check_finite(built(name)[0], student, teacher, gt)
    assert terms['rest'] == 0
    assert name != 'nkd' or not gradients[0][0].any()


@pytest.mark.parametrize('cls', [KDLoss, DISTLoss, DKDLoss, NKDLoss])
@pytest.mark.parametrize('temperature', [0, 0.0, -1.0])
def test_a_temperature_must_be_above_zero(cls, temperature):
    with pytest.raises(ValueError, match='temperature'):
        cls(temperature=temperature)
