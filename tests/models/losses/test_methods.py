"""Every method's config on one step: who learns, who does not, and what the losses add."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from mmfkd.analysis.untrained import build_model, random_data
from mmfkd.config import compose, methods, read, without_init
from mmfkd.registry import MODELS

ROOT = Path(__file__).parents[3]
SIZES = dict(avdigits=dict(audio=(33, 32), visual=(32, 32)), ombria96=(32, 32))
PAIRS = ('avdigits_visual2audio', 'ombria96_optical2sar')
PRESETS = [f'{method}-{preset}' for method in methods()
           for preset in read(f'_base_/methods/{method}').get('presets', {})]
DISTILLED = methods()
WITH_PARAMETERS = {'fdkd', 'ofd', 'afd', 'c2kd', 'reviewkd'}


@pytest.fixture(autouse=True)
def in_root(monkeypatch):
    monkeypatch.chdir(ROOT)
    init_default_scope('mmfkd')


def built(method, pair):
    cfg = compose(pair, method)
    model = build_model(cfg)
    model.train()
    return cfg, model, random_data(model, SIZES[pair.split('_')[0]], 4)


@pytest.mark.parametrize('pair', PAIRS)
@pytest.mark.parametrize('method', [*DISTILLED, *PRESETS])
def test_a_step_reaches_all_that_is_trained_and_nothing_else(method, pair):
    if method.startswith('nkd') and not method.startswith('nkd_') and pair == PAIRS[1]:
        with pytest.raises(ValueError, match="'nkd.*' does not work for two classes"):
            compose(pair, method)
        return
    cfg, model, batch = built(method, pair)
    teachers = {name: {key: value.clone() for key, value in teacher.state_dict().items()}
                for name, teacher in model.teachers.items()}
    data = model.data_preprocessor(batch, training=True)
    terms = model(**data, mode='loss')
    total, _ = model.parse_losses(terms)
    assert total.isfinite()
    total.backward()
    silent = [name for name, p in model.named_parameters() if p.grad is None]
    assert silent == []  # or DDP stops
    added = [key for key in terms if key.startswith('loss_')]
    assert added and all(terms[key].isfinite() for key in added)
    # The last layer of a residual branch starts at zero, but the student's logits do not.
    head = [p for name, p in model.student.named_parameters()
            if name.endswith(('conv_seg.weight', 'fc.weight'))]
    assert len(head) == 1 and head[0].grad.abs().sum() > 0
    build_optim_wrapper(model, cfg.optim_wrapper).step()
    for name, teacher in model.teachers.items():
        state = teacher.state_dict()
        assert all(torch.equal(state[key], value) for key, value in teachers[name].items())


@pytest.mark.parametrize('method', DISTILLED)
def test_what_a_method_learns_beside_the_student_lies_under_losses(method):
    _, model, _ = built(method, PAIRS[0])
    names = [name for name, _ in model.losses.named_parameters()]
    assert bool(names) == (method in WITH_PARAMETERS)
    baseline = Config.fromfile('configs/unimodal/avdigits_audio.py')
    plain = MODELS.build(without_init(baseline.model))
    assert list(model.student.state_dict()) == list(plain.student.state_dict())


@pytest.mark.parametrize('method', [method for method in DISTILLED if method != 'nkd'])
def test_student_starts_as_its_baseline_does(method, distiller_config, seg_branch):
    """Built and initialised as a Runner does, at one seed."""
    branch = seg_branch('depth')
    losses = compose(PAIRS[1], method).model.losses
    widths = dict(student_channels=(16, 32), teacher_channels=(16, 32))
    for loss in losses.values():
        if loss.type in ('OFDLoss', 'AFDLoss', 'ReviewKDLoss'):
            loss.update(widths, student=['student.feat', 'student.logits'],
                        teacher=['teacher.feat', 'teacher.logits'])
        elif loss.type == 'C2KDLoss':
            loss.update(student=['student.logits', 'student.feat'],
                        teacher=['teacher.logits', 'teacher.feat'])
    others = dict(dml=dict(peer=branch), c2kd=dict(teacher=branch)).get(method, {})
    config = distiller_config(losses, teachers={} if others else None,
                              students=dict(student=seg_branch('rgb'), **others))
    plain = distiller_config({}, teachers={})
    states = []
    for cfg in (config, plain):
        torch.manual_seed(5)
        model = MODELS.build(cfg)
        model.init_weights()
        states.append(model.student.state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[1])
