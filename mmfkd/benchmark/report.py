"""A table as CSV, Markdown and HTML."""

import base64
import csv
import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from statistics import mean, stdev

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from mmfkd.config import Pair
from mmfkd.evaluation.statistics import LEVEL
from mmfkd.visualization import charts

from .grid import BASELINE, UNIMODAL, Cell, Row, applies, leaf_of, plan
from .presets import FDKD, LAMBDAS, label
from .results import Score, read_result, score, spread, teacher_results
from .tables import COMPARED, EXPLAINED, comparisons, corrected, highest, note, table, title

# What matplotlib calls the date in a file.
DATES = dict(svg='Date', pdf='CreationDate')
COLUMNS = ('pair', 'row', 'method', 'seed', 'val', 'test', 'test_maximum', 'seconds', 'status')


@dataclass(frozen=True)
class Report:
    """A finished or half finished table.

    Attributes:
        pairs: ``DATASET_A2B``, each a table.
        rows: of each table.
        seeds: that were asked for.
        root: folder of all runs.
        failures: work dir of a cell that failed, and why.
        command: that makes the table.
        seconds: of this run of the command.
        preset: of the paper that the rows are, such as ``Table 3``; empty for none.
    """

    pairs: Sequence[str]
    rows: Sequence[Row]
    seeds: Sequence[int]
    root: Path
    failures: Mapping[Path, str]
    command: str
    seconds: float
    preset: str = ''

    def write(self, folder: Path) -> list[Path]:
        """Writes the table as csv, md and html, ``statistics.csv``, and figures as svg and pdf.

        Returns:
            their paths.
        """
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f'table.{kind}' for kind in ('csv', 'md', 'html')]
        with paths[0].open('w', newline='') as file:
            csv.writer(file).writerows([COLUMNS, *self.lines()])
        paths.append(folder / 'statistics.csv')
        with paths[-1].open('w', newline='') as file:
            csv.writer(file).writerows([COMPARED, *comparisons(self.scores)])
        paths[1].write_text(self.markdown())
        paths[2].write_text(self.html())
        for pair, rows in self.scores.items():
            for name, figure in plots(pair, rows).items():
                for kind in ('svg', 'pdf'):
                    paths.append(folder / f'{pair}_{name}.{kind}')
                    # Without a date and random names, so that the same table gives the same file.
                    with rc_context({'svg.hashsalt': 'mmfkd'}):
                        figure.savefig(paths[-1], metadata={DATES[kind]: None})
        return paths

    @cached_property
    def shown(self) -> list[Row]:
        """The rows, with the baselines that their gains are against."""
        against = [row.against or BASELINE for row in self.rows if row.method != UNIMODAL]
        return list(dict.fromkeys([*against, *self.rows]))

    def heading(self, pair: str) -> str:
        """Who teaches whom, and how good the teacher is."""
        results = teacher_results(pair, self.seeds, self.root).values()
        score = f' (teacher on test: {spread([r.test for r in results])})' if results else ''
        return title(pair) + score

    @cached_property
    def scores(self) -> dict[str, list[Score]]:
        """The rows of each pair that have a result."""
        found = {pair: [score(row, pair, self.seeds, self.root) for row in self.shown
                        if applies(row, pair)] for pair in self.pairs}
        return {pair: [entry for entry in entries if entry.results]
                for pair, entries in found.items()}

    def lines(self) -> list[tuple]:
        """One line a cell, for the CSV file."""
        lines = []
        for pair in self.pairs:
            for row in self.shown:
                for seed in self.seeds if applies(row, pair) else ():
                    cell = Cell(row, leaf_of(row, pair), seed, self.root)
                    result = read_result(cell)
                    status = self.failures.get(cell.work_dir, 'done' if result else 'missing')
                    numbers = (('', '', None, None) if result is None else
                               (result.val, result.test, result.maximum, result.seconds))
                    lines.append((pair, row.name, row.method, seed, *(
                        '' if number is None else number for number in numbers), status))
        return lines

    def training_hours(self) -> float:
        """Hours of the last process of every training, baselines included, one after the other."""
        results = [read_result(cell)
                   for cell in plan(self.pairs, self.rows, self.seeds, self.root)]
        return sum(result.seconds or 0.0 for result in results if result) / 3600

    def markdown(self) -> str:
        """The tables, the command and what differs from the paper."""
        datasets = dict.fromkeys(Pair.parse(pair).dataset for pair in self.pairs)
        heading = ', '.join([*datasets, *([self.preset] if self.preset else [])])
        parts = [f'# Benchmark: {heading}\n', f'```bash\n{self.command}\n```\n',
                 self.summary(), f'\n{EXPLAINED}']
        for pair, rows in self.scores.items():
            header, lines = table(pair, rows)
            parts += [f'\n**{self.heading(pair)}**\n',
                      '| ' + ' | '.join(header) + ' |\n' + '|' + '---|' * len(header)]
            best = highest(rows)
            parts += ['| ' + ' | '.join(f'**{text}**' if (i, k) in best else text
                                        for k, text in enumerate(line)) + ' |'
                      for i, line in enumerate(lines)]
            parts += [note(pair)] if note(pair) else []
        return '\n'.join(parts) + '\n'

    def html(self) -> str:
        """The same with a plot of the gains, in one file."""
        parts = ['<!doctype html><meta charset="utf-8"><title>mmfkd benchmark</title>',
                 '<meta name="viewport" content="width=device-width, initial-scale=1">', STYLE,
                 f'<pre>{escape(self.command)}</pre>', f'<p>{escape(self.summary())}</p>',
                 f'<p>{escape(EXPLAINED)}</p>']
        for pair, rows in self.scores.items():
            header, lines = table(pair, rows)
            parts += [f'<h2>{escape(self.heading(pair))}</h2><div><table><tr>',
                      *_cells('th', header), '</tr>']
            best = highest(rows)
            for i, (line, p) in enumerate(zip(lines, corrected(rows), strict=True)):
                kind = '' if p is None or p >= LEVEL else ' class="significant"'
                parts += [f'<tr{kind}>', *_cells('td', line, {k for j, k in best if j == i}),
                          '</tr>']
            parts.append('</table></div>')
            parts += [image(figure) for figure in plots(pair, rows).values()]
            parts += [f'<p>{escape(note(pair))}</p>'] if note(pair) else []
        return '\n'.join(parts) + '\n'

    def summary(self) -> str:
        """What is done, what failed, and the time."""
        lines = self.lines()
        done = sum(line[-1] == 'done' for line in lines)
        text = (f'{done} of {len(lines)} cells are done. Their trainings took '
                f'{self.training_hours():.1f} hours one after the other; this run of the command '
                f'took {self.seconds / 60:.1f} minutes.')
        failed = [f'{line[1]} on {line[0]}, seed {line[3]}: {line[-1]}' for line in lines
                  if line[-1] not in ('done', 'missing')]
        return text + ''.join(f'\n\nFailed: {failure}' for failure in failed)


# On a narrow screen tables scroll in their own box; coloured rows differ significantly.
STYLE = ('<style>body{font-family:sans-serif;margin:1em auto;padding:0 1em;max-width:70em}'
         'div{overflow-x:auto}pre{white-space:pre-wrap;overflow-wrap:anywhere}'
         'img{max-width:100%;height:auto}td.best{font-weight:bold}'
         'table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.3em .6em;'
         'text-align:right;white-space:nowrap}td:first-child,th:first-child{text-align:left;'
         'position:sticky;left:0;background:#fff}tr.significant td{background:#dff0d8}</style>')


def plots(pair: str, scores: Sequence[Score]) -> dict[str, Figure]:
    """Figures by name: the gains over the baseline, and of figure 5 the scores as a heat map."""
    gained = [(entry, p) for entry, p in zip(scores, corrected(scores), strict=True)
              if entry.gains]
    if not gained:
        return {}
    values = {f'{label(entry.row.name)}{" *" if p is not None and p < LEVEL else ""}':
              dict(gain=mean(entry.gains.values())) for entry, p in gained}
    errors = {name: dict(gain=stdev(entry.gains.values()) if len(entry.gains) > 1 else 0.0)
              for name, (entry, _) in zip(values, gained, strict=True)}
    metric = next(result.metric for entry, _ in gained for result in entry.results.values())
    figures = dict(gains=charts.bars(
        values, f'{metric} on test,\npoints against unimodal',
        f'{title(pair)} (mean ± std over seeds; * significant at 5 %)', errors, cut=True))
    grid = weight_grid(scores)
    if grid is not None:
        names = [str(weight) for weight in LAMBDAS]
        figures['weights'] = charts.heat_map(grid, names, names, ('λ1, low', 'λ2, high'),
                                             f'{title(pair)}, {metric} on test')
    return figures


def weight_grid(scores: Sequence[Score]) -> np.ndarray | None:
    """Mean test scores (λ1, λ2) of figure 5, over the seeds that all cells of the grid have.

    None if there is no such seed.
    """
    results = {entry.row.name: entry.results for entry in scores}
    grid = [[results.get(FDKD if low == high == 1 else f'fdkd-low{low}-high{high}', {})
             for high in LAMBDAS] for low in LAMBDAS]
    seeds = set.intersection(*(set(cell) for line in grid for cell in line))
    if not seeds:
        return None
    return np.array([[mean(cell[seed].test for seed in sorted(seeds)) for cell in line]
                     for line in grid])


def image(figure: Figure) -> str:
    """A figure as an element of a page."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format='png', dpi=110)
    return f'<img src="data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}">'


def _cells(tag: str, texts: Sequence[str], best: Collection[int] = ()) -> list[str]:
    return [f'<{tag}{" class=best" * (place in best)}>{escape(text)}</{tag}>'
            for place, text in enumerate(texts)]
