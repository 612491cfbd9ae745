"""MMANet's losses against loops over pixels, written from the paper's equations."""

import math

import pytest
import torch
from torch.nn import functional as F

from mmfkd.models.losses.margin import (
    MADLoss,
    ModalityRegularizationLoss,
    margins,
    relation_gaps,
    rows,
)


def pixels(x):
    """Rows of a map in the order of the authors' reshape: image, row, column."""
    return [x[n, :, i, j] for n in range(x.size(0)) for i in range(x.size(2))
            for j in range(x.size(3))]


def gram(vectors):
    return [[float(a @ b) for b in vectors] for a in vectors]


def unit(values):
    length = max(math.sqrt(sum(v * v for v in values)), 1e-12)
    return [v / length for v in values]


def mad_by_loops(student, teacher, logits):
    """One map: Σ_r w_r Σ_halves ‖Ĝs_r - Ĝt_r‖²."""
    own, other = gram(pixels(student)), gram(pixels(teacher))
    half = len(own) // 2
    entropies = []
    for vector in pixels(logits):
        shares = [math.exp(v - max(vector.tolist())) for v in vector.tolist()]
        shares = [share / sum(shares) for share in shares]
        entropies.append(-sum(share * math.log(share) for share in shares if share > 0))
    total = 0.0
    for r in range(len(own)):
        for part in (slice(half), slice(half, None)):
            a, b = unit(own[r][part]), unit(other[r][part])
            total += entropies[r] / sum(entropies) * sum(
                (x - y) ** 2 for x, y in zip(a, b, strict=True))
    return total


def maps(*sizes, count=2, seed=0):
    torch.manual_seed(seed)
    return [torch.randn(count, *size, dtype=torch.float64) for size in sizes]


def test_the_relations_of_pixels_are_those_of_the_loops():
    student, teacher, logits = maps((5, 3, 4), (7, 3, 4), (4, 3, 4))
    gaps = relation_gaps(rows(student), rows(teacher))
    value = float((gaps * margins(logits)).sum())
    assert value == pytest.approx(mad_by_loops(student, teacher, logits), rel=1e-9)


def test_several_maps_are_summed_and_the_margin_is_brought_to_their_size():
    student = maps((4, 2, 3), (3, 4, 6), count=2)
    teacher = maps((4, 2, 3), (5, 4, 6), count=2, seed=1)
    logits, = maps((3, 4, 6), count=2, seed=2)
    loss = MADLoss(['s.a', 's.b'], ['t.a', 't.b'], 't.logits', weight=3.0)
    value = loss([x.float() for x in student], [x.float() for x in (*teacher, logits)])['margin']
    wanted = 3 * sum(mad_by_loops(a, b, F.adaptive_avg_pool2d(logits, a.shape[-2:]))
                     for a, b in zip(student, teacher, strict=True))
    assert float(value) == pytest.approx(wanted, rel=1e-5)


def test_high_maps_are_averaged_first():
    student, teacher, logits = (x.float() for x in maps((3, 8, 4), (3, 8, 4), (2, 8, 4)))
    small = [F.adaptive_avg_pool2d(x, (4, 2)) for x in (student, teacher, logits)]
    loss = MADLoss(['s.a'], ['t.a'], 't.logits', pool=(4, 2), weight=1.0)
    assert float(loss([student], [teacher, logits])['margin']) == pytest.approx(
        mad_by_loops(*(x.double() for x in small)), rel=1e-4)


def test_gradients_are_those_of_the_matrices():
    student, teacher, logits = maps((4, 3, 3), (4, 3, 3), (3, 3, 3))
    student.requires_grad_()
    (relation_gaps(rows(student), rows(teacher)) * margins(logits)).sum().backward()
    fast, student.grad = student.grad, None
    x, y = rows(student), rows(teacher)
    half = len(x) // 2
    slow = sum((F.normalize(x @ x[part].T) - F.normalize(y @ y[part].T)).square().sum(1)
               for part in (slice(half), slice(half, None)))
    (slow * margins(logits)).sum().backward()
    assert torch.allclose(fast, student.grad, atol=1e-12, rtol=1e-9)
    assert fast.abs().max() > 1e-3


def test_equal_maps_cost_nothing_and_dead_pixels_and_certain_teachers_are_finite():
    student, teacher, logits = maps((4, 3, 3), (4, 3, 3), (3, 3, 3))
    assert float(relation_gaps(rows(student), rows(student)).abs().max()) < 1e-12
    assert float(margins(logits).sum()) == pytest.approx(1)
    student[:, :, 0, 0] = 0
    student.requires_grad_()
    logits = 1e5 * logits  # probabilities of 0
    value = (relation_gaps(rows(student), rows(teacher)) * margins(logits)).sum()
    value.backward()
    assert torch.isfinite(value) and torch.isfinite(student.grad).all()
    assert float(margins(torch.full((1, 2, 2, 2), 1.0) * torch.tensor(
        [1e5, -1e5])[None, :, None, None]).sum()) == 0  # nothing is near a border


def test_maps_of_other_sizes_and_numbers_are_refused():
    with pytest.raises(ValueError, match='1 taps in student, but 2 in teacher'):
        MADLoss(['s.a'], ['t.a', 't.b'], 't.logits')
    loss = MADLoss(['s.a'], ['t.a'], 't.logits')
    student, teacher, logits = (x.float() for x in maps((3, 4, 4), (3, 2, 2), (2, 4, 4)))
    with pytest.raises(ValueError, match='tap places of one size'):
        loss([student], [teacher, logits])


def regularization(**changes):
    return ModalityRegularizationLoss(**{
        'student': ['s.weak', 's.weak2'], 'mask': 's.mask', 'modalities': ('rgb', 'ir'),
        'weak': ['ir'], 'weight': 1.0, **changes})


def test_cross_entropy_counts_the_samples_of_the_weak_combination_at_every_scale():
    torch.manual_seed(0)
    big, small = torch.randn(3, 4, 4, 6), torch.randn(3, 4, 2, 3)
    gt = torch.randint(4, (3, 4, 6))
    gt[1, 0] = 255
    masks = torch.tensor([[1.0, 1.0], [0.0, 1.0], [0.0, 1.0]])
    wanted = 0.0
    for logits, step in ((big, 1), (small, 2)):
        values = [-float(logits[n, :, i, j].double().log_softmax(0)[gt[n, i * step, j * step]])
                  for n in (1, 2) for i in range(4 // step) for j in range(6 // step)
                  if gt[n, i * step, j * step] != 255]
        wanted += sum(values) / len(values)
    value = regularization()([big, small, masks], (), gt)['weak']
    assert float(value) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize('masks', [[[1.0, 1.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]])
def test_it_is_zero_with_a_gradient_where_nothing_counts(masks):
    logits = torch.randn(2, 3, 2, 2, requires_grad=True)
    gt = torch.full((2, 2, 2), 255) if masks[0][0] == 0 else torch.zeros(2, 2, 2).long()
    value = regularization(student=['s.weak'])([logits, torch.tensor(masks)], (), gt)['weak']
    value.backward()
    assert float(value.detach()) == 0 and float(logits.grad.abs().sum()) == 0


def test_the_weak_combination_is_part_of_checkpoints():
    loss, again = regularization(weak=None), regularization(weak=None)
    loss.choose(['rgb'])
    assert again.weak == ()
    again.load_state_dict(loss.state_dict())
    assert again.weak == ('rgb',)
    given = regularization(weak=['ir'])
    given.load_state_dict(loss.state_dict(), strict=False)
    assert given.weak == ('ir',)


@pytest.mark.parametrize('weak', ['ir', ['rgb', 'ir'], ['depth'], []])
def test_a_combination_that_is_not_weaker_is_refused(weak):
    with pytest.raises(ValueError, match='give a list of some, and not all, of the modalities'):
        regularization(weak=weak)
