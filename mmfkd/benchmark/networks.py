"""The grid of CSK-Net's tables: networks of two modalities, tested on both and on either."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from mmengine.config import Config

from mmfkd.config import Modalities, load_config
from mmfkd.engine.processes import train_command

from .grid import SEED

BOTH, INFRARED, OPTICAL = 'both', 'infrared', 'optical'
STUDENT = 'model.students.student'
TEACHER = 'model.teachers.teacher.checkpoint'
_NO_CONTRAST = {'model.losses.loss_contrast': None}
_NO_EXCHANGE = {f'{STUDENT}.model.exchange': None}
_PAPER = 'csknet-paper/{pair}'


@dataclass(frozen=True)
class NetworkRow:
    """A row: one network, trained once a seed and tested in one or more settings.

    Attributes:
        name: of the row and of its folder of runs.
        label: as the paper has it.
        config: name of its config, with ``{pair}``, ``{data}``, ``{optical}`` and ``{infrared}``.
        settings: 'both', 'infrared' and 'optical', in which it is tested; none if in no table.
        needs: row whose weights it starts from.
        options: what it changes in the config.
    """

    name: str
    label: str
    config: str
    settings: Sequence[str] = (BOTH, INFRARED, OPTICAL)
    needs: str | None = None
    options: Mapping[str, object] = field(default_factory=dict, hash=False)


ROWS = {row.name: row for row in (
    NetworkRow('optical', 'optical alone', '', (OPTICAL,)),
    NetworkRow('infrared', 'infrared alone', '', (INFRARED,)),
    NetworkRow('mmanet-full', 'MMANet, teacher', 'mmanet-full/{pair}', ()),
    NetworkRow('cddfuse-network', 'CDDFuse, fusion', 'cddfuse/{pair}', ()),
    NetworkRow('cen', 'C.E.N.', 'cen/{pair}'),
    NetworkRow('cen-refinenet', 'C.E.N., RefineNet', 'cen-refinenet/{pair}'),
    NetworkRow('disoptnet', 'DisOptNet', 'disoptnet/{data}_{optical}2{infrared}', (INFRARED,),
               OPTICAL),
    NetworkRow('masks', 'random masks', 'mmanet-full/{pair}', options={
        f'{STUDENT}.model.mask': True, 'default_hooks.checkpoint.save_best': 'mean/mIoU',
        f'{STUDENT}.subsets': [['{infrared}'], ['{optical}']],
        'val_evaluator.mean': ['{infrared}', '{optical}']}),
    NetworkRow('mmanet', 'MMANet', 'mmanet/{pair}', needs='mmanet-full'),
    NetworkRow('cddfuse', 'CDDFuse', 'fused/{pair}', (BOTH,), 'cddfuse-network'),
    NetworkRow('csknet', 'CSK-Net', 'csknet/{pair}', needs=OPTICAL),
    NetworkRow('csknet-paper', 'CSK-Net, paper', _PAPER, needs=OPTICAL),
    NetworkRow('csknet-no-contrast', 'w/o contrastive learning', _PAPER, needs=OPTICAL,
               options=_NO_CONTRAST),
    NetworkRow('csknet-no-gate', 'w/o gated spectral fusion', _PAPER, needs=OPTICAL,
               options={f'{STUDENT}.model.fusion_head.gated': False}),
    NetworkRow('csknet-no-exchange', 'w/o mixed feature exchange', _PAPER, needs=OPTICAL,
               options=_NO_EXCHANGE),
    NetworkRow('csknet-no-contrast-no-exchange', 'w/o contrastive learning, w/o exchange',
               _PAPER, needs=OPTICAL, options={**_NO_CONTRAST, **_NO_EXCHANGE}))}
# Of the paper's form.
ABLATION = tuple(name for name, row in ROWS.items() if row.config == _PAPER)
COMPARED = tuple(name for name in ROWS if name not in ABLATION[1:])
# The paper's tables: pair and rows.
TABLES = {1: ('mvss_rgb-ir', COMPARED), 2: ('fmb14_rgb-ir', COMPARED),
          3: ('msrs_rgb-ir', COMPARED), 4: ('msrs_rgb-ir', (OPTICAL, INFRARED, *ABLATION))}


@dataclass(frozen=True)
class NetworkPair:
    """A data set of optical and infrared images.

    Attributes:
        name: ``msrs_rgb-ir``.
        data: ``msrs``.
        optical: name of the optical modality.
        infrared: name of the infrared one.
        baselines: config of either alone, by 'optical' and 'infrared'.
    """

    name: str
    data: str
    optical: str
    infrared: str
    baselines: Mapping[str, str] = field(hash=False)

    @classmethod
    def parse(cls, name: str) -> 'NetworkPair':
        """The pair of a name.

        Raises:
            ValueError: it has another form, or CSK-Net cannot be composed with it.
        """
        modalities = Modalities.parse(name)
        if modalities.one_way or len(modalities.names) != 2:
            raise ValueError(f'{name}: write DATASET_OPTICAL-INFRARED, such as msrs_rgb-ir')
        try:
            csknet = named_config(f'csknet/{name}')
        except FileNotFoundError as error:
            raise ValueError(f'{error}. A pair needs a unimodal config of each') from None
        return cls(name, modalities.dataset, *modalities.names, baselines={
            OPTICAL: csknet.model.teachers.teacher.config, INFRARED: csknet.baseline})

    def filled(self, text: str) -> str:
        """A text with the names of the pair."""
        return text.format(pair=self.name, data=self.data, optical=self.optical,
                           infrared=self.infrared)

    def config(self, row: NetworkRow) -> str:
        """Name of a row's config."""
        return self.baselines.get(row.name) or self.filled(row.config)

    def metric(self, row: NetworkRow, setting: str) -> str:
        """Metric of a row in a setting, as the summary of a run has it."""
        if setting == BOTH or row.name in self.baselines or row.name == 'disoptnet':
            return 'mIoU'
        return f'{self.optical if setting == OPTICAL else self.infrared}/mIoU'


@dataclass(frozen=True)
class NetworkCell:
    """One training of a row: what :func:`mmfkd.benchmark.jobs.run_cells` trains.

    Attributes:
        row: see :class:`NetworkRow`.
        pair: see :class:`NetworkPair`.
        seed: of the run.
        root: folder of all runs.
    """

    row: NetworkRow
    pair: NetworkPair
    seed: int
    root: Path

    @property
    def leaf(self) -> str:
        """Name of its config."""
        return self.pair.config(self.row)

    @property
    def config(self) -> Config:
        """Its config, not to be changed."""
        return named_config(self.leaf)

    @property
    def work_dir(self) -> Path:
        """Folder of the run."""
        return self.root / self.pair.name / self.row.name / f'seed{self.seed}'

    def teachers(self) -> list['NetworkCell']:
        """What is trained before."""
        return [] if self.row.needs is None else [self._other(self.row.needs)]

    def preparations(self) -> list[list[str]]:
        """Commands between these and the training: fused images are written."""
        if self.row.name != 'cddfuse':
            return []
        network = self._other('cddfuse-network')
        return [[sys.executable, '-m', 'mmfkd', 'fuse', str(network.work_dir), '-o',
                 str(self._fused)]]

    def command(self, options: Mapping[str, object], amp: bool) -> list[str]:
        """The training, which resumes what was stopped.

        Args:
            options: of the whole table; the row's own win, and the seed is this cell's.
            amp: mixed precision.
        """
        return train_command([self.leaf], self.work_dir, {
            **self.own(), **options, **self.changes(), SEED: self.seed}, amp)

    @property
    def _fused(self) -> Path:
        return (self.root / self.pair.name / 'fused' / f'seed{self.seed}').absolute()

    def _other(self, row: str) -> 'NetworkCell':
        return NetworkCell(ROWS[row], self.pair, self.seed, self.root)

    def own(self) -> dict[str, object]:
        """Options of this run alone, beside its seed: the weights or images it starts from."""
        own: dict[str, object] = {}
        if self.row.name != 'cddfuse':
            own.update((TEACHER, str(cell.work_dir)) for cell in self.teachers())
            return own
        for split in ('train', 'val', 'test'):
            folder = self.config[f'{split}_dataloader'].dataset.modalities.fused.folder
            own[f'{split}_dataloader.dataset.modalities.fused.folder'] = str(self._fused / folder)
        return own

    def changes(self) -> dict[str, object]:
        """What the row changes in its config."""
        def named(value: object) -> object:
            if isinstance(value, list):
                return [named(part) for part in value]
            return self.pair.filled(value) if isinstance(value, str) else value

        return {key: named(value) for key, value in self.row.options.items()}


def network_rows(pair: NetworkPair, names: Sequence[str]) -> tuple[list[NetworkRow], list[str]]:
    """Rows of a table, with those that they need, and the names of those without a config.

    Args:
        pair: of the table.
        names: of the rows.

    Raises:
        ValueError: an unknown row.
    """
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        raise ValueError(f'--methods {" ".join(unknown)}: the rows are {", ".join(ROWS)}')
    needed = {OPTICAL, INFRARED, *names, *(ROWS[name].needs for name in names)}
    rows = [row for name, row in ROWS.items() if name in needed]
    lacking = {row.name: _lack(pair.config(row)) for row in rows}
    kept = [row for row in rows if lacking[row.name] is None and (
        row.needs is None or lacking[row.needs] is None)]
    # What is in no table is trained for another row alone.
    kept = [row for row in kept if row.settings or row.name in {other.needs for other in kept}]
    return kept, [f'{row.label}{lacking[row.name] or ""}' for row in rows
                  if row.settings and row not in kept]


@cache
def named_config(name: str) -> Config:
    """A config by its name, read once. Not to be changed."""
    return load_config(name)


def _lack(config: str) -> str | None:
    """Why there is no config of that name; None if there is."""
    try:
        named_config(config)
    except FileNotFoundError:
        return ''
    except ValueError as error:
        # RefineNet is there at full size alone.
        return '' if 'has no preset' in str(error) else f' ({error})'
    return None
