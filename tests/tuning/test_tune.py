"""mmfkd tune: real trials, killed and continued, and what they leave."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest
from mmengine.config import Config
from runs import ROOT, run

from mmfkd.benchmark import Workers
from mmfkd.benchmark.grid import Cell, Row, applies
from mmfkd.cli.tune import main
from mmfkd.config import compose, methods
from mmfkd.config.option_keys import checked_options
from mmfkd.tuning import Dimension, options_of, space_of
from mmfkd.tuning.outcome import result
from mmfkd.tuning.space import fitting, searchable
from mmfkd.tuning.study import Search, open_study, revive
from mmfkd.tuning.trials import TrialError, train_cell, validations

SMALL = ['train_cfg.max_epochs=1', 'train_cfg.val_interval=1', 'train_dataloader.batch_size=4',
         'default_hooks.teacher_report.refuse=False', 'default_hooks.prediction_panel=None',
         *(f'{split}_dataloader.{key}' for split in ('train', 'val', 'test') for key in (
             'dataset.num_scenes=8', 'dataset.size=(32,32)', 'num_workers=0'))]


def command(*more):
    return [sys.executable, '-m', 'mmfkd', 'tune', 'synthetic_depth2rgb', 'kd', '--trials', '2',
            *more, '--cfg-options', *SMALL]


@pytest.fixture(scope='module')
def killed(tmp_path_factory):
    """A search that is killed in its second trial, and started again."""
    folder = tmp_path_factory.mktemp('tune')
    env = dict(os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS='1')
    with (folder / 'out').open('w') as out:
        process = subprocess.Popen(command(), cwd=folder, env=env, stdout=out,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        second = folder / 'work_dirs/tune/trials/kd-synthetic_depth2rgb/0001'
        end = time.monotonic() + 240
        while not second.is_dir() and time.monotonic() < end and process.poll() is None:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    first = (folder / 'out').read_text()
    return folder, first, run(*command(), cwd=folder).stdout


def test_a_killed_search_loses_no_finished_trial(killed):
    folder, first, then = killed
    assert 'trial 0: complete' in first and '1 of 2' in first
    assert 'trial 0:' not in then and '2 of 2' in then
    study = open_study(folder / 'work_dirs/tune', 'kd/synthetic_depth2rgb', None)
    complete = study.get_trials(states=(optuna.trial.TrialState.COMPLETE,))
    assert len(complete) == 2
    for trial in complete:
        summary = next(iter((folder / 'work_dirs/tune/trials/kd-synthetic_depth2rgb').glob(
            f'{trial.number:04d}/*/seed1000/summary.json')), None)
        assert summary is None or json.loads(summary.read_text())['val'] == trial.value


def test_the_result_is_a_config_that_trains_and_a_table(killed):
    folder, _, then = killed
    path = folder / 'work_dirs/tune/kd_synthetic_depth2rgb.py'
    assert f'train it with: mmfkd train {path.relative_to(folder)}' in then
    cfg = Config.fromfile(path)
    best = result(open_study(folder / 'work_dirs/tune', 'kd/synthetic_depth2rgb', None), cfg)
    loss = cfg.model.losses.loss_kd
    assert loss.temperature == best.values['model.losses.loss_kd.temperature']
    assert loss.weight == best.values['model.losses.loss_kd.weight'] and 'balance' not in loss
    assert cfg.optim_wrapper.optimizer.lr == pytest.approx(0.05 * best.values['lr_factor'])
    assert '| lr_factor |' in path.with_suffix('.md').read_text()
    teacher = folder / 'work_dirs/tune/unimodal/synthetic_depth/seed1000'
    done = run(sys.executable, '-m', 'mmfkd', 'train', path, '--work-dir', 'alone',
               '--cfg-options', *SMALL, f'model.teachers.teacher.checkpoint={teacher}', cwd=folder)
    assert 'work dir: alone' in done.stdout


def test_trials_never_look_at_the_test_set(killed):
    summaries = list(killed[0].glob('work_dirs/tune/trials/*/*/*/*/summary.json'))
    assert summaries
    assert all(json.loads(path.read_text())['test'] == {} for path in summaries)


# ---------------------------------------------------------------- spaces


def test_every_method_declares_a_space_that_its_config_takes(monkeypatch):
    monkeypatch.chdir(ROOT)
    for method in methods():
        cfg = compose('avdigits_visual2audio', method)
        space = searchable(space_of(method), cfg, ())
        middle = {one.key: one.choices[0] if one.choices else (one.low * one.high) ** 0.5
                  for one in space}
        options = options_of(middle, cfg)
        checked_options(cfg, options)
        cfg.merge_from_dict(options)
        assert 'lr_factor' in middle and len(space) > 1, method
    assert [one.key for one in space_of(None)] == ['lr_factor']


def test_a_tap_is_that_of_both_branches(monkeypatch):
    monkeypatch.chdir(ROOT)
    cfg = compose('avdigits_visual2audio', 'feature')
    options = options_of({'loss_feature.tap': 'layer4', 'lr_factor': 2.0}, cfg)
    assert options == {'model.losses.loss_feature.student': 'student.layer4',
                       'model.losses.loss_feature.teacher': 'teacher.layer4',
                       'optim_wrapper.optimizer.lr': pytest.approx(0.1)}


@pytest.mark.parametrize('method, pair, kept', [
    ('recommended', 'avdigits_visual2audio', ('feat', 'layer4')),
    ('recommended', 'emoji_text2image', None),  # 384 and 1280 channels
    ('feature', 'synthetic_depth2rgb', ('feat', 'layer4'))])
def test_taps_of_different_widths_are_not_searched(method, pair, kept, monkeypatch):
    monkeypatch.chdir(ROOT)
    space = space_of(method)
    found = {one.key: one.choices for one in fitting(space, pair)}
    assert next((choices for key, choices in found.items() if key.endswith('.tap')), None) == kept
    assert len(found) == len(space) - (kept is None)


def test_a_tap_whose_width_nobody_declares_is_refused(monkeypatch):
    monkeypatch.chdir(ROOT)
    stages = Dimension('loss_ofd.tap', ('pre3', 'layer4'))
    assert fitting([stages], 'avdigits_visual2audio') == [stages]
    with pytest.raises(ValueError, match="'logits' is none whose width is declared"):
        fitting([Dimension('x.tap', ('logits', 'feat'))], 'avdigits_visual2audio')


@pytest.mark.parametrize('values', [[1.0], (2.0, 1.0), (0.0, 1.0), 3.0, 'ab'])
def test_a_wrong_dimension_is_refused(values):
    with pytest.raises(ValueError, match="search of 'x': .* is neither a list of two choices"):
        Dimension.read('x', values)


def test_a_method_without_a_search_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr('mmfkd.tuning.space.method_file', lambda name: (Config({}), {}))
    with pytest.raises(ValueError, match="method 'mine' declares no search: add search = "):
        space_of('mine')


# ---------------------------------------------------------------- trials


WRITER = '''
import json, pathlib, sys, time
folder = pathlib.Path(sys.argv[1], 'now/vis_data')
folder.mkdir(parents=True)
for epoch in range(1, 60):
    with (folder / 'scalars.json').open('a') as file:
        file.write(json.dumps(dict(mIoU=10.0 * epoch, step=epoch)) + chr(10))
    time.sleep(float(sys.argv[2]))
'''


@pytest.fixture
def cell(tmp_path, monkeypatch):
    """``cell(pause)``: a training that writes a validation, pauses, and so on."""
    monkeypatch.chdir(ROOT)
    made = Cell(Row('kd', 'kd'), 'synthetic_depth2rgb', 0, tmp_path)

    def start(pause):
        monkeypatch.setattr(Cell, 'command', lambda cell, options, amp: [
            sys.executable, '-c', WRITER, str(cell.work_dir), str(pause)])
        return made
    return start


def test_a_trial_is_cut_short_when_its_validations_say_so(cell):
    seen = []

    def report(step, score):
        seen.append((step, score))
        return step >= 2

    started = time.monotonic()
    score = train_cell(cell(0.3), Workers(), {}, report)
    assert time.monotonic() - started < 15
    assert seen[:2] == [(1, 10.0), (2, 20.0)] and score == max(value for _, value in seen)


def test_a_trial_that_ends_without_a_summary_has_failed(cell):
    with pytest.raises(TrialError, match='a trial ended with exit code 0: see .*trial.log'):
        train_cell(cell(0), Workers(), {}, lambda step, score: False)


def test_half_written_validations_are_left_out(tmp_path):
    path = tmp_path / 'a/vis_data/scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text('{"loss": 1, "step": 1}\n{"mIoU": 3.0, "step": 4}\n{"mIoU": 5.0, "st')
    assert list(validations(tmp_path, 'mIoU')) == [(4, 3.0)]
    resumed = tmp_path / 'b/vis_data/scalars.json'
    resumed.parent.mkdir(parents=True)
    resumed.write_text('{"mIoU": 3.5, "step": 4}\n{"mIoU": 6.0, "step": 8}\n')
    assert list(validations(tmp_path, 'mIoU')) == [(4, 3.5), (8, 6.0)]


# ---------------------------------------------------------------- studies


def test_a_trial_that_was_running_goes_on_in_its_work_dir(tmp_path, monkeypatch):
    study = open_study(tmp_path, 'kd/x', None)
    trial = study.ask()
    trial.suggest_float('a', 0.1, 1.0)
    revive(study, tmp_path)
    assert study.trials[0].state.name == 'RUNNING'  # begun just now
    monkeypatch.setattr('mmfkd.tuning.study.GRACE', -1)
    revive(study, tmp_path)
    assert [one.state.name for one in study.trials] == ['FAIL', 'WAITING']
    again = study.ask()
    assert again.suggest_float('a', 0.1, 1.0) == trial.params['a']
    assert again.user_attrs == dict(continues=0)


def test_two_processes_share_a_journal(tmp_path):
    one, other = (open_study(tmp_path, 'kd/x', None) for _ in range(2))
    one.tell(one.ask(), 1.0)
    other.tell(other.ask(), 3.0)
    assert [trial.value for trial in one.trials] == [1.0, 3.0]
    shared = f'sqlite:///{tmp_path}/tune.db'
    open_study(tmp_path, 'kd/x', shared).tell(open_study(tmp_path, 'kd/x', shared).ask(), 2.0)
    assert len(open_study(tmp_path, 'kd/x', shared).trials) == 1


def test_importance_is_that_of_the_value_that_matters(tmp_path):
    cfg = Config(dict(optim_wrapper=dict(optimizer=dict(lr=0.1))))
    study = open_study(tmp_path, 'kd/x', None)
    for i in range(12):
        trial = study.ask()
        factor = trial.suggest_float('lr_factor', 0.5, 2.0, log=True)
        trial.suggest_categorical('temperature', [1.0, 2.0])
        study.tell(trial, factor if i else 0.0)
    found = result(study, cfg)
    assert found.importance['lr_factor'] > found.importance['temperature']
    assert found.options['optim_wrapper.optimizer.lr'] == pytest.approx(
        0.1 * found.values['lr_factor'])
    assert (found.finished, found.pruned) == (12, 0)
    with pytest.raises(ValueError, match='no trial of kd/empty came to an end'):
        result(open_study(tmp_path, 'kd/empty', None), cfg)


def test_a_search_whose_trials_all_fail_ends(cell, tmp_path):
    cell(0)  # ends without a summary
    search = Search('synthetic_depth2rgb', 'kd', [0], tmp_path, report=lambda line: None)
    with pytest.raises(ValueError, match='came to an end; 3 failed: see trial.log'):
        search.run(12)


def test_several_jobs_train_no_more_trials_than_asked_for(tmp_path, monkeypatch):
    def train(*arguments):
        time.sleep(0.1)  # until the others are under way
        return 1.0

    monkeypatch.setattr('mmfkd.tuning.study.train_cell', train)
    lines = []
    search = Search('synthetic_depth2rgb', 'kd', [0], tmp_path, workers=Workers(jobs=3),
                    report=lines.append)
    assert search.run(4).finished == 4 and len(lines) == 4
    assert search.run(4).finished == 4 and len(lines) == 4
    assert search.run(5).finished == 5 and len(lines) == 5


def test_trials_that_fail_are_made_up_for(tmp_path, monkeypatch):
    scores = iter([1.0, TrialError('a'), 2.0, TrialError('b'), 3.0])

    def train(*arguments):
        score = next(scores)
        if isinstance(score, TrialError):
            raise score
        return score

    monkeypatch.setattr('mmfkd.tuning.study.train_cell', train)
    search = Search('synthetic_depth2rgb', 'kd', [0], tmp_path, report=lambda line: None)
    found = search.run(3)
    assert (found.finished, found.score) == (3, 3.0)


def test_a_row_for_one_pair_is_in_no_other():
    row = Row('kd-tuned', 'kd', only='avdigits_visual2audio')
    assert applies(row, 'avdigits_visual2audio') and not applies(row, 'ombria96_optical2sar')


def test_optuna_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'optuna', None)
    with pytest.raises(SystemExit, match=r'tuning needs Optuna: pip install -e .\[tune\]'):
        open_study(Path('x'), 'kd/x', None)


@pytest.mark.parametrize(('arguments', 'message'), [
    (['synthetic_depth2rgb', 'kd', '--trials', '0'], '--trials 0'),
    (['synthetic_depth2rgb', 'kdd'], "method 'kdd' does not exist"),
    (['moon_a2b', 'kd'], 'unimodal/moon_b does not exist'),
    (['synthetic', 'kd'], 'A teaches B')])
def test_bad_input_of_the_command_is_named(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=message):
        main(arguments)


@pytest.mark.parametrize('name', ['notes.md', 'mine.py'])
def test_a_file_of_another_kind_or_that_is_there_stays(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path(name).write_text('mine')
    with pytest.raises(SystemExit):
        main(['synthetic_depth2rgb', 'kd', '-o', name])
    said = capsys.readouterr().err
    assert f'-o {name}: name a file that ends in .py and is not there yet' in said
    assert Path(name).read_text() == 'mine'
