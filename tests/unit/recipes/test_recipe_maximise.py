"""The frames of a view on the canvas of their scan, what is held out of them, and simulated objects behind them."""

from dataclasses import replace

import numpy as np
import pytest

from ptychostudy.measure.misfit import scan_misfit
from ptychostudy.recipes.maximise import ViewOfScan, maximise_view
from ptychostudy.recipes.scan_canvas import COVERED, relative_light, scan_canvas
from ptychostudy.recipes.simulated_objects import simulated_objects
from ptychostudy.study.names import PHYSICS, TV
from ptychostudy.study.sections.maximise import MaximiseSettings
from scenes import N, behind, made_scan

OFF = (7, 12)
PLAIN = made_scan(1e4)
# Further from the object's first pixel, so that the canvas has an origin, unlike in rows and columns.
SCAN = replace(
    PLAIN, positions=PLAIN.positions + OFF, truth=np.pad(PLAIN.truth, [(side, 0) for side in OFF], mode="edge")
)
FRAMES = np.arange(1, len(SCAN.positions), 2)


def test_all_views_of_a_scan_have_one_canvas_that_holds_its_windows():
    views = [ViewOfScan.of(SCAN, index) for index in (FRAMES, FRAMES[:3])]
    assert views[0].origin == views[1].origin and views[0].shape == views[1].shape
    first = np.floor(views[0].positions + 0.5) - N // 2
    assert first.min() >= 0 and (first + N <= views[0].shape).all()
    everything = np.floor(SCAN.positions + 0.5) - N // 2 - views[0].origin
    assert everything.min(axis=0).tolist() == [2, 2]
    assert (everything + N).max(axis=0).tolist() == [side - 2 for side in views[0].shape]
    assert views[0].shape[0] != views[0].shape[1] and 0 < views[0].origin[0] < views[0].origin[1]


def test_a_canvas_begins_where_the_object_does():
    origin, shape = scan_canvas(np.array([[16.0, 17.0], [40.0, 60.0]]), 32)
    assert (origin, shape) == ((0, 0), (40 + 16 + 2, 60 + 16 + 2))


def test_a_part_of_a_view_stays_on_its_canvas():
    view = ViewOfScan.of(SCAN, FRAMES)
    part = view.only(np.array([5, 2]))
    assert part.index.tolist() == FRAMES[[5, 2]].tolist()
    assert part.origin == view.origin and part.shape == view.shape
    assert np.array_equal(part.positions, view.positions[[5, 2]])
    assert np.array_equal(part.frames[:], SCAN.counts[FRAMES[[5, 2]]])


def test_what_is_held_out_of_a_frame_does_not_ask_for_the_others():
    view = ViewOfScan.of(SCAN, FRAMES)
    part = np.array([7, 3])
    for whole, some in zip(view.split(0.2, 5, 1), view.only(part).split(0.2, 5, 1), strict=True):
        assert np.array_equal(whole.counts[:][part], some.counts[:])
    seen, held_out = view.split(0.2, 5)
    assert np.array_equal(seen.counts[:] + held_out.counts[:], SCAN.counts[FRAMES])
    power = np.sum(np.abs(SCAN.probe) ** 2)
    for likelihood, share in ((seen, 0.8), (held_out, 0.2)):
        assert np.sum(np.abs(likelihood.modes) ** 2) == pytest.approx(share * power, rel=1e-5)
        assert likelihood.counts[:].sum() / SCAN.counts[FRAMES].sum() == pytest.approx(share, rel=0.01)


def test_the_middle_of_a_view_is_a_small_canvas_about_it():
    view = ViewOfScan.of(SCAN, FRAMES)
    part = view.middle(9)
    assert len(part.index) == 9 and set(part.index) <= set(FRAMES) and (np.diff(part.index) > 0).all()
    centre = SCAN.positions[FRAMES].mean(axis=0)
    off = np.linalg.norm(SCAN.positions - centre, axis=1)
    assert off[part.index].max() <= min(off[index] for index in set(FRAMES) - set(part.index))
    assert part.shape < view.shape
    assert np.array_equal(part.positions + part.origin, view.positions[np.isin(FRAMES, part.index)] + view.origin)
    assert view.middle(1000).index.tolist() == FRAMES.tolist()


def test_coverage_is_relative_and_ends_where_there_is_too_little_light():
    view = ViewOfScan.of(SCAN, FRAMES)
    found = relative_light(SCAN.probe, view.positions, view.shape)
    assert found.dtype == np.float32 and found.max() == 1
    assert found[found > 0].min() > COVERED and (found == 0).any()
    np.testing.assert_allclose(relative_light(9 * SCAN.probe, view.positions, view.shape), found, rtol=1e-5)


def test_estimates_are_recorded_with_their_misfit_and_weight():
    settings = MaximiseSettings(iterations=8, smooth_iterations=4, weight=1.23456)
    steps = []
    found = maximise_view(SCAN, FRAMES, settings, lambda step, of: steps.append((step, of)))
    assert steps == [(1, 3), (2, 3), (3, 3)]
    view = ViewOfScan.of(SCAN, FRAMES)
    assert [estimate.arm for estimate in found] == [PHYSICS, TV]
    for estimate in found:
        assert estimate.canvas.origin == view.origin and estimate.canvas.field.shape == view.shape
        assert estimate.record["status"] == "ok" and estimate.record["frames"] == len(FRAMES)
        field = estimate.canvas.field
        wanted = scan_misfit(field, SCAN.probe, view.positions, SCAN.counts[FRAMES], SCAN.valid)
        assert estimate.record["misfit"] == wanted.record
    assert found[1].record["weight"] == 1.23456 and "weight" not in found[0].record


def test_a_mask_s_pixels_change_nothing_whatever_they_hold():
    valid = np.ones((N, N), bool)
    valid[3:9, 20] = valid[16, 17] = False
    settings = MaximiseSettings(iterations=5, smooth_iterations=3)
    fields = [
        [estimate.canvas.field for estimate in maximise_view(behind(SCAN, valid, fill), FRAMES[:20], settings)]
        for fill in (0, 4_000_000)
    ]
    assert np.array_equal(fields[0], fields[1])
    unmasked = maximise_view(SCAN, FRAMES[:20], settings)[0].canvas.field
    assert not np.array_equal(unmasked, fields[0][0])


def test_frames_without_light_are_recorded_as_failed():
    """Of nothing the likelihood makes an object that is nearly zero, not exactly: that is no reconstruction."""
    dark = replace(SCAN, counts=np.zeros_like(SCAN.counts))
    for estimate in maximise_view(dark, FRAMES[:12], MaximiseSettings(iterations=3, smooth_iterations=2)):
        assert np.isfinite(estimate.canvas.field).all() and estimate.canvas.field.any()
        assert (estimate.record["status"], estimate.record["reason"]) == ("failed", "no frame holds a photon")


@pytest.mark.parametrize("kinds", [["lines", "siemens", "grf"], ["lines", "lines"]])
def test_simulated_objects_span_what_the_estimate_does(kinds):
    view = ViewOfScan.of(SCAN, FRAMES)
    rng = np.random.default_rng(0)
    estimate = rng.uniform(0.4, 0.9, view.shape) * np.exp(1j * rng.uniform(0, 1.5, view.shape) + 2j)
    found = list(simulated_objects(view, estimate, dict(enumerate(kinds)), seed=7))
    assert len(found) == len(kinds)
    for likelihood, object_ in found:
        assert object_.shape == view.shape == likelihood.shape and object_.dtype == np.complex64
        # Between the hundredths at either end, of 0.4 to 0.9 and of 1.5 rad.
        assert np.abs(object_).min() == pytest.approx(0.405, abs=0.01)
        assert np.abs(object_).max() == pytest.approx(0.895, abs=0.01)
        assert np.ptp(np.angle(object_ * np.exp(-1j * np.angle(object_.mean())))) == pytest.approx(1.47, abs=0.03)
        # Its frames are those of this object, at the view's places and dose.
        value, _ = likelihood.value_and_gradient(object_)
        other, _ = likelihood.value_and_gradient(np.roll(object_, 2, axis=1))
        assert value < 0.7 * likelihood.pixels and value < 0.8 * other
    assert not np.array_equal(found[0][1], found[1][1])
    again = list(simulated_objects(view, estimate, dict(enumerate(kinds)), seed=7))
    assert all(np.array_equal(first[1], second[1]) for first, second in zip(found, again, strict=True))
    assert np.array_equal(found[0][0].counts[:], again[0][0].counts[:])
