"""Photon counting: the dose scale, Poisson counts, thinning of measured counts, and their checks."""

import math
from collections.abc import Iterator

import numpy as np

from ptychostudy.core.propagate import intensities

_ROLES = ("object", "probe", "scan", "simulation", "thinning", "grouping", "subsampling", "training", "control")


def generator(seed: int, role: str, *keys: int | str) -> np.random.Generator:
    """Return the random generator of one role, independent of all others and of the order of calls.

    Parameters
    ----------
    seed : int
        The study's seed for this kind of draw.
    role : str
        What is drawn; one of ``object probe scan simulation thinning grouping subsampling training control``.
    *keys : int or str
        What tells this draw from others of its role, such as dose and split.

    Returns
    -------
    numpy.random.Generator
        PCG64 seeded by ``SeedSequence(seed, spawn_key=(role, *keys))``.
    """
    numbers = [_ROLES.index(role)]
    for key in keys:
        numbers.append(int.from_bytes(key.encode(), "big") % 2**64 if isinstance(key, str) else int(key))
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=tuple(numbers))))


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
            f"the mean frame holds {mean_intensity} units of intensity; nothing to scale to {dose} photons"
        )
    return math.sqrt(dose / mean_intensity)


def poisson_counts(intensity: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw detected photons, uint32, from a Poisson distribution with mean ``intensity`` (any shape, photons)."""
    return rng.poisson(intensity).astype(np.uint32)


def thin_counts(counts: np.ndarray, keep: float, rng: np.random.Generator) -> np.ndarray:
    """Keep each detected photon with probability ``keep``: exact Poisson data of a lower dose.

    Parameters
    ----------
    counts : (...) integer
        Measured photons.
    keep : float
        Wanted over measured dose, in (0, 1].
    rng : numpy.random.Generator

    Returns
    -------
    (...) uint32
        Binomial draws; a thinned Poisson variable is Poisson with mean ``keep`` times the old one
        (Kingman, Poisson Processes, 1993, section 5.1).
    """
    if not 0 < keep <= 1:
        raise ValueError(
            f"measured counts can only be thinned: wanted {keep:.4g} times the measured photons, needed (0, 1]"
        )
    return rng.binomial(counts, keep).astype(np.uint32)


def dose_tolerance(dose: float, n_frames: int, sigmas: float = 5.0) -> float:
    """Return the largest credible ``|measured - requested|`` mean dose by counting statistics, in photons per frame."""
    return sigmas * math.sqrt(dose / n_frames)


def input_scale(mean_counts: float, n: int) -> float:
    """Return f with ``f^2 = (n/2)^2 / mean counts per frame``: the networks' input is ``f * sqrt(counts)``."""
    if not mean_counts > 0:
        raise ValueError("the frames hold no photons; they cannot be normalised")
    return math.sqrt((n / 2) ** 2 / mean_counts)


def simulated_blocks(
    object_: np.ndarray, probe: np.ndarray, positions: np.ndarray, rng: np.random.Generator, block: int = 64
) -> Iterator[np.ndarray]:
    """Yield detected photons of consecutive frames, (<= block, N, N) uint32; memory is that of one block.

    Parameters
    ----------
    object_ : (H, W) complex
    probe : (N, N) complex
        Probe in photons.
    positions : (k, 2) float
        Window centres (row, col).
    rng : numpy.random.Generator
    block : int
        Frames at a time; it changes no draw.
    """
    for start in range(0, len(positions), block):
        yield poisson_counts(intensities(object_, probe, positions[start : start + block]), rng)


def thinned_blocks(
    counts: np.ndarray, index: np.ndarray, keep: float, rng: np.random.Generator, block: int = 64
) -> Iterator[np.ndarray]:
    """Yield thinned photons of the frames ``index`` of a measured scan, (<= block, N, N) uint32."""
    for start in range(0, len(index), block):
        yield thin_counts(counts[index[start : start + block]], keep, rng)


def mean_intensity(object_: np.ndarray, probe: np.ndarray, positions: np.ndarray, block: int = 64) -> float:
    """Return the mean over the frames of the summed noise-free intensity, in the units of ``|probe|^2``."""
    sums = [
        intensities(object_, probe, positions[start : start + block]).sum(axis=(1, 2))
        for start in range(0, len(positions), block)
    ]
    return float(np.concatenate(sums).mean())


def mean_counts(counts: np.ndarray, index: np.ndarray | None = None, block: int = 64) -> float:
    """Return the mean detected photons per frame of (a part of) a stack, summed in 64-bit integers."""
    index = np.arange(len(counts)) if index is None else np.asarray(index)
    total = sum(int(counts[index[s : s + block]].sum(dtype=np.int64)) for s in range(0, len(index), block))
    return total / len(index)


def scale_probe(probe: np.ndarray, photons: float) -> np.ndarray:
    """Return the probe with ``sum |P|^2 = photons``: the gauge in which an object of full transmission is one."""
    power = float(np.sum(np.abs(np.asarray(probe, dtype=np.complex128)) ** 2))
    if not power > 0:
        raise ValueError("the probe carries no power; it cannot be scaled to photons")
    return (probe * math.sqrt(photons / power)).astype(np.complex64)
