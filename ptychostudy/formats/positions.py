"""Positions in files: the one place where the keys ``ycoords`` and ``xcoords`` are spelt.

Everywhere else positions are one array (k, 2) of window centres ``(row, col)`` in object pixels.
Files hold two vectors, as the scans of users do.
"""

from collections.abc import Mapping

import numpy as np

# Rows before columns, as in the array; members of a file are written in this order.
COORDINATES = ("ycoords", "xcoords")
# For messages.
BOTH = " and ".join(repr(key) for key in COORDINATES)


def read_positions(arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the positions (k, 2) ``(row, col)`` of a file, in the type of its coordinates.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Holds the keys `COORDINATES`, each (k,).
    """
    rows, cols = (arrays[key] for key in COORDINATES)
    return np.stack([rows, cols], axis=1)


def position_arrays(positions: np.ndarray) -> dict[str, np.ndarray]:
    """Return the members of a file that hold positions (k, 2) ``(row, col)``."""
    return {key: positions[:, axis] for axis, key in enumerate(COORDINATES)}
