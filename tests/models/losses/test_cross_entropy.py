"""Weighted cross entropy is torch's; without weights it is mmseg's."""

import pytest
import torch
from mmengine.config import Config
from mmseg.models.losses import CrossEntropyLoss as SegCrossEntropyLoss
from runs import ROOT
from torch.nn import functional

from mmfkd.models.losses import CrossEntropyLoss

WEIGHT = [0.5, 1.0, 4.0]


@pytest.fixture
def batch():
    logits, labels = torch.randn(2, 3, 8, 8, requires_grad=True), torch.randint(0, 3, (2, 8, 8))
    labels[:, :2] = 255
    return logits, labels


@pytest.mark.parametrize('average', [True, False])
@pytest.mark.parametrize('scale', [1.0, 0.4])
def test_weights_and_ignored_pixels_go_together(average, scale, batch):
    loss = CrossEntropyLoss(class_weight=WEIGHT, avg_non_ignore=average, loss_weight=scale)(
        *batch, ignore_index=255)
    expected = scale * functional.cross_entropy(*batch, torch.tensor(WEIGHT), ignore_index=255)
    assert torch.allclose(loss, expected)
    found, true = (torch.autograd.grad(value, batch[0])[0] for value in (loss, expected))
    assert torch.allclose(found, true, atol=1e-7)


def test_weights_of_pixels_and_reductions(batch):
    logits, labels = batch
    pixels = torch.rand(2, 8, 8)
    plain = functional.cross_entropy(logits, labels, torch.tensor(WEIGHT), ignore_index=255,
                                     reduction='none') * pixels
    loss = CrossEntropyLoss(class_weight=WEIGHT, avg_non_ignore=True)
    for reduction, expected in (('none', plain), ('sum', plain.sum())):
        assert torch.allclose(loss(logits, labels, pixels, reduction_override=reduction,
                                   ignore_index=255), expected)
    assert torch.allclose(loss(logits, labels, pixels, avg_factor=7, ignore_index=255),
                          plain.sum() / 7)


def test_a_batch_that_is_all_ignored_is_zero_with_a_gradient(batch):
    logits, labels = batch
    loss = CrossEntropyLoss(class_weight=WEIGHT)(logits, torch.full_like(labels, 255),
                                                 ignore_index=255)
    loss.backward()
    assert loss == 0 and not logits.grad.any()


@pytest.mark.parametrize('options', [dict(avg_non_ignore=True), dict(), dict(use_sigmoid=True)])
def test_without_weights_it_is_that_of_mmseg(options, batch):
    found, expected = (kind(**options)(*batch, ignore_index=255)
                       for kind in (CrossEntropyLoss, SegCrossEntropyLoss))
    assert torch.equal(found, expected)


def test_every_shipped_segmentation_model_takes_class_weights():
    heads = []
    for path in sorted(ROOT.glob('configs/*/*.py')):
        if path.parent.name in ('_base_',):
            continue
        model = Config.fromfile(path).model
        students = model.get('students', {}).values()
        networks = [spec.get('model') or {} for spec in students] or [model]
        heads += [head['loss_decode'] for network in networks
                  for key, head in network.items() if key.endswith('head') and isinstance(
                      head, dict) and head.get('loss_decode')]
    losses = [loss for head in heads for loss in (head if isinstance(head, list) else [head])]
    entropies = [loss['type'] for loss in losses if loss['type'].endswith('CrossEntropyLoss')]
    assert len(entropies) > 10 and set(entropies) == {'mmfkd.CrossEntropyLoss'}
