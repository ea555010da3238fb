"""Up to which frequency a ring correlation is above a threshold, and how well that is known."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ptychostudy.measure.frc import RingCurve


class Cutoff(NamedTuple):
    """Up to where a curve is above a threshold.

    Attributes
    ----------
    frequency : float
        Fraction of Nyquist, at most 1, by `extent`.
    low, high : float
        The same of the curve lowered and raised by its standard error: far apart where the curve
        runs along the threshold, and rings of little more or less correlation would decide.
    ring : float
        Interpolated index of the ring at which the curve first falls below, by `crossing`.
    saturated : bool
        It never does; `ring` is then the curve's length.
    """

    frequency: float
    low: float
    high: float
    ring: float
    saturated: bool


def extent(curve: ArrayLike, threshold: ArrayLike) -> float:
    """Return on how many rings the line through a curve's points is above a threshold.

    Where a curve only falls this is the ring of its crossing. Where noise takes it across several
    times the rings above count, in whichever order they come: the crossing of the curve with its
    points sorted, the rearrangement of Chernozhukov, Fernandez-Val and Galichon 2009
    (doi:10.1093/biomet/asp030), which is never farther from a falling truth than the curve itself.
    The first crossing stands too low by as much as a dip of noise reaches, and jumps from one dip
    to the next with the least change of the curve.

    Parameters
    ----------
    curve : (k,) float
        Correlation.
    threshold : float or (k,) float
        One threshold, or one for each point.

    Returns
    -------
    float
        0 if no point is above; k if none is below.
    """
    height = _height(curve, threshold)
    if not np.any(height < 0):
        return float(height.size)
    pairs = np.stack([height[:-1], height[1:]])
    upper = pairs.max(axis=0)
    lower = pairs.min(axis=0)
    # Of a step across the threshold the part above it; of any other step all or nothing.
    drop = np.where(lower < 0, upper - lower, 1.0)
    part = np.where(upper > 0, upper / np.where(drop > 0, drop, 1.0), 0.0)
    above = np.where(lower < 0, part, 1.0)
    return float(above.sum())


def crossing(curve: ArrayLike, threshold: ArrayLike) -> float:
    """Return the index, linearly interpolated, at which a curve first falls below a threshold.

    Parameters
    ----------
    curve : (k,) float
        Correlation.
    threshold : float or (k,) float
        One threshold, or one for each point.

    Returns
    -------
    float
        0 if the first point is below already; k if none is.
    """
    height = _height(curve, threshold)
    below = np.flatnonzero(height < 0)
    if below.size == 0:
        return float(height.size)
    # The first crossing counts, also where noise lifts a later ring above the threshold again.
    first = int(below[0])
    return 0.0 if first == 0 else _zero_between(height, first - 1)


def _height(curve: ArrayLike, threshold: ArrayLike) -> np.ndarray:
    return np.asarray(curve, dtype=np.float64) - np.asarray(threshold, dtype=np.float64)


def _zero_between(height: np.ndarray, before: int) -> float:
    """Return where the line through two neighbouring points is zero."""
    above = height[before]
    below = height[before + 1]
    return float(before + above / (above - below))


def cutoff(curve: RingCurve, threshold: float | str) -> Cutoff:
    """Find up to where a `RingCurve` is above a threshold.

    Parameters
    ----------
    curve : RingCurve
        Ring correlation.
    threshold : float or 'half_bit'
        0.5 against truth, 1/7 between half data sets, or the curve's own half-bit threshold (ring
        0, a single pixel with the threshold 1, is then judged like ring 1).

    Returns
    -------
    Cutoff
    """
    if isinstance(threshold, str) and threshold != "half_bit":
        raise ValueError(f"threshold must be a number or 'half_bit', found {threshold!r}")
    wanted = _own_threshold(curve) if isinstance(threshold, str) else threshold
    middle = extent(curve.correlation, wanted)
    low = extent(curve.correlation - curve.error, wanted)
    high = extent(curve.correlation + curve.error, wanted)
    first = crossing(curve.correlation, wanted)
    nyquist = curve.side_px / 2
    # Of an even side the last ring lies at Nyquist and the curve's length beyond it.
    frequency, lowest, highest = (min(1.0, rings / nyquist) for rings in (middle, low, high))
    return Cutoff(frequency, lowest, highest, first, first == curve.correlation.size)


def _own_threshold(curve: RingCurve) -> np.ndarray:
    return np.concatenate([curve.half_bit[1:2], curve.half_bit[1:]])


def half_period_px(frequency: float, side_px: int) -> float:
    """Return the resolution in pixels, ``1 / frequency`` of the Nyquist fraction.

    It is at most the side of the crop. At Nyquist a half period is one pixel; multiply by the pixel
    size for metres.
    """
    return float(min(side_px, 1 / max(frequency, 1 / side_px)))
