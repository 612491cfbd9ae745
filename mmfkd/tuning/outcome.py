"""Results of a study of Optuna, as far as it has come."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .space import options_of

if TYPE_CHECKING:
    from optuna import Study


@dataclass(frozen=True)
class Tuned:
    """What a search has found.

    Attributes:
        values: key of a dimension to the best value.
        options: the same as ``--cfg-options``.
        score: mean best validation of that trial.
        importance: key to its share of the variance of the scores of all trials; empty for less
            than four complete ones.
        finished: trials that came to an end, pruned ones included, and count.
        pruned: of these.
    """

    values: dict[str, Any]
    options: dict[str, Any]
    score: float
    importance: dict[str, float]
    finished: int
    pruned: int


def count(study: 'Study', *states: str) -> int:
    """Trials in some states; without any, those that came to an end."""
    wanted = states or ('COMPLETE', 'PRUNED')
    return sum(trial.state.name in wanted for trial in study.trials)


def result(study: 'Study', cfg: Any, first: int | None = None) -> Tuned:
    """The best trial of a study.

    Args:
        study: see :func:`mmfkd.tuning.study.open_study`.
        cfg: of the row that is searched.
        first: how many of the trials that came to an end count, by their numbers; None is all.

    Raises:
        ValueError: no trial came to an end, or those that count are all pruned.
    """
    from optuna.importance import get_param_importances
    from optuna.trial import TrialState

    ended = study.get_trials(states=(TrialState.COMPLETE, TrialState.PRUNED))
    counting = sorted(ended, key=lambda trial: trial.number)[:first]
    complete = [trial for trial in counting if trial.state == TrialState.COMPLETE]
    if not complete:
        failed = study.get_trials(states=(TrialState.FAIL,))
        raise ValueError(f'no trial of {study.study_name} came to an end; {len(failed)} failed: '
                         'see trial.log in their work dirs')
    best = max(complete, key=lambda trial: (trial.value, -trial.number))
    # With few trials, or without a difference, there is nothing to divide.
    whole = study.get_trials(states=(TrialState.COMPLETE,))
    varied = len(whole) >= 4 and len({trial.value for trial in whole}) > 1
    importance = dict(get_param_importances(study)) if varied else {}
    return Tuned(best.params, options_of(best.params, cfg), float(best.value or 0), importance,
                 len(counting), len(counting) - len(complete))
