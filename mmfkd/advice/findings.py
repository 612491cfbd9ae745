"""Measurements of a pair before it is distilled: scores, errors, features and gradients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from mmengine.runner import Runner
from scipy.special import logit
from torch import Tensor

from mmfkd.analysis.features import draw_vectors, feature_batches, spread_loader
from mmfkd.analysis.similarity import band_cka
from mmfkd.checkpoints import load_network, resolve_checkpoint
from mmfkd.config import Pair, PairConfigs, load_composed, methods, offers
from mmfkd.devices import default_device
from mmfkd.models import CrossModalDistiller
from mmfkd.models.branch import threshold_of
from mmfkd.models.losses.shapes import IGNORED, class_logits, labelled_rows, pooled, resized
from mmfkd.models.routing import any_label, stack_labels
from mmfkd.registry import MODELS

TAPS = ('feat', 'layer1', 'layer2', 'layer3', 'layer4')


@dataclass(frozen=True)
class Agreement:
    """Shares of the validation samples, or of their pixels, by who is right.

    Attributes:
        both: both are.
        teacher: the teacher alone.
        student: the student alone.
        neither: neither is.
        spread: standard deviation, over samples, of the teacher's share of right pixels minus the
            student's; None of a single sample.
    """

    both: float
    teacher: float
    student: float
    neither: float
    spread: float | None = None


@dataclass(frozen=True)
class Share:
    """How hard a loss of a method pulls at the student.

    Attributes:
        method: name of the method.
        loss: name of the loss.
        ratio: norm of its gradient at its default weight, relative to that of the task, at the
            student's tensors that it taps.
    """

    method: str
    loss: str
    ratio: float


@dataclass(frozen=True)
class Findings:
    """What was measured on a pair, on validation and training data, never on the test set.

    Attributes:
        pair: who teaches whom.
        teacher: its score on validation.
        student: that of the student's baseline.
        agreement: who is right where.
        cka: tap to ``raw``, ``low`` and ``high``: similarity of the two networks' features.
        shares: of the losses of every method that is measured.
        missing: method to why it is not: two students learn, or the pair cannot have it.
        classes: their number.
        samples: of validation.
    """

    pair: Pair
    teacher: float
    student: float
    agreement: Agreement
    cka: dict[str, dict[str, float]]
    shares: list[Share]
    missing: dict[str, str]
    classes: int
    samples: int


def look(pair: Pair, teacher: Path, student: Path, scores: tuple[float, float],
         options: Mapping[str, object], batches: int = 4, limit: int = 200) -> Findings:
    """Measures a pair.

    Args:
        pair: who teaches whom.
        teacher: work dir of the teacher.
        student: work dir of the student's baseline.
        scores: of both on validation.
        options: that both were trained with, as ``--cfg-options`` has them.
        batches: of training data, for the gradients.
        limit: validation samples, evenly spread over all, for features and errors.
    """
    cfg = load_composed(str(pair), 'kd', options)
    model = loaded(cfg, teacher, student)
    loader: Any = spread_loader(cfg.val_dataloader, limit)
    found, missing = gradient_shares(pair, teacher, student, options, batches)
    return Findings(pair, *scores, agreement(model, loader), similarity(model, loader), found,
                    missing, cast(int, offers(PairConfigs.find(pair))['num_classes']),
                    len(loader.dataset))


def loaded(cfg: Any, teacher: Path, student: Path) -> CrossModalDistiller:
    """The model of a composed config with the weights of both baselines."""
    for spec in (cfg.model.get('teachers') or {}).values():
        spec['checkpoint'] = str(teacher)
    model = MODELS.build(cfg.model)
    load_network(model.student.model, resolve_checkpoint(student), takes=model.student.takes)
    return model.to(default_device())


def agreement(model: CrossModalDistiller, loader: Any) -> Agreement:
    """Who is right on validation, sample by sample or pixel by pixel at the logits' size."""
    rows = []
    keys = ('student.logits', 'teacher.logits')
    branches = model.branches
    thresholds = [threshold_of(branches[name]) for name in ('student', 'teacher')]
    for feats, samples in feature_batches(model, loader, keys):
        triples = zip(*(feats[key].split(1) for key in keys), stack_labels(samples).split(1),
                      strict=True)
        rows += [right_by(own, other, label, thresholds) for own, other, label in triples]
    counts = torch.stack(rows)
    labelled = counts[counts.sum(1) > 0].double()
    leads = (labelled[:, 1] - labelled[:, 2]) / labelled.sum(1)
    total = max(int(counts.sum()), 1)
    both, teacher, student, neither = (int(count) / total for count in counts.sum(0))
    return Agreement(both, teacher, student, neither,
                     float(leads.std()) if len(leads) > 1 else None)


def right_by(student: Tensor, teacher: Tensor, labels: Tensor,
             thresholds: Sequence[float | None] = (None, None)) -> Tensor:
    """Counts (4,): both right, the teacher alone, the student alone, neither.

    Args:
        student: logits.
        teacher: likewise.
        labels: of both.
        thresholds: of the probability of the second class, where one logit says it; None is 0.5.
    """
    if student.ndim == 4:
        student = resized(student, teacher.shape[-2:])
    both = [class_logits(logits if limit is None else logits - logit(limit))
            for logits, limit in zip((student, teacher), thresholds, strict=True)]
    (own, other), kept = labelled_rows(both, labels.to(student.device), IGNORED)
    own_right, other_right = own.argmax(1) == kept, other.argmax(1) == kept
    kind = 2 * (~other_right).long() + (~own_right).long()
    # Both right 0, teacher alone 1, student alone 2, neither 3.
    return torch.bincount(kind, minlength=4).cpu()


def similarity(model: CrossModalDistiller, loader: Any) -> dict[str, dict[str, float]]:
    """CKA of the taps that both networks have, whole and by band."""
    taps = [tap for tap in TAPS
            if {f'student.{tap}', f'teacher.{tap}'} <= set(model.tap_keys)]
    keys = [f'{branch}.{tap}' for tap in taps for branch in ('student', 'teacher')]
    rows: dict[str, list[Tensor]] = {key: [] for key in keys}
    generator = torch.Generator().manual_seed(0)
    for feats, samples in feature_batches(model, loader, keys) if taps else ():
        for pair in zip(keys[::2], keys[1::2], strict=True):
            both = {key: feats[key] for key in pair}
            if all(feat.ndim == 4 for feat in both.values()):
                both = draw_vectors(both, samples, 16, generator)[0]
            for key, feat in both.items():
                rows[key].append(pooled(feat).cpu())
    return {tap: band_cka(torch.cat(rows[f'student.{tap}']), torch.cat(rows[f'teacher.{tap}']))
            for tap in taps}


def gradient_shares(pair: Pair, teacher: Path, student: Path, options: Mapping[str, object],
                    batches: int) -> tuple[list[Share], dict[str, str]]:
    """How hard each method pulls at its default weights, and why others are not measured."""
    found, missing = [], {}
    for method in methods():
        if method == 'transfer':
            continue
        try:
            cfg = load_composed(str(pair), method, options)
            if len(cfg.model.students) > 1:
                missing[method] = ('its gradient is not measured, as two students learn there, '
                                   'and no trained teacher teaches')
                continue
            found += [Share(method, loss, ratio)
                      for loss, ratio in ratios(cfg, teacher, student, batches).items()]
        except ValueError as error:
            missing[method] = str(error)
    return found, missing


def ratios(cfg: Any, teacher: Path, student: Path, batches: int) -> dict[str, float]:
    """Loss to the norm of its gradient relative to the task's, over some labelled batches.

    Raises:
        ValueError: no sample has a label.
    """
    own = {name: loss.get('balance') for name, loss in cfg.model.losses.items()}
    for name, loss in cfg.model.losses.items():
        terms = (own[name] or {}).get('terms', ())
        loss.balance = dict(ratio=1.0, terms=terms, interval=1, decay=0.99)
    model = loaded(cfg, teacher, student).train()
    loader = Runner.build_dataloader(dict(cfg.train_dataloader), seed=0)
    left = batches
    for batch in loader:
        data = model.data_preprocessor(batch, True)
        if any_label(data['data_samples'], data['inputs'][model.student.modalities[0]].device):
            model(**data, mode='loss')
            left -= 1
        if left == 0:
            break
    if left == batches:
        raise ValueError('no training sample has a label, so there is no gradient of the task')
    # Balanced, a loss has the ratio that its default asks for.
    return {name: own[name].get('ratio', 1.0) if own[name] is not None
            else 1 / float(balance.weight) for name, balance in model.balances.items()}
