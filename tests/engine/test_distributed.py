"""Two gloo processes with half the batch each train like one process with the whole batch."""

import json
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from runs import ROOT, run, write_config

from mmfkd.engine.distributed import keep_timm_norms

RECORD = '''
import atexit
import json
from pathlib import Path
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from torch.nn.modules.batchnorm import _BatchNorm

@HOOKS.register_module()
class RecordHook(Hook):
    """Keeps batch norms in eval mode; saves the losses and the final weights of each rank."""
    losses = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        for module in runner.model.modules():
            if isinstance(module, _BatchNorm):
                module.eval()

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.losses.append({k: float(v) for k, v in outputs.items() if 'loss' in k})

    def after_train(self, runner):
        model = getattr(runner.model, 'module', runner.model)
        torch.save(model.state_dict(), f'{runner.work_dir}/rank{get_rank()}.pth')
        with open(f'{runner.work_dir}/rank{get_rank()}.json', 'w') as file:
            json.dump(self.losses, file)
        left = Path(runner.work_dir, f'left{get_rank()}')
        atexit.register(lambda: left.write_text(str(not torch.distributed.is_initialized())))
'''
# Without flips and dropout, so that the ranks' random numbers do not matter; a whole-vector FDKD,
# so that the distillation terms are as large as the task's. The feature loss has a balance, whose
# norms are those of the whole batch.
EQUAL = '''
custom_imports = dict(imports=['record_hook'])
custom_hooks = [dict(type='RecordHook')]
default_hooks.update(teacher_report=None)
train_dataloader.update(batch_size={batch})
train_dataloader['dataset']['pipeline'] = [
    dict(type='RenderRGBD'), dict(type='StackModalities'), dict(type='PackModalities')]
model.update(
    students=dict(student=dict(model=dict(decode_head=dict(dropout_ratio=0.0)))),
    losses=dict(
        loss_fdkd=dict(reduction='vectors'),
        loss_feature=dict(type='FeatureLoss', student='student.feat', teacher='teacher.feat',
                          balance=dict(ratio=0.5, interval=1))))
'''


@pytest.fixture(scope='module')
def runs(tmp_path_factory) -> dict[str, Path]:
    folders = {}
    for name, batch in (('one', 8), ('two', 4)):
        folder = tmp_path_factory.mktemp(name)
        (folder / 'record_hook.py').write_text(RECORD)
        config = write_config(folder, EQUAL.format(batch=batch), epochs=2)
        options = [config, '--work-dir', folder / 'run']
        if name == 'one':
            run(sys.executable, ROOT / 'tools/train.py', *options, modules=folder)
        else:
            run('bash', ROOT / 'tools/dist_train.sh', config, '2', *options[1:], modules=folder)
        folders[name] = folder / 'run'
    return folders


def losses(folder: Path, rank: int) -> list[dict]:
    return json.loads((folder / f'rank{rank}.json').read_text())


def test_ranks_end_with_identical_weights(runs):
    first, second = (torch.load(runs['two'] / f'rank{rank}.pth') for rank in (0, 1))
    assert len(first) > 100
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_ranks_have_left_the_process_group_when_they_exit(runs):
    assert [(runs['two'] / f'left{rank}').read_text() for rank in (0, 1)] == ['True', 'True']


def test_weights_equal_those_of_one_process(runs):
    one, two = (torch.load(runs[name] / 'rank0.pth') for name in ('one', 'two'))
    assert max((one[key] - two[key]).abs().max().item() for key in one) < 1e-5


def test_loss_curve_is_that_of_one_process(runs):
    whole = losses(runs['one'], 0)
    halves = zip(losses(runs['two'], 0), losses(runs['two'], 1), strict=True)
    mean = [{key: (a[key] + b[key]) / 2 for key in a} for a, b in halves]
    assert len(whole) == len(mean) == 6
    assert {'loss_fdkd.low', 'loss_fdkd.high', 'student.decode.loss_ce'} < set(whole[0])
    for step, other in zip(whole, mean, strict=True):
        for key in ('loss_feature.weight', 'loss_feature.share'):
            assert step.pop(key) == pytest.approx(other.pop(key), rel=1e-4)
        assert step == pytest.approx(other, abs=1e-5)
    assert whole[-1] != pytest.approx(whole[0], abs=1e-3)


def test_batch_norms_of_timm_are_left_alone(capsys):
    """torch's conversion would drop the activations that they hold."""
    cfg = Config.fromfile(ROOT / 'configs/unimodal/msrs_ir.py')
    cfg.merge_from_dict(dict(sync_bn='torch', launcher='pytorch'))
    keep_timm_norms(cfg)
    assert cfg.sync_bn is None and 'activations' in capsys.readouterr().out
    plain = Config.fromfile(ROOT / 'configs/unimodal/streets_ir.py')
    plain.merge_from_dict(dict(launcher='pytorch'))
    keep_timm_norms(plain)
    assert plain.sync_bn == 'torch'
