"""MMANet and CDDFuse on two gloo processes train like on one, but for terms that are no means."""

import json
import sys

import pytest
import torch
from runs import ROOT, run
from test_distributed import RECORD

# What is no mean over samples is left out: MADLoss relates the pixels of a process, and the
# decomposition of CDDFuse is a ratio of means. Every mask is that of the weak combination. CDDFuse
# fuses in the second epoch.
CONFIG = '''
_base_ = ['{root}/configs/mmanet/streets_rgb-ir.py']
custom_imports = dict(imports=['record_hook'])
custom_hooks = [dict(type='RecordHook')]
pipeline = [dict(type='RenderEOIR'), dict(type='StackModalities'), dict(type='PackModalities')]
train_dataloader = dict(batch_size={batch}, num_workers=0,
                        dataset=dict(num_scenes=16, size=(64, 64), pipeline=pipeline))
val_dataloader = None
test_dataloader = None
train_cfg = dict(max_epochs=2, val_interval=1)
clip = dict(type='ModuleClipHook', max_norm=0.01, modules=['students.fusion.model.encoder'])
default_hooks = dict(checkpoint=dict(interval=1, save_best=None), teacher_report=None,
                     prediction_panel=None, mad_weight=None, clip=clip,
                     phase=dict(type='FusionPhaseHook', second=1),
                     mar_weight=dict(begin=0, end=0))
backbone = dict(base_channels=8, stem_channels=8)
widths = (8, 16, 16, 16)
scale = dict(mean=[0.0] * 3, std=[255.0] * 3)
model = dict(
    teachers=dict(_delete_=True),
    students=dict(
        student=dict(model=dict(
            backbones=dict(rgb=backbone, ir=backbone), mask=[('ir',)],
            neck=dict(in_channels=(8, 16, 32, 64), out_channels=widths),
            decode_head=dict(in_channels=widths, blocks=1))),
        fusion=dict(
            modality=('rgb', 'ir'), norm=dict(rgb=dict(scale, bgr_to_rgb=True), ir=scale),
            model=dict(type='CDDFuse', modalities=('rgb', 'ir'), channels=8, heads=2, blocks=1,
                       decomposition_weight=0.0))),
    losses=dict(loss_mad=None))
'''


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
    """Number of processes to the work dir of a run of two epochs, with 8 scenes a step."""
    folders = {}
    for processes in (1, 2):
        folder = tmp_path_factory.mktemp('run')
        (folder / 'record_hook.py').write_text(RECORD)
        config = folder / 'small.py'
        config.write_text(CONFIG.format(root=ROOT, batch=8 // processes))
        arguments = [config, '--work-dir', folder / 'run']
        if processes == 1:
            run(sys.executable, ROOT / 'tools/train.py', *arguments, modules=folder)
        else:
            run('bash', ROOT / 'tools/dist_train.sh', config, processes, *arguments[1:],
                modules=folder)
        folders[processes] = folder / 'run'
    return folders


def test_two_processes_equal_one(runs):
    first, second = (torch.load(runs[2] / f'rank{rank}.pth') for rank in (0, 1))
    assert len(first) > 200 and all(torch.equal(first[key], second[key]) for key in first)
    alone = torch.load(runs[1] / 'rank0.pth')
    assert max((alone[key] - first[key]).abs().max().item() for key in alone) < 1e-5
    whole, a, b = (json.loads((runs[count] / f'rank{rank}.json').read_text())
                   for count, rank in ((1, 0), (2, 0), (2, 1)))
    assert len(whole) == 4
    for step, (one, left, right) in enumerate(zip(whole, a, b, strict=True)):
        assert {'student.fused.loss_ce_32', 'loss_mar.weak'} < set(one)
        assert ('fusion.loss_edges' if step > 1 else 'fusion.loss_ssim') in one
        assert one['loss_mar.weak'] > 0.1
        assert {key: (left[key] + right[key]) / 2 for key in left} == pytest.approx(one, abs=1e-5)
