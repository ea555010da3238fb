"""What became of a canvas: all zero, constant, not finite, or worth scoring."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptychostudy.physics.canvas import Canvas


def judge(canvas: Canvas) -> dict[str, Any]:
    """Return status, reason and statistics of a canvas on its covered pixels.

    Parameters
    ----------
    canvas : Canvas

    Returns
    -------
    dict
        ``status`` ok or failed; ``reason``; ``statistics`` with mean, std and max of the amplitude, std of the field,
        covered and non-zero pixels.
    """
    values = canvas.field[canvas.coverage > 0].astype(np.complex128)
    magnitude = np.abs(values)
    statistics: dict[str, float] = {
        "covered_px": int(values.size),
        "nonzero_px": int(np.count_nonzero(values)),
    }
    if values.size == 0 or not np.any(values):
        return {"status": "failed", "reason": "the output is all zero", "statistics": statistics}
    if not np.all(np.isfinite(values)):
        return {"status": "failed", "reason": "the output is not finite", "statistics": statistics}
    statistics |= {
        "mean": float(magnitude.mean()),
        "max": float(magnitude.max()),
        "std": float(magnitude.std()),
    }
    statistics["std_field"] = float(values.std())
    if statistics["std_field"] < 1e-4 * statistics["mean"]:
        return {"status": "failed", "reason": "the output is constant", "statistics": statistics}
    return {"status": "ok", "reason": "", "statistics": statistics}


class Statistics:
    """Mean, largest magnitude and number of non-zero values of patches that are seen once, part by part.

    Attributes
    ----------
    bad : int
        Values seen that are not finite.
    """

    def __init__(self) -> None:
        self.bad, self.size, self.nonzero = 0, 0, 0
        self.total, self.largest = 0.0, 0.0

    def add(self, patches: NDArray[Any]) -> None:
        """Take in patches of any shape."""
        finite = np.isfinite(patches)
        magnitude = np.abs(np.where(finite, patches, 0)).astype(np.float64)
        self.bad += int(np.count_nonzero(~finite))
        self.size += magnitude.size
        self.nonzero += int(np.count_nonzero(magnitude))
        self.total += float(magnitude.sum())
        self.largest = max(self.largest, float(magnitude.max(initial=0.0)))

    def text(self) -> str:
        """Return ``mean=..., max=..., nonzero_count=.../...``."""
        mean = self.total / max(self.size, 1)
        return f"mean={mean:.6f}, max={self.largest:.6f}, nonzero_count={self.nonzero}/{self.size}"
