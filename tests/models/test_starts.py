"""Students that start from trained weights, and taps that are recorded where they are named."""

import pytest
import torch
from mmengine.config import ConfigDict

from mmfkd.models.routing import taps_of
from mmfkd.registry import MODELS


@pytest.fixture
def started(distiller_config, seg_branch, save_teacher):
    """A student from scratch beside one that starts from a checkpoint."""
    def make(branch=None, checkpoint=None):
        branch = branch or seg_branch('depth')
        path = checkpoint or save_teacher(seg_branch('depth'))
        students = dict(student=seg_branch('rgb'), teacher=dict(branch, checkpoint=str(path)))
        loss = dict(type='KDLoss', student='student.logits', teacher='teacher.logits')
        return MODELS.build(distiller_config(dict(loss_kd=loss), teachers={}, students=students))
    return make


def test_a_student_starts_from_its_checkpoint_and_the_other_from_scratch(started, save_teacher,
                                                                         seg_branch):
    path = save_teacher(seg_branch('depth'), 'start.pth')
    model = started(checkpoint=path)
    saved = torch.load(path, weights_only=False)['state_dict']
    key = 'students.teacher.model.backbone.conv1.weight'
    of_file = saved['students.student.model.backbone.conv1.weight']
    assert not torch.equal(model.state_dict()[key], of_file)
    before = model.state_dict()['students.student.model.backbone.conv1.weight'].clone()
    model.init_weights()
    own = model.students.teacher.model.state_dict()
    assert all(torch.equal(value, saved[f'students.student.model.{name}'])
               for name, value in own.items())
    after = model.state_dict()['students.student.model.backbone.conv1.weight']
    assert after.shape == before.shape and not torch.equal(after[:, :1], of_file)


def test_it_is_trained_and_in_the_checkpoint(started, seg_batch):
    model = started()
    model.init_weights()
    weight = 'students.teacher.model.backbone.conv1.weight'
    assert weight in model.state_dict() and weight in dict(model.named_parameters())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = model.state_dict()[weight].clone()
    losses = model(**model.data_preprocessor(seg_batch(), True), mode='loss')
    sum(value for key, value in losses.items() if 'loss' in key).backward()
    optimizer.step()
    assert not torch.equal(model.state_dict()[weight], before)


def test_a_missing_start_is_an_error_before_training(started, tmp_path):
    model = started(checkpoint=tmp_path / 'nothing.pth')
    with pytest.raises(FileNotFoundError, match='checkpoint missing'):
        model.init_weights()


def test_a_start_of_another_architecture_is_an_error(started, seg_branch, save_teacher):
    wide = save_teacher(seg_branch('depth', width=12), 'wide.pth')
    with pytest.raises(ValueError, match='another architecture'):
        started(checkpoint=wide).init_weights()


def test_only_taps_that_losses_name_are_recorded(distiller, seg_batch, monkeypatch):
    model = distiller(dict(loss_kd=dict(type='KDLoss'), loss_feature=dict(type='FeatureLoss')))
    assert {'feat', 'logits'} <= set(model.student.taps.names)
    assert model.loss_taps == {'student.feat', 'student.logits', 'teacher.feat',
                               'teacher.logits'}
    alone = distiller(dict(loss_kd=dict(type='KDLoss')))
    assert taps_of(alone.loss_taps, 'student') == ['logits']
    seen = []
    recording = alone.student.taps.recording
    monkeypatch.setattr(alone.student.taps, 'recording',
                        lambda names=None: seen.append(names) or recording(names))
    alone(**alone.data_preprocessor(seg_batch(), True), mode='loss')
    assert seen == [['logits']]


def test_a_tap_that_never_fires_is_no_error_unless_it_is_recorded(seg_branch, seg_batch):
    branch = seg_branch('rgb')
    branch['taps'] = dict(branch['taps'], silent='decode_head')
    model = MODELS.build(ConfigDict(
        type='CrossModalDistiller', students=dict(student=branch),
        data_preprocessor=dict(type='MultiModalDataPreprocessor')))
    inputs = model.data_preprocessor(seg_batch(), True)['inputs']
    output, feats, _ = model.student(inputs, record=['logits'])
    assert list(feats) == ['logits']
    with pytest.raises(RuntimeError, match="'silent'"):
        model.student(inputs)
