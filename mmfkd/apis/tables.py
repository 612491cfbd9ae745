"""Metrics as tables on the terminal."""

from collections.abc import Mapping

from rich.table import Table

SCORE, MEAN = 'IoU.', 'mIoU'


def class_table(metrics: Mapping[str, float], first: str) -> Table | None:
    """IoU of each class, and its mean, for each prediction that was evaluated.

    Args:
        metrics: of a test: ``mIoU`` and ``IoU.<class>``, and with a prefix such as ``ir/`` those of
            further predictions.
        first: name of the prediction without a prefix.

    Returns:
        a row a class and a column a prediction; None if no classes were scored.
    """
    columns: dict[str, dict[str, float]] = {}
    for key, value in metrics.items():
        prefix, _, metric = key.rpartition('/')
        if metric == MEAN or metric.startswith(SCORE):
            columns.setdefault(prefix or first, {})[metric] = value
    rows = [metric for metric in columns.get(first, {}) if metric != MEAN]
    if not rows:
        return None
    table = Table('IoU', *columns)
    for metric in (*rows, MEAN):
        table.add_row(metric.removeprefix(SCORE), *(f'{column[metric]:.2f}'
                                                    for column in columns.values()))
    return table
