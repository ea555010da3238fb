"""Misfit R: what photon noise alone makes of it, against sums, draws and limits; masks; blocks."""

import math

import numpy as np
import pytest
from scipy.stats import poisson

from ptychostudy.measure.misfit import Misfit, expected_deviation, misfit, scan_misfit
from ptychostudy.physics.propagate import intensities


@pytest.mark.parametrize("mean", [1e-3, 0.3, 1.0, 1.5, 7.0, 100.3, 255.9])
def test_few_photons_are_summed_count_by_count(mean):
    counts = np.arange(1000)
    exact = float(poisson.pmf(counts, mean) @ np.abs(np.sqrt(counts) - math.sqrt(mean)))
    assert expected_deviation(np.array(mean)) == pytest.approx(exact, rel=3e-4, abs=1e-5)


def test_limits():
    # Without a photon nothing deviates; with almost none the deviation is the amplitude itself.
    np.testing.assert_array_equal(expected_deviation(np.zeros(2)), 0)
    assert expected_deviation(np.array(1e-6)) == pytest.approx(1e-3, rel=0.01)
    # sqrt(k) has a standard deviation of 1/2, and a normal number is sqrt(2 / pi) of that off, on average.
    assert expected_deviation(np.array(1e8)) == pytest.approx(0.5 * math.sqrt(2 / math.pi), rel=1e-6)


def test_the_table_goes_over_into_the_expansion():
    low, high = expected_deviation(np.array([256.0, 256.001]))
    # Whole numbers make the exact value go up and down by 1 / (12 m) of itself.
    assert high == pytest.approx(low, rel=1 / (12 * 256))


@pytest.mark.parametrize("photons", [0.02, 0.7, 20, 400])
def test_draws(photons):
    rng = np.random.default_rng(1)
    expected = photons * rng.uniform(0.1, 1.9, (60, 32, 32))
    found = misfit([(expected, rng.poisson(expected))], np.ones((32, 32), dtype=bool))
    # Of 61440 pixels, each off by its own size or less: four standard errors.
    assert found.value == pytest.approx(found.expected, rel=4 / math.sqrt(61440))


def test_a_known_misfit():
    counts = np.array([[[4, 9], [0, 16]]])
    expected = np.array([[[9.0, 9.0], [1.0, 4.0]]])
    whole = misfit([(expected, counts)], np.ones((2, 2), dtype=bool))
    assert whole.value == pytest.approx((1 + 0 + 1 + 2) / (2 + 3 + 0 + 4))
    valid = np.array([[True, False], [True, False]])
    assert misfit([(expected, counts)], valid).value == pytest.approx((1 + 1) / 2)


def test_no_light_has_no_misfit_that_is_a_number():
    assert misfit([(np.ones((1, 2, 2)), np.zeros((1, 2, 2)))], np.ones((2, 2), dtype=bool)).value == math.inf


def test_the_record_is_rounded():
    found = Misfit(deviation=1.23456, by_chance=0.5, amplitude=10.0)
    assert found.record == {"R": 0.1235, "R_expected": 0.05}
    assert found.excess == pytest.approx(0.073456)


def test_frames_of_a_scan_are_compared_in_blocks():
    rng = np.random.default_rng(2)
    object_ = np.exp(1j * rng.normal(size=(50, 40)))
    probe = 10 * (rng.normal(size=(16, 16)) + 1j * rng.normal(size=(16, 16)))
    positions = rng.uniform(8, 32, (37, 2))
    expected = intensities(object_, probe, positions)
    counts = rng.poisson(expected)
    valid = rng.random((16, 16)) < 0.8
    by_scan = scan_misfit(object_, probe, positions, counts, valid)
    at_once = misfit([(expected, counts)], valid)
    assert by_scan.value == pytest.approx(at_once.value, rel=1e-12)
    assert by_scan.expected == pytest.approx(at_once.expected, rel=1e-12)
    # Each frame at another's position fits worse, so positions and frames are taken pair by pair.
    assert scan_misfit(object_, probe, positions[::-1], counts, valid).value > 2 * by_scan.value
