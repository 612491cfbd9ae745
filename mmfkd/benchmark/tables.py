"""Tables of a benchmark: a line a row, with its difference from the baseline."""

from collections.abc import Mapping, Sequence
from statistics import mean

from mmfkd.config import Pair
from mmfkd.evaluation.statistics import LEVEL, Comparison, holm

from .grid import baselines
from .paper import PROTOCOL, reported
from .presets import label
from .results import Score, spread

COMPARED = ('pair', 'row', 'gain', 'low', 'high', 'p', 'p_holm', 'seeds', 'seeds_needed',
            'samples_drawn')
EXPLAINED = (
    'Differences are paired by seed. Interval and p are of the paired t-test over seeds; where '
    'every run has the samples of its test, what a bootstrap of these adds to the spread is added. '
    'p is corrected for the number of rows by Holm; * marks p below 5 %. Without it the order of '
    'rows means nothing, and so do the highest means of val and test, which are bold. A row of a '
    'single seed has no p, as two trainings of one method differ too. The last number is that of '
    'the seeds that would show the gain with 80 %.')


def title(pair: str) -> str:
    """``avdigits: visual teaches audio``."""
    parsed = Pair.parse(pair)
    return f'{parsed.dataset}: {parsed.teacher} teaches {parsed.student}'


def note(pair: str) -> str:
    """How the protocol differs from the paper's; empty for data that the paper does not have."""
    return PROTOCOL.get(Pair.parse(pair).dataset, '')


def table(pair: str, scores: Sequence[Score]) -> tuple[list[str], list[list[str]]]:
    """Header and lines of a pair's table, in the order of its rows."""
    student = baselines(pair)[0]
    papers = [reported(entry.row.name, student) for entry in scores]
    maxima = [[r.maximum for r in entry.results.values() if r.maximum is not None]
              for entry in scores]
    tested, parted = corrected(scores), uneven(scores)
    metric = next((r.metric for entry in scores for r in entry.results.values()), '')
    header = ['student', f'val {metric}', f'test {metric}', 'against unimodal, by seed', '95 %',
              'p', 'seeds needed', 'gap recovered', 'test by seed']
    if parted:
        header.append('seeds')
    if any(maxima):
        header.append('official-style, on test')
    if any(paper is not None for paper in papers):
        header.append('paper')
    lines = []
    for entry, paper, maximum, p in zip(scores, papers, maxima, tested, strict=True):
        results = entry.results.values()
        line = [label(entry.row.name), spread([r.val for r in results]),
                spread([r.test for r in results]), signed(list(entry.gains.values())),
                *compared(entry.comparison, p),
                '-' if entry.recovered is None else f'{entry.recovered:.0%}',
                ', '.join(f'{r.test:.1f}' for r in results)]
        if parted:
            line.append(' '.join(map(str, entry.results)))
        if any(maxima):
            line.append(spread(maximum))
        if header[-1] == 'paper':
            line.append('-' if paper is None else f'{paper:.1f}')
        lines.append(line)
    return header, lines


def highest(scores: Sequence[Score]) -> set[tuple[int, int]]:
    """Line and column of the highest means of val and test in :func:`table`, equal ones too."""
    found: set[tuple[int, int]] = set()
    for column, name in ((1, 'val'), (2, 'test')):
        values = [[getattr(r, name) for r in entry.results.values()] for entry in scores]
        means = {line: round(mean(own), 1) for line, own in enumerate(values) if None not in own}
        found |= {(line, column) for line, value in means.items() if value == max(means.values())}
    return found


def uneven(scores: Sequence[Score]) -> bool:
    """Whether some rows have other seeds than others, so that their means do not compare."""
    return len({tuple(entry.results) for entry in scores}) > 1


def corrected(scores: Sequence[Score]) -> list[float | None]:
    """Of each row the probability of its gain without a difference, by Holm over the rows."""
    return holm([entry.comparison.p if entry.comparison else None for entry in scores])


def compared(comparison: Comparison | None, p: float | None) -> list[str]:
    """Interval, probability, marked with * where it is below 5 %, and seeds that would show it."""
    if comparison is None:
        return ['', '', '']
    interval = ('' if p is None else f'{comparison.low:+.1f} to {comparison.high:+.1f}')
    return [interval, '' if p is None else f'{p:.3f}{" *" if p < LEVEL else ""}',
            '' if comparison.needed is None else str(comparison.needed)]


def signed(values: Sequence[float]) -> str:
    """``spread`` with a sign, and nothing for no values."""
    if not values:
        return ''
    return ('+' if mean(values) >= 0 else '') + spread(values)


def comparisons(scores: Mapping[str, Sequence[Score]]) -> list[tuple]:
    """One line a row that is compared, for ``statistics.csv``."""
    lines = []
    for pair, rows in scores.items():
        for entry, p in zip(rows, corrected(rows), strict=True):
            found = entry.comparison
            if found is not None:
                lines.append((pair, entry.row.name, *(
                    '' if value is None else value for value in (
                        found.gain, found.low, found.high, found.p, p, found.seeds, found.needed,
                        found.sampled))))
    return lines
