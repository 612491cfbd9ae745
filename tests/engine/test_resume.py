"""A run that was killed and resumed ends with the weights of one that was not."""

import os
import signal
import sys

import torch
from runs import ROOT, run, weights, write_config

KILL = '''
import os, signal
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

@HOOKS.register_module()
class KillHook(Hook):
    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if os.environ.get('KILL_AT') == str(runner.iter):
            os.kill(os.getpid(), signal.SIGKILL)
'''
HOOK = '''
custom_imports = dict(imports=['kill_hook'])
custom_hooks = [dict(type='KillHook')]
default_hooks.update(teacher_report=dict(refuse=False))
'''


def test_killed_and_resumed_run_equals_an_uninterrupted_one(tmp_path, monkeypatch):
    (tmp_path / 'kill_hook.py').write_text(KILL)
    # Two workers and flips, colour jitter and dropout: all the randomness that there is.
    config = write_config(tmp_path, HOOK, epochs=3, workers=2)
    train = [sys.executable, ROOT / 'tools/train.py', config]

    run(*train, '--work-dir', tmp_path / 'whole', modules=tmp_path)

    # 24 scenes in batches of 4: iteration 9 is in the middle of the second epoch.
    monkeypatch.setenv('KILL_AT', '9')
    killed = run(*train, '--work-dir', tmp_path / 'parts', modules=tmp_path, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / 'parts/epoch_2.pth').exists()
    # What a kill in the middle of writing would leave: it must not be taken for a checkpoint.
    (tmp_path / 'parts/epoch_2.pth').write_bytes(
        (tmp_path / 'parts/epoch_1.pth').read_bytes()[:10000])
    monkeypatch.delenv('KILL_AT')
    resumed = run(*train, '--work-dir', tmp_path / 'parts', '--resume', modules=tmp_path)
    assert 'epoch_1.pth' in resumed.stdout + resumed.stderr

    whole, parts = (weights(tmp_path / name / 'epoch_3.pth') for name in ('whole', 'parts'))
    assert whole.keys() == parts.keys() and len(whole) > 100
    assert all(torch.equal(whole[key], parts[key]) for key in whole)
    start = weights(tmp_path / 'whole/epoch_2.pth')
    assert any(not torch.equal(whole[key], start[key]) for key in whole)
    assert os.path.isfile(tmp_path / 'parts/summary.json')
