"""What became of a canvas: all zero, constant, not finite, or worth scoring."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptychostudy.physics.canvas import Canvas

# A field that scatters by 1e-5 of its mean holds nothing; by 1e-3 it may hold a weak object.
_STRUCTURE = 1e-4


def judge(canvas: Canvas) -> dict[str, Any]:
    """Return status, reason and statistics of a canvas on its covered pixels.

    Parameters
    ----------
    canvas : Canvas

    Returns
    -------
    dict
        ``status`` ok or failed; ``reason``; ``statistics`` with mean, std and max of the amplitude,
        std of the field, covered and non-zero pixels.
    """
    values = canvas.field[canvas.coverage > 0].astype(np.complex128)
    statistics = _pixels(values)
    reason = _unusable(values)
    if not reason:
        # Only here: of nothing, and with a NaN among the values, there is no mean.
        statistics |= _spread(values)
        reason = _structureless(statistics)
    status = "failed" if reason else "ok"
    return {"status": status, "reason": reason, "statistics": statistics}


def _pixels(values: np.ndarray) -> dict[str, float]:
    return {"covered_px": int(values.size), "nonzero_px": int(np.count_nonzero(values))}


def _unusable(values: np.ndarray) -> str:
    """Return why values have no statistics, or nothing."""
    if values.size == 0 or not np.any(values):
        return "the output is all zero"
    return "" if np.all(np.isfinite(values)) else "the output is not finite"


def _spread(values: np.ndarray) -> dict[str, float]:
    magnitude = np.abs(values)
    return {
        "mean": float(magnitude.mean()),
        "max": float(magnitude.max()),
        "std": float(magnitude.std()),
        "std_field": float(values.std()),
    }


def _structureless(statistics: dict[str, float]) -> str:
    # The complex spread: a pure-phase object has structure although its amplitude is constant.
    constant = statistics["std_field"] < _STRUCTURE * statistics["mean"]
    return "the output is constant" if constant else ""


class Statistics:
    """Mean, largest magnitude and number of non-zero values of patches seen once, part by part.

    Attributes
    ----------
    bad : int
        Values seen that are not finite.
    """

    def __init__(self) -> None:
        self.bad = 0
        self.size = 0
        self.nonzero = 0
        self.total = 0.0
        self.largest = 0.0

    def add(self, patches: NDArray[Any]) -> None:
        """Take in patches of any shape."""
        if patches.dtype.kind in "bu":
            # Counts are finite, and what they are.
            self._add_magnitudes(patches)
            return
        magnitude = np.array(np.abs(patches), dtype=np.float64)
        # One value that is not finite would hide all others in the mean; it is counted instead.
        if not np.isfinite(magnitude).all():
            bad = ~np.isfinite(patches)
            self.bad += int(np.count_nonzero(bad))
            magnitude[bad] = 0
        self._add_magnitudes(magnitude)

    def _add_magnitudes(self, magnitude: NDArray[Any]) -> None:
        self.size += magnitude.size
        self.nonzero += int(np.count_nonzero(magnitude))
        self.total += float(magnitude.sum(dtype=np.float64))
        self.largest = max(self.largest, float(magnitude.max(initial=0)))

    def text(self) -> str:
        """Return ``mean=..., max=..., nonzero_count=.../...``."""
        mean = self.total / max(self.size, 1)
        nonzero = f"{self.nonzero}/{self.size}"
        return f"mean={mean:.6f}, max={self.largest:.6f}, nonzero_count={nonzero}"
