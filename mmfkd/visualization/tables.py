"""Metrics as tables on the terminal."""

import re
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real

from rich.table import Column, Table

SCORE, MEAN = 'IoU.', 'mIoU'
# Names of classes may have a slash.
METRIC = re.compile(r'(?:(?P<prefix>[^/]+)/)?(?P<metric>mIoU|IoU\..*)')


def whole_table(*columns: str, title: str | None = None) -> Table:
    """A table that cuts nothing: what is too long for a narrow terminal goes on in the next line.

    Args:
        columns: their headers.
        title: of the table, if any.
    """
    return Table(*(Column(name, overflow='fold') for name in columns), title=title,
                 title_justify='left')


def class_table(metrics: Mapping[str, object], first: str) -> Table | None:
    """IoU of each class, and its mean, for each prediction that was evaluated.

    Args:
        metrics: of a test: ``mIoU`` and ``IoU.<class>``, and with a prefix such as ``ir/`` those of
            further predictions.
        first: name of the prediction without a prefix.

    Returns:
        a row a class and a column a prediction; None if no classes were scored.
    """
    columns: dict[str, dict[str, object]] = {}
    for key, value in metrics.items():
        match = METRIC.fullmatch(key)
        if match:
            columns.setdefault(match['prefix'] or first, {})[match['metric']] = value
    rows = [metric for metric in columns.get(first, {}) if metric != MEAN]
    if not rows:
        return None
    table = whole_table('IoU', *columns)
    for metric in (*rows, MEAN):
        table.add_row(metric.removeprefix(SCORE), *(
            two_digits(column[metric]) for column in columns.values()))
    return table


def closing_table(metric: str, rows: Iterable[tuple[str, Sequence[str], float | None, float | None,
                                                    str]]) -> Table:
    """Scores of the teachers and students of a run.

    Args:
        metric: name of the metric that selected the checkpoint.
        rows: name, modalities, score on val, score on test and checkpoint of each branch.
    """
    table = whole_table('', 'modality', f'val {metric}', f'test {metric}', 'checkpoint')
    for name, modalities, val, test, checkpoint in rows:
        table.add_row(name, ', '.join(modalities), two_digits(val), two_digits(test), checkpoint)
    return table


def two_digits(value: object) -> str:
    """Two digits of a number; a dash for what is none, such as the metrics of each class."""
    return f'{value:.2f}' if isinstance(value, Real) else '-'
