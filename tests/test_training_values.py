"""Values of a config that decide a training, and others that may change on resuming it."""

import pytest
from mmengine.config import Config

from mmfkd.checkpoints.settings import changed_values, training_values

BASE = dict(
    model=dict(type='X', teachers=dict(teacher=dict(checkpoint='a.pth')),
               losses=dict(loss_kd=dict(type='KDLoss', weight=1.0))),
    optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1, betas=(0.9, 0.99))),
    train_dataloader=dict(batch_size=4, num_workers=2, dataset=dict(
        data_root='data/x', pipeline=[dict(type='Load'), dict(type='Flip', prob=0.5)])),
    randomness=dict(seed=0), train_cfg=dict(max_epochs=3), default_hooks=dict(
        ramp=dict(type='LossWeightHook', loss='loss_kd', start=0.1, stop=1.0)))


@pytest.mark.parametrize(('key', 'value', 'told'), [
    ('optim_wrapper.optimizer.lr', 0.2, 'optim_wrapper.optimizer.lr=0.1, and now 0.2'),
    ('model.losses.loss_kd.weight', 2.0, 'model.losses.loss_kd.weight=1.0, and now 2.0'),
    ('train_dataloader.dataset.pipeline.1.prob', 0.0,
     'train_dataloader.dataset.pipeline.1.prob=0.5, and now 0.0'),
    ('randomness.seed', 1, 'randomness.seed=0, and now 1'),
    ('optim_wrapper.type', 'AmpOptimWrapper',
     'optim_wrapper.type=None, and now AmpOptimWrapper'),
    ('optim_wrapper.optimizer.betas', [0.9, 0.99], None),
    ('train_dataloader.num_workers', 0, None), ('train_dataloader.dataset.data_root', '/y', None),
    ('model.teachers.teacher.checkpoint', '/elsewhere/a.pth', None),
    ('default_hooks.ramp.stop', 3.0, 'hooks.ramp.stop=1.0, and now 3.0'),
    ('default_hooks.logger', dict(interval=1), None), ('train_cfg.max_epochs', 9, None)])
def test_what_decides_a_training_is_compared(key, value, told):
    cfg = Config(BASE)
    cfg.merge_from_dict({key: value})
    changed = changed_values(training_values(Config(BASE)), training_values(cfg))
    assert changed == ([told] if told else [])


def test_an_architecture_counts_and_the_path_of_a_config_does_not():
    def values(**student):
        return training_values(Config(dict(model=dict(students=dict(student=student)))))

    key = 'model.students.student.backbone.config'
    small, large = (values(config='a.py', backbone=dict(type='HFEncoder', config=dict(heads=n)))
                    for n in (2, 4))
    assert changed_values(small, large) == [f'{key}.heads=2, and now 4']
    elsewhere = values(config='b.py', backbone=dict(type='HFEncoder', config=dict(heads=2)))
    assert changed_values(small, elsewhere) == []
    # An earlier version left it out.
    assert changed_values(values(backbone=dict(type='HFEncoder')), large) == []


def test_a_moving_average_that_comes_or_goes_is_told():
    cfg = Config(BASE)
    cfg.custom_hooks = [dict(type='Other', x=1), dict(type='mmengine.EMAHook', momentum=0.1)]
    plain, averaged = training_values(Config(BASE)), training_values(cfg)
    assert changed_values(plain, averaged) == ['hooks.0.momentum=None, and now 0.1',
                                               'hooks.0.type=None, and now mmengine.EMAHook']


@pytest.mark.parametrize(('key', 'value', 'told'), [
    ('model.students.student.init_cfg', dict(type='Pretrained', checkpoint='a.pth'),
     ['model.students.student.init_cfg.checkpoint=None, and now a.pth',
      'model.students.student.init_cfg.type=None, and now Pretrained']),
    ('model.teachers.teacher.checkpoint', 'b.pth',
     ['model.teachers.teacher.checkpoint=a.pth, and now b.pth']),
    ('train_dataloader.dataset.label', dict(folder='other'),
     ['train_dataloader.dataset.label.folder=None, and now other']),
    ('train_dataloader.dataset.data_root', '/y', []),
    ('train_dataloader.dataset.modalities', dict(fused=dict(folder='/here')), []),
    ('model.teachers.teacher.cache', dict(folder='/here'), [])])
def test_runs_differ_by_the_weights_they_start_from_and_by_folders_of_data(key, value, told):
    cfg = Config(BASE)
    cfg.merge_from_dict({key: value})
    for whole in (True, False):
        changed = changed_values(training_values(Config(BASE), whole=whole),
                                 training_values(cfg, whole=whole))
        assert changed == (told if whole else [])
