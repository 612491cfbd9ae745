"""AFD against loops over pairs of stages, from the equations of its paper."""

import numpy as np
import pytest
import torch
from oracles import (
    batch_norm,
    check,
    check_finite,
    check_half,
    draw,
    leaves,
    log_softmax,
    pool,
    shaken,
    weights_of,
)

from mmfkd.models.losses import AFDLoss


def linear(x, weights, name):
    return x @ weights[f'{name}.weight'].T + weights[f'{name}.bias']


def unit(vector):
    length = np.sqrt((vector ** 2).sum())
    return vector / length if length > 0 else vector


def afd(loss, weight=200.0):
    """Ji et al. eq. 1-8."""
    weights = weights_of(loss)
    width = weights['place_t'].shape[1]

    def projected(stages, name):
        """Batch norm of a linear map of the mean over space, stage by stage."""
        means = [x.mean((2, 3)) for x in stages]
        return [batch_norm(linear(mean, weights, f'{name}.{i}.0'), weights, f'{name}.{i}.1')
                for i, mean in enumerate(means)]

    def oracle(student, teacher):
        samples, count = len(student[0]), len(student)
        queries = projected(teacher, 'queries')
        keys = [np.maximum(key, 0) for key in projected(student, 'keys')]
        rows = np.array([keys[s][n] for n in range(samples) for s in range(count)])
        rows = batch_norm(linear(rows, weights, 'bilinear.0'), weights, 'bilinear.1')
        rows = rows.reshape(samples, count, len(teacher), width)
        value = 0.0
        for t in range(len(teacher)):
            size = teacher[t].shape[2:]
            for n in range(samples):
                logits = [(queries[t][n] @ rows[n, s, t]
                           + weights['place_t'][t] @ weights['place_s'][s]) / np.sqrt(width)
                          for s in range(count)]
                attention = np.exp(log_softmax(np.array(logits)))
                v_t = unit((teacher[t][n] ** 2).mean(0).ravel())
                for s in range(count):
                    v_s = unit(pool((student[s][n] ** 2).mean(0), size).ravel())
                    value += attention[s] * ((v_s - v_t) ** 2).mean() / samples
        return dict(attention=weight * value)
    return oracle


def taps(branch, count):
    return [f'{branch}.layer{i}' for i in range(count)]


def build(student, teacher, width=6, **options):
    torch.manual_seed(0)
    return shaken(AFDLoss([x.shape[1] for x in student], [x.shape[1] for x in teacher],
                          taps('student', len(student)), taps('teacher', len(teacher)),
                          channels=width, **options))


def stages(*shapes, seed=0):
    return [draw(*shape, seed=seed + i) for i, shape in enumerate(shapes)]


CASES = {
    'one stage': (stages((4, 3, 2, 3)), stages((4, 5, 2, 3), seed=5)),
    'same sizes': (stages((4, 2, 3, 2), (4, 3, 3, 2)), stages((4, 3, 3, 2), (4, 2, 3, 2), seed=5)),
    'two samples': (stages((2, 3, 2, 3), (2, 2, 2, 2)), stages((2, 2, 2, 3), (2, 4, 2, 2), seed=5)),
    'more of the student': (stages((4, 2, 4, 5), (4, 3, 2, 3), (4, 4, 2, 1)),
                            stages((4, 3, 3, 3), (4, 2, 1, 2), seed=5)),
    'more of the teacher': (stages((5, 2, 2, 1), (5, 4, 3, 5)),
                            stages((5, 3, 4, 3), (5, 2, 2, 2), (5, 4, 5, 7), seed=5)),
    'saturated': (stages((4, 3, 2, 3), (4, 2, 3, 1)), [50 * np.sign(draw(4, 5, 2, 3, seed=5))]),
    'large': ([20 * x for x in stages((4, 3, 2, 3), (4, 2, 3, 1))],
              [50 * x for x in stages((4, 3, 3, 3), seed=5)]),
}


@pytest.mark.parametrize('case', CASES)
def test_values_and_gradients(case):
    student, teacher = CASES[case]
    check(build(student, teacher), afd(build(student, teacher)), student, teacher,
          rtol=1e-3, atol=1e-5)


def test_weight_and_width():
    student, teacher = CASES['same sizes']
    loss = build(student, teacher, width=1, weight=3.0)
    check(loss, afd(loss, 3.0), student, teacher, rtol=1e-3, atol=1e-6)


def test_all_parameters_are_trained():
    student, teacher = CASES['more of the student']
    loss = build(student, teacher)
    loss(leaves(student, torch.float32), leaves(teacher, torch.float32))['attention'].backward()
    # A bias before a batch norm has no say, nor has one that is the same for all that is weighed.
    dead = {f'{name}.bias' for name in ('queries.0.0', 'queries.1.0', 'keys.0.0', 'keys.1.0',
                                        'keys.2.0', 'bilinear.0', 'bilinear.1')}
    for name, parameter in loss.named_parameters():
        assert parameter.grad is not None, name
        assert (parameter.grad.abs().max() > 1e-3) != (name in dead), name


def test_equal_maps_have_equal_values():
    """With one stage there is nothing to choose, so the distance is that of the values."""
    x = stages((4, 3, 2, 3))
    check(build(x, x), afd(build(x, x)), x, x, flat=True, atol=1e-4)
    check(build(x, x), afd(build(x, x)), [3 * x[0]], x, flat=True, atol=1e-4)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
@pytest.mark.parametrize('case', ['more of the student', 'saturated'])
def test_half_precision(case, dtype):
    check_half(build(*CASES[case]), dtype, *CASES[case])


def test_clips_tokens_and_vectors_are_maps():
    clip, tokens, vectors = draw(4, 3, 2, 3, 2), draw(4, 5, 3, seed=1), draw(4, 2, seed=2)
    maps = [clip.mean(1), tokens.transpose(0, 2, 1)[..., None], vectors[..., None, None]]
    teacher = stages((4, 3, 3, 3))
    loss = build(maps, teacher)
    check(loss, lambda s, t: afd(loss)([s[0].mean(1), s[1].transpose(0, 2, 1)[..., None],
                                        s[2][..., None, None]], t),
          [clip, tokens, vectors], teacher, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize('kind', ['zeros', 'constant', 'duplicates', 'one zero sample'])
@pytest.mark.parametrize('side', ['student', 'teacher', 'both'])
def test_features_without_content_are_finite(kind, side):
    student, teacher = CASES['more of the student']

    def emptied(arrays):
        first = np.arange(len(arrays[0]))[:, None, None, None] > 0
        return [{'zeros': 0 * x, 'constant': 0 * x - 1.3, 'one zero sample': x * first,
                 'duplicates': np.repeat(x[:1], len(x), 0)}[kind] for x in arrays]

    student = student if side == 'teacher' else emptied(student)
    teacher = teacher if side == 'student' else emptied(teacher)
    loss = build(student, teacher)
    terms, gradients = check_finite(loss, student, teacher)
    # What float32 leaves of no variance is divided by the square root of the norm's 1e-5.
    expected = afd(loss)(student, teacher)['attention']
    assert terms['attention'] == pytest.approx(expected, rel=1e-2, abs=1e-5)
    assert all(np.abs(gradient).max() < 1e4 for gradient in gradients[0])


@pytest.mark.parametrize('student, teacher', [(2, 3), (3, 2), (1, 2)])
def test_there_are_as_many_taps_as_widths(student, teacher):
    with pytest.raises(ValueError):
        AFDLoss([4] * student, [4] * student, taps('student', teacher), taps('teacher', student))
    with pytest.raises(ValueError):
        AFDLoss([4] * student, [4] * student, taps('student', student), taps('teacher', teacher))


@pytest.mark.parametrize('student, teacher', [(1, 2), (3, 2)])
def test_the_branches_may_have_another_number_of_stages(student, teacher):
    loss = AFDLoss([4] * student, [3] * teacher, taps('student', student),
                   taps('teacher', teacher), channels=5)
    terms, _ = check_finite(loss, stages(*[(3, 4, 2, 2)] * student),
                            stages(*[(3, 3, 2, 2)] * teacher))
    assert terms['attention'] > 0


def test_a_stage_of_one_place_is_told_once(monkeypatch):
    told = []
    monkeypatch.setattr('mmfkd.models.losses.attention.print_log',
                        lambda text, logger, level: told.append(text))
    loss = AFDLoss((4, 8), (4, 8), ('student.a', 'student.b'), ('teacher.a', 'teacher.b'))
    maps = [torch.randn(2, 4, 3, 3), torch.randn(2, 8, 1, 1)]
    for _ in range(3):
        loss([x.clone().requires_grad_() for x in maps], maps)
    assert len(told) == 1 and "the teacher's stage 2 is a map of 1x1" in told[0]


@pytest.mark.parametrize('size', [2, 4, 8])
def test_a_stage_counts_as_those_that_the_weight_is_for(size):
    student, teacher = stages((3, 4, 8, 8), (3, 6, size, size)), stages((3, 5, size, size), seed=7)
    maps = leaves(student, torch.float32), leaves(teacher, torch.float32)
    of_authors = build(student, teacher)(*maps)['attention']
    counted = build(student, teacher, places=64)(*maps)['attention']
    torch.testing.assert_close(counted, of_authors * size ** 2 / 64)


def test_less_than_one_place_is_refused():
    with pytest.raises(ValueError, match='places=0: take 1 or more, or None'):
        AFDLoss((4,), (4,), ('student.a',), ('teacher.a',), places=0)
