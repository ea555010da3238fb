"""Modes of a probe: waves that do not interfere, so that their frames add as intensities.

Any unitary mixture of modes makes the same frames; of all of them the orthogonal ones, the
brightest first, are meant here where modes are compared or told by their power.
"""

import math
from itertools import count

import numpy as np

# Of their lengths: modes whose inner products are less are orthogonal.
_ORTHOGONAL = 0.01
# Of the power of the given modes: what each mode that is not known begins with.
_FIRST_SHARE = 0.05
# Of its length: what is left of a new mode beside those that are there.
_NEW = 1e-3


def as_modes(probe: np.ndarray) -> np.ndarray:
    """Return a probe (N, N), or its modes (k, N, N), as modes (k, N, N)."""
    return probe.reshape(-1, *probe.shape[-2:])


def powers(modes: np.ndarray) -> np.ndarray:
    """Return the power of each mode (k, N, N), float64 (k,)."""
    amplitudes = np.abs(modes.astype(np.complex128))
    return np.asarray(np.sum(amplitudes**2, axis=(-2, -1)))


def power_shares(modes: np.ndarray) -> np.ndarray:
    """Return the share of each mode (k, N, N) in the power of all, (k,)."""
    each = powers(modes)
    return np.asarray(each / each.sum())


def are_canonical(modes: np.ndarray) -> bool:
    """Say whether modes (k, N, N) are orthogonal, and the brighter before the darker."""
    gram = _gram(modes)
    power = np.diag(gram).real
    lengths = np.sqrt(np.maximum(power, np.finfo(float).tiny))
    mixed = np.abs(gram - np.diag(power)) / np.outer(lengths, lengths)
    return bool(mixed.max() <= _ORTHOGONAL and np.all(np.diff(power) <= 0))


def orthogonal_modes(modes: np.ndarray) -> np.ndarray:
    """Return the orthogonal modes (k, N, N) complex128 that make the same frames, brightest first.

    They are the coherent modes of the light (Wolf, J. Opt. Soc. Am. 72, 343 (1982)): a mixture by
    the eigenvectors of the modes' inner products. Each keeps the phase of the mode that it holds
    most of.

    Parameters
    ----------
    modes : (k, N, N) complex
    """
    _, vectors = np.linalg.eigh(_gram(modes))
    # Eigenvalues rise, and are the powers.
    mixture = vectors[:, ::-1].conj().T
    largest = np.argmax(np.abs(mixture), axis=1)
    of_largest = mixture[np.arange(len(mixture)), largest]
    mixture = mixture * (of_largest.conj() / np.abs(of_largest))[:, None]
    return np.asarray(np.tensordot(mixture, modes.astype(np.complex128), axes=1))


def _gram(modes: np.ndarray) -> np.ndarray:
    """Return the inner products (k, k) of modes."""
    flat = modes.reshape(len(modes), -1).astype(np.complex128)
    return np.asarray(flat @ flat.conj().T)


def first_mode(probe: np.ndarray) -> np.ndarray:
    """Return the first mode (N, N) of a probe with the power of all of them.

    Who knows of one wave only has all photons in it; a probe of one mode is returned as it is.

    Parameters
    ----------
    probe : (N, N) or (k, N, N) complex
    """
    modes = as_modes(probe)
    first: np.ndarray = modes[0]
    if len(modes) == 1:
        return first
    gain = 1 / math.sqrt(power_shares(modes)[0])
    return np.asarray(first * gain, dtype=first.dtype)


def so_many_modes(probe: np.ndarray, wanted: int) -> np.ndarray:
    """Return a number of modes (wanted, N, N) of the power of the given ones.

    The first of those that are given; where there are fewer, further ones are made to begin with:
    the first times rising powers of the row and the column, orthogonal to all before, as the modes
    of a partially coherent beam are (Starikov and Wolf, J. Opt. Soc. Am. 72, 923 (1982)).

    Parameters
    ----------
    probe : (N, N) or (k, N, N) complex
    wanted : int
        At least 1.
    """
    given = as_modes(probe)
    modes = list(given[:wanted].astype(np.complex128))
    power = float(powers(given).sum())
    orders = ((rows, order - rows) for order in count(1) for rows in range(order, -1, -1))
    while len(modes) < wanted:
        slope = _sloped(modes[0], *next(orders))
        further = _orthogonal(slope, modes)
        # One that is known already leaves nothing but rounding.
        if np.linalg.norm(further) > _NEW * np.linalg.norm(slope):
            further = further / np.linalg.norm(further)
            modes.append(further * math.sqrt(_FIRST_SHARE * power))
    return _of_power(np.stack(modes), power).astype(given.dtype)


def _sloped(wave: np.ndarray, rows: int, cols: int) -> np.ndarray:
    """Return a wave (N, N) times powers of its coordinates."""
    side = len(wave)
    along = (np.arange(side) - side // 2) / side
    return np.asarray(wave * along[:, None] ** rows * along[None, :] ** cols)


def _orthogonal(wave: np.ndarray, modes: list[np.ndarray]) -> np.ndarray:
    """Return what of a wave is orthogonal to modes that are so among each other."""
    # Twice, for the first time leaves rounding of what is taken away.
    for mode in (*modes, *modes):
        wave = wave - mode * (np.vdot(mode, wave) / np.vdot(mode, mode))
    return wave


def _of_power(modes: np.ndarray, power: float) -> np.ndarray:
    return np.asarray(modes * math.sqrt(power / powers(modes).sum()))
