"""Small charts: bars, lines, clouds of points, heat maps."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

MARKERS = ('o', 'x', '^', 's', '+')
# A bar this many times as long as the middle one is cut, or it would flatten all others.
OUTLIER = 5


class Cloud(NamedTuple):
    """A panel of :func:`scatter`.

    Attributes:
        title: of the panel.
        groups: name to (n, 2).
        labels: (n,), the class of each point, the same for all groups.
    """

    title: str
    groups: Mapping[str, np.ndarray]
    labels: np.ndarray


def bars(groups: Mapping[str, Mapping[str, float]], label: str, title: str = '',
         errors: Mapping[str, Mapping[str, float]] | None = None, cut: bool = False) -> Figure:
    """Groups of bars side by side.

    Args:
        groups: group to bar to value; the groups have the same bars.
        label: of the values.
        title: of the figure.
        errors: half lengths of the error bars, in the same form.
        cut: whether a bar that is far longer than the others is cut, with its value.
    """
    names = list(next(iter(groups.values())))
    figure, axes = _figure(max(4.4, 0.6 + 1.3 * len(groups)), title)
    width = 0.8 / len(names)
    for i, name in enumerate(names):
        places = np.arange(len(groups)) + (i - (len(names) - 1) / 2) * width
        spread = None if errors is None else [group[name] for group in errors.values()]
        axes.bar(places, [group[name] for group in groups.values()], width, label=name,
                 yerr=spread, capsize=4)
    if cut:
        _cut(axes, [group[name] for name in names for group in errors.values()] if errors
             else [0.0] * len(axes.patches))
    axes.set_xticks(range(len(groups)), list(groups))
    axes.margins(x=0.02)
    axes.axhline(0, color='black', linewidth=0.8)
    axes.set_ylabel(label)
    if len(names) > 1:
        axes.legend()
    return figure


def lines(x: np.ndarray, panels: Mapping[str, Mapping[str, np.ndarray]], label: str) -> Figure:
    """Panels of curves over one axis.

    Args:
        x: (n,).
        panels: title to name to (n,).
        label: of the axis.
    """
    figure = Figure(figsize=(4.2 * len(panels), 3.4), layout='constrained')
    for axes, (title, curves) in zip(_row(figure, len(panels)), panels.items(), strict=True):
        for name, y in curves.items():
            axes.plot(x, y, label=name)
        axes.set(title=title, xlabel=label)
        axes.grid(alpha=0.3)
        axes.legend()
    return figure


def scatter(panels: Sequence[Cloud], names: Mapping[int, str]) -> Figure:
    """Panels of points in a plane: the marker tells the group, the colour the class.

    Args:
        panels: from left to right.
        names: class to its name.
    """
    width = 4.8 * len(panels)
    entries = [f'{name}, {group}' for group in panels[-1].groups for name in names.values()]
    # An entry has about 0.08 inches a letter, and its marker; whatever its rows need is added.
    columns = max(1, int(width / (0.5 + 0.08 * max(map(len, entries)))))
    figure = Figure(figsize=(width, 4.8 + 0.22 * -(-len(entries) // columns)),
                    layout='constrained')
    colors = colormaps['tab10' if len(names) <= 10 else 'tab20']
    for axes, panel in zip(_row(figure, len(panels)), panels, strict=True):
        for marker, (group, points) in zip(cycle(MARKERS), panel.groups.items(), strict=False):
            for i, (label, name) in enumerate(names.items()):
                x, y = points[panel.labels == label].T
                axes.scatter(x, y, s=18, marker=marker,
                             color=colors(i % colors.N), label=f'{name}, {group}')
        axes.set(title=panel.title, xticks=[], yticks=[])
    figure.legend(*axes.get_legend_handles_labels(), loc='outside lower center',
                  ncols=columns, fontsize='small')
    return figure


def heat_map(values: np.ndarray, rows: Sequence[str], columns: Sequence[str],
             labels: tuple[str, str], title: str = '') -> Figure:
    """A table as colours with its numbers.

    Args:
        values: (rows, columns).
        rows: names of the rows.
        columns: names of the columns.
        labels: of the rows and of the columns.
        title: of the figure.
    """
    figure, axes = _figure(1.6 + 0.8 * len(columns), title)
    image = axes.imshow(values, cmap='viridis', aspect='auto')
    for (i, j), value in np.ndenumerate(values):
        # Dark numbers on the light end of the colours.
        level: Any = image.norm(value)
        color = 'black' if level > 0.6 else 'white'
        axes.text(j, i, f'{value:.2f}', ha='center', va='center', color=color)
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xticks(range(len(columns)), columns)
    axes.set(ylabel=labels[0], xlabel=labels[1])
    figure.colorbar(image)
    return figure


def _cut(axes: Axes, errors: Sequence[float]) -> None:
    """Ends the axis before outliers, and writes their values where their bars are cut."""
    bars: list[Any] = list(axes.patches)
    values, spread = np.array([bar.get_height() for bar in bars]), np.array(errors)
    outliers = np.abs(values) > OUTLIER * np.median(np.abs(values) + spread)
    if not outliers.any():
        return
    # Room for the others with their error bars, and for the stump of one that is cut.
    low = 1.3 * min(0.0, *(values - spread)[~outliers])
    high = 1.3 * max(0.0, *(values + spread)[~outliers])
    reach = 0.3 * (high - low)
    low, high = (min(low, -reach) if (values[outliers] < 0).any() else low,
                 max(high, reach) if (values[outliers] > 0).any() else high)
    axes.set_ylim(low, high)
    for bar in np.array(bars)[outliers]:
        value = bar.get_height()
        axes.annotate(f'{value:+.3g}', (bar.get_x() + bar.get_width() / 2,
                                        low if value < 0 else high), ha='center',
                      va='bottom' if value < 0 else 'top',
                      bbox=dict(boxstyle='round', facecolor='white'))


def _figure(width: float, title: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, 3.4), layout='constrained')
    axes = figure.subplots()
    axes.set_title(title, fontsize='medium')
    return figure, axes


def _row(figure: Figure, count: int) -> Sequence[Axes]:
    return figure.subplots(1, count, squeeze=False)[0]
