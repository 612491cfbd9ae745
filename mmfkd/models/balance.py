"""Weights of distillation losses that follow gradients instead of constants."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, cast

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.model import BaseModule, ModuleDict
from torch import Tensor
from torch.linalg import vector_norm

from mmfkd.config import TapKey

from .gradients import gradients
from .routing import any_label


class LossBalance(BaseModule):
    """Keeps the gradient of a loss at a stated ratio to the gradient of the student's task.

    After the balancer of EnCodec (Défossez et al., "High Fidelity Neural Audio Compression",
    arXiv 2210.13438, section 3.4): the loss is multiplied by ``ratio · ⟨|g_task|⟩ / ⟨|g_loss|⟩``,
    with running averages ⟨⟩ of the norms. Both gradients are taken where the two meet, at the
    student's tensors that the loss taps, as they are in the network: before they are pooled.
    Across processes the squares of the norms are added up, so the weight is the same in all.

    A batch in which no sample has a label has no gradient of the task, and is left out. Where
    none ever had one, the reference is the first loss of the same student, at its own weight.

    Norms are measured in the steps 0, 1, 2, 4, 8 and so on, and every ``interval`` steps.

    Args:
        ratio: the gradient's norm, relative to that of the task;
            :class:`mmfkd.engine.LossWeightHook` makes it a schedule.
        terms: names of the terms that are balanced, as far as the loss has them; without any all
            are. The others keep their weight.
        interval: steps between two measurements.
        decay: share of a running average that is left one step later.

    Raises:
        ValueError: ``ratio`` or ``interval`` is too small, or ``decay`` is not below 1.
    """

    step: Tensor
    last: Tensor
    own: Tensor
    reference: Tensor
    labelled: Tensor
    share: Tensor

    def __init__(self, ratio: float = 1.0, terms: Sequence[str] = (), interval: int = 50,
                 decay: float = 0.99) -> None:
        super().__init__()
        if ratio < 0 or interval < 1 or not 0 <= decay < 1:
            raise ValueError(f'balance: ratio={ratio}, interval={interval}, decay={decay}: take a '
                             'ratio of 0 or more, an interval of 1 or more, a decay below 1')
        self.ratio = ratio
        self.names = (terms,) if isinstance(terms, str) else tuple(terms)
        self.interval = interval
        self.decay = decay
        # In the checkpoint, so that a resumed run goes on with the same weights.
        for name, start in dict(step=0, last=-1, own=0.0, reference=0.0, labelled=0.0,
                                share=0.0).items():
            self.register_buffer(name, torch.tensor(start))
        # Read from the device once, not in each step.
        self._step: int | None = None

    def _load_from_state_dict(self, *args: Any) -> None:
        super()._load_from_state_dict(*args)
        self.recount()

    def recount(self) -> None:
        """The next step is read from the buffer, which something else has written."""
        self._step = None

    def tick(self) -> bool:
        """Counts a step, and says whether the norms are to be measured in it."""
        step = int(self.step) if self._step is None else self._step
        self._step = step + 1
        self.step += 1
        return step % self.interval == 0 or step & (step - 1) == 0

    @property
    def weight(self) -> Tensor:
        """The factor of the loss; 1 before the first measurement, and 0 at a ratio of 0."""
        factor = self.ratio * self.reference / self.own
        return torch.where(self.own > 0, factor, torch.full_like(factor, float(self.ratio > 0)))

    def begin(self) -> None:
        """Begins the averages anew: what was measured before the first label is no reference."""
        self.labelled.fill_(1)
        self.own.zero_()
        self.reference.zero_()
        self.last.copy_(self.step - 2)

    def update(self, own: Tensor, reference: Tensor) -> None:
        """Takes the norms of this step into the averages, unless one is 0 or not finite."""
        if own > 0 and reference > 0 and torch.isfinite(own + reference):
            # Both averages lack the same share at the start, which falls out of their quotient.
            left = self.decay ** int(self.step - 1 - self.last)
            self.own.mul_(left).add_((1 - left) * own)
            self.reference.mul_(left).add_((1 - left) * reference)
            self.last.copy_(self.step - 1)
            self.share.copy_(self.weight * own / reference)


class LossBalances(ModuleDict):
    """The balances of a model's losses, by the name of the loss."""

    def check(self, losses: Mapping[str, Any], students: Iterable[str]) -> None:
        """Refuses balances of losses on what is not trained.

        Raises:
            ValueError: names the loss and the tap; or the loss has the weight 0, so that there is
                no gradient whose norm could be kept.
        """
        known = list(students)
        for name in self:
            if losses[name].weight == 0:
                raise ValueError(f'losses.{name}: weight=0 leaves nothing to balance: take weight '
                                 'out, and set balance.ratio=0 for a loss without effect')
            frozen = [key for key in _taps(losses[name].student)
                      if TapKey.parse(key).branch not in known]
            if frozen:
                raise ValueError(f"losses.{name}.balance: student='{frozen[0]}' is no tap of a "
                                 f'student, which are {", ".join(known)}, so that there is no '
                                 'gradient to balance')

    def weighted(self, losses: Mapping[str, Any], tasks: Mapping[str, Mapping[str, Tensor]],
                 terms: Mapping[str, dict[str, Tensor]], recorded: Mapping[str, Tensor],
                 data_samples: list) -> dict[str, dict[str, Tensor]]:
        """Terms with the weights of their balances, after one step of these.

        Args:
            losses: the distillation losses by name.
            tasks: student to its task losses.
            terms: distillation loss to its terms.
            recorded: ``branch.tap`` to the tensor in the student's network.
            data_samples: the batch.

        Raises:
            ValueError: a balanced loss or the task does not reach the student's tap, or the loss
                has no such term.
        """
        weighted = dict(terms)
        for name, balance in self.items():
            keys = _taps(losses[name].student)
            if balance.tick():
                first = next(other for other, loss in losses.items()
                             if _branches(_taps(loss.student)) & _branches(keys))
                self._measure(name, first, keys, tasks, terms, recorded, data_samples)
            weight = balance.weight.detach()
            weighted[name] = {key: weight * value if key in (balance.names or terms[name]) else
                              value for key, value in terms[name].items()}
        return weighted

    def _measure(self, name: str, first: str, keys: Sequence[str],
                 tasks: Mapping[str, Mapping[str, Tensor]],
                 terms: Mapping[str, dict[str, Tensor]], recorded: Mapping[str, Tensor],
                 data_samples: list) -> None:
        balance = cast(LossBalance, self[name])
        if balance.names and not set(balance.names) & set(terms[name]):
            raise ValueError(f'losses.{name}.balance: no terms {list(balance.names)}; the loss has '
                             f'{list(terms[name])}')
        places = [recorded[key] for key in keys]
        own = gradient_norm((value for key, value in terms[name].items()
                             if key in (balance.names or terms[name])), places)
        if own is None:
            raise ValueError(f'losses.{name}.balance: the loss does not reach {", ".join(keys)}, '
                             'so there is no gradient to balance: remove balance, or tap a '
                             'tensor of the student that is trained')
        task = gradient_norm(task_losses(tasks, keys), places)
        if not balance.labelled and any_label(data_samples, places[0].device):
            if task is None or task == 0:
                raise ValueError(f'losses.{name}.balance: the task of the student does not reach '
                                 f'{", ".join(keys)}, so there is no gradient to compare with: '
                                 'remove balance, or tap a tensor that a supervised output is '
                                 'computed from')
            balance.begin()
        reference = task
        if not balance.labelled:
            reference = own if first == name else gradient_norm(terms[first].values(), places)
            if reference is None:
                raise ValueError(
                    f'losses.{name}.balance: no sample has a label, so that the first loss of the '
                    f'student is the reference, but {first} does not reach {", ".join(keys)}: put '
                    'a loss between logits first')
        if reference is not None:
            balance.update(own, reference)

    def report(self) -> dict[str, Tensor]:
        """``loss.weight`` and ``loss.share``: the factor, and the norm relative to the task's."""
        return {f'{name}.{key}': getattr(balance, key).detach().clone()
                for name, balance in self.items() for key in ('weight', 'share')}


def _taps(keys: str | Sequence[str]) -> tuple[str, ...]:
    return (keys,) if isinstance(keys, str) else tuple(keys)


def _branches(keys: Iterable[str]) -> set[str]:
    return {TapKey.parse(key).branch for key in keys}


def task_losses(tasks: Mapping[str, Mapping[str, Tensor]], keys: Iterable[str]) -> list[Tensor]:
    """The summands of the task of the branches that taps belong to, as mmengine adds them up."""
    values = chain.from_iterable(tasks.get(branch, {}).items() for branch in _branches(keys))
    return [part.mean() for key, value in values if 'loss' in key
            for part in (value if isinstance(value, (list, tuple)) else (value,))]


def gradient_norm(terms: Iterable[Tensor], places: Sequence[Tensor]) -> Tensor | None:
    """Norm of the gradient of a sum of terms at some tensors, over all processes.

    Args:
        terms: scalars.
        places: tensors that they are computed from.

    Returns:
        a scalar; None if no term depends on any place.
    """
    summands = [term.float() for term in terms if term.requires_grad]
    if not summands:
        return None
    total = torch.stack(summands).sum()
    # Where a part of the network is in half precision, which the places do not tell, the gradient
    # of a mean over many pixels would round to 0, and that of a sum would overflow.
    for scale in (2.0 ** 16, 1.0):
        norms = [vector_norm(x.float() / scale) for x in gradients(scale * total, places)
                 if x is not None]
        if all(norm.isfinite() for norm in norms):
            break
    if not norms:
        return None
    squared = torch.stack(norms).square().sum()
    all_reduce(squared)
    # Losses are means over the batch of a process.
    return squared.sqrt() / get_world_size()
