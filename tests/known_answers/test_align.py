"""Gauge removal and registration against constructed fields, both axes and both signs."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from ptychostudy.measure.align import align, apply_shift, register
from ptychostudy.measure.fields import CONSTANT, bounding_box, is_rounding
from ptychostudy.measure.gauge import amplitude_factor, complex_factor, remove_gauge
from ptychostudy.measure.ramp import phase_ramp, ramp_field
from ptychostudy.measure.taper import tukey_window
from ptychostudy.physics.plane import without_plane

SHAPE = (96, 132)


def texture(rng, sigma, shape):
    image = gaussian_filter(rng.normal(size=shape), sigma, mode="wrap")
    return (image - image.mean()) / image.std()


@pytest.fixture
def truth():
    rng = np.random.default_rng(1)
    return (0.9 + 0.05 * texture(rng, 2.5, SHAPE)) * np.exp(0.5j * texture(rng, 2.5, SHAPE))


@pytest.fixture
def mask():
    covered = np.ones(SHAPE, dtype=bool)
    covered[:5], covered[40:44, 20:30], covered[-9:, -30:] = False, False, False
    return covered


def ramped(field, ramp):
    rows, cols = np.indices(field.shape)
    return field * np.exp(1j * (ramp[0] * rows + ramp[1] * cols))


def test_complex_factor_is_the_exact_inverse(truth, mask):
    factor = 0.31 * np.exp(2.2j)
    # Rounding of a ratio of sums over 1e4 pixels.
    assert complex_factor(truth / factor, truth, mask) == pytest.approx(factor, rel=1e-12)


def test_complex_factor_leaves_a_residual_orthogonal_to_the_prediction(truth, mask):
    rng = np.random.default_rng(2)
    pred = truth + 0.3 * rng.normal(size=SHAPE)
    residual = complex_factor(pred, truth, mask) * pred - truth
    # The normal equation of least squares, to the rounding of a sum of 1e4 terms of order one.
    assert abs(np.vdot(pred[mask], residual[mask])) < 1e-9


def test_amplitude_factor_ignores_the_phase(truth, mask):
    pred = truth / 1.7 * np.exp(1j * np.random.default_rng(3).uniform(-3, 3, SHAPE))
    assert amplitude_factor(pred, truth, mask) == pytest.approx(1.7, rel=1e-12)


# 0.3 rad/px across 96 px is 4.6 turns: a plane fitted on wrapped angles would have no chance.
@pytest.mark.parametrize("ramp", [(0.3, 0.0), (-0.3, 0.1), (0.0, -0.25), (0.0123, 0.3), (-0.002, -0.001), (0.0, 0.0)])
def test_ramp_and_factor_are_removed_exactly(truth, mask, ramp):
    pred = ramped(truth, ramp) * 0.4 * np.exp(-1.9j)
    field, record = remove_gauge(pred, truth, mask)
    # Newton stops at 1e-10 cycles across the field, below 1e-8 rad/px; across 132 px that is 1e-6 rad.
    np.testing.assert_allclose(record["ramp"], ramp, atol=1e-8)
    np.testing.assert_allclose(field[mask], truth[mask], atol=1e-6)
    assert abs(record["factor"]) == pytest.approx(2.5, rel=1e-9)


@pytest.mark.parametrize("shape", [(5, 8), (6, 3)])
def test_a_ramp_field_turns_about_its_centre(shape):
    field = ramp_field(shape, (0.2, -0.3))
    # One pixel further the angle is lower by the ramp; opposite pixels have opposite angles.
    np.testing.assert_allclose(np.angle(field[1:] / field[:-1]), -0.2, atol=1e-12)
    np.testing.assert_allclose(np.angle(field[:, 1:] / field[:, :-1]), 0.3, atol=1e-12)
    np.testing.assert_allclose(field[::-1, ::-1], np.conj(field), atol=1e-12)


def test_what_is_rounding_is_relative_to_the_scale():
    assert is_rounding(np.array([0, 2 * CONSTANT * 1j]), 2.0)
    assert not is_rounding(np.array([0, 2.1 * CONSTANT * 1j]), 2.0)
    assert is_rounding(np.zeros(3), 0.0)


def test_noisy_ramp_meets_the_statistical_bound(truth, mask):
    rng = np.random.default_rng(4)
    noise = 0.2 * (rng.normal(size=SHAPE) + 1j * rng.normal(size=SHAPE))
    found = phase_ramp(ramped(truth, (0.11, -0.07)) + noise, truth, mask)
    # A plane through n angles of standard deviation 0.2 / 0.9: sigma / (side sqrt(n / 12)), about 8e-5 rad/px; 4 sigma.
    np.testing.assert_allclose(found, (0.11, -0.07), atol=4 * 8e-5)


def test_mean_keeps_the_ramp_and_none_keeps_the_phase(truth, mask):
    pred = ramped(truth, (0.01, 0.0)) * 2j
    field, record = remove_gauge(pred, truth, mask, phase_align="mean")
    assert record["ramp"] == (0.0, 0.0)
    np.testing.assert_allclose(field, record["factor"] * pred)
    field, record = remove_gauge(pred, truth, mask, phase_align="none")
    assert record["factor"] == pytest.approx(0.5, rel=1e-12)
    np.testing.assert_allclose(np.angle(field), np.angle(pred), atol=1e-12)


@pytest.mark.parametrize("shift", [(3.0, 0.0), (0.0, -2.0), (-1.0, 4.0)])
def test_whole_pixel_shift_moves_content_by_plus_shift(truth, shift):
    moved = apply_shift(truth, shift)
    rolled = np.roll(truth, (int(shift[0]), int(shift[1])), axis=(0, 1))
    inside = (slice(5, -5), slice(5, -5))
    # Whole pixels are a permutation; what is left is the rounding of two transforms.
    np.testing.assert_allclose(moved[inside], rolled[inside], atol=1e-12)


def test_shift_does_not_wrap_around():
    field = np.zeros((32, 40), dtype=complex)
    field[:, :4] = 1.0
    # One px to the left mirrors the bright edge in; wrapped, the dark far edge would be bright.
    moved = apply_shift(field, (0.0, -1.0))
    np.testing.assert_allclose(moved[:, -1], 0.0, atol=1e-12)


def displaced(shift, noise, seed=5):
    """Two cuts of one large periodic field, so that no edge is invented: prediction displaced by -shift."""
    rng = np.random.default_rng(seed)
    large = tuple(side + 64 for side in SHAPE)
    field = (0.9 + 0.05 * texture(rng, 2.5, large)) * np.exp(0.5j * texture(rng, 2.5, large))
    rows, cols = np.meshgrid(*(np.fft.fftfreq(side) for side in large), indexing="ij")
    moved = np.fft.ifft2(np.fft.fft2(field) * np.exp(2j * np.pi * (rows * shift[0] + cols * shift[1])))
    cut = (slice(32, -32), slice(32, -32))
    grain = noise * (rng.normal(size=SHAPE) + 1j * rng.normal(size=SHAPE)) / np.sqrt(2)
    return moved[cut] + grain, field[cut]


@pytest.mark.parametrize("noise", [0.0, 0.2])
@pytest.mark.parametrize("shift", [(2.37, -1.62), (-0.4, 0.0), (0.0, 3.3), (-5.75, -2.1), (0.0, 0.0)])
def test_registration_recovers_the_shift(mask, shift, noise):
    pred, truth = displaced(shift, noise)
    # Steps of 0.02 px plus the noise of the peak: the acceptance bar of anchors A3.
    np.testing.assert_allclose(register(pred, truth, mask), shift, atol=0.05)


@pytest.mark.parametrize("shift", [(2.37, -1.62), (-3.1, 0.45)])
def test_align_undoes_shift_ramp_and_factor_together(mask, shift):
    pred, truth = displaced(shift, 0.05)
    gauged = ramped(pred, (0.12, -0.21)) * 3.0 * np.exp(1j)
    result = align(gauged, truth, mask)
    np.testing.assert_allclose(result.shift, shift, atol=0.05)
    # The ramp is fitted with 0.05 noise: 2e-5 rad/px (1 sigma), here 5 sigma.
    np.testing.assert_allclose(result.ramp, (0.12, -0.21), atol=1e-4)
    inside = (slice(12, -12), slice(12, -12))
    # Noise 0.05 plus what a shift error of 0.02 px leaves on a texture with slope about 0.2 per px.
    assert np.sqrt(np.mean(np.abs(result.field - truth)[inside] ** 2)) < 0.06


def test_the_record_reproduces_the_field(mask):
    pred, truth = displaced((1.2, -0.7), 0.0)
    result = align(ramped(pred, (0.05, 0.02)) * 2j, truth, mask)
    # Ramp removed and shifted in the documented order gives the same field, to rounding and the mirrored edge.
    moved = apply_shift(pred * 2j, result.shift)
    centre = (np.array(SHAPE) - 1) / 2
    gauge = np.exp(1j * (0.05 * (centre[0] - result.shift[0]) + 0.02 * (centre[1] - result.shift[1])))
    inside = (slice(12, -12), slice(12, -12))
    np.testing.assert_allclose(result.field[inside], (result.factor * gauge * moved)[inside], atol=0.02)


def test_without_registration_nothing_moves(mask):
    pred, truth = displaced((1.2, -0.7), 0.0)
    assert align(pred, truth, mask, registration=False).shift == (0.0, 0.0)


def test_uncovered_pixels_stay_zero(truth, mask):
    result = align(np.where(mask, truth, 0.0), truth, mask)
    assert not np.any(result.field[~mask])
    assert result.shift == (0.0, 0.0)


def test_a_flat_object_has_no_place(truth, mask):
    assert register(np.full(SHAPE, 0.7 - 0.2j), truth, mask) == (0.0, 0.0)


def test_bounding_box_and_window():
    mask = np.zeros((9, 12), dtype=bool)
    mask[2, 3], mask[6, 10] = True, True
    assert bounding_box(mask) == (slice(2, 7), slice(3, 11))
    window = tukey_window((11, 21), 0.5)
    assert window[5, 10] == 1.0
    assert np.all(window[0] == 0) and np.all(window[:, -1] == 0)
    np.testing.assert_array_equal(window, window[::-1, ::-1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p, t, m: (p[:-1], t, m), "one shape"),
        (lambda p, t, m: (p, t, m & False), "covers no pixel"),
        (lambda p, t, m: (p * np.nan, t, m), "prediction has 12672 values that are not finite"),
        (lambda p, t, m: (p * 0, t, m), "prediction is zero on all"),
        (lambda p, t, m: (p, t * 0, m), "truth is zero on all"),
    ],
)
def test_incomparable_fields_are_refused(truth, mask, change, message):
    with pytest.raises(ValueError, match=message):
        align(*change(truth, truth, mask))


def test_unknown_gauge_is_refused(truth, mask):
    with pytest.raises(ValueError, match="'plane', 'mean' or 'none', found 'median'"):
        remove_gauge(truth, truth, mask, phase_align="median")


@pytest.mark.parametrize("slopes", [(0.02, -0.03), (-0.01, 0.0), (0.0, 0.05)])
def test_a_plane_is_fitted_on_the_mask_and_removed_everywhere(mask, slopes):
    rows, cols = np.indices(mask.shape)
    plane = 3.0 + slopes[0] * rows + slopes[1] * cols
    spoilt = np.where(mask, plane, plane + 7.0)
    np.testing.assert_allclose(without_plane(spoilt, mask), np.where(mask, 0.0, 7.0), atol=1e-12)
