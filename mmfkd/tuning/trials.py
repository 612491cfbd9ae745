"""Trials: trainings of the project's own, watched at their validations."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from mmfkd.benchmark import Cell, Workers
from mmfkd.benchmark.selection import metric_of
from mmfkd.checkpoints import read_summary
from mmfkd.engine.processes import stop_child

LOG = 'trial.log'
# Trials select on validation, and never look at the test set.
NO_TEST = dict(test_dataloader=None, test_cfg=None, test_evaluator=None)


class TrialError(RuntimeError):
    """A training of a trial failed."""


def validations(work_dir: Path, metric: str) -> Iterator[tuple[int, float]]:
    """Epoch or iteration, and score, of the validations of a run so far, oldest first."""
    found: dict[int, float] = {}
    for path in sorted(work_dir.glob('*/vis_data/scalars.json')):
        for line in path.read_text(errors='replace').splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # half written
            if metric in entry and 'step' in entry:
                found[int(entry['step'])] = float(entry[metric])
    return iter(sorted(found.items()))


def train_cell(cell: Cell, workers: Workers, environment: Mapping[str, str],
               report: Callable[[int, float], bool]) -> float:
    """Trains a cell and returns its best score on validation.

    Args:
        cell: which; a run that has ended is not repeated, one that was stopped goes on.
        workers: how.
        environment: added to that of this process.
        report: told each validation; True ends the training.

    Returns:
        the score; that of the best validation so far where the report ended the training.

    Raises:
        TrialError: the training failed, or has no validation.
    """
    metric = str(metric_of(cell, {**workers.options, **cell.changes()}))
    log = cell.work_dir / LOG
    log.parent.mkdir(parents=True, exist_ok=True)
    told: set[int] = set()

    def tell() -> bool:
        new = [(step, score) for step, score in validations(cell.work_dir, metric)
               if step not in told]
        told.update(step for step, _ in new)
        return any([report(step, score) for step, score in new])

    with log.open('a') as file, subprocess.Popen(
            cell.command({**workers.options, **NO_TEST}, workers.amp), stdout=file,
            stderr=subprocess.STDOUT, env={**os.environ, **environment}) as child:
        try:
            while child.poll() is None:
                try:
                    child.wait(1)
                except subprocess.TimeoutExpired:
                    if tell():
                        stop_child(child)
                        return best(cell, metric)
        except BaseException:
            stop_child(child)
            raise
    summary = read_summary(cell.work_dir)
    if child.returncode or summary is None:
        raise TrialError(f'a trial ended with exit code {child.returncode}: see {log}')
    tell()
    return best(cell, metric)


def best(cell: Cell, metric: str) -> float:
    """The best validation of a run.

    Raises:
        TrialError: there is none.
    """
    scores = [score for _, score in validations(cell.work_dir, metric)]
    if not scores:
        raise TrialError(f'{cell.work_dir} has no validation by {metric}: trials are chosen by it')
    return max(scores)
