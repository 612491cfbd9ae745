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
    """Nothing is compiled, and nothing is counted, before and after; limits stay as they are."""
    limit = torch._dynamo.config.recompile_limit
    torch._dynamo.reset()
    counters.clear()
    yield
    torch._dynamo.reset()
    counters.clear()
    torch._dynamo.config.recompile_limit = limit


@pytest.fixture
def trained(distiller_config, seg_branch, save_teacher, make_runner, tmp_path):
    """``trained(name, losses, hooks, validate)``: a runner after two steps, and a validation."""
    def staged(modality):
        branch = seg_branch(modality)
        branch.taps.stage = 'backbone.layer1.1.relu@in'
        return branch

    def train(name, losses, hooks=(), validate=True):
        torch.manual_seed(0)  # of the teacher
        branch = staged('depth')
        teacher = dict(branch, checkpoint=str(save_teacher(branch)))
        runner = make_runner(distiller_config(losses, teachers=dict(teacher=teacher),
                                              students=dict(student=staged('rgb'))),
                             name, custom_hooks=list(hooks), validate=validate)
        runner.train()
        return runner
    return train


# Graphs in training: the backbone; layer1.0, which layer1.1 shares, and layer2.0; layer1.0,
# layer2.0 and layer2.1.
@pytest.mark.parametrize(('losses', 'graphs'), [
    (dict(loss_kd=KD), 1), (dict(loss_feature=FEATURE), 2), (dict(loss_stage=STAGE), 3),
    (dict(loss_kd=KD, loss_stage=dict(STAGE, balance=dict(ratio=0.5))), 3)])
def test_weights_are_those_of_a_run_that_is_not_compiled(fresh, trained, losses, graphs):
    plain = trained('plain', losses, validate=False)
    assert not counters['stats']
    compiled = trained('compiled', losses, [HOOK], validate=False)
    assert counters['stats']['unique_graphs'] == graphs
    assert not counters['graph_break']
    assert_close(compiled.model.state_dict(), plain.model.state_dict(), rtol=1e-4, atol=1e-6)


def test_validation_is_compiled_too(fresh, trained):
    trained('compiled', dict(loss_feature=FEATURE), [HOOK])
    assert counters['stats']['unique_graphs'] == 4
    assert torch._dynamo.config.recompile_limit >= 12


def test_what_a_hook_records_is_not_compiled(fresh, trained):
    hooks = [HOOK, dict(type='FeatureSimilarityHook', interval=1)]
    trained('compiled', dict(loss_kd=KD), hooks, validate=False)
    assert not counters['graph_break']


def test_compiled_are_the_largest_parts_without_a_tap(seg_branch):
    branch = Branch(**seg_branch())
    backbone = branch.model.backbone
    assert list(untapped_parts(branch, [])) == [backbone]
    assert list(untapped_parts(branch, ['logits'])) == [backbone]
    # The tap is at layer2.1.relu, whose block has leaves alone; a stage is a Sequential.
    assert list(untapped_parts(branch, ['feat'])) == [
        backbone.layer1[0], backbone.layer1[1], backbone.layer2[0]]


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
    runner = SimpleNamespace(hooks=[], model=SimpleNamespace(
        loss_taps=set(), students={'student': branch}))
    with pytest.raises(ValueError, match=message):
        CompileHook(students).before_train(runner)
