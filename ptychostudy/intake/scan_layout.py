"""Whether positions in pixels make a scan: frames that meet, over an area, from a corner on."""

import math

import numpy as np
import scipy

from ptychostudy.formats.positions import BOTH
from ptychostudy.intake.doubts import Doubts, listed
from ptychostudy.intake.position_units import nearest_distances, reach_px
from ptychostudy.physics.links import merged
from ptychostudy.physics.probe_width import bright_diameter_px
from ptychostudy.physics.windows import corners

# Pixels between the outermost windows and the corner of an object that is shifted there.
MARGIN_PX = 2
# Of a pixel: positions as near to one straight line are on it.
_STRAIGHT_PX = 1e-3
# Frames of a group, and in two parts of a scan.
_GROUP = 4
_FEWEST = 2 * _GROUP
# Of the reach of the probe: places so near are one.
_SAME = 1 / 4
# Places looked at in one go.
_PLACES = 1024


def check_layout(positions: np.ndarray, probe: np.ndarray, doubts: Doubts) -> None:
    """Refuse positions that no object can be scanned with.

    Parameters
    ----------
    positions : (k, 2) float
        Window centres (row, col) in object pixels.
    probe : (N, N) complex
    doubts : Doubts

    Raises
    ------
    DataError
        For few positions, a line, a scan smaller than its probe, frames that meet no other, or
        parts of a scan that do not meet.
    """
    check_places(positions, doubts)
    _check_number(positions, doubts)
    _check_line(positions, doubts)
    _check_size(positions, probe, doubts)
    _check_isolated(positions, probe, doubts)
    _check_islands(positions, probe, doubts)


def check_places(positions: np.ndarray, doubts: Doubts) -> None:
    """Refuse a scan (k, 2) of which all frames are at one place."""
    if len(positions) > 1 and not np.ptp(positions, axis=0).any():
        row, col = positions[0].tolist()
        doubts.refuse(
            f"all {len(positions)} positions in {BOTH} are the same, "
            f"({row:g}, {col:g}); needed: distinct positions"
        )


def off_line_px(positions: np.ndarray) -> float:
    """Return the largest distance of positions (k, 2) from the straight line that fits them."""
    about_mean = positions - positions.mean(axis=0)
    across = np.linalg.svd(about_mean, full_matrices=False)[2][-1]
    return float(np.abs(about_mean @ across).max())


def _check_number(positions: np.ndarray, doubts: Doubts) -> None:
    """Refuse a scan that cannot be cut in two parts of a group each."""
    if len(positions) < _FEWEST:
        doubts.doubt(
            "small",
            f"the scan has {len(positions)} frames; needed: at least {_FEWEST}, which is one group "
            f"of {_GROUP} to train on (overlap.gridsize 2) and one to be tested on",
        )


def _check_line(positions: np.ndarray, doubts: Doubts) -> None:
    if len(positions) > 2 and off_line_px(positions) < _STRAIGHT_PX:
        doubts.doubt(
            "line",
            f"all {len(positions)} positions in {BOTH} lie on one straight line, "
            "which has no area to reconstruct or to compare; needed: a scan in two dimensions",
        )


def _check_size(positions: np.ndarray, probe: np.ndarray, doubts: Doubts) -> None:
    diameter = bright_diameter_px(probe)
    rows, cols = np.ptp(positions, axis=0).tolist()
    if max(rows, cols) < diameter:
        doubts.doubt(
            "small",
            f"{BOTH} span {rows:.4g} x {cols:.4g} pixels, which is less than the "
            f"probe, {diameter:.3g} px wide; needed: a scan larger than its probe, of which one "
            "part can train and another be tested on",
        )


def isolated(positions: np.ndarray, reach: float) -> np.ndarray:
    """Return the indices of the positions (k, 2) whose nearest other is `reach` pixels off."""
    return np.flatnonzero(nearest_distances(positions) >= reach)


def _check_isolated(positions: np.ndarray, probe: np.ndarray, doubts: Doubts) -> None:
    reach = reach_px(probe)
    alone = isolated(positions, reach)
    if len(alone):
        doubts.doubt(
            "isolated",
            f"{len(alone)} of {len(positions)} positions in {BOTH} have no other "
            f"within {reach:.3g} px, where the probe's light ends: frames {listed(alone)}; "
            "needed: frames that overlap, or base.npz.drop_frames with these",
        )


def islands(positions: np.ndarray, reach: float) -> list[np.ndarray]:
    """Return the indices of the positions (k, 2) of each part that meets no other, largest first.

    Two positions nearer than `reach` are of one part; places are rounded to a quarter of it.
    """
    # A probe of one pixel has no reach.
    cell = max(reach, 1.0) * _SAME
    places, of_place = np.unique(np.floor(positions / cell), axis=0, return_inverse=True)
    # What rounding can move together is taken as near.
    parts = _parts(places, 1 / _SAME + math.sqrt(2))
    of_position = parts[np.ravel(of_place)]
    each = [np.flatnonzero(of_position == part) for part in range(int(parts.max()) + 1)]
    return sorted(each, key=len, reverse=True)


def _parts(places: np.ndarray, near: float) -> np.ndarray:
    """Return of which part each place (m, 2) is, numbered by their first places."""
    tree = scipy.spatial.KDTree(places)
    parts: np.ndarray = np.arange(len(places))
    # A place of a dense scan has some ninety others near: pairs of few places are held at a time.
    for start in range(0, len(places), _PLACES):
        own = scipy.spatial.KDTree(places[start : start + _PLACES])
        pairs = own.sparse_distance_matrix(tree, near, output_type="ndarray")
        parts = merged(parts, pairs["i"] + start, pairs["j"])
    return parts


def _check_islands(positions: np.ndarray, probe: np.ndarray, doubts: Doubts) -> None:
    reach = reach_px(probe)
    parts = islands(positions, reach)
    # Frames that are alone were named already.
    several = [part for part in parts if len(part) > 1]
    if len(several) < 2:
        return
    sizes = " + ".join(str(len(part)) for part in several)
    doubts.doubt(
        "isolated",
        f"the positions in {BOTH} fall into {len(several)} parts ({sizes} frames) that are "
        f"{reach:.3g} px or more apart, where the probe's light ends: nothing ties the phases of "
        f"one to those of another; needed: one part, as by base.npz.drop_frames with the frames of "
        f"the others, of which the first is {several[-1][0]}",
    )


def shift_px(positions: np.ndarray, n: int) -> np.ndarray:
    """Return the whole pixels (2,) by which positions must move to lie at the corner of an object.

    Zero where all windows are inside it already, and less than a window away from it.

    Parameters
    ----------
    positions : (k, 2) float
    n : int
        Window side.
    """
    first = corners(positions, n).min(axis=0)
    lies_well = (first >= 0) & (first <= n)
    return np.where(lies_well, 0, MARGIN_PX - first)


def at_corner(positions: np.ndarray, n: int, doubts: Doubts) -> np.ndarray:
    """Return positions (k, 2) moved to the corner where they are not there, and say so.

    The origin of measured positions is free: stages count from anywhere, their middle or a
    reference mark far off. Whole pixels keep the fractions as they are.
    """
    shift = shift_px(positions, n)
    if not shift.any():
        return positions
    rows, cols = shift.tolist()
    doubts.say(
        f"positions shifted by ({rows:+d}, {cols:+d}) pixels (row, col) so that all windows lie at "
        "the corner of the object"
    )
    doubts.done["shift_px"] = [rows, cols]
    return np.asarray(positions + shift)
