import logging

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.logging import MMLogger
from mmengine.model import initialize
from torchvision.models import resnet18

from mmfkd.models.networks import SharedEncoder, modality_weights
from mmfkd.models.pretrained import InflatedPretrained
from mmfkd.registry import MODELS


@pytest.fixture(scope='module')
def weights():
    return {key: value for key, value in resnet18(weights=None).state_dict().items()
            if not key.startswith(('layer3', 'layer4'))}


@pytest.fixture
def checkpoint(weights, tmp_path):
    torch.save(weights, tmp_path / 'resnet18.pth')
    return str(tmp_path / 'resnet18.pth')


@pytest.fixture
def log(tmp_path):
    """Reads what was logged since the test began."""
    path = tmp_path / 'log.txt'
    logger = MMLogger.get_instance(tmp_path.name, log_file=str(path))
    yield path.read_text
    for handler in logger.handlers:
        if isinstance(handler, logging.FileHandler):
            handler.close()
    MMLogger._instance_dict.pop(tmp_path.name)


def backbone(channels, checkpoint):
    """mmseg's ResNet-18, initialised as a runner does it."""
    model = MODELS.build(ConfigDict(
        _scope_='mmseg', type='ResNet', depth=18, in_channels=channels, num_stages=2,
        strides=(1, 2), dilations=(1, 1), out_indices=(0, 1),
        init_cfg=dict(type='mmfkd.InflatedPretrained', checkpoint=checkpoint)))
    model.init_weights()
    return model


def test_equal_widths_are_loaded_as_they_are(weights, checkpoint, log):
    own = backbone(3, checkpoint).state_dict()
    assert set(own) <= set(weights)
    assert all(torch.equal(value, weights[key]) for key, value in own.items())
    assert 'inflated' not in log()


def test_one_channel_gets_the_sum(weights, checkpoint, log):
    own = backbone(1, checkpoint).state_dict()
    assert own['conv1.weight'].shape == (64, 1, 7, 7)
    assert torch.allclose(own['conv1.weight'][:, 0], weights['conv1.weight'].sum(1))
    assert 'conv1.weight: inflated from 3 to 1 input channels' in log()
    assert all(torch.equal(value, weights[key]) for key, value in own.items()
               if key != 'conv1.weight')


@pytest.mark.parametrize('channels', [1, 2, 4])
def test_a_grey_image_gives_the_response_of_its_repetition(channels, weights, checkpoint):
    grey = torch.randn(2, 1, 16, 16)
    response = backbone(channels, checkpoint).conv1(grey.expand(-1, channels, -1, -1))
    expected = torch.nn.functional.conv2d(grey.expand(-1, 3, -1, -1), weights['conv1.weight'],
                                          stride=2, padding=3)
    assert torch.allclose(response, expected, atol=1e-5)


def test_four_channels_share_evenly(weights, checkpoint, log):
    weight = backbone(4, checkpoint).state_dict()['conv1.weight']
    share = weights['conv1.weight'].sum(1) / 4
    assert weight.shape == (64, 4, 7, 7)
    assert all(torch.allclose(weight[:, i], share) for i in range(4))
    assert 'conv1.weight: inflated from 3 to 4 input channels' in log()


def test_weights_under_state_dict_are_found(weights, tmp_path):
    path = str(tmp_path / 'wrapped.pth')
    torch.save(dict(state_dict=weights, meta={}), path)
    assert torch.equal(backbone(3, path).conv1.weight, weights['conv1.weight'])


def test_other_shapes_are_not_touched(weights, checkpoint):
    module = torch.nn.ModuleDict(dict(conv1=torch.nn.Conv2d(3, 64, 3)))
    before = module['conv1'].weight.clone()
    initialize(module, dict(type='mmfkd.InflatedPretrained', checkpoint=checkpoint))
    assert torch.equal(module['conv1'].weight, before)


@pytest.mark.parametrize('source', [
    'missing/resnet18.pth', 'http://127.0.0.1:9/resnet18.pth', 'truncated'])
def test_weights_that_cannot_be_had_come_with_a_cure(source, checkpoint, tmp_path):
    if source == 'truncated':
        source = str(tmp_path / 'truncated.pth')
        content = open(checkpoint, 'rb').read()
        (tmp_path / 'truncated.pth').write_bytes(content[:len(content) // 2])
    with pytest.raises(RuntimeError) as error:
        InflatedPretrained(source)(torch.nn.Conv2d(3, 4, 1))
    for part in (f"'{source}'", 'backbone.init_cfg.checkpoint=FILE', 'backbone.init_cfg=None'):
        assert part in str(error.value)


# Weights of timm, by name, into mmseg's wrapper of it.

TIMM = dict(_scope_='mmseg', type='TIMMBackbone', model_name='efficientnet_b3',
            features_only=True, pretrained=False, output_stride=16, out_indices=(1, 2, 3, 4))


@pytest.fixture(scope='module')
def timm_weights():
    """A full EfficientNet-B3 as timm publishes it, classifier included."""
    import timm

    generator = torch.Generator().manual_seed(0)
    return {key: torch.rand(value.shape, generator=generator) if value.is_floating_point()
            else value for key, value in timm.create_model('efficientnet_b3').state_dict().items()}


def test_every_key_of_timm_is_loaded_or_behind_the_last_block(timm_weights, tmp_path):
    torch.save(timm_weights, tmp_path / 'b3.pth')
    init = dict(type='mmfkd.InflatedPretrained', checkpoint=str(tmp_path / 'b3.pth'),
                into='timm_model.')
    net = MODELS.build(ConfigDict(TIMM, init_cfg=init))
    net.init_weights()
    own = {key.removeprefix('timm_model.'): value for key, value in net.state_dict().items()}
    unused = set(timm_weights) - set(own)
    assert {key.split('.')[0] for key in unused} == {'conv_head', 'bn2', 'classifier'}
    assert set(own) < set(timm_weights) and len(own) > 500
    assert all(torch.equal(own[key], timm_weights[key]) for key in own)


def test_timm_weights_reach_the_batch_norms_of_every_modality(timm_weights, tmp_path):
    torch.save(timm_weights, tmp_path / 'b3.pth')
    init = dict(type='mmfkd.InflatedPretrained', checkpoint=str(tmp_path / 'b3.pth'),
                into='timm_model.')
    encoder = SharedEncoder(ConfigDict(TIMM, init_cfg=init), ('rgb', 'ir'))
    encoder.init_weights()
    for name in ('rgb', 'ir'):
        own = modality_weights(encoder.state_dict(), name)
        assert len(own) > 500
        assert all(torch.equal(value, timm_weights[key.removeprefix('net.timm_model.')])
                   for key, value in own.items())


def test_a_file_without_a_weight_of_the_network_is_refused(timm_weights, tmp_path):
    torch.save(timm_weights, tmp_path / 'b3.pth')
    init = dict(type='mmfkd.InflatedPretrained', checkpoint=str(tmp_path / 'b3.pth'))
    net = MODELS.build(ConfigDict(TIMM, init_cfg=init))
    with pytest.raises(RuntimeError, match="timm_model.conv_stem.*prefix and into"):
        net.init_weights()


def test_parts_that_initialise_themselves_keep_what_was_loaded(tmp_path):
    """mmengine calls init_weights of the parts behind that of the whole."""
    source = MODELS.build(ConfigDict(type='mmpretrain.MobileNetV2'))
    weights = source.state_dict()
    # A part that the file lacks is initialised as without the file.
    kept = {key: value for key, value in weights.items() if not key.startswith('conv2.')}
    torch.save(kept, tmp_path / 'part.pth')
    model = MODELS.build(ConfigDict(type='mmpretrain.MobileNetV2', init_cfg=dict(
        type='mmfkd.InflatedPretrained', checkpoint=str(tmp_path / 'part.pth'))))
    before = model.conv2.conv.weight.clone()
    model.init_weights()
    own = model.state_dict()
    assert not [key for key, value in kept.items() if not torch.equal(own[key], value)]
    assert not torch.equal(own['conv2.conv.weight'], before)
