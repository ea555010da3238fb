"""Simulate: the frames of one dose, from an object and a probe or from measured frames."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy.formats.probe_modes import mode_arrays
from ptychostudy.io.arrays import Stream
from ptychostudy.io.atomic import DataError
from ptychostudy.physics.counts import (
    check_noise_free,
    drawn,
    mean_counts,
    photon_scale,
    thinned_blocks,
)
from ptychostudy.physics.draws import generator
from ptychostudy.physics.expected import Expected
from ptychostudy.physics.modes import as_modes, first_mode
from ptychostudy.physics.probe_width import width_px
from ptychostudy.physics.probes import distort_probe
from ptychostudy.recipes.scene import Scene
from ptychostudy.sampling.split import split_scan

if TYPE_CHECKING:
    from ptychostudy.study.sections.simulate import FramesSettings, WrongProbeSettings

_NOISE_FREE = "none"
# Frames whose mean is known and whose scale is not yet, and their pixels: so few that a scan of a
# thousand frames takes as much memory as a longer one.
_KEPT_FRAMES, _KEPT_PIXELS = 2**10, 2**24


@dataclass(frozen=True)
class Detected:
    """Frames of one dose and split, not yet drawn.

    Attributes
    ----------
    blocks : iterator of (b, N, N) uint32
        The frames, in blocks: they never stand in memory together.
    probe : (N, N) complex
        The probe that made them, or its modes (m, N, N), so that |far field|^2 is photons.
    """

    blocks: Iterator[np.ndarray]
    probe: np.ndarray


class PhotonTally:
    """Photons of frames that pass by once.

    Attributes
    ----------
    frames : int
        How many pass by.
    total : int
        Photons of those that have passed.
    """

    def __init__(self, frames: int) -> None:
        self.frames = frames
        self.total = 0

    def counted(self, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """Pass blocks (b, N, N) of frames on."""
        for block in blocks:
            # A block of frames of up to 10^9 photons each does not fit into 32 bits.
            self.total += int(block.sum(dtype=np.int64))
            yield block

    def mean(self) -> np.float64:
        """Return the mean photons per frame; right once the last block has passed."""
        return np.float64(self.total / self.frames)


def split_frames(scene: Scene, settings: "FramesSettings") -> dict[str, np.ndarray]:
    """Return the indices (k_i,) of the frames of each split; both see other parts of the object."""
    # Of the one wave that all files hold, so that who checks the split has it, too.
    diameter = width_px(first_mode(scene.probe), settings.probe_width)
    return split_scan(scene.positions, diameter, **dict(settings.split))


def detect(
    scene: Scene,
    split: str,
    index: np.ndarray,
    dose: int,
    settings: "FramesSettings",
    *,
    measured: np.ndarray | None = None,
    valid: np.ndarray | None = None,
) -> Detected:
    """Return the frames of one split at a dose.

    Parameters
    ----------
    scene : Scene
        With the positions of the whole scan.
    split : str
        Names the generator: the frames of the parts are drawn apart.
    index : (k,) int
        Frames of this split.
    dose : int
        Mean detected photons per frame.
    settings : FramesSettings
    measured : (K, N, N) uint, optional
        Frames of the whole scan that are thinned; without them frames are simulated. They hold 0
        where pixels are not valid, and so do thinned ones.
    valid : (N, N) bool, optional
        Pixels that count photons, and of which the dose is. Default all.

    Raises
    ------
    DataError
        If measured frames are to lose their noise, or hold fewer photons than the dose.
    ValueError
        If noise-free counts are asked for at a dose whose rounding would be seen.
    """
    if measured is None:
        return simulated_frames(scene.part(index), dose, split, settings, valid=valid)
    if settings.noise == _NOISE_FREE:
        raise DataError("holds measured counts, but simulate.noise is none; needed: poisson")
    rng = generator(settings.seed, "thinning", dose, split)
    return thinned_frames(measured, index, scene.probe, dose, rng)


def simulated_frames(
    scene: Scene,
    dose: int,
    split: str,
    settings: "FramesSettings",
    *,
    valid: np.ndarray | None = None,
) -> Detected:
    """Simulate the frames of a scene at a dose.

    Parameters
    ----------
    scene : Scene
        With the positions of this split.
    dose : int
        Mean detected photons per frame.
    split : str
        Names the generator.
    settings : FramesSettings
    valid : (N, N) bool, optional
        Pixels that count photons, and of which the dose is. Default all.

    Raises
    ------
    ValueError
        If noise-free counts are asked for at a dose whose rounding would be seen.
    """
    # Files hold single precision; frames are computed in double.
    object_ = scene.object.astype(np.complex128)
    probe = scene.probe.astype(np.complex128)
    rng = _noise(settings, dose, split, probe.shape[-1])
    # One scale for all frames of the split: where the object absorbs, a frame holds less.
    expected = Expected(object_, probe, scene.positions, valid=valid)
    kept = min(_KEPT_FRAMES, _KEPT_PIXELS // probe.shape[-1] ** 2)
    scale = photon_scale(expected.mean(kept=kept), dose)
    return Detected(drawn(expected.frames(scale), rng), scale * scene.probe)


def _noise(settings: "FramesSettings", dose: int, split: str, n: int) -> np.random.Generator | None:
    """Return the source of the photons' noise, or None where there is to be none."""
    if settings.noise == _NOISE_FREE:
        check_noise_free(dose, n)
        return None
    return generator(settings.seed, "simulation", dose, split)


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
    # Counts go with the square of the probe.
    return Detected(thinned_blocks(counts, index, keep, rng), np.sqrt(keep) * probe)


def streamed(detected: Detected, frames: int, dose: int) -> dict[str, Any]:
    """Return the members of a file that are made while it is written: frames, and their photons.

    Parameters
    ----------
    detected : Detected
    frames : int
        How many there will be.
    dose : int
        Mean detected photons per frame that were asked for.
    """
    n = detected.probe.shape[-1]
    tally = PhotonTally(frames)
    return {
        "counts": Stream((frames, n, n), "uint32", tally.counted(detected.blocks)),
        "photons_requested": np.float64(dose),
        # Asked for after the frames: the measured dose is known once the last block has passed.
        "photons_measured": tally.mean,
    }


def given_probe(true: np.ndarray, wrong: "WrongProbeSettings") -> dict[str, np.ndarray]:
    """Return the probe for the arms and, where it is a wrong one, the true one beside it.

    Parameters
    ----------
    true : (N, N) or (m, N, N) complex
    wrong : WrongProbeSettings
        What is done to each of its modes.
    """
    stored = true.astype(np.complex64)
    changes = dict(wrong)
    if not any(np.any(value) for value in changes.values()):
        return mode_arrays(stored)
    # Frames come from the true probe; who scores the arms must know what they were not told.
    distorted = np.stack([distort_probe(mode, **changes) for mode in as_modes(true)])
    given = mode_arrays(distorted.reshape(true.shape).astype(np.complex64))
    return {**given, "probeTrue": first_mode(stored)}
