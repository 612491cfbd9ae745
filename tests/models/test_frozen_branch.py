"""A pass with the channels last in memory, or, of a teacher, at a precision of its own."""

import pytest
import torch

from mmfkd.models import Branch, CrossModalDistiller
from mmfkd.models.frozen_branch import FrozenBranch


@pytest.fixture
def images():
    return dict(rgb=torch.randint(0, 256, (2, 3, 32, 32)).float())


def feats(branch, images):
    with torch.no_grad():
        return branch(images, record=['feat', 'logits']).feats


@pytest.mark.parametrize(('options', 'limit'), [
    ((False, None), 0), ((True, None), 1e-5), ((False, 'bfloat16'), 0.05),
    ((True, 'bfloat16'), 0.05)])
def test_it_computes_what_a_branch_does(options, limit, seg_branch, images):
    channels_last, autocast = options
    frozen = FrozenBranch(dict(seg_branch(), channels_last=channels_last), autocast)
    plain = Branch(**seg_branch())
    plain.load_state_dict(frozen.state_dict())
    found, wanted = feats(frozen, images), feats(plain.eval(), images)
    assert found.keys() == wanted.keys() == {'feat', 'logits'}
    for name, feat in wanted.items():
        gap = (found[name].float() - feat).norm() / feat.norm()
        assert gap <= limit and found[name].shape == feat.shape
    precise = torch.bfloat16 if autocast else torch.float32
    assert found['logits'].dtype == precise


def lies_last(x):
    return x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()


def test_channels_lie_last_in_a_student_too(seg_branch, seg_batch):
    """And gradients and values are those of a student whose channels come first."""
    found = {}
    for last in (False, True):
        torch.manual_seed(0)
        model = CrossModalDistiller(
            students=dict(student=dict(seg_branch(), channels_last=last)),
            data_preprocessor=dict(type='MultiModalDataPreprocessor'))
        # What is loaded, from files of the other layout, lies as the network wants it.
        model.load_state_dict({key: value.contiguous()
                               for key, value in model.state_dict().items()})
        assert lies_last(model.student.model.backbone.layer1[0].conv1.weight) == last
        torch.manual_seed(1)
        data = model.data_preprocessor(seg_batch(), True)
        done = model.training_pass(data['inputs'], data['data_samples'], ['student.feat'])
        assert lies_last(done.feats['student.feat']) == last
        total, _ = model.parse_losses(done.losses())
        total.backward()
        found[last] = {name: p.grad for name, p in model.named_parameters()}
    for name, grad in found[False].items():
        assert (found[True][name] - grad).norm() <= 1e-4 * grad.norm() + 1e-7, name


def test_it_is_not_trained(seg_branch):
    frozen = FrozenBranch(seg_branch())
    assert not frozen.training and not any(p.requires_grad for p in frozen.parameters())


@pytest.mark.parametrize('available', [None, ['ir']])
def test_a_teacher_of_several_modalities_needs_those_that_it_is_to_see(available, stub_branch):
    student = stub_branch(lambda x, samples: x['ir'], ['rgb', 'ir'])
    teacher = FrozenBranch(dict(model=student.model, modality=['rgb', 'ir'], available=available))
    infrared = dict(ir=torch.ones(1, 1, 2, 2))
    assert torch.equal(student(infrared).output, infrared['ir'])
    if available:
        assert torch.equal(teacher(infrared).output, infrared['ir'])
        return
    with pytest.raises(KeyError, match=r"modality \['rgb'\] is not in the data, which has \['ir'"):
        teacher(infrared)


def test_another_precision_is_refused(seg_branch):
    with pytest.raises(ValueError, match="autocast='int8' of a teacher: choose float16 or bf"):
        FrozenBranch(seg_branch(), autocast='int8')
