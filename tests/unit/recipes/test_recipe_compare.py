"""Recipe compare: an arm that is the truth scores exactly, a failed one is shown and not scored."""

from dataclasses import replace

import numpy as np
import pytest

from ptychostudy.formats.arm_product import ArmProduct
from ptychostudy.recipes.cell_record import (
    BLANK,
    cell_record,
    conditions,
    curve_rows,
    known_pixel_m,
    metric_rows,
)
from ptychostudy.recipes.compare import compare
from ptychostudy.study.arm_names import HYBRID
from ptychostudy.study.names import (
    ARMS,
    BASELINE,
    CONTROLS,
    CURVE_COLUMNS,
    FLAT,
    METRIC_COLUMNS,
    PHYSICS,
    PINN,
    PTYCHI,
    TV,
    UNTRAINED,
)
from ptychostudy.study.sections.compare import CompareSettings
from scenes import made_scan

SOURCE = made_scan(
    truth="simulated object",
    data_transformations=[{"parameters": {"noise": "none", "wrong_probe": {"blur_px": 0.5, "shift_px": [0.0, 0.0]}}}],
)
# Rows and columns of the object that each arm holds; the rectangle is what all share.
PLACES = {PINN: (12, 74, 14, 96), BASELINE: (12, 72, 14, 98), PTYCHI: (2, 80, 4, 107), TV: (2, 80, 4, 107)}
PLACES |= {UNTRAINED: (12, 72, 14, 96), PHYSICS: (2, 80, 4, 107)}
AS_IT_IS = CompareSettings(phase_align="none", register_arms=[])


def product(arm, field=None, status="ok"):
    top, bottom, left, right = PLACES[arm]
    cut = (SOURCE.truth if field is None else field)[top:bottom, left:right]
    record = {"status": status, "reason": "" if status == "ok" else "collapsed", "statistics": {}, "converged": None}
    return ArmProduct(cut, np.ones(cut.shape, np.float32), (top, left), record)


def compared(settings=AS_IT_IS, failed=(), **fields):
    products = {arm: product(arm, fields.get(arm), "failed" if arm in failed else "ok") for arm in PLACES}
    return compare(products, SOURCE.truth, SOURCE.positions, settings, scanned=SOURCE.positions), products


def test_an_arm_equal_to_the_truth_scores_exactly():
    comparison, _ = compared()
    for arm in ARMS:
        rows = comparison.scores[arm].evaluation.rows
        # Exact but for the phase: of a number times its own conjugate it is one rounding of double precision.
        assert rows["mae"] == pytest.approx((0, 0, 0), abs=1e-15)
        assert rows["mae"][0] == rows["mae"][2] == 0.0
        # Sums of some thousand products.
        assert rows["pearson"] == pytest.approx((1.0, 1.0, 1.0), abs=1e-12)
        assert rows["ssim"][:2] == pytest.approx((1.0, 1.0), abs=1e-12)
        assert comparison.scores[arm].record["rms_phase_rad"] == pytest.approx(0, abs=1e-15)
    assert comparison.coverage == 1.0


def test_arms_that_begin_elsewhere_are_cut_to_one_rectangle():
    comparison, _ = compared()
    assert comparison.origin == (12, 14)
    for field in (comparison.truth, *comparison.fields.values()):
        np.testing.assert_array_equal(field, SOURCE.truth[12:72, 14:96])


def test_what_is_not_covered_by_all_is_not_scored():
    _, products = compared()
    products[PTYCHI].coverage[:40] = 0
    comparison = compare(products, SOURCE.truth, SOURCE.positions, AS_IT_IS, scanned=SOURCE.positions)
    # Row 40 of the iterative arm's canvas is row 30 of the rectangle.
    assert not comparison.mask[:30].any()
    assert comparison.mask[30:].any()
    assert 0 < comparison.coverage < 1


def test_a_failed_arm_is_shown_and_not_scored():
    comparison, products = compared(failed=[BASELINE])
    assert set(comparison.fields) == {*ARMS, UNTRAINED, PHYSICS}
    assert list(comparison.scores) == [PINN, PTYCHI, TV, FLAT, PHYSICS, UNTRAINED]
    rows = [row for row in metric_rows(comparison) if row["model"] == BASELINE]
    assert rows
    assert all(value == BLANK for row in rows for value in list(row.values())[2:])
    record = cell_record(comparison, products, SOURCE, {"frames_per_pixel": 0.5})
    assert record["status"] == "failed"
    assert record["arms"][BASELINE]["reason"] == "collapsed"


def test_where_every_arm_failed_the_controls_keep_their_numbers():
    comparison, _ = compared(failed=ARMS)
    assert list(comparison.scores) == [FLAT, PHYSICS, UNTRAINED]
    assert comparison.coverage == 1.0, "the untrained control covers what the arms would"
    nothing, _ = compared(failed=[*ARMS, UNTRAINED, PHYSICS])
    assert list(nothing.scores) == [FLAT]
    assert nothing.coverage == 0.0
    # All of the scanned hull.
    np.testing.assert_array_equal(nothing.mask, comparison.mask)


def test_the_flat_control_gets_no_ramp():
    comparison, _ = compared(CompareSettings(phase_align="plane"))
    np.testing.assert_allclose(np.angle(comparison.scores[FLAT].field / comparison.scores[FLAT].field[0, 0]), 0)
    assert comparison.scores[FLAT].record["ramp_rad_per_px"] == [0.0, 0.0]


def test_a_factor_is_no_error_of_an_arm():
    """The object's gauge: one complex number, which no frame can tell."""
    comparison, _ = compared(CompareSettings(phase_align="mean"), **{PINN: SOURCE.truth * (0.5 - 1j)})
    # Single precision of the field.
    assert comparison.scores[PINN].evaluation.rows["mae"] == pytest.approx((0, 0, 0), abs=1e-6)


def test_tables_have_every_arm_and_metric():
    comparison, _ = compared()
    rows = metric_rows(comparison)
    assert all(tuple(row) == METRIC_COLUMNS for row in rows)
    assert list(dict.fromkeys(row["model"] for row in rows)) == [*ARMS, *CONTROLS]
    assert len(rows) == 7 * len({row["metric"] for row in rows})
    curves = curve_rows(comparison)
    assert all(tuple(row) == CURVE_COLUMNS for row in curves)
    assert all(row["complex"] == pytest.approx(1.0, abs=1e-12) for row in curves if row["model"] == PINN)


@pytest.mark.parametrize(
    ("taken", "known"),
    [
        ({"kind": "synthetic", "pixel_size_m": 1e-8}, 1e-8),
        ({"kind": "siemens_star", "pixel_size_m": 5e-9}, 5e-9),
        ({"kind": "npz", "pixel_size_m": 8.47e-9}, 8.47e-9),
        ({"kind": "npz", "pixel_size_m": 1e-8}, None),
        ({}, None),
    ],
)
def test_a_pixel_is_known_unless_a_file_left_the_default(taken, known):
    assert known_pixel_m({"data_transformations": [{"parameters": taken}, {"parameters": {}}]}) == known


def test_the_record_holds_the_floor_of_the_dose():
    comparison, products = compared(failed=[UNTRAINED])
    record = cell_record(comparison, products, SOURCE, {"frames_per_pixel": 0.5, "view": "dense", "area": 0.25})
    # A control that failed spoils no cell.
    assert record["status"] == "success"
    assert record["photons_per_pixel"] == SOURCE.photons_measured / 2
    assert record["phase_floor_rad"] == pytest.approx(SOURCE.photons_measured**-0.5, rel=1e-12)
    assert record["overlap"] == {"frames_per_pixel": 0.5, "area": 0.25}
    assert record["mask_px"] == comparison.mask.sum()
    assert conditions(SOURCE) == [
        "noise-free: expected counts, for which the floor does not hold",
        "arms were given a wrong probe: blur_px 0.5",
    ]
    valid = np.ones((64, 64), bool)
    valid[3, :5] = False
    said = "5 of 4096 detector pixels are masked: dose and n are photons on the others"
    assert conditions(replace(SOURCE, valid=valid))[-1] == said


CUT = {"n_images_scan": 90, "n_images_in_neither_part": 12, "n_images_total": 40, "guard_px": 9.25}


def record_with(**told):
    """Return the record of a cell whose PtychoPINN tells of itself."""
    comparison, products = compared()
    products[PINN] = replace(products[PINN], record={**products[PINN].record, **told})
    return cell_record(comparison, products, SOURCE, {"frames_per_pixel": 0.5, **CUT})


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"window_px": 46, "window": "light", "synchronised": True, "parts": 1}, []),
        (
            {"window_px": 20, "window": "uniform", "synchronised": False, "parts": 1},
            ["stitched: 20 x 20 px of each patch, uniform", "patches keep the phases that networks gave them"],
        ),
        (
            {"window_px": 46, "window": "light", "synchronised": True, "parts": 3},
            ["3 parts of the scan do not overlap: each has a phase of its own"],
        ),
    ],
)
def test_what_the_scan_decided_is_a_condition_of_the_cell(how, said):
    frames = "40 frames are in this part: of the scan's 90 frames 12 lie in the guard band of 9.25 px, in neither part"
    found = record_with(stitching=how)["conditions"]
    assert found[found.index(frames) + 1 :] == said


def test_what_patches_say_of_their_error_is_in_the_record():
    arms = record_with(disagreement=0.031)["arms"]
    assert arms[PINN]["disagreement"] == 0.031
    assert "disagreement" not in arms[BASELINE]


def test_files_hold_the_arms_and_what_they_share():
    comparison, _ = compared()
    assert list(comparison.raw) == [*PLACES, "truth", "mask", "origin"]
    assert list(comparison.aligned) == ["truth", "mask", "origin", *ARMS, *CONTROLS]


def with_hybrid(register, status="ok"):
    """Compare the arms with a Hybrid that is PtyChi's product once more."""
    products = {arm: product(arm) for arm in PLACES}
    settings = CompareSettings(register_arms=register)
    scanned = {"scanned": SOURCE.positions}
    beside = {HYBRID: product(PTYCHI, status=status)}
    found = compare(products, SOURCE.truth, SOURCE.positions, settings, **scanned, beside=beside)
    return found, compare(products, SOURCE.truth, SOURCE.positions, settings, **scanned), products


@pytest.mark.parametrize("register", [[], [PTYCHI], [BASELINE]])
def test_hybrid_is_scored_as_the_solver_that_it_is_and_changes_no_other(register):
    found, without, _ = with_hybrid(register)
    assert found.scores[HYBRID].record == found.scores[PTYCHI].record
    assert found.scores[HYBRID].record["registered"] == (PTYCHI in register)
    assert list(found.scores) == [*ARMS, HYBRID, *[name for name in without.scores if name not in ARMS]]
    assert metric_rows(without) == [row for row in metric_rows(found) if row["model"] != HYBRID]


def test_a_hybrid_that_failed_keeps_its_row_and_spoils_no_cell():
    found, _, products = with_hybrid([PTYCHI], status="failed")
    rows = [row for row in metric_rows(found) if row["model"] == HYBRID]
    assert rows and {row[part] for row in rows for part in ("amplitude", "phase", "value")} == {"n/a"}
    record = cell_record(found, products, SOURCE, {"frames_per_pixel": 0.5})
    assert record["status"] == "success" and record["arms"][HYBRID]["reason"] == "collapsed"
