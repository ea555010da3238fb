"""Which pixels of a detector count photons: one mask for a whole scan, in files only if needed."""

from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.formats.frames import wrong_kind
from ptychostudy.io.arrays import member_names, read_npz
from ptychostudy.io.atomic import DataError

VALID = "valid_pixels"
"""Key of the mask (N, N) bool, true where photons are counted; absent where all pixels are."""


def valid_arrays(valid: np.ndarray) -> dict[str, np.ndarray]:
    """Return what a file holds of a mask: nothing where every pixel counts.

    So a detector without bad pixels leaves the files as they are without any mask.

    Parameters
    ----------
    valid : (N, N) bool
    """
    return {} if valid.all() else {VALID: np.asarray(valid, dtype=bool)}


def mask_record(valid: np.ndarray) -> dict[str, Any]:
    """Return what metadata say of a mask (N, N): nothing where every pixel counts."""
    if valid.all():
        return {}
    return {"masked_pixels": int(np.sum(~valid)), "photons": "of the valid pixels"}


def read_valid(path: str | Path, n: int) -> np.ndarray:
    """Return the mask (n, n) of a canonical file; every pixel counts where it holds none.

    Raises
    ------
    DataError
        If it is no mask of n by n pixels, or leaves none.
    """
    if VALID not in member_names(path):
        return np.ones((n, n), dtype=bool)
    valid = read_npz(path, [VALID])[VALID]
    if valid.shape != (n, n) or valid.dtype != bool:
        raise wrong_kind(path, VALID, valid, f"bool of shape ({n}, {n})")
    if not valid.any():
        raise DataError(f"{path}: key {VALID!r} leaves no pixel; needed: pixels that count photons")
    return valid
