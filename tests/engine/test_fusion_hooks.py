"""Phases of CDDFuse, and the gradients of its parts that are clipped one by one."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import nn

from mmfkd.engine import FusionPhaseHook, ModuleClipHook
from mmfkd.models import CDDFuse


def runner_of(model, **others):
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    return SimpleNamespace(model=model, optim_wrapper=OptimWrapper(optimizer), **others)


def test_the_phase_follows_the_epoch():
    network = CDDFuse(('rgb', 'ir'), channels=8, heads=2, blocks=1)
    optimizer = torch.optim.Adam(network.parameters())
    runner = SimpleNamespace(model=nn.ModuleDict(dict(other=nn.Linear(2, 2), fusion=network)),
                             max_epochs=3, optim_wrapper=OptimWrapper(optimizer))
    fusing = [*network.base_fusion.parameters(), *network.detail_fusion.parameters()]
    every = len(list(network.parameters()))
    hook, phases, moments = FusionPhaseHook(second=2), [], []
    hook.before_train(runner)
    for runner.epoch in range(3):
        hook.before_train_epoch(runner)
        phases.append(network.phase)
        moments.append(len(optimizer.state))
        sum(0 * weight.sum() for weight in network.parameters()).backward()
        optimizer.step()
    assert phases == [1, 1, 2]
    # The fusion layers begin without moments.
    assert moments == [0, every, every - len(fusing)] and len(optimizer.state) == every
    assert len(fusing) > 4
    with pytest.raises(ValueError, match='phase 2 begins with epoch 4 of 3'):
        FusionPhaseHook(second=3).before_train(runner)
    with pytest.raises(ValueError, match=r'no student is a CDDFuse: set default_hooks\.phase=None'):
        FusionPhaseHook(second=2).before_train(
            SimpleNamespace(model=nn.Linear(2, 2), max_epochs=3))


def test_each_module_is_clipped_by_itself():
    torch.manual_seed(0)
    model = nn.ModuleDict(dict(a=nn.Linear(4, 4), b=nn.Linear(4, 4), c=nn.Linear(4, 4)))
    runner = runner_of(model)
    hook = ModuleClipHook(['a', 'b'], max_norm=0.01)
    hook.before_train(runner)

    def step():
        before = {name: value.detach().clone() for name, value in model.named_parameters()}
        x = torch.ones(2, 4)
        loss = 100 * model['a'](x).sum() + 1e-5 * model['b'](x).sum() + 100 * model['c'](x).sum()
        runner.optim_wrapper.update_params(loss)
        return {part: torch.stack([(value.detach() - before[name]).norm() for name, value in
                                   model.named_parameters() if name.startswith(part)]).norm()
                for part in 'abc'}

    moved = step()
    assert float(moved['a']) == pytest.approx(0.01, rel=1e-3)
    assert 1e-6 < float(moved['b']) < 0.01 and float(moved['c']) > 100
    hook.after_train(runner)
    assert float(step()['a']) > 100


def test_a_module_that_is_not_there_is_named():
    with pytest.raises(ValueError, match='the model has no b, c.d'):
        ModuleClipHook(['a', 'b', 'c.d'], 0.01).before_train(
            runner_of(nn.ModuleDict(dict(a=nn.Linear(1, 1)))))
