"""Results of the cells of a table: scores by seed, their mean, the gap recovered."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

import numpy as np
from mmengine.logging import print_log

from mmfkd.checkpoints import read_summary
from mmfkd.evaluation.sample_scores import samples_of
from mmfkd.evaluation.statistics import Comparison, compare

from .grid import BASELINE, UNIMODAL, Cell, Row, baselines, leaf_of
from .selection import metric_of


@dataclass(frozen=True)
class Result:
    """Scores of one training.

    Attributes:
        val: metric of the selected checkpoint on validation; None without a validation.
        test: of the same checkpoint on test.
        maximum: official-style, over epochs and heads on test; None if it was not recorded.
        seconds: of the last process of the training; None if it was not recorded.
        metric: that all these are of.
    """

    val: float | None
    test: float
    maximum: float | None = None
    seconds: float | None = None
    metric: str = ''


@dataclass(frozen=True)
class Score:
    """A row of a table for one pair, over the seeds that are done.

    Attributes:
        row: see :class:`Row`.
        results: seed to result.
        gains: test against the baseline of the same seed and share of labels, where that is done.
        comparison: with the baseline, over the seeds that both have; None for the baseline.
        recovered: share of the gap between the student's and the teacher's baseline that the
            mean gain closes; None if the teacher is not better than the student's baseline.
    """

    row: Row
    results: dict[int, Result]
    gains: dict[int, float]
    comparison: Comparison | None
    recovered: float | None


def is_done(work_dir: Path) -> bool:
    """Whether a run reached its end, with scores on test."""
    return bool((read_summary(work_dir) or {}).get('test'))


def read_result(cell: Cell) -> Result | None:
    """Scores of a cell, or None if it is not done or its summary has no score of it.

    Which metric counts is that of its config with the options that it was trained with.
    """
    summary = read_summary(cell.work_dir)
    if summary is None or not summary['test']:
        return None
    options = summary.get('options')
    metric = metric_of(cell, options if isinstance(options, dict) else cell.changes())
    test = number(summary['test'].get(metric))
    if test is None:
        print_log(f"{cell.work_dir / 'summary.json'} has no number '{metric}' "
                  'of the test set: the cell has no result', logger='current',
                  level=logging.WARNING)
        return None
    return Result(number(summary.get('val')), test, number(summary.get('test_maximum')),
                  number(summary.get('seconds')), str(metric))


def number(value: object) -> float | None:
    """A number, or None for what is none: a run without validation has no score on it."""
    return float(value) if isinstance(value, (int, float)) else None


def score(row: Row, pair: str, seeds: Sequence[int], root: Path) -> Score:
    """A row's scores on a pair.

    Args:
        row: which.
        pair: ``DATASET_A2B``.
        seeds: to look for.
        root: folder of all runs.
    """
    student = baselines(pair)[0]
    own = _results(row, leaf_of(row, pair), seeds, root)
    reference = row.against or BASELINE
    base = _results(reference, student, seeds, root)
    above = teacher_results(pair, seeds, root)
    gains = {} if row.method == UNIMODAL else {
        seed: result.test - base[seed].test for seed, result in own.items() if seed in base}
    gaps = [above[seed].test - base[seed].test for seed in gains if seed in above]
    recovered = None
    if len(gaps) == len(gains) > 0 and mean(gaps) > 0:
        recovered = mean(gains.values()) / mean(gaps)
    comparison = None if row.method == UNIMODAL else compare(
        {seed: result.test for seed, result in own.items()},
        {seed: result.test for seed, result in base.items()},
        _samples(row, leaf_of(row, pair), own, root), _samples(reference, student, base, root))
    return Score(row, own, gains, comparison, recovered)


def teacher_results(pair: str, seeds: Sequence[int], root: Path) -> dict[int, Result]:
    """Seed to the result of the baseline that teaches a pair, where it is done."""
    return _results(BASELINE, baselines(pair)[1], seeds, root)


def _samples(row: Row, leaf: str, results: Mapping[int, Result], root: Path
             ) -> dict[int, np.ndarray]:
    found = {seed: samples_of(Cell(row, leaf, seed, root).work_dir, result.test)
             for seed, result in results.items()}
    return {seed: counts for seed, counts in found.items() if counts is not None}


def _results(row: Row, leaf: str, seeds: Sequence[int], root: Path) -> dict[int, Result]:
    found = {seed: read_result(Cell(row, leaf, seed, root)) for seed in seeds}
    return {seed: result for seed, result in found.items() if result is not None}


def spread(values: Sequence[float | None], digits: int = 1) -> str:
    """``mean ± standard deviation`` (n - 1), a lone number, or a dash; None counts as missing."""
    numbers = [value for value in values if value is not None]
    if not numbers:
        return '-'
    if len(numbers) == 1:
        return f'{numbers[0]:.{digits}f}'
    return f'{mean(numbers):.{digits}f} ± {stdev(numbers):.{digits}f}'
