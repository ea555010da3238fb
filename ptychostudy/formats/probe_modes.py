"""Modes of a probe in canonical files: a key of their own beside the one wave of ``probeGuess``."""

from pathlib import Path

import numpy as np

from ptychostudy.formats.frames import check_finite, wrong_kind
from ptychostudy.io.arrays import member_names, read_npz
from ptychostudy.physics.modes import first_mode

# Of the largest amplitude: what single precision and a power that is summed anew leave.
_SAME = 1e-3
MODES = "probeModes"
"""Key of the modes (k, N, N) of a probe, brightest first; absent where there is one only."""


def mode_arrays(probe: np.ndarray) -> dict[str, np.ndarray]:
    """Return what a file holds of a probe (N, N), or of its modes (k, N, N).

    ``probeGuess`` is one wave in any file, for who knows of one only: the first mode with the
    power of all of them.
    """
    arrays = {"probeGuess": first_mode(probe)}
    return arrays if probe.ndim == 2 or len(probe) == 1 else {**arrays, MODES: probe}


def belong_together(probe: np.ndarray, modes: np.ndarray) -> bool:
    """Say whether a probe (N, N) is what `mode_arrays` makes of modes (k, N, N)."""
    waves = modes.dtype.kind == probe.dtype.kind == "c"
    if not waves or modes.ndim != 3 or modes.shape[1:] != probe.shape:
        return False
    if not modes[:1].any() or not (np.isfinite(modes).all() and np.isfinite(probe).all()):
        return False
    # What leaves the range of numbers is no mode, and compares as none.
    with np.errstate(all="ignore"):
        off = np.abs(first_mode(modes) - probe)
        return bool(np.all(off <= _SAME * np.abs(probe).max()))


def read_modes(path: str | Path, n: int) -> np.ndarray | None:
    """Return the modes (k, n, n) of a canonical file; None where its probe has one only.

    Raises
    ------
    DataError
        If they are no modes of n by n pixels.
    """
    if MODES not in member_names(path):
        return None
    modes = read_npz(path, [MODES])[MODES]
    if modes.ndim != 3 or modes.shape[1:] != (n, n) or not np.iscomplexobj(modes):
        raise wrong_kind(path, MODES, modes, f"complex (k, {n}, {n})")
    check_finite(path, MODES, modes)
    return modes


def read_probe(path: str | Path) -> np.ndarray:
    """Return the modes (k, N, N) of a canonical file, or its probe (N, N) where it has one only."""
    probe = read_npz(path, ["probeGuess"])["probeGuess"]
    modes = read_modes(path, len(probe))
    return probe if modes is None else modes
