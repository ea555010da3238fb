"""Scene: an object, a probe, and where the probe stands on the object."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Scene:
    """What is scanned, with what, and where.

    Attributes
    ----------
    object : (H, W) complex
    probe : (N, N) complex, or (m, N, N) of several modes
    positions : (k, 2) float
        Window centres (row, col) in object pixels.
    """

    object: np.ndarray
    probe: np.ndarray
    positions: np.ndarray

    def part(self, index: np.ndarray) -> "Scene":
        """Return the same scene with some (k,) of its positions."""
        return Scene(self.object, self.probe, self.positions[index])
