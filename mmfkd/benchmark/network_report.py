"""A table of networks of two modalities as CSV and Markdown."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import mean

import torch
from mmengine.registry import init_default_scope

from mmfkd.analysis.deployed import case_of, flops, inputs_of, parameters
from mmfkd.checkpoints import read_summary
from mmfkd.config import load_config, student_config
from mmfkd.evaluation.statistics import Comparison, compare, holm

from .networks import BOTH, INFRARED, OPTICAL, NetworkCell, NetworkPair, NetworkRow
from .results import number, spread
from .tables import compared, signed

SIZE = (480, 640)
COLUMNS = ('pair', 'setting', 'row', 'seed', 'val', 'test', 'status')
HEADER = ('val', 'test', 'against', '95 %', 'p', 'seeds needed', 'test by seed', 'parameters',
          'GFLOPs', 'paper')
# mIoU of CSK-Net's tables, by data set, setting and row.
PAPER: Mapping[str, Mapping[str, Mapping[str, float]]] = dict(
    mvss={OPTICAL: dict(optical=48.89),
          INFRARED: {'infrared': 42.82, 'disoptnet': 43.22, 'mmanet': 46.83,
                     'csknet-paper': 46.40},
          BOTH: {'cen-refinenet': 51.33, 'cddfuse': 48.41, 'mmanet': 49.31,
                 'csknet-paper': 51.65}},
    fmb14={OPTICAL: dict(optical=49.72),
           INFRARED: {'infrared': 45.95, 'disoptnet': 46.34, 'mmanet': 48.59,
                      'csknet-paper': 48.20},
           BOTH: {'cen-refinenet': 49.01, 'cddfuse': 48.41, 'mmanet': 53.97,
                  'csknet-paper': 54.37}},
    msrs={OPTICAL: dict(optical=64.33),
          INFRARED: {'infrared': 61.69, 'disoptnet': 63.84, 'mmanet': 61.34,
                     'csknet-paper': 65.83},
          BOTH: {'cen-refinenet': 61.04, 'cddfuse': 66.71, 'mmanet': 66.24, 'csknet-paper': 69.38,
                 'csknet-no-contrast': 68.01, 'csknet-no-gate': 68.90,
                 'csknet-no-exchange': 68.54, 'csknet-no-contrast-no-exchange': 68.37}})
NOTES = dict(
    mvss='The paper trains on 1,004 and tests on 612 labelled frames of MVSS and does not say on '
         'which; the distributed lists have 3,545, so its numbers are of other images.',
    fmb14="Background is ignored, which leaves the paper's 14 categories; which these are it "
          'does not say.')


@dataclass(frozen=True)
class NetworkReport:
    """A finished or half finished table of one pair.

    Attributes:
        pair: see :class:`NetworkPair`.
        rows: of the table.
        seeds: that were asked for.
        root: folder of all runs.
        failures: work dir of a cell that failed, and why.
        command: that makes the table.
        options: of all its trainings, as ``--cfg-options`` has them.
        table: name of the paper's table that it is, such as ``csknet-3``; '' if of none.
    """

    pair: NetworkPair
    rows: Sequence[NetworkRow]
    seeds: Sequence[int]
    root: Path
    failures: Mapping[Path, str]
    command: str
    options: Mapping[str, object] = field(default_factory=dict)
    table: str = ''

    @property
    def heading(self) -> str:
        """The pair, and the table that it is of."""
        return f'{self.pair.name}, table {self.table}' if self.table else self.pair.name

    def write(self, folder: Path) -> list[Path]:
        """Writes a line a row, setting and seed as CSV, and the tables as Markdown.

        The files are named by the table, as two tables have one pair; of no table, by the pair.
        """
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f'{self.table or self.pair.name}.{kind}' for kind in ('csv', 'md')]
        with paths[0].open('w', newline='') as file:
            csv.writer(file).writerows([COLUMNS, *self.lines()])
        paths[1].write_text(self.markdown())
        return paths

    @cached_property
    def summaries(self) -> dict[tuple[str, int], dict]:
        """Row and seed to the summary of a run that has ended."""
        found = {(row.name, seed): read_summary(
                     NetworkCell(row, self.pair, seed, self.root).work_dir)
                 for row in self.rows for seed in self.seeds}
        return {key: summary for key, summary in found.items() if summary and summary['test']}

    def tests(self, row: NetworkRow, setting: str) -> dict[int, float]:
        """Seed to the score of a row in a setting, on test."""
        key = self.pair.metric(row, setting)
        found = {seed: number(self.summaries.get((row.name, seed), {}).get('test', {}).get(key))
                 for seed in self.seeds}
        return {seed: value for seed, value in found.items() if value is not None}

    def lines(self) -> list[tuple]:
        """One line a row, setting and seed."""
        lines = []
        for row in self.rows:
            for setting in row.settings:
                tests = self.tests(row, setting)
                for seed in self.seeds:
                    work_dir = NetworkCell(row, self.pair, seed, self.root).work_dir
                    status = self.failures.get(work_dir, 'done' if seed in tests else 'missing')
                    lines.append((self.pair.name, setting, row.name, seed,
                                  self._val(row, seed, setting), tests.get(seed, ''), status))
        return lines

    def _val(self, row: NetworkRow, seed: int, setting: str) -> float | str:
        """The score of the selected checkpoint on validation, where its run kept it."""
        summary = self.summaries.get((row.name, seed), {})
        found = summary.get('val_metrics', {}).get(self.pair.metric(row, setting))
        if setting == BOTH or len(row.settings) == 1:
            found = summary.get('val')
        value = number(found)
        return '' if value is None else value

    def baseline(self, setting: str) -> NetworkRow:
        """What a setting is compared with: infrared alone, or optical alone."""
        name = INFRARED if setting == INFRARED else OPTICAL
        return next(row for row in self.rows if row.name == name)

    def comparisons(self, setting: str) -> dict[str, Comparison | None]:
        """Row to its comparison with the baseline of a setting; None of the baseline itself."""
        base = self.baseline(setting)
        reference = self.tests(base, base.name)
        return {row.name: None if row is base else
                compare(self.tests(row, setting), reference, {}, {})
                for row in self.rows if setting in row.settings}

    def markdown(self) -> str:
        """The tables, one a setting, and the command."""
        done = sum((row.name, seed) in self.summaries for row in self.rows for seed in self.seeds)
        hours = sum(number(summary.get('seconds')) or 0 for summary in self.summaries.values())
        parts = [f'# Networks of two modalities: {self.heading}\n',
                 f'```bash\n{self.command}\n```\n',
                 f'{done} of {len(self.rows) * len(self.seeds)} trainings are done; they took '
                 f'{hours / 3600:.1f} hours one after the other. A row is one checkpoint a seed, '
                 'selected on validation by the mean over all settings that it is in. Differences '
                 'are paired by seed, '
                 'interval and p of the paired t-test over seeds, p corrected for the rows of its '
                 'table by Holm; * marks p below 5 %. Parameters and GFLOPs are those of a '
                 f'prediction in that setting, at {SIZE[0]}x{SIZE[1]}.']
        for setting in (BOTH, INFRARED, OPTICAL):
            parts += self._table(setting)
        parts += [f'\n{NOTES[self.pair.data]}'] if self.pair.data in NOTES else []
        parts += [f'\nFailed: {path}: {why}' for path, why in self.failures.items()]
        return '\n'.join(parts) + '\n'

    def _table(self, setting: str) -> list[str]:
        shown = {BOTH: f'{self.pair.optical} and {self.pair.infrared}',
                 INFRARED: f'{self.pair.infrared} alone', OPTICAL: f'{self.pair.optical} alone'}
        header = [shown[setting], *HEADER]
        header[3] = f'against {shown[self.baseline(setting).name]}, by seed'
        found = self.comparisons(setting)
        tested = dict(zip(found, holm([one.p if one else None for one in found.values()]),
                          strict=True))
        lines = [self._line(row, setting, found[row.name], tested[row.name])
                 for row in self.rows if row.name in found and self.tests(row, setting)]
        return ['', '| ' + ' | '.join(header) + ' |', '|' + '---|' * len(header),
                *('| ' + ' | '.join(line) + ' |' for line in lines)]

    def _line(self, row: NetworkRow, setting: str, comparison: Comparison | None,
              p: float | None) -> list[str]:
        tests, base = self.tests(row, setting), self.baseline(setting)
        reference = self.tests(base, base.name)
        gains = [] if comparison is None else [tests[seed] - reference[seed] for seed in tests
                                               if seed in reference]
        vals = [value for seed in tests if (value := self._val(row, seed, setting)) != '']
        count, operations = cost(self.pair, row, setting, self.options)
        paper = PAPER.get(self.pair.data, {}).get(setting, {}).get(row.name)
        return [row.label, spread([float(value) for value in vals]), spread(list(tests.values())),
                signed(gains), *compared(comparison, p),
                ', '.join(f'{value:.1f}' for value in tests.values()), f'{count / 1e6:.2f} M',
                f'{operations / 1e9:.2f}', '-' if paper is None else f'{paper:.2f}']

    def brief(self) -> list[str]:
        """Lines for the terminal: means of each setting."""
        return [f'{row.label}: ' + ', '.join(
                    f'{setting} {mean(tests.values()):.1f}' for setting in row.settings
                    if (tests := self.tests(row, setting)))
                for row in self.rows if any(self.tests(row, one) for one in row.settings)]


def cost(pair: NetworkPair, row: NetworkRow, setting: str, options: Mapping[str, object]
         ) -> tuple[int, int]:
    """Parameters and floating point operations of a prediction of a row in a setting.

    The fusion network of CDDFuse is counted with the segmentor of its images.

    Args:
        pair: of the table.
        row: of the table.
        setting: 'both', 'infrared' or 'optical'.
        options: that all rows are trained with.
    """
    init_default_scope('mmfkd')
    cell = NetworkCell(row, pair, 0, Path())
    spec = student_config(load_config(cell.leaf, {**options, **cell.changes()}, teachers=False))
    if not isinstance(spec['modality'], str):
        given = {OPTICAL: [pair.optical], INFRARED: [pair.infrared]}
        spec = dict(spec, available=given.get(setting))
    found = _cost(spec)
    if row.name != 'cddfuse':
        return found
    fusion = _cost(student_config(load_config(f'cddfuse/{pair.name}', options, teachers=False)))
    return found[0] + fusion[0], found[1] + fusion[1]


def _cost(spec: Mapping) -> tuple[int, int]:
    # Shapes are enough: nothing is computed on this device.
    with torch.device('meta'):
        case = case_of(spec)
    inputs = inputs_of(case, dict.fromkeys(case.modalities, SIZE), 'meta')
    return parameters(case, inputs), flops(case, inputs)
