"""tools/benchmark.py trains, is killed, goes on, and reports; with the real Runner."""

import csv
import os
import signal
import subprocess
import sys
import time

import pytest
from runs import ROOT, run

from mmfkd.cli import benchmark

DATA = [f'{split}_dataloader.{key}' for split in ('train', 'val', 'test') for key in (
    'dataset.num_scenes=4', 'dataset.size=(32,32)', 'num_workers=0', 'batch_size=2')]
OPTIONS = ['train_cfg.max_epochs=1', 'train_cfg.val_interval=1',
           'default_hooks.teacher_report.refuse=False', *DATA]
PAIR = 'synthetic_depth2rgb'
CELLS = [f'unimodal/synthetic_{name}/seed0' for name in ('rgb', 'depth')] + [
    f'kd/{PAIR}/seed0']


def command(root, *more, methods=('kd',), options=()):
    return [sys.executable, str(ROOT / 'tools/benchmark.py'), '--pairs', PAIR, '--methods',
            *methods, '--seeds', '0', '--root', str(root), *more, '--cfg-options', *OPTIONS,
            *options]


def starts(folder):
    """Number of training processes that ran in a work dir: each has a folder of its own."""
    return sum(path.is_dir() and path.name[:8].isdigit() for path in folder.iterdir())


def wait_for(path, process):
    deadline = time.monotonic() + 300
    while not path.exists():
        assert process.poll() is None, f'ended before {path} was there'
        assert time.monotonic() < deadline, f'{path} is not there after 300 s'
        time.sleep(0.1)


@pytest.mark.parametrize('whole_group', [False, True])
def test_killed_and_started_again_nothing_is_lost_or_repeated(whole_group, tmp_path):
    environment = dict(os.environ, OMP_NUM_THREADS='1', PYTHONPATH=str(ROOT))
    process = subprocess.Popen(command(tmp_path), cwd=ROOT, env=environment,
                               start_new_session=True, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    first, second = (tmp_path / cell for cell in CELLS[:2])
    wait_for(first / 'summary.json', process)
    wait_for(second / 'benchmark.log', process)
    if whole_group:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()  # the training goes on without its parent
    process.wait()
    finished = (first / 'summary.json').stat().st_mtime_ns

    done = run(*command(tmp_path))
    assert (first / 'summary.json').stat().st_mtime_ns == finished
    for cell in CELLS:
        assert (tmp_path / cell / 'summary.json').is_file()
        # A training that was killed with its parent may have run twice, no other.
        assert starts(tmp_path / cell) == 1 or (whole_group and cell == CELLS[1])
    assert '3 cells, 1 are done' in done.stdout or '3 cells, 2 are done' in done.stdout
    assert 'depth teaches rgb' in done.stdout
    assert f'done: {tmp_path}/{CELLS[2]}' in done.stdout
    with (tmp_path / 'report/table.csv').open() as file:
        lines = list(csv.DictReader(file))
    assert [(line['row'], line['status']) for line in lines] == [
        ('unimodal', 'done'), ('kd', 'done')]


def test_a_failed_cell_does_not_end_the_table(tmp_path):
    # A teacher that has learned nothing is refused, and C2KD's is a student.
    done = run(*command(tmp_path, '--jobs', '2', methods=('kd', 'c2kd'),
                        options=['default_hooks.teacher_report.refuse=True']), check=False)
    assert done.returncode != 0 and '1 of 4 cells failed' in done.stderr
    text = (tmp_path / 'report/table.md').read_text()
    assert f'Failed: kd on {PAIR}, seed 0: exit code 1' in text and '2 of 3 cells' in text
    assert (tmp_path / f'c2kd/{PAIR}/seed0/summary.json').is_file()


def test_a_dead_teacher_takes_its_students_along_and_no_others(tmp_path):
    bad = ['train_dataloader.dataset.num_scenes=-1']
    done = run(*command(tmp_path, options=bad), check=False)
    assert '3 of 3 cells failed' in done.stderr
    assert 'its teacher synthetic_depth failed' in (tmp_path / 'report/table.md').read_text()
    assert not (tmp_path / CELLS[2]).exists()


@pytest.mark.parametrize(('option', 'twice'), [
    ('--methods', 'kd'), ('--pairs', PAIR), ('--labels', '0.1'), ('--seeds', '1'),
    ('--tuning-seeds', '1000'), ('--networks', 'msrs_rgb-ir')])
def test_what_is_named_twice_is_refused(option, twice, capsys):
    with pytest.raises(SystemExit):
        benchmark.parse_args([option, twice, twice])
    assert f'{option}: {twice} is named twice; name it once' in capsys.readouterr().err


@pytest.mark.parametrize(('arguments', 'message'), [
    ([], 'name --pairs'),
    (['--pairs', 'avdigits'], 'A teaches B'),
    (['--pairs', 'moon_a2b'], 'unimodal/moon_b does not exist'),
    (['--table', '3', '--methods', 'kd'], '--methods does not go with table3'),
    (['--pairs', PAIR, '--jobs', '0'], 'take 1 or more')])
def test_bad_arguments_are_answered_in_a_line(arguments, message, monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit, match=message) as caught:
        benchmark.main(arguments)
    # Python prints a text to stderr and exits with 1.
    assert isinstance(caught.value.code, str)
