"""A teacher's pass with its channels last, or at a precision of its own."""

import pytest
import torch

from mmfkd.models import Branch
from mmfkd.models.frozen_branch import FrozenBranch


@pytest.fixture
def images():
    return dict(rgb=torch.randint(0, 256, (2, 3, 32, 32)).float())


def feats(branch, images):
    with torch.no_grad():
        return branch(images, record=['feat', 'logits']).feats


@pytest.mark.parametrize(('options', 'limit'), [
    (dict(), 0), (dict(channels_last=True), 1e-5), (dict(autocast='bfloat16'), 0.05),
    (dict(autocast='bfloat16', channels_last=True), 0.05)])
def test_it_computes_what_a_branch_does(options, limit, seg_branch, images):
    frozen = FrozenBranch(seg_branch(), **options)
    plain = Branch(**seg_branch())
    plain.load_state_dict(frozen.state_dict())
    found, wanted = feats(frozen, images), feats(plain.eval(), images)
    assert found.keys() == wanted.keys() == {'feat', 'logits'}
    for name, feat in wanted.items():
        gap = (found[name].float() - feat).norm() / feat.norm()
        assert gap <= limit and found[name].shape == feat.shape
    precise = torch.bfloat16 if options.get('autocast') else torch.float32
    assert found['logits'].dtype == precise


def test_channels_lie_last(seg_branch, images):
    frozen = FrozenBranch(seg_branch(), channels_last=True)
    assert feats(frozen, images)['feat'].is_contiguous(memory_format=torch.channels_last)
    assert frozen.model.backbone.layer1[0].conv1.weight.is_contiguous(
        memory_format=torch.channels_last)


def test_it_is_not_trained(seg_branch):
    frozen = FrozenBranch(seg_branch())
    assert not frozen.training and not any(p.requires_grad for p in frozen.parameters())


def test_another_precision_is_refused(seg_branch):
    with pytest.raises(ValueError, match="autocast='int8' of a teacher: choose float16 or bf"):
        FrozenBranch(seg_branch(), autocast='int8')
