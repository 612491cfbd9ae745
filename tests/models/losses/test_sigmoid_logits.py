"""Logits of one channel, of a sigmoid, teach as those of two classes."""

import pytest
import torch

from mmfkd.advice.findings import right_by
from mmfkd.models import (
    DISTLoss,
    DKDLoss,
    KDLoss,
    MADLoss,
    NormalizedKDLoss,
    PseudoLabelLoss,
    SoftLabelLoss,
)

KINDS = (KDLoss, DKDLoss, NormalizedKDLoss, SoftLabelLoss, PseudoLabelLoss, DISTLoss)


def two_classes(z):
    return torch.stack([torch.zeros_like(z[:, 0]), z[:, 0]], 1)


@pytest.mark.parametrize('kind', KINDS)
def test_a_channel_is_the_second_of_two_classes(kind):
    student = torch.randn(3, 1, 4, 4, requires_grad=True)
    teacher, labels = torch.randn(3, 1, 4, 4), torch.randint(0, 2, (3, 4, 4))
    gt = labels if kind().needs_gt else None
    found = kind()(student, teacher, gt)
    expected = kind()(two_classes(student), two_classes(teacher), gt)
    assert {key: value.item() for key, value in found.items()} == pytest.approx(
        {key: value.item() for key, value in expected.items()})
    assert sum(value.item() for value in found.values()) > 0
    sum(found.values()).backward()
    if kind is not DISTLoss:
        assert (student.grad != 0).all()


@pytest.mark.parametrize('kind', KINDS)
def test_a_channel_and_two_classes_teach_each_other(kind):
    one, two = torch.randn(3, 1, 4, 4), torch.randn(3, 2, 4, 4)
    loss = kind()
    gt = torch.randint(0, 2, (3, 4, 4)) if loss.needs_gt else None
    for student, teacher, student_of_two, teacher_of_two in (
            (one, two, two_classes(one), two), (two, one, two, two_classes(one))):
        assert loss(student, teacher, gt) == loss(student_of_two, teacher_of_two, gt)
    with pytest.raises(ValueError, match=r'has shape \(3, 1, 4, 4\), teacher .* \(3, 3, 4, 4\)'):
        loss(one, torch.randn(3, 3, 4, 4), gt)


def test_the_margins_of_a_channel_are_those_of_two_classes():
    maps, other = torch.randn(2, 8, 4, 4), torch.randn(2, 8, 4, 4)
    z = torch.randn(2, 1, 8, 8)
    loss = MADLoss(['student.feat'], ['teacher.feat'], 'teacher.logits')
    found, expected = (loss([maps], [other, logits], None)['margin'].item()
                       for logits in (z, two_classes(z)))
    assert found == pytest.approx(expected) and found > 0


def test_both_are_right_where_their_sign_is_the_label():
    student = torch.tensor([[1.0], [-1.0], [1.0], [-1.0]])
    teacher = torch.tensor([[1.0], [1.0], [-1.0], [-1.0]])
    assert right_by(student, teacher, torch.ones(4, dtype=torch.long)).tolist() == [1, 1, 1, 1]
