"""Counts of each test sample, from which the scores of other draws of samples follow."""

from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from mmfkd.whole_files import written_whole

SAMPLES = 'test_samples.npz'
ROUNDED = 0.02  # mmseg rounds its metrics to two digits


def write_samples(path: Path, counts: np.ndarray) -> None:
    """Writes the counts of all samples, (N, 3, C) of segmentation or (N, 1) of classification."""
    kind = np.int32 if counts.max() < 2 ** 31 else np.int64
    with written_whole(path) as temporary, temporary.open('wb') as file:
        np.savez_compressed(file, counts=counts.astype(kind))


def read_samples(folder: Path) -> np.ndarray | None:
    """The counts in a work dir; None where there are none, or they cannot be read."""
    try:
        with np.load(folder / SAMPLES) as content:
            return content['counts']
    except (OSError, EOFError, ValueError, KeyError, BadZipFile):
        return None


def samples_of(folder: Path, score: float) -> np.ndarray | None:
    """The counts in a work dir, if they add up to its score on test.

    Those of a metric that is neither mIoU nor top-1 accuracy do not.
    """
    counts = read_samples(folder)
    if counts is None or abs(score_of(counts, np.ones((1, len(counts))))[0] - score) >= ROUNDED:
        return None
    return counts


def score_of(counts: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The score of drawn samples, in percent: mIoU, or accuracy.

    Args:
        counts: (N, 3, C): right, predicted and labelled pixels of each class; or (N, 1): right or
            not.
        weights: (B, N), how often each sample is drawn in each of B draws.

    Returns:
        (B,); a class that is neither predicted nor labelled is in no mean, as in mmseg's.
    """
    flat = weights @ counts.reshape(len(counts), -1).astype(np.float64)
    if counts.ndim == 2:
        return 100 * flat[:, 0] / weights.sum(1)
    right, predicted, labelled = np.moveaxis(flat.reshape(len(weights), *counts.shape[1:]), 1, 0)
    union = predicted + labelled - right
    with np.errstate(invalid='ignore'):
        return 100 * np.nanmean(right / union, axis=1)
