"""RefineNet's decoder, and C.E.N. on it."""

import pytest
import torch
from torch.nn import functional as F

from mmfkd.config import load_config
from mmfkd.models.heads.refinenet import ChainedPooling, RefineNetHead, ResidualUnits
from mmfkd.registry import MODELS


@pytest.mark.parametrize('depth, classes, millions', [
    (50, 26, 99.125), (50, 9, 99.086), (101, 26, 118.169)])
def test_parameters_are_those_that_the_paper_prints(depth, classes, millions):
    cfg = load_config('cen-refinenet/mvss_rgb-ir', teachers=False)
    network = cfg.model.students.student.model
    network.backbone.depth, network.decode_head.num_classes = depth, classes
    with torch.device('meta'):
        model = MODELS.build(network)
    assert sum(x.numel() for x in model.parameters()) / 1e6 == pytest.approx(millions, abs=6e-4)


def test_units_add_to_what_has_passed_the_relu():
    torch.manual_seed(0)
    units, x = ResidualUnits(3, 2), torch.randn(2, 3, 5, 6)
    wanted = x
    for unit in units.units:
        wanted = wanted.clamp(min=0)
        first = F.conv2d(wanted, unit[0].weight, unit[0].bias, padding=1)
        wanted = wanted + F.conv2d(first.clamp(min=0), unit[2].weight, padding=1)
    assert torch.allclose(units(x), wanted, atol=1e-6)


def test_pooling_is_chained_and_added():
    torch.manual_seed(0)
    pooling, x = ChainedPooling(2), torch.randn(1, 2, 7, 8)
    total, top = x, x
    for conv in pooling.convs:
        padded = F.pad(top, (2, 2, 2, 2), value=float('-inf'))
        top = conv(padded.unfold(2, 5, 1).unfold(3, 5, 1).amax((-1, -2)))
        total = total + top
    assert torch.allclose(pooling(x), total, atol=1e-6)


def test_logits_have_the_size_of_the_finest_map_and_depend_on_all():
    torch.manual_seed(0)
    head = RefineNetHead((4, 8, 16, 32), num_classes=3, channels=8, dropout_ratio=0.0)
    maps = [torch.randn(2, width, 24 >> i, 16 >> i, requires_grad=True)
            for i, width in enumerate((4, 8, 16, 32))]
    logits = head(maps)
    assert logits.shape == (2, 3, 24, 16)
    logits.square().sum().backward()
    assert all(x.grad.abs().sum() > 0 for x in maps)
    assert all(p.grad is not None for p in head.parameters())
