"""benchmarks/authors_loop.py does the work that it is compared with."""

import authors_loop
import torch
from torch import nn

from mmfkd.models import FrequencyDecoupledLoss


def test_loss_of_the_loop_is_that_of_the_config():
    torch.manual_seed(0)
    taught, learned = torch.rand(2, 3, authors_loop.WIDTH)
    labels = torch.tensor([0, 5, 2])
    heads = nn.ModuleList(nn.Sequential(nn.ReLU(), nn.Linear(512, 6)) for _ in range(4))
    classifier = dict(type='BandClassifier', in_channels=512, num_classes=6)
    loss = FrequencyDecoupledLoss('a.feat', 'b.feat', align=classifier, task=classifier)
    for (shared, own), band in zip((heads[:2], heads[2:]), ('low', 'high'), strict=True):
        getattr(loss.align, band).load_state_dict(shared[1].state_dict())
        getattr(loss.task, band).load_state_dict(own[1].state_dict())
    found = authors_loop.direction_loss(authors_loop.Direction('audio', 'visual', heads), taught,
                                        learned, labels)
    torch.testing.assert_close(found, sum(loss.terms(learned, taught, labels).values()))
