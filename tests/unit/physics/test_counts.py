"""Photon counting: Poisson moments, the limit without noise, thinning against direct simulation, exact dose, own draws.

Every statistical bound is a number of standard errors, stated beside it; seeds are fixed, so a pass stays a pass.
"""

import numpy as np
import pytest

from ptychostudy.physics.counts import (
    check_noise_free,
    dose_tolerance,
    input_scale,
    mean_counts,
    mean_intensity,
    photon_scale,
    poisson_counts,
    round_counts,
    scale_probe,
    simulated_blocks,
    thin_counts,
    thinned_blocks,
)
from ptychostudy.physics.draws import generator
from ptychostudy.physics.objects import make_object
from ptychostudy.physics.probes import make_probe
from ptychostudy.physics.propagate import intensities


def scan(k=10, n=16, seed=0):
    """Return an asymmetric complex object and probe, and sub-pixel positions inside the object."""
    rng = np.random.default_rng(seed)
    object_ = rng.uniform(0.4, 1.0, (40, 48)) * np.exp(1j * rng.uniform(-1, 1, (40, 48)))
    rows, cols = np.mgrid[:n, :n] - n / 2
    probe = np.exp(-((rows - 1) ** 2 + 2 * cols**2) / 20) * np.exp(0.1j * rows * cols)
    positions = np.stack([rng.uniform(n / 2, 39 - n / 2, k), rng.uniform(n / 2, 47 - n / 2, k)], axis=1)
    return object_, probe, positions


# --- Poisson ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mean", [0.05, 3.0, 40.0])
def test_poisson_mean_and_dispersion(mean):
    draws = poisson_counts(np.full(200_000, mean), generator(1, "simulation", int(100 * mean)))
    assert draws.dtype == np.uint32
    k = draws.size
    # Standard error of the mean sqrt(m/k); of the variance sqrt((m + 2 m^2)/k) (fourth central moment m + 3 m^2).
    assert abs(draws.mean() - mean) < 4 * np.sqrt(mean / k)
    assert abs(draws.var(ddof=1) - mean) < 4 * np.sqrt((mean + 2 * mean**2) / k)


def test_dark_pixels_stay_dark():
    assert not poisson_counts(np.zeros((3, 4, 4)), generator(1, "simulation")).any()


def expected_counts(dose, kind="disc", n=32):
    """Return noise-free counts of 16 frames of an object as smooth as real ones are, so that frames have dark rims."""
    object_ = make_object("circuit", (2 * n, 2 * n), np.random.default_rng(1))
    probe = make_probe(kind, n, diameter_px=0.56 * n, curvature_rad=6.0, rng=np.random.default_rng(2))
    positions = np.random.default_rng(3).uniform(n / 2, 3 * n / 2 - 1, (16, 2))
    scale = photon_scale(mean_intensity(object_, probe, positions), dose)
    return intensities(object_, scale * probe, positions)


@pytest.mark.parametrize("dose", [1e3, 1e5])
def test_frames_are_poisson_about_the_forward_model(dose):
    expected = expected_counts(dose)
    found = poisson_counts(expected, generator(2, "simulation")).astype(float)
    # Variance of (N - m)^2 / m is 2 + 1/m. Pixels of less than 1e-3 photons would make that bound meaningless.
    lit = expected > 1e-3
    dispersion = np.mean((found - expected)[lit] ** 2 / expected[lit])
    assert abs(dispersion - 1) < 3 * np.sqrt((2 + np.mean(1 / expected[lit])) / lit.sum())
    assert abs(found.sum() - expected.sum()) < 3 * np.sqrt(expected.sum())


# --- without noise ----------------------------------------------------------------------------------------------------


def test_whole_expectations_stay_as_they_are():
    expected = np.random.default_rng(0).integers(0, 1000, (3, 8, 8))
    found = round_counts(expected.astype(float))
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == np.uint32


def test_rounding_gives_the_rest_to_the_largest_remainders():
    found = round_counts(np.array([[[0.4, 1.4], [0.3, 5.9]], [[0.2, 0.2], [0.1, 0.0]], [[0.5, 0.5], [7.5, 0.5]]]))
    # Totals 8.0, 0.5 and 9.0: one half goes to even; equal remainders are served from the first pixel on.
    np.testing.assert_array_equal(found, [[[1, 1], [0, 6]], [[0, 0], [0, 0]], [[1, 1], [7, 0]]])


@pytest.mark.parametrize("dose", [50.0, 1e4, 1e8])
def test_rounding_keeps_every_frame_and_every_pixel(dose):
    expected = expected_counts(dose)
    found = round_counts(expected).astype(float)
    assert np.abs(found - expected).max() < 1
    # One half, and the rounding of a sum of 1024 terms.
    assert np.abs(found.sum(axis=(1, 2)) - expected.sum(axis=(1, 2))).max() < 0.5 + 1e-15 * dose * 32


def test_rounding_of_strong_pixels_has_the_rms_of_a_uniform_error():
    expected = np.random.default_rng(1).uniform(50, 900, (20, 64, 64))
    error = round_counts(expected) - expected
    # 82,000 uniform errors: standard error of their mean square 1/12 is sqrt(1/180 / 82000) = 2.6e-4; 4 of them.
    assert np.mean(error**2) == pytest.approx(1 / 12, abs=1.1e-3)


def test_plain_rounding_would_lose_more_photons_than_statistics_forgive():
    dose = 1000 * 128**2
    expected = expected_counts(dose, n=128)
    # What `verify` allows the ancestor's 5088 training frames; the loss is the same in every frame.
    allowed = dose_tolerance(dose, 5088)
    assert dose - np.rint(expected).sum() / len(expected) > allowed
    # At most one half a frame, of either sign.
    assert abs(mean_counts(round_counts(expected)) - dose) < 0.5 < 0.01 * allowed


@pytest.mark.parametrize("kind", ["disc", "zoneplate", "speckle"])
def test_rounded_amplitudes_are_right_to_a_per_cent_at_the_smallest_allowed_dose(kind):
    dose = 1000 * 32**2
    check_noise_free(dose, 32)
    expected = expected_counts(dose, kind)
    wrong = np.sum((np.sqrt(round_counts(expected)) - np.sqrt(expected)) ** 2)
    # 0.05 photons a pixel at the most, however the light is spread: sqrt(0.05 / 1000) = 0.7 % of the amplitudes.
    assert wrong < 0.05 * expected.size
    noisy = poisson_counts(expected, generator(2, "simulation"))
    assert wrong < 0.5**2 * np.sum((np.sqrt(noisy) - np.sqrt(expected)) ** 2)


@pytest.mark.parametrize("n", [32, 128])
def test_too_few_photons_to_round_are_refused(n):
    check_noise_free(1000 * n * n, n)
    for dose in (1000 * n * n - 1, float("nan")):
        with pytest.raises(
            ValueError, match=f"on {n} x {n} pixels are .*simulate.doses of at least {1000 * n * n}, or noise"
        ):
            check_noise_free(dose, n)


def test_blocks_without_noise_are_the_rounded_expectation():
    object_, probe, positions = scan()
    whole = round_counts(intensities(object_, 90 * probe, positions))
    for block in (1, 4, 64):
        blocks = list(simulated_blocks(object_, 90 * probe, positions, None, block))
        np.testing.assert_array_equal(np.concatenate(blocks), whole)


# --- dose -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dose", [1.0, 1e3, 1e9])
def test_dose_scale_is_exact(dose):
    object_, probe, positions = scan()
    scale = photon_scale(mean_intensity(object_, probe, positions), dose)
    # Only rounding: the intensity is quadratic in the probe.
    assert mean_intensity(object_, scale * probe, positions) == pytest.approx(dose, rel=1e-12)


def test_mean_intensity_is_the_energy_of_the_exit_waves():
    # A transparent object passes the probe's whole power to every frame, whatever the sub-pixel shift (Parseval).
    _, probe, positions = scan()
    found = mean_intensity(np.ones((40, 48), complex), probe, positions, block=3)
    assert found == pytest.approx(np.sum(np.abs(probe) ** 2), rel=1e-12)


def test_detected_dose_is_within_counting_statistics():
    object_, probe, positions = scan(k=60)
    scale = photon_scale(mean_intensity(object_, probe, positions), 500)
    blocks = simulated_blocks(object_, scale * probe, positions, generator(3, "simulation"))
    found = mean_counts(np.concatenate(list(blocks)))
    assert abs(found - 500) < dose_tolerance(500, 60)
    assert dose_tolerance(500, 60) == pytest.approx(5 * np.sqrt(500 / 60), rel=1e-12)


@pytest.mark.parametrize("intensity", [0.0, -1.0, float("nan")])
def test_nothing_to_scale_is_refused(intensity):
    with pytest.raises(ValueError, match="nothing to scale to 100 photons"):
        photon_scale(intensity, 100)


@pytest.mark.parametrize("dose", [0, -5, float("inf"), float("nan")])
def test_impossible_dose_is_refused(dose):
    with pytest.raises(ValueError, match=f"dose is {dose} photons per frame; needed: a positive number"):
        photon_scale(2.0, dose)


# --- thinning ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [0.05, 0.5])
def test_thinned_counts_are_those_of_a_direct_simulation(keep):
    k, mean = 200_000, 20.0
    measured = poisson_counts(np.full(k, mean), generator(5, "simulation"))
    kept = thin_counts(measured, keep, generator(5, "thinning")).astype(float)
    dropped = measured - kept
    for draws, m in ((kept, keep * mean), (dropped, (1 - keep) * mean)):
        assert abs(draws.mean() - m) < 4 * np.sqrt(m / k)
        assert abs(draws.var(ddof=1) - m) < 4 * np.sqrt((m + 2 * m**2) / k)
    # Kept and dropped photons of a Poisson process are independent: correlation zero, standard error 1/sqrt(k).
    assert abs(np.corrcoef(kept, dropped)[0, 1]) < 4 / np.sqrt(k)


def test_thinned_histogram_equals_a_direct_one():
    k = 100_000
    measured = poisson_counts(np.full(k, 12.0), generator(6, "simulation"))
    kept = thin_counts(measured, 0.25, generator(6, "thinning"))
    direct = poisson_counts(np.full(k, 3.0), generator(7, "simulation"))
    first, second = (np.bincount(draws, minlength=15)[:15] for draws in (kept, direct))
    used = first + second > 20
    # Two-sample chi-square; its mean is the number of bins, its standard deviation sqrt(2 bins).
    chi2 = np.sum((first - second)[used] ** 2 / (first + second)[used])
    assert chi2 < used.sum() + 4 * np.sqrt(2 * used.sum())


def test_keeping_everything_changes_nothing():
    measured = np.arange(24, dtype=np.uint32).reshape(2, 3, 4)
    found = thin_counts(measured, 1.0, generator(1, "thinning"))
    np.testing.assert_array_equal(found, measured)
    assert found.dtype == np.uint32


@pytest.mark.parametrize("keep", [0.01, 0.4, 0.6, 0.99, 1.0])
def test_a_pixel_moves_the_draw_of_no_other(keep):
    """Whatever a pixel of a frame holds: a mask would otherwise give all behind it another noise."""
    rate = np.linspace(0, 60, 24).reshape(4, 6)
    measured = poisson_counts(np.broadcast_to(rate, (50, 4, 6)), generator(9, "simulation"))
    whole = thin_counts(measured, keep, generator(9, "thinning"))
    other = np.zeros((4, 6), bool)
    other[0, 2] = other[2, 1] = other[3] = True
    for held in (0, 1, 25, 4_000_000_000):
        found = thin_counts(np.where(other, np.uint32(held), measured), keep, generator(9, "thinning"))
        np.testing.assert_array_equal(found[:, ~other], whole[:, ~other])


def test_large_counts_are_binomial_too():
    k, held, keep = 100_000, 1000, 0.3
    kept = thin_counts(np.full(k, held, np.uint32), keep, generator(5, "thinning")).astype(float)
    variance = held * keep * (1 - keep)
    assert abs(kept.mean() - held * keep) < 4 * np.sqrt(variance / k)
    assert kept.var() == pytest.approx(variance, rel=4 * np.sqrt(2 / k))


@pytest.mark.parametrize("keep", [0.0, -0.5, 1.001, float("nan")])
def test_more_than_measured_is_refused(keep):
    with pytest.raises(ValueError, match=r"can only be thinned: wanted .* needed \(0, 1\]"):
        thin_counts(np.ones(3, int), keep, generator(1, "thinning"))


# --- streaming --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", [1, 3, 64])
def test_blocks_draw_what_the_whole_draws(block):
    object_, probe, positions = scan()
    whole = next(simulated_blocks(object_, 9 * probe, positions, generator(8, "simulation"), 10**6))
    blocks = list(simulated_blocks(object_, 9 * probe, positions, generator(8, "simulation"), block))
    assert max(map(len, blocks)) <= block
    np.testing.assert_array_equal(np.concatenate(blocks), whole)
    index = np.array([7, 2, 9, 0, 4])
    thinned = np.concatenate(list(thinned_blocks(whole, index, 0.3, generator(8, "thinning"), block)))
    np.testing.assert_array_equal(thinned, thin_counts(whole[index], 0.3, generator(8, "thinning")))


def test_mean_counts_is_an_exact_integer_sum():
    # 2^31 in every pixel: a 32-bit sum would wrap after two of them.
    counts = np.full((5, 4, 4), 2**31, np.uint32)
    counts[2, 1, 0] += 1
    assert mean_counts(counts, block=2) * 5 == 80 * 2**31 + 1
    assert mean_counts(counts, np.array([2])) == 16 * 2**31 + 1


def test_mean_counts_are_of_the_valid_pixels_alone():
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 9, (5, 4, 6), dtype=np.uint32)
    valid = np.ones((4, 6), bool)
    valid[1], valid[3, 5] = False, False
    spoiled = np.where(valid, counts, np.uint32(2**32 - 1))
    expected = (counts[:, [0, 2]].sum() + counts[:, 3, :5].sum()) / 5
    assert mean_counts(spoiled, block=2, valid=valid) == expected
    assert mean_counts(spoiled, np.array([3]), valid=valid) == np.where(valid, counts[3], 0).sum()


# --- generators -------------------------------------------------------------------------------------------------------


def test_a_draw_does_not_depend_on_other_draws():
    keys = [("simulation", 1000, "train"), ("simulation", 1000, "test"), ("thinning", 1000, "train"), ("grouping",)]
    forward = [generator(4, *key).random(3) for key in keys]
    backward = [generator(4, *key).random(3) for key in reversed(keys)][::-1]
    np.testing.assert_array_equal(forward, backward)


def test_every_seed_role_and_key_has_its_own_draws():
    roles = ["object", "probe", "scan", "simulation", "thinning", "grouping", "subsampling", "training", "control"]
    keys = [(), (0,), (1,), ("a",), ("b",), ("train",), ("test",), (1000, "train"), (1000, "test"), ("train", 1000)]
    seen = {generator(seed, role, *key).random() for seed in (0, 1) for role in roles for key in keys}
    assert len(seen) == 2 * len(roles) * len(keys)


def test_generator_is_numpys_documented_construction():
    # The role is its place in the list, a text its bytes as one number: stated, so that any draw can be repeated.
    sequence = np.random.SeedSequence(9, spawn_key=(3, 1000, int.from_bytes(b"test", "big")))
    wanted = np.random.Generator(np.random.PCG64(sequence)).integers(1 << 30, size=4)
    np.testing.assert_array_equal(generator(9, "simulation", 1000, "test").integers(1 << 30, size=4), wanted)


# --- normalisation ----------------------------------------------------------------------------------------------------


def test_input_scale_takes_the_units_out_of_the_counts():
    # f sqrt(counts) keeps its mean square (n/2)^2 whatever the dose.
    for mean in (1.0, 1e3, 1e8):
        assert input_scale(mean, 64) ** 2 * mean == pytest.approx(32**2, rel=1e-12)
    with pytest.raises(ValueError, match="no photons"):
        input_scale(0.0, 64)


def test_probe_power_is_the_photons_of_a_frame():
    probe = scale_probe(np.array([[1, 2j], [0, -1]]), 600)
    # complex64: relative rounding 6e-8 a value.
    assert np.sum(np.abs(probe) ** 2) == pytest.approx(600, rel=1e-6)
    assert probe[0, 1] / probe[0, 0] == pytest.approx(2j, rel=1e-6)
    assert np.sum(np.abs(scale_probe(np.full((2, 2), 1e-3), 600)) ** 2) == pytest.approx(600, rel=1e-6)
    with pytest.raises(ValueError, match="carries no power"):
        scale_probe(np.zeros((2, 2)), 600)
