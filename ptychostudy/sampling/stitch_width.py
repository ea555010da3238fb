"""How wide the stitched centre of a patch has to be, and may be, in a view of a scan.

The plane must be covered without holes wherever there is light; beyond its light a patch says
nothing.
"""

import numpy as np
import scipy

from ptychostudy.physics.illumination import hull_mask
from ptychostudy.physics.probe_width import bright_diameter_px
from ptychostudy.physics.probes import probe_diameter_px
from ptychostudy.physics.windows import light, scan_rectangle

# A canvas holds the scan with half a window and a pixel about it, and windows may end where the
# object does.
_BORDER_PX = 4
# Of the light of all patches; the rest lies in tails that would double the square.
_LIT = 0.99


def stitch_width_px(positions: np.ndarray, centres: np.ndarray, probe: np.ndarray) -> int:
    """Return the side M of the centres of patches that cover what a view has scanned.

    At least as wide as the bright part of the probe, all of which is known well; wider where the
    hull of the scan would have holes, but not beyond the disc of 99 % of the light, nor the window.

    Parameters
    ----------
    positions : (k, 2) float
        Window centres (row, col) of the view's frames.
    centres : (g, 2) int
        Object pixel (row, col) of each patch's middle element, `P // 2` of a side P.
    probe : (N, N) complex

    Returns
    -------
    int
        An even number, at least 2 and less than N.
    """
    widest = len(probe) - _BORDER_PX
    light = min(probe_diameter_px(probe), widest)
    bright = min(bright_diameter_px(probe), light)
    wanted = max(bright, covering_width_px(positions, centres))
    return max(2, 2 * int(min(wanted, light) / 2))


def lit_width_px(probe: np.ndarray, offsets: np.ndarray, side: int) -> int:
    """Return the side of the square in the middle of patches that holds 99 % of their light.

    Parameters
    ----------
    probe : (N, N) or (m, N, N) complex
    offsets : (g, C, 2) int
        First pixel (row, col) of each frame's window in its patch.
    side : int
        Side P of the patches.

    Returns
    -------
    int
        An even number, at least 2 and less than N.
    """
    n = probe.shape[-1]
    # The middle of a window that begins there.
    centres = offsets.reshape(-1, 2) + n // 2
    power = light(probe, centres, (side, side))
    # Of square rings about the middle, from within.
    away = np.abs(np.arange(side) - (side - 1) / 2).astype(int)
    rings = np.bincount(np.maximum(away[:, None], away).ravel(), weights=power.ravel())
    held = np.cumsum(rings)
    half = int(np.searchsorted(held, _LIT * held[-1])) + 1
    widest = 2 * int((n - _BORDER_PX) // 2)
    return min(2 * half, widest)


def covering_width_px(positions: np.ndarray, centres: np.ndarray) -> int:
    """Return the smallest even side of squares that leave no hole in the hull of a scan.

    Parameters
    ----------
    positions : (k, 2) float
        Their convex hull is to be covered.
    centres : (g, 2) int
        Of a square of side M the pixels from ``centre - M / 2`` to ``centre + M / 2 - 1``.
    """
    origin, shape = scan_rectangle(positions, 1)
    hull = hull_mask(positions, origin=origin, shape=shape)
    # An even square has its middle half a pixel before its centre.
    pixels = np.argwhere(hull) + np.array(origin) + 0.5
    distances, _ = scipy.spatial.KDTree(centres).query(pixels, p=np.inf)
    return int(2 * np.max(distances) + 1)
