"""Scoring: the truth is cut by its origin, all arms share one mask, and a displaced arm says how far."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from ptychostudy.measure.align import apply_shift
from ptychostudy.measure.scoring import DEFINITIONS, common_mask, score


def field(shape=(72, 88), seed=0):
    """Return a smooth complex field of an asymmetric object, amplitude about one."""
    first, second = gaussian_filter(np.random.default_rng(seed).normal(size=(2, *shape)), (0, 2, 2))
    return (1 + 1.5 * first) * np.exp(3j * second)


def interior(shape, margin=8):
    mask = np.zeros(shape, bool)
    mask[margin:-margin, margin:-margin] = True
    return mask


# --- mask -------------------------------------------------------------------------------------------------------------


def test_mask_is_what_every_arm_covers_inside_the_hull():
    positions = np.array([[105.0, 205], [105, 225], [125, 205], [125, 225]])
    first, second = np.zeros((2, 40, 40))
    first[:, :20] = 0.5
    second[10:, :] = 3.0
    mask, coverage = common_mask([first, second], positions, (100, 200))
    rows, cols = np.nonzero(mask)
    # Hull rows 5..25 and columns 5..25 of the rectangle; covered by both: rows from 10, columns below 20.
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (10, 25, 5, 19)
    assert mask.sum() == 16 * 15
    assert coverage == pytest.approx(16 * 15 / 21**2, abs=1e-12)


def test_nothing_covered_is_coverage_zero():
    positions = np.array([[5.0, 5], [5, 25], [25, 5]])
    mask, coverage = common_mask([np.zeros((30, 30)), np.ones((30, 30))], positions, (0, 0))
    assert not mask.any() and coverage == 0.0


# --- score ------------------------------------------------------------------------------------------------------------


def test_perfect_arm_in_another_gauge_is_perfect():
    truth = field()
    rows, cols = np.mgrid[:72, :88]
    other = 0.3 * np.exp(1.2j) * np.exp(1j * (0.02 * rows - 0.035 * cols)) * truth
    found = score(other, truth, interior(truth.shape))
    rows = found.evaluation.rows
    # The field is stored in complex64: relative rounding 6e-8, so phases agree to some 1e-7 rad.
    assert found.record["rms_phase_rad"] < 1e-6
    assert rows["mae"][0] < 1e-6 and rows["mae"][1] < 1e-6
    assert rows["ssim"][:2] == pytest.approx((1, 1), abs=1e-6)
    assert rows["pearson"] == pytest.approx((1, 1, 1), abs=1e-6)
    assert rows["frc50"] == pytest.approx((1, 1, 1), abs=1e-12)
    assert found.record["shift_px"] == pytest.approx([0, 0], abs=1e-9)
    # The ramp that is reported is the one that was in the arm.
    assert found.record["ramp_rad_per_px"] == pytest.approx([0.02, -0.035], abs=1e-7)
    assert abs(complex(*found.record["factor"])) == pytest.approx(1 / 0.3, rel=1e-6)
    assert found.field.dtype == np.complex64


@pytest.mark.parametrize("shift", [(1.5, 0.0), (-2.0, 0.0), (0.0, 1.25), (0.75, -1.5)])
def test_shift_of_a_displaced_arm_is_reported_and_applied_only_on_request(shift):
    truth = field()
    mask = interior(truth.shape)
    moved = apply_shift(truth, shift)
    plain = score(moved, truth, mask)
    registered = score(moved, truth, mask, registration=True)
    # The shift puts the arm onto the truth, so it is the negative; upsampling 50 resolves 0.02 px.
    for found in (plain, registered):
        assert found.record["shift_px"] == pytest.approx([-shift[0], -shift[1]], abs=0.03)
    assert not plain.record["registered"] and registered.record["registered"]
    assert registered.record["rms_phase_rad"] < 0.1 * plain.record["rms_phase_rad"]


def test_flat_arm_has_no_place_and_scores_badly():
    truth = field()
    found = score(np.ones(truth.shape, complex), truth, interior(truth.shape))
    assert found.record["shift_px"] == [0.0, 0.0]
    # No amplitude at all; in phase it is the ramp that was fitted to the truth, which explains one part in a hundred.
    assert found.evaluation.rows["pearson"][0] == 0.0
    assert found.evaluation.rows["frc50"][0] == 0.0
    assert all(value < 0.3 for value in found.evaluation.rows["pearson"] + found.evaluation.rows["ssim"][:2])


def test_stored_numbers_are_the_scored_numbers():
    truth = field()
    noisy = truth + 0.1 * field(seed=5)
    mask = interior(truth.shape)
    found = score(noisy, truth, mask)
    error = np.abs(np.abs(found.field[mask].astype(complex)) - np.abs(truth[mask]))
    assert found.evaluation.rows["mae"][0] == pytest.approx(error.mean(), rel=1e-12)


def test_every_metric_is_explained():
    truth = field()
    rows = score(truth, truth, interior(truth.shape)).evaluation.rows
    assert {*rows, "rms_phase_rad"} == set(DEFINITIONS)


def test_a_flat_object_is_at_the_zero_of_every_printed_metric():
    truth = field()
    flat = score(np.ones(truth.shape, complex), truth, interior(truth.shape), phase_align="mean").evaluation.rows
    # SSIM has no exact zero: its luminance term sees that the mean is right, most where the contrast is weak, as in the
    # amplitude here (10 % about one).
    for name in ("ssim", "ms_ssim"):
        assert flat[name][1] < 0.1 and flat[name][0] < 0.2, name
    for name in ("pearson", "frc50", "frc1over7", "frc_half_bit"):
        assert flat[name] == pytest.approx((0, 0, 0), abs=1e-12), name
    # Its error is the spread of the truth about one complex number.
    assert flat["psnr"][0] < 20
