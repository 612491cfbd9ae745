"""Whether a method is better than its baseline, or the seeds and samples were lucky."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, inf
from statistics import NormalDist, mean, stdev

import numpy as np
from scipy.stats import t as student_t

from .sample_scores import score_of

LEVEL = 0.05
POWER = 0.8
DRAWS = 2000
CHUNK = 200  # draws that are in memory at a time
DIGITS = 6  # of a gain: differences of scores are equal, or 0, but for the rounding of floats


@dataclass(frozen=True)
class Comparison:
    """A method against its baseline, paired by seed.

    Attributes:
        gain: mean difference of the test scores.
        low: lower end of the interval of 95 %; of a single seed by the choice of samples alone.
        high: its upper end.
        p: two-sided probability of a mean difference as far from 0 if there were none; None for
            a single seed, whose spread over seeds is not known, or for equal gains without
            samples.
        seeds: how many are paired.
        needed: seeds that would show a gain of this size with a probability of 80 %, by the
            spread over seeds; None where that cannot be known.
        sampled: whether test samples were drawn too; else the spread over seeds alone counts.
    """

    gain: float
    low: float
    high: float
    p: float | None
    seeds: int
    needed: int | None
    sampled: bool


def compare(own: Mapping[int, float], base: Mapping[int, float],
            own_samples: Mapping[int, np.ndarray], base_samples: Mapping[int, np.ndarray],
            draws: int = DRAWS) -> Comparison | None:
    """A method against its baseline on the seeds that both have.

    Over seeds it is Student's paired t-test, whose tails are those of two or three values. Where
    the samples of the test set are known they are drawn with replacement, the same for both
    methods, and what that adds to the spread is added.

    Args:
        own: seed to test score of the method.
        base: likewise for the baseline.
        own_samples: seed to counts, see :func:`mmfkd.evaluation.sample_scores.score_of`.
        base_samples: likewise for the baseline.
        draws: of the samples, and of the error over seeds.

    Returns:
        the comparison, or None without a common seed.
    """
    seeds = sorted(set(own) & set(base))
    if not seeds:
        return None
    gains = [round(own[seed] - base[seed], DIGITS) for seed in seeds]
    gain, needed = round(mean(gains), DIGITS), seeds_needed(gains)
    shapes = {samples[seed].shape for samples in (own_samples, base_samples) for seed in seeds
              if seed in samples}
    sampled = len(shapes) == 1 and all(seed in samples for samples in (own_samples, base_samples)
                                       for seed in seeds)
    if sampled:
        pairs = [(own_samples[seed], base_samples[seed]) for seed in seeds]
        spread = _deviations(pairs, gains, draws)
        low, high = (gain + np.quantile(spread, share) for share in (LEVEL / 2, 1 - LEVEL / 2))
        # Shifted to a mean of 0, as if there were no difference; never 0 from so many draws.
        drawn = float((1 + (np.abs(spread) >= abs(gain)).sum()) / (1 + draws))
        return Comparison(gain, float(low), float(high), drawn if len(seeds) > 1 else None,
                          len(seeds), needed, True)
    error = stdev(gains) / len(gains) ** 0.5 if len(gains) > 1 else 0.0
    # Gains that are equal to the last digit are of runs that are not independent.
    if not error:
        return Comparison(gain, -inf, inf, None, len(seeds), None, False)
    reach = float(student_t.ppf(1 - LEVEL / 2, len(gains) - 1)) * error
    p = float(2 * student_t.sf(abs(gain) / error, len(gains) - 1))
    return Comparison(gain, gain - reach, gain + reach, p, len(seeds), needed, False)


def _deviations(pairs: Sequence[tuple[np.ndarray, np.ndarray]], gains: Sequence[float],
                draws: int) -> np.ndarray:
    """Drawn deviations (draws,) of the mean gain: by the choice of samples, and of seeds."""
    draw, count, size = np.random.default_rng(0), len(pairs), len(pairs[0][0])
    parts = []
    for start in range(0, draws, CHUNK):
        samples = draw.multinomial(size, np.full(size, 1 / size), min(CHUNK, draws - start))
        parts.append(np.mean([score_of(own, samples) - score_of(base, samples)
                              for own, base in pairs], axis=0))
    drawn = np.concatenate(parts)
    drawn -= drawn.mean()
    if count > 1:
        drawn += stdev(gains) / count ** 0.5 * draw.standard_t(count - 1, draws)
    return drawn


def seeds_needed(gains: Sequence[float]) -> int | None:
    """Seeds that show a mean gain of this size at 5 % with a probability of 80 %.

    The fewest n at which the gain reaches ``(t(97.5 %) + t(80 %)) · s / √n`` of the paired t-test
    with n - 1 degrees of freedom; at least 2. None for a single seed, and for a gain of 0.
    """
    gain = round(mean(gains), DIGITS)
    if len(gains) < 2 or gain == 0:
        return None
    effect = abs(gain) / stdev(gains) if stdev(gains) else inf
    # Normal tails ask for fewer.
    least = sum(NormalDist().inv_cdf(share) for share in (1 - LEVEL / 2, POWER))
    needed = max(2, ceil((least / effect) ** 2))
    while sum(student_t.ppf((1 - LEVEL / 2, POWER), needed - 1)) > effect * needed ** 0.5:
        needed += 1
    return needed


def holm(values: Sequence[float | None]) -> list[float | None]:
    """Probabilities corrected for their number, by Holm's steps; None stays, and does not count."""
    known = sorted((value, i) for i, value in enumerate(values) if value is not None)
    corrected: list[float | None] = [None] * len(values)
    largest = 0.0
    for rank, (value, i) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * value))
        corrected[i] = largest
    return corrected
