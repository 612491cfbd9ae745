"""Features of a split: whose they are, in which order, and at which places of a map."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from torch import nn
from torch.nn import functional as F

from mmfkd.analysis.features import (
    collect_features,
    draw_vectors,
    feature_batches,
    spread_loader,
)
from mmfkd.analysis.similarity import linear_cka
from mmfkd.cli.analyze.options import measurable, split_loader

KEYS = ['student.feat', 'teacher.feat']


def alive(model):
    """With the means that they were saved with, the ReLUs of the teachers are dead."""
    for module in model.teachers['teacher'].modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.zero_()
    return model


@pytest.fixture
def seg_model(distiller, seg_branch, save_teacher):
    """A student of width 16 and a teacher of width 32, without any loss."""
    branch = seg_branch('depth', width=16)
    teacher = dict(branch, checkpoint=str(save_teacher(branch)))
    return alive(distiller(teachers=dict(teacher=teacher)))


@pytest.fixture
def cls_model(distiller, cls_branch):
    return alive(distiller(make=cls_branch))


def by_hand(branch, inputs, name='feat'):
    """The input of the last ReLU, or what the neck returns, caught by a hook of the test's own."""
    caught = []
    if name == 'neck':
        module, register = branch.model.neck, 'register_forward_hook'
    else:
        module, register = branch.model.backbone.layer2[1].relu, 'register_forward_pre_hook'
    handle = getattr(module, register)(lambda module, args, *output: caught.append(
        (output[0][0] if output else args[0]).clone()))
    with torch.no_grad():
        branch.model.eval()(branch.norms[branch.modality](inputs[branch.modality]))
    handle.remove()
    return caught[-1]


def test_maps_and_labels_of_a_split(seg_model, seg_batch):
    loader = [seg_batch(), seg_batch()]
    seg_model.train()
    before = {key: value.clone() for key, value in seg_model.state_dict().items()}
    found = collect_features(seg_model, loader, KEYS)
    assert seg_model.training and seg_model.student.model.training
    assert all(torch.equal(value, before[key]) for key, value in seg_model.state_dict().items())
    assert {key: x.shape for key, x in found.values.items()} == {
        'student.feat': (4, 16, 4, 4), 'teacher.feat': (4, 32, 4, 4)}
    seg_model.eval()
    for i, batch in enumerate(loader):
        inputs = seg_model.data_preprocessor(batch)['inputs']
        for key, branch in (('student.feat', seg_model.student),
                            ('teacher.feat', seg_model.teachers['teacher'])):
            assert np.allclose(found.values[key][2 * i:2 * i + 2], by_hand(branch, inputs),
                               atol=1e-6)
            assert found.values[key].std((0, 2, 3)).max() > 1e-3
        labels = torch.cat([s.gt_sem_seg.data for s in batch['data_samples']])
        assert np.array_equal(found.labels[2 * i:2 * i + 2], labels[:, ::8, ::8])


def test_vectors_and_labels_of_a_split(cls_model, cls_batch):
    loader = [cls_batch((0, 3)), cls_batch((1, 2))]
    found = collect_features(cls_model, loader, KEYS, pixels=5)
    assert found.labels.tolist() == [0, 3, 1, 2]
    inputs = cls_model.data_preprocessor(loader[1])['inputs']
    for key, branch in (('student.feat', cls_model.student),
                        ('teacher.feat', cls_model.teachers['teacher'])):
        assert found.values[key].shape == (4, 16) and found.values[key].dtype == np.float32
        assert np.allclose(found.values[key][2:], by_hand(branch, inputs, 'neck'), atol=1e-6)


def test_only_the_named_taps_in_their_order(cls_model, cls_batch):
    keys = ['teacher.logits', 'student.feat']
    (feats, _), = feature_batches(cls_model, [cls_batch()], keys)
    assert list(feats) == keys and feats['teacher.logits'].shape == (2, 4)
    assert not any(feat.requires_grad for feat in feats.values())


def test_the_limit_counts_samples(cls_model, cls_batch):
    served = []

    def loader():
        for i in range(4):
            served.append(i)
            yield cls_batch((i, 3))

    found = collect_features(cls_model, loader(), KEYS, limit=3)
    assert found.labels.tolist() == [0, 3, 1] and served == [0, 1]
    assert not any(len(x) != 3 for x in found.values.values())


@pytest.mark.parametrize(('limit', 'places'), [
    (4, [0, 3, 6, 9]), (1, [0]), (None, list(range(10))), (99, list(range(10)))])
def test_a_limit_is_spread_over_the_split(limit, places):
    config = dict(batch_size=3, num_workers=0, dataset=list(range(10)),
                  sampler=dict(type='DefaultSampler', shuffle=False))
    for loader in (spread_loader(config, limit),
                   split_loader(Config(dict(val_dataloader=config)), 'val', limit)):
        assert [place for batch in loader for place in batch] == places
        assert len(loader.dataset) == 10


def test_what_cannot_be_collected_is_refused(cls_model, cls_batch, seg_model, seg_batch):
    with pytest.raises(ValueError, match='student.feet: no such tap. .* have student.feat, '):
        collect_features(cls_model, [cls_batch()], ['student.feet'])
    with pytest.raises(ValueError, match='no batch'):
        collect_features(cls_model, [])
    with pytest.raises(ValueError, match='limit=0'):
        collect_features(cls_model, [cls_batch()], limit=0)
    loader = [seg_batch(), seg_batch(sizes=((48, 32),))]
    with pytest.raises(ValueError, match='differ in size'):
        collect_features(seg_model, loader)
    assert collect_features(seg_model, loader, pixels=3).values[KEYS[0]].shape == (9, 16)
    with pytest.raises(ValueError, match='pixels=0'):
        collect_features(seg_model, loader, pixels=0)


def test_a_failure_leaves_the_model_in_its_mode(cls_model, cls_batch):
    cls_model.train()
    for _ in feature_batches(cls_model, [cls_batch(), cls_batch()], KEYS):
        break
    with pytest.raises(KeyError):
        list(feature_batches(cls_model, [dict(inputs={}, data_samples=[])], KEYS))
    assert cls_model.training and cls_model.student.model.training


# ---------------------------------------------------------------- places of a map


class Sample(dict):
    """A data sample with a label map."""

    def __init__(self, label):
        super().__init__(gt_sem_seg=label)
        self.gt_sem_seg = type('Data', (), dict(data=label[None]))


def marked(size, channels, images=2):
    """A map whose channels say image, row and column."""
    rows, columns = torch.meshgrid(*(torch.arange(n) for n in size), indexing='ij')
    maps = torch.stack([torch.stack([torch.full(size, float(i)), rows, columns]
                                    + [rows * 0] * (channels - 3)) for i in range(images)])
    return maps.float()


def draw(feats, samples, pixels, seed=0):
    return draw_vectors(feats, samples, pixels, torch.Generator().manual_seed(seed))


def test_both_branches_are_read_at_the_same_places():
    labels = torch.arange(64).view(8, 8) % 5
    feats = dict(student=marked((8, 8), 4), teacher=marked((8, 8), 3))
    rows, found = draw(feats, [Sample(labels), Sample(labels)], 6)
    assert rows['student'].shape == (12, 4) and rows['teacher'].shape == (12, 3)
    assert torch.equal(rows['student'][:, :3], rows['teacher'])
    image, row, column = rows['teacher'].long().T
    assert image.tolist() == [0] * 6 + [1] * 6
    assert torch.equal(found, labels[row, column])
    assert len({tuple(place) for place in rows['teacher'].tolist()}) == 12


def test_places_without_a_label_are_not_drawn():
    labels = torch.full((8, 8), 255)
    labels[2, 3], labels[5, 7] = 1, 4
    nothing = torch.full((8, 8), 255)
    rows, found = draw(dict(x=marked((8, 8), 3)), [Sample(labels), Sample(nothing)], 6)
    assert sorted(rows['x'].tolist()) == [[0, 2, 3], [0, 5, 7]]
    assert sorted(found.tolist()) == [1, 4]


def test_labels_are_taken_at_the_size_of_the_map():
    labels = torch.zeros(8, 8, dtype=torch.long)
    labels[4:, 4:] = 3
    rows, found = draw(dict(x=marked((2, 2), 3, images=1)), [Sample(labels)], 9)
    assert sorted(zip(rows['x'][:, 1:].sum(1).tolist(), found.tolist(), strict=True)) == [
        (0, 0), (1, 0), (1, 0), (2, 3)]


def test_the_student_is_resized_to_the_teacher_as_in_the_loss():
    student, teacher = torch.randn(1, 3, 4, 4), marked((8, 8), 3, images=1)
    rows, _ = draw(dict(student=student, teacher=teacher), [{}], 64)
    resized = F.interpolate(student, size=(8, 8), mode='bilinear', align_corners=False)
    _, row, column = rows['teacher'].long().T
    assert torch.allclose(rows['student'], resized[0, :, row, column].T)


def test_the_seed_decides_the_places():
    feats = dict(x=marked((8, 8), 3))
    draws = [draw(feats, [{}, {}], 6, seed)[0]['x'].tolist() for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]


@pytest.mark.parametrize('shapes', [((2, 3), (2, 3, 4, 4)), ((2, 5, 3), (2, 5, 3)),
                                    ((2, 2, 3, 4, 4), (2, 2, 3, 4, 4))])
def test_taps_of_other_kinds_are_refused(shapes):
    feats = dict(zip('ab', map(torch.zeros, shapes), strict=True))
    with pytest.raises(ValueError, match="taps of the same kind.*'pool'"):
        draw(feats, [{}, {}], 2)


def test_a_measure_that_takes_no_tap_is_said(cls_model, cls_batch):
    with pytest.raises(ValueError, match='no tap is left'):
        measurable(cls_model, [cls_batch()], ['student.feat'],
                   lambda key, feat: linear_cka(feat, feat[:1]))
