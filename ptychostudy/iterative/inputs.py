"""Whether counts, positions, probe and object fit together.

What does not is refused before a solver turns it into NaN.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ptychostudy.physics.counts import detected_power
from ptychostudy.physics.windows import corners, inside

_POWER_RANGE = 10.0


class Scan(NamedTuple):
    """Frames with all that a solver must know of them.

    Attributes
    ----------
    counts : (k, N, N) float32
        Photon counts, zero frequency in the centre; 0 where pixels are not valid.
    positions : (k, 2) float64
        Window centres (row, col) in object pixels, corner origin.
    probe : (N, N) or (m, N, N) complex128
        Probe in photons, or its modes, whose intensities add; orthonormal convention.
    valid : (N, N) bool
        Pixels that count photons; the others have no weight.
    """

    counts: NDArray[np.float32]
    positions: NDArray[np.float64]
    probe: NDArray[np.complex128]
    valid: NDArray[np.bool_]


def check_scan(
    counts: ArrayLike,
    positions: ArrayLike,
    probe: ArrayLike,
    object_shape: tuple[int, int],
    valid: ArrayLike | None = None,
) -> Scan:
    """Check the arrays of a scan against each other.

    Parameters
    ----------
    counts : (k, N, N) array
        Photon counts.
    positions : (k, 2) float
        Window centres (row, col) in object pixels.
    probe : (N, N) or (m, N, N) complex
        Probe or its modes; N even.
    object_shape : (int, int)
        Rows and columns of the object.
    valid : (N, N) bool, optional
        Pixels that count photons; whatever the others hold is not looked at. Default all.

    Returns
    -------
    Scan
        Counts, positions and probe as float32, float64 and complex128.

    Raises
    ------
    ValueError
        For a wrong shape, NaN or infinity, complex or negative counts, a mask that leaves no pixel,
        or a window outside the object.
    """
    frames = np.asarray(counts)
    centres = np.asarray(positions, np.float64)
    wave = np.asarray(probe, np.complex128)
    n = _check_probe(wave)
    _check_frames(frames, n)
    counted = _check_valid(valid, n)
    if not counted.all():
        frames = np.where(counted, frames, 0)
    _check_positions(centres, len(frames))
    _check_finite("counts", frames)
    _check_finite("positions", centres)
    _check_finite("probe", wave)
    _check_counts(frames)
    _check_windows(centres, n, object_shape)
    return Scan(frames.astype(np.float32), centres, wave, counted)


def _check_probe(wave: NDArray[np.complex128]) -> int:
    """Return the side N of a probe that is square, or of its modes."""
    n = wave.shape[-1] if wave.ndim in (2, 3) and wave.size else 0
    # Windows are [centre - N / 2, centre + N / 2) and fftshift swaps halves: both want an even N.
    if n == 0 or wave.shape[-2] != n or n % 2:
        raise ValueError(f"probe must be square with an even side, found shape {wave.shape}")
    return n


def _check_frames(frames: NDArray[Any], n: int) -> None:
    if frames.ndim != 3 or frames.shape[1:] != (n, n) or len(frames) == 0:
        raise ValueError(
            f"counts must have shape (frames, {n}, {n}) like the probe, found {frames.shape}"
        )


def _check_valid(valid: ArrayLike | None, n: int) -> NDArray[np.bool_]:
    """Return a mask (n, n) that leaves pixels; all of them where none is given."""
    if valid is None:
        return np.ones((n, n), dtype=bool)
    mask = np.asarray(valid)
    if mask.shape != (n, n) or mask.dtype != bool or not mask.any():
        raise ValueError(
            f"valid must be bool of shape ({n}, {n}), true for some pixels; "
            f"found {mask.dtype} of shape {mask.shape}"
        )
    return mask


def _check_positions(centres: NDArray[np.float64], frames: int) -> None:
    if centres.shape != (frames, 2):
        raise ValueError(
            f"positions must have shape ({frames}, 2), one for each frame; found {centres.shape}"
        )


def _check_finite(name: str, array: NDArray[Any]) -> None:
    wrong = ~np.isfinite(array)
    if wrong.any():
        raise ValueError(f"{name} must be finite, found {int(np.sum(wrong))} values that are not")


def _check_counts(frames: NDArray[Any]) -> None:
    # The cast to float32 would drop an imaginary part and go on.
    if np.iscomplexobj(frames) or frames.min() < 0:
        raise ValueError(
            "counts must be real and not negative (photon counts, not amplitudes or fields)"
        )


def _check_windows(positions: NDArray[np.float64], n: int, object_shape: tuple[int, int]) -> None:
    """Refuse windows outside the object: a solver would read padding there."""
    outside = ~inside(corners(positions, n), n, object_shape)
    if outside.any():
        first = int(np.flatnonzero(outside)[0])
        raise ValueError(
            f"position {first} (row, col) = {tuple(positions[first].tolist())} puts its window "
            f"of side {n} outside the object of shape {tuple(object_shape)}; "
            f"{int(outside.sum())} of {len(positions)} do"
        )


def first_object(start: ArrayLike | None, shape: tuple[int, int]) -> NDArray[np.complex64]:
    """Return the object (H, W) that a solver begins with: ones where none is given.

    Raises
    ------
    ValueError
        For another shape than the object's, NaN or infinity.
    """
    if start is None:
        return np.ones(shape, np.complex64)
    given = np.asarray(start)
    if given.shape != tuple(shape):
        raise ValueError(f"start must have the object's shape {tuple(shape)}, found {given.shape}")
    _check_finite("start", given)
    return given.astype(np.complex64)


def check_power(
    counts: NDArray[Any], probe: NDArray[Any], valid: NDArray[np.bool_] | None = None
) -> None:
    """Raise ValueError if the probe is not in photons, those on valid pixels (N, N).

    The object would leave the order of one, and steps diverge.
    """
    # float32 holds whole numbers up to 2^24 only: a sum of counts passes that.
    measured = float(counts.sum(dtype=np.float64) / len(counts))
    power = detected_power(probe, valid)
    if measured == 0 or not 1 / _POWER_RANGE < power / measured < _POWER_RANGE:
        raise ValueError(
            f"probe power must be the mean counts of a frame ({measured:.4g}) "
            f"within a factor {_POWER_RANGE:.0f}, found {power:.4g}"
        )
