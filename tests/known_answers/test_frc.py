"""Ring correlation: identity, noise floor, the law against truth, thresholds and published crossings."""

import numpy as np
import pytest

from ptychostudy.measure.cutoff import cutoff, half_period_px
from ptychostudy.measure.frc import RingCurve, area, half_bit, ring_correlation, smoothed


def white(rng, shape):
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def full(shape):
    return np.ones(shape, dtype=bool)


def test_identical_images_correlate_fully_and_saturate():
    image = white(np.random.default_rng(1), (64, 90))
    curve = ring_correlation(image, image, full(image.shape))
    # Rounding of a ratio of sums.
    np.testing.assert_allclose(curve.correlation, 1.0, atol=1e-12)
    found = cutoff(curve, 0.5)
    assert found.saturated and found.frequency == 1.0 and found.ring == 33.0
    assert area(curve) == pytest.approx(1.0, abs=1e-12)


def test_opposite_contrast_reads_minus_one():
    image = white(np.random.default_rng(2), (48, 48))
    np.testing.assert_allclose(ring_correlation(-image, image, full(image.shape)).correlation, -1.0, atol=1e-12)


def test_independent_noise_has_the_spread_of_its_ring():
    rng = np.random.default_rng(3)
    scaled = []
    for _ in range(60):
        curve = ring_correlation(white(rng, (64, 64)), white(rng, (64, 64)), full((64, 64)), taper=0.0)
        scaled.append(curve.correlation[1:] * np.sqrt(2 * curve.count[1:]))
    # n complex pairs hold 2n real ones: the real part has variance 1 / (2n), so the scaled values have variance one.
    # 60 x 32 values: standard error of the rms 1 / sqrt(2 x 1920) = 1.6 %; the loss of the mean and the window's
    # zero border lines (n effective 6 % smaller) raise it a little: 10 %.
    assert np.sqrt(np.mean(np.square(scaled))) == pytest.approx(1.0, abs=0.1)
    assert abs(np.mean(scaled)) < 4 / np.sqrt(1920)
    # Three times the spread 1 / sqrt(n) that is quoted for real pairs, 4.2 of these: one in 40,000 goes beyond.
    assert np.abs(scaled).max() < 3 * np.sqrt(2) * 1.1


@pytest.mark.parametrize("snr", [1 / 3, 1.0, 4.0])
def test_against_truth_follows_the_snr_law(snr):
    rng = np.random.default_rng(4)
    truth = white(rng, (256, 256))
    curve = ring_correlation(truth + white(rng, truth.shape) / np.sqrt(snr), truth, full(truth.shape))
    outer = curve.count > 200
    mean = np.average(curve.correlation[outer], weights=curve.count[outer])
    # About 5e4 independent pairs: standard error below 0.005.
    assert mean == pytest.approx(np.sqrt(snr / (1 + snr)), abs=0.015)


@pytest.mark.parametrize("snr", [1 / 6, 1.0, 4.0])
def test_between_halves_follows_the_other_snr_law(snr):
    rng = np.random.default_rng(5)
    truth = white(rng, (256, 256))
    halves = [truth + white(rng, truth.shape) / np.sqrt(snr) for _ in range(2)]
    curve = ring_correlation(*halves, full(truth.shape))
    mean = np.average(curve.correlation[40:], weights=curve.count[40:])
    # A half's SNR of 1/6 is 1/3 in the sum of both: 1/7 here is what 1/2 is against truth.
    assert mean == pytest.approx(snr / (1 + snr), abs=0.02)
    if snr == 1 / 6:
        assert mean == pytest.approx(1 / 7, abs=0.02)
        assert np.sqrt(2 * snr / (1 + 2 * snr)) == pytest.approx(0.5)


def test_half_bit_limits():
    assert half_bit(1) == pytest.approx(1.0, abs=1e-12)
    # 1 / sqrt(1e12) = 1e-6 is left of the n-dependent terms.
    assert half_bit(1e12) == pytest.approx(0.1716, abs=5e-5)
    assert np.all(np.diff(half_bit(np.arange(1, 100))) < 0)


def test_half_bit_cutoff_ignores_the_single_pixel_of_ring_zero():
    rng = np.random.default_rng(6)
    truth = white(rng, (64, 64))
    curve = ring_correlation(truth + 0.1 * white(rng, truth.shape), truth, full(truth.shape))
    assert curve.half_bit[0] == pytest.approx(1.0)
    assert cutoff(curve, "half_bit").saturated


def test_half_bit_cutoff_interpolates_between_curve_and_threshold():
    correlation, half = np.array([0.7, 0.7, 0.5, 0.1, 0.9]), np.array([1.0, 0.6, 0.4, 0.3, 0.2])
    curve = RingCurve(correlation, np.arange(5) / 4, np.array([1, 8, 12, 16, 20]), half, 8, np.zeros(5))
    # Ring 0 is judged by the threshold of ring 1. 0.1 above at ring 2 and 0.2 below at ring 3: a third of the way.
    found = cutoff(curve, "half_bit")
    assert found.ring == pytest.approx(2 + 1 / 3)
    # Ring 4 is 0.7 above, and so are 7 / 9 of the way to it.
    assert found.frequency == pytest.approx((2 + 1 / 3 + 7 / 9) / 4)
    assert not found.saturated


def test_blurred_curves():
    """A line stays a line away from its ends, one outlier spreads as a Gaussian, and 0 changes nothing."""
    rings = np.arange(41)
    line = RingCurve(1 - rings / 40, rings / 40, np.full(41, 9), np.full(41, 0.2), 80, np.zeros(41))
    assert smoothed(line, 0.0) is line
    found = smoothed(line, 1.5).correlation
    np.testing.assert_allclose(found[8:-8], line.correlation[8:-8], atol=1e-12)
    assert cutoff(smoothed(line, 1.5), 0.5).ring == pytest.approx(20.0, abs=1e-9)
    spike = RingCurve(
        np.eye(41)[20], *(getattr(line, key) for key in ("frequency", "count", "half_bit", "side_px", "error"))
    )
    found = smoothed(spike, 2.0).correlation
    # Cut off at four standard deviations and summed to one: 4e-4 off the Gaussian at most.
    np.testing.assert_allclose(found, np.exp(-((rings - 20) ** 2) / 8) / np.sqrt(8 * np.pi), atol=4e-4)
    # A dip of one noisy ring is no end of the resolution.
    dipped = line.correlation.copy()
    dipped[5] = 0.45
    noisy = RingCurve(dipped, line.frequency, line.count, line.half_bit, 80, line.error)
    assert cutoff(noisy, 0.5).ring < 5 < 17 < cutoff(smoothed(noisy, 2.0), 0.5).ring


def test_rings_are_counted_and_scaled_to_nyquist():
    image = white(np.random.default_rng(7), (32, 50))
    curve = ring_correlation(image, image, full(image.shape))
    assert curve.side_px == 32 and curve.frequency[-1] == 1.0
    # Ring 1 holds radii 0.5 to 1.5: the eight neighbours of zero frequency.
    assert curve.count[0] == 1 and curve.count[1] == 8


@pytest.mark.parametrize("axis", [0, 1])
def test_a_low_pass_is_cut_where_it_was_filtered(axis):
    rng = np.random.default_rng(8)
    image = white(rng, (128, 128))
    radius = np.hypot(*np.meshgrid(np.fft.fftfreq(128), np.fft.fftfreq(128), indexing="ij"))
    low = np.fft.ifft2(np.fft.fft2(image) * (radius < 0.25)) + 0.1 * white(rng, image.shape)
    found = cutoff(ring_correlation(np.roll(low, 0, axis), image, full(image.shape)), 0.5)
    # 0.25 cycles/px is half of Nyquist; one ring is 1/64 and the window smears one more.
    assert found.frequency == pytest.approx(0.5, abs=2 / 64)
    assert half_period_px(found.frequency, 128) == pytest.approx(2.0, rel=0.05)


def test_a_common_mean_or_edge_does_not_correlate():
    rng = np.random.default_rng(9)
    first, second = 5 + 0.1 * white(rng, (64, 64)), 5 + 0.1 * white(rng, (64, 64))
    curve = ring_correlation(first, second, full((64, 64)))
    # Without removing the mean, ring 0 and the window's side lobes would read 1; ring 1 has eight pixels: 4 / sqrt(16).
    assert np.mean(np.abs(curve.correlation[5:])) < 0.2


@pytest.mark.parametrize("level", [1.0, 0.3 - 2j, 1e-9])
def test_a_constant_image_is_zero_everywhere(level):
    truth = white(np.random.default_rng(10), (40, 40))
    curve = ring_correlation(np.full((40, 40), level), truth, full((40, 40)))
    np.testing.assert_array_equal(curve.correlation, 0.0)
    # By definition, not by measurement: no error makes a resolution of it.
    np.testing.assert_array_equal(curve.error, 0.0)
    assert cutoff(curve, 0.5) == (0.0, 0.0, 0.0, 0.0, False)
    assert half_period_px(0.0, 40) == 40.0


def test_uncovered_pixels_do_not_enter():
    rng = np.random.default_rng(11)
    truth, mask = white(rng, (48, 48)), full((48, 48))
    mask[20:24, 10:20] = False
    garbage = np.where(mask, truth, 1e3)
    np.testing.assert_allclose(ring_correlation(garbage, truth, mask).correlation, 1.0, atol=1e-12)


def test_too_small_a_field_and_unknown_threshold_are_refused():
    image = white(np.random.default_rng(12), (15, 80))
    with pytest.raises(ValueError, match="at least 16 px a side, the covered rectangle has 15"):
        ring_correlation(image, image, full(image.shape))
    image = white(np.random.default_rng(13), (16, 16))
    with pytest.raises(ValueError, match="'one_bit'"):
        cutoff(ring_correlation(image, image, full(image.shape)), "one_bit")
