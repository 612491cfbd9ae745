"""Checks of the names and losses of a CrossModalDistiller, which refuse what cannot be trained."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor

from mmfkd.config import TapKey

from .routing import named_taps


def check_names(students: Collection[str], teachers: Collection[str]) -> None:
    """Refuses names of branches that clash, with each other or with what mmengine sums.

    Raises:
        ValueError: names them; or there is no student.
    """
    if not students:
        raise ValueError('CrossModalDistiller needs at least one student')
    if shared := set(students) & set(teachers):
        raise ValueError(f'{sorted(shared)} name both a student and a teacher')
    summed = [name for name in students if 'loss' in name]
    if summed:
        raise ValueError(f"students {summed}: mmengine adds up every log entry with 'loss' in "
                         'its key, accuracies too; choose other names')


def check_predictions(others: Collection[str], subsets: Iterable[Sequence[str]]) -> None:
    """Refuses further students under names that the first one's subsets of modalities predict by.

    Raises:
        ValueError: names them.
    """
    if shared := set(others) & {'+'.join(subset) for subset in subsets}:
        raise ValueError(f"students {sorted(shared)} are named like 'subsets' of the first student,"
                         ' whose predictions have these names: choose other names')


def check_inputs(name: str, loss: Any, known: Sequence[str]) -> None:
    """Refuses a loss of a name that is not summed, or that names a tap which is not there.

    Args:
        name: of the loss.
        loss: a distillation loss.
        known: every ``branch.tap`` that can be named.

    Raises:
        ValueError: names the loss and the tap.
    """
    if not name.startswith('loss'):
        raise ValueError(f"losses.{name}: rename it to 'loss_{name}'; mmengine adds up "
                         "only what has 'loss' in its key")
    for argument, keys in loss.inputs.items():
        for key in (keys,) if isinstance(keys, str) else keys:
            if key not in known:
                raise ValueError(f"losses.{name}.{argument}='{key}': no such tap. "
                                 f'Known: {", ".join(known) or "none"}')


def check_windows(name: str, loss: Any, branches: Mapping[str, Any]) -> None:
    """Refuses classifiers on the tap of a network that predicts window by window.

    Args:
        name: of the loss.
        loss: a distillation loss.
        branches: students and teachers by name.

    Raises:
        ValueError: names the loss and the mode.
    """
    if not loss.predicts:
        return
    owner = TapKey.parse(loss.student).branch
    mode = (getattr(branches[owner].model, 'test_cfg', None) or {}).get('mode', 'whole')
    if mode != 'whole':
        raise ValueError(f"losses.{name} has classifiers that predict from '{loss.student}', which "
                         f"with mode='{mode}' holds the last window alone: set "
                         f"model.students.{owner}.model.test_cfg.mode='whole', or leave them out "
                         f'with model.losses.{name}.task=None')


def check_taught(name: str, loss: Any, feats: Mapping[str, Tensor]) -> None:
    """Refuses a loss that has a weight, but no gradient that would reach what it is to teach.

    A loss with classifiers that predict trains these, if nothing else.

    Args:
        name: of the loss.
        loss: a distillation loss.
        feats: ``branch.tap`` to what it recorded in training.

    Raises:
        ValueError: names the loss, its taps and what may hold the gradient back.
    """
    taught = loss.student if loss.detaches else named_taps(loss)
    keys = (taught,) if isinstance(taught, str) else taught
    if loss.weight and not loss.predicts and not any(feats[key].requires_grad for key in keys):
        raise ValueError(
            f'losses.{name} teaches nothing, as its gradient ends at {", ".join(keys)}: the tap '
            "is in frozen layers (frozen_stages of the student's backbone), or inside a block that "
            'computes its activations twice (with_cp=True). Tap what comes behind it, unfreeze it '
            f'or set with_cp=False; model.losses.{name}=None leaves the loss out')
