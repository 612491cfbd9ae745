"""Messages in place of torch's, before the first step."""

import ast
import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from torch.utils.data import DataLoader

from mmfkd.cli.test import check_tested, report
from mmfkd.config import compose, load_config
from mmfkd.engine.checks import check_config, check_runner, explained_errors, heads
from mmfkd.models import CrossModalDistiller
from mmfkd.registry import TRANSFORMS


@pytest.fixture
def runner(distiller_config, seg_branch, make_runner):
    def make(classes=4, **changes):
        model = distiller_config(students=dict(student=seg_branch(classes=classes)), teachers={})
        return make_runner(model, validate=True, log_level='INFO', **changes)
    return make


def test_a_head_of_other_classes_is_named(runner):
    with pytest.raises(ValueError, match=r'students\.student\.decode_head has num_classes=5, but '
                                         r"SyntheticRGBD has 4 classes \('\w+', '\w+', '\w+', "
                                         r"'\w+'\): set num_classes .* or correct labels"):
        check_runner(runner(5))


@pytest.mark.parametrize('network', ['csknet/streets_rgb-ir', 'disoptnet/streets_rgb2ir',
                                     'mmanet/streets_rgb-ir', 'cen/streets_rgb-ir'])
def test_heads_of_networks_with_several_outputs_are_looked_at(network):
    model = CrossModalDistiller(dict(student=load_config(
        network, teachers=False).model.students.student))
    own = {name.removeprefix('students.student.model.'): module
           for name, module in model.named_modules() if isinstance(module, BaseDecodeHead)}
    found = dict(heads(model))
    assert own and {f'students.student.{name}': head for name, head in own.items()} == found
    assert {head.num_classes for head in found.values()} == {9}


def test_a_batch_in_which_a_loss_is_always_zero_is_refused(distiller_config, make_runner):
    """The relations of two samples are the same in all networks."""
    for size, weight, refused in ((2, 1.0, True), (2, 0.0, False), (3, 1.0, False)):
        made = make_runner(distiller_config(dict(loss_rkd=dict(type='RKDLoss', weight=weight))),
                           train_dataloader=dict(batch_size=size))
        if refused:
            with pytest.raises(ValueError, match=r'loss_rkd is 0 .* batches of 2 have too few .*'
                                                 r'batch_size to 3 or more'):
                check_runner(made)
        else:
            check_runner(made)


def test_samples_that_are_trained_and_selected_on_are_counted(runner):
    made = runner()
    check_runner(made)
    log = open(f'{made.log_dir}/{made.timestamp}.log').read()
    assert '4 of 4 validation samples are trained on' in log and 'val_dataloader=None' in log


def test_samples_of_one_of_several_training_sets_are_counted(runner):
    def rooms(seed, **more):
        return dict(type='SyntheticRGBD', num_scenes=2, size=(32, 32), seed=seed, pipeline=[],
                    **more)
    made = runner(
        train_dataloader=dict(dataset=dict(_delete_=True, type='ConcatDataset', datasets=[
            dict(type='RepeatDataset', times=2, dataset=rooms(3)), rooms(4)])),
        val_dataloader=dict(batch_size=2, num_workers=0, sampler=dict(
            type='DefaultSampler', shuffle=False), dataset=rooms(4, test_mode=True)))
    check_runner(made)
    log = open(f'{made.log_dir}/{made.timestamp}.log').read()
    assert '2 of 2 validation samples are trained on' in log


def test_other_samples_are_no_news(runner):
    made = runner(val_dataloader=dict(
        batch_size=2, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(type='SyntheticRGBD', num_scenes=4, size=(32, 32), seed=7, pipeline=[])))
    check_runner(made)
    assert 'trained on' not in open(f'{made.log_dir}/{made.timestamp}.log').read()


def rooms(seed):
    return dict(batch_size=2, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
                dataset=dict(type='SyntheticRGBD', num_scenes=4, size=(32, 32), seed=seed,
                             pipeline=[]))


@pytest.mark.parametrize(('test', 'said'), [
    (0, '4 of 4 test samples are trained on'), (7, '4 of 4 test samples select the checkpoint'),
    (8, '')])
def test_test_samples_that_train_or_select_are_counted(test, said, runner):
    made = runner(train_dataloader=rooms(0), val_dataloader=rooms(7), test_dataloader=rooms(test),
                  test_cfg=dict(type='TestLoop'),
                  test_evaluator=dict(type='mmseg.IoUMetric', iou_metrics=['mIoU']))
    check_runner(made)
    log = open(f'{made.log_dir}/{made.timestamp}.log').read()
    assert ('test samples' in log) == bool(said) and said in log
    assert 'validation samples' not in log


@pytest.mark.parametrize('place', ['run', 'other'])
def test_metrics_of_a_test_name_their_checkpoint(place, tmp_path, capsys):
    checkpoint = tmp_path / place / 'epoch_1.pth'
    (tmp_path / 'run').mkdir()
    report(dict(mIoU=np.float32(2)), ['rgb'], str(tmp_path / 'run'), checkpoint)
    scores = json.loads((tmp_path / 'run/test.json').read_text())
    assert scores == dict(checkpoint=str(checkpoint), mIoU=2.0)
    said = f'they are those of {checkpoint}, which is not of this work dir'
    assert (said in capsys.readouterr().out) == (place == 'other')


def test_a_key_that_is_almost_one_of_a_run_is_told(tmp_path):
    MMLogger.get_instance(tmp_path.name, log_file=str(tmp_path / 'log'))
    mine = dict(train_pipeline=[], test_pipeline=[], data_root='x', channels=3, train_dataset={},
                text_cfg={}, lr_config={}, optimizer={}, tta_model=None, sync_bn='torch')
    check_config(Config(dict(model=dict(type='X'), trian_cfg={}, default_hook={}, **mine)))
    said = (tmp_path / 'log').read_text()
    assert "nothing reads 'trian_cfg'; did you mean 'train_cfg'?" in said
    assert "did you mean 'default_hooks'?" in said and said.count('nothing reads') == 2


def test_less_than_a_batch_is_said(runner):
    with pytest.raises(SystemExit, match='4 training samples are less than one batch'):
        check_runner(runner(train_dataloader=dict(batch_size=8, drop_last=True)))


@pytest.mark.parametrize(('cfg', 'message'), [
    (dict(), "has no 'model': name a config of a run"),
    (dict(model=dict(type='X'), train_cfg=dict(max_epochs=0)), r'train_cfg\.max_epochs=0'),
    (dict(model=dict(type='X'), train_cfg=dict(max_iters=-1)), r'train_cfg\.max_iters=-1'),
    (dict(model=dict(students=dict(student=dict())), compile=True), 'type=CompileHook'),
    (dict(model=dict(students=dict(student=dict())), compile=dict()), 'type=CompileHook')])
def test_configs_that_cannot_run_are_refused(cfg, message):
    with pytest.raises(ValueError, match=message):
        check_config(Config(cfg))


def test_a_launcher_without_torchrun_is_said(monkeypatch):
    monkeypatch.delenv('RANK', raising=False)
    with pytest.raises(SystemExit, match='is for processes that torchrun starts'):
        check_config(Config(dict(model=dict(type='X'), launcher='pytorch')))


def test_a_single_value_under_a_batch_norm_is_explained(runner):
    import torch
    with pytest.raises(ValueError, match=r'train_dataloader\.batch_size to 2 or more'):
        with explained_errors():
            torch.nn.BatchNorm2d(3)(torch.zeros(1, 3, 1, 1))
    with pytest.raises(ValueError, match='another'):
        with explained_errors():
            raise ValueError('another')


@pytest.mark.parametrize(('step', 'message'), [
    (dict(type='mmseg.Pad', size=(64, 64)), r'takes .* up to 4 .*data_preprocessor\.size_divisor'),
    (dict(type='mmcv.Pad', size_divisor=32), r'takes .* up to 4 .*data_preprocessor\.size_divisor'),
    (dict(type='mmseg.RandomCutOut', prob=1, n_holes=1, cutout_shape=(2, 2)), 'set its fill_in to'),
    (dict(type='mmseg.PhotoMetricDistortion'), "before StackModalities, into .*'ForModality'")])
@pytest.mark.parametrize('workers', [0, 1])
def test_a_step_for_few_channels_is_explained_on_a_stack_of_more(step, message, workers):
    """In the process of the run, and in one of its data loader."""
    stacked = dict(img=np.ones((8, 8, 5), np.float32), seg_fields=[])
    transform = TRANSFORMS.build(step)
    with pytest.raises(ValueError, match=message), explained_errors():
        list(DataLoader([stacked] * 20, collate_fn=lambda batch: transform(batch[0]),
                        num_workers=workers))


@pytest.mark.parametrize(('options', 'message'), [
    ({'model.losses.loss_contrast.weight': 0.5},
     'loss_contrast.weight=0.5 has no effect, as default_hooks.contrast_weight moves it to 0.1'),
    ({'model.losses.loss_contrast.hard_ratio': 1.0}, 'set default_hooks.contrast_share.stop, or'),
    ({'model.losses.loss_contrast.weight': 0.5, 'default_hooks.contrast_weight': None}, None),
    ({'model.losses.loss_contrast.weight': 0.5, 'default_hooks.contrast_weight.stop': 0.5}, None),
    ({}, None)])
def test_a_number_that_a_schedule_replaces_is_refused(options, message):
    cfg = load_config('csknet/streets_rgb-ir', options)
    if message is None:
        check_config(cfg)
        return
    with pytest.raises(ValueError, match=message):
        check_config(cfg)


@pytest.mark.parametrize('method', ['dkd-paper', 'reviewkd-paper', 'reviewkd'])
def test_a_ratio_that_a_schedule_replaces_is_refused(method):
    check_config(compose('avdigits_visual2audio', method))
    loss = f'loss_{method.removesuffix("-paper")}'
    cfg = compose('avdigits_visual2audio', method)
    cfg.model.losses[loss].balance = dict(ratio=0.5)
    with pytest.raises(ValueError, match=f'{loss}.balance.ratio=0.5 has no effect, as default_ho'):
        check_config(cfg)


@pytest.mark.parametrize(('classes', 'said'), [
    (('cat', 'dog'), None), (None, None),
    (('dog', 'fox'), "the checkpoint alone has 'cat'; the test set alone has 'fox'"),
    (('dog', 'cat'), 'their order differs')])
def test_a_test_set_of_other_classes_than_the_checkpoint_is_refused(classes, said):
    own = ('cat', 'dog')
    dataset = SimpleNamespace(metainfo=dict(classes=classes))
    if said is None:
        check_tested(own, 'best.pth', dataset)
        return
    with pytest.raises(ValueError, match=f'best.pth was trained on other classes .*: {said}. Give'):
        check_tested(own, 'best.pth', dataset)


def test_a_loss_that_begins_after_the_last_epoch_is_refused_before_its_teacher_is_trained():
    cfg = compose('synthetic_depth2rgb', 'kd')
    cfg.default_hooks.late = dict(type='LossWeightHook', loss='loss_kd', start=0.0, stop=1.0,
                                  begin=10, end=10)
    cfg.train_cfg.max_epochs = 11
    check_config(cfg)
    cfg.train_cfg.max_epochs = 10
    with pytest.raises(ValueError, match=r'loss_kd has the weight 0 in all of the run'):
        check_config(cfg)
    cfg.model.losses.loss_kd = None
    with pytest.raises(ValueError, match=r"late moves a number of the loss 'loss_kd', which is "
                       r'not .* with model\.losses\.loss_kd=None default_hooks\.late=None'):
        check_config(cfg)
    cfg.default_hooks.late = None
    check_config(cfg)


def test_the_cures_of_a_loss_that_never_counts_are_enough():
    one_epoch = {'train_cfg.max_epochs': 1}
    with pytest.raises(ValueError, match='has the weight 0 in all of the run') as refused:
        check_config(load_config('csknet/streets_rgb-ir', one_epoch))
    start, out = (
        {key: ast.literal_eval(value) for key, value in re.findall(r'(\S+)=(\w+)', cure)}
        for cure in re.search('start with (.*), train for .* out with (.*)',
                              str(refused.value)).groups())
    assert out.keys() == {'model.losses.loss_contrast', 'default_hooks.contrast_weight',
                          'default_hooks.contrast_share'}
    for cure in (start, out):
        check_config(load_config('csknet/streets_rgb-ir', {**one_epoch, **cure}))
