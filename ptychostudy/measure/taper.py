"""The window under which fields are transformed, so that their edges do not correlate."""

import numpy as np


def tukey_window(shape: tuple[int, ...], taper: float) -> np.ndarray:
    """Return the (H, W) product of two Tukey windows.

    Their cosine slopes take the share `taper` of each side. Harris 1978
    (doi:10.1109/PROC.1978.10837), zero at the first and last pixel. Written here because importing
    `scipy.signal` takes as long as everything else of an alignment together.
    """
    rows, cols = (_tukey_side(size, taper) for size in shape)
    return np.outer(rows, cols)


def _tukey_side(size: int, taper: float) -> np.ndarray:
    steps = np.arange(size)
    inward = np.minimum(steps, steps[::-1])
    # A taper of 0 leaves a plain rectangle; its border pixels stay zero as of any other taper.
    slope = max(taper * (size - 1) / 2, 1e-9)
    rise = np.minimum(inward / slope, 1.0)
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * rise))
