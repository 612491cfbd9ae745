"""A run that was killed and resumed ends with the weights of one that was not."""

import os
import signal
import sys

import pytest
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
DISTILLED = '''
custom_imports = dict(imports=['kill_hook'])
custom_hooks = [dict(type='KillHook')]
default_hooks.update(teacher_report=dict(refuse=False))
'''
# MMANet with random masks, a weak combination that validations choose, and losses that begin later;
# beside it CDDFuse, whose second phase begins with the second epoch; and averages of all weights.
NETWORKS = '''
_base_ = ['{root}/configs/mmanet/streets_rgb-ir.py']
custom_imports = dict(imports=['kill_hook'])
custom_hooks = [dict(type='KillHook'), dict(type='EMAHook', momentum=0.3)]
train_dataloader = dict(batch_size=4, num_workers=2, dataset=dict(num_scenes=24, size=(32, 32)))
val_dataloader = dict(batch_size=4, num_workers=0, dataset=dict(num_scenes=4, size=(32, 32)))
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=3, val_interval=1)
default_hooks = dict(
    checkpoint=dict(interval=1), teacher_report=None, prediction_panel=None, mad_weight=None,
    weak=dict(type='WeakCombinationHook', begin=0, end=1),
    phase=dict(type='FusionPhaseHook', second=1),
    clip=dict(type='ModuleClipHook', max_norm=0.01, modules=['students.fusion.model.encoder']))
backbone = dict(base_channels=8, stem_channels=8)
widths = (8, 16, 16, 16)
scale = dict(mean=[0.0] * 3, std=[255.0] * 3)
model = dict(
    teachers=dict(_delete_=True),
    students=dict(
        student=dict(model=dict(
            backbones=dict(rgb=backbone, ir=backbone),
            neck=dict(in_channels=(8, 16, 32, 64), out_channels=widths),
            decode_head=dict(in_channels=widths, blocks=1))),
        fusion=dict(
            modality=('rgb', 'ir'), norm=dict(rgb=dict(scale, bgr_to_rgb=True), ir=scale),
            model=dict(type='CDDFuse', modalities=('rgb', 'ir'), channels=8, heads=2, blocks=1))),
    losses=dict(loss_mad=None, loss_mar=dict(weak=None)))
'''


def distilled(folder):
    """Two workers and flips, colour jitter and dropout: all the randomness that there is."""
    return write_config(folder, DISTILLED, epochs=3, workers=2)


def networks(folder):
    path = folder / 'networks.py'
    path.write_text(NETWORKS.format(root=ROOT))
    return path


@pytest.mark.parametrize('written', [distilled, networks])
def test_killed_and_resumed_run_equals_an_uninterrupted_one(written, tmp_path, monkeypatch):
    (tmp_path / 'kill_hook.py').write_text(KILL)
    config = written(tmp_path)
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
