"""train --with-baseline: the baseline is trained first, and reported beside the student."""

import json
import re
import sys
from ast import literal_eval
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image
from runs import ROOT, run

from mmfkd.config import load_config, merge_options
from mmfkd.engine.baselines import (
    baseline_config,
    baseline_of,
    ended_baseline,
    train_missing_baseline,
    weak_teachers,
)
from mmfkd.engine.teachers import differences

OPTIONS = ['train_cfg.max_epochs=1', 'train_dataloader.batch_size=4',
           'default_hooks.teacher_report.refuse=False', 'model.losses.loss_kd.temperature=2.0',
           *(f'{split}_dataloader.{key}' for split in ('train', 'val', 'test') for key in (
               'dataset.num_scenes=8', 'dataset.size=(32,32)', 'num_workers=0'))]


@pytest.fixture(scope='module')
def ended(tmp_path_factory):
    folder = tmp_path_factory.mktemp('baseline')
    command = [sys.executable, '-m', 'mmfkd', 'train', 'recommended/synthetic_depth2rgb',
               '--with-baseline', '--cfg-options', *OPTIONS]
    return folder, run(*command, cwd=folder)


def test_teacher_baseline_and_student_are_trained_and_compared(ended):
    folder, done = ended
    runs = {name: json.loads((folder / f'work_dirs/{name}/summary.json').read_text()) for name in (
        'unimodal/synthetic_depth', 'unimodal/synthetic_rgb', 'recommended/synthetic_depth2rgb')}
    teacher, baseline, student = (run['test']['mIoU'] for run in runs.values())
    summary = runs['recommended/synthetic_depth2rgb']
    assert summary['baseline'] == baseline
    assert summary['baseline_work_dir'] == 'work_dirs/unimodal/synthetic_rgb'
    assert summary['gain'] == pytest.approx(student - baseline)
    table = done.stdout[done.stdout.rindex('modality'):]
    for score in (teacher, baseline, student):
        assert f'{score:.2f}' in table
    assert f'distillation against the baseline, on test: {summary["gain"]:+.2f}' in table


def test_the_gain_is_reported_with_what_other_test_samples_would_change(ended):
    folder, done = ended
    student, baseline = (np.load(folder / f'work_dirs/{name}/test_samples.npz')['counts'].astype(
        float) for name in ('recommended/synthetic_depth2rgb', 'unimodal/synthetic_rgb'))
    draw = np.random.default_rng(1)
    gains = []
    for _ in range(2000):
        rows = draw.integers(len(student), size=len(student))
        sums = [counts[rows].sum(0) for counts in (student, baseline)]
        scores = [jaccard[total[1] + total[2] > 0].mean() for total in sums
                  for jaccard in [total[0] / np.maximum(total[1] + total[2] - total[0], 1)]]
        gains.append(100 * (scores[0] - scores[1]))
    told = re.search(r'on test: [+-][\d.]+ \(([+-][\d.]+) to ([+-][\d.]+) in 95 % of the draws of '
                     r'its 8 samples\)\none training of each(, within [^:]*)?: mmfkd benchmark',
                     done.stdout)
    low, high = map(float, told.groups()[:2])
    width = np.subtract(*np.quantile(gains, (0.975, 0.025)))
    assert high - low == pytest.approx(width, rel=0.2, abs=0.02)
    assert bool(told[3]) == (low <= 0 <= high)


def test_a_baseline_that_is_there_is_compared_without_being_asked_for(ended):
    folder, _ = ended
    done = run(sys.executable, '-m', 'mmfkd', 'train', 'kd/synthetic_depth2rgb', '--cfg-options',
               *OPTIONS, cwd=folder)
    gain = json.loads((folder / 'work_dirs/kd/synthetic_depth2rgb/summary.json').read_text())[
        'gain']
    assert f'distillation against the baseline, on test: {gain:+.2f}' in done.stdout
    assert 'picture: ' not in done.stdout


@pytest.mark.parametrize('changed', [
    None, 'randomness.seed=1', 'train_cfg.max_epochs=2', 'train_dataloader.batch_size=2',
    'train_dataloader.dataset.labels=0.1', 'test_dataloader.dataset.num_scenes=6',
    'model.students.student.model.backbone.base_channels=16'])
def test_only_the_baseline_of_this_very_run_is_compared(ended, changed, monkeypatch, capsys):
    monkeypatch.chdir(ended[0])
    options = dict(option.split('=', 1) for option in OPTIONS if 'losses' not in option)
    options = {key: literal_eval(value) for key, value in options.items()}
    if changed:
        key, value = changed.split('=')
        options[key] = literal_eval(value)
    cfg = load_config('kd/synthetic_depth2rgb', options)
    found = ended_baseline(cfg)
    assert found == (None if changed else Path('work_dirs/unimodal/synthetic_rgb'))
    said = capsys.readouterr().out
    part = (changed or '').split('.')[0].replace('model', 'model.students.student')
    assert (f'as their {part} differ; move it away, and --with-baseline trains one' in said
            ) == bool(changed)


METRIC = dict(type='mmseg.IoUMetric', iou_metrics=['mIoU'])
SELECTED = [
    ({'+test_evaluator.ignore_index': 0}, 'test_evaluator.ignore_index'),
    ({'+val_evaluator.ignore_index': 0}, 'val_evaluator.ignore_index'),
    ({'default_hooks.checkpoint.save_best': 'aAcc'}, 'hooks.checkpoint.save_best'),
    ({'load_from': 'a.pth'}, 'load_from'),
    ({'+default_hooks.early_stopping': dict(type='EarlyStoppingHook', monitor='mIoU')},
     'hooks.early_stopping.monitor, hooks.early_stopping.type')]


@pytest.mark.parametrize(('options', 'told'), [
    *SELECTED, ({'+custom_hooks': [dict(type='EMAHook')]}, 'hooks.0.type')])
def test_a_baseline_that_is_scored_otherwise_is_not_compared(ended, options, told, monkeypatch,
                                                             capsys):
    monkeypatch.chdir(ended[0])
    cfg = load_config('kd/synthetic_depth2rgb', {**given(), **options})
    assert ended_baseline(cfg) is None
    assert f', as their {told} differ; move it away' in capsys.readouterr().out


def test_more_predictions_of_a_student_are_compared_with_its_plain_baseline(ended, monkeypatch):
    monkeypatch.chdir(ended[0])
    branches = dict(_delete_=True, type='PerBranchMetric', metric=METRIC, mean=['fdkd.low'])
    cfg = load_config('fdkd/synthetic_depth2rgb', {
        **given(), 'default_hooks.checkpoint.save_best': 'mean/mIoU'})
    cfg.merge_from_dict(dict(val_evaluator=branches, test_evaluator=branches))
    assert ended_baseline(cfg) == Path('work_dirs/unimodal/synthetic_rgb')


@pytest.mark.parametrize(('options', 'told'), SELECTED[:4])
def test_a_baseline_that_was_scored_otherwise_is_not_taken(ended, options, told, monkeypatch):
    monkeypatch.chdir(ended[0])
    baseline, _ = baseline_config('unimodal/synthetic_rgb', given())
    folder = Path('work_dirs/unimodal/synthetic_rgb')
    assert differences(folder, baseline) == []
    merge_options(baseline, options)
    assert [text.partition('=')[0] for text in differences(folder, baseline)] == [told]
    assert differences(folder, baseline, scores=False) == []


def given():
    """The options of the baseline that is there."""
    pairs = (option.split('=', 1) for option in OPTIONS if 'losses' not in option)
    return {key: literal_eval(value) for key, value in pairs}


def test_a_baseline_itself_or_an_odd_work_dir_is_compared_with_nothing(ended, tmp_path,
                                                                       monkeypatch):
    monkeypatch.chdir(ended[0])
    assert ended_baseline(load_config('unimodal/synthetic_rgb')) is None
    monkeypatch.chdir(tmp_path)
    cfg = load_config('kd/synthetic_depth2rgb')
    assert ended_baseline(cfg) is None
    folder = tmp_path / 'work_dirs/unimodal/synthetic_rgb'
    folder.mkdir(parents=True)
    (folder / 'summary.json').write_text('{"test": {}}')
    assert ended_baseline(cfg) is None
    (folder / 'plain.py').write_text('model = None\n')
    assert ended_baseline(cfg) is None


def test_the_picture_shows_all_three(ended):
    folder, done = ended
    path = done.stdout[done.stdout.rindex('picture: '):].removeprefix('picture: ').split('\n')[0]
    width, height = Image.open(folder / path).size
    assert width > 6 * 200 and height > 4 * 200  # six pictures of four samples


def test_options_of_losses_are_not_the_baselines(ended):
    announced = next(line for line in ended[1].stdout.split('\n') if 'the baseline is not' in line)
    assert 'unimodal/synthetic_rgb' in announced and 'max_epochs=1' in announced
    assert 'loss_kd' not in announced


def test_a_baseline_of_another_seed_is_not_taken(ended):
    folder, _ = ended
    done = run(sys.executable, '-m', 'mmfkd', 'train', 'recommended/synthetic_depth2rgb',
               '--with-baseline', '--cfg-options', *OPTIONS, 'randomness.seed=1', '--work-dir',
               'other', cwd=folder, check=False)
    assert done.returncode and 'holds another baseline than the one' in done.stderr
    assert 'by randomness.seed=0, and now 1: move it away' in done.stderr


@pytest.mark.parametrize(('option', 'told'), [
    ('optim_wrapper.optimizer.lr=0.5', 'optimizer.lr=.*, and now 0.5'),
    ('train_dataloader.dataset.labels=0.1', 'dataset.labels=None, and now 0.1'),
    ('model.students.student.model.backbone.base_channels=16', 'base_channels=32, and now 16'),
    ("model.students.student.model.backbone.init_cfg={'checkpoint': 'a.pth'}",
     r'init_cfg\.checkpoint=None, and now a\.pth'),
    ('test_dataloader.dataset.num_scenes=6', 'test_dataloader.dataset.num_scenes=8, and now 6'),
    ('train_cfg.max_epochs=2', 'train_cfg.max_epochs=1, and now 2'),
    ('train_dataloader.num_workers=2', None)])
def test_a_baseline_that_was_trained_otherwise_is_not_reported(ended, option, told, monkeypatch):
    monkeypatch.chdir(ended[0])
    options = dict(each.split('=', 1) for each in OPTIONS if 'losses' not in each)
    options = {key: literal_eval(value) for key, value in options.items()}
    key, value = option.split('=')
    options[key] = literal_eval(value)
    cfg = load_config('kd/synthetic_depth2rgb', options)
    if told is None:
        assert train_missing_baseline(cfg, options) == Path('work_dirs/unimodal/synthetic_rgb')
        return
    with pytest.raises(SystemExit, match=f'holds another baseline .*{told}.*: move it away'):
        train_missing_baseline(cfg, options)


def test_a_baseline_in_another_precision_is_not_reported(ended, monkeypatch):
    monkeypatch.chdir(ended[0])
    options = dict(each.split('=', 1) for each in OPTIONS if 'losses' not in each)
    options = {key: literal_eval(value) for key, value in options.items()}
    cfg = load_config('kd/synthetic_depth2rgb', options)
    with pytest.raises(SystemExit, match='optim_wrapper.type=OptimWrapper, and now mmfkd.BFloat16'):
        train_missing_baseline(cfg, options, amp=True)


def test_the_baseline_is_that_of_the_pair_or_named(tmp_path):
    pair = Config(filename=str(ROOT / 'configs/fdkd/nyuv2_depth2rgb.py'))
    assert baseline_of(pair) == 'mmfkd::unimodal/nyuv2_rgb.py'
    (tmp_path / 'mine.py').write_text('')
    named = Config(dict(baseline='plain.py'), filename=str(tmp_path / 'mine.py'))
    assert baseline_of(named) == 'plain.py'
    unnamed = Config(filename=str(tmp_path / 'mine.py'))
    assert baseline_of(unnamed) is None
    with pytest.raises(SystemExit, match='mine.py is named like no pair .* baseline=.CONFIG.py.'):
        train_missing_baseline(unnamed, {})


@pytest.mark.parametrize(('teacher', 'said'), [(61.5, 1), (63.7, 1), (70.0, 0)])
def test_a_teacher_that_is_no_better_is_said_to_be(tmp_path, teacher, said):
    weak = dict(config='unimodal/a_b.py', checkpoint=str(tmp_path / 'teacher'))
    # A student that starts from weak weights is no teacher.
    cfg = Config(dict(model=dict(students=dict(student=weak), teachers=dict(teacher=weak))))
    for name, val in (('teacher', teacher), ('baseline', 63.7)):
        (tmp_path / name).mkdir()
        (tmp_path / name / 'summary.json').write_text(json.dumps(dict(val=val, test={})))
    found = weak_teachers(cfg, tmp_path / 'baseline')
    assert len(found) == said
    assert all(f"'teacher' has {teacher:.2f} on validation" in text and '63.70' in text
               for text in found)
