"""The cells of a table: one training of one method on one pair with one seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, reduce
from pathlib import Path

from mmengine.config import Config

from mmfkd.config import Pair, compose, is_network, read
from mmfkd.config.option_keys import NEW
from mmfkd.engine.processes import train_command

UNIMODAL = 'unimodal'
RANDOMNESS = 'randomness'
SEED = f'{RANDOMNESS}.seed'


@dataclass(frozen=True)
class Row:
    """A row of a table: a method, or a variant of one.

    Attributes:
        name: of the row, and of its folder of runs.
        method: name of a method, or 'unimodal'.
        options: what the variant changes, as ``--cfg-options`` has it.
        needs: key of the config that the variant is about; without it there is no such variant.
        against: the row of baselines that it is compared with; None is that of all labels.
        only: the pair that it is for; None is all.
    """

    name: str
    method: str
    options: Mapping[str, object] = field(default_factory=dict, hash=False)
    needs: str | None = None
    against: 'Row | None' = None
    only: str | None = None


BASELINE = Row(UNIMODAL, UNIMODAL)


@cache
def config_of(method: str, leaf: str) -> Config:
    """Config of a method on a pair, or of a baseline; made once, and not to be changed.

    Raises:
        FileNotFoundError, ValueError: see :func:`mmfkd.config.compose`.
    """
    if is_network(method):
        raise ValueError(f'--methods {method}: it is a network of several modalities, and its '
                         'tables are those of --networks')
    return read(f'{UNIMODAL}/{leaf}') if method == UNIMODAL else compose(leaf, method)


@dataclass(frozen=True)
class Cell:
    """One training.

    Attributes:
        row: see :class:`Row`.
        leaf: the pair, ``avdigits_visual2audio``, or ``avdigits_audio`` for a baseline.
        seed: of the run.
        root: folder of all runs.
    """

    row: Row
    leaf: str
    seed: int
    root: Path

    @property
    def config(self) -> Config:
        """The config, not to be changed."""
        return config_of(self.row.method, self.leaf)

    @property
    def work_dir(self) -> Path:
        """Folder of the run."""
        return self.root / self.row.name / self.leaf / f'seed{self.seed}'

    def command(self, options: Mapping[str, object], amp: bool) -> list[str]:
        """The training, which resumes what was stopped.

        Args:
            options: of the whole table; the row's own win, and the seed is this cell's.
            amp: mixed precision.
        """
        what = ([f'{UNIMODAL}/{self.leaf}'] if self.row.method == UNIMODAL else
                ['--pair', self.leaf, '--method', self.row.method])
        # The seed comes last: a dict of all randomness would drop one that stands before it.
        return train_command(what, self.work_dir, {
            **self.own(), **options, **self.changes(), SEED: self.seed}, amp)

    def own(self) -> dict[str, object]:
        """Options of this run alone, beside its seed: the weights that it starts from."""
        return {key: str(cell.work_dir) for key, cell in self._starts().items()}

    def changes(self) -> Mapping[str, object]:
        """What the row changes in its config."""
        return self.row.options

    def preparations(self) -> list[list[str]]:
        """Commands between the teachers' training and this one: none."""
        return []

    def teachers(self) -> list['Cell']:
        """The baselines whose weights this training starts from: same seed, same folder."""
        return list(self._starts().values())

    def _starts(self) -> dict[str, 'Cell']:
        """Option that names a checkpoint, to the baseline that has it.

        Branches with weights are teachers, and students that do not start from scratch.
        """
        model = self.config.model
        return {f'model.{kind}.{name}.checkpoint':
                Cell(BASELINE, Path(spec.config).stem, self.seed, self.root)
                for kind in ('teachers', 'students')
                for name, spec in (model.get(kind) or {}).items()
                if spec.get('config') and spec.get('checkpoint')}


def refuse_seed(options: Mapping[str, object]) -> None:
    """Refuses options with a seed, in whatever spelling: each cell has its own.

    Args:
        options: of a whole table.

    Raises:
        ValueError: they set one, or remove all randomness and the cells' seeds with it.
    """
    for key, value in options.items():
        name = key.removeprefix(NEW)
        whole = name == RANDOMNESS and (not isinstance(value, Mapping) or 'seed' in value)
        if whole or name == SEED:
            raise ValueError(f'--cfg-options {key}={value}: all rows would have this seed; give '
                             '--seeds')


def baselines(pair: str) -> tuple[str, str]:
    """Names of the student's baseline and of the teacher of a pair.

    ``avdigits_visual2audio`` gives ``avdigits_audio`` and ``avdigits_visual``.

    Raises:
        ValueError: the name has another form.
    """
    parsed = Pair.parse(pair)
    return f'{parsed.dataset}_{parsed.student}', f'{parsed.dataset}_{parsed.teacher}'


def leaf_of(row: Row, pair: str) -> str:
    """The leaf whose result a row of a pair's table has: the student's baseline, or the pair."""
    return baselines(pair)[0] if row.method == UNIMODAL else pair


def plan(pairs: Sequence[str], rows: Sequence[Row], seeds: Sequence[int], root: Path
         ) -> list[Cell]:
    """All cells of a table, each once: baselines and teachers first, then the methods.

    A row about a part which the pair's config does not have is left out there: the shared
    classifiers of FDKD are for classification alone.

    Args:
        pairs: ``DATASET_A2B``.
        rows: of the table; the baselines that they are compared with are always planned.
        seeds: of the runs.
        root: folder of all runs.

    Raises:
        ValueError: a pair of another form, or one that does not exist or does not offer what a
            row's method takes.
    """
    first, then = {}, {}
    for pair in pairs:
        for seed in seeds:
            for leaf in baselines(pair):
                cell = Cell(BASELINE, leaf, seed, root)
                first[cell.work_dir] = _checked(cell)
        compared = [row.against for row in rows if row.against]
        for row in [*compared, *rows]:
            if row == BASELINE or not applies(row, pair):
                continue
            for seed in seeds:
                cell = Cell(row, leaf_of(row, pair), seed, root)
                then[cell.work_dir] = _checked(cell)
    return [*first.values(), *then.values()]


def applies(row: Row, pair: str) -> bool:
    """Whether a row is for a pair, whose config has what it is about."""
    if row.only not in (None, pair):
        return False
    if row.needs is None:
        return True
    return reduce(lambda part, key: (part or {}).get(key), row.needs.split('.'),
                  config_of(row.method, pair)) is not None


def _checked(cell: Cell) -> Cell:
    """The cell, once its config is there.

    Raises:
        ValueError: it is not.
    """
    try:
        config_of(cell.row.method, cell.leaf)
    except FileNotFoundError as error:
        raise ValueError(str(error)) from None
    return cell
