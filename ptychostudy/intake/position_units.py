"""In which unit a user's positions can be: judged by the step of the scan and the probe's width."""

import math
from pathlib import Path

import numpy as np
import scipy

from ptychostudy.formats.positions import BOTH
from ptychostudy.intake.doubts import Doubts
from ptychostudy.io.atomic import DataError
from ptychostudy.physics.probe_width import bright_diameter_px
from ptychostudy.physics.probes import probe_diameter_px

# Metres, but for pixels, whose length is a setting.
METRES = {"m": 1.0, "mm": 1e-3, "um": 1e-6, "nm": 1e-9}
UNITS = ("px", *METRES)
# Closer neighbours than this share of the probe tell each other nothing new: no scan has them.
_CLOSEST = 0.005
# Decimals of a converted pixel: what a division by the pixel's length leaves is no fraction.
_DECIMALS = 9


def reach_px(probe: np.ndarray) -> float:
    """Return the distance from which on two frames share no light, (N, N) complex probe."""
    return min(probe_diameter_px(probe), float(len(probe)))


def nearest_distances(positions: np.ndarray) -> np.ndarray:
    """Return the distance of each position (k, 2) to the nearest other; infinite for a single one.

    Exact duplicates are each other's neighbours, at distance 0.
    """
    if len(positions) < 2:
        return np.full(len(positions), np.inf)
    # The first neighbour that the tree finds is the position itself.
    distances, _ = scipy.spatial.KDTree(positions).query(positions, k=[2])
    return np.asarray(distances).ravel()


def median_step(positions: np.ndarray) -> float:
    """Return the median distance of the distinct positions (k, 2) to their nearest neighbour."""
    return float(np.median(nearest_distances(np.unique(positions, axis=0))))


def pixels_per_unit(unit: str, pixel_size_m: float) -> float:
    """Return how many object pixels one unit is."""
    return METRES[unit] / pixel_size_m if unit in METRES else 1.0


def to_pixels(positions: np.ndarray, unit: str, pixel_size_m: float) -> np.ndarray:
    """Return positions (k, 2) in object pixels."""
    if unit not in METRES:
        return positions
    # What is no length at all becomes infinite here, and is refused as not finite.
    with np.errstate(over="ignore"):
        return np.round(positions * pixels_per_unit(unit, pixel_size_m), _DECIMALS)


def overlaps(
    step: float, pixel_size_m: float, diameter_px: float
) -> dict[str, tuple[float, float]]:
    """Return for each unit the step in pixels, and the linear overlap ``1 - step / diameter``."""
    steps = {unit: step * pixels_per_unit(unit, pixel_size_m) for unit in UNITS}
    return {unit: (px, max(0.0, 1 - px / diameter_px)) for unit, px in steps.items()}


def can_be_pixels(positions: np.ndarray, probe: np.ndarray) -> bool:
    """Say whether positions (k, 2) can be pixels.

    Neighbours share light, are not the same, and the whole is larger than a pixel.
    """
    step = median_step(positions)
    if not math.isfinite(step):
        return True
    closest = _CLOSEST * bright_diameter_px(probe)
    span = float(np.ptp(positions, axis=0).max())
    return closest <= step < bright_diameter_px(probe) and span >= 1


def in_pixels(
    positions: np.ndarray,
    probe: np.ndarray,
    unit: str,
    pixel_size_m: float,
    doubts: Doubts,
    *,
    per_pixel: tuple[float, float] = (1.0, 1.0),
) -> np.ndarray:
    """Return positions in object pixels.

    Parameters
    ----------
    positions : (k, 2) float
        As they are in the file.
    probe : (N, N) complex
    unit : {'auto', 'px', 'm', 'mm', 'um', 'nm'}
        ``auto`` takes pixels where they can be, and refuses otherwise.
    pixel_size_m : float
        Object pixel.
    doubts : Doubts
    per_pixel : (float, float)
        Object pixels for one pixel (row, col) of the file, whose probe has another side.

    Raises
    ------
    DataError
        With the overlap that each unit would give.
    """
    pixels = to_pixels(positions, unit, pixel_size_m)
    if unit not in METRES:
        pixels = pixels * per_pixel
    if unit in METRES:
        doubts.say(f"positions taken as {unit}: {_extent(pixels)} pixels of {pixel_size_m:g} m")
        doubts.done["position_unit"] = unit
    # All in one place is said by name later.
    if np.ptp(pixels, axis=0).any() and not can_be_pixels(pixels, probe):
        text = _refusal(positions, pixels, probe, unit, pixel_size_m)
        doubts.doubt("units", text, _likely(positions, probe, pixel_size_m, unit))
    return pixels


def check_no_metres(path: str | Path, positions: np.ndarray) -> None:
    """Refuse positions in metres, which lie within the millionth part of a pixel."""
    span = float(np.ptp(positions, axis=0).max())
    if len(positions) > 1 and span < 1:
        raise DataError(
            f"{path}: all positions lie within {span:.3g} pixels; needed: object pixels, not metres"
        )


def _likely(
    positions: np.ndarray, probe: np.ndarray, pixel_size_m: float, taken: str
) -> dict[str, str]:
    """Return the one unit, beside that taken, in which the positions can be a scan, or nothing."""
    others = [unit for unit in UNITS if unit != taken]
    can = [
        unit for unit in others if can_be_pixels(to_pixels(positions, unit, pixel_size_m), probe)
    ]
    return {"position_unit": can[0]} if len(can) == 1 else {}


def _extent(pixels: np.ndarray) -> str:
    rows, cols = np.ptp(pixels, axis=0).tolist()
    return f"{rows:.4g} x {cols:.4g}"


def _refusal(
    raw: np.ndarray, pixels: np.ndarray, probe: np.ndarray, unit: str, pixel_size_m: float
) -> str:
    diameter = bright_diameter_px(probe)
    taken = unit if unit in METRES else "pixels"
    return (
        f"{_place(pixels)} if they are {taken}, with a probe {diameter:.3g} px wide; "
        "needed: object pixels, or base.npz.position_unit set to what they are "
        f"({_candidates(raw, diameter, pixel_size_m)}; base.pixel_size_m is {pixel_size_m:g})"
    )


def _place(pixels: np.ndarray) -> str:
    span = float(np.ptp(pixels, axis=0).max())
    # A scan in metres is within a millionth of a pixel.
    if span < 1:
        return f"all positions lie within {span:.3g} pixels"
    step = median_step(pixels)
    return f"{BOTH} span {_extent(pixels)} pixels, neighbours are {step:.3g} apart"


def _candidates(raw: np.ndarray, diameter_px: float, pixel_size_m: float) -> str:
    each = overlaps(median_step(raw), pixel_size_m, diameter_px)
    texts = [f"{unit}: step {px:.3g} px, overlap {share:.0%}" for unit, (px, share) in each.items()]
    return "; ".join(texts)
