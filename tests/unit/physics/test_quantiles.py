"""Quantiles of counts: added up and looked up, beside SciPy's, at the ends of the numbers and in any company."""

import numpy as np
import pytest
import scipy.stats

from ptychostudy.physics import quantiles
from ptychostudy.physics.quantiles import Counted, Guide

MEANS = np.linspace(0, 15.99, 300)
TRIALS = np.arange(97)


def poisson(mean):
    return Counted(np.exp(-mean), mean)


def binomial(trials, share):
    odds = share / (1 - share)
    return Counted((1 - share) ** trials, trials * odds, odds)


def test_sums_are_the_distributions():
    x = np.arange(100)
    sums = scipy.stats.poisson.cdf(x, MEANS[:, None])
    np.testing.assert_allclose(poisson(MEANS).sums(), sums, rtol=0, atol=1e-14)
    sums = scipy.stats.binom.cdf(x, TRIALS[:, None], 0.3)
    np.testing.assert_allclose(binomial(TRIALS, 0.3).sums(), sums, rtol=0, atol=1e-13)


@pytest.mark.parametrize("company", [1, 16, 63, 64, 65, 300])
def test_quantiles_are_scipys_in_any_company(company):
    uniform = np.random.default_rng(1).random(300)
    expected = scipy.stats.poisson.ppf(uniform, MEANS)
    pieces = [slice(start, start + company) for start in range(0, 300, company)]
    found = np.concatenate([poisson(MEANS[piece]).quantiles(uniform[piece]) for piece in pieces])
    np.testing.assert_array_equal(found, expected)


def test_the_ends_of_the_numbers_are_answered():
    """At the end of a distribution sums no longer grow, and may stay below the last number of all."""
    last = np.full(300, np.nextafter(1, 0))
    found = poisson(MEANS).quantiles(last)
    # Of so small a rest the last digits differ.
    np.testing.assert_allclose(found, scipy.stats.poisson.ppf(1 - 1e-13, MEANS), rtol=0, atol=1)
    found = binomial(TRIALS, 0.3).quantiles(last[:97])
    assert np.all(found <= TRIALS)
    assert found[96] < 96 * 0.3 + 10 * np.sqrt(96 * 0.3 + 1)
    assert not poisson(MEANS).quantiles(np.zeros(300)).any()


def table_of_poisson():
    edges = np.arange(16 * 16 + 1) / 16
    return Guide(poisson(edges[:-1]), poisson(edges[1:]))


def looked_up(guide, mean, uniform):
    asked = []

    def of(some):
        asked.append(len(some))
        return poisson(mean[some])

    found = guide.look_up((16 * mean).astype(np.intp), uniform, of)
    return found, asked[0] / len(mean)


def test_what_is_looked_up_is_the_quantile():
    draw = np.random.default_rng(2)
    mean, uniform = draw.uniform(0, 16, 200_000), draw.random(200_000)
    found, added_up = looked_up(table_of_poisson(), mean, uniform)
    assert found.dtype == np.uint32
    np.testing.assert_array_equal(found, scipy.stats.poisson.ppf(uniform, mean))
    assert 0.05 < added_up < 0.1


@pytest.mark.parametrize("mean", [0.0, 1 / 16, 2.0, 15.9375, np.nextafter(16, 0)])
def test_edges_of_rows_and_cells_are_right(mean):
    """Numbers that begin and end each cell, of means that begin and end a row."""
    edges = np.arange(1024) / 1024
    uniform = np.concatenate([edges, np.nextafter(edges[1:], 0), [np.nextafter(1, 0)]])
    means = np.full(len(uniform), mean)
    found, _ = looked_up(table_of_poisson(), means, uniform)
    np.testing.assert_array_equal(found, poisson(means).quantiles(uniform))


def test_rows_are_as_many_as_were_given():
    assert len(table_of_poisson()) == 256


def test_a_row_of_one_distribution_leaves_a_choice_only_where_a_sum_lies(monkeypatch):
    """One photon kept with probability 0.7: P(none) = 0.3 lies in the second quarter."""
    monkeypatch.setattr(quantiles, "_CELLS", 4)
    one = binomial(np.array([1.0]), 0.7)
    asked = []

    def of(some):
        asked.extend(some.tolist())
        return Counted(one.none.repeat(len(some)), one.rate.repeat(len(some)), one.fall)

    uniform = np.array([0.0, 0.2, 0.26, 0.31, 0.5, 0.7])
    found = Guide(one, one).look_up(np.zeros(6, np.intp), uniform, of)
    assert found.tolist() == [0, 0, 0, 1, 1, 1]
    assert asked == [2, 3]
