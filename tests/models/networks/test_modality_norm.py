"""Batch norms of one modality each, in networks of three libraries."""

import copy

import pytest
import torch
from mmengine.config import ConfigDict
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmfkd.models import SharedEncoder, take_modality, to_modality_norm
from mmfkd.models.networks import PerModality, Streams, modality_weights
from mmfkd.registry import MODELS

NETWORKS = dict(
    mmseg=dict(type='mmseg.ResNet', depth=18, base_channels=8, stem_channels=8),
    mmpretrain=dict(type='mmpretrain.MobileNetV2', widen_factor=0.35),
    timm=dict(type='mmseg.TIMMBackbone', model_name='efficientnet_lite0', features_only=True,
              pretrained=False, out_indices=(1, 2)))


@pytest.fixture(params=NETWORKS)
def plain(request):
    """A network with statistics that are not the initial ones."""
    net = MODELS.build(ConfigDict(NETWORKS[request.param]))
    for key, value in net.state_dict().items():
        if 'running' in key or (value.is_floating_point() and value.ndim == 1):
            value.uniform_(0.5, 1.5)
    return net


def norms(net):
    return [module for module in net.modules() if isinstance(module, _BatchNorm)]


def outputs(net, x, training=False):
    net.train(training)
    with torch.no_grad():
        maps = net(x)
    return maps if isinstance(maps, (list, tuple)) else [maps]


def test_every_batch_norm_is_copied_and_convolutions_are_shared(plain):
    net = copy.deepcopy(plain)
    streams = to_modality_norm(net, ('rgb', 'ir'))
    assert streams.names == ('rgb', 'ir')
    assert len(norms(net)) == 2 * len(norms(plain)) > 10
    assert all(isinstance(m, PerModality) for m in net.modules() if hasattr(m, 'each'))
    affine = sum(p.numel() for norm in norms(plain) for p in norm.parameters())
    assert (sum(p.numel() for p in net.parameters())
            == sum(p.numel() for p in plain.parameters()) + affine)


def test_each_modality_is_the_plain_network_bit_for_bit(plain):
    net = copy.deepcopy(plain)
    streams = to_modality_norm(net, ('rgb', 'ir'))
    x = torch.randn(2, 3, 64, 64)
    expected = outputs(plain, x)
    for name in streams.names:
        with streams.only(name):
            assert all(torch.equal(a, b) for a, b in zip(outputs(net, x), expected, strict=True))
    assert streams.active == ('rgb', 'ir')


def test_a_stacked_batch_is_both_modalities_beside_each_other(plain):
    net = copy.deepcopy(plain)
    streams = to_modality_norm(net, ('rgb', 'ir'))
    alone = copy.deepcopy(plain)
    rgb, ir = torch.randn(4, 3, 64, 64), 3 * torch.randn(4, 3, 64, 64) + 1
    torch.manual_seed(0)
    stacked = outputs(net, torch.cat([rgb, ir]), training=True)
    for i, x in enumerate((rgb, ir)):
        torch.manual_seed(0)
        expected = outputs(copy.deepcopy(alone), x, training=True)
        for whole, part in zip(stacked, expected, strict=True):
            assert torch.allclose(streams.split(whole)[i], part, atol=1e-4)
    first = [m for m in net.modules() if isinstance(m, PerModality)][0].each
    assert not torch.equal(first['rgb'].running_mean, first['ir'].running_mean)


def test_weights_of_a_plain_checkpoint_reach_every_modality(plain):
    net = MODELS.build(ConfigDict(NETWORKS['mmseg']))
    source = MODELS.build(ConfigDict(NETWORKS['mmseg']))
    weights = {key: torch.rand_like(value) if value.is_floating_point() else value
               for key, value in source.state_dict().items()}
    to_modality_norm(net, ('rgb', 'ir'))
    net.load_state_dict(weights)
    for name in ('rgb', 'ir'):
        taken = modality_weights(net.state_dict(), name)
        assert set(taken) == set(weights)
        assert all(torch.equal(taken[key], weights[key]) for key in weights)
    assert set(weights) == set(source.state_dict()), 'the checkpoint itself was changed'


def test_own_checkpoints_load_as_they_are(plain):
    net = copy.deepcopy(plain)
    to_modality_norm(net, ('rgb', 'ir'))
    other = copy.deepcopy(net)
    for value in other.state_dict().values():
        if value.is_floating_point():
            value.uniform_()
    net.load_state_dict(other.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(net.state_dict().values(),
                                                 other.state_dict().values(), strict=True))


def test_one_modality_can_be_taken_out(plain):
    net = copy.deepcopy(plain)
    to_modality_norm(net, ('rgb', 'ir'))
    for key, value in net.state_dict().items():
        if '.ir.' in key and value.is_floating_point():
            value.uniform_(0.5, 1.5)
    taken = take_modality(net, 'ir')
    assert {key: value.shape for key, value in taken.state_dict().items()} == {
        key: value.shape for key, value in plain.state_dict().items()}
    weights = modality_weights(net.state_dict(), 'ir')
    assert all(torch.equal(value, weights[key]) for key, value in taken.state_dict().items())
    changed = [key for key, value in plain.state_dict().items()
               if not torch.equal(value, weights[key])]
    assert changed and len(norms(net)) == 2 * len(norms(plain))
    with pytest.raises(KeyError, match='thermal'):
        take_modality(net, 'thermal')


def test_copies_keep_their_own_streams(plain):
    net = copy.deepcopy(plain)
    streams = to_modality_norm(net, ('rgb', 'ir'))
    twin = copy.deepcopy(net)
    theirs = {id(m.streams) for m in twin.modules() if isinstance(m, PerModality)}
    assert len(theirs) == 1 and id(streams) not in theirs


@pytest.mark.parametrize(('names', 'part'), [
    (('rgb',), 'two or more'), (('rgb', 'rgb'), 'each once'), (('rgb', 'i.r'), 'no dot')])
def test_names_are_checked(names, part):
    with pytest.raises(ValueError, match=part):
        Streams(names)


def test_what_cannot_be_of_a_modality_is_refused():
    with pytest.raises(ValueError, match='no batch norm'):
        to_modality_norm(nn.Sequential(nn.Conv2d(3, 3, 1), nn.GroupNorm(1, 3)), ('rgb', 'ir'))
    net = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3))
    streams = to_modality_norm(net, ('rgb', 'ir'))
    with pytest.raises(ValueError, match='already'):
        to_modality_norm(net, ('rgb', 'ir'))
    with pytest.raises(ValueError, match='5 cannot hold equally many'):
        net(torch.zeros(5, 3, 4, 4))
    with pytest.raises(KeyError, match='thermal'):
        with streams.only('thermal'):
            pass


def test_what_is_taken_out_exchanges_nothing():
    exchange = dict(spatial=dict(stages=('layer1',)))
    encoder = SharedEncoder(ConfigDict(NETWORKS['mmseg']), ('rgb', 'ir'), exchange).eval()
    x = torch.randn(2, 3, 32, 32)
    taken = take_modality(encoder, 'ir').net
    taken.eval()
    with torch.no_grad():
        expected = encoder(dict(ir=x))['ir']
        assert all(torch.equal(a, b) for a, b in zip(taken(x), expected, strict=True))
        assert encoder(dict(ir=x, rgb=x)).keys() == {'rgb', 'ir'}
