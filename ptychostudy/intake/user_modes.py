"""Modes of a probe in a user's file: from any order of axes, orthogonal, the brightest first."""

from pathlib import Path

import numpy as np

from ptychostudy.formats.frames import check_finite, wrong_kind
from ptychostudy.intake.doubts import Doubts
from ptychostudy.io.atomic import DataError
from ptychostudy.physics.modes import are_canonical, orthogonal_modes, power_shares

# Of the power of all: less is rounding, and no mode.
_DARK = 1e-9


def window_sides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the sides (h, w) of a probe of a shape that `mode_stack` takes; fewer if it is none.

    Parameters
    ----------
    shape : tuple of int
    """
    while len(shape) > 2 and 1 in (shape[0], shape[-1]):
        shape = shape[1:] if shape[0] == 1 else shape[:-1]
    return shape[:2] if _modes_last(shape) else shape[-2:]


def _modes_last(shape: tuple[int, ...]) -> bool:
    """Say whether a shape is (h, w, k)."""
    return len(shape) == 3 and shape[0] == shape[1] > shape[2]


def mode_stack(value: np.ndarray, frames: int, doubts: Doubts) -> np.ndarray:
    """Return the probe of a file as modes (k, h, w); what is no array of waves as it is.

    Parameters
    ----------
    value : array
        Of shape (h, w), (k, h, w), (1, k, h, w), or (h, w, k).
    frames : int
        How many positions there are.
    doubts : Doubts

    Raises
    ------
    DataError
        For several probes, and modes that vary along the scan.
    """
    shape = value.shape
    while value.ndim > 2 and 1 in (value.shape[0], value.shape[-1]):
        value = value[0] if value.shape[0] == 1 else value[..., 0]
    if value.ndim > 3:
        doubts.refuse(
            f"key 'probeGuess' has shape {shape}: several probes, or modes that vary along the "
            "scan (OPR), which no arm here models; needed: the modes of one probe, (N, N) or "
            "(modes, N, N)"
        )
    if _modes_last(value.shape):
        doubts.say(f"key 'probeGuess' {shape} is taken as modes along its last axis")
        value = np.moveaxis(value, -1, 0)
    if value.ndim == 3 and len(value) == frames:
        doubts.refuse(
            f"key 'probeGuess' has shape {shape}, one probe for each of {frames} frames, which no "
            "arm here models; needed: one probe, (N, N), or its modes (modes, N, N)"
        )
    return value[None] if value.ndim == 2 else value


def brightest_first(modes: np.ndarray, doubts: Doubts) -> np.ndarray:
    """Return the modes (k, N, N) of a file orthogonal and the brightest first, and say their power.

    As they are in the file where they are so already.

    Parameters
    ----------
    modes : (k, N, N) complex
        Finite, not all dark.
    doubts : Doubts
    """
    if len(modes) == 1:
        return modes
    kept = modes
    done = ""
    if not are_canonical(modes):
        kept = orthogonal_modes(modes).astype(modes.dtype)
        done = ", made orthogonal and put in order of their power, which leaves all frames as are"
    kept = kept[power_shares(kept) > _DARK]
    shares = power_shares(kept)
    each = ", ".join(f"{share:.1%}" for share in shares)
    doubts.say(
        f"key 'probeGuess' holds {len(modes)} modes{done}; their shares of the power are {each}; "
        "networks see the first one only, pty-chi as many as reconstruct.probe_modes and "
        "reference.probe_modes say"
    )
    doubts.done["mode_shares"] = [round(share, 6) for share in shares.tolist()]
    return kept


def check_waves(path: str | Path, modes: np.ndarray) -> None:
    """Check that a probe is complex modes (k, h, w), finite, with light in them."""
    if modes.ndim != 3 or modes.dtype.kind != "c" or 0 in modes.shape:
        raise wrong_kind(path, "probeGuess", modes, "complex (N, N) or modes (k, N, N)")
    check_finite(path, "probeGuess", modes)
    if not modes.any():
        raise DataError(
            f"{path}: key 'probeGuess' is all zero, needed a probe that carries photons"
        )
