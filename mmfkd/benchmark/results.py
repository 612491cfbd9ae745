"""Results of the cells of a table: scores by seed, their mean, the gap recovered."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

from .grid import BASELINE, UNIMODAL, Cell, Row, baselines, leaf_of


@dataclass(frozen=True)
class Result:
    """Scores of one training.

    Attributes:
        val: metric of the selected checkpoint on validation.
        test: of the same checkpoint on test.
        maximum: official-style, over epochs and heads on test; None if it was not recorded.
        seconds: of the last process of the training; None if it was not recorded.
    """

    val: float
    test: float
    maximum: float | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Score:
    """A row of a table for one pair, over the seeds that are done.

    Attributes:
        row: see :class:`Row`.
        results: seed to result.
        gains: test against the baseline of the same seed, where that is done.
        recovered: share of the gap between the student's and the teacher's baseline that the
            mean gain closes; None if the teacher is not better than the student's baseline.
    """

    row: Row
    results: dict[int, Result]
    gains: dict[int, float]
    recovered: float | None


def read_summary(work_dir: Path) -> dict | None:
    """``summary.json`` of a finished run; None if there is none, or half a one."""
    try:
        summary = json.loads((work_dir / 'summary.json').read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return summary if summary.get('test') else None


def is_done(work_dir: Path) -> bool:
    """Whether a run reached its end."""
    return read_summary(work_dir) is not None


def read_result(cell: Cell) -> Result | None:
    """Scores of a cell, or None if it is not done."""
    summary = read_summary(cell.work_dir)
    if summary is None:
        return None
    metric = cell.config.default_hooks.checkpoint.save_best
    return Result(float(summary['val']), float(summary['test'][metric]),
                  summary.get('test_maximum'), summary.get('seconds'))


def score(row: Row, pair: str, seeds: Sequence[int], root: Path) -> Score:
    """A row's scores on a pair.

    Args:
        row: which.
        pair: ``DATASET_A2B``.
        seeds: to look for.
        root: folder of all runs.
    """
    student, teacher = baselines(pair)
    own = _results(row, leaf_of(row, pair), seeds, root)
    base = _results(BASELINE, student, seeds, root)
    above = _results(BASELINE, teacher, seeds, root)
    gains = {} if row.method == UNIMODAL else {
        seed: result.test - base[seed].test for seed, result in own.items() if seed in base}
    gaps = [above[seed].test - base[seed].test for seed in gains if seed in above]
    recovered = None
    if len(gaps) == len(gains) > 0 and mean(gaps) > 0:
        recovered = mean(gains.values()) / mean(gaps)
    return Score(row, own, gains, recovered)


def _results(row: Row, leaf: str, seeds: Sequence[int], root: Path) -> dict[int, Result]:
    found = {seed: read_result(Cell(row, leaf, seed, root)) for seed in seeds}
    return {seed: result for seed, result in found.items() if result is not None}


def spread(values: Sequence[float], digits: int = 1) -> str:
    """``mean ± standard deviation`` (n - 1), a lone number, or a dash."""
    values = list(values)
    if not values:
        return '-'
    if len(values) == 1:
        return f'{values[0]:.{digits}f}'
    return f'{mean(values):.{digits}f} ± {stdev(values):.{digits}f}'
