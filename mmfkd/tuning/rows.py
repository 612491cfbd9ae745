"""Rows of a table whose values were searched, each with the same number of trials."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from mmfkd.benchmark import Workers
from mmfkd.benchmark.grid import BASELINE, UNIMODAL, Row, applies

from .study import Search


def tuned_rows(rows: Sequence[Row], pairs: Sequence[str], budget: int, seeds: Sequence[int],
               root: Path, workers: Workers, report: Callable[[str], None] = print) -> list[Row]:
    """The rows of a table with the best values of their search, for each pair its own.

    The baseline's learning rate is searched with as many trials as a method has, and every row is
    compared with the baseline at the best one. Of a search that has more trials from earlier, the
    first ones count.

    Args:
        rows: of the table; the baseline's is added.
        pairs: ``DATASET_A2B``.
        budget: trials of each row on each pair.
        seeds: of the trials, which no row of the table should have.
        root: folder of all runs.
        workers: how trials are trained, and how many at a time.
        report: is given a line for each trial that ends.
    """
    found = []
    for pair in pairs:
        baseline = None
        for row in (BASELINE, *(row for row in rows if row != BASELINE)):
            if not applies(row, pair):
                continue
            report(f'{row.name} on {pair}: {budget} trials')
            method = None if row.method == UNIMODAL else row.method
            tuned = Search(pair, method, seeds, root, None, workers, report, row.name,
                           row.options).run(budget, alike=True)
            report(f'{row.name} on {pair}: the best of its first {tuned.finished} trials counts, '
                   f'with {tuned.score:.2f} on validation')
            best = replace(row, name=f'{row.name}-tuned', only=pair, against=baseline,
                           options={**tuned.options, **row.options})
            baseline = baseline or best
            found.append(best)
    return found
