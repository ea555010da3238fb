"""Whether counts, positions, probe and object fit together; refused before a solver turns them into NaN."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ptychostudy.physics.windows import corners, inside

_POWER_RANGE = 10.0


def check_scan(
    counts: ArrayLike, positions: ArrayLike, probe: ArrayLike, object_shape: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.complex128]]:
    """Check the arrays of a scan against each other.

    Parameters
    ----------
    counts : (k, N, N) array
        Photon counts.
    positions : (k, 2) float
        Window centres (row, col) in object pixels.
    probe : (N, N) complex
        Probe; N even.
    object_shape : (int, int)
        Rows and columns of the object.

    Returns
    -------
    counts, positions, probe : float32, float64, complex128

    Raises
    ------
    ValueError
        For a wrong shape, NaN or infinity, complex or negative counts, or a window outside the object.
    """
    frames, centres = np.asarray(counts), np.asarray(positions, np.float64)
    wave = np.asarray(probe, np.complex128)
    n = wave.shape[-1] if wave.ndim == 2 else 0
    if n == 0 or wave.shape[0] != n or n % 2:
        raise ValueError(f"probe must be square with an even side, found shape {wave.shape}")
    if frames.ndim != 3 or frames.shape[1:] != (n, n) or len(frames) == 0:
        raise ValueError(
            f"counts must have shape (frames, {n}, {n}) like the probe, found {frames.shape}"
        )
    if centres.shape != (len(frames), 2):
        raise ValueError(
            f"positions must have shape ({len(frames)}, 2), one for each frame; found {centres.shape}"
        )
    for name, array in (("counts", frames), ("positions", centres), ("probe", wave)):
        if not np.all(np.isfinite(array)):
            raise ValueError(
                f"{name} must be finite, found {int(np.sum(~np.isfinite(array)))} values that are not"
            )
    if np.iscomplexobj(frames) or frames.min() < 0:
        raise ValueError(
            "counts must be real and not negative (photon counts, not amplitudes or fields)"
        )
    _check_windows(centres, n, object_shape)
    return frames.astype(np.float32), centres, wave


def _check_windows(positions: NDArray[np.float64], n: int, object_shape: tuple[int, int]) -> None:
    """Refuse windows outside the object: a solver would read padding there."""
    outside = ~inside(corners(positions, n), n, object_shape)
    if outside.any():
        first = int(np.flatnonzero(outside)[0])
        raise ValueError(
            f"position {first} (row, col) = {tuple(positions[first].tolist())} puts its window of side {n} outside the "
            f"object of shape {tuple(object_shape)}; {int(outside.sum())} of {len(positions)} do"
        )


def check_power(counts: NDArray[Any], probe: NDArray[Any]) -> None:
    """Raise ValueError if the probe is not in photons: the object would leave the order of one, and steps diverge."""
    measured, power = (
        float(counts.sum(dtype=np.float64) / len(counts)),
        float(np.sum(np.abs(probe) ** 2)),
    )
    if measured == 0 or not 1 / _POWER_RANGE < power / measured < _POWER_RANGE:
        raise ValueError(
            f"probe power must be the mean counts of a frame ({measured:.4g}) within a factor {_POWER_RANGE:.0f}, "
            f"found {power:.4g}"
        )
