"""Poisson draws: the distribution's own quantiles of the same numbers, in any pieces, and what is refused."""

import numpy as np
import pytest
import scipy.stats

from ptychostudy.physics.poisson import PoissonDraws


def draws_of(mean, seed=3):
    return PoissonDraws(np.random.default_rng(seed)).draw(mean)


@pytest.mark.parametrize(("least", "most"), [(0, 0.01), (0, 0.3), (0, 4), (0, 15.999), (15.9, np.nextafter(16, 0))])
def test_weak_pixels_are_quantiles_of_one_number_each(least, most):
    mean = np.random.default_rng(1).uniform(least, most, (20, 50, 100))
    found = draws_of(mean)
    uniform = np.random.default_rng(3).random(mean.shape)
    assert found.dtype == np.uint32
    np.testing.assert_array_equal(found, scipy.stats.poisson.ppf(uniform, mean))


@pytest.mark.parametrize("mean", [0.02, 0.9, 1 / 16, 7.3, 15.99, 16.0, 16.01, 60.0, 3e5])
def test_counts_are_distributed_as_they_must(mean):
    """By Pearson's test; a wrong dispersion of 2 % would be 8 sigmas."""
    counts = draws_of(np.full(400_000, mean), seed=7)
    edges = np.unique(scipy.stats.poisson.ppf(np.linspace(0, 1, 12)[1:-1], mean))
    shares = np.diff(np.concatenate([[0], scipy.stats.poisson.cdf(edges, mean), [1]]))
    place = np.searchsorted(edges, counts)
    found = np.bincount(place, minlength=len(shares))
    kept = shares * counts.size > 5
    chance = scipy.stats.chisquare(
        found[kept], (shares * counts.size)[kept] * found[kept].sum() / sum(shares[kept] * counts.size)
    ).pvalue
    assert chance > 1e-3


MIXED = np.random.default_rng(2).exponential(12, (9, 8, 7))


@pytest.mark.parametrize("mean", [MIXED, 0.1 * MIXED, 8 * MIXED, 1e4 * MIXED])
@pytest.mark.parametrize("block", [1, 2, 4, 9])
def test_pieces_change_no_draw(mean, block):
    """Of weak pixels, bright ones and a mixture, in which either may be the most."""
    rng = np.random.default_rng(5)
    model = PoissonDraws(rng)
    found = [model.draw(mean[start : start + block]) for start in range(0, len(mean), block)]
    np.testing.assert_array_equal(np.concatenate(found), draws_of(mean, seed=5))


def test_another_mean_moves_no_draw_of_a_weak_pixel():
    """NumPy's own draws of all pixels behind it would be others."""
    mean = np.full((40, 40), 2.0)
    changed = mean.copy()
    changed[3, 4] = 9.0
    before, after = draws_of(mean), draws_of(changed)
    assert after[3, 4] > before[3, 4]
    after[3, 4] = before[3, 4]
    np.testing.assert_array_equal(after, before)


def test_bright_pixels_have_a_stream_of_their_own():
    mean = MIXED.copy()
    bright = mean >= 16
    found = draws_of(mean)
    own = np.random.default_rng(3).spawn(1)[0]
    np.testing.assert_array_equal(found[bright], own.poisson(mean[bright]))
    mean[bright] = 1e6
    np.testing.assert_array_equal(draws_of(mean)[~bright], found[~bright])


def test_more_light_is_never_less_counts():
    """Each weak pixel's count grows with its mean, by the same number."""
    mean = np.random.default_rng(1).uniform(0, 15, 4000)
    assert np.all(draws_of(1.05 * mean) >= draws_of(mean))


def test_shapes_and_types_are_kept():
    assert draws_of(np.zeros((0, 4, 4))).shape == (0, 4, 4)
    assert draws_of(np.full((2, 3), 3)).shape == (2, 3)
    turned = MIXED.transpose(2, 0, 1)
    np.testing.assert_array_equal(draws_of(turned), draws_of(turned.copy()))


@pytest.mark.parametrize(
    ("wrong", "words"), [(-1e-9, "-1e-09 photons are expected"), (np.nan, "nan photons"), (np.inf, "large")]
)
def test_what_is_no_mean_is_refused(wrong, words):
    mean = np.full((4, 4), 2.0)
    mean[1, 2] = wrong
    with pytest.raises(ValueError, match=words):
        draws_of(mean)
