"""A teacher whose run has ended counts as trained, however it ended, and is left as it is."""

import hashlib
import json
import sys
from pathlib import Path

import pytest
import torch
from runs import ROOT, run

from mmfkd.config import load_config
from mmfkd.engine.baselines import train_missing_baseline
from mmfkd.engine.optim_wrapper import use_amp
from mmfkd.engine.teachers import train_missing_teachers, trained_branches
from mmfkd.engine.training import is_complete

TEACHER = '''
_base_ = ['{root}/configs/unimodal/synthetic_depth.py']
small = dict(batch_size=4, num_workers=0, dataset=dict(num_scenes=8, size=(32, 32)))
train_dataloader = small
val_dataloader = dict(batch_size=4, num_workers=0, dataset=dict(num_scenes=4, size=(32, 32)))
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=6, val_interval=1)
optim_wrapper = dict(optimizer=dict(lr=0.0))
default_hooks = dict(checkpoint=dict(interval=1))
'''
ENDS = dict(early='''
custom_hooks = [dict(type='EarlyStoppingHook', monitor='mIoU', patience=1)]
''', iterations='''
train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=4, val_interval=2)
param_scheduler = []
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=2))
log_processor = dict(by_epoch=False)
train_dataloader = dict(sampler=dict(type='InfiniteSampler', shuffle=True))
''', unselected='''
train_cfg = dict(max_epochs=1)
val_dataloader = None
''')
STUDENT = '''
_base_ = ['{root}/configs/fdkd/synthetic_depth2rgb.py']
small = dict(batch_size=4, num_workers=0, dataset=dict(num_scenes=8, size=(32, 32)))
train_dataloader = small
val_dataloader = dict(batch_size=4, num_workers=0, dataset=dict(num_scenes=4, size=(32, 32)))
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=1, val_interval=1)
default_hooks = dict(teacher_report=dict(refuse=False))
model = dict(teachers=dict(teacher=dict(config='teacher.py', checkpoint='{folder}/teacher')))
'''


def contents(folder):
    return {path.name: hashlib.sha1(path.read_bytes()).hexdigest() for path in folder.glob('*.pth')}


@pytest.mark.parametrize('name', ENDS)
def test_it_is_not_trained_on(name, tmp_path):
    (tmp_path / 'teacher.py').write_text(TEACHER.format(root=ROOT) + ENDS[name])
    (tmp_path / 'student.py').write_text(STUDENT.format(root=ROOT, folder=tmp_path))
    train = [sys.executable, ROOT / 'tools/train.py']
    run(*train, tmp_path / 'teacher.py', '--work-dir', tmp_path / 'teacher')
    before = contents(tmp_path / 'teacher')
    assert 0 < len(before) < 4
    done = run(*train, tmp_path / 'student.py', '--work-dir', tmp_path / 'student')
    assert 'not trained yet' not in done.stdout
    assert contents(tmp_path / 'teacher') == before
    assert (tmp_path / 'student/summary.json').is_file()


def test_a_plain_teacher_without_a_checkpoint_is_not_trained_on_the_way(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cfg = load_config('kd/nyuv2_depth2rgb', {
        'model.teachers.teacher.config': 'mixin/mmseg_nyuv2_depth'})
    with pytest.raises(SystemExit, match=r'is a plain config .* set model.teachers.teacher.check'):
        train_missing_teachers(cfg, {})
    torch.save(dict(state_dict=dict(x=torch.zeros(1))), tmp_path / 'best_mIoU_epoch_1.pth')
    cfg.model.teachers.teacher.checkpoint = str(tmp_path)
    train_missing_teachers(cfg, {})


@pytest.mark.parametrize(('options', 'told'), [
    ({'optim_wrapper.optimizer.lr': 0.5}, r'by optim_wrapper\.optimizer\.lr=0\.05, and now 0\.5: '
     r'move it away .* model\.teachers\.teacher\.checkpoint=FILE'),
    ({'train_dataloader.dataset.labels': 0.5}, None),
    ({'randomness.seed': 1, 'val_dataloader.batch_size': 2, 'train_cfg.max_epochs': 1,
      'train_dataloader.num_workers': 1, 'model.losses.loss_kd.temperature': 2.0}, None)])
def test_a_teacher_that_was_trained_otherwise_is_not_taken(options, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / 'work_dirs/unimodal/synthetic_depth'
    folder.mkdir(parents=True)
    torch.save(dict(state_dict=dict(x=torch.zeros(1))), folder / 'best_mIoU_epoch_1.pth')
    trained = load_config('unimodal/synthetic_depth')
    use_amp(trained)
    trained.dump(folder / 'synthetic_depth.py')
    (folder / 'summary.json').write_text(json.dumps(dict(
        test={}, amp=True, length=trained.train_cfg.max_epochs)))
    cfg = load_config('kd/synthetic_depth2rgb', options)
    train_missing_teachers(load_config('kd/synthetic_depth2rgb'), {})
    if told is None:
        train_missing_teachers(cfg, options)
        return
    with pytest.raises(SystemExit, match=told):
        train_missing_teachers(cfg, options)
    # A folder that is named is meant as it is.
    cfg.model.teachers.teacher.checkpoint = 'work_dirs/unimodal/synthetic_depth'
    train_missing_teachers(cfg, options)


@pytest.mark.parametrize('suffix', ['pth', 'safetensors'])
def test_a_file_of_weights_is_trained_by_nobody_here(suffix):
    assert trained_branches(load_config('kd/synthetic_depth2rgb', {
        'model.teachers.teacher.checkpoint': f'their.{suffix}'})) == []


def test_a_teacher_of_few_labels_is_not_taken_for_one_of_all(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / 'work_dirs/unimodal/synthetic_depth'
    folder.mkdir(parents=True)
    torch.save(dict(state_dict=dict(x=torch.zeros(1))), folder / 'best_mIoU_epoch_1.pth')
    trained = load_config('unimodal/synthetic_depth', {'train_dataloader.dataset.labels': 0.5})
    trained.dump(folder / 'synthetic_depth.py')
    (folder / 'summary.json').write_text(json.dumps(dict(
        test={}, length=trained.train_cfg.max_epochs)))
    with pytest.raises(SystemExit, match=r'labels=0\.5, and now None'):
        train_missing_teachers(load_config('kd/synthetic_depth2rgb'), {})


@pytest.mark.parametrize(('lines', 'labels'), [('', None), ("labels='some'", 'some')])
def test_few_labels_of_the_student_are_not_those_of_its_teacher(lines, labels, tmp_path,
                                                                monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path('visual.py').write_text(
        f"_base_ = ['{ROOT}/configs/unimodal/avdigits_visual.py']\n"
        f'train_dataloader = dict(dataset=dict({lines}))\n')
    options = {'train_dataloader.dataset.labels': 0.1, 'randomness.seed': 3}
    cfg = load_config('recommended/avdigits_visual2audio', {
        **options, 'model.teachers.teacher.config': 'visual.py'})
    planned = {}

    def ended(command):
        key, values = command.index('--cfg-options'), {}
        for option in command[key + 1:]:
            name, _, values[name] = option.partition('=')
        planned[command[command.index('train') + 1]] = values
        return 0

    monkeypatch.setattr('mmfkd.engine.teachers.run_child', ended)
    train_missing_teachers(cfg, options)
    train_missing_baseline(cfg, options)
    own, baseline = planned.values()
    assert own == {'randomness.seed': '3'}
    assert baseline == {'randomness.seed': '3', 'train_dataloader.dataset.labels': '0.1'}
    assert load_config('visual.py', own).train_dataloader.dataset.get('labels') == labels


def test_labels_that_are_none_are_refused_before_any_training(tmp_path):
    done = run(sys.executable, '-m', 'mmfkd', 'train', 'recommended/synthetic_depth2rgb',
               '--cfg-options', 'train_dataloader.dataset.labels=2', cwd=tmp_path, check=False)
    assert done.returncode and 'labels=2: a share is from 0 to 1' in done.stderr
    assert 'not trained yet' not in done.stdout


def test_a_finished_run_of_another_config_is_not_taken_for_this_one(tmp_path):
    cfg = load_config('kd/synthetic_depth2rgb')
    torch.save(dict(state_dict=dict(x=torch.zeros(1))), tmp_path / 'best_mIoU_epoch_1.pth')
    own = str(tmp_path / 'synthetic_depth2rgb.py')
    for name, same in {'kd/synthetic_depth2rgb.py': True, cfg.filename: True, own: True,
                       'synthetic_depth2rgb.py': True,
                       'pkd/synthetic_depth2rgb.py': False}.items():
        (tmp_path / 'summary.json').write_text(json.dumps(dict(
            test={}, config=name, length=cfg.train_cfg.max_epochs)))
        if same:
            assert is_complete(cfg, tmp_path)
        else:
            with pytest.raises(ValueError, match='a finished run of pkd/synthetic_depth2rgb.py'):
                is_complete(cfg, tmp_path)


@pytest.mark.parametrize(('options', 'amp', 'message'), [
    ({'lr': 0.1, 'betas': (0.9, 0.99)}, False, ''), ({'lr': 0.2}, False, 'lr=0.1 and not lr=0.2'),
    ({'lr': 0.1, 'betas': (0.9, 0.99)}, True, 'fewer options and not --amp')])
def test_a_finished_run_of_other_options_is_not_taken_for_this_one(options, amp, message,
                                                                   tmp_path):
    cfg = load_config('kd/synthetic_depth2rgb')
    torch.save(dict(state_dict=dict(x=torch.zeros(1))), tmp_path / 'best_mIoU_epoch_1.pth')
    (tmp_path / 'summary.json').write_text(json.dumps(dict(
        test={}, config=cfg.filename, length=cfg.train_cfg.max_epochs, amp=False,
        options={'lr': 0.1, 'betas': [0.9, 0.99]})))
    if not message:
        assert is_complete(cfg, tmp_path, options, amp)
        return
    with pytest.raises(ValueError, match='a finished run that was given .*' + message):
        is_complete(cfg, tmp_path, options, amp)
