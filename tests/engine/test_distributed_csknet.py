"""CSK-Net on two gloo processes trains like one process, in the full method and its ablations."""

import json
import sys
from pathlib import Path

import pytest
import torch
from mmengine.dataset import pseudo_collate
from runs import ROOT, run, save_teacher
from test_distributed import RECORD

from mmfkd.config import load_config
from mmfkd.registry import DATASETS, MODELS

# Every pixel of each class takes part in the contrast, so that what is drawn does not matter.
CONFIG = '''
_base_ = ['{root}/configs/csknet/streets_rgb-ir.py']
custom_imports = dict(imports=['record_hook'])
custom_hooks = [dict(type='RecordHook')]
pipeline = [dict(type='RenderEOIR'), dict(type='StackModalities'), dict(type='PackModalities')]
train_dataloader = dict(batch_size={batch}, num_workers=0,
                        dataset=dict(num_scenes=16, size=(32, 32), pipeline=pipeline))
val_dataloader = dict(batch_size=4, num_workers=0, dataset=dict(num_scenes=4, size=(32, 32)))
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=1, val_interval=1)
default_hooks = dict(checkpoint=dict(interval=1), teacher_report=None, contrast_weight=None,
                     contrast_share=None)
model = dict(
    students=dict(student=dict(model=dict(
        decode_head=dict(dropout_ratio=0.0), fusion_head=dict(dropout_ratio=0.0),
        exchange=dict(channel=dict(ratio=0.25, norms=_base_.stage_norms),
                      spatial=dict(stages=_base_.last_stages))))),
    teachers=dict(teacher=dict(checkpoint='{teacher}')),
    losses=dict(loss_contrast=dict(gather=True, hard_ratio=1.0, max_anchors=9000,
                                   max_samples=9000)))
'''
ABLATIONS = dict(
    no_exchange={'model.students.student.model.exchange': None},
    no_gate={'model.students.student.model.fusion_head.gated': False},
    no_contrast={'model.losses.loss_contrast': None},
    no_distillation={f'model.losses.loss_{name}': None
                     for name in ('d1', 'd2_stage4', 'd2_stage5', 'd2_decoder')})


@pytest.fixture(scope='module')
def teacher(tmp_path_factory):
    """A checkpoint of random weights."""
    return save_teacher(tmp_path_factory.mktemp('teacher') / 'teacher.pth', 'streets_rgb')


@pytest.fixture(scope='module')
def train(teacher, tmp_path_factory):
    """``train(processes)``: work dir of a run of one epoch, with 8 scenes a step."""
    def start(processes: int) -> Path:
        folder = tmp_path_factory.mktemp('run')
        (folder / 'record_hook.py').write_text(RECORD)
        config = folder / 'small.py'
        config.write_text(CONFIG.format(root=ROOT, teacher=teacher, batch=8 // processes))
        arguments = [config, '--work-dir', folder / 'run']
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
    one, two = train(1), train(2)
    first, second = (torch.load(two / f'rank{rank}.pth') for rank in (0, 1))
    assert len(first) > 200 and all(torch.equal(first[key], second[key]) for key in first)
    alone = torch.load(one / 'rank0.pth')
    assert max((alone[key] - first[key]).abs().max().item() for key in alone) < 1e-5
    assert len(losses(one, 0)) == 2
    for whole, a, b in zip(losses(one, 0), losses(two, 0), losses(two, 1), strict=True):
        assert {'loss_contrast.contrast', 'loss_d1.kl', 'student.fused.loss_dice'} < set(whole)
        # The spread of embeddings is reported and no loss, and no mean over samples.
        terms = [key for key in whole if not key.endswith('.spread')]
        assert {key: (a[key] + b[key]) / 2 for key in terms} == pytest.approx(
            {key: whole[key] for key in terms}, abs=1e-5)


@pytest.mark.parametrize('name', ABLATIONS)
def test_no_ablation_leaves_a_parameter_without_a_gradient(teacher, tmp_path, name):
    """DDP would stop in the second step: ``find_unused_parameters`` is off."""
    config = tmp_path / 'small.py'
    config.write_text(CONFIG.format(root=ROOT, teacher=teacher, batch=4).replace(
        "custom_imports = dict(imports=['record_hook'])", ''))
    cfg = load_config(config, ABLATIONS[name])
    model = MODELS.build(cfg.model).train()
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    batch = pseudo_collate([dataset[i] for i in range(4)])
    data = model.data_preprocessor(batch, training=True)
    model.parse_losses(model(**data, mode='loss'))[0].backward()
    trained = {key: value for key, value in model.named_parameters() if value.requires_grad}
    assert len(trained) > 50
    assert [key for key, value in trained.items() if value.grad is None] == []
