"""Draws of values that depend on the number of a trial."""

from typing import Any
from zlib import crc32

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial


class NumberedSampler(BaseSampler):
    """Optuna's TPE with a generator for each trial, seeded by its number.

    A generator of the process would draw the first values again whenever a search is started
    again, or run by several processes.

    Args:
        startup: trials whose values are drawn at random, before those that have ended decide.
    """

    def __init__(self, startup: int = 5) -> None:
        self.startup = startup

    def _numbered(self, trial: FrozenTrial, name: str = '') -> TPESampler:
        return TPESampler(seed=crc32(f'{trial.number} {name}'.encode()), multivariate=True,
                          n_startup_trials=self.startup)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial
                                    ) -> dict[str, BaseDistribution]:
        """The values that are drawn together, see Optuna."""
        return self._numbered(trial).infer_relative_search_space(study, trial)

    def sample_relative(self, study: Study, trial: FrozenTrial,
                        search_space: dict[str, BaseDistribution]) -> dict[str, Any]:
        """These values."""
        return self._numbered(trial).sample_relative(study, trial, search_space)

    def sample_independent(self, study: Study, trial: FrozenTrial, param_name: str,
                           param_distribution: BaseDistribution) -> Any:
        """One of the others."""
        return self._numbered(trial, param_name).sample_independent(
            study, trial, param_name, param_distribution)
