"""Photon counting: dose scale, Poisson or noise-free counts, thinned measured counts, checks."""

import math
from collections.abc import Iterator
from itertools import repeat

import numpy as np

from ptychostudy.physics.expected import Expected
from ptychostudy.physics.poisson import PoissonDraws
from ptychostudy.physics.propagate import far_field
from ptychostudy.physics.thinning import Thinning

# Of measured frames at a time: so few that a cache holds what is made of them.
_PIXELS = 2**16
# Whole counts miss the amplitudes by at most 0.05 photons a pixel, mean square (measured on all
# kinds of probe, at any dose): at 1000 photons a pixel that is 0.7 % of the amplitudes, at the
# largest dose of 1e9 less than 0.2 %.
_NOISE_FREE_PER_PIXEL = 1000


def photon_scale(mean_intensity: float, dose: float) -> float:
    """Return the factor on the probe that makes the mean frame hold ``dose`` photons.

    Parameters
    ----------
    mean_intensity : float
        Mean over the frames of the summed noise-free intensity.
    dose : float
        Mean detected photons per frame.

    Returns
    -------
    float
        ``sqrt(dose / mean_intensity)``; intensities scale with its square.
    """
    if not 0 < dose < math.inf:
        raise ValueError(f"dose is {dose} photons per frame; needed: a positive number")
    if not mean_intensity > 0:
        raise ValueError(
            f"the mean frame holds {mean_intensity} units of intensity; "
            f"nothing to scale to {dose} photons"
        )
    # The factor is on the amplitude, so that probe and frames stay of one wave.
    return math.sqrt(dose / mean_intensity)


def poisson_counts(intensity: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw detected photons, uint32, from a Poisson distribution of mean ``intensity`` each."""
    return PoissonDraws(rng).draw(intensity)


def round_counts(intensity: np.ndarray) -> np.ndarray:
    """Return expected counts as whole numbers that keep each frame's total: without noise.

    Plain rounding loses every pixel below one half, more than counting statistics forgive in a
    large scan. Here the photons that rounding down leaves over go to the pixels with the largest
    remainders, ties to the first (the method of largest remainders). With remainders of all sizes
    that is plain rounding, of rms error ``1 / sqrt(12)`` counts.

    Parameters
    ----------
    intensity : (k, N, N) float
        Expected counts.

    Returns
    -------
    (k, N, N) uint32
        Every pixel within one count of its expectation, every frame's total within one half.
    """
    whole = np.floor(intensity)
    remainders = intensity - whole
    given = _shared_out(remainders.reshape(len(intensity), -1))
    counts: np.ndarray = whole + given.reshape(intensity.shape)
    return counts.astype(np.uint32)


def _shared_out(remainders: np.ndarray) -> np.ndarray:
    """Return ones at each frame's largest remainders (k, pixels), as many as they add up to."""
    left = np.rint(remainders.sum(axis=1)).astype(np.int64)
    # Stable: of equal remainders the first pixels get the photons, on any machine.
    order = np.argsort(-remainders, axis=1, kind="stable")
    rank = np.arange(remainders.shape[1])
    given = np.zeros_like(remainders)
    np.put_along_axis(given, order, rank < left[:, None], axis=1)
    return given


def check_noise_free(dose: float, n: int) -> None:
    """Raise ValueError if whole counts are too coarse a picture of n x n frames without noise.

    What rounds away are weak pixels rather than ``1 / sqrt(12)`` counts on strong ones. Asked for
    are 1000 photons a pixel: then the amplitudes ``sqrt(counts)`` are right to 0.7 %, half of the
    shot noise or less at the same dose.
    """
    needed = _NOISE_FREE_PER_PIXEL * n * n
    if not dose >= needed:
        raise ValueError(
            f"simulate.noise is none, but {dose:.6g} photons on {n} x {n} pixels are "
            f"{dose / n**2:.3g} a pixel, too few to round to whole counts; "
            f"needed: simulate.doses of at least {needed}, or noise: poisson"
        )


def thin_counts(counts: np.ndarray, keep: float, rng: np.random.Generator) -> np.ndarray:
    """Keep each detected photon with probability ``keep``: exact Poisson data of a lower dose.

    Parameters
    ----------
    counts : (..., N, N) integer
        Measured photons.
    keep : float
        Wanted over measured dose, in (0, 1].
    rng : numpy.random.Generator

    Returns
    -------
    (..., N, N) uint32
        Binomial draws of `Thinning`; a thinned Poisson variable is Poisson with mean ``keep`` times
        the old one (Kingman, Poisson Processes, 1993, section 5.1).
    """
    return _thinned(counts, Thinning(keep), rng)


def _thinned(counts: np.ndarray, thinning: Thinning, rng: np.random.Generator) -> np.ndarray:
    frames = counts.reshape(-1, *counts.shape[-2:])
    kept = thinning.frames(frames, repeat(rng))
    return kept.reshape(counts.shape).astype(np.uint32)


def dose_tolerance(dose: float, n_frames: int, sigmas: float = 5.0) -> float:
    """Return the largest credible ``|measured - requested|`` mean dose, in photons per frame."""
    # The total of k frames is Poisson with variance k * dose, so the mean's is dose / k.
    return sigmas * math.sqrt(dose / n_frames)


def input_scale(mean_counts: float, n: int) -> float:
    """Return f with ``f^2 = (n/2)^2 / mean counts``: networks are given ``f * sqrt(counts)``."""
    if not mean_counts > 0:
        raise ValueError("the frames hold no photons; they cannot be normalised")
    return math.sqrt((n / 2) ** 2 / mean_counts)


def simulated_blocks(
    object_: np.ndarray,
    probe: np.ndarray,
    positions: np.ndarray,
    rng: np.random.Generator | None,
    block: int | None = None,
    *,
    valid: np.ndarray | None = None,
) -> Iterator[np.ndarray]:
    """Return detected photons of consecutive frames, (<= block, N, N) uint32, block by block.

    Parameters
    ----------
    object_ : (H, W) complex
    probe : (N, N) complex
        Probe in photons.
    positions : (k, 2) float
        Window centres (row, col).
    rng : numpy.random.Generator or None
        Source of the Poisson noise; None for counts without noise (`round_counts`).
    block : int, optional
        Frames at a time; it changes no draw. Default as many as are made best.
    valid : (N, N) bool, optional
        Pixels that count photons; the others count none. Default all.
    """
    return drawn(Expected(object_, probe, positions, valid=valid, block=block).frames(), rng)


def drawn(expected: Iterator[np.ndarray], rng: np.random.Generator | None) -> Iterator[np.ndarray]:
    """Yield detected photons of blocks of frames, uint32, from what is expected of each.

    Parameters
    ----------
    expected : iterator of (b, N, N) float
        Mean photons of each pixel.
    rng : numpy.random.Generator or None
        Source of the Poisson noise; None for counts without noise (`round_counts`).
    """
    counted = round_counts if rng is None else PoissonDraws(rng).draw
    for frames in expected:
        yield counted(frames)


def thinned_blocks(
    counts: np.ndarray,
    index: np.ndarray,
    keep: float,
    rng: np.random.Generator,
    block: int | None = None,
) -> Iterator[np.ndarray]:
    """Yield thinned photons of the frames ``index`` of a measured scan, (<= block, N, N) uint32."""
    thinning = Thinning(keep)
    for part in _parts(index, block or _at_once(counts)):
        yield _thinned(counts[part], thinning, rng)


def mean_intensity(
    object_: np.ndarray,
    probe: np.ndarray,
    positions: np.ndarray,
    block: int | None = None,
    *,
    valid: np.ndarray | None = None,
) -> float:
    """Return the mean over the frames of the summed intensity, in the units of ``|probe|^2``.

    With a mask ``valid`` (N, N) only the intensity on its pixels is summed.
    """
    return Expected(object_, probe, positions, valid=valid, block=block).mean()


def mean_counts(
    counts: np.ndarray,
    index: np.ndarray | None = None,
    block: int | None = None,
    *,
    valid: np.ndarray | None = None,
) -> float:
    """Return the mean photons per frame of (a part of) a stack, summed in 64-bit integers.

    Parameters
    ----------
    counts : (k, N, N) integer
    index : (m,) int, optional
        The frames that count.
    block : int, optional
        Frames at a time. Default as many as a cache holds.
    valid : (N, N) bool, optional
        The pixels that count.
    """
    index = np.arange(len(counts)) if index is None else np.asarray(index)
    total = 0
    for part in _parts(index, block or _at_once(counts)):
        frames = counts[part]
        seen = frames if valid is None else frames[:, valid]
        total += int(seen.sum(dtype=np.int64))
    return total / len(index)


def _at_once(counts: np.ndarray) -> int:
    """Return how many frames (k, N, N) to work on at a time."""
    return max(1, _PIXELS // math.prod(counts.shape[1:]))


def _parts(array: np.ndarray, block: int) -> Iterator[np.ndarray]:
    """Yield the array in pieces of ``block`` along its first axis."""
    for start in range(0, len(array), block):
        yield array[start : start + block]


def detected_power(probe: np.ndarray, valid: np.ndarray | None = None) -> float:
    """Return the power of a probe (N, N), or of its modes, on valid pixels of the detector.

    By Parseval's theorem that is ``sum |P|^2`` where all pixels are valid.
    """
    if valid is None or valid.all():
        return float(np.sum(np.abs(probe) ** 2))
    return float(np.sum(np.abs(far_field(probe)[..., valid]) ** 2))


def scale_probe(probe: np.ndarray, photons: float, valid: np.ndarray | None = None) -> np.ndarray:
    """Return the probe of which ``photons`` are detected: ``sum |P|^2`` where all pixels count.

    In this gauge an object of full transmission is one: each frame has the power of the probe.

    Parameters
    ----------
    probe : (N, N) or (m, N, N) complex
    photons : float
        Mean photons per frame on the valid pixels.
    valid : (N, N) bool, optional
        Pixels of the detector that count photons. Default all.
    """
    power = detected_power(np.asarray(probe, dtype=np.complex128), valid)
    if not power > 0:
        raise ValueError("the probe carries no power; it cannot be scaled to photons")
    return (probe * math.sqrt(photons / power)).astype(np.complex64)
