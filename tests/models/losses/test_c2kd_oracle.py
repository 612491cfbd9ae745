"""C2KD against loops over positions, from the equations of its paper, and tau against scipy."""

import numpy as np
import pytest
import torch
from oracles import (
    IGNORE,
    batch_norm,
    bilinear,
    check,
    check_finite,
    check_half,
    check_zero,
    conv,
    draw,
    kl,
    leaves,
    log_softmax,
    nearest,
    positions,
    shaken,
    weights_of,
)
from scipy.stats import kendalltau

from mmfkd.models.losses import C2KDLoss
from mmfkd.models.losses.c2kd import kendall_tau


def tau(a, b):
    """Kendall's tau-b over all pairs of classes; NaN where it is undefined."""
    orders = [np.sign(x[:, None] - x) for x in (a, b)]
    untied = [np.abs(order).sum() for order in orders]
    return (orders[0] * orders[1]).sum() / np.sqrt(untied[0] * untied[1]) if all(untied) else np.nan


def proxy(x, weights, name):
    x = batch_norm(conv(x, weights[f'{name}.0.weight']), weights, f'{name}.1')
    x = np.where(x > 0, x, 0.1 * x)
    return conv(x, weights[f'{name}.3.weight'], weights[f'{name}.3.bias'])


def c2kd(loss, fixed, gt, threshold=0.0, remove_target=False, weight=1.0):
    """Huo et al. eq. 5-10; `fixed` holds the inputs from which the targets come."""
    weights, gt = weights_of(loss), np.asarray(gt)

    def branch(inputs, name):
        logits, stage = inputs
        if logits.ndim == 2:
            return logits, proxy(stage.mean((2, 3), keepdims=True), weights, name)[..., 0, 0]
        q = proxy(stage, weights, name)
        return (logits if logits.shape == q.shape else bilinear(logits, q.shape[2:])), q

    def rows(*arrays):
        """The labelled positions of arrays of one size, and their labels."""
        labels = gt if gt.ndim == 1 else nearest(gt, arrays[0].shape[2:])
        found = zip(*map(positions, arrays), labels.ravel(), strict=True)
        return [row for row in found if row[-1] != IGNORE]

    def mutual(a, b, fixed_a, fixed_b):
        p, q, fixed_p, fixed_q = map(log_softmax, (a, b, fixed_a, fixed_b))
        return kl(fixed_p, q) + kl(fixed_q, p)

    def without(q, y):
        return np.delete(q, y) if remove_target else np.where(np.arange(len(q)) == y, 0, q)

    def oracle(student, teacher):
        terms, proxies = dict(cross=0.0), []
        for key, inputs, held in zip(('student', 'teacher'), (student, teacher), fixed,
                                     strict=True):
            now, then = branch(inputs, f'proxy_{key[0]}'), branch(held, f'proxy_{key[0]}')
            terms[key] = weight * np.mean([mutual(*row[:4]) for row in rows(*now, *then)])
            proxies.append((now[1], then[1]))
        (s, fixed_s), (t, fixed_t) = proxies
        if s.shape != t.shape:
            s, fixed_s = bilinear(s, t.shape[2:]), bilinear(fixed_s, t.shape[2:])
        selected = rows(s, t, fixed_s, fixed_t)
        for *row, y in selected:
            if tau(row[2], row[3]) > threshold:
                terms['cross'] += mutual(*(without(q, y) for q in row)) * weight / len(selected)
        return terms
    return oracle


def build(student, teacher, width=5, **options):
    torch.manual_seed(0)
    return shaken(C2KDLoss(student[1].shape[1], teacher[1].shape[1], student[0].shape[1],
                           channels=width, **options))


def pair(logits, stage, seed=0, scale=1.0):
    return [scale * draw(*logits, seed=seed), draw(*stage, seed=seed + 1)]


LABELS = np.array([[[0, 1, 2], [IGNORE, 1, IGNORE]], [[2, IGNORE, 0], [1, 1, 2]]])
SIGNS = np.sign(draw(6, 4, seed=8))
CASES = {
    'vectors': (pair((6, 4), (6, 3, 2, 2)), pair((6, 4), (6, 2, 3, 1), 5), [0, 3, 2, 1, 1, 0]),
    'ignored': (pair((5, 4), (5, 3, 2, 2)), pair((5, 4), (5, 2, 1, 1), 5), [0, IGNORE, 2, 1, 3]),
    'two samples': (pair((2, 3), (2, 3, 1, 2)), pair((2, 3), (2, 2, 2, 2), 5), [2, 0]),
    'two classes': (pair((6, 2), (6, 3, 2, 2)), pair((6, 2), (6, 2, 2, 2), 5), [0, 1, 1, 0, 1, 0]),
    'maps': (pair((2, 3, 2, 3), (2, 3, 2, 3)), pair((2, 3, 2, 3), (2, 2, 2, 3), 5), LABELS),
    'larger logits': (pair((2, 3, 5, 4), (2, 3, 2, 3)), pair((2, 3, 4, 6), (2, 2, 2, 3), 5),
                      np.arange(96).reshape(2, 6, 8) % 3),
    'smaller logits': (pair((2, 3, 1, 2), (2, 3, 2, 3)), pair((2, 3, 2, 1), (2, 2, 2, 3), 5),
                       LABELS),
    'larger teacher': (pair((2, 3, 2, 3), (2, 3, 2, 3)), pair((2, 3, 3, 4), (2, 2, 3, 4), 5),
                       LABELS),
    'smaller teacher': (pair((2, 3, 4, 4), (2, 3, 3, 4)), pair((2, 3, 2, 3), (2, 2, 2, 3), 5),
                        LABELS),
    'one map': (pair((1, 3, 2, 3), (1, 3, 2, 3)), pair((1, 3, 2, 3), (1, 2, 2, 3), 5), LABELS[:1]),
    'saturated': ([50 * SIGNS, draw(6, 3, 2, 2)], [50 * SIGNS[::-1], draw(6, 2, 2, 2, seed=5)],
                  [0, 3, 2, 1, 1, 0]),
}


OPTIONS = {'default': {}, 'all': dict(threshold=-1.0), 'removed': dict(remove_target=True),
           'some': dict(threshold=0.5, remove_target=True, weight=2.0)}
GRID = [*((case, name) for case in ('vectors', 'two classes', 'maps') for name in OPTIONS),
        *((case, 'default') for case in ('two samples', 'smaller logits', 'one map', 'ignored')),
        *((case, 'all') for case in ('larger logits', 'one map', 'saturated'))]


@pytest.mark.parametrize('case, name', GRID)
def test_values_and_gradients(case, name):
    (student, teacher, gt), options = CASES[case], OPTIONS[name]
    loss = build(student, teacher, **options)
    check(loss, c2kd(loss, (student, teacher), gt, **options), student, teacher, gt, both=True,
          rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize('case', ['larger teacher', 'smaller teacher'])
def test_branches_of_different_sizes(case):
    """Each proxy keeps its resolution; for `cross` the student's is brought to the teacher's."""
    student, teacher, gt = CASES[case]
    loss = build(student, teacher, threshold=-1.0)
    check(loss, c2kd(loss, (student, teacher), gt, threshold=-1.0), student, teacher, gt,
          both=True, rtol=1e-3, atol=1e-6)


def test_the_cases_select_some_samples_and_leave_some():
    student, teacher, gt = CASES['vectors']
    values = []
    for threshold in (-1.0, 0.0, 0.5, 0.99):
        loss = build(student, teacher, threshold=threshold)
        terms, _ = check_finite(loss, student, teacher, gt)
        values.append(terms['cross'])
    assert values == sorted(values, reverse=True) and len(set(values)) >= 3


def test_equal_branches():
    """Equal proxies leave no cross term."""
    x = pair((6, 4), (6, 3, 2, 2))
    loss = build(x, x)
    loss.proxy_t.load_state_dict(loss.proxy_s.state_dict())
    gt = [0, 3, 2, 1, 1, 0]
    check(loss, c2kd(loss, (x, x), gt), x, x, gt, both=True, rtol=1e-3, atol=1e-5)
    terms, _ = check_finite(loss, x, x, gt)
    assert terms['cross'] == pytest.approx(0, abs=1e-6)
    assert terms['student'] == terms['teacher'] > 0.1


def test_two_classes_without_the_target_leave_nothing():
    student, teacher, gt = CASES['two classes']
    terms, _ = check_finite(build(student, teacher, remove_target=True, threshold=-1), student,
                            teacher, gt)
    assert terms['cross'] == 0
    terms, _ = check_finite(build(student, teacher, threshold=-1), student, teacher, gt)
    assert terms['cross'] > 1e-4


@pytest.mark.parametrize('constant', ['proxy_s', 'proxy_t'])
@pytest.mark.parametrize('remove_target', [False, True])
def test_a_sample_whose_tau_is_undefined_is_not_selected(constant, remove_target):
    student, teacher, gt = CASES['vectors']
    loss = build(student, teacher, threshold=-1.0, remove_target=remove_target)
    with torch.no_grad():
        getattr(loss, constant)[3].weight.zero_()
        getattr(loss, constant)[3].bias.fill_(0.7)
    terms, _ = check_finite(loss, student, teacher, gt)
    assert terms['cross'] == 0 and terms['student'] > 0.1


@pytest.mark.parametrize('case', ['vectors', 'maps', 'larger teacher'])
def test_nothing_without_a_label_counts(case):
    student, teacher, gt = CASES[case]
    check_zero(build(student, teacher), student, teacher, np.full_like(gt, IGNORE))


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
@pytest.mark.parametrize('case', ['vectors', 'larger teacher', 'saturated'])
def test_half_precision(case, dtype):
    student, teacher, gt = CASES[case]
    check_half(build(student, teacher), dtype, student, teacher, gt)


@pytest.mark.parametrize('kind', ['zeros', 'constant', 'duplicates', 'huge'])
@pytest.mark.parametrize('case', ['vectors', 'maps'])
def test_inputs_without_content_are_finite(case, kind):
    student, teacher, gt = CASES[case]

    def emptied(arrays):
        return [dict(zeros=0 * x, constant=0 * x + 2.3, huge=1e3 * x,
                     duplicates=np.repeat(x[:1], len(x), 0))[kind] for x in arrays]

    for s, t in ((emptied(student), teacher), (student, emptied(teacher)),
                 (emptied(student), emptied(teacher))):
        loss = build(s, t)
        terms, _ = check_finite(loss, s, t, gt)
        for key in ('student', 'teacher'):
            value = c2kd(loss, (s, t), gt)(s, t)[key]
            assert terms[key] == pytest.approx(value, rel=1e-3, abs=1e-5), key


def test_all_parameters_are_trained():
    student, teacher, gt = CASES['vectors']
    loss = build(student, teacher)
    terms = loss(leaves(student, torch.float32), leaves(teacher, torch.float32), torch.tensor(gt))
    sum(terms.values()).backward()
    for name, parameter in loss.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 1e-4, name


def test_a_large_batch():
    student, teacher = pair((512, 50), (512, 3, 1, 1)), pair((512, 50), (512, 2, 1, 1), 5)
    gt = np.arange(512) % 50
    loss = build(student, teacher)
    terms, _ = check_finite(loss, student, teacher, gt)
    expected = c2kd(loss, (student, teacher), gt)(student, teacher)
    assert terms == pytest.approx(expected, rel=1e-4) and expected['cross'] > 0.01


@pytest.mark.parametrize('threshold', [-1.1, 1.0, 1.5, float('nan')])
def test_a_threshold_is_one_of_tau(threshold):
    with pytest.raises(ValueError, match='threshold'):
        C2KDLoss(3, 2, 4, threshold=threshold)
    assert isinstance(C2KDLoss(3, 2, 4, threshold=-1.0), C2KDLoss)


@pytest.mark.parametrize('num_classes', [1, 0, -2])
def test_there_are_two_classes(num_classes):
    with pytest.raises(ValueError, match='num_classes'):
        C2KDLoss(3, 2, num_classes)


@pytest.mark.parametrize('classes', [2, 3, 7, 20, 50])
@pytest.mark.parametrize('kind', ['random', 'ties', 'equal', 'opposite', 'constant'])
def test_kendall_tau_is_that_of_scipy(kind, classes):
    a, b = draw(30, classes), draw(30, classes, seed=1)
    if kind == 'ties':
        a, b = np.round(a), np.round(2 * b) / 2
    if kind in ('equal', 'opposite'):
        b = a if kind == 'equal' else -a
    if kind == 'constant':
        a[::2], b[::3] = 1.5, -0.25
    result = kendall_tau(torch.tensor(a).float(), torch.tensor(b).float())
    expected = [kendalltau(x, y, variant='b').statistic for x, y in zip(a, b, strict=True)]
    assert result.shape == (30,)
    assert np.isnan(expected).sum() == (20 if kind == 'constant' else np.isnan(expected).sum())
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)


def test_kendall_tau_of_many_rows():
    a, b = draw(512, 50), draw(512, 50, seed=1)
    result = kendall_tau(torch.tensor(a).float(), torch.tensor(b).float())
    expected = [kendalltau(x, y).statistic for x, y in zip(a[:20], b[:20], strict=True)]
    np.testing.assert_allclose(result[:20], expected, atol=1e-6)
    assert result.shape == (512,) and result.isfinite().all()
