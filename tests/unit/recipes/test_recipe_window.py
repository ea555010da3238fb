"""The window of a cell: what the settings say stays; what they leave to the scan covers its view."""

from dataclasses import replace

import numpy as np
import pytest

from ptychostudy.physics.canvas import stitch_window
from ptychostudy.physics.illumination import hull_mask
from ptychostudy.physics.windows import light
from ptychostudy.recipes.squares import Squares
from ptychostudy.recipes.window import StitchWindow, choose_window
from ptychostudy.sampling.groups import form_groups
from ptychostudy.study.sections.infer import PatchSettings
from scenes import N, made_scan

SCAN = made_scan()


def view(kept, size=4):
    rng = np.random.default_rng(2)
    frames = np.sort(rng.permutation(len(SCAN.positions))[: int(kept * len(SCAN.positions))])
    return frames, form_groups(SCAN.positions[frames], size, rng)


@pytest.mark.parametrize(
    ("settings", "side", "kind"),
    [
        ({"window_px": 10, "window": "hann"}, 10, "hann"),
        # The ancestor's form.
        ({"window_px": 20, "window": "uniform"}, 20, "uniform"),
        ({"window_px": 10}, 10, "light"),
    ],
)
def test_what_is_said_stays(settings, side, kind):
    window = choose_window(PatchSettings(**settings), SCAN, *view(0.5))
    assert window == StitchWindow(side, kind)
    assert window.record == {"window_px": side, "window": kind}


@pytest.mark.parametrize("kind", ["light", "uniform", "hann", "auto"])
@pytest.mark.parametrize("kept", [1.0, 0.8])
def test_what_the_scan_says_covers_it_with_groups_and_with_frames(kept, kind):
    frames, groups = view(kept)
    window = choose_window(PatchSettings(window=kind), SCAN, frames, groups)
    assert window.window == ("light" if kind == "auto" else kind)
    assert window.window_px < N and window.window_px % 2 == 0
    for members in (frames[groups], frames[:, None]):
        squares = Squares.of(SCAN, members, window)
        weights = squares.weights(np.arange(len(squares)))
        canvas = squares.canvas()
        canvas.add_weighted(weights, squares.corners, weights)
        found = canvas.finish()
        hull = hull_mask(SCAN.positions[frames], origin=found.origin, shape=found.field.shape)
        assert not np.any(hull & (found.coverage == 0))


def test_a_window_larger_than_a_frame_is_refused():
    """Where N follows the user's file nothing else knew it."""
    assert choose_window(PatchSettings(window_px=N), SCAN, *view(1.0)).window_px == N
    with pytest.raises(ValueError, match=rf"infer.window_px is {N + 1}, the frames have {N} x {N} pixels"):
        choose_window(PatchSettings(window_px=N + 1), SCAN, *view(1.0))


@pytest.mark.parametrize("size", [1, 4])
def test_light_is_that_of_the_frames_of_the_group(size):
    frames, groups = view(0.9)
    members = frames[groups] if size > 1 else frames[:, None]
    squares = Squares.of(SCAN, members, StitchWindow(24, "light"))
    chosen = np.array([0, 5, len(squares) - 1])
    peak = np.max(np.abs(SCAN.probe) ** 2)
    for weights, group in zip(squares.weights(chosen), chosen, strict=True):
        row, col = squares.corners[group]
        whole = light(SCAN.probe, SCAN.positions[members[group]], SCAN.truth.shape) / peak
        seen = np.pad(whole, 24)[row + 24 :, col + 24 :][:24, :24]
        # What is darker than a thousandth of the brightest pixel of a frame weighs nothing.
        np.testing.assert_allclose(weights, np.where(seen < 1e-3, 0, seen / size), rtol=1e-6)
        assert 0 < weights.max() <= 1 and weights.min() == 0


def test_modes_of_a_probe_light_together():
    modes = np.stack([SCAN.probe, 0.5j * np.roll(SCAN.probe, 4, axis=0)])
    squares = [
        Squares.of(source, np.arange(3)[:, None], StitchWindow(24, "light"))
        for source in (SCAN, replace(SCAN, modes=modes))
    ]
    one, both = (each.weights(np.arange(1))[0] for each in squares)
    rows = np.arange(24) - 11.5
    middles = [float((part.sum(axis=1) * rows).sum() / part.sum()) for part in (one, both)]
    assert middles[1] > middles[0] + 0.4
    assert both.max() == pytest.approx(1)


@pytest.mark.parametrize("kind", ["uniform", "hann"])
def test_other_weights_are_those_of_the_window(kind):
    squares = Squares.of(SCAN, np.arange(3)[:, None], StitchWindow(10, kind))
    weights = squares.weights(np.arange(3))
    np.testing.assert_array_equal(weights, np.broadcast_to(stitch_window(10, kind).astype(np.float32), (3, 10, 10)))


def test_squares_lie_in_the_middle_of_patches():
    """So that a cut of a patch begins where its corner says."""
    frames, groups = view(0.5)
    squares = Squares.of(SCAN, frames[groups], StitchWindow(12, "uniform"))
    side = squares.geometry.side
    rows, cols = np.indices((side, side))
    (cut,) = squares.cut((rows + 1000 * cols)[None])
    assert cut.shape == (12, 12)
    first = squares.corners - squares.geometry.corners
    assert np.all(first == [cut[0, 0] % 1000, cut[0, 0] // 1000])
    np.testing.assert_array_equal(squares.cut(np.ones((side, side))), np.ones((12, 12)))
