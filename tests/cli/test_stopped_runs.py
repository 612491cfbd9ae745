"""Runs that are stopped, started twice or started anew, through the real command."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from runs import ROOT, run

CONFIG = '''
_base_ = ['{root}/configs/unimodal/synthetic_depth.py']
small = dict(batch_size=4, num_workers=1, dataset=dict(num_scenes=12, size=(32, 32)))
train_dataloader = small
val_dataloader = dict(batch_size=4, num_workers=0, dataset=dict(num_scenes=4, size=(32, 32)))
test_dataloader = val_dataloader
train_cfg = dict(max_epochs={epochs}, val_interval=1)
default_hooks = dict(logger=dict(interval=1), checkpoint=dict(interval=1))
'''


def command(folder, *more, epochs=2):
    config = folder / 'depth.py'
    config.write_text(CONFIG.format(root=ROOT, epochs=epochs))
    return [sys.executable, str(ROOT / 'tools/train.py'), str(config), '--work-dir',
            str(folder / 'run'), *more]


class Started:
    """A command that runs beside the test, and what it wrote."""

    def __init__(self, arguments, log):
        self.log = log
        with log.open('w') as file:
            self.process = subprocess.Popen(
                arguments, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT,
                # A shell in the background hands on that Ctrl-C is ignored.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
                env=dict(os.environ, OMP_NUM_THREADS='1', PYTHONPATH=str(ROOT)))

    def wait_for(self, path):
        deadline = time.monotonic() + 300
        while not path.exists():
            assert self.process.poll() is None and time.monotonic() < deadline, self.output
            time.sleep(0.05)

    def end(self):
        try:
            self.process.wait(timeout=300)
        finally:
            self.process.kill()
        return self.output

    @property
    def output(self):
        return self.log.read_text()


SWALLOWED = '''
import os, signal, time
from mmfkd.engine.processes import leave, stoppable

class Destructor:
    def __del__(self):
        os.kill(os.getpid(), signal.{name})
        time.sleep(0.01)

try:
    with stoppable():
        Destructor()
        time.sleep(60)
except KeyboardInterrupt as stop:
    leave(stop, 'stopped')
'''


@pytest.mark.parametrize(('name', 'code'), [('SIGTERM', 143), ('SIGINT', 130)])
def test_a_stop_that_meets_a_destructor_is_not_lost(name, code):
    text = ('import signal; signal.signal(signal.SIGINT, signal.default_int_handler)'
            + SWALLOWED.format(name=name))
    done = run(sys.executable, '-c', text, check=False)
    assert done.returncode == code and done.stderr.splitlines()[-1] == 'stopped'


@pytest.mark.parametrize(('number', 'code'), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stopped_run_says_what_it_can_be_resumed_from(number, code, tmp_path):
    started = Started(command(tmp_path, epochs=500), tmp_path / 'log')
    started.wait_for(tmp_path / 'run/epoch_1.pth')
    started.process.send_signal(number)
    output = started.end()
    assert started.process.returncode == code, output
    last = output.splitlines()[-1]
    newest = max(tmp_path.glob('run/epoch_*.pth'), key=lambda path: int(path.stem[6:]))
    assert last == f'stopped; --resume goes on from {newest}'
    assert 'Traceback' not in output and not list(tmp_path.glob('run/*.tmp'))


def test_a_second_run_in_a_work_dir_waits_and_takes_the_result(tmp_path):
    first = Started(command(tmp_path, epochs=60), tmp_path / 'log')
    first.wait_for(tmp_path / 'run/epoch_1.pth')
    second = run(*command(tmp_path, epochs=60))
    output = first.end()
    assert first.process.returncode == 0, output
    assert f'{tmp_path}/run is in use by process {first.process.pid} on' in second.stdout
    assert 'has ended: nothing is left to do' in second.stdout
    assert len([path for path in (tmp_path / 'run').iterdir() if path.name[:8].isdigit()]) == 1


@pytest.fixture(scope='module')
def ended(tmp_path_factory):
    """The folder of a run that has ended."""
    folder = tmp_path_factory.mktemp('ended')
    run(*command(folder))
    return folder


def test_an_ended_run_is_not_tested_again(ended):
    before = (ended / 'run/summary.json').read_bytes()
    done = run(*command(ended, '--resume'))
    assert done.stdout.splitlines()[-1] == (
        f'the run in {ended}/run has ended: nothing is left to do')
    assert (ended / 'run/summary.json').read_bytes() == before


def test_more_epochs_are_refused_with_the_cure_and_without_a_traceback(ended):
    before = (ended / 'run/summary.json').read_bytes()
    done = run(*command(ended, '--resume', epochs=4), check=False)
    assert done.returncode == 1 and 'Traceback' not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert 'planned for 2 epochs, and now for 4' in last and 'load_from=' in last
    assert (ended / 'run/summary.json').read_bytes() == before
    shown = run(*command(ended, '--resume', '--traceback', epochs=4), check=False)
    assert 'Traceback' in shown.stderr and last.split(' (')[0] in shown.stderr


def test_a_missing_checkpoint_is_not_resumed(ended):
    done = run(*command(ended, '--resume', str(ended / 'none.pth')), check=False)
    assert 'none.pth: there is no such file' in done.stderr.splitlines()[-1]


@pytest.mark.parametrize('refused', [
    ['--with-baseline'],
    ['--cfg-options', 'model.students.student.model.decode_head.num_classes=3'],
    ['--cfg-options', 'load_from={folder}/other.pth']])
def test_a_refused_run_leaves_the_earlier_one_as_it_was(refused, ended):
    torch.save(dict(state_dict=dict(alien=torch.zeros(2))), ended / 'other.pth')

    def content():
        return {path: path.read_bytes() for path in (ended / 'run').iterdir()
                if path.suffix in ('.pth', '.json', '.py')}

    before = content()
    done = run(*command(ended, *(word.format(folder=ended) for word in refused)), check=False)
    assert done.returncode == 1, done.stdout
    assert content() == before and not (ended / 'run/earlier_1').exists()


def test_a_new_run_sets_the_earlier_one_aside(ended):
    before = json.loads((ended / 'run/summary.json').read_text())
    done = run(*command(ended, '--cfg-options', 'randomness.seed=1', 'val_dataloader=None'))
    assert f'is moved to {ended}/run/earlier_1' in done.stdout
    assert json.loads((ended / 'run/earlier_1/summary.json').read_text()) == before
    assert 'val_dataloader = None' in (ended / 'run/depth.py').read_text()
    after = json.loads((ended / 'run/summary.json').read_text())
    # And without a validation the last checkpoint is the one that is reported.
    assert after['seed'] == 1 and after['val'] is None
    assert after['checkpoint'] == str(ended / 'run/epoch_2.pth')
    assert 'the last one is taken' in done.stdout + done.stderr
    assert 0 <= after['test']['mIoU'] <= 100
