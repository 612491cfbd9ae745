"""Studies of Optuna whose trials are trainings."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from mmfkd.benchmark import Workers
from mmfkd.benchmark.grid import UNIMODAL, Cell, Row, baselines, config_of
from mmfkd.checkpoints.settings import scoring_values, told, training_values
from mmfkd.config import merge_options
from mmfkd.engine.teachers import SHARED
from mmfkd.engine.work_dir_lock import is_locked, locked

from .outcome import Tuned, count, result
from .space import fitting, options_of, searchable, space_of
from .trials import TrialError, train_cell

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

CONTINUES = 'continues'
FAILURES = 3  # trials that may fail before one comes to an end
GRACE = 20  # seconds between the begin of a trial and its lock, at most


def require_optuna() -> Any:
    """Optuna.

    Raises:
        SystemExit: it is not installed; the message names the extra.
    """
    try:
        import optuna
    except ImportError:
        raise SystemExit('tuning needs Optuna: pip install -e .[tune], or pip install optuna'
                         ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    logging.captureWarnings(True)
    return optuna


def open_study(root: Path, name: str, storage: str | None) -> 'Study':
    """A study that is there, or a new one.

    Args:
        root: folder of all runs.
        name: of the study.
        storage: URL of a database, such as ``sqlite:///tune.db``; None takes the journal file
            ``tuning.log`` in ``root``, which several machines can share.
    """
    optuna = require_optuna()
    from .sampler import NumberedSampler  # needs Optuna

    root.mkdir(parents=True, exist_ok=True)
    kept = storage or optuna.storages.JournalStorage(
        optuna.storages.journal.JournalFileBackend(str(root / 'tuning.log')))
    return optuna.create_study(
        study_name=name, storage=kept, direction='maximize', load_if_exists=True,
        sampler=NumberedSampler(),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=1))


@dataclass
class Search:
    """The search of the space of a method on a pair, or of the student's baseline.

    Attributes:
        pair: ``DATASET_A2B``.
        method: name of a method; None is the baseline, whose learning rate is searched.
        seeds: of each trial, which are averaged.
        root: folder of all runs; the teachers of these seeds are in ``root/unimodal``.
        storage: see :func:`open_study`.
        workers: how trials are trained, and how many at a time.
        report: is given a line for each trial that ends.
        name: of the row that is searched, and of its study; empty for the method itself.
        fixed: options of the row, which are not searched.
    """

    pair: str
    method: str | None
    seeds: Sequence[int]
    root: Path
    storage: str | None = None
    workers: Workers = field(default_factory=Workers)
    report: Callable[[str], None] = print
    name: str = ''
    fixed: Mapping[str, object] = field(default_factory=dict)

    def run(self, budget: int, alike: bool = False) -> Tuned:
        """Trains until a number of trials has come to an end, those that are there included.

        Several processes that search at a time may end with up to one more for each of their jobs.

        Args:
            budget: that number.
            alike: whether no more of them count, the first by their numbers, so that searches of
                one budget compare.

        Raises:
            ValueError: the method declares no search, no trial came to an end (after three that
                failed no more are tried), or the trials that are there had other options, seeds
                or, in a database, another root.
            SystemExit: Optuna is missing.
        """
        study = open_study(self.root, f'{self.name or self._folder}/{self._leaf}',
                           self.storage)
        self._keep(study, 'options', sorted(told(
            {**self.workers.options, **self.fixed}, self.workers.amp)))
        self._keep(study, 'seeds', [str(seed) for seed in sorted(set(self.seeds))])
        if self.storage:  # a lock in another folder would say nothing of a trial that runs
            self._keep(study, 'root', [str(self.root.resolve())])
        values = training_values(self._config, ('model', *SHARED), whole=True)
        self._keep(study, 'values', [f'{key}={x}' for key, x in json.loads(values).items()])
        scores = scoring_values(self._config.to_dict())
        self._keep(study, 'scores', [f'{key}={x}' for key, x in json.loads(scores).items()])
        space = space_of(self.method)
        space = fitting(space, self.pair) if self.method else space
        self._space = searchable(space, self._config, self.fixed)
        self._keep(study, 'space', sorted(map(str, self._space)))
        revive(study, self.root)
        failed = count(study, 'FAIL')
        self._free = self.workers.environments()

        def ended(study: 'Study', trial: 'FrozenTrial') -> None:
            score = '' if trial.value is None else f' {trial.value:.2f}'
            self.report(f'trial {trial.number}: {trial.state.name.lower()}{score}, {trial.params}; '
                        f'{count(study)} of {budget}')
            if count(study) >= budget or hopeless():
                study.stop()

        def hopeless() -> bool:
            # Whatever made the first ones fail will make all fail.
            patience = budget if count(study) else FAILURES
            return count(study, 'FAIL') - failed >= patience

        # No more trials begin than are left, and those that fail are made up for.
        while count(study) < budget and not hopeless():
            study.optimize(self._objective, n_trials=budget - count(study),
                           n_jobs=self.workers.count, callbacks=[ended], catch=(TrialError,))
        return result(study, self._config, budget if alike else None)

    def _keep(self, study: 'Study', what: str, own: list[str]) -> None:
        """Writes what all trials have into a new study, and compares with that of an old one.

        What an earlier version did not write is not known.

        Raises:
            ValueError: its trials had others.
        """
        kept = study.user_attrs.get(what, own if study.trials else None)
        if kept is None:
            study.set_user_attr(what, own)
        elif kept != own:
            theirs, ours = (f'{what} {" ".join(words)}' if words else f'no {what}' for words in (
                [word for word in kept if word not in own],
                [word for word in own if word not in kept]))
            raise ValueError(f'the trials of {study.study_name} in {self.root} were trained with '
                             f'{theirs}, and this search has {ours}: give the same, or another '
                             '--root (with --storage, another database)')

    @property
    def _folder(self) -> str:
        return self.method or UNIMODAL

    @property
    def _leaf(self) -> str:
        return self.pair if self.method else baselines(self.pair)[0]

    @property
    def _config(self) -> Any:
        cfg = deepcopy(config_of(self._folder, self._leaf))
        merge_options(cfg, {**self.workers.options, **self.fixed})
        return cfg

    def _objective(self, trial: 'Trial') -> float:
        """Mean best validation of a trial.

        Raises:
            optuna.TrialPruned: it is worse than the others so far.
        """
        from optuna import TrialPruned

        values = {dimension.key: dimension.suggest(trial) for dimension in self._space}
        row = Row(row_name(trial.study, trial), self._folder,
                  {**options_of(values, self._config), **self.fixed})
        cells = [Cell(row, self._leaf, seed, self.root) for seed in self.seeds]
        environment, pruned = self._free.get(), []

        def told(step: int, score: float) -> bool:
            trial.report(score, step)
            if trial.should_prune():
                pruned.append(step)
            return bool(pruned)

        try:
            with locked(self.root / row.name):
                scores = [train_cell(cells[0], self.workers, environment, told)]
                if pruned:
                    raise TrialPruned
                scores += [train_cell(cell, self.workers, environment, lambda step, score: False)
                           for cell in cells[1:]]
        finally:
            self._free.put(environment)
        return mean(scores)


def row_name(study: 'Study', trial: Any) -> str:
    """Folder of a trial; one that was killed goes on in that which it had."""
    number = trial.user_attrs.get(CONTINUES, trial.number)
    return f'trials/{study.study_name.replace("/", "-")}/{number:04d}'


def revive(study: 'Study', root: Path) -> None:
    """Queues the trials again that were running when their process was killed."""
    from optuna.trial import TrialState

    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        started = trial.datetime_start or datetime.now()
        # One that another process has just begun may not hold its lock yet.
        if (datetime.now() - started).total_seconds() > GRACE and not is_locked(
                root / row_name(study, trial)):
            study.tell(trial.number, state=TrialState.FAIL)
            number = trial.user_attrs.get(CONTINUES, trial.number)
            study.enqueue_trial(trial.params, user_attrs={CONTINUES: number})
