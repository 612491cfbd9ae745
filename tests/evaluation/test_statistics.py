"""Statistics of a table, against loops, scipy and cases whose answer is known."""

import numpy as np
import pytest
from scipy import stats

from mmfkd.evaluation.statistics import compare, holm, seeds_needed


def correct(rate, seed, size=400):
    return (np.random.default_rng(seed).random((size, 1)) < rate).astype(int)


def scores(samples):
    return {seed: 100 * counts.mean() for seed, counts in samples.items()}


def test_without_samples_it_is_the_paired_t_test():
    own, base = {0: 63.0, 1: 62.0, 2: 64.5}, {0: 60.0, 1: 61.0, 2: 60.5, 3: 9.0}
    found = compare(own, base, {}, {})
    reference = stats.ttest_rel([own[s] for s in range(3)], [base[s] for s in range(3)])
    assert found.p == pytest.approx(reference.pvalue)
    interval = reference.confidence_interval()
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert (found.gain, found.seeds, found.sampled) == (pytest.approx(8 / 3), 3, False)


def test_one_seed_without_samples_says_nothing():
    found = compare({0: 2.0}, {0: 1.0}, {}, {})
    assert found.p is None and (found.low, found.high) == (-np.inf, np.inf)
    assert compare({0: 2.0}, {1: 1.0}, {}, {}) is None


def test_one_seed_with_samples_has_the_interval_of_samples_and_no_p():
    own, base = {0: correct(0.8, 1)}, {0: correct(0.7, 2)}
    found = compare(scores(own), scores(base), own, base, draws=4000)
    difference = 100 * (own[0] - base[0])[:, 0]
    error = difference.std() / len(difference) ** 0.5
    assert found.gain == pytest.approx(difference.mean())
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * error, rel=0.05)
    assert found.p is None and found.sampled  # two trainings differ by more than their samples


@pytest.mark.parametrize('seeds', [3, 8])
def test_the_spread_over_seeds_is_that_of_their_mean(seeds):
    """With samples that do not differ, what is left is the error of a mean of seeds."""
    gains = np.random.default_rng(0).normal(2, 1, seeds)
    own = {seed: np.full((100, 1), 0.5 + gain / 100) for seed, gain in enumerate(gains)}
    base = {seed: np.full((100, 1), 0.5) for seed in own}
    found = compare(scores(own), scores(base), own, base, draws=4000)
    reference = stats.ttest_1samp(100 * (gains / 100), 0)
    interval = reference.confidence_interval()
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), rel=0.1)
    assert found.p == pytest.approx(reference.pvalue, abs=0.02)


def network(draw, difficulty, spread):
    own = np.where(draw.random(1000) < 0.7, difficulty, draw.random(1000))
    return (own < 0.75 + draw.normal(0, spread)).astype(int)[:, None]


@pytest.mark.parametrize('spread', [0.0, 0.04])
def test_no_difference_is_rarely_significant(spread):
    """Networks whose true scores differ by seed, and which fail on the same samples."""
    hits, trials = 0, 100
    for trial in range(trials):
        draw = np.random.default_rng(trial)
        difficulty = draw.random(1000)
        own, base = ({seed: network(draw, difficulty, spread) for seed in range(3)}
                     for _ in range(2))
        hits += compare(scores(own), scores(base), own, base, draws=300).p < 0.05
    assert hits <= 0.1 * trials


def test_equal_gains_without_samples_say_nothing():
    assert compare({0: 2.0, 1: 3.0}, {0: 1.0, 1: 2.0}, {}, {}).p is None
    decimal = compare({0: 54.13, 1: 42.51, 2: 61.0}, {0: 54.03, 1: 42.41, 2: 60.9}, {}, {})
    assert (decimal.gain, decimal.p, decimal.low, decimal.high) == (0.1, None, -np.inf, np.inf)
    assert decimal.needed is None and decimal.seeds == 3


def test_gains_that_cancel_are_a_gain_of_0():
    found = compare({0: 50.0, 1: 50.15, 2: 50.02}, {0: 50.17, 1: 50.0, 2: 50.0}, {}, {})
    assert (found.gain, found.p, found.needed) == (0, 1, None)


def test_segmentation_is_drawn_by_the_counts_of_images():
    draw = np.random.default_rng(0)

    def counts(shift):
        label = draw.integers(100, 200, (30, 2))
        right = (label * (0.5 + shift)).astype(int)
        return np.stack([right, label + 10, label], axis=1)
    def miou(c):
        total = c.sum(0)
        return 100 * (total[0] / (total[1] + total[2] - total[0])).mean()
    own, base = ({seed: counts(shift) for seed in range(3)} for shift in (0.1, 0.0))
    found = compare({s: miou(c) for s, c in own.items()}, {s: miou(c) for s, c in base.items()},
                    own, base)
    assert found.sampled and found.p < 0.02 and found.low > 0


def test_samples_of_another_test_set_are_not_mixed():
    own, base = {0: correct(0.8, 1), 1: correct(0.8, 3)}, {0: correct(0.7, 2), 1: correct(0.7, 4)}
    short = {**base, 1: correct(0.7, 4, 100)}
    assert not compare(scores(own), scores(base), own, short).sampled
    assert not compare(scores(own), scores(base), own, {0: base[0]}).sampled


def test_needed_seeds_are_those_of_the_power_of_a_paired_test():
    gains = [1.0, 3.0, 2.0, 4.0]
    effect = np.mean(gains) / np.std(gains, ddof=1)

    def power(count):
        """Of a two-sided t-test, by its noncentral distribution."""
        limit = stats.t.ppf(0.975, count - 1)
        return stats.nct.sf(limit, count - 1, effect * count ** 0.5)
    needed = seeds_needed(gains)
    assert needed == 5 and power(needed) > 0.78 and power(needed - 2) < 0.8
    assert seeds_needed([1.0]) is None and seeds_needed([1.0, -1.0]) is None
    assert seeds_needed([2.0, 2.0]) == 2


def test_holm_is_that_of_a_loop():
    values = [0.01, 0.04, None, 0.03, 0.005, 0.9]
    known = sorted(value for value in values if value is not None)
    expected = {}
    for rank, value in enumerate(known):
        steps = [(len(known) - i) * known[i] for i in range(rank + 1)]
        expected[value] = min(1.0, max(steps))
    assert holm(values) == [None if v is None else pytest.approx(expected[v]) for v in values]
    assert holm([]) == []
