"""Samples without a label: which losses learn from them, and which leave them out."""

import pytest
import torch
from mmpretrain.models.losses import CrossEntropyLoss
from torch.nn import functional as F

from mmfkd.models import (
    C2KDLoss,
    DISTLoss,
    DKDLoss,
    FrequencyDecoupledLoss,
    LabelledCrossEntropyLoss,
    NKDLoss,
    NormalizedKDLoss,
    PseudoLabelLoss,
)
from mmfkd.models.losses import CrossEntropyLoss as PixelCrossEntropyLoss
from mmfkd.models.losses import MulticlassDiceLoss
from mmfkd.models.losses.frequency import band_cross_entropy


def logits(count=6, classes=4):
    return torch.randn(count, classes, requires_grad=True)


def test_cross_entropy_is_the_mean_over_the_labelled():
    scores, labels = logits(), torch.tensor([0, -100, 2, -100, 1, 3])
    loss = LabelledCrossEntropyLoss()(scores, labels, avg_factor=6)
    assert loss.item() == pytest.approx(F.cross_entropy(scores, labels).item())
    whole = torch.tensor([0, 1, 2, 3, 1, 3])
    assert LabelledCrossEntropyLoss()(scores, whole, avg_factor=6).item() == pytest.approx(
        CrossEntropyLoss()(scores, whole, avg_factor=6).item())


def test_cross_entropy_without_a_label_is_zero_and_has_a_gradient():
    scores = logits()
    loss = LabelledCrossEntropyLoss()(scores, torch.full((6,), -100), avg_factor=6)
    loss.backward()
    assert loss.item() == 0 and torch.equal(scores.grad, torch.zeros_like(scores))


def test_weights_and_soft_labels_are_those_of_mmpretrain():
    scores, labels = logits(), torch.tensor([0, -100, 2, -100, 1, 3])
    weighted = LabelledCrossEntropyLoss(class_weight=[1.0, 2.0, 3.0, 4.0])(scores, labels)
    kept = labels >= 0
    assert weighted.item() == pytest.approx(CrossEntropyLoss(class_weight=[1.0, 2.0, 3.0, 4.0])(
        scores[kept], labels[kept]).item())
    soft = torch.rand(6, 4).softmax(1)
    assert LabelledCrossEntropyLoss(use_soft=True)(scores, soft).item() == pytest.approx(
        CrossEntropyLoss(use_soft=True)(scores, soft).item())


@pytest.mark.parametrize('kind', [DKDLoss, NormalizedKDLoss])
def test_losses_on_labels_leave_unlabelled_samples_out(kind):
    student, teacher, labels = logits(), logits(), torch.tensor([0, -100, 2, -100, 1, 3])
    loss = kind()
    found = loss(student, teacher, labels)
    kept = labels >= 0
    expected = loss(student[kept], teacher[kept], labels[kept])
    assert {key: value.item() for key, value in found.items()} == pytest.approx(
        {key: value.item() for key, value in expected.items()})


def test_class_255_is_a_class_where_there_are_more():
    student, teacher = logits(4, 300), logits(4, 300)
    labels = torch.tensor([255, 1, 255, -100])
    found = NormalizedKDLoss()(student, teacher, labels)
    expected = NormalizedKDLoss(ignore_index=1000)(student[:3], teacher[:3], labels[:3])
    assert found['target'].item() == pytest.approx(expected['target'].item())
    heads = band_cross_entropy((student, student), labels)
    assert heads.item() == pytest.approx(
        2 * F.cross_entropy(student[:3], labels[:3], reduction='sum').item() / 4)


@pytest.mark.parametrize('kind', [DKDLoss, NormalizedKDLoss, DISTLoss])
def test_a_class_that_is_to_be_ignored_is_left_out(kind):
    student, teacher, labels = logits(), logits(), torch.tensor([0, 1, 2, 0, 1, 3])
    loss = kind(ignore_index=0)
    found = loss(student, teacher, labels)
    kept = labels != 0
    expected = kind()(student[kept], teacher[kept], labels[kept])
    assert {key: value.item() for key, value in found.items()} == pytest.approx(
        {key: value.item() for key, value in expected.items()})


@pytest.mark.parametrize('labelled', [8, 2, 1])
def test_dice_and_cross_entropy_are_means_over_the_labelled_images(labelled):
    maps, labels = torch.randn(8, 3, 5, 5), torch.randint(3, (8, 5, 5))
    hidden = labels.clone()
    hidden[labelled:] = 255
    for loss in (MulticlassDiceLoss(), PixelCrossEntropyLoss(avg_non_ignore=True)):
        found = loss(maps, hidden, ignore_index=255)
        expected = loss(maps[:labelled], labels[:labelled], ignore_index=255)
        assert found.item() == pytest.approx(expected.item(), rel=1e-5) and found > 0
    assert MulticlassDiceLoss()(maps, torch.full_like(labels, 255)).item() == 0


def test_band_heads_are_means_over_all_samples_as_the_task_is():
    scores, labels = logits(), torch.tensor([0, -100, 2, -100, 1, 3])
    loss = band_cross_entropy((scores, 2 * scores), labels)
    assert loss.item() == pytest.approx(sum(
        F.cross_entropy(x, labels, reduction='sum').item() / 6 for x in (scores, 2 * scores)))
    assert band_cross_entropy((scores, scores), torch.full((6,), -100)).item() == 0


def test_dist_takes_every_position_where_it_is_told_to():
    student, teacher = torch.randn(2, 4, 3, 3), torch.randn(2, 4, 3, 3)
    free = DISTLoss(ignore_index=None)
    assert not free.needs_gt
    labelled = DISTLoss()(student, teacher, torch.zeros(2, 3, 3, dtype=torch.long))
    assert {key: value.item() for key, value in free(student, teacher).items()} == pytest.approx(
        {key: value.item() for key, value in labelled.items()})


@pytest.mark.parametrize('labels', [[0, -100, 2, -100, 1, 3], [-100] * 6])
def test_dist_learns_from_samples_without_a_label(labels):
    student, teacher = logits(), logits()
    found = DISTLoss()(student, teacher, torch.tensor(labels))
    whole = DISTLoss()(student, teacher, torch.tensor([0, 1, 2, 2, 1, 3]))
    assert {key: value.item() for key, value in found.items()} == {
        key: value.item() for key, value in whole.items()}
    assert not DISTLoss().leaves_out_unlabelled(images=False)
    assert DISTLoss().leaves_out_unlabelled(images=True)
    assert not DISTLoss(ignore_index=None).leaves_out_unlabelled(images=True)


def divergence_of(target, learner):
    """KL of two rows of logits, by the definition."""
    p, q = target.softmax(0), learner.softmax(0)
    return (p * (p / q).log()).sum().item()


def test_c2kd_without_labels_takes_all_samples_and_all_classes():
    torch.manual_seed(0)
    loss = C2KDLoss(8, 8, 4, threshold=-1).eval()
    student, teacher = ([torch.randn(5, 4), torch.randn(5, 8)] for _ in range(2))
    q_s, q_t = (net(taps[1][:, :, None, None]).flatten(1) for net, taps in (
        (loss.proxy_s, student), (loss.proxy_t, teacher)))
    mutual = [sum(divergence_of(a, b) + divergence_of(b, a) for a, b in zip(x, y, strict=True)) / 5
              for x, y in ((student[0], q_s), (teacher[0], q_t), (q_s, q_t))]
    for kind, labels in ((loss, torch.full((5,), -100)), (
            C2KDLoss(8, 8, 4, threshold=-1, ignore_index=None).eval(), None)):
        kind.load_state_dict(loss.state_dict())
        found = kind(student, teacher, labels)
        assert [found[key].item() for key in ('student', 'teacher', 'cross')] == pytest.approx(
            mutual, rel=1e-4)
        assert not kind.leaves_out_unlabelled(images=False)


def test_c2kd_leaves_out_a_target_where_there_is_one():
    torch.manual_seed(0)
    loss = C2KDLoss(8, 8, 4, threshold=-1).eval()
    student, teacher = ([torch.randn(2, 4), torch.randn(2, 8)] for _ in range(2))

    def cross(labels, rows=slice(None)):
        found = loss([x[rows] for x in student], [x[rows] for x in teacher], torch.tensor(labels))
        return found['cross'].item()

    both = cross([2, -100])
    assert both == pytest.approx((cross([2], slice(0, 1)) + cross([-100], slice(1, 2))) / 2)
    assert cross([-100, -100]) != pytest.approx(both)
    removed = C2KDLoss(8, 8, 4, threshold=-1, remove_target=True).eval()
    removed.load_state_dict(loss.state_dict())
    assert removed(student, teacher, torch.tensor([2, -100]))['cross'].item() == pytest.approx(
        removed([x[:1] for x in student], [x[:1] for x in teacher], torch.tensor([2]))[
            'cross'].item())
    with pytest.raises(ValueError, match='remove_target=True removes the class of the label'):
        C2KDLoss(8, 8, 4, remove_target=True, ignore_index=None)


def test_fdkd_needs_labels_for_its_classifiers_alone():
    head = dict(type='BandClassifier', in_channels=8, num_classes=4)
    assert not FrequencyDecoupledLoss().needs_gt
    assert FrequencyDecoupledLoss(align=head).needs_gt


def test_pseudo_labels_count_where_the_teacher_is_sure():
    student, teacher = logits(50), 3 * logits(50)
    found = PseudoLabelLoss(threshold=0.8, dice_weight=0)(student, teacher)
    total, sure = 0.0, 0
    for own, other in zip(student, teacher, strict=True):
        probabilities = other.exp() / other.exp().sum()
        if probabilities.max() >= 0.8:
            sure += 1
            total += (own.exp().sum().log() - own[probabilities.argmax()]).item()
    assert 5 < sure < 45
    assert found['ce'].item() == pytest.approx(total / 50)
    assert list(found) == ['ce']


def test_pseudo_labels_of_no_sure_teacher_are_zero():
    found = PseudoLabelLoss(threshold=1.0)(torch.randn(2, 4, 3, 3), torch.zeros(2, 4, 3, 3))
    assert found['ce'].item() == 0 and found['dice'].item() == 0


def test_pseudo_labels_refuse_dice_on_vectors():
    with pytest.raises(ValueError, match=r'Dice takes maps, .*\(6, 4\): set dice_weight=0'):
        PseudoLabelLoss()(logits(), logits())
    with pytest.raises(ValueError, match='threshold=2'):
        PseudoLabelLoss(threshold=2)


@pytest.mark.parametrize('kind', [DKDLoss, NKDLoss, NormalizedKDLoss])
def test_what_needs_the_label_of_a_row_says_so_when_it_is_built(kind):
    with pytest.raises(ValueError, match='ignore_index=None is for losses without labels'):
        kind(ignore_index=None)
