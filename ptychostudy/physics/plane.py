"""The plane of a phase: what a field is without its best plane."""

import numpy as np


def without_plane(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Subtract from a real (H, W) image the plane ``a + b row + c col`` that fits it best.

    Only the pixels of the (H, W) bool mask decide on the plane; it is taken off all of them.
    """
    rows = coordinates(image.shape[0])[:, None]
    cols = coordinates(image.shape[1])[None, :]
    level, down, right = _fit(image, (np.ones((1, 1)), rows, cols), mask)
    rest: np.ndarray = image - (level + down * rows + right * cols)
    return rest


def _fit(image: np.ndarray, terms: tuple[np.ndarray, ...], mask: np.ndarray) -> np.ndarray:
    """Return the factors of the terms whose sum fits the image best on the mask."""
    basis = np.broadcast_arrays(*terms)
    # Normal equations in place of a matrix with a row per pixel: objects may have 8192 pixels a
    # side. Coordinates about the middle, of order one, keep the three equations well apart.
    gram = [[np.sum(one * other, where=mask) for other in basis] for one in basis]
    moments = [np.sum(one * image, where=mask) for one in basis]
    factors: np.ndarray = np.linalg.lstsq(gram, moments)[0]
    return factors


def coordinates(size: int) -> np.ndarray:
    """Return the centres of ``size`` pixels as fractions of the side, from the middle."""
    return (np.arange(size) - (size - 1) / 2) / size
