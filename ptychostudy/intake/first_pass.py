"""First pass: a few iterations on a few frames, which show whether geometry and frames fit.

The extended ptychographical iterative engine (Maiden and Rodenburg, Ultramicroscopy 109 (2009)
1256) from a flat object and the given probe, in single precision and NumPy alone.
"""

from dataclasses import dataclass, replace

import numpy as np
import scipy

from ptychostudy.intake.far_field import centroid, far_field
from ptychostudy.io.mapped import blocks, parts_of
from ptychostudy.io.spool import new_array
from ptychostudy.measure.misfit import Misfit, scan_misfit
from ptychostudy.physics.counts import mean_counts, scale_probe
from ptychostudy.physics.propagate import translate
from ptychostudy.physics.windows import extent, split_positions

FRAMES = 60
"""Frames of a sample, at most: more tell no more, and cost as much each."""

PASSES = 24
"""Passes over them: beyond, the misfit falls by a hundredth a pass."""

# Before the probe moves the object has taken shape.
_PROBE_FROM = 2
# Frames look alike at this coarseness but for what the object does; photons are many there.
_COARSE = 16
# Below, the light has no centre: it is spread over all of the frame.
_HAS_CENTRE = 0.3
# Of larger frames the central part is taken, if it holds all but a little of the light.
_SIDE, _LIGHT = 128, 0.99
# Photons: below, a model's amplitude has no phase that counts.
_DARK = 1e-6
_BLOCK = 16


@dataclass(frozen=True)
class Sample:
    """Some frames of a scan that overlap well.

    Attributes
    ----------
    counts : (m, N, N) integer
        Photons, zero frequency in the centre.
    positions : (m, 2) float
        Window centres (row, col) in object pixels, any origin.
    probe : (N, N) complex
    valid : (N, N) bool
        Pixels that count photons.
    """

    counts: np.ndarray
    positions: np.ndarray
    probe: np.ndarray
    valid: np.ndarray

    def part(self, frames: int) -> "Sample":
        """Return the first frames, which are the nearest to the middle."""
        return replace(self, counts=self.counts[:frames], positions=self.positions[:frames])


@dataclass(frozen=True)
class Fit:
    """What a first pass found.

    Attributes
    ----------
    object : (H, W) complex64
        From the first pixel of all windows on.
    probe : (N, N) complex64
        In photons.
    misfit : Misfit
        Of the sample.
    """

    object: np.ndarray
    probe: np.ndarray
    misfit: Misfit


def take_sample(
    counts: np.ndarray,
    positions: np.ndarray,
    probe: np.ndarray,
    valid: np.ndarray,
    frames: int = FRAMES,
) -> Sample:
    """Return neighbouring frames from where the object shows most, the middle one first.

    Parameters
    ----------
    counts : (k, N, N) integer
    positions : (k, 2) float
    probe : (N, N) complex
    valid : (N, N) bool
    frames : int
        At most so many.
    """
    tree = scipy.spatial.KDTree(positions)
    count = min(frames, len(positions))
    found = structure(counts)
    # The neighbours of a long scan are more than its positions by as many as there are of each.
    each = [found[_nearest(tree, part, count)].mean(axis=1) for part in blocks(positions)]
    best = int(np.argmax(np.concatenate(each)))
    (chosen,) = _nearest(tree, positions[best : best + 1], count)
    sample = Sample(counts[chosen], positions[chosen], probe, valid)
    return _cropped(sample)


def _nearest(tree: "scipy.spatial.KDTree", positions: np.ndarray, count: int) -> np.ndarray:
    """Return the indices (k, count) of what is nearest to each position (k, 2)."""
    _, nearest = tree.query(positions, k=np.arange(1, count + 1))
    return np.asarray(nearest)


def structure(counts: np.ndarray) -> np.ndarray:
    """Return by how much each frame (k,) differs from the mean frame: one less their cosine."""
    # Of a long scan it is as large as that. Products of a block of whole sixteens are those of all.
    coarse = new_array((len(counts), *_coarse(counts[:1]).shape[1:]), np.float64)
    for part in parts_of(counts, _BLOCK):
        coarse[part] = np.sqrt(_coarse(counts[part]))
    total = np.zeros(coarse.shape[1:])
    for found in blocks(coarse):
        # Frame by frame, so that the sum does not depend on the blocks.
        total = np.concatenate([total[None], found]).sum(axis=0)
    mean = total / len(coarse)
    own = np.concatenate([np.linalg.norm(found, axis=1) for found in blocks(coarse)])
    lengths = own * np.linalg.norm(mean)
    products = np.concatenate([found @ mean for found in blocks(coarse)])
    cosine = products / np.maximum(lengths, np.finfo(np.float64).tiny)
    # Of an empty frame nothing is known.
    return np.where(lengths > 0, 1 - cosine, 0.0)


def _coarse(counts: np.ndarray) -> np.ndarray:
    """Return the photons of frames (b, N, N) in at most 16 x 16 squares, (b, squares) float."""
    edges = np.arange(0, counts.shape[-1], max(1, counts.shape[-1] // _COARSE))
    rows = np.add.reduceat(counts, edges, axis=1, dtype=np.float64)
    return np.add.reduceat(rows, edges, axis=2).reshape(len(counts), -1)


def _cropped(sample: Sample) -> Sample:
    """Return the central part of large frames, with the probe and the positions that go with it.

    Fewer pixels of the detector are larger ones of the object (`formats.siemens_star`).
    """
    n = len(sample.probe)
    low = (n - _SIDE) // 2
    middle = (..., slice(low, low + _SIDE), slice(low, low + _SIDE))
    if n <= _SIDE or sample.counts[middle].sum() < _LIGHT * sample.counts.sum():
        return sample
    spectrum = np.fft.fftshift(np.fft.fft2(sample.probe))[middle]
    return Sample(
        sample.counts[middle],
        sample.positions * _SIDE / n,
        np.fft.ifft2(np.fft.ifftshift(spectrum)),
        sample.valid[middle],
    )


def light_off_px(sample: Sample) -> np.ndarray:
    """Return how far (row, col) the light lies off that of the probe's far field, in pixels.

    Zero where either has no centre, and where the light is off by more than a quarter of the side:
    then the zero frequency is elsewhere. What is less is the slope of the object's phase, as which
    no data tell it from a detector that is off.
    """
    n = len(sample.probe)
    # Of the same pixels both: what a mask hides on one side is no slope.
    mean = sample.counts.mean(axis=0) * sample.valid
    places = [centroid(image) for image in (mean, far_field(sample.probe) * sample.valid)]
    if min(gathered for _, gathered in places) < _HAS_CENTRE:
        return np.zeros(2)
    off = places[0][0] - places[1][0]
    wrapped = np.asarray((off + n / 2) % n - n / 2)
    return wrapped if np.abs(wrapped).max() <= n / 4 else np.zeros(2)


def first_pass(sample: Sample, passes: int = PASSES, off_px: np.ndarray | None = None) -> Fit:
    """Reconstruct a sample in a few passes.

    Parameters
    ----------
    sample : Sample
    passes : int
        Over all its frames.
    off_px : (2,) float, optional
        Pixels (row, col) by which the light is off the centre; the object begins with the phase
        that does so. Default that of `light_off_px`.
    """
    off = light_off_px(sample) if off_px is None else off_px
    state = _State(sample, off)
    rng = np.random.Generator(np.random.PCG64(0))
    for done in range(passes):
        state.sweep(rng.permutation(len(sample.positions)), refine=done >= _PROBE_FROM)
    found = scan_misfit(state.object, state.probe, state.centres, sample.counts, sample.valid)
    return Fit(state.object, state.probe, found)


class _State:
    """Object and probe while they are found; zero frequency in the corner, as the transform has."""

    def __init__(self, sample: Sample, off_px: np.ndarray) -> None:
        n = len(sample.probe)
        first, end = extent(sample.positions, n, 0)
        self.centres = sample.positions - first
        self.corners, fractions = split_positions(self.centres, n)
        impulse = np.zeros((n, n))
        impulse[0, 0] = 1
        self.shifts = scipy.fft.fft2(translate(impulse, fractions)).astype(np.complex64)
        amplitudes = np.sqrt(sample.counts * sample.valid, dtype=np.float32)
        self.amplitudes = np.fft.ifftshift(amplitudes, axes=(-2, -1))
        self.valid = np.fft.ifftshift(sample.valid)
        self.probe = scale_probe(sample.probe, _photons(sample))
        self.object = _sloped(tuple((end - first).tolist()), off_px / n)

    def sweep(self, order: np.ndarray, refine: bool) -> None:
        """Let each frame move the object once, and at the end all of them the probe."""
        probes = scipy.fft.ifft2(scipy.fft.fft2(self.probe) * self.shifts)
        moved = np.zeros_like(self.probe)
        light = np.zeros(self.probe.shape, dtype=np.float32)
        brightest = float(np.max(np.abs(self.probe) ** 2))
        for frame in order:
            window = self._window(frame)
            missing = self._missing(probes[frame] * window, frame)
            if refine:
                moved += scipy.fft.fft2(window.conj() * missing) * self.shifts[frame].conj()
                light += np.abs(window) ** 2
            window += probes[frame].conj() * missing / brightest
        if refine:
            self.probe = self.probe + scipy.fft.ifft2(moved) / max(float(light.max()), _DARK)

    def _window(self, frame: int) -> np.ndarray:
        """Return the object under the probe, as a view."""
        n = len(self.probe)
        row, col = self.corners[frame]
        return self.object[row : row + n, col : col + n]

    def _missing(self, wave: np.ndarray, frame: int) -> np.ndarray:
        """Return what an exit wave (N, N) lacks to have the amplitudes that were measured."""
        field = scipy.fft.fft2(wave, norm="ortho")
        modulus = np.abs(field)
        right = self.amplitudes[frame] / np.maximum(modulus, _DARK)
        factor = np.where(self.valid, right - 1, np.float32(0))
        return np.asarray(scipy.fft.ifft2(field * factor, norm="ortho"))


def _photons(sample: Sample) -> float:
    """Return the mean photons of a frame, as many as there would be if all pixels counted."""
    light = far_field(sample.probe)
    seen = float(light[sample.valid].sum() / light.sum())
    counted = mean_counts(sample.counts * sample.valid)
    return max(counted, 1.0) / max(seen, _DARK)


def _sloped(shape: tuple[int, ...], turns: np.ndarray) -> np.ndarray:
    """Return an object of ones whose phase rises by some turns (row, col) each pixel."""
    rows, cols = np.indices(shape, sparse=True)
    phase = 2 * np.pi * (rows * turns[0] + cols * turns[1])
    return np.asarray(np.exp(1j * phase), dtype=np.complex64)
