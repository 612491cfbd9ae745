"""C2KD: distillation in both directions through proxies."""

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmfkd.registry import MODELS

from .base import DistillLoss
from .logits import divergence
from .shapes import (
    as_map,
    class_logits,
    labelled_rows,
    learnt_rows,
    mean_of_rows,
    resized,
    without_target,
)


@MODELS.register_module()
class C2KDLoss(DistillLoss):
    """Bidirectional distillation through proxy classifiers, on samples whose soft labels agree.

    Paper: Huo et al., "C2KD: Bridging the Modality Gap for Cross-Modal Knowledge Distillation"
    (CVPR 2024), eq. 5-10. Either network z has a proxy q on the map of its third stage. At
    temperature 1, KL(target ‖ learner), targets detached:

    - ``student`` and ``teacher``: KL(z ‖ q) + KL(q ‖ z) of that network;
    - ``cross``: KL(q_s ‖ q_t) + KL(q_t ‖ q_s) without the target class, of the samples with
      Kendall's τ between q_s and q_t above ``threshold`` (on-the-fly selection distillation).

    The teacher is trained too, so it is a second student, which starts from a checkpoint; the
    cross entropies of z are the two networks' own losses.

    The target's logit is set to 0 and stays in the softmax; ``remove_target`` removes it, with
    which two classes leave nothing to compare. A sample whose τ is undefined (all logits equal) is
    not selected, and of one without a label all classes are compared. For maps a pixel is a
    sample, each proxy keeps its resolution, its network's logits are brought to it, and for
    ``cross`` the student's proxy is brought to the teacher's.

    Departures from the authors' code are in ``docs/methods.md``, section ``c2kd``.

    Args:
        student: taps of the student's logits, (N, C) or (N, C, H, W), and of its third stage.
        teacher: likewise for the teacher.
        student_channels: width of the third stage of the student.
        teacher_channels: likewise for the teacher.
        num_classes: C, at least 2.
        weight: see :class:`DistillLoss`.
        threshold: of τ, in [-1, 1).
        remove_target: see above.
        channels: width of the proxies.
        ignore_index: label of the positions to leave out; None takes all and needs no labels, so
            that ``cross`` is over all classes.

    Raises:
        ValueError: ``threshold`` or ``num_classes`` is out of range, or ``remove_target`` has no
            labels.
    """

    paired = False
    detaches = False

    def __init__(self, student_channels: int, teacher_channels: int, num_classes: int,
                 student: Sequence[str] = ('student.logits', 'student.layer3'),
                 teacher: Sequence[str] = ('teacher.logits', 'teacher.layer3'),
                 weight: float = 1.0, threshold: float = 0.0, remove_target: bool = False,
                 channels: int = 256, ignore_index: int | None = 255) -> None:
        super().__init__(student, teacher, weight)
        if not -1 <= threshold < 1 or num_classes < 2:
            raise ValueError(f'C2KDLoss: threshold={threshold} must be in [-1, 1) and '
                             f'num_classes={num_classes} at least 2')
        if remove_target and ignore_index is None:
            raise ValueError('C2KDLoss: remove_target=True removes the class of the label, which '
                             'ignore_index=None does without: give the label to leave out, 255')
        self.needs_gt = ignore_index is not None
        self.threshold = threshold
        self.remove_target = remove_target
        self.ignore_index = ignore_index
        self.proxy_s = proxy(student_channels, channels, num_classes)
        self.proxy_t = proxy(teacher_channels, channels, num_classes)

    def leaves_out_unlabelled(self, images: bool) -> bool:
        """See :class:`DistillLoss`: of images alone."""
        return self.needs_gt and images

    def terms(self, student: list[Tensor], teacher: list[Tensor], gt: Tensor | None
              ) -> dict[str, Tensor]:
        """``student``, ``teacher`` and ``cross``: see the class."""
        z_s, q_s = with_proxy(*student, net=self.proxy_s)
        z_t, q_t = with_proxy(*teacher, net=self.proxy_t)
        own = dict(student=self._mutual(z_s, q_s, gt), teacher=self._mutual(z_t, q_t, gt))
        if q_s.ndim == 4:
            q_s = resized(q_s, q_t.shape[-2:])
        return dict(own, cross=self._cross(q_s, q_t, gt))

    def _mutual(self, logits: Tensor, other: Tensor, gt: Tensor | None) -> Tensor:
        """KL divergences of two logits in both directions, each with its target detached."""
        rows, _ = learnt_rows((class_logits(logits), other), gt, cast(int, self.ignore_index))
        a, b = (F.log_softmax(x, dim=1) for x in rows)
        return mean_of_rows(divergence(b, a.detach()) + divergence(a, b.detach()))

    def _cross(self, q_s: Tensor, q_t: Tensor, gt: Tensor | None) -> Tensor:
        """What the proxies teach each other where they agree."""
        rows: Any = labelled_rows if self.remove_target else learnt_rows
        (q_s, q_t), labels = rows((q_s, q_t), gt, self.ignore_index)
        selected = kendall_tau(q_s.detach(), q_t.detach()) > self.threshold
        both = self._without_target(q_s, q_t, labels) + self._without_target(q_t, q_s, labels)
        return mean_of_rows(both * selected)

    def _without_target(self, learner: Tensor, target: Tensor, labels: Tensor) -> Tensor:
        """KL divergence (M,) without the target class, where there is one."""
        if self.remove_target:
            rest = [without_target(x, labels) for x in (learner, target.detach())]
        else:
            targets = labels.clamp(min=0)[:, None]
            kept = torch.ones_like(learner).scatter_(1, targets, (labels < 0).float()[:, None])
            rest = [learner * kept, target.detach() * kept]
        return divergence(*(F.log_softmax(x, dim=1) for x in rest))


def proxy(in_channels: int, channels: int, num_classes: int) -> nn.Sequential:
    """Classifier on a map (N, in_channels, H, W), pixel by pixel."""
    return nn.Sequential(nn.Conv2d(in_channels, channels, 1, bias=False), nn.BatchNorm2d(channels),
                         nn.LeakyReLU(0.1), nn.Conv2d(channels, num_classes, 1))


def with_proxy(logits: Tensor, stage: Tensor, *, net: nn.Module) -> tuple[Tensor, Tensor]:
    """Logits of a network and of the proxy on its stage, of one shape."""
    if logits.ndim == 2:
        return logits, net(as_map(stage).mean((-1, -2), keepdim=True)).flatten(1)
    proxies = net(stage)
    return resized(logits, proxies.shape[-2:]), proxies


def kendall_tau(a: Tensor, b: Tensor) -> Tensor:
    """Kendall's τ-b between the rows of two tensors, all pairs of columns at once.

    Args:
        a: (M, C).
        b: likewise.

    Returns:
        (M,); NaN where one of the rows has no two different values.
    """
    left, right = torch.triu_indices(a.size(1), a.size(1), offset=1, device=a.device)
    order_a, order_b = ((x[:, left] - x[:, right]).sign() for x in (a, b))
    pairs_a, pairs_b = order_a.square().sum(1), order_b.square().sum(1)
    return (order_a * order_b).sum(1) / (pairs_a * pairs_b).sqrt()
