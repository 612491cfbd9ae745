"""FeatureSimilarityHook: what it measures, and that training does not notice it."""

import random

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from torch import nn

from mmfkd.analysis.similarity import linear_cka
from mmfkd.engine.hooks import FeatureSimilarityHook
from mmfkd.engine.hooks.similarity import gradient_norm, undisturbed
from mmfkd.models.losses import split_bands

LOSSES = dict(loss_fdkd=dict(type='FrequencyDecoupledLoss', low_weight=30.0),
              loss_kd=dict(type='KDLoss', weight=0.5))
PREFIX = 'train/similarity/student.feat'


@pytest.fixture
def pair(distiller_config, seg_branch, save_teacher):
    """``pair(size_divisor)``: config of depth teaching rgb, with dropout and two losses."""
    branch = seg_branch('depth', classes=4)
    teacher = dict(branch, checkpoint=str(save_teacher(branch)))

    def make(size_divisor=1):
        config = distiller_config(LOSSES, students=dict(student=seg_branch(classes=4)),
                                  teachers=dict(teacher=teacher))
        config.data_preprocessor.size_divisor = size_divisor
        return config
    return make


# ---------------------------------------------------------------- training is not changed


@pytest.mark.parametrize(('size_divisor', 'balance'), [(1, None), (24, None),
                                                       (1, dict(interval=3))])
def test_a_run_with_the_hook_ends_with_the_same_bits(pair, make_runner, size_divisor, balance):
    weights, draws = [], []
    for name, hooks in (('without', []), ('with', [dict(type='FeatureSimilarityHook',
                                                        interval=1)])):
        config = pair(size_divisor)
        config.losses.loss_kd.balance = balance
        runner = make_runner(config, name, custom_hooks=hooks, **{'train_cfg.max_epochs': 4})
        runner.train()
        weights.append(runner.model.state_dict())
        draws.append((torch.rand(1).item(), random.random(), np.random.rand()))
    assert any('running_mean' in key for key in weights[0])
    assert weights[0].keys() == weights[1].keys()
    differ = [key for key in weights[0] if not torch.equal(weights[0][key], weights[1][key])]
    assert differ == [] and draws[0] == draws[1]
    assert len(runner.message_hub.get_scalar(f'{PREFIX}/gradient/fdkd').data[0]) == 8


def test_nothing_is_left_in_the_model(distiller, seg_batch):
    model = distiller(LOSSES).train()
    data = model.data_preprocessor(seg_batch(), True)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    state = torch.get_rng_state()
    with undisturbed(model):
        FeatureSimilarityHook().measure(model, **renamed(data))
        assert any(not torch.equal(value, before[key])
                   for key, value in model.state_dict().items())
        random.random(), np.random.rand()
        assert not torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_buffers_and_generators_are_restored_after_an_error(distiller):
    model = distiller()
    norm = model.student.model.backbone.layer1[0].bn1
    before = norm.running_mean.clone()
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    with pytest.raises(RuntimeError, match='out of memory'), undisturbed(model):
        norm.running_mean.add_(1)
        torch.rand(1), random.random(), np.random.rand()
        raise RuntimeError('out of memory')
    assert torch.equal(norm.running_mean, before)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert random.getstate() == states[1] and np.random.get_state()[1].tolist() == states[2]


# ---------------------------------------------------------------- what is measured


def renamed(data):
    return dict(inputs=data['inputs'], samples=data['data_samples'])


def leaf_at(module, leaves):
    """Cuts the graph at the input of a module's last call; in-place operations keep working."""
    def cut(module, args):
        leaves.append(args[0].detach().requires_grad_(True))
        return (leaves[-1] * 1,)
    return module.register_forward_pre_hook(cut)


def norms_by_hand(model, data):
    """Gradients at a leaf in the place of the tapped feature, loss by loss."""
    norms = {}
    names = ['student.decode.loss_ce', 'loss_fdkd.low', 'loss_fdkd.high', 'loss_kd.kl']
    for summed in [[name] for name in names] + [names[1:3]]:
        leaves = []
        handle = leaf_at(model.student.model.backbone.layer2[1].relu, leaves)
        with undisturbed(model):
            losses = model(**data, mode='loss')
            gradient, = torch.autograd.grad(sum(losses[name] for name in summed), leaves[-1])
        handle.remove()
        norms['+'.join(summed)] = gradient.norm().item()
    return norms


def test_gradients_are_those_of_autograd_at_the_tapped_place(distiller, seg_batch):
    model = distiller(LOSSES).train()
    data = model.data_preprocessor(seg_batch(), True)
    with undisturbed(model):
        measured = FeatureSimilarityHook().measure(model, **renamed(data))
    expected = norms_by_hand(model, data)
    found = {'student.decode.loss_ce': 'student.task', 'loss_fdkd.low': 'fdkd.low',
             'loss_fdkd.high': 'fdkd.high', 'loss_kd.kl': 'kd',
             'loss_fdkd.low+loss_fdkd.high': 'fdkd'}
    for name, key in found.items():
        assert expected[name] > 0
        assert measured[f'gradient/{key}'] == pytest.approx(expected[name], rel=1e-4)
    assert {key for key in measured if key.startswith('gradient')} == {
        f'gradient/{key}' for key in found.values()}
    # A weight of 30 on one term shows.
    assert measured['gradient/fdkd.low'] > 5 * measured['gradient/fdkd.high']


def test_gradients_at_a_copy_are_those_of_the_copy():
    source = torch.rand(9, requires_grad=True) * 1
    tapped = source.clone()
    assert gradient_norm((tapped + 10 * source).sum(), tapped) == pytest.approx(3)


def test_gradients_at_an_output_that_is_pooled_by_the_branch(distiller, cls_branch, cls_batch):
    branch = ConfigDict(cls_branch('rgb'), taps=dict(feat='backbone.layer2.1.relu@in',
                                                     logits='head.fc'), pool=['feat'])
    losses = dict(loss_feat=dict(type='FeatureLoss'), loss_kd=dict(type='KDLoss'))
    model = distiller(losses, cls_branch, students=dict(student=branch)).train()
    data = model.data_preprocessor(cls_batch(), True)
    with undisturbed(model):
        measured = FeatureSimilarityHook().measure(model, **renamed(data))
    leaves = []
    leaf_at(model.student.model.backbone.layer2[1].relu, leaves)
    with undisturbed(model):
        terms = model(**data, mode='loss')
        for key, name in (('student.task', 'student.loss'), ('feat', 'loss_feat.mse'),
                          ('kd', 'loss_kd.kl')):
            gradient, = torch.autograd.grad(terms[name], leaves[-1], retain_graph=True)
            assert measured[f'gradient/{key}'] == pytest.approx(gradient.norm().item(), rel=1e-4)
            assert measured[f'gradient/{key}'] > 0


def test_a_loss_that_does_not_reach_the_tap_sends_nothing(distiller, seg_branch, seg_batch):
    students = dict(student=seg_branch('rgb'), other=seg_branch('rgb'))
    losses = dict(loss_kd=dict(type='KDLoss', student='other.logits'))
    model = distiller(losses, students=students).train()
    data = model.data_preprocessor(seg_batch(), True)
    measured = FeatureSimilarityHook().measure(model, **renamed(data))
    assert measured['gradient/kd'] == measured['gradient/other.task'] == 0
    assert measured['gradient/student.task'] > 0


def test_similarity_is_that_of_the_pixels_of_the_batch(distiller, seg_batch):
    model = distiller(LOSSES).train()
    # With the means that it was saved with, the ReLUs of the teacher are dead.
    for module in model.teachers['teacher'].modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.zero_()
    data = model.data_preprocessor(seg_batch(), True)
    with undisturbed(model):
        measured = FeatureSimilarityHook(cutoff=0.25).measure(model, **renamed(data))
    with undisturbed(model), torch.no_grad():
        feats = [branch(data['inputs'], data['data_samples'], mode=mode)[1]['feat']
                 for branch, mode in ((model.student, 'loss'), (model.teachers['teacher'],
                                                                'tensor'))]
    # All of the 4 x 4 places of both images, since fewer than 64 each.
    x, y = (feat.movedim(1, -1).flatten(0, 2) for feat in feats)
    assert x.shape == (32, 16)
    views = [dict(zip(('low', 'high'), split_bands(z, 0.25), strict=True), raw=z) for z in (x, y)]
    for band in ('raw', 'low', 'high'):
        assert measured[f'teacher.feat/{band}'] == pytest.approx(
            linear_cka(views[0][band], views[1][band]), abs=1e-5)
        assert 0.01 < measured[f'teacher.feat/{band}'] < 0.99


def test_students_are_compared_with_each_other(distiller, seg_branch, seg_batch):
    students = dict(student=seg_branch('rgb'), twin=seg_branch('depth'))
    model = distiller(students=students, teachers={}).train()
    data = model.data_preprocessor(seg_batch(), True)
    measured = FeatureSimilarityHook(teacher='twin.feat').measure(model, **renamed(data))
    assert 0 < measured['twin.feat/raw'] <= 1 and measured['gradient/student.task'] > 0


def test_a_batch_without_labels_has_no_similarity_and_does_not_stop(distiller, seg_batch):
    model = distiller(LOSSES).train()
    batch = seg_batch()
    for sample in batch['data_samples']:
        sample.gt_sem_seg.data.fill_(255)
    data = model.data_preprocessor(batch, True)
    measured = FeatureSimilarityHook().measure(model, **renamed(data))
    assert set(measured) >= {'gradient/fdkd'} and not any('teacher' in key for key in measured)


# ---------------------------------------------------------------- the run


def test_values_are_logged_at_their_interval(pair, make_runner, tmp_path):
    runner = make_runner(pair(), custom_hooks=[dict(type='FeatureSimilarityHook', interval=2)],
                         default_hooks=dict(logger=dict(type='LoggerHook', interval=1)),
                         **{'train_cfg.max_epochs': 2})
    runner.train()
    scalars = {key: buffer.data[0] for key, buffer in runner.message_hub.log_scalars.items()
               if key.startswith(PREFIX)}
    names = ['teacher.feat/raw', 'teacher.feat/low', 'teacher.feat/high', 'gradient/student.task',
             'gradient/fdkd', 'gradient/fdkd.low', 'gradient/fdkd.high', 'gradient/kd']
    assert sorted(scalars) == sorted(f'{PREFIX}/{name}' for name in names)
    assert all(len(values) == 2 and np.isfinite(values).all() for values in scalars.values())
    # mmengine averages what has one of these words in its key over a window.
    assert not any(word in key for key in scalars for word in ('loss', 'time', 'grad_norm'))
    log = next((tmp_path / 'run').rglob('scalars.json')).read_text()
    assert 'similarity/student.feat/gradient/fdkd.low' in log


@pytest.mark.parametrize('arguments, message', [
    (dict(student='student.feet'), 'student.feet: no such tap. The branches .* have student.feat'),
    (dict(teacher='nobody.feat'), 'nobody.feat: no such tap'),
    (dict(student='teacher.feat', teacher='student.feat'), r"name one of \['student'\]")])
def test_unknown_taps_are_refused_before_training(pair, make_runner, arguments, message):
    runner = make_runner(pair(), custom_hooks=[dict(type='FeatureSimilarityHook', **arguments)])
    with pytest.raises(ValueError, match=message):
        runner.train()
    assert runner.iter == 0
