"""CDDFuse: its parts, its two phases and the images that it makes."""

import pytest
import torch
from mmengine.structures import BaseDataElement
from torch.nn import functional as F

from mmfkd.models import CDDFuse
from mmfkd.models.losses.fusion import decomposition, dissimilarity, edges, gradient_gap
from mmfkd.models.networks.cddfuse import grey
from mmfkd.models.networks.fusion_blocks import ChannelAttention, CouplingNode, GatedFeedForward


def small(**changes):
    torch.manual_seed(0)
    return CDDFuse(**{'modalities': ('rgb', 'ir'), 'channels': 8, 'heads': 2, 'blocks': 1,
                      **changes})


def images(size=(16, 24), count=2):
    torch.manual_seed(1)
    return dict(rgb=torch.rand(count, 3, *size), ir=torch.rand(count, 3, *size))


def count(module):
    return sum(weight.numel() for weight in module.parameters())


def test_parameters_are_those_of_the_authors_network():
    with torch.device('meta'):
        model = CDDFuse(('rgb', 'ir'))
    assert count(model) == 1_188_272
    assert [count(part) for part in (model.encoder, model.encoder.base, model.encoder.detail,
                                     model.decoder, model.base_fusion, model.detail_fusion)] == [
        599_144, 363_016, 54_528, 207_936, 363_016, 18_176]


@pytest.mark.parametrize('depthwise', [True, False])
def test_attention_is_between_channels_of_a_head(depthwise):
    torch.manual_seed(0)
    layer = ChannelAttention(4, heads=2, depthwise=depthwise).double()
    with torch.no_grad():
        layer.scale.copy_(torch.tensor([0.5, 3.0]).view(2, 1, 1))
    x = torch.randn(1, 4, 3, 5, dtype=torch.float64)
    query, key, value = layer.project_in(x)[0].flatten(1).chunk(3)
    mixed = torch.zeros_like(value)
    for head in range(2):
        own = range(2 * head, 2 * head + 2)
        for i in own:
            scores = [layer.scale[head, 0, 0] * F.cosine_similarity(query[i], key[j], dim=0)
                      for j in own]
            for weight, j in zip(torch.stack(scores).softmax(0), own, strict=True):
                mixed[i] += weight * value[j]
    wanted = layer.project_out(mixed.view(1, 4, 3, 5))
    assert torch.allclose(layer(x), wanted, atol=1e-12)


def test_the_base_branch_convolves_pairs_of_channels():
    assert GatedFeedForward(4, 1, depthwise=False).project_in[1].groups == 4
    assert GatedFeedForward(4, 2, depthwise=True).project_in[1].groups == 16
    assert ChannelAttention(4, 2, depthwise=False).project_in[1].groups == 1


def test_coupling_can_be_undone():
    torch.manual_seed(0)
    node = CouplingNode(8).double()
    x = torch.randn(2, 8, 6, 7, dtype=torch.float64)
    with torch.no_grad():
        y = node(x)
        assert torch.allclose(node.inverse(y), x, atol=1e-10)
        assert not torch.allclose(y, x, atol=1e-2)


def test_fused_images_are_grey_and_between_0_and_1():
    model, given = small().eval(), images()
    with torch.no_grad():
        fused = model(given)
        assert fused.shape == (2, 1, 16, 24) and fused.min() > 0 and fused.max() < 1
        samples = [BaseDataElement(metainfo=dict(img_shape=(10, 20))) for _ in range(2)]
        predicted = model(given, samples, mode='predict')
    assert torch.equal(predicted[1].fused.data, fused[1, :, :10, :20])
    assert torch.allclose(grey(given['rgb'])[:, 0], given['rgb'][:, 0] * 0.299
                          + given['rgb'][:, 1] * 0.587 + given['rgb'][:, 2] * 0.114)


def test_the_terms_of_both_phases():
    model, given = small(), images()
    visible, infrared = grey(given['rgb']), grey(given['ir'])
    (base_v, detail_v), (base_i, detail_i) = model.encoder(visible), model.encoder(infrared)
    apart = 2 * decomposition((base_v, base_i), (detail_v, detail_i))
    shown = model.decoder(visible, base_v, detail_v)
    seen = model.decoder(infrared, base_i, detail_i)
    first = dict(
        loss_ssim=5 * (dissimilarity(visible, shown) + dissimilarity(infrared, seen)),
        loss_mse=(shown - visible).square().mean() + (seen - infrared).square().mean(),
        loss_gradient=5 * gradient_gap(visible, shown), loss_unused=torch.zeros(()),
        loss_decomposition=apart)
    fused = model.decoder(visible, model.base_fusion(base_i + base_v),
                          model.detail_fusion(detail_i + detail_v))
    second = dict(
        loss_intensity=(fused - torch.maximum(visible, infrared)).abs().mean(),
        loss_edges=10 * (edges(fused) - torch.maximum(edges(visible), edges(infrared)))
        .abs().mean(), loss_decomposition=apart)
    for phase, wanted in ((1, first), (2, second)):
        model.phase = phase
        losses = model(given, mode='loss')
        assert list(losses) == list(wanted)
        for name, value in losses.items():
            assert float(value.detach()) == pytest.approx(float(wanted[name].detach()), rel=1e-5)


def test_phase_1_leaves_the_fusion_layers_as_they_are_and_phase_2_moves_all():
    model = small()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for phase, still in ((1, {'base_fusion', 'detail_fusion'}), (2, set())):
        model.phase = phase
        before = {name: value.detach().clone() for name, value in model.named_parameters()}
        sum(model(images(), mode='loss').values()).backward()
        assert all(value.grad is not None for value in model.parameters())
        optimizer.step()
        optimizer.zero_grad()
        moved = {name.split('.')[0] for name, value in model.named_parameters()
                 if not torch.equal(value, before[name])}
        assert moved == {'encoder', 'decoder', 'base_fusion', 'detail_fusion'} - still


@pytest.mark.parametrize('mode', ['loss', 'predict', 'tensor'])
def test_one_modality_is_an_error(mode):
    with pytest.raises(ValueError, match=r"\['ir'\] is missing: it cannot do with one of them"):
        small()(dict(rgb=images()['rgb']), mode=mode)
    with pytest.raises(ValueError, match='CDDFuse fuses two modalities, visible first'):
        small(modalities=('rgb',))


@pytest.mark.parametrize('phase', [1, 2])
def test_terms_are_those_of_single_precision_under_autocast(phase):
    model, given = small(), images()
    model.phase = phase
    given = {name: 0.5 + 0.01 * x for name, x in given.items()}  # little variance
    plain = model(given, mode='loss')
    with torch.autocast('cpu', torch.bfloat16):
        half = model(given, mode='loss')
    assert all(value.dtype == torch.float32 for value in half.values())
    for name, value in plain.items():
        assert float(half[name].detach()) == pytest.approx(float(value.detach()), rel=0.05,
                                                           abs=2e-3)


def test_a_constant_map_has_a_finite_gradient():
    x, y = torch.zeros(1, 2, 4, 4, requires_grad=True), torch.randn(1, 2, 4, 4)
    decomposition((x, y), (x, y)).backward()
    assert torch.isfinite(x.grad).all()
