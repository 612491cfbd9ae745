"""A student that FSDP2 shards over two gloo processes learns what one under DDP learns."""

import json
import sys

import pytest
from runs import run, save_teacher

SCRIPT = '''
import copy, json, sys
import torch
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import distributed, nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor
from mmfkd.config import load_config
from mmfkd.registry import MODELS

distributed.init_process_group('gloo')
rank = distributed.get_rank()
init_default_scope('mmfkd')
cfg = load_config('fdkd/synthetic_depth2rgb', {'model.teachers.teacher.checkpoint': sys.argv[1]})
torch.manual_seed(0)
model = MODELS.build(cfg.model).train()
for module in model.modules():
    if isinstance(module, nn.Dropout2d):
        module.p = 0.0  # which draws other numbers in each process


def batch(step):
    torch.manual_seed(10 * step + rank)
    samples = [SegDataSample(gt_sem_seg=PixelData(data=torch.randint(0, 4, (1, 32, 32))))
               for _ in range(2)]
    for sample in samples:
        sample.set_metainfo(dict(img_shape=(32, 32), ori_shape=(32, 32)))
    return dict(rgb=torch.rand(2, 3, 32, 32), depth=torch.rand(2, 1, 32, 32)), samples


def trained(wrapped, core):
    optimizer = torch.optim.SGD(wrapped.parameters(), lr=0.05, momentum=0.9)
    totals = []
    for step in range(3):
        inputs, samples = batch(step)
        total, _ = core.parse_losses(wrapped(inputs, samples, mode='loss'))
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        totals.append(float(total))
    return totals


sharded = copy.deepcopy(model)
network = sharded.student.model
for part in (network.backbone.layer4, network.backbone, network):
    fully_shard(part)
whole = nn.parallel.DistributedDataParallel(model)
plain, split = trained(whole, model), trained(sharded, sharded)
weights = get_model_state_dict(sharded, options=StateDictOptions(full_state_dict=True))
gap = max(float((weights[key] - value).abs().max()) for key, value in model.state_dict().items())
if rank == 0:
    parts = [value for value in sharded.parameters() if isinstance(value, DTensor)]
    print(json.dumps(dict(plain=plain, split=split, gap=gap, sharded=len(parts),
                          of=len(list(model.student.model.parameters())))))
'''


def test_a_sharded_student_learns_what_a_whole_one_learns(tmp_path):
    teacher = save_teacher(tmp_path / 'teacher.pth')
    script = tmp_path / 'sharded.py'
    script.write_text(SCRIPT)
    done = run(sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node',
               '2', str(script), str(teacher), cwd=tmp_path)
    found = json.loads(next(line for line in done.stdout.splitlines() if line.startswith('{')))
    assert found['sharded'] == found['of'] > 50
    assert found['split'] == pytest.approx(found['plain'], rel=1e-5)
    assert found['gap'] < 1e-5
