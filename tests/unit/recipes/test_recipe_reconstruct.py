"""Recipes reconstruct and reference, with a solver that returns what it is told: where the canvas lies, the verdict."""

import dataclasses

import numpy as np
import pytest

from ptychostudy.iterative.result import IterativeResult
from ptychostudy.physics import windows
from ptychostudy.physics.counts import round_counts
from ptychostudy.physics.propagate import far_field, intensities
from ptychostudy.physics.windows import corners, inside
from ptychostudy.recipes import reconstruct, reference
from ptychostudy.recipes.scan_canvas import MARGIN_PX, relative_light, scan_canvas
from ptychostudy.study.names import PTYCHI
from ptychostudy.study.sections.reconstruct import ReconstructSettings
from scenes import N, made_scan

SOURCE = made_scan()
SETTINGS = ReconstructSettings(epochs=2)


@pytest.fixture
def solver(monkeypatch):
    """Return the arguments of each call; the object has its own coordinates as values."""
    calls = []

    def solve(counts, positions, probe, shape, settings, *, valid, on_epoch, start=None):
        given = {
            "counts": counts,
            "positions": positions,
            "probe": probe,
            "shape": shape,
            "valid": valid,
            "start": start,
        }
        calls.append(given)
        rows, cols = np.indices(shape)
        field = (rows + 1j * cols).astype(np.complex64)
        finite = not np.any(np.isnan(probe))
        if not finite:
            field[3, 4] = np.nan
        loss = np.array([2.0, np.nan if not finite else 1.0])
        moved = 0.123456 if finite else np.inf
        return IterativeResult(field, probe, loss, finite, np.nan, moved, finite)

    monkeypatch.setattr(reconstruct, "reconstruct", solve)
    monkeypatch.setattr(reference, "reconstruct", solve)
    return calls


def ignore(epoch, epochs, loss):
    pass


def test_the_canvas_is_that_of_the_whole_scan_whatever_the_view(solver):
    frames = np.array([2, 7, 30])
    made = reconstruct.reconstruct_view(SOURCE, frames, SETTINGS, ignore)
    every = reconstruct.reconstruct_view(SOURCE, np.arange(len(SOURCE.positions)), SETTINGS, ignore)
    assert made.canvas.origin == every.canvas.origin
    assert made.canvas.field.shape == every.canvas.field.shape
    (call, _) = solver
    np.testing.assert_array_equal(call["counts"], SOURCE.counts[frames])
    # Positions count from the canvas, so that object pixels stay where they are.
    np.testing.assert_array_equal(call["positions"] + made.canvas.origin, SOURCE.positions[frames])
    assert inside(corners(call["positions"], N), N, call["shape"]).all()
    assert made.frames == 3


def test_the_margin_ends_at_the_edge_of_the_object():
    # Windows from pixel 0 to 8 + 32 of the rows, from 10 to 20 + 32 of the columns.
    positions = np.array([[16.0, 26.0], [24.0, 36.0]])
    origin, shape = scan_canvas(positions, N)
    assert origin == (0, 10 - MARGIN_PX)
    assert shape[1] == 52 + MARGIN_PX - origin[1]
    # Fractions that round to the same pixels change nothing.
    assert scan_canvas(positions + (0.4, -0.5), N) == (origin, shape)


def test_coverage_is_light_relative_to_the_brightest_pixel():
    probe = np.zeros((4, 4), complex)
    probe[2, 2], probe[2, 3], probe[1, 2] = 10.0, 5.0, 1.0
    coverage = relative_light(probe, np.array([[4.0, 6.0]]), (10, 12))
    assert coverage.dtype == np.float32
    assert coverage[4, 6] == 1.0
    assert coverage[4, 7] == 0.25
    # A hundredth of the brightest is too little to count.
    assert np.count_nonzero(coverage) == 2


def test_what_is_stored_of_a_good_run(solver):
    made = reconstruct.reconstruct_view(SOURCE, np.arange(5), SETTINGS, ignore)
    assert made.outcome["status"] == "ok"
    arrays = made.arrays
    assert list(arrays) == ["reconstructed_object", "reconstructed_probe", "coverage", "origin", "loss"]
    assert arrays["origin"].tolist() == list(made.canvas.origin)
    record = made.record("LSQML")
    assert (record["arm"], record["algorithm"], record["frames"]) == (PTYCHI, "LSQML", 5)
    assert (record["converged"], record["moved_over_floor"], record["change_last_ten"]) == (True, 0.1235, 0.0)


def test_a_diverged_run_is_failed_and_keeps_its_picture(solver):
    lost = made_scan()
    lost.probe[0, 0] = np.nan
    made = reconstruct.reconstruct_view(lost, np.arange(5), SETTINGS, ignore)
    assert (made.outcome["status"], made.outcome["reason"]) == (
        "failed",
        "the iteration diverged to non-finite values",
    )
    assert np.all(np.isfinite(made.canvas.field))
    assert made.arrays["loss"].tolist() == [2.0, 0.0]
    record = made.record("ePIE")
    assert (record["converged"], record["moved_over_floor"]) == (False, None)


def test_the_reference_keeps_the_coordinates_of_the_file_and_the_photons_of_the_frames(solver):
    made = reference.reconstruct_reference(SOURCE.counts, SOURCE.positions, 7 * SOURCE.probe, SETTINGS, ignore)
    (call,) = solver
    np.testing.assert_array_equal(call["positions"], SOURCE.positions)
    photons = SOURCE.counts.sum(axis=(1, 2)).mean()
    # Single precision of the probe.
    assert np.sum(np.abs(call["probe"]) ** 2) == pytest.approx(photons, rel=1e-5)
    # Every photon that the scan brings falls on a pixel of the object.
    assert made.coverage.sum() == pytest.approx(photons * len(SOURCE.counts), rel=1e-5)
    assert list(made.arrays) == ["objectGuess", "probeGuess", "coverage"]


def test_the_mask_goes_to_the_solver_and_the_photons_are_those_of_valid_pixels(solver):
    valid = np.ones((N, N), bool)
    valid[N // 2 - 3 : N // 2, :] = False
    masked = dataclasses.replace(SOURCE, counts=SOURCE.counts * valid, valid=valid)
    reconstruct.reconstruct_view(masked, np.arange(5), SETTINGS, ignore)
    reference.reconstruct_reference(masked.counts, SOURCE.positions, 7 * SOURCE.probe, SETTINGS, ignore, valid=valid)
    for call in solver:
        np.testing.assert_array_equal(call["valid"], valid)
    light = np.abs(far_field(solver[1]["probe"].astype(complex))) ** 2
    assert light[valid].sum() == pytest.approx(masked.counts.sum(axis=(1, 2)).mean(), rel=1e-5)


def test_a_mask_does_not_change_the_transmission_of_an_object(monkeypatch):
    """Behind an object that scatters into the rows that are dead; the solver knows it but for the probe's power."""
    rng = np.random.default_rng(5)
    shape = (60, 71)
    rows, cols = np.indices(shape)
    object_ = (0.7 + 0.2 * np.cos(rows / 3) * np.sin(cols / 5)) * np.exp(0.8j * np.sin(rows / 2))
    y, x = np.indices((N, N)) - N / 2
    probe = 30 * np.exp(-((y - 1) ** 2 + 2 * x**2) / 40 + 0.02j * y * x)
    positions = rng.uniform(N / 2 + 1, np.array(shape) - N / 2 - 2, (40, 2))
    frames = round_counts(intensities(object_, probe, positions))
    valid = np.ones((N, N), bool)
    valid[N // 2 - 1 : N // 2 + 1] = False

    def solve(counts, positions, probe_, shape, settings, **more):
        power = np.sqrt(np.sum(np.abs(probe) ** 2) / np.sum(np.abs(probe_) ** 2))
        whole = np.pad(object_, [(0, long - short) for long, short in zip(shape, object_.shape, strict=True)])
        return IterativeResult(whole * power, probe_, np.ones(1), True, 0.0, 0.1, True)

    monkeypatch.setattr(reference, "reconstruct", solve)
    monkeypatch.setattr(windows, "extent", lambda *_: ((0, 0), shape))
    transmissions, powers = [], []
    for mask in (None, valid):
        counts = frames if mask is None else frames * mask
        made = reference.reconstruct_reference(counts, positions, 5 * probe, SETTINGS, ignore, valid=mask)
        transmissions.append(np.linalg.norm(made.result.object))
        powers.append(np.sum(np.abs(made.result.probe) ** 2))
        assert made.misfit.value < 1e-3 + made.misfit.expected
    bare = np.abs(far_field(probe)) ** 2
    assert abs(bare[~valid].sum() / bare.sum() - frames[:, ~valid].sum() / frames.sum()) > 0.02, "shares must differ"
    assert transmissions[1] == pytest.approx(transmissions[0], rel=1e-4)
    assert powers[1] == pytest.approx(frames.sum() / len(frames), rel=2e-4)


def test_a_reference_that_diverged_is_refused(solver, monkeypatch):
    monkeypatch.setattr(reference, "scale_probe", lambda probe, photons, valid: np.full_like(probe, np.nan))
    with pytest.raises(ValueError, match="the full-dose reconstruction of the measured scan diverged"):
        reference.reconstruct_reference(SOURCE.counts, SOURCE.positions, SOURCE.probe, SETTINGS, ignore)
