"""Predictions beside the first student's, in the form that metrics read."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from mmfkd.config import TapKey

from .branch import Branch


def copies(data_samples: list | None) -> list | None:
    """Samples that another network may write into; tensors are shared."""
    return None if data_samples is None else [sample.clone() for sample in data_samples]


def predicted_fields(sample) -> dict:
    """What a network predicted for a sample: its fields that start with 'pred'."""
    return {key: value for key, value in sample.to_dict().items() if key.startswith('pred')}


def fields_from_logits(model: Any, logits: Tensor, data_samples: list) -> list[dict]:
    """Predictions of a classifier on a feature of ``model``, per sample.

    Args:
        model: the network whose kind of prediction they are.
        logits: (N, C) of a classifier, or (N, C, h, w) on a map of a segmentor.
        data_samples: N samples, with labels or meta data; not changed.

    Returns:
        ``pred_score`` and ``pred_label``, or ``pred_sem_seg`` at the size of the labels.
    """
    if logits.ndim == 2:
        scores = logits.softmax(1)
        return [dict(pred_score=score, pred_label=score.argmax().unsqueeze(0))
                for score in scores]
    padded = data_samples[0].metainfo.get('pad_shape', data_samples[0].img_shape)[:2]
    full = F.interpolate(logits, size=padded, mode='bilinear', align_corners=False)
    with torch.no_grad():
        samples = model.postprocess_result(full, copies(data_samples))
    return [predicted_fields(sample) for sample in samples]


def subset_predictions(student: Branch, inputs: Mapping[str, Tensor], data_samples: list | None
                       ) -> dict[str, list[dict]]:
    """Predictions of a student on those subsets of its modalities that are in the inputs."""
    found = {}
    for subset in student.subsets:
        if set(subset) <= set(inputs):
            samples = student(inputs, copies(data_samples), mode='predict', record=False,
                              available=subset).output
            found['+'.join(subset)] = [predicted_fields(sample) for sample in samples]
    return found


def head_predictions(students: Mapping[str, Any], name: str, loss: Any,
                     feats: Mapping[str, Tensor], data_samples: Any) -> dict[str, list[dict]]:
    """Predictions of the classifiers that a loss has on a student's feature.

    Args:
        students: branches by name, the first student first.
        name: of the loss.
        loss: it, with ``predicts``.
        feats: ``branch.tap`` to what it recorded.
        data_samples: as of :func:`fields_from_logits`.
    """
    owner = TapKey.parse(loss.student).branch
    prefix = '' if owner == next(iter(students)) else f'{owner}.'
    return {f"{prefix}{name.removeprefix('loss_')}.{head}": fields_from_logits(
                students[owner].model, logits, data_samples)
            for head, logits in loss.predictions(feats[loss.student]).items()}
