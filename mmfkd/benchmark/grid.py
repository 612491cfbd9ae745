"""The cells of a table: one training of one method on one pair with one seed."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, reduce
from pathlib import Path

from mmengine.config import Config

UNIMODAL = 'unimodal'
TRAIN = Path(__file__).parents[2] / 'tools' / 'train.py'


@dataclass(frozen=True)
class Row:
    """A row of a table: a method, or a variant of one.

    Attributes:
        name: of the row, and of its folder of runs.
        method: folder of configs.
        options: what the variant changes, as ``--cfg-options`` has it.
        needs: key of the config that the variant is about; without it there is no such variant.
    """

    name: str
    method: str
    options: Mapping[str, object] = field(default_factory=dict, hash=False)
    needs: str | None = None


BASELINE = Row(UNIMODAL, UNIMODAL)


@cache
def read_config(path: str) -> Config:
    """A config, parsed once: a table asks the same ones for every row and seed. Not to be changed.
    """
    return Config.fromfile(path)


@dataclass(frozen=True)
class Cell:
    """One training.

    Attributes:
        row: see :class:`Row`.
        leaf: name of the config in the method's folder: ``avdigits_visual2audio``, or
            ``avdigits_audio`` for a baseline.
        seed: of the run.
        root: folder of all runs.
    """

    row: Row
    leaf: str
    seed: int
    root: Path

    @property
    def config(self) -> str:
        """Path of the config."""
        return f'configs/{self.row.method}/{self.leaf}.py'

    @property
    def work_dir(self) -> Path:
        """Folder of the run."""
        return self.root / self.row.name / self.leaf / f'seed{self.seed}'

    def command(self, options: Mapping[str, object], amp: bool) -> list[str]:
        """The training, which resumes what was stopped.

        Args:
            options: of the whole table; the row's own win.
            amp: mixed precision.
        """
        weights = {key: cell.work_dir for key, cell in self._starts().items()}
        own = {'randomness.seed': self.seed, **weights, **options, **self.row.options}
        return [sys.executable, str(TRAIN), self.config, '--work-dir', str(self.work_dir),
                '--resume', *(['--amp'] if amp else []), '--cfg-options',
                *(f'{key}={value}' for key, value in own.items())]

    def teachers(self) -> list['Cell']:
        """The baselines whose weights this training starts from: same seed, same folder."""
        return list(self._starts().values())

    def _starts(self) -> dict[str, 'Cell']:
        """Option that names a checkpoint, to the baseline that has it.

        Branches with weights are teachers, and students that do not start from scratch.
        """
        model = read_config(self.config).model
        return {f'model.{kind}.{name}.checkpoint':
                Cell(BASELINE, Path(spec.config).stem, self.seed, self.root)
                for kind in ('teachers', 'students')
                for name, spec in (model.get(kind) or {}).items()
                if spec.get('config') and spec.get('checkpoint')}


def baselines(pair: str) -> tuple[str, str]:
    """Configs of the student's baseline and of the teacher of a pair.

    ``avdigits_visual2audio`` gives ``avdigits_audio`` and ``avdigits_visual``.

    Raises:
        ValueError: the name has another form.
    """
    dataset, _, direction = pair.rpartition('_')
    teacher, two, student = direction.partition('2')
    if not (dataset and teacher and two and student):
        raise ValueError(f"pair '{pair}': write DATASET_A2B, A teaches B, such as "
                         'avdigits_visual2audio')
    return f'{dataset}_{student}', f'{dataset}_{teacher}'


def leaf_of(row: Row, pair: str) -> str:
    """Config whose result a row of a pair's table has: the student's baseline, or the pair's."""
    return baselines(pair)[0] if row.method == UNIMODAL else pair


def plan(pairs: Sequence[str], rows: Sequence[Row], seeds: Sequence[int], root: Path
         ) -> list[Cell]:
    """All cells of a table, each once: baselines and teachers first, then the methods.

    A row about a part which the pair's config does not have is left out there: the shared
    classifiers of FDKD are for classification alone.

    Args:
        pairs: names of configs, ``DATASET_A2B``.
        rows: of the table; the row of the baselines is always planned.
        seeds: of the runs.
        root: folder of all runs.

    Raises:
        ValueError: a pair of another form, or one without a config in a row's folder.
    """
    first, then = {}, {}
    for pair in pairs:
        for seed in seeds:
            for leaf in baselines(pair):
                cell = Cell(BASELINE, leaf, seed, root)
                first[cell.work_dir] = _checked(cell)
        for row in rows:
            if row.method == UNIMODAL or not applies(row, pair):
                continue
            for seed in seeds:
                cell = Cell(row, pair, seed, root)
                then[cell.work_dir] = _checked(cell)
    return [*first.values(), *then.values()]


def applies(row: Row, pair: str) -> bool:
    """Whether a pair's config has what a row is about."""
    path = Path(f'configs/{row.method}/{pair}.py')
    if row.needs is None or not path.is_file():
        return True
    return reduce(lambda part, key: (part or {}).get(key), row.needs.split('.'),
                  read_config(str(path))) is not None


def _checked(cell: Cell) -> Cell:
    if not Path(cell.config).is_file():
        raise ValueError(f'{cell.config} does not exist: ls configs/{cell.row.method} lists the '
                         'pairs of this method; run from the root of the repository')
    return cell
