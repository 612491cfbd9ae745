"""CSK-Net on two gloo processes trains like one process, in the full method and its ablations."""

import json
import sys
from pathlib import Path

import pytest
import torch
from mmengine.registry import init_default_scope
from runs import ROOT, run
from test_distributed import RECORD

from mmfkd.config import student_config
from mmfkd.models import CrossModalDistiller

# Every pixel of each class takes part in the contrast, so that what is drawn does not matter.
CONFIG = '''
_base_ = ['{root}/configs/csknet/synthetic_rgb-ir.py']
custom_imports = dict(imports=['record_hook'])
custom_hooks = [dict(type='RecordHook')]
pipeline = [dict(type='RenderEOIR'), dict(type='StackModalities'), dict(type='PackModalities')]
train_dataloader = dict(batch_size={batch}, num_workers=0,
                        dataset=dict(num_scenes=16, size=(32, 32), pipeline=pipeline))
val_dataloader = dict(batch_size=4, num_workers=0, dataset=dict(num_scenes=4, size=(32, 32)))
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=1, val_interval=1)
default_hooks = dict(checkpoint=dict(interval=1), teacher_report=None)
model = dict(
    students=dict(student=dict(model=dict(
        decode_head=dict(dropout_ratio=0.0), fusion_head=dict(dropout_ratio=0.0),
        exchange=dict(channel=dict(ratio=0.25))))),
    teachers=dict(teacher=dict(checkpoint='{teacher}')),
    losses=dict(loss_contrast=dict(gather=True, hard_ratio=1.0, max_anchors=9000,
                                   max_samples=9000)))
'''
ABLATIONS = dict(
    no_exchange=['model.students.student.model.exchange=None'],
    no_gate=['model.students.student.model.fusion_head.gated=False'],
    no_contrast=['model.losses.loss_contrast=None'],
    no_distillation=['model.losses.loss_d1=None', 'model.losses.loss_d2_stage4=None',
                     'model.losses.loss_d2_stage5=None', 'model.losses.loss_d2_decoder=None'])


@pytest.fixture(scope='module')
def train(tmp_path_factory):
    """``train(processes, options)``: work dir of a run of one epoch, with 8 scenes a step."""
    teacher = tmp_path_factory.mktemp('teacher') / 'teacher.pth'
    torch.manual_seed(0)
    init_default_scope('mmfkd')
    branch = student_config(ROOT / 'configs/unimodal/streets_rgb.py')
    torch.save(dict(state_dict=CrossModalDistiller(
        students=dict(student=branch)).state_dict()), teacher)

    def start(processes: int, options: list[str]) -> Path:
        folder = tmp_path_factory.mktemp('run')
        (folder / 'record_hook.py').write_text(RECORD)
        config = folder / 'small.py'
        config.write_text(CONFIG.format(root=ROOT, teacher=teacher, batch=8 // processes))
        changes = ['--cfg-options', *options] if options else []
        arguments = [config, '--work-dir', folder / 'run', *changes]
        if processes == 1:
            run(sys.executable, ROOT / 'tools/train.py', *arguments, modules=folder)
        else:
            run('bash', ROOT / 'tools/dist_train.sh', config, processes, *arguments[1:],
                modules=folder)
        return folder / 'run'
    return start


def losses(folder: Path, rank: int) -> list[dict]:
    return json.loads((folder / f'rank{rank}.json').read_text())


def test_two_processes_equal_one(train):
    one, two = train(1, []), train(2, [])
    first, second = (torch.load(two / f'rank{rank}.pth') for rank in (0, 1))
    assert len(first) > 200 and all(torch.equal(first[key], second[key]) for key in first)
    alone = torch.load(one / 'rank0.pth')
    assert max((alone[key] - first[key]).abs().max().item() for key in alone) < 1e-5
    assert len(losses(one, 0)) == 2
    for whole, a, b in zip(losses(one, 0), losses(two, 0), losses(two, 1), strict=True):
        assert {'loss_contrast.contrast', 'loss_d1.kl', 'student.fused.loss_dice'} < set(whole)
        assert {key: (a[key] + b[key]) / 2 for key in a} == pytest.approx(whole, abs=1e-5)


@pytest.mark.parametrize('name', ABLATIONS)
def test_no_ablation_leaves_a_parameter_without_a_gradient(train, name):
    """DDP would stop in the second step: ``find_unused_parameters`` is off."""
    folder = train(2, ABLATIONS[name])
    assert len(losses(folder, 0)) == len(losses(folder, 1)) == 2
