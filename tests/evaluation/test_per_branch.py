"""Heads and second students are evaluated apart, and TestMaximumHook takes the best of all."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.runner import Runner
from sklearn.metrics import accuracy_score
from torch.nn import functional as F

from mmfkd.engine.hooks import TestMaximumHook
from mmfkd.evaluation import PerBranchMetric
from mmfkd.models.losses import split_bands
from mmfkd.registry import MODELS

CLASSES = 4
HEADS = dict(type='BandClassifier', in_channels=16, num_classes=CLASSES)
FDKD = dict(loss_fdkd=dict(type='FrequencyDecoupledLoss', align=HEADS, task=HEADS))
METRIC = dict(type='mmpretrain.Accuracy', topk=(1,))


@pytest.fixture
def model(distiller, cls_branch):
    return distiller(FDKD, make=cls_branch).eval()


def predict(model, batch):
    with torch.no_grad():
        return model(**model.data_preprocessor(batch), mode='predict')


def test_heads_predict_from_the_bands_of_the_students_feature(model, cls_batch):
    batch = cls_batch((0, 1, 2, 3))
    samples = predict(model, batch)
    inputs = model.data_preprocessor(cls_batch((0, 1, 2, 3)))['inputs']
    inputs['rgb'] = model.data_preprocessor(batch)['inputs']['rgb']
    feat = model.student(inputs, mode='tensor')[1]['feat']
    for head, layer, band in zip(('low', 'high'), (model.losses.loss_fdkd.task.low,
                                                  model.losses.loss_fdkd.task.high),
                                 split_bands(feat), strict=True):
        scores = layer(band.relu()).softmax(1)
        got = torch.stack([s.predictions[f'fdkd.{head}']['pred_score'] for s in samples])
        torch.testing.assert_close(got, scores)
        assert [int(s.predictions[f'fdkd.{head}']['pred_label']) for s in samples] == \
            scores.argmax(1).tolist()


def test_a_second_student_predicts_what_it_predicts_alone(distiller, cls_branch, cls_batch):
    model = distiller(students=dict(rgb=cls_branch('rgb'), depth=cls_branch('depth')),
                      teachers={}).eval()
    batch = cls_batch((0, 1, 2))
    samples = predict(model, batch)
    data = model.data_preprocessor(batch)
    alone = model.students['depth'](**data, mode='predict')[0]
    for sample, other in zip(samples, alone, strict=True):
        assert torch.equal(sample.predictions['depth']['pred_score'], other.pred_score)
        assert not torch.equal(sample.pred_score, other.pred_score)


def test_without_heads_and_second_students_nothing_is_added(distiller, cls_branch, cls_batch):
    sample = predict(distiller(make=cls_branch).eval(), cls_batch())[0]
    assert 'predictions' not in sample


def test_heads_on_maps_predict_at_the_size_of_the_labels(distiller, seg_batch):
    model = distiller(FDKD).eval()
    batch = seg_batch(sizes=((32, 40), (24, 32)))
    for size, sample in zip(((32, 40), (24, 32)), predict(model, batch), strict=True):
        for name in ('fdkd.low', 'fdkd.high'):
            data = sample.predictions[name]['pred_sem_seg']['data']
            assert data.shape == sample.pred_sem_seg.data.shape == (1, *size)


def sample(label, main, low):
    def one_hot(i):
        return F.one_hot(torch.tensor(i), CLASSES).float()
    return dict(gt_label=torch.tensor([label]), pred_score=one_hot(main),
                predictions={'fdkd.low': dict(pred_score=one_hot(low))})


def test_each_head_has_its_own_accuracy_and_the_student_keeps_its_name():
    labels, main, low = [0, 1, 2, 3, 0], [0, 1, 2, 0, 1], [0, 0, 0, 0, 0]
    metric = PerBranchMetric(METRIC)
    evaluator = Evaluator([metric])
    evaluator.dataset_meta = dict(classes='abcd')
    for batch in (slice(0, 3), slice(3, 5)):
        metric.process({}, [sample(*values) for values in
                            zip(labels[batch], main[batch], low[batch], strict=True)])
    metrics = evaluator.evaluate(5)
    assert metrics == pytest.approx({
        'accuracy/top1': 100 * accuracy_score(labels, main),
        'fdkd.low/accuracy/top1': 100 * accuracy_score(labels, low)})
    metric.process({}, [dict(sample(0, 0, 0), predictions={})])
    assert metric.evaluate(1) == {'accuracy/top1': 100.0}


def test_the_mean_is_over_the_student_and_what_is_named():
    metric = PerBranchMetric(METRIC, mean=['fdkd.low'])
    metric.dataset_meta = dict(classes='abcd')
    metric.process({}, [sample(0, 0, 1), sample(1, 1, 1), sample(2, 2, 1), sample(3, 0, 1)])
    assert metric.evaluate(4) == pytest.approx({
        'accuracy/top1': 75, 'fdkd.low/accuracy/top1': 25, 'mean/accuracy/top1': 50})


def test_a_mean_over_what_does_not_predict_is_refused():
    metric = PerBranchMetric(METRIC, mean=['fdkd.high'])
    metric.dataset_meta = dict(classes='abcd')
    metric.process({}, [sample(0, 0, 1)])
    with pytest.raises(ValueError, match=r"\['fdkd.high'\] do not predict, but \['fdkd.low'\] do"):
        metric.evaluate(1)


class GivenLoop:
    """A test loop whose metrics are given."""

    def __init__(self, *metrics):
        self.metrics = iter(metrics)

    def run(self):
        return next(self.metrics)


def test_the_maximum_is_over_epochs_and_heads(make_runner, distiller_config, monkeypatch):
    runner = make_runner(distiller_config(teachers={}))
    loop = GivenLoop({'a/top1': 10.0, 'low/a/top1': 30.0}, {'a/top1': 20.0, 'low/a/top1': 5.0,
                                                       'other': 90.0})
    monkeypatch.setattr(Runner, 'test_loop', loop)
    hook = TestMaximumHook('a/top1')
    hook.after_train_epoch(runner)
    hook.after_train_epoch(runner)
    assert runner.message_hub.get_info('test_maximum_student') == 30.0


def test_what_a_network_says_of_fewer_modalities_is_no_maximum_of_it(monkeypatch):
    student = SimpleNamespace(subsets=(('ir',), ('rgb', 'ir')))
    hub = {}
    runner = SimpleNamespace(
        cfg=dict(default_hooks=dict(checkpoint=dict(save_best='mean/mIoU'))),
        model=SimpleNamespace(students=dict(student=student), student=student),
        message_hub=SimpleNamespace(get_info=hub.get, update_info=hub.__setitem__),
        test_loop=GivenLoop({'mIoU': 60.0, 'ir/mIoU': 40.0, 'rgb+ir/mIoU': 65.0,
                             'mean/mIoU': 70.0, 'fdkd.low/mIoU': 61.0}))
    hook = TestMaximumHook()
    hook.before_train(runner)
    hook.after_train_epoch(runner)
    assert hub == dict(test_maximum_student=61.0)


def test_a_maximum_of_no_metric_is_refused():
    with pytest.raises(KeyError, match='set metric of the hook'):
        TestMaximumHook().before_train(SimpleNamespace(cfg={}))


def test_the_maximum_is_over_validations_where_iterations_are_counted(
        make_runner, distiller_config, monkeypatch):
    runner = make_runner(distiller_config(teachers={}))
    runner.cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=4, val_interval=2)
    monkeypatch.setattr(Runner, 'test_loop', GivenLoop({'a/top1': 30.0}, {'a/top1': 20.0}))
    hook = TestMaximumHook('a/top1')
    for _ in range(2):
        hook.after_val_epoch(runner, {})
    hook.after_train_epoch(runner)
    assert runner.message_hub.get_info('test_maximum_student') == 30.0


def test_an_average_is_out_of_the_model_before_its_test_puts_it_in(
        make_runner, distiller_config, monkeypatch):
    """EMAHook exchanges the weights before and behind a validation, and so for a test."""
    seen = []

    class Loop:
        def run(self):
            seen.append(runner.model.student.model.decode_head.conv_seg.weight.clone())
            return {'mIoU': 1.0}

    runner = make_runner(
        distiller_config(teachers={}), validate=True,
        default_hooks=dict(test_maximum=dict(type='TestMaximumHook', metric='mIoU')),
        custom_hooks=[dict(type='EMAHook', momentum=0.1)],
        train_cfg=dict(_delete_=True, type='IterBasedTrainLoop', max_iters=2, val_interval=2))
    monkeypatch.setattr(Runner, 'test_loop', Loop())
    runner.train()
    trained, = seen
    assert torch.equal(trained, runner.model.student.model.decode_head.conv_seg.weight)


def test_each_student_has_a_maximum_of_its_own(make_runner, distiller_config, seg_branch,
                                               monkeypatch):
    students = dict(audio=seg_branch('rgb'), visual=seg_branch('depth'))
    runner = make_runner(distiller_config(teachers={}, students=students), name='two')
    monkeypatch.setattr(Runner, 'test_loop', GivenLoop({
        'a/top1': 10.0, 'v2a.low/a/top1': 30.0, 'visual/a/top1': 80.0,
        'visual.a2v.high/a/top1': 90.0}))
    TestMaximumHook('a/top1').after_train_epoch(runner)
    assert runner.message_hub.get_info('test_maximum_audio') == 30.0
    assert runner.message_hub.get_info('test_maximum_visual') == 90.0


def test_heads_of_a_second_student_carry_its_name(distiller, cls_branch, cls_batch):
    losses = dict(loss_a2v=dict(FDKD['loss_fdkd'], student='visual.feat', teacher='audio.feat'))
    model = distiller(losses, students=dict(audio=cls_branch('rgb'), visual=cls_branch('depth')),
                      teachers={}).eval()
    assert set(predict(model, cls_batch())[0].predictions) == {
        'visual', 'visual.a2v.low', 'visual.a2v.high'}


def test_a_run_without_a_test_set_has_no_maximum(make_runner, distiller_config):
    runner = make_runner(distiller_config(teachers={}))
    TestMaximumHook('a/top1').after_train_epoch(runner)
    assert runner.message_hub.get_info('test_maximum_student', None) is None


def test_an_unknown_metric_of_the_maximum_is_named(make_runner, distiller_config, monkeypatch):
    monkeypatch.setattr(Runner, 'test_loop', GivenLoop({'mIoU': 1.0}))
    with pytest.raises(KeyError, match=r"metric='a/top1' of 'student' is not among \['mIoU'\]"):
        TestMaximumHook('a/top1').after_train_epoch(make_runner(distiller_config(teachers={})))


def test_the_distiller_has_no_parts_that_predict_by_default():
    loss = MODELS.build(dict(type='FrequencyDecoupledLoss'))
    assert not loss.predicts and loss.predictions(torch.rand(2, 16)) == {}
