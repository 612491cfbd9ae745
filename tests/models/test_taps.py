import copy

import pytest
import torch
from torch import nn

from mmfkd.models.branch import Branch
from mmfkd.models.taps import Tap, Taps, parse_tap
from mmfkd.registry import MODELS


class Net(nn.Module):
    """A ReLU in place, called twice, and modules that return a tuple and a dict."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 1)
        self.relu = nn.ReLU(inplace=True)
        self.pair = Returns(lambda x: (x, 2 * x))
        self.named = Returns(lambda x: dict(low=x, high=3 * x))
        self.unused = nn.Identity()

    def forward(self, x):
        first = self.relu(x - 1)
        self.pair(first)
        self.named(first)
        return self.relu(self.conv(first) - 1)


class Returns(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def hooks_of(model):
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


def record(model, taps, x):
    with Taps(model, taps).recording() as feats:
        output = model(x)
    return output, feats


@pytest.fixture
def backbone(segmentor):
    return MODELS.build(segmentor()).backbone


@pytest.mark.parametrize(('spec', 'tap'), [
    ('backbone', Tap('backbone', False)),
    ('backbone.layer4.1.relu', Tap('backbone.layer4.1.relu', False)),
    ('backbone.layer4.1.relu@in', Tap('backbone.layer4.1.relu', True)),
    ('neck[0]', Tap('neck', False, (0,))),
    ('neck[12]', Tap('neck', False, (12,))),
    ('head[low_1]', Tap('head', False, ('low_1',))),
    ('net[rgb][3]', Tap('net', False, ('rgb', 3))),
])
def test_a_tap_is_an_output_an_input_or_an_item(spec, tap):
    assert parse_tap('feat', spec) == tap


@pytest.mark.parametrize('spec', [
    '', '@in', '[0]', 'neck@out', 'neck[0', 'neck[]', 'neck[0][]', 'neck@in[0]', 'neck[0]@in',
    'neck 0', 'neck[0] ', 'a/b'])
def test_malformed_taps_show_the_grammar(spec):
    with pytest.raises(ValueError) as error:
        parse_tap('feat', spec)
    for part in ("tap 'feat'", f"'{spec}'", "'path'", "'path@in'", "'path[0]'", "'path[key]'"):
        assert part in str(error.value)


def test_an_unknown_path_names_close_matches(backbone):
    with pytest.raises(ValueError, match="tap 'feat': no module 'layer2.1.rleu'") as error:
        Taps(backbone, dict(feat='layer2.1.rleu@in'))
    assert 'layer2.1.relu' in str(error.value).split('Close:')[1]


def test_a_path_like_nothing_in_the_model_has_no_close_matches():
    with pytest.raises(ValueError, match='Close: none'):
        Taps(Net(), dict(feat='zzzzzzzzzzzz'))


def test_items_of_tuples_and_dicts_are_picked():
    x = torch.randn(2, 1, 3, 3)
    expected = (x - 1).relu()
    feats = record(Net(), dict(first='pair[0]', second='pair[1]', low='named[low]',
                               high='named[high]', whole='pair'), x)[1]
    assert torch.equal(feats['first'], expected) and torch.equal(feats['second'], 2 * expected)
    assert torch.equal(feats['low'], expected) and torch.equal(feats['high'], 3 * expected)
    assert isinstance(feats['whole'], tuple)


@pytest.mark.parametrize('spec', ['pair[2]', 'named[middle]', 'pair[low]'])
def test_a_missing_item_is_an_error_that_names_tap_and_place(spec):
    with pytest.raises(RuntimeError, match=rf"tap 'feat'.*'{spec[:4]}") as error:
        record(Net(), dict(feat=spec), torch.randn(2, 1, 3, 3))
    assert spec[spec.index('['):] in str(error.value)


def test_input_of_an_inplace_relu_is_what_came_in(backbone):
    naive = {}
    handle = backbone.layer2[1].relu.register_forward_hook(
        lambda module, args, output: naive.update(input=args[0], output=output))
    output, feats = record(backbone, dict(feat='layer2.1.relu@in'), torch.randn(2, 3, 32, 32))
    handle.remove()
    assert naive['input'].min() == naive['output'].min() == 0
    assert feats['feat'].min() < -0.1
    assert torch.equal(feats['feat'].relu(), output[-1])


def test_an_output_that_the_network_overwrites_is_not_passed_on_in_silence():
    net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(inplace=True))
    x = torch.randn(2, 1, 3, 3)
    expected = net[0](x)
    assert expected.min() < 0
    try:
        recorded = record(net, dict(feat='0'), x)[1]['feat']
    except RuntimeError as error:
        assert "'feat'" in str(error)
    else:
        assert torch.equal(recorded, expected)


def test_the_last_call_wins():
    net, x = Net(), torch.randn(2, 1, 3, 3)
    output, feats = record(net, dict(before='relu@in', after='relu'), x)
    last = net.conv((x - 1).relu()) - 1
    assert torch.equal(feats['before'], last)
    assert torch.equal(feats['after'], last.relu()) and torch.equal(feats['after'], output)


def test_a_module_that_is_replaced_is_tapped_in_its_place():
    """As batch norms are by those of several processes."""
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 1), torch.nn.BatchNorm2d(2)).eval()
    taps = Taps(net, dict(feat='1'))
    net = torch.nn.SyncBatchNorm.convert_sync_batchnorm(net)
    with taps.recording() as feats:
        output = net(torch.randn(2, 1, 3, 3))
    assert isinstance(net[1], torch.nn.SyncBatchNorm) and torch.equal(feats['feat'], output)


def test_each_recording_starts_empty():
    net = Net()
    taps = Taps(net, dict(feat='relu'))
    for x in (torch.zeros(1, 1, 2, 2), torch.full((1, 1, 2, 2), 5.0)):
        with taps.recording() as feats:
            assert feats == {}
            output = net(x)
        assert torch.equal(feats['feat'], output)


def test_hooks_exist_only_inside_the_with():
    net = Net()
    taps = Taps(net, dict(before='relu@in', after='conv'))
    assert hooks_of(net) == 0
    with taps.recording():
        assert hooks_of(net) == 2
        net(torch.randn(1, 1, 2, 2))
    assert hooks_of(net) == 0


def test_no_hook_survives_an_exception():
    net = Net()
    with pytest.raises(ZeroDivisionError), Taps(net, dict(feat='relu@in')).recording():
        raise ZeroDivisionError
    assert hooks_of(net) == 0


def test_a_silent_tap_is_an_error_and_leaves_no_hook():
    net = Net()
    with pytest.raises(RuntimeError, match=r"tap 'feat' \(unused\) recorded nothing"):
        record(net, dict(feat='unused', other='relu'), torch.randn(1, 1, 2, 2))
    assert hooks_of(net) == 0


@pytest.mark.parametrize('mode', ['tensor', 'loss'])
def test_a_tap_on_mmsegs_decode_head_says_what_to_tap(mode, segmentor, seg_batch):
    model = MODELS.build(segmentor())
    samples = seg_batch()['data_samples']
    with pytest.raises(RuntimeError, match='decode_head.conv_seg'), \
            Taps(model, dict(logits='decode_head')).recording():
        model(torch.randn(2, 3, 32, 32), samples, mode=mode)


def test_copies_have_no_hooks_and_record_themselves(seg_branch):
    branch = Branch(**seg_branch())
    twin = copy.deepcopy(branch)
    torch.nn.init.zeros_(twin.model.decode_head.conv_seg.weight)
    torch.nn.init.ones_(twin.model.decode_head.conv_seg.bias)
    inputs = dict(rgb=torch.rand(2, 3, 32, 32) * 255)
    assert hooks_of(twin) == 0
    assert torch.all(twin(inputs)[1]['logits'] == 1)
    assert not torch.all(branch(inputs)[1]['logits'] == 1)


@pytest.mark.parametrize('spec', ['layer2.1.relu@in', 'layer2.1.relu', 'layer2.1.conv1'])
def test_gradients_flow_through_taps(spec, backbone):
    feats = record(backbone, dict(feat=spec), torch.randn(2, 3, 32, 32))[1]
    feats['feat'].square().sum().backward()
    assert backbone.conv1.weight.grad.abs().sum() > 0


def test_checkpointed_activations_give_what_is_recorded_the_same_gradients(distiller, seg_batch):
    """``with_cp`` of the backbones, also where a tap is inside of what is computed twice."""
    found = []
    for with_cp in (False, True):
        torch.manual_seed(0)
        model = distiller(dict(loss_fdkd=dict(type='FrequencyDecoupledLoss'),
                               loss_kd=dict(type='KDLoss'))).train()
        for block in model.student.model.backbone.modules():
            if hasattr(block, 'with_cp'):
                block.with_cp = with_cp
        torch.manual_seed(1)
        losses = model(**model.data_preprocessor(seg_batch(), True), mode='loss')
        model.parse_losses(losses)[0].backward()
        found.append({name: weight.grad for name, weight in model.named_parameters()})
    torch.testing.assert_close(*found)
    assert found[0]['students.student.model.backbone.layer1.0.conv1.weight'].abs().max() > 0
