"""Shapes that several losses bring their tensors into: maps, rows of logits, labels of maps."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

IGNORED = 255  # the label of positions that count nowhere, unless it is a class


def as_map(x: Tensor) -> Tensor:
    """A tapped tensor as a map (N, C, H, W).

    Args:
        x: (N, C, H, W); (N, T, C, H, W), whose frames are averaged; (N, L, C), tokens, which become
            a column (N, C, L, 1); or (N, C), a map of one pixel.
    """
    if x.ndim == 5:
        return x.mean(1)
    if x.ndim == 3:
        return x.transpose(1, 2).unsqueeze(-1)
    return x[:, :, None, None] if x.ndim == 2 else x


def check_axes(loss: object, x: Tensor, dim: int | tuple[int, int] = 1) -> None:
    """Refuses tensors whose axes a loss would take for others.

    These are frames (N, T, C, H, W), whose second axis is none of channels, and vectors of which a
    pair ``dim`` asks for space.

    Raises:
        ValueError: names the loss and the cure.
    """
    if x.ndim == 5:
        raise ValueError(f'{type(loss).__name__}: {tuple(x.shape)} are frames: name the tap in '
                         "'pool' of its branch, which averages them")
    if not isinstance(dim, int) and x.ndim != 4:
        raise ValueError(f'{type(loss).__name__}: dim={dim} asks for the space of a map, and '
                         f"{tuple(x.shape)} has none: take dim=1, or take the tap out of 'pool'")


def pooled(x: Tensor) -> Tensor:
    """A tapped tensor as one vector a sample, (N, C): see :func:`as_map`."""
    return as_map(x).mean((-1, -2))


def resized(x: Tensor, size: Sequence[int]) -> Tensor:
    """A map (N, C, H, W) at another height and width, bilinear; the same one if they agree."""
    if x.shape[-2:] == tuple(size):
        return x
    return F.interpolate(x, size=tuple(size), mode='bilinear', align_corners=False)


def class_logits(logits: Tensor) -> Tensor:
    """Logits of one channel z, of a sigmoid, as (0, z): those of two classes; others as they are.

    Args:
        logits: (N, C) or (N, C, H, W).
    """
    if logits.size(1) > 1:
        return logits
    return torch.cat([torch.zeros_like(logits), logits], 1)


def nearest_labels(gt: Tensor, size: Sequence[int]) -> Tensor:
    """Labels (N, H, W) at another size (N, h, w), by nearest."""
    rows, columns = (torch.arange(new, device=gt.device) * old // new
                     for old, new in zip(gt.shape[-2:], size, strict=True))
    return gt[:, rows[:, None], columns]


def labelled_rows(maps: Sequence[Tensor], gt: Tensor, ignore_index: int
                  ) -> tuple[list[Tensor], Tensor]:
    """Logits of the positions that have a label, one position a row.

    Args:
        maps: logits of one shape, (N, C) or (N, C, H, W).
        gt: labels (N,), or (N, H', W'), which are taken at the logits' size by nearest; negative
            where there is none.
        ignore_index: label of the positions that are left out too, see :func:`counted`.

    Returns:
        (M, C) of each, and the labels (M,).
    """
    labels = gt if maps[0].ndim == 2 else nearest_labels(gt, maps[0].shape[-2:])
    kept = counted(labels, ignore_index, maps[0].size(1))
    return [x.movedim(1, -1)[kept] for x in maps], labels[kept]


def learnt_rows(maps: Sequence[Tensor], gt: Tensor | None, ignore_index: int
                ) -> tuple[list[Tensor], Tensor]:
    """As :func:`labelled_rows`, with samples (N,) that have no label, from which a teacher teaches.

    An unlabelled image (N, H', W') is one of ignored pixels, and is left out.

    Args:
        maps: see :func:`labelled_rows`.
        gt: likewise; None takes every position.
        ignore_index: likewise.

    Returns:
        likewise, negative where there is no label.
    """
    if gt is None:
        rows = [x.movedim(1, -1).flatten(0, -2) for x in maps]
        return rows, torch.full((len(rows[0]),), -1, device=rows[0].device)
    if gt.ndim > 1 or maps[0].ndim > 2:
        return labelled_rows(maps, gt, ignore_index)
    kept = (gt < 0) | counted(gt, ignore_index, maps[0].size(1))
    return [x[kept] for x in maps], gt[kept]


def counted(labels: Tensor, ignore_index: int, classes: int) -> Tensor:
    """Where there is a label: not negative, and not ``ignore_index``.

    255, the default, leaves nothing out where it is the number of a class.
    """
    there = labels >= 0
    return there if ignore_index == IGNORED < classes else there & (labels != ignore_index)


def mean_of_rows(values: Tensor) -> Tensor:
    """Mean of (M,), and 0 with a gradient of 0 where there is no row."""
    return values.sum() / max(len(values), 1)


def without_target(logits: Tensor, labels: Tensor) -> Tensor:
    """Logits (M, C - 1) of the classes that are not the label, in their order."""
    rest = torch.ones_like(logits, dtype=torch.bool).scatter_(1, labels[:, None], False)
    return logits[rest].view(len(logits), logits.size(1) - 1)
