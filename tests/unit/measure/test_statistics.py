"""Intervals: published values, closed forms for few values, coverage on samples whose mean is known."""

import itertools
import math
from statistics import NormalDist

import numpy as np
import pytest

from ptychostudy.measure.statistics import bootstrap_interval, mean, paired_difference, wilson_interval

# --- Wilson -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # Newcombe 1998, Statist. Med. 17:857, Table I, method 3 (score): four decimals as printed.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        # Symmetric about one half.
        (10, 20, 0.2993, 0.7007),
    ],
)
def test_wilson_gives_the_published_bounds(successes, trials, low, high):
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (3, 7), (9, 12), (20, 20)])
def test_wilson_bounds_solve_the_equation_of_the_score_test(successes, trials):
    z = NormalDist().inv_cdf(0.975)
    for bound in wilson_interval(successes, trials):
        deviation = abs(successes / trials - bound)
        # A bound p is where |rate - p| is z standard errors of p itself.
        assert deviation == pytest.approx(z * math.sqrt(bound * (1 - bound) / trials), abs=1e-12)


def test_wilson_of_failures_mirrors_that_of_successes():
    low, high = wilson_interval(4, 30)
    assert wilson_interval(26, 30) == pytest.approx((1 - high, 1 - low), abs=1e-15)
    assert wilson_interval(0, 5)[0] == 0.0 and wilson_interval(5, 5)[1] == 1.0


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (-1, 3), (4, 3)])
def test_impossible_counts_are_refused(successes, trials):
    with pytest.raises(ValueError, match=f"found {successes} successes in {trials} trials"):
        wilson_interval(successes, trials)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95])
def test_confidence_is_a_probability(confidence):
    with pytest.raises(ValueError, match="needed: above 0 and below 1"):
        wilson_interval(1, 2, confidence)
    with pytest.raises(ValueError, match="needed: above 0 and below 1"):
        bootstrap_interval([1, 2, 3], confidence)


# --- bootstrap --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [[], [0.5], [0.5, 0.7]])
def test_fewer_than_three_values_have_no_interval(values):
    assert bootstrap_interval(values) is None


def test_three_values_give_their_range():
    # The smallest resampled mean has probability 1/27, more than the widened tail.
    assert bootstrap_interval([0.7, 0.1, 0.4]) == (0.1, 0.7)


def test_five_values_give_a_percentile_of_all_resamples():
    values = [0.0, 1.0, 3.0, 7.0, 20.0]
    means = sorted(sum(chosen) / 5 for chosen in itertools.product(values, repeat=5))
    # t(4; 0.975) = 2.77645 from a printed table; its normal tail at sqrt(5/4) t is 0.0954 %: the third of 3125.
    tail = NormalDist().cdf(-math.sqrt(5 / 4) * 2.77645)
    rank = math.ceil(tail * len(means))
    assert rank == 3
    assert bootstrap_interval(values) == pytest.approx((means[rank - 1], means[-rank]), abs=1e-12)


def test_the_interval_follows_shift_scale_and_sign():
    values = np.random.default_rng(2).gamma(2.0, size=5)
    low, high = bootstrap_interval(values)
    assert bootstrap_interval(3 * values + 1) == pytest.approx((3 * low + 1, 3 * high + 1), rel=1e-12)
    assert bootstrap_interval(values[::-1]) == (low, high)
    assert bootstrap_interval(-values) == pytest.approx((-high, -low), rel=1e-12)


def test_equal_values_have_width_zero():
    for value in (0.3, 0.1, 1e-9):
        for k in (3, 4, 5, 7):
            assert (mean([value] * k), bootstrap_interval([value] * k)) == (value, (value, value))


def test_a_fixed_seed_gives_the_same_numbers_and_another_other_ones():
    values = np.random.default_rng(3).normal(size=12)
    assert bootstrap_interval(values) == bootstrap_interval(values)
    assert bootstrap_interval(values) != bootstrap_interval(values, seed=1)


@pytest.mark.parametrize(("k", "expected"), [(3, 0.75), (5, 0.93), (10, 0.95), (20, 0.95)])
def test_coverage_on_normal_samples(k, expected):
    samples = np.random.default_rng(4).normal(5.0, 2.0, size=(600, k))
    found = [bootstrap_interval(sample, resamples=4000) for sample in samples]
    covered = np.mean([low <= 5.0 <= high for low, high in found])
    # 75 % is 1 - 2 / 2^3: the mean lies outside only if all three values do. Three standard errors of 600 samples.
    assert covered == pytest.approx(expected, abs=3 * math.sqrt(expected * (1 - expected) / 600) + 0.005)


def test_large_samples_give_the_normal_interval():
    values = np.random.default_rng(5).normal(size=400)
    half = 1.96 * values.std() / 20
    low, high = bootstrap_interval(values)
    # Percentiles of 10 000 resamples scatter by some 2 % of the half width.
    assert (low - values.mean(), high - values.mean()) == pytest.approx((-half, half), rel=0.08)


def test_a_value_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="without those of failed runs"):
        bootstrap_interval([0.1, math.nan, 0.3])


# --- pairs ------------------------------------------------------------------------------------------------------------


def test_pairs_remove_what_both_share():
    rng = np.random.default_rng(6)
    shared, own = rng.normal(0, 1.0, 8), rng.normal(0, 0.01, (2, 8))
    found = paired_difference(0.2 + shared + own[0], shared + own[1])
    assert found.pairs == 8
    assert found.mean == pytest.approx(0.2, abs=0.02)
    assert found.interval[0] > 0.15 and found.interval[1] < 0.25
    # Two intervals of single means are as wide as the shared scatter, here fifty times the paired one.
    single = bootstrap_interval(shared + own[1])
    assert single[1] - single[0] > 20 * (found.interval[1] - found.interval[0])


def test_the_mean_of_differences_is_the_difference_of_means():
    first, second = [0.9, 0.7, 0.8, 0.6], [0.5, 0.4, 0.7, 0.1]
    assert paired_difference(first, second).mean == pytest.approx(np.mean(first) - np.mean(second), abs=1e-15)


def test_a_pair_with_a_failed_run_is_left_out():
    found = paired_difference([0.9, None, 0.5, 0.3], [0.1, 0.2, None, 0.1])
    assert (found.mean, found.interval, found.pairs) == (pytest.approx(0.5), None, 2)
    nothing = paired_difference([None], [1.0])
    assert (nothing.mean, nothing.interval, nothing.pairs) == (None, None, 0)


def test_lists_of_different_length_are_no_pairs():
    with pytest.raises(ValueError, match="found 2 and 1 values; needed: pairs"):
        paired_difference([1.0, 2.0], [1.0])
