"""The plane of a phase: what a field is without its best plane."""

import numpy as np


def without_plane(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Subtract from a real (H, W) image the plane ``a + b row + c col`` that fits it best on a (H, W) bool mask."""
    rows, cols = coordinates(image.shape[0])[:, None], coordinates(image.shape[1])[None, :]
    basis = np.broadcast_arrays(np.ones((1, 1)), rows, cols)
    # Three sums each in place of a matrix with a row per pixel: objects may have 8192 pixels a side.
    gram = [[np.sum(one * other, where=mask) for other in basis] for one in basis]
    level, down, right = np.linalg.lstsq(gram, [np.sum(one * image, where=mask) for one in basis])[
        0
    ]
    rest: np.ndarray = image - (level + down * rows + right * cols)
    return rest


def coordinates(size: int) -> np.ndarray:
    """Return the centres of ``size`` pixels as fractions of the side, from the middle."""
    return (np.arange(size) - (size - 1) / 2) / size
