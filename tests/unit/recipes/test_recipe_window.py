"""The window of a cell: what the settings say stays; what they leave to the scan covers its view."""

import numpy as np
import pytest

from ptychostudy.physics.canvas import PartialCanvas
from ptychostudy.physics.illumination import hull_mask
from ptychostudy.physics.probe_width import bright_diameter_px
from ptychostudy.physics.windows import scan_rectangle
from ptychostudy.recipes.stitch import ShardSums, stitch
from ptychostudy.recipes.window import StitchWindow, choose_window
from ptychostudy.sampling.groups import form_groups, group_geometry
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
        ({"window_px": 10, "window": "uniform"}, 10, "uniform"),
        # As before there was a choice.
        ({"window_px": 10}, 10, "uniform"),
    ],
)
def test_what_is_said_stays_and_is_not_recorded_again(settings, side, kind):
    window = choose_window(PatchSettings(**settings), SCAN, *view(0.5))
    assert window == StitchWindow(side, kind) and window.record == {}


@pytest.mark.parametrize("kept", [1.0, 0.8])
def test_what_the_scan_says_covers_it_with_groups_and_with_frames(kept):
    frames, groups = view(kept)
    window = choose_window(PatchSettings(), SCAN, frames, groups)
    assert window.kind == "hann" and window.side_px < N
    assert window.side_px >= 2 * int(bright_diameter_px(SCAN.probe) / 2)
    assert window.record == {"stitching": {"window_px": window.side_px, "window": "hann"}}
    positions = SCAN.positions[frames]
    origin, shape = scan_rectangle(SCAN.positions, window.side_px // 2 + 1)
    hull = hull_mask(positions, origin=origin, shape=shape)
    for members in (frames[groups], frames[:, None]):
        geometry = group_geometry(SCAN.positions, members, N)
        canvas = PartialCanvas(origin, shape)
        square = np.ones((window.side_px, window.side_px))
        # As `Centre` cuts it.
        corners = geometry.corners + (geometry.side - window.side_px) // 2
        canvas.add(np.broadcast_to(square, (len(members), *square.shape)), corners, square)
        assert not np.any(hull & (canvas.finish().coverage == 0))


def test_a_window_larger_than_a_frame_is_refused():
    """Where N follows the user's file nothing else knew it."""
    assert choose_window(PatchSettings(window_px=N), SCAN, *view(1.0)).side_px == N
    with pytest.raises(ValueError, match=rf"infer.window_px is {N + 1}, the frames have {N} x {N} pixels"):
        choose_window(PatchSettings(window_px=N + 1), SCAN, *view(1.0))


def test_a_weight_that_is_said_goes_with_a_width_that_is_not():
    assert choose_window(PatchSettings(window="uniform"), SCAN, *view(1.0)).kind == "uniform"


@pytest.mark.parametrize("record", [{}, {"stitching": {"window_px": 12, "window": "hann"}}])
def test_what_was_chosen_goes_with_the_canvas(record):
    ended = {"status": "ok", "reason": "", "statistics": {}, "groups": 1, "nonzero_inputs": 1}
    sums = np.ones((3, 4, 5), dtype=np.int64)
    _, found = stitch([ShardSums((0, 0), sums, {**ended, **record})] * 2)
    assert {key: found[key] for key in found if key == "stitching"} == record
