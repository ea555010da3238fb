"""The steps of a likelihood between its transforms, by NumPy or compiled.

Compiled, by Numba where it is installed, they take a third of the time; either agrees with the
other to rounding.
"""

from abc import ABC, abstractmethod

import numpy as np

from ptychostudy.physics import fused
from ptychostudy.physics.compiled import compiled, pays, side_by_side


class FrameSteps(ABC):
    """What is done to a block of frames before, between and after its transforms.

    Waves and probes are (m, b, N, N) complex64: each of m modes for each of b frames.
    """

    @abstractmethod
    def expose(
        self, field: np.ndarray, probes: np.ndarray, corners: np.ndarray, waves: np.ndarray
    ) -> None:
        """Let the windows of a field (H, W) complex64 at corners (b, 2) pass the probes."""

    @abstractmethod
    def compare(
        self,
        waves: np.ndarray,
        counts: np.ndarray,
        mask: np.ndarray,
        background: np.float32,
    ) -> tuple[float, np.ndarray]:
        """Compare far fields with counts, and leave in their place what is to be laid back.

        Parameters
        ----------
        waves : (m, b, N, N) complex64
            Afterwards times ``1 - counts / expected``, zero where a pixel is not valid.
        counts : (b, N, N) uint8, uint16 or float32
        mask : (N, N) float32
            One where a pixel is valid, else zero.
        background : float32
            Expected counts are ``|waves|^2 + background``, all modes added.

        Returns
        -------
        total : float
            Sum of the expected counts of valid pixels.
        ratio : (b, N, N) float32
            Counts over expected ones; the next call may use the same memory.
        """

    @abstractmethod
    def turn(
        self, spectra: np.ndarray, rows: np.ndarray, cols: np.ndarray, turned: np.ndarray
    ) -> None:
        """Multiply spectra (m, N, N) by ramps (b, N) along rows and columns, into ``turned``."""

    @abstractmethod
    def power(self, waves: np.ndarray, found: np.ndarray) -> None:
        """Put the squared moduli of waves, all modes added, into ``found`` (b, N, N) float32."""

    def weigh(self, waves: np.ndarray, factor: np.ndarray) -> None:
        """Multiply all modes of waves by a factor (b, N, N) float32."""
        waves *= factor

    @abstractmethod
    def place(
        self, waves: np.ndarray, probes: np.ndarray, corners: np.ndarray, canvas: np.ndarray
    ) -> None:
        """Add conjugate waves times probes, all modes, to the windows of a canvas (H, W).

        The waves are no longer there afterwards.
        """


class NumpySteps(FrameSteps):
    """One operation after the other."""

    def turn(
        self, spectra: np.ndarray, rows: np.ndarray, cols: np.ndarray, turned: np.ndarray
    ) -> None:
        """See `FrameSteps`."""
        np.multiply(spectra[:, None], rows[:, :, None] * cols[:, None, :], out=turned)

    def expose(
        self, field: np.ndarray, probes: np.ndarray, corners: np.ndarray, waves: np.ndarray
    ) -> None:
        """See `FrameSteps`. A slice each: an index for every pixel costs more than a transform."""
        n = waves.shape[-1]
        for frame, (row, col) in enumerate(corners.tolist()):
            window = field[row : row + n, col : col + n]
            np.multiply(window, probes[:, frame], out=waves[:, frame])

    def compare(
        self,
        waves: np.ndarray,
        counts: np.ndarray,
        mask: np.ndarray,
        background: np.float32,
    ) -> tuple[float, np.ndarray]:
        """See `FrameSteps`."""
        expected = np.empty(counts.shape, dtype=np.float32)
        self.power(waves, expected)
        expected += background
        ratio = counts / expected
        # A pass each, which most detectors need not pay for.
        masked = not mask.all()
        if masked:
            expected *= mask
        # Frame by frame in single precision, which is pairwise, and all of them in double.
        of_frames = expected.reshape(len(expected), -1).sum(axis=1)
        factor = np.subtract(1, ratio, out=expected)
        if masked:
            factor *= mask
        self.weigh(waves, factor)
        return float(np.sum(of_frames, dtype=np.float64)), ratio

    def power(self, waves: np.ndarray, found: np.ndarray) -> None:
        """See `FrameSteps`."""
        found[...] = _added(np.square(waves.real) + np.square(waves.imag))

    def place(
        self, waves: np.ndarray, probes: np.ndarray, corners: np.ndarray, canvas: np.ndarray
    ) -> None:
        """See `FrameSteps`."""
        n = waves.shape[-1]
        np.conjugate(waves, out=waves)
        waves *= probes
        for step, (row, col) in zip(_added(waves), corners.tolist(), strict=True):
            canvas[row : row + n, col : col + n] += step


def _added(modes: np.ndarray) -> np.ndarray:
    """Return the sum (b, N, N) over modes (m, b, N, N)."""
    return np.asarray(modes[0] if len(modes) == 1 else np.sum(modes, axis=0))


class FusedSteps(FrameSteps):
    """All that is done to a frame at once; see `ptychostudy.physics.fused`."""

    def __init__(self) -> None:
        self._ratio = np.empty((0, 0, 0), dtype=np.float32)

    def turn(
        self, spectra: np.ndarray, rows: np.ndarray, cols: np.ndarray, turned: np.ndarray
    ) -> None:
        """See `FrameSteps`."""
        compiled(fused.turn, fused.TURN)(
            side_by_side(spectra), side_by_side(rows), side_by_side(cols), side_by_side(turned)
        )

    def expose(
        self, field: np.ndarray, probes: np.ndarray, corners: np.ndarray, waves: np.ndarray
    ) -> None:
        """See `FrameSteps`."""
        compiled(fused.expose, fused.EXPOSE)(
            side_by_side(field), side_by_side(probes), corners, side_by_side(waves)
        )

    def compare(
        self,
        waves: np.ndarray,
        counts: np.ndarray,
        mask: np.ndarray,
        background: np.float32,
    ) -> tuple[float, np.ndarray]:
        """See `FrameSteps`."""
        if len(self._ratio) < len(counts) or self._ratio.shape[1:] != counts.shape[1:]:
            self._ratio = np.empty(counts.shape, dtype=np.float32)
        ratio = self._ratio[: len(counts)]
        # Compiled for one kind at a time: few runs meet two.
        way = fused.COMPARE.get(counts.dtype.str[1:], fused.COMPARE["f4"])
        total = compiled(fused.compare, way)(side_by_side(waves), counts, mask, background, ratio)
        return float(total), ratio

    def power(self, waves: np.ndarray, found: np.ndarray) -> None:
        """See `FrameSteps`."""
        compiled(fused.power, fused.POWER)(side_by_side(waves), found)

    def weigh(self, waves: np.ndarray, factor: np.ndarray) -> None:
        """See `FrameSteps`."""
        compiled(fused.weigh, fused.WEIGH)(side_by_side(waves), factor)

    def place(
        self, waves: np.ndarray, probes: np.ndarray, corners: np.ndarray, canvas: np.ndarray
    ) -> None:
        """See `FrameSteps`."""
        compiled(fused.place, fused.PLACE)(
            side_by_side(waves), side_by_side(probes), corners, side_by_side(canvas)
        )


def frame_steps(pixels: float) -> FrameSteps:
    """Return the steps: compiled where that `pays`.

    Parameters
    ----------
    pixels : float
        Of frames, as often as they are passed.
    """
    return FusedSteps() if pays(pixels) else NumpySteps()
