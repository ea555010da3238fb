"""Scores with known values, and the controls that must look bad on every one of them."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from ptychostudy.measure.align import align
from ptychostudy.measure.columns import Column, columns
from ptychostudy.measure.gauge import remove_gauge
from ptychostudy.measure.metrics import evaluate, partial_pearson, pearson, psnr
from ptychostudy.measure.phase import phase_pair
from ptychostudy.physics.objects import make_object

SHAPE = (100, 140)
BETTER_HIGH = ("psnr", "psnr_255", "pearson", "ssim", "ms_ssim", "frc50", "frc1over7", "frc_half_bit", "frc_auc")
BETTER_LOW = ("mae", "mse")


def texture(rng, sigma):
    image = gaussian_filter(rng.normal(size=SHAPE), sigma, mode="wrap")
    return (image - image.mean()) / image.std()


def make_truth(phase_std=0.4):
    rng = np.random.default_rng(1)
    return (0.9 + 0.05 * texture(rng, 2.0)) * np.exp(1j * phase_std * texture(rng, 2.0))


def white(seed):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=SHAPE) + 1j * rng.normal(size=SHAPE)) / np.sqrt(2)


@pytest.fixture
def truth():
    return make_truth()


@pytest.fixture
def mask():
    covered = np.ones(SHAPE, dtype=bool)
    covered[:4], covered[50:54, 30:36] = False, False
    return covered


def test_a_perfect_prediction_tops_every_metric(truth, mask):
    rows = evaluate(truth, truth, mask).rows
    for name in ("pearson", "ssim", "ms_ssim", "frc50", "frc1over7", "frc_half_bit", "frc_auc", "frc50_saturated"):
        np.testing.assert_allclose(rows[name], 1.0, atol=1e-12, err_msg=name)
    assert rows["psnr"] == (200.0, 200.0, 200.0)
    # One rounding of the product pred * conj(truth).
    np.testing.assert_allclose(rows["mae"], 0.0, atol=1e-15)


def test_analytic_noise(truth, mask):
    sigma = 0.02
    result = evaluate(truth + sigma * white(2), truth, mask)
    # Complex noise of variance s^2 puts s^2 / 2 on the amplitude and s^2 / (2 A^2) on the phase (to first order: the
    # next is (s/A)^2 = 5e-4). 13,000 pixels: 4 standard errors of a variance are 5 %.
    expected = (sigma**2 / 2, sigma**2 / 2 * np.mean(1 / np.abs(truth[mask]) ** 2), sigma**2)
    np.testing.assert_allclose(result.rows["mse"], expected, rtol=0.05)
    for column, name in enumerate(("amplitude", "phase", "value")):
        peak = 10 * np.log10(result.ranges[name] ** 2 / expected[column])
        # 5 % of a variance is 0.21 dB.
        assert result.rows["psnr"][column] == pytest.approx(peak, abs=0.22)
        offset = 20 * np.log10(255 / result.ranges[name])
        assert result.rows["psnr_255"][column] - result.rows["psnr"][column] == pytest.approx(offset, abs=1e-9)
    # Mean absolute value of a Gaussian, and of a complex one (Rayleigh).
    assert result.rows["mae"][0] == pytest.approx(sigma / np.sqrt(np.pi), rel=0.05)
    assert result.rows["mae"][2] == pytest.approx(sigma * np.sqrt(np.pi) / 2, rel=0.05)


def test_unit_range_psnr_sits_48_db_below_the_published_convention():
    # 20 log10(255), anchors finding 1.
    assert psnr(0.01, 255.0) - psnr(0.01, 1.0) == pytest.approx(48.1308, abs=1e-4)
    assert psnr(0.01, 1.0) == pytest.approx(20.0)


@pytest.mark.parametrize("offset", [1.0, -1.0])
def test_phase_errors_are_wrapped(mask, offset):
    truth = make_truth() * np.exp(3.1j)
    rows = evaluate(truth * np.exp(1j * offset), truth, mask).rows
    # The truth straddles the cut at pi; a constant phase error is one radian all the same.
    assert rows["mae"][1] == pytest.approx(1.0, abs=1e-12)
    assert rows["pearson"][1] == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("noise", [0.1, 0.7])
def test_no_metric_depends_on_the_common_gauge(mask, noise):
    # At 0.7 the prediction's phase has vortices: unwrapping it, instead of turning both away from the cut, would show.
    truth, pred = make_truth(), make_truth() + noise * white(3)
    first = evaluate(pred, truth, mask).rows
    second = evaluate(pred * np.exp(2.5j), truth * np.exp(2.5j), mask).rows
    for name, values in first.items():
        # As numbers: what is not defined (None) is not in both.
        np.testing.assert_allclose(np.array(second[name], float), np.array(values, float), rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("phase_std", [0.1, 0.4, 1.5])
@pytest.mark.parametrize("level", [1.0, -0.2 + 0.7j])
def test_a_flat_object_scores_badly(mask, phase_std, level):
    truth = make_truth(phase_std)
    flat, _ = remove_gauge(np.full(SHAPE, level), truth, mask, phase_align="mean")
    rows = evaluate(flat, truth, mask).rows
    assert rows["pearson"] == (0.0, 0.0, 0.0)
    for name in ("frc50", "frc1over7", "frc_half_bit", "frc_auc", "frc50_ring", "frc50_saturated"):
        assert rows[name] == (0.0, 0.0, 0.0), name
    # The bar of the project: structure that is not there must not be similar.
    assert rows["ssim"][1] < 0.1
    assert rows["ms_ssim"][1] < 0.2


# Between lines, a flat object is right wherever the featureless background is near the mean: that SSIM is earned.
@pytest.mark.parametrize(("kind", "bar"), [("circuit", 0.1), ("siemens", 0.1), ("grf", 0.1), ("lines", 0.2)])
@pytest.mark.parametrize("span", [0.1, 0.4, 1.6])
def test_a_flat_object_scores_badly_on_every_kind_of_object(kind, bar, span):
    # The test half of the quick study's object, one probe away from the border.
    truth = make_object(kind, (352, 272), np.random.default_rng(7), phase_rad=span)[194:320, 32:240]
    flat, _ = remove_gauge(np.ones(truth.shape), truth, truth != 0, phase_align="mean")
    rows = evaluate(flat, truth, truth != 0).rows
    assert rows["pearson"] == rows["frc_auc"] == rows["frc50"] == rows["frc50_saturated"] == (0.0, 0.0, 0.0)
    assert rows["ssim"][1] < bar
    assert rows["ssim"][0] < 0.35
    assert max(rows["ms_ssim"]) < 0.2
    # Errors know no bad value of their own: a flat object's is the contrast of the truth, so they are read beside it.
    contrast = np.abs(truth) - np.abs(truth).mean()
    assert rows["mse"][0] >= np.mean(contrast**2)
    assert rows["psnr"][0] < 20 < rows["psnr_255"][0] - 40


@pytest.mark.parametrize("kind", ["flat", "noise"])
@pytest.mark.parametrize("phase_align", ["plane", "mean"])
def test_both_controls_are_far_below_a_modest_reconstruction(truth, mask, kind, phase_align):
    control = np.ones(SHAPE) if kind == "flat" else white(4)
    bad, good = (
        evaluate(align(p, truth, mask, phase_align=phase_align).field, truth, mask).rows
        for p in (control, truth + 0.05 * white(5))
    )
    for name in BETTER_HIGH:
        assert all(b < g for b, g in zip(bad[name], good[name], strict=True)), name
    for name in BETTER_LOW:
        assert all(b > g for b, g in zip(bad[name], good[name], strict=True)), name
    # Noise must not borrow the truth's phase through the wrapped difference: 0.21 and 0.48 if it does.
    assert abs(bad["pearson"][1]) < 0.12
    assert bad["ms_ssim"][1] < 0.2


@pytest.mark.parametrize("axis", [0, 1])
def test_mirrored_and_displaced_predictions_score_worse(truth, mask, axis):
    good = evaluate(truth + 0.05 * white(6), truth, mask).rows
    for wrong in (np.flip(truth, axis), np.roll(truth, 5, axis), np.roll(truth, -5, axis)):
        rows = evaluate(wrong, truth, mask).rows
        assert all(rows[n][c] < good[n][c] for n in ("pearson", "ssim", "ms_ssim", "frc50") for c in (1, 2))
        assert all(rows[n][c] > good[n][c] for n in BETTER_LOW for c in (1, 2))


def test_a_winding_phase_is_followed_and_a_flat_object_does_not_inherit_it(mask):
    rows, cols = np.indices(SHAPE)
    truth = np.exp(0.11j * rows) * np.exp(1j * 3 * np.sin(cols / 15))
    noisy = evaluate(truth + 0.05 * white(7), truth, mask).rows
    assert noisy["pearson"][1] > 0.99
    flat = evaluate(np.ones(SHAPE), truth, mask).rows
    assert flat["pearson"][1] == 0.0
    pred, reference, difference = phase_pair(truth + 0.05 * white(7), truth, mask)
    # Both images are congruent with the wrapped difference modulo 2 pi.
    np.testing.assert_allclose(np.exp(1j * (pred - reference - difference))[mask], 1.0, atol=1e-9)
    # 0.11 rad/px down 96 covered rows: no step of 2 pi is left.
    assert np.ptp(reference[mask]) == pytest.approx(0.11 * 95 + 6, abs=0.1)


@pytest.mark.parametrize("offset", [2.0, -2.0])
def test_a_wrong_global_phase_of_a_winding_object_keeps_its_sign(mask, offset):
    truth = np.exp(0.11j * np.indices(SHAPE)[0])
    pred, reference, difference = phase_pair(truth * np.exp(1j * offset), truth, mask)
    # The nearest of all offsets that differ by turns, on every pixel: never 2 - 2 pi.
    np.testing.assert_allclose((pred - reference)[mask], offset, atol=1e-9)
    np.testing.assert_allclose(difference[mask], offset, atol=1e-9)


def test_ranges_are_the_spans_of_the_truth(truth, mask):
    ranges = evaluate(truth + 0.1 * white(12), truth, mask).ranges
    assert ranges["amplitude"] == pytest.approx(np.ptp(np.abs(truth[mask])), rel=1e-12)
    assert ranges["phase"] == pytest.approx(np.ptp(np.angle(truth[mask])), rel=1e-12)
    # A circle about the mean that holds every value, by its diameter.
    assert ranges["value"] == pytest.approx(2 * np.abs(truth[mask] - truth[mask].mean()).max(), rel=1e-12)


def test_the_span_of_a_complex_column_is_the_diameter_about_its_mean():
    # Corners of a square of side 2 and one pixel that is not scored: the circle's diameter is the square's diagonal.
    corners = np.array([[1 + 1j, 1 - 1j], [-1 + 1j, -1 - 1j], [9, 9]]) + 5
    scored = np.array([[True, True], [True, True], [False, False]])
    column = Column(corners, corners, 0 * corners, scored)
    assert column.span == pytest.approx(2 * np.sqrt(2), rel=1e-12)
    turned = Column(corners, corners * np.exp(0.3j), 0 * corners, scored)
    assert turned.span == pytest.approx(column.span, rel=1e-12)
    assert Column(corners.real, corners.real, 0 * corners.real, scored).span == 2.0


def test_columns_hold_their_own_errors_and_leave_opaque_pixels_without_a_phase(truth, mask):
    truth = truth.copy()
    truth[60:70] = 0.0
    scored = columns(2 * truth * np.exp(0.5j), truth, mask)
    np.testing.assert_allclose(scored["amplitude"].error_values, np.abs(truth[mask]), atol=1e-12)
    np.testing.assert_allclose(scored["phase"].error_values, 0.5, atol=1e-12)
    assert scored["phase"].mask.sum() == mask.sum() - 10 * SHAPE[1]


def test_a_pure_amplitude_object_is_not_scored_on_phase(mask):
    truth = np.abs(make_truth()).astype(np.complex64)
    result = evaluate(truth + 0.01 * white(8), truth, mask)
    assert all(row[1] is None for row in result.rows.values())
    assert set(result.curves) == set(result.ranges) == {"amplitude", "value"}
    assert result.rows["ssim"][2] == result.rows["ssim"][0]


def test_a_pure_phase_object_is_not_scored_on_amplitude(mask):
    truth = np.exp(1j * np.angle(make_truth())).astype(np.complex64)
    result = evaluate(truth + 0.01 * white(9), truth, mask)
    assert all(row[0] is None and row[1] is not None for row in result.rows.values())


@pytest.mark.parametrize("span", [0.75e-6, 0.9e-6])
def test_a_complex_contrast_of_two_that_are_none_is_refused(mask, span):
    """Amplitude and phase each within rounding; their sum alone would pass for contrast."""
    rows, cols = mask.shape
    # Opposite corners of a square of the side `span`: the largest complex difference is span * sqrt(2).
    checks = (np.add.outer(np.arange(rows), np.arange(cols)) % 2).astype(float)
    truth = (1 - span / 2 + span * checks) * np.exp(1j * span * checks)
    with pytest.raises(ValueError, match="truth is constant on the mask"):
        evaluate(truth, truth, mask)


def test_a_constant_truth_is_refused(truth, mask):
    with pytest.raises(ValueError, match="truth is constant on the mask"):
        evaluate(truth, np.full(SHAPE, 2j), mask)
    with pytest.raises(ValueError, match="truth is constant"):
        pearson(np.arange(3.0), np.ones(3))


def test_an_all_zero_prediction_is_refused(truth, mask):
    # angle(0 * conj(truth)) is 0: without a check a dead arm would have a perfect phase.
    with pytest.raises(ValueError, match="prediction is zero"):
        evaluate(np.zeros(SHAPE), truth, mask)


def test_dead_pixels_do_not_get_the_phase_of_the_truth(mask):
    truth = np.exp(1j * np.angle(make_truth()))
    pred = truth.copy()
    pred[20:40] = 0
    _, _, difference = phase_pair(pred, truth, mask)
    np.testing.assert_allclose(difference[20:40], -np.angle(truth[20:40]), atol=1e-12)


def test_uncovered_pixels_do_not_matter(truth, mask):
    pred = truth + 0.1 * white(10)
    first = evaluate(pred, truth, mask).rows
    second = evaluate(np.where(mask, pred, 0.0), truth, mask).rows
    assert first == second


def test_opaque_pixels_have_no_phase(truth, mask):
    truth = truth.copy()
    truth[60:70, 60:70] = 0.0
    rows = evaluate(truth + 1e-3 * white(11), truth, mask).rows
    # Noise on a dark pixel has any phase; 100 of 13,000 such pixels would raise the mean to 0.012.
    assert rows["mae"][1] < 2e-3


def test_pearson_signs():
    values = np.random.default_rng(12).normal(size=50)
    assert pearson(3 * values + 1, values) == pytest.approx(1.0)
    assert pearson(-values, values) == pytest.approx(-1.0)
    assert pearson(1j * values, values) == pytest.approx(0.0, abs=1e-12)
    assert pearson(np.full(50, 0.1), values) == 0.0


@pytest.mark.parametrize("noise", [0.05, 0.5])
def test_partial_correlation_is_that_of_the_inverse_correlation_matrix(truth, mask, noise):
    pred = (truth + noise * white(8)) * np.exp(0.004j * np.arange(SHAPE[1]))
    found = partial_pearson(pred, truth, mask)
    phases = phase_pair(pred, truth, mask)[:2]
    for value, images in zip(found, ((np.abs(pred), np.abs(truth)), phases), strict=True):
        columns = [image[mask] for image in (*images, *np.indices(SHAPE))]
        precision = np.linalg.inv(np.corrcoef(columns))
        assert value == pytest.approx(-precision[0, 1] / np.sqrt(precision[0, 0] * precision[1, 1]), abs=1e-9)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_nearly_flat_prediction_takes_over_the_ramp_of_the_truth_but_no_structure(mask, axis, sign):
    ramp = sign * (np.indices(SHAPE)[axis] / SHAPE[axis] - 0.5)
    truth = make_truth() * np.exp(1j * ramp)
    nearly, _ = remove_gauge(1 + 0.02 * white(5), truth, mask, phase_align="plane")
    # Unrelated noise over 13,000 pixels scatters by 0.009.
    assert evaluate(nearly, truth, mask).rows["pearson"][1] > 0.3
    assert max(np.abs(partial_pearson(nearly, truth, mask))) < 0.04
    assert min(partial_pearson(truth + 0.1 * white(6), truth, mask)) > 0.4
    np.testing.assert_allclose(partial_pearson(truth, truth, mask), 1, atol=1e-12)


def test_partial_correlation_of_what_is_flat_but_for_a_plane(truth, mask):
    ramp = np.exp(1j * (0.004 * np.indices(SHAPE)[0] - 0.003 * np.indices(SHAPE)[1]))
    assert partial_pearson(0.7 * ramp, truth, mask) == (0.0, 0.0)
    assert partial_pearson(truth, 0.7 * ramp, mask) == (None, None)
    assert partial_pearson(truth, np.abs(truth), mask)[1] is None
