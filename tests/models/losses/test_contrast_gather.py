"""Pixel contrast over two gloo ranks equals one process with the whole batch."""

from pathlib import Path

import torch
from torch import multiprocessing

from mmfkd.engine.distributed import end_together
from mmfkd.models import PixelContrastLoss

CHANNELS, SIZE, CAP = (4, 6), (6, 8), 400


def data():
    generator = torch.Generator().manual_seed(0)
    maps = [torch.randn(4, width, *SIZE, generator=generator) for width in CHANNELS]
    labels = torch.randint(3, (4, 12, 16), generator=generator)
    labels[0] = 0  # ranks have different numbers of eligible anchors
    labels[1, :6] = 255
    labels[1, 0, 0] = 1
    return maps, labels


def loss_of(gather):
    torch.manual_seed(1)
    return PixelContrastLoss(['s.a', 's.b'], CHANNELS, channels=8, gather=gather, max_anchors=CAP,
                             max_samples=CAP, hard_ratio=1.0)


def gradients(loss, maps):
    return [x.grad for x in maps], [p.grad for p in loss.parameters()]


def rank_main(rank, folder):
    torch.distributed.init_process_group('gloo', rank=rank, world_size=2,
                                         init_method=f'file://{folder}/store')
    save_gradients(rank, folder)
    # A process group that goes away with a wrapped model can wait for ever for its own threads.
    end_together()


def save_gradients(rank, folder):
    loss = torch.nn.parallel.DistributedDataParallel(loss_of(gather=True))
    maps, labels = data()
    own = slice(2 * rank, 2 * rank + 2)
    maps = [x[own].clone().requires_grad_() for x in maps]
    value = loss(maps, gt=labels[own])['contrast']
    value.backward()
    torch.save((value.detach(), *gradients(loss, maps)), f'{folder}/{rank}.pt')


def test_ranks_together_equal_one_process(tmp_path: Path):
    multiprocessing.spawn(rank_main, (str(tmp_path),), nprocs=2)
    ranks = [torch.load(tmp_path / f'{rank}.pt') for rank in (0, 1)]
    loss = loss_of(gather=True)
    maps, labels = data()
    maps = [x.requires_grad_() for x in maps]
    # The caps must not bind: what is drawn then does not matter.
    assert labels.flatten().bincount()[:3].max() / 4 < CAP // 3
    value = loss(maps, gt=labels)['contrast']
    value.backward()
    assert value > 0
    mean = (ranks[0][0] + ranks[1][0]) / 2
    assert torch.allclose(mean, value, atol=1e-5)
    assert not torch.allclose(ranks[0][0], ranks[1][0], atol=1e-3)
    for i, x in enumerate(maps):
        whole = torch.cat([rank[1][i] for rank in ranks]) / 2
        assert torch.allclose(whole, x.grad, atol=1e-6)
    for i, p in enumerate(loss.parameters()):
        assert torch.equal(ranks[0][2][i], ranks[1][2][i])
        assert torch.allclose(ranks[0][2][i], p.grad, atol=1e-6)


def test_without_gather_ranks_contrast_their_own_pixels():
    maps, labels = data()
    alone = loss_of(gather=False)([x[2:] for x in maps], gt=labels[2:])['contrast']
    together = loss_of(gather=False)(maps, gt=labels)['contrast']
    assert not torch.allclose(alone, together, atol=1e-3)
