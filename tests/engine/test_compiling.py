"""A student whose backbone is compiled learns what one learns that is not."""

from types import SimpleNamespace

import pytest
import torch
from torch._dynamo.utils import counters
from torch.testing import assert_close

from mmfkd.engine import CompileHook
from mmfkd.engine.hooks.compiling import untapped_parts
from mmfkd.models import Branch

HOOK = dict(type='CompileHook', options=dict(backend='aot_eager', dynamic=False))
KD = dict(type='KDLoss')
FEATURE = dict(type='FeatureLoss')
STAGE = dict(type='FeatureLoss', student='student.stage', teacher='teacher.stage')


@pytest.fixture
def fresh():
    """Nothing is compiled, and nothing is counted, before and after."""
    torch._dynamo.reset()
    counters.clear()
    yield
    torch._dynamo.reset()
    counters.clear()


@pytest.fixture
def trained(distiller_config, seg_branch, save_teacher, make_runner, tmp_path):
    """``trained(name, losses, hooks)``: a runner after two steps and a validation."""
    def staged(modality):
        branch = seg_branch(modality)
        branch.taps.stage = 'backbone.layer1.1.relu@in'
        return branch

    def train(name, losses, hooks=()):
        torch.manual_seed(0)  # of the teacher
        branch = staged('depth')
        teacher = dict(branch, checkpoint=str(save_teacher(branch)))
        runner = make_runner(distiller_config(losses, teachers=dict(teacher=teacher),
                                              students=dict(student=staged('rgb'))),
                             name, custom_hooks=list(hooks), validate=True)
        runner.train()
        return runner
    return train


@pytest.mark.parametrize('losses', [
    dict(loss_kd=KD), dict(loss_feature=FEATURE), dict(loss_stage=STAGE),
    dict(loss_kd=KD, loss_stage=dict(STAGE, balance=dict(ratio=0.5)))])
def test_weights_are_those_of_a_run_that_is_not_compiled(fresh, trained, losses):
    plain = trained('plain', losses)
    assert not counters['stats']
    compiled = trained('compiled', losses, [HOOK])
    assert counters['stats']['unique_graphs'] >= 2  # a part in training, and in validation
    assert not counters['graph_break']
    assert_close(compiled.model.state_dict(), plain.model.state_dict(), rtol=1e-4, atol=1e-6)


def test_compiled_are_the_largest_parts_without_a_tap(seg_branch):
    branch = Branch(**seg_branch())
    stage = branch.model.backbone
    # The tap is at layer2.1.relu, whose block has leaves alone.
    assert list(untapped_parts(branch)) == [stage.layer1, stage.layer2[0]]
    branch = Branch(**{**seg_branch(), 'taps': dict(logits='decode_head.conv_seg')})
    assert list(untapped_parts(branch)) == [branch.model.backbone]


def test_checkpoints_open_without_compilation(fresh, trained, tmp_path):
    compiled = trained('compiled', dict(loss_kd=KD), [HOOK])
    kept = torch.load(tmp_path / 'compiled' / 'epoch_1.pth', weights_only=False)['state_dict']
    assert kept.keys() == trained('plain', dict(loss_kd=KD)).model.state_dict().keys()
    assert_close(kept, compiled.model.state_dict())


@pytest.mark.parametrize(('modality', 'students', 'message'), [
    ('rgb', ['other'], r"no student 'other'; the model has \['student'\]"),
    ('rgb', None, "student 'student' is no network of one modality that has a backbone"),
    (('rgb', 'depth'), None, "student 'student' is no network of one modality")])
def test_what_cannot_be_compiled_is_named(stub_branch, modality, students, message):
    branch = stub_branch(lambda inputs, samples: inputs, modality)
    if modality != 'rgb':
        branch.model.backbone = torch.nn.Identity()
    runner = SimpleNamespace(model=SimpleNamespace(students={'student': branch}))
    with pytest.raises(ValueError, match=message):
        CompileHook(students).before_train(runner)
