"""Simulate: object, probe and scan of a study, and the frames of one dose."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ptychostudy.io.atomic import DataError
from ptychostudy.physics.counts import (
    check_noise_free,
    mean_counts,
    mean_intensity,
    photon_scale,
    simulated_blocks,
    thinned_blocks,
)
from ptychostudy.physics.draws import generator
from ptychostudy.physics.objects import image_object, make_object
from ptychostudy.physics.probes import distort_probe, make_probe
from ptychostudy.physics.scans import make_scan

if TYPE_CHECKING:
    from ptychostudy.study.sections.base import BaseSettings
    from ptychostudy.study.sections.simulate import FramesSettings, WrongProbeSettings


@dataclass(frozen=True)
class Sample:
    """What is scanned, with what, and where.

    Attributes
    ----------
    object : (H, W) complex
    probe : (N, N) complex
    positions : (k, 2) float
        Window centres (row, col) in object pixels.
    """

    object: np.ndarray
    probe: np.ndarray
    positions: np.ndarray


def make_sample(settings: "BaseSettings", pictures: tuple[np.ndarray, ...] = ()) -> Sample:
    """Draw object, probe and scan; each has a generator of its own, so one key moves one of them.

    Parameters
    ----------
    settings : BaseSettings
    pictures : tuple of (h, w) float
        Amplitude and phase of the object, for the kind ``image``.
    """
    rows, cols = settings.object.shape_px
    n = settings.frame_px
    scan = settings.scan
    # Window centres: the first and last pixel at which a window of side N still fits.
    low = (n / 2, n / 2)
    high = (rows - n / 2 - 1, cols - n / 2 - 1)
    rng = generator(settings.seed, "scan")
    positions = make_scan(scan.kind, low, high, scan.step_px, rng, jitter_px=scan.jitter_px)
    return Sample(_object(settings, pictures), _probe(settings), positions)


def _object(settings: "BaseSettings", pictures: tuple[np.ndarray, ...]) -> np.ndarray:
    wanted = settings.object
    if wanted.kind == "image":
        amplitude, phase = pictures
        return image_object(
            amplitude,
            phase,
            wanted.shape_px,
            amplitude=wanted.amplitude,
            phase_rad=wanted.phase_rad,
        )
    return make_object(
        wanted.kind,
        wanted.shape_px,
        generator(settings.seed, "object"),
        amplitude=wanted.amplitude,
        phase_rad=wanted.phase_rad,
    )


def _probe(settings: "BaseSettings") -> np.ndarray:
    wanted = settings.probe
    curvature = 2 * math.pi if wanted.curvature_rad is None else wanted.curvature_rad
    return make_probe(
        wanted.kind,
        settings.frame_px,
        diameter_px=wanted.diameter_px,
        curvature_rad=curvature,
        edge_px=wanted.edge_px,
        rng=generator(settings.seed, "probe"),
    )


@dataclass(frozen=True)
class Detected:
    """Frames of one dose and split, not yet drawn.

    Attributes
    ----------
    blocks : iterator of (b, N, N) uint32
        The frames, in blocks: they never stand in memory together.
    probe : (N, N) complex
        The probe that made them, so that |far field|^2 is photons.
    """

    blocks: Iterator[np.ndarray]
    probe: np.ndarray


def simulated_frames(sample: Sample, dose: int, split: str, settings: "FramesSettings") -> Detected:
    """Simulate the frames of a sample at a dose.

    Parameters
    ----------
    sample : Sample
        With the positions of this split.
    dose : int
        Mean detected photons per frame.
    split : str
        Names the generator: the frames of the parts are drawn apart.
    settings : FramesSettings

    Raises
    ------
    ValueError
        If noise-free counts are asked for at a dose whose rounding would be seen.
    """
    object_ = sample.object.astype(np.complex128)
    probe = sample.probe.astype(np.complex128)
    rng = None
    if settings.noise == "none":
        check_noise_free(dose, len(probe))
    else:
        rng = generator(settings.seed, "simulation", dose, split)
    scale = photon_scale(mean_intensity(object_, probe, sample.positions), dose)
    blocks = simulated_blocks(object_, scale * probe, sample.positions, rng)
    return Detected(blocks, scale * sample.probe)


def thinned_frames(
    counts: np.ndarray,
    index: np.ndarray,
    probe: np.ndarray,
    dose: int,
    rng: np.random.Generator,
) -> Detected:
    """Thin measured frames to a dose: each photon is kept with the same probability.

    Parameters
    ----------
    counts : (K, N, N) uint
        Measured frames of the whole scan.
    index : (k,) int
        Those of this split.
    probe : (N, N) complex
        The probe, in units of the measured frames.
    dose : int
        Mean photons per frame that are kept.
    rng : Generator

    Raises
    ------
    DataError
        If the frames hold fewer photons than that.
    """
    measured = mean_counts(counts, index)
    if dose > measured:
        raise DataError(
            f"holds {measured:.6g} photons per frame, but simulate.doses asks for {dose}; "
            "needed: at most that"
        )
    keep = dose / measured
    return Detected(thinned_blocks(counts, index, keep, rng), np.sqrt(keep) * probe)


def given_probe(true: np.ndarray, wrong: "WrongProbeSettings") -> dict[str, np.ndarray]:
    """Return the probe for the arms and, where it is a wrong one, the true one beside it."""
    stored = true.astype(np.complex64)
    changes = dict(wrong)
    if not any(np.any(value) for value in changes.values()):
        return {"probeGuess": stored}
    return {
        "probeGuess": distort_probe(true, **changes).astype(np.complex64),
        "probeTrue": stored,
    }
