"""The contrast with the nearest and the farthest pixels: what ends it and what saves it."""

import logging
from types import SimpleNamespace

import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch.nn import functional as F

from mmfkd.engine import ContrastCollapseHook, LossWeightHook
from mmfkd.models import PixelContrastLoss

WIDTH = 16


def batch(classes=2, size=16):
    """A map of one image whose classes differ a little, in noise, and its labels."""
    labels = torch.randint(classes, (1, size, size))
    means = torch.eye(classes, WIDTH)[labels].movedim(-1, 1)
    return torch.randn(1, WIDTH, size, size) + 3.0 * means + 20.0, labels


def trained(schedule=(0.1, 0.1), steps=150, **arguments):
    """Probability that two pixels of a class are nearer than two of different ones, and the loss.

    Args:
        schedule: ``hard_ratio`` at the start and from half of the steps on.
    """
    torch.manual_seed(0)
    loss = PixelContrastLoss(['student.a'], [WIDTH], channels=32, **arguments)
    optimizer = torch.optim.SGD(loss.parameters(), lr=0.05, momentum=0.9)
    for step in range(steps):
        share = min(2 * step / steps, 1)
        loss.hard_ratio = schedule[0] + share * (schedule[1] - schedule[0])
        x, gt = batch()
        value = loss([x], gt=gt)['contrast']
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    x, gt = batch()
    with torch.no_grad():
        e = F.normalize(loss.eval().projection(x.movedim(1, -1).flatten(0, 2)), dim=1)
    near = e @ e.T
    same = gt.flatten()[:, None] == gt.flatten()
    pairs = torch.triu(torch.ones_like(near), 1).bool()
    return roc_auc_score(same[pairs].numpy(), near[pairs].numpy()), loss


def test_the_papers_form_ends_at_equal_embeddings():
    area, loss = trained()
    assert area < 0.85
    assert float(loss.report()['spread']) < 0.01


def test_a_batch_norm_and_a_share_that_falls_separate_the_classes():
    area, loss = trained(schedule=(1.0, 0.1), norm=True)
    assert area > 0.95
    assert float(loss.report()['spread']) > 0.05


def test_equal_embeddings_have_no_spread_and_cost_the_logarithm_of_what_is_kept():
    loss = PixelContrastLoss(['student.a'], [3], channels=4, hard_ratio=0.5)
    for part in loss.projection[::2]:
        torch.nn.init.zeros_(part.weight)
    torch.nn.init.ones_(loss.projection[2].bias)
    x, gt = torch.randn(1, 3, 4, 4), torch.arange(16).view(1, 4, 4) % 2
    value = loss([x], gt=gt)['contrast']
    # 7 positives and 8 negatives, of which 4 and 4 are kept.
    assert float(value.detach()) == pytest.approx(torch.tensor(8.0).log().item(), rel=1e-5)
    assert float(loss.report()['spread']) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize('count', [0, 1])
def test_a_batch_norm_bears_a_batch_with_hardly_a_pixel(count):
    loss = PixelContrastLoss(['student.a'], [3], channels=4, norm=True)
    gt = torch.full((1, 2, 2), 255)
    gt.view(-1)[:count] = 1
    value = loss([torch.randn(1, 3, 2, 2, requires_grad=True)], gt=gt)['contrast']
    value.backward()
    assert float(value.detach()) == 0
    assert all(torch.isfinite(p.grad).all() for p in loss.parameters())
    assert loss.report() == {}


def test_another_number_of_a_loss_is_moved():
    loss = PixelContrastLoss(['student.a'], [3])
    runner = SimpleNamespace(model=SimpleNamespace(losses=dict(loss_a=loss), balances={}),
                             epoch=1, max_epochs=4, cfg={})
    LossWeightHook('loss_a', 1.0, 0.1, 0, 2, number='hard_ratio').before_train_epoch(runner)
    assert loss.hard_ratio == pytest.approx(0.55) and loss.weight == 1
    for number in ('hard', 'projection'):
        with pytest.raises(KeyError, match=f"'{number}' is no number of the loss 'loss_a'"):
            LossWeightHook('loss_a', 1.0, 0.1, number=number).before_train_epoch(runner)


@pytest.mark.parametrize('values, weight, said', [
    ([0.001, 0.002], 1.0, True), ([0.001, 0.03], 1.0, False), ([0.0], 0, False), ([], 1.0, False)])
def test_a_collapse_is_said_in_words(values, weight, said, caplog):
    runner = SimpleNamespace(
        cfg={}, epoch=2, logger=logging.getLogger('collapse'),
        model=SimpleNamespace(losses=dict(loss_contrast=SimpleNamespace(weight=weight))))
    hook = ContrastCollapseHook()
    for i, value in enumerate(values):
        hook.after_train_iter(runner, i, outputs={'loss_contrast.spread': torch.tensor(value)})
    hook.after_train_epoch(runner)
    assert ('loss_contrast has collapsed: in epoch 3' in caplog.text) == said
    assert ('hard_ratio=1.0' in caplog.text) == said
