"""OFD against loops over the elements of every stage, from the equations of its paper."""

import numpy as np
import pytest
import torch
from oracles import (
    batch_norm,
    bilinear,
    check,
    check_finite,
    check_half,
    conv,
    draw,
    leaves,
    shaken,
    weights_of,
)

from mmfkd.models.losses import OFDLoss


def negative_means(batches):
    """Mean of each channel's negative values in all batches; 0 where there is none."""
    means = []
    for c in range(batches[0].shape[1]):
        below = [v for batch in batches for v in batch[:, c].ravel() if v < 0]
        means.append(sum(below) / len(below) if below else 0.0)
    return means


def partial_distance(student, target):
    """Equation 4."""
    value = 0.0
    for s, t in zip(student.ravel(), target.ravel(), strict=True):
        if not s <= t <= 0:
            value += (s - t) ** 2
    return value


def ofd(loss, weight=1e-3, past=()):
    """Heo et al. eq. 1-4; past: lists of the teacher's stages in earlier batches."""
    weights = weights_of(loss)

    def oracle(student, teacher):
        terms = {}
        for i, (s, t) in enumerate(zip(student, teacher, strict=True)):
            margins = negative_means([*(batch[i] for batch in past), t])
            target = np.maximum(t, np.reshape(margins, (-1, 1, 1)))
            s = conv(s, weights[f'connectors.{i}.0.weight'])
            s = batch_norm(s, weights, f'connectors.{i}.1')
            if s.shape[2:] != t.shape[2:]:
                s = bilinear(s, t.shape[2:])
            scale = weight * 2.0 ** (i + 1 - len(student)) / len(s)
            terms[f'stage{i + 1}'] = scale * partial_distance(s, target)
        return terms
    return oracle


def taps(branch, count):
    return [f'{branch}.pre{i}' for i in range(count)]


def build(student, teacher, **options):
    torch.manual_seed(0)
    return shaken(OFDLoss([x.shape[1] for x in student], [x.shape[1] for x in teacher],
                          taps('student', len(student)), taps('teacher', len(teacher)),
                          **options))


def stages(*shapes, seed=0, shift=0.0):
    return [draw(*shape, seed=seed + i) + shift for i, shape in enumerate(shapes)]


CASES = {
    'one stage': (stages((2, 3, 2, 3)), stages((2, 4, 2, 3), seed=5)),
    'three stages': (stages((2, 2, 4, 3), (2, 3, 2, 3), (2, 4, 2, 2)),
                     stages((2, 3, 4, 3), (2, 2, 2, 3), (2, 5, 2, 2), seed=5)),
    'one sample': (stages((1, 3, 2, 4)), stages((1, 2, 2, 4), seed=5)),
    'larger teacher': (stages((2, 3, 2, 3), (2, 2, 1, 2)), stages((2, 2, 5, 4), (2, 4, 3, 2))),
    'smaller teacher': (stages((2, 3, 5, 4), (2, 2, 4, 4)), stages((2, 2, 2, 3), (2, 4, 1, 2))),
    'all negative': (stages((2, 3, 3, 2)), stages((2, 3, 3, 2), seed=5, shift=-5)),
    'all positive': (stages((2, 3, 3, 2)), stages((2, 3, 3, 2), seed=5, shift=5)),
    'saturated': (stages((2, 3, 3, 2)), [50 * np.sign(draw(2, 3, 3, 2, seed=5))]),
}


@pytest.mark.parametrize('case', CASES)
def test_values_and_gradients(case):
    student, teacher = CASES[case]
    loss = build(student, teacher, weight=1.0)
    check(loss, ofd(loss, 1.0), student, teacher, atol=1e-5)


def test_the_default_weight_is_that_of_cifar():
    loss = build(*CASES['three stages'])
    check(loss, ofd(loss), *CASES['three stages'], atol=1e-8)


def test_equal_features_through_an_even_connector():
    """The identity and a batch norm that takes nothing away, so only the margin is left."""
    x = [draw(2, 3, 3, 4)]
    loss = build(x, x, weight=1.0)
    with torch.no_grad():
        loss.connectors[0][0].weight.copy_(torch.eye(3)[..., None, None])
        loss.connectors[0][1].bias.copy_(torch.tensor(x[0].mean((0, 2, 3))))
        deviation = np.sqrt(x[0].var((0, 2, 3)) + 1e-5)
        loss.connectors[0][1].weight.copy_(torch.tensor(deviation))
    terms, gradients = check_finite(loss, x, x)
    margins = np.reshape(negative_means(x), (-1, 1, 1))
    lost = x[0] < margins  # which is below a target that is not positive
    assert lost.sum() > 3 and terms['stage1'] == pytest.approx(0, abs=1e-5)
    assert np.abs(gradients[0][0]).max() < 1e-4


def test_the_margin_is_the_mean_of_all_batches_so_far():
    batches = [stages((2, 4, 3, 3), (3, 2, 2, 2), seed=seed, shift=seed / 20) for seed in (0, 7, 9)]
    student = stages((2, 3, 3, 3), (3, 2, 2, 2), seed=20)
    loss = build(student, batches[0], weight=1.0)
    for batch in batches[:2]:
        loss(leaves(student, torch.float32), leaves(batch, torch.float32))
    check(loss, ofd(loss, 1.0, past=batches[:2]), student, batches[2], atol=1e-5)


def test_the_margin_is_kept_with_the_weights_and_does_not_move_in_evaluation():
    batch, other = stages((2, 4, 3, 3)), stages((2, 4, 3, 3), seed=7, shift=-1)
    student = leaves(stages((2, 3, 3, 3), seed=20), torch.float32)
    loss = build(student, batch)
    loss(student, leaves(batch, torch.float32))
    again = build(student, batch)
    again.load_state_dict(loss.state_dict())
    before = {name: value.clone() for name, value in again.eval().state_dict().items()}
    again(student, leaves(other, torch.float32))
    assert all(torch.equal(value, before[name]) for name, value in again.state_dict().items())
    margin = before['margins.0.total'] / before['margins.0.count']
    np.testing.assert_allclose(margin, negative_means(batch), rtol=1e-5)
    again.train()(student, leaves(other, torch.float32))
    margin = again.margins[0].total / again.margins[0].count
    np.testing.assert_allclose(margin, negative_means([*batch, *other]), rtol=1e-5)


def test_before_the_first_batch_the_margin_is_zero():
    student, teacher = CASES['one stage']
    loss = build(student, teacher, weight=1.0).eval()
    weights = weights_of(loss)
    terms, _ = check_finite(loss, student, teacher)
    s = conv(student[0], weights['connectors.0.0.weight']) / np.sqrt(1 + 1e-5)
    s = (s * weights['connectors.0.1.weight'][:, None, None]
         + weights['connectors.0.1.bias'][:, None, None])
    value = partial_distance(s, np.maximum(teacher[0], 0)) / 2
    assert terms['stage1'] == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
@pytest.mark.parametrize('case', ['three stages', 'larger teacher', 'saturated'])
def test_half_precision(case, dtype):
    check_half(build(*CASES[case]), dtype, *CASES[case])


@pytest.mark.parametrize('kind', ['zeros', 'constant', 'duplicates'])
def test_features_without_content_are_finite(kind):
    student, teacher = CASES['three stages']

    def emptied(arrays):
        return [dict(zeros=0 * x, constant=0 * x - 1.3,
                     duplicates=np.repeat(x[:1], len(x), 0))[kind] for x in arrays]

    for pair in ((emptied(student), teacher), (student, emptied(teacher)),
                 (emptied(student), emptied(teacher))):
        loss = build(*pair, weight=1.0)
        terms, _ = check_finite(loss, *pair)
        for name, value in ofd(loss, 1.0)(*pair).items():
            assert terms[name] == pytest.approx(value, rel=1e-3, abs=1e-4), name


@pytest.mark.parametrize('student, teacher', [(2, 3), (3, 2), (1, 2)])
def test_there_are_as_many_taps_as_widths(student, teacher):
    with pytest.raises(ValueError):
        OFDLoss([4] * student, [4] * student, taps('student', teacher), taps('teacher', student))
    with pytest.raises(ValueError):
        OFDLoss([4] * student, [4] * student, taps('student', student), taps('teacher', teacher))
    with pytest.raises(ValueError):
        OFDLoss([4] * student, [4] * teacher, taps('student', student), taps('teacher', student))
