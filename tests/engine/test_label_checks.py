"""Trainings some of whose samples have no label."""

import pytest
from mmengine.runner import Runner

from mmfkd.engine.checks import check_runner, check_test_set
from mmfkd.engine.label_checks import check_labels
from mmfkd.engine.overlap import warn_of_overlap
from mmfkd.engine.training import has_test

KD = dict(loss_kd=dict(type='KDLoss'))
DKD = dict(loss_dkd=dict(type='DKDLoss'))


def runner_of(make_runner, distiller_config, seg_branch, losses, labels, name='run'):
    model = distiller_config(losses, make=lambda modality='rgb': seg_branch(modality, classes=4))
    if not losses:
        model.teachers = {}
    return make_runner(model, name, log_level='INFO',
                       train_dataloader=dict(dataset=dict(labels=labels)))


def log(runner):
    return open(f'{runner.log_dir}/{runner.timestamp}.log').read()


@pytest.fixture
def made(make_runner, distiller_config, seg_branch):
    return lambda losses, labels: runner_of(make_runner, distiller_config, seg_branch, losses,
                                            labels)


def test_a_student_learns_without_any_label(made):
    runner = made(dict(KD, loss_feature=dict(type='FeatureLoss', balance=dict())), 'none')
    check_runner(runner)
    before = {key: value.clone() for key, value in runner.model.students.state_dict().items()}
    runner.train()
    after = runner.model.students.state_dict()
    assert all((before[key] != after[key]).any() for key in after if 'conv_seg.weight' in key)
    history = runner.message_hub.log_scalars
    assert history['train/student.decode.loss_ce'].data[0].max() == 0
    assert history['train/loss_kd.kl'].data[0].min() > 0
    assert '0 of 4 training samples have a label' in log(runner)


def unlabelled_loader():
    return dict(batch_size=2, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
                dataset=dict(type='SyntheticRGBD', num_scenes=4, size=(32, 32), labels='none',
                             pipeline=[]))


def test_a_test_set_without_labels_is_no_test(distiller_config, make_runner):
    """It is there as mmfkd predict reads files as it does."""
    runner = make_runner(
        distiller_config(), log_level='INFO', test_dataloader=unlabelled_loader(),
        test_cfg=dict(type='TestLoop'),
        test_evaluator=dict(type='mmseg.IoUMetric', iou_metrics=['mIoU']))
    check_test_set(runner)
    warn_of_overlap(runner)
    assert not has_test(runner)
    assert "labels='none': nothing is tested" in log(runner)
    assert 'trained on' not in log(runner) and 'will refuse' not in log(runner)


def test_a_run_that_predict_and_export_would_refuse_is_warned(distiller_config, make_runner):
    runner = make_runner(distiller_config(), log_level='INFO')
    check_test_set(runner)
    assert 'will refuse this run. Keep test_dataloader' in log(runner)


def test_validation_without_labels_is_refused(distiller_config, make_runner):
    runner = make_runner(distiller_config(), validate=True, val_dataloader=unlabelled_loader())
    with pytest.raises(ValueError, match=r"val_dataloader\.dataset\.labels='none' leaves nothing"):
        check_labels(runner, runner.model)


@pytest.mark.parametrize(('losses', 'message'), [
    ({}, 'no sample of train has a label, and the model has no distillation loss'),
    (DKD, 'no sample of train has a label, and loss_dkd needs labels too')])
def test_nothing_to_learn_is_refused(losses, message, made):
    with pytest.raises(ValueError, match=f'{message}, so there is nothing to learn: take .*kd'):
        check_runner(made(losses, 'none'))


def test_losses_that_need_labels_learn_from_those_that_there_are(made):
    runner = made(dict(**KD, **DKD), 0.5)
    check_runner(runner)
    assert 'loss_dkd learns from the 2 samples with a label alone' in log(runner)
    runner.train()


def classified(make_runner, config, data, name):
    """A runner of a classifier, on data that replace the scenes."""
    runner = make_runner(config, name)
    cfg = runner.cfg.copy()
    cfg.train_dataloader = dict(cfg.train_dataloader, **data)
    cfg.experiment_name += 'x'
    return Runner.from_cfg(cfg)


def test_a_classifier_that_would_count_the_unlabelled_is_refused(
        make_runner, distiller_config, cls_branch):
    config = distiller_config(KD, make=cls_branch)
    pipeline = [dict(type='RenderTextImage'), dict(type='PackPairs')]
    data = dict(dataset=dict(type='SyntheticTextImage', num_samples=4, labels=0.5,
                             size=(32, 32), pipeline=pipeline))
    for branch in (config.students.student, config.teachers.teacher):
        branch.model.head.num_classes = 5
    config.teachers = {}
    config.losses = {}
    with pytest.raises(ValueError, match='students.student.head.loss is CrossEntropyLoss, which '
                                         'counts the 2 of 4 samples without a label: set .*'
                                         "'mmfkd.LabelledCrossEntropyLoss'"):
        check_runner(classified(make_runner, config, data, 'counts'))
    config.students.student.model.head.loss.type = 'mmfkd.LabelledCrossEntropyLoss'
    check_runner(classified(make_runner, config, data, 'leaves_out'))


def test_what_compares_samples_alone_learns_from_those_without_a_label(
        make_runner, distiller_config, cls_branch, made):
    dist = dict(loss_dist=dict(type='DISTLoss'))
    with pytest.raises(ValueError, match='loss_dist needs labels too.*for masks need ignore_index'):
        check_runner(made(dist, 'none'))
    check_runner(made(dict(loss_dist=dict(type='DISTLoss', ignore_index=None)), 'none'))
    config = distiller_config(dict(loss_dist=dict(
        type='DISTLoss', student='student.logits', teacher='student.logits')), make=cls_branch)
    config.teachers = {}
    pipeline = [dict(type='RenderTextImage'), dict(type='PackPairs')]
    data = dict(dataset=dict(type='SyntheticTextImage', num_samples=4, labels='none',
                             size=(32, 32), pipeline=pipeline))
    config.students.student.model.head.update(
        num_classes=5, loss=dict(type='mmfkd.LabelledCrossEntropyLoss'))
    runner = classified(make_runner, config, data, 'free')
    check_runner(runner)
    assert 'samples with a label alone' not in log(runner)


def test_a_teacher_of_other_classes_is_refused(make_runner, distiller_config, seg_branch):
    config = distiller_config(KD, make=lambda modality='rgb': seg_branch(modality, classes=4))
    runner = make_runner(config)
    teacher = runner.model.teachers['teacher']
    names = tuple(runner.train_dataloader.dataset.metainfo['classes'])
    teacher.classes = names
    check_runner(runner)
    teacher.classes = ('sofa', *names[1:])
    with pytest.raises(ValueError, match=r"teacher 'teacher' was trained on other classes .* the "
                                         r"teacher alone has 'sofa'; the data alone has 'wall'"):
        check_runner(runner)
    teacher.classes = names[::-1]
    with pytest.raises(ValueError, match='their order differs'):
        check_runner(runner)


def test_features_of_a_teacher_of_other_classes_are_taken(make_runner, distiller_config,
                                                          seg_branch):
    config = distiller_config(dict(loss_feature=dict(type='FeatureLoss')),
                              make=lambda modality='rgb': seg_branch(modality, classes=4))
    runner = make_runner(config)
    runner.model.teachers['teacher'].classes = ('sofa',)
    check_runner(runner)


def test_a_mean_over_all_pixels_is_refused(make_runner, distiller_config, seg_branch):
    config = distiller_config(KD, make=lambda name: seg_branch(name, classes=4))
    config.students.student.model.decode_head.loss_decode = dict(type='CrossEntropyLoss')
    runner = make_runner(config, 'mean', train_dataloader=dict(dataset=dict(labels=0.5)))
    with pytest.raises(ValueError, match='students.student.decode_head.loss_decode is a mean over '
                                         'all pixels, also those of the 2 of 4 samples'):
        check_runner(runner)
