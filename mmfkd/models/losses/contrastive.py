"""Contrast between pixels: CSK-Net, eq. 10."""

import math
from collections.abc import Sequence

import torch
import torch.distributed.nn
from mmengine.dist import get_world_size
from torch import Tensor, nn
from torch.nn import functional as F

from mmfkd.registry import MODELS

from .base import DistillLoss
from .shapes import nearest_labels

NO_PIXEL = -1  # label of the padding of a gathered batch


@MODELS.register_module()
class PixelContrastLoss(DistillLoss):
    """Draws pixels of a class together and pushes those of other classes away (eq. 10).

    Paper: CSK-Net, section 2.6, after PiPa (Chen et al., ACM MM 2023) and InfoNCE. For an anchor
    i, its selected positives P and negatives N::

        l_i = - 1 / |P| Σ_{j in P} log( r(i, j) / Σ_{k in P or N} r(i, k) ),
        r(i, k) = exp(cos(e_i, e_k) / τ)

    averaged over anchors. The embedding e is a projection head h_pixel, two 1x1 convolutions, on
    the maps of several stages side by side, as in PiPa. Semi-hard sampling: of the pixels drawn
    from the whole batch an anchor keeps the share ``hard_ratio`` of its nearest negatives and of
    its farthest positives.

    Before the classes are apart, the nearest negatives are nearer than the farthest positives. The
    loss is then lowest where all embeddings are equal, and training can end there, at the logarithm
    of the number of pixels that an anchor keeps. So start with ``hard_ratio=1``, which keeps all
    pixels, let :class:`mmfkd.engine.LossWeightHook` bring it to its value, and give the projection
    head a batch norm (``norm``), as ContrastiveSeg and PiPa have it. The log has the ``spread`` of
    the embeddings, ``1 - ‖mean e‖²``; near 0 they are all equal, which
    :class:`mmfkd.engine.ContrastCollapseHook` says in words.

    The paper gives neither τ, width, sampling cap nor weight; the defaults are those of
    ContrastiveSeg, which PiPa shares. The readings of the paper are in ``docs/csknet.md``.

    Pixels are drawn first, up to the same number of each class, and only they are projected and
    compared: memory and time do not grow with the image. Their features are read at the nearest
    place of each map.

    Args:
        student: ``branch.tap`` of each map, (N, D_i, H_i, W_i), the finest first: its size is
            that of the labels, which are resized by nearest.
        in_channels: D_i of each map.
        channels: width of the embedding.
        temperature: τ, above 0.
        hard_ratio: share of the negatives and of the positives that an anchor keeps, rounded up.
        norm: whether a batch norm follows the first layer of the projection head.
        max_anchors: number of anchors at the most.
        max_samples: number of pixels that are compared with, at the most.
        weight: factor; :class:`mmfkd.engine.LossWeightHook` makes it a schedule.
        gather: compare with the pixels of all ranks, with gradients, not of the own rank alone.
        ignore_index: label of pixels that are neither anchor nor compared with.

    Raises:
        ValueError: numbers out of range, or another number of maps than of ``in_channels``.
    """

    needs_gt = True
    paired = False

    def __init__(self, student: Sequence[str], in_channels: Sequence[int], channels: int = 256,
                 temperature: float = 0.1, hard_ratio: float = 0.1, norm: bool = False,
                 max_anchors: int = 1024, max_samples: int = 4096, weight: float = 1.0,
                 gather: bool = False, ignore_index: int = 255) -> None:
        super().__init__(student, None, weight)
        if len(student) != len(in_channels):
            raise ValueError(f'PixelContrastLoss: {len(student)} maps in student, but '
                             f'{len(in_channels)} widths in in_channels')
        if temperature <= 0 or not 0 < hard_ratio <= 1 or min(max_anchors, max_samples) < 1:
            raise ValueError(f'PixelContrastLoss: temperature={temperature} must be above 0, '
                             f'hard_ratio={hard_ratio} in (0, 1], max_anchors={max_anchors} and '
                             f'max_samples={max_samples} 1 or more')
        norms = [nn.BatchNorm1d(channels)] if norm else []
        self.projection = nn.Sequential(nn.Linear(sum(in_channels), channels), *norms, nn.ReLU(),
                                        nn.Linear(channels, channels))
        self._spread: Tensor | None = None
        self.temperature = temperature
        self.hard_ratio = hard_ratio
        self.max_anchors = max_anchors
        self.max_samples = max_samples
        self.gather = gather
        self.ignore_index = ignore_index

    def terms(self, student: list[Tensor], teacher: list[Tensor], gt: Tensor
              ) -> dict[str, Tensor]:
        """``contrast``; 0, with a gradient of 0, where no pixel is eligible.

        Args:
            student: a map (N, D_i, H_i, W_i) for each tap.
            teacher: nothing.
            gt: labels (N, H, W), int64.
        """
        labels = nearest_labels(gt, student[0].shape[-2:])
        places = balanced_pixels(labels, self.max_samples, self.ignore_index)
        features = torch.cat([pixels_of(x, places, labels.shape) for x in student], 1)
        # A batch norm needs two rows.
        rows = F.pad(features, (0, 0, 0, max(2 - len(features), 0)))
        embedded = F.normalize(self.projection(rows)[:len(features)], dim=1)
        return dict(contrast=self._compare(embedded, labels.flatten()[places]))

    def _compare(self, embedded: Tensor, labels: Tensor) -> Tensor:
        chosen = torch.randperm(len(labels), device=labels.device)[:self.max_anchors]
        others, classes, own = embedded, labels, chosen
        if self.gather and get_world_size() > 1:
            others, classes, start = gathered(embedded, labels, self.max_samples)
            own = chosen + start
        losses = anchor_losses(embedded[chosen], labels[chosen], own, others, classes,
                               self.temperature, self.hard_ratio)
        # The mean cosine of all pairs is the squared length of the mean.
        self._spread = 1 - embedded.detach().mean(0).square().sum() if len(losses) else None
        eligible = torch.tensor(float(len(losses)), device=labels.device)
        if self.gather and get_world_size() > 1:
            # Ranks are averaged afterwards: dividing by the mean number makes that the mean of
            # all anchors.
            torch.distributed.all_reduce(eligible)
            eligible /= get_world_size()
        # Embeddings without an anchor still have a gradient, of zero.
        return losses.sum() / eligible.clamp(min=1e-6) + 0 * others.sum()


    def report(self) -> dict[str, Tensor]:
        """``spread``: 1 less the mean cosine of two embeddings of the last step."""
        return {} if self._spread is None else dict(spread=self._spread)


def balanced_pixels(labels: Tensor, count: int, ignore_index: int) -> Tensor:
    """Flat places of random pixels, up to the same number of each class.

    Args:
        labels: (N, h, w).
        count: number of pixels at the most, over all classes.
        ignore_index: label that is left out.
    """
    flat = labels.flatten()
    places = (flat != ignore_index).nonzero()[:, 0]
    places = places[torch.randperm(len(places), device=places.device)]
    order = flat[places].argsort(stable=True)
    classes, sizes = flat[places].unique(return_counts=True)
    starts = sizes.cumsum(0) - sizes
    rank = torch.arange(len(places), device=places.device) - starts.repeat_interleave(sizes)
    chosen = places[order[rank < max(count // max(len(classes), 1), 1)]]
    if len(chosen) > count:  # more classes than pixels
        chosen = chosen[torch.randperm(len(chosen), device=chosen.device)[:count]]
    return chosen


def pixels_of(x: Tensor, places: Tensor, shape: Sequence[int]) -> Tensor:
    """Features (S, D) of a map (N, D, h', w'), at flat places of a grid ``shape`` (N, h, w)."""
    _, height, width = shape
    image, place = places // (height * width), places % (height * width)
    row, column = place // width, place % width
    return x[image, :, row * x.size(-2) // height, column * x.size(-1) // width]


def anchor_losses(anchors: Tensor, labels: Tensor, own: Tensor, others: Tensor, classes: Tensor,
                  temperature: float, hard_ratio: float) -> Tensor:
    """Eq. 10 for each anchor that has a positive and a negative.

    Args:
        anchors: unit vectors (A, D).
        labels: their classes (A,).
        own: place of each anchor among ``others``, (A,): it is no positive of itself.
        others: unit vectors (S, D) to compare with.
        classes: theirs, (S,); negative for none.
        temperature: τ.
        hard_ratio: share of positives and of negatives that is kept.

    Returns:
        (B,), for the B anchors that are eligible, in their order.
    """
    if not len(anchors):
        return anchors.sum(1)
    similar = anchors @ others.T / temperature
    same = labels[:, None] == classes
    negative = ~same & (classes >= 0)
    positive = same.scatter(1, own[:, None], False)
    eligible = positive.any(1) & negative.any(1)
    similar, positive, negative = similar[eligible], positive[eligible], negative[eligible]
    far, of_far = hardest(-similar, positive, hard_ratio)
    near, of_near = hardest(similar, negative, hard_ratio)
    chosen = similar.gather(1, torch.cat([far, near], 1))
    kept = torch.cat([of_far, of_near], 1)
    total = chosen.masked_fill(~kept, -math.inf).logsumexp(1, keepdim=True)
    positives = chosen[:, :far.size(1)]
    return ((total - positives) * of_far).sum(1) / of_far.sum(1)


@torch.no_grad()
def hardest(score: Tensor, mask: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """For each row the places of the highest scores within a mask.

    Args:
        score: (A, S).
        mask: (A, S), which entries count.
        share: of the entries that count, rounded up.

    Returns:
        places (A, K), and which of them are kept, (A, K): K is the largest number of a row.
    """
    # In double precision, as 0.1 * 30 is above 3 in single.
    count = (mask.sum(1).double() * share - 1e-9).ceil().long()
    most = int(count.max()) if len(count) else 0
    places = score.masked_fill(~mask, -math.inf).topk(most, 1).indices
    return places, torch.arange(most, device=score.device) < count[:, None]


def gathered(embedded: Tensor, labels: Tensor, size: int) -> tuple[Tensor, Tensor, int]:
    """Embeddings and labels of all ranks, padded to ``size`` each, and where the own ones start.

    Gradients flow back to the rank that an embedding is of.
    """
    missing = size - len(labels)
    embedded = F.pad(embedded, (0, 0, 0, missing))
    labels = F.pad(labels, (0, missing), value=NO_PIXEL)
    labels_of_all = [torch.empty_like(labels) for _ in range(get_world_size())]
    torch.distributed.all_gather(labels_of_all, labels)
    others = torch.cat(torch.distributed.nn.functional.all_gather(embedded))
    return others, torch.cat(labels_of_all), torch.distributed.get_rank() * size
