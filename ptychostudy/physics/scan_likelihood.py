"""The Poisson likelihood of an object, given the frames of a scan behind a known probe.

``L(O) = sum (I + b - y) - y log((I + b) / y)`` over valid pixels, half the Poisson deviance, with
``I = sum_m |F(P_m O)|^2`` and a background b, by which a dark pixel that counted a photon stays
finite. It has to be small against what a pixel counts: the model expects more than the frames hold
by it, and lays the difference into slow phase that is in no frame. Its gradient with respect to
``conj(O)`` is ``sum place(conj(P_m) F^-1((1 - y / (I + b)) F(P_m O)))`` (Thibault &
Guizar-Sicairos, New J. Phys. 14, 063004 (2012)).
"""

import threading
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import scipy

from ptychostudy.physics.block_transform import BlockTransform, block_transform
from ptychostudy.physics.counts import detected_power
from ptychostudy.physics.frame_steps import frame_steps
from ptychostudy.physics.modes import as_modes
from ptychostudy.physics.scan_parts import SCAN_PARTS, Block, Part
from ptychostudy.physics.team import Team
from ptychostudy.physics.windows import check_inside, light, split_positions

if TYPE_CHECKING:
    from ptychostudy.physics.held_out import Source

# Of the photons that a pixel counts on the mean behind an empty object, and at most so many
# photons. More damps what is hardly seen, which helps where a prior is missing, and costs slow
# phase, most where many frames see each pixel: docs/networks.md has the figures. Less asks for more
# iterations.
_BACKGROUND = 0.02
_MOST = 0.05

# As often as a search asks. A training asks more often, and makes the objects that a search makes,
# to the bit: it is taken for one.
PASSES = 200
# Frames that are kept from one pass to the next where memory must not grow with a scan.
_STREAMED = 2**10
# Pixels of the frames that are worked on together: what belongs to them stays in a core's cache.
_BLOCK_PIXELS = 2**17


class _Bench:
    """What one thread works with, on so many pixels, as often as they are passed."""

    def __init__(self, pixels: float) -> None:
        self.steps = frame_steps(pixels)
        self._transforms: dict[tuple[str, tuple[int, ...]], BlockTransform] = {}

    def transform(self, of: str, shape: tuple[int, ...]) -> BlockTransform:
        """Return the transforms of blocks of a shape: there are two, as the last is shorter."""
        if (of, shape) not in self._transforms:
            self._transforms[of, shape] = block_transform(shape)
        return self._transforms[of, shape]


class ScanLikelihood:
    """Frames of a scan, asked for the likelihood of objects.

    Parameters
    ----------
    counts : Source
        Photons (k, N, N), read by blocks of frames.
    probe : (N, N) or (m, N, N) complex
        Known probe in photons, or its modes.
    positions : (k, 2) float
        Window centres (row, col) on the canvas; all windows inside it.
    shape : (int, int)
        Of the canvas.
    valid : (N, N) bool, optional
        Pixels that count; default all.
    share : float
        Of the photons for which the probe stands, where a part of them was drawn.
    threads : int
        That work beside each other; no bit of what they find depends on it.
    passes : int
        About how often it will be asked, by which it is compiled or not.
    streamed : bool
        Whether it must take no more memory for more frames: nothing is compiled, and no more frames
        are kept than a scan of a thousand has.

    Raises
    ------
    ValueError
        If a window reaches over the canvas, frames and positions are not as many, or no pixel of a
        frame is valid.
    """

    def __init__(
        self,
        counts: "Source",
        probe: np.ndarray,
        positions: np.ndarray,
        shape: tuple[int, int],
        *,
        valid: np.ndarray | None = None,
        share: float = 1.0,
        threads: int = 1,
        passes: int = PASSES,
        streamed: bool = False,
    ) -> None:
        self.counts = counts
        # The probe's power is in photons: with fewer of them it is a weaker probe.
        self.modes = as_modes((probe * np.sqrt(share)).astype(np.complex64))
        self.positions = np.asarray(positions, dtype=np.float64)
        self.shape = (int(shape[0]), int(shape[1]))
        n = self.modes.shape[-1]
        self.corners, self._fractions = split_positions(self.positions, n)
        check_inside(self.corners, n, self.shape)
        self.valid = np.ones((n, n), bool) if valid is None else np.asarray(valid, bool)
        if self.valid.shape != (n, n) or not self.valid.any():
            raise ValueError(
                f"valid pixels of shape {self.valid.shape}, {self.valid.sum()} of them; "
                f"needed: {(n, n)}, and one at least"
            )
        if len(counts) != len(self.positions):
            raise ValueError(f"{len(counts)} frames at {len(self.positions)} positions")
        mean = detected_power(self.modes, self.valid) / self.valid.sum()
        # The mean is that of a share already; the most is meant of all photons.
        self.background = np.float32(min(_BACKGROUND * mean, _MOST * share))
        self._mask = np.fft.ifftshift(self.valid).astype(np.float32)
        # N^2 makes the inverse of a transform, and N the next one keep power, there and back.
        self._spectra = scipy.fft.fft2(self.modes) / np.float32(n**3)
        self._frames = max(1, _BLOCK_PIXELS // (n * n))
        self._parts = self._parted(_STREAMED // SCAN_PARTS if streamed else len(counts))
        self._reading = threading.Lock()
        self._pixels = 0 if streamed else passes * len(counts) * n * n
        self._benches = [_Bench(self._pixels)]
        self._team = Team(threads)

    def _parted(self, most: int) -> list[Part]:
        frames, step = len(self.counts), self._frames
        blocks = [slice(first, min(first + step, frames)) for first in range(0, frames, step)]
        parts = []
        for some in np.array_split(np.arange(len(blocks)), SCAN_PARTS):
            # There may be fewer blocks than parts.
            if some.size:
                own = blocks[some[0] : some[-1] + 1]
                corners = self.corners[own[0].start : own[-1].stop]
                parts.append(Part(own, corners, self.modes.shape, most))
        return parts

    @property
    def pixels(self) -> int:
        """Valid pixels of all frames."""
        return len(self.counts) * int(self.valid.sum())

    @property
    def light(self) -> np.ndarray:
        """Return the light (H, W) float32 that the scan puts on each pixel."""
        return light(self.modes, self.positions, self.shape)

    def value_and_gradient(self, field: np.ndarray) -> tuple[float, np.ndarray]:
        """Return half the deviance of an object, and its gradient with respect to ``conj(O)``.

        Parameters
        ----------
        field : (H, W) complex

        Returns
        -------
        value : float
        gradient : (H, W) complex64

        Raises
        ------
        ValueError
            If the object is not as large as the canvas.
        """
        field = np.ascontiguousarray(field, dtype=np.complex64)
        if field.shape != self.shape:
            raise ValueError(f"an object of shape {field.shape}; needed: {self.shape}, the canvas")
        value = 0.0
        # Its conjugate is added up, for which the probes need not be conjugated.
        conjugate = np.zeros(self.shape, dtype=np.complex64)

        of_parts = self._team.map(lambda part: self._of_part(part, field), self._parts)
        for part, (some, slope) in zip(self._parts, of_parts, strict=True):
            value += some
            under = part.of(conjugate)
            under += slope
        return value, conjugate.conj()

    def _of_part(self, part: Part, field: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the value of the frames of a part, and their conjugate gradient."""
        try:
            bench = self._benches.pop()
        except IndexError:
            bench = _Bench(self._pixels)
        seen = np.ascontiguousarray(part.of(field))
        value = 0.0
        conjugate = np.zeros(part.shape, dtype=np.complex64)
        for frames in part.blocks:
            corners = self.corners[frames] - (part.top, part.left)
            probes = part.probes(frames, partial(self._made, frames, bench))
            waves = bench.transform("waves", probes.shape)
            block = part.kept.get(frames.start) or self._block(frames, part)
            bench.steps.expose(seen, probes, corners, waves.waves)
            waves.forward()
            expected, ratio = bench.steps.compare(
                waves.waves, block.numbers, self._mask, self.background
            )
            value += expected - block.explained(ratio)
            waves.backward()
            bench.steps.place(waves.waves, probes, corners, conjugate)
        self._benches.append(bench)
        return value, conjugate

    def _block(self, frames: slice, part: Part) -> Block:
        """Read frames, and keep them where there is room."""
        # A draw remembers what it looked up.
        with self._reading:
            counts = self.counts[frames]
        block = Block.of(counts, self._mask)
        part.keep(frames.start, block)
        return block

    def _made(self, frames: slice, bench: _Bench) -> np.ndarray:
        """Make the modes (m, b, N, N) over N of frames, until the next ones are made."""
        n = self.modes.shape[-1]
        rows, cols = (_ramp(self._fractions[frames, axis], n) for axis in (0, 1))
        transform = bench.transform("probes", (len(self.modes), len(rows), n, n))
        bench.steps.turn(self._spectra, rows, cols, transform.waves)
        transform.backward()
        return transform.waves


def _ramp(fractions: np.ndarray, n: int) -> np.ndarray:
    """Return the phase ramps (b, n) complex64 of shifts (b,) along one axis."""
    # Below a quarter of a turn, where single precision loses nothing.
    phase = (-2 * np.pi * fractions[:, None] * np.fft.fftfreq(n)).astype(np.float32)
    ramp = np.empty(phase.shape, dtype=np.complex64)
    np.cos(phase, out=ramp.real)
    np.sin(phase, out=ramp.imag)
    return ramp
