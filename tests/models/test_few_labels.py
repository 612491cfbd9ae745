"""The weight of the task beside distillation where only some samples have a label."""

import pytest
import torch
from torch.nn import functional as F

KD = dict(loss_kd=dict(type='KDLoss', student='student.logits', teacher='teacher.logits',
                       temperature=2.0))


@pytest.fixture
def labelled_cls_branch(cls_branch):
    def make(modality='rgb'):
        branch = cls_branch(modality)
        branch.model.head.loss = dict(type='mmfkd.LabelledCrossEntropyLoss')
        return branch
    return make


def losses_of(model, batch):
    data = model.data_preprocessor(batch, training=True)
    return model.train()(data['inputs'], data['data_samples'], mode='loss')


def logits_of(model, batch):
    data = model.data_preprocessor(batch, training=True)
    return model.features(data['inputs'], ['student.logits'])['student.logits']


@pytest.mark.parametrize('losses', [{}, KD])
@pytest.mark.parametrize('labels', [(0, 1, 2, 3), (0, -100, 2, -100), (-100, -100, 3, -100)])
def test_every_sample_counts_alike_beside_a_teacher(losses, labels, distiller,
                                                    labelled_cls_branch, cls_batch):
    model, batch = distiller(losses, labelled_cls_branch), cls_batch(labels)
    task = losses_of(model, batch)['student.loss']
    logits = logits_of(model, batch)
    each = [F.cross_entropy(row, torch.tensor(label)).item()
            for row, label in zip(logits, labels, strict=True) if label >= 0]
    expected = sum(each) / (len(labels) if losses else len(each))
    assert task.item() == pytest.approx(expected, rel=1e-5)


def test_a_balance_refers_to_the_labelled_samples_alone(distiller, labelled_cls_branch,
                                                        cls_batch):
    """The weight of a loss does not fall with the share of the labels, as the task's does."""
    balanced = dict(loss_kd=dict(KD['loss_kd'], balance=dict(ratio=1.0)))
    model, batch = distiller(balanced, labelled_cls_branch), cls_batch((0, -100, -100, -100))
    losses_of(model, batch)
    data = model.data_preprocessor(batch, training=True)
    logits, teacher = model.features(data['inputs'], ['student.logits', 'teacher.logits']).values()
    task = logits[0].softmax(0) - F.one_hot(torch.tensor(0), logits.size(1))
    kd = 2 * ((logits / 2).softmax(1) - (teacher / 2).softmax(1)) / 4
    assert model.balances.loss_kd.weight.item() == pytest.approx(
        (task.norm() / kd.norm()).item(), rel=1e-4)


@pytest.mark.parametrize(('paths', 'share'), [
    (('a.png', 'b.png'), 1), (('a.png', None), 0.5), ((None, None), 0)])
def test_images_without_a_label_file_do_not_count(paths, share, distiller, seg_batch):
    model, batch = distiller(dict(KD)), seg_batch()
    model.students.student.model.decode_head.dropout = None
    whole = losses_of(model, batch)['student.decode.loss_ce'].item()
    for sample, path in zip(batch['data_samples'], paths, strict=True):
        sample.set_metainfo(dict(seg_map_path=path))
    assert losses_of(model, batch)['student.decode.loss_ce'].item() == pytest.approx(
        share * whole, rel=1e-5)
