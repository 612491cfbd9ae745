"""``--cfg-options``: values as they are written, and no misspelt key."""

import argparse

import pytest
from mmengine.config import Config
from runs import ROOT

from mmfkd.config import OptionAction, load_config, merge_options, parse_value, spelled_options
from mmfkd.config.option_keys import checked_options


@pytest.mark.parametrize(('text', 'value'), [
    ('3', 3), ('1e-3', 0.001), ('True', True), ('true', True), ('None', None), ('rgb', 'rgb'),
    ('a,b', ['a', 'b']), ('1,2', [1, 2]), ('[a, b]', ['a', 'b']), ('(32,32)', (32, 32)),
    ('(32, 32)', (32, 32)), ("('traffic light', 'car')", ('traffic light', 'car')),
    ('data/my data', 'data/my data'), ("'a, b'", 'a, b'), ('"a, b"', 'a, b'), ("'3'", '3'),
    ("dict", 'dict'), ("{'a': 1}", dict(a=1)), ('2024_01', '2024_01'), (r'^(\d+)_', r'^(\d+)_'),
    ("dict(a=1, b=dict(c='x'))", dict(a=1, b=dict(c='x'))),
    ('[(1,2),[a,b],c]', [(1, 2), ['a', 'b'], 'c'])])
def test_values_are_what_is_written(text, value):
    found = parse_value(text)
    assert found == value and type(found) is type(value)


def test_the_name_of_a_folder_is_a_text(tmp_path, monkeypatch):
    folder = tmp_path / 'my data, of (2024)'
    folder.mkdir()
    assert parse_value(str(folder)) == str(folder)
    monkeypatch.chdir(tmp_path)
    assert parse_value(folder.name) == folder.name


def test_long_lists_are_lists():
    classes = [f'class_{i}' for i in range(100)]
    assert parse_value(f'[{",".join(classes)}]') == classes


@pytest.mark.parametrize('text', ['[traffic light,car]', '(1, 2', 'a,b]', r'^(\d{1,3})_',
                                  'list(a=1, b=2)'])
def test_what_would_be_changed_is_refused(text):
    with pytest.raises(ValueError, match='put texts with spaces, commas or brackets into quotes'):
        parse_value(text)


@pytest.mark.parametrize('value', [
    3, 0.5, True, None, 'rgb', '3', 'True', 'a, b', 'a b', "it's", '', 'a,b', (32, 32),
    ['a b', 'c'], dict(a=1, b='x y'), '[a]', '"q"', '/my runs, no. 1/x', '(a b'])
def test_values_survive_a_command(value):
    (text,) = spelled_options(dict(key=value))
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=OptionAction)
    assert parser.parse_args(['--cfg-options', text]).cfg_options == dict(key=value)


@pytest.mark.parametrize('arguments', [['a'], ['a=(1']])
def test_what_is_no_option_is_said_in_a_line(arguments, capsys):
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=OptionAction)
    with pytest.raises(SystemExit):
        parser.parse_args(['--cfg-options', *arguments])
    assert '--cfg-options a' in capsys.readouterr().err.splitlines()[-1]


@pytest.fixture(scope='module')
def cfg():
    return load_config('fdkd/synthetic_depth2rgb')


@pytest.mark.parametrize(('key', 'closest'), [
    ('randomnes.seed', 'randomness'), ('modle.losses', 'model'),
    ('train_cfg.max_epoch', 'train_cfg.max_epochs'),
    ('train_dataloader.batchsize', 'train_dataloader.batch_size'),
    ('train_dataloader.dataset.num_scene', 'train_dataloader.dataset.num_scenes'),
    ('model.students.student.model.backbone.frozen_stags',
     'model.students.student.model.backbone.frozen_stages'),
    ('model.losses.loss_fdkd.low_weigt', 'model.losses.loss_fdkd.low_weight'),
    ('model.students.student.norms', 'model.students.student.norm'),
    ('default_hooks.teacher_reprt', 'default_hooks.teacher_report'),
    ('default_hooks.checkpont.interval', 'default_hooks.checkpoint'),
    ('optim_wrapper.optimizer.momentun', 'optim_wrapper.optimizer.momentum'),
    ('optim_wrapper.clip_grads.max_norm', 'optim_wrapper.clip_grad'),
    ('randomness.determinstic', 'randomness.deterministic'),
    ('val_evaluator.iou_metric', 'val_evaluator.iou_metrics')])
def test_a_misspelt_key_is_refused_with_the_closest_one(key, closest, cfg):
    with pytest.raises(ValueError, match=f"--cfg-options {key}: .*did you mean '{closest}'"):
        checked_options(cfg, {key: 1})
    assert checked_options(cfg, {f'+{key}': 1}) == {key: 1}


@pytest.mark.parametrize('key', [
    'randomness.seed', 'randomness.deterministic', 'load_from', 'custom_hooks', 'work_dir',
    'auto_scale_lr', 'train_cfg.val_begin', 'train_dataloader.dataset.indices',
    'train_dataloader.pin_memory', 'optim_wrapper.optimizer.nesterov',
    'optim_wrapper.accumulative_counts', 'optim_wrapper.paramwise_cfg.norm_decay_mult',
    'model.students.student.model.backbone.frozen_stages', 'model.students.student.pool',
    'model.teachers.teacher.checkpoint', 'model.losses.loss_fdkd.low_weight',
    'param_scheduler.0.eta_min', 'default_hooks.checkpoint.save_best', 'val_dataloader',
    'val_evaluator.ignore_index', 'visualizer.save_dir', 'model.data_preprocessor.size_divisor'])
def test_what_the_config_takes_needs_no_mark(key, cfg):
    assert checked_options(cfg, {key: None}) == {key: None}


@pytest.mark.parametrize('key', [
    'optim_wrapper.type', 'optim_wrapper.clip_grad.max_norm', 'optim_wrapper.accumulative_counts',
    'train_cfg.val_begin', 'train_cfg.type', 'auto_scale_lr.enable', 'model.test_cfg.stride',
    'env_cfg.mp_cfg.opencv_num_threads', 'sync_bn', 'find_unused_parameters', 'compile'])
def test_what_plain_configs_take_needs_no_mark(key):
    cfg = load_config('mixin/mmseg_nyuv2_depth')
    cfg.optim_wrapper.pop('type')
    cfg.train_cfg.pop('type')
    cfg.merge_from_dict(dict(auto_scale_lr=dict(base_batch_size=4), env_cfg=dict(mp_cfg=dict()),
                             optim_wrapper=dict(clip_grad=dict(norm_type=2))))
    assert checked_options(cfg, {key: 1}) == {key: 1}


def test_new_parts_say_their_type(cfg):
    for options in ({'default_hooks.early': dict(type='EarlyStoppingHook')},
                    {'default_hooks.early.type': 'EarlyStoppingHook',
                     'default_hooks.early.monitor': 'mIoU'},
                    {'model.losses.loss_kd': dict(type='KDLoss')}):
        assert checked_options(cfg, options) == options


@pytest.mark.parametrize(('key', 'message'), [
    ('param_scheduler.3.eta_min', 'is a list of 1 parts'),
    ('load_from.x', "'load_from' is None, which has no parts")])
def test_places_that_are_no_places_are_said(key, message, cfg):
    with pytest.raises(ValueError, match=message):
        checked_options(cfg, {key: 1})


@pytest.mark.parametrize('config', ['mixin/mmseg_nyuv2_depth', 'mixin/mmpretrain_avdigits_visual'])
def test_plain_configs_of_other_scopes_are_checked_too(config):
    cfg = load_config(config)
    assert checked_options(cfg, {'model.backbone.frozen_stages': 1})
    with pytest.raises(ValueError, match=r"did you mean 'model\.backbone\.frozen_stages'"):
        checked_options(cfg, {'model.backbone.frozen_stags': 1})


def test_merging_checks_and_reaches_the_data(tmp_path):
    cfg = Config.fromfile(ROOT / 'configs/unimodal/nyuv2_depth.py')
    with pytest.raises(ValueError, match="did you mean 'data_root'"):
        merge_options(cfg, dict(data_rot='x'))
    merge_options(cfg, dict(data_root='my data, 2024'))
    assert cfg.train_dataloader.dataset.data_root == 'my data, 2024'


def test_a_dict_takes_the_place_of_none_and_of_a_word():
    cfg = Config(dict(default_scope='mmfkd', model=dict(init_cfg=None, norm='auto', test_cfg=dict(
        mode='whole'))))
    merge_options(cfg, {'model.init_cfg': dict(type='A'), 'model.norm': dict(mean=[0.0]),
                        'model.test_cfg': dict(stride=2)})
    assert cfg.model == dict(init_cfg=dict(type='A'), norm=dict(mean=[0.0]),
                             test_cfg=dict(mode='whole', stride=2))


def test_data_sets_that_are_joined_or_wrapped_are_reached_and_others_stay():
    cfg = Config.fromfile(ROOT / 'configs/unimodal/nyuv2_depth.py')
    own, root = cfg.train_dataloader.dataset, cfg.data_root
    other = dict(own, data_root='elsewhere')
    cfg.train_dataloader.dataset = dict(type='ConcatDataset', datasets=[
        own, dict(type='RepeatDataset', times=2, dataset=own.to_dict()), other])
    merge_options(cfg, dict(data_root='moved'))
    first, repeated, last = cfg.train_dataloader.dataset.datasets
    assert [first.data_root, repeated.dataset.data_root, last.data_root] == [
        'moved', 'moved', 'elsewhere']
    assert cfg.test_dataloader.dataset.data_root == 'moved' != root


def test_a_config_without_a_root_of_its_own_gives_the_new_one_to_all():
    cfg = Config.fromfile(ROOT / 'configs/unimodal/nyuv2_depth.py')
    cfg.pop('data_root')
    cfg.train_dataloader.dataset = dict(type='RepeatDataset', times=2,
                                        dataset=cfg.train_dataloader.dataset.to_dict())
    cfg.val_dataloader.dataset.data_root = 'elsewhere'
    merge_options(cfg, {'+data_root': 'moved'})
    assert 'data_root' not in cfg.train_dataloader.dataset
    assert cfg.train_dataloader.dataset.dataset.data_root == 'moved'
    assert cfg.val_dataloader.dataset.data_root == 'moved'


def test_a_root_that_no_data_set_has_is_refused():
    cfg = Config.fromfile(ROOT / 'configs/unimodal/nyuv2_depth.py')
    for split in ('train', 'val', 'test'):
        cfg[f'{split}_dataloader'].dataset.data_root = split
    with pytest.raises(ValueError, match="no data set of the config has its root 'data/nyuv2'"):
        merge_options(cfg, dict(data_root='moved'))


def test_the_root_that_all_data_sets_share_is_meant_where_a_base_has_another():
    """As in docs/own_pair.md, whose data sets replace those of a base that keeps its root."""
    cfg = Config.fromfile(ROOT / 'configs/unimodal/nyuv2_depth.py')
    for split in ('train', 'val', 'test'):
        cfg[f'{split}_dataloader'].dataset.data_root = 'data/mine'
    merge_options(cfg, dict(data_root='moved'))
    assert {cfg[f'{split}_dataloader'].dataset.data_root
            for split in ('train', 'val', 'test')} == {'moved'}


def test_a_loader_that_is_off_takes_its_loop_along():
    cfg = load_config('unimodal/synthetic_depth', dict(val_dataloader=None))
    assert cfg.val_cfg is None and cfg.val_evaluator is None and cfg.test_cfg is not None
