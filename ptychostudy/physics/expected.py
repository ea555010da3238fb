"""Frames that are expected of a scan, block by block: their mean first, then the frames at a dose.

A dose needs the mean of all frames before the first is drawn, so each is made twice; those that
may be kept are made once.
"""

from collections.abc import Iterator

import numpy as np
import scipy

from ptychostudy.physics.block_transform import block_transform
from ptychostudy.physics.modes import as_modes
from ptychostudy.physics.propagate import centring, light, pass_object, ramps
from ptychostudy.physics.windows import check_inside, split_positions

# Of frames at a time, of a scan of any length: so few that the cache of a core holds their waves.
_PIXELS = 2**16


class Expected:
    """Noise-free frames of a scan, in blocks.

    Parameters
    ----------
    object_ : (H, W) complex
    probe : (N, N) or (m, N, N) complex
        Probe in the window's centre, or its modes, whose light does not interfere.
    positions : (k, 2) float
        Window centres (row, col) in object pixels.
    valid : (N, N) bool, optional
        Pixels that count; the others hold 0. Default all.
    block : int, optional
        Frames at a time; it changes no frame. Default as many as a cache holds.

    Raises
    ------
    ValueError
        If a window leaves the object.
    """

    def __init__(
        self,
        object_: np.ndarray,
        probe: np.ndarray,
        positions: np.ndarray,
        *,
        valid: np.ndarray | None = None,
        block: int | None = None,
    ) -> None:
        n = probe.shape[-1]
        at_once = block or max(1, _PIXELS // n**2)
        self._corners, self._fractions = split_positions(positions, n)
        check_inside(self._corners, n, object_.shape)
        self._valid = None if valid is None or valid.all() else valid
        self._parts = _parts(len(self._corners), at_once)
        # One place for all frames, as for all waves: memory anew takes half a transform's time.
        self._frames = np.empty((min(at_once, len(positions)), n, n))
        self._transform = block_transform(self._frames.shape, np.complex128, apart=True)
        # As wide as rows of the waves are with what lies between them: there all is 0.
        self._between = ((0, 0), (0, self._transform.whole.shape[-1] - n))
        # Frames are centred by the object: to move their quarters takes as long as a transform.
        rows, cols = object_.shape
        self._object = np.zeros((rows, cols + self._between[1][1]), np.complex128)
        np.multiply(object_, centring(object_.shape, n), out=self._object[:, :cols])
        # Transforms have no factor: with this one they are the waves over N, and the far fields.
        spectra = (scipy.fft.fft2(as_modes(probe)) / n**3).astype(np.complex128)
        self._spectra = [np.pad(spectrum, self._between) for spectrum in spectra]
        self._kept = self._frames[:0]

    def mean(self, *, kept: int = 0) -> float:
        """Return the mean over the frames of their sums, in the units of ``|probe|^2``.

        Parameters
        ----------
        kept : int
            How many of the first frames may be kept until they are asked for; the others are made
            again.
        """
        self._kept = np.empty((min(kept, len(self._corners)), *self._frames.shape[1:]))
        sums = [self._sums(part) for part in self._parts]
        # One mean of all frames: a mean of the blocks' means would depend on their length.
        return float(np.concatenate(sums).mean())

    def frames(self, scale: float = 1.0) -> Iterator[np.ndarray]:
        """Yield the frames, (<= block, N, N) float64, of a probe ``scale`` times as strong.

        Each block takes the place of the one before it.
        """
        for part in self._parts:
            # After the transforms: a frame that is kept and one that is made again are the same.
            if self._is_kept(part):
                kept = self._kept[part]
                yield np.multiply(kept, scale**2, out=self._frames[: len(kept)])
            else:
                power = self._power(part)
                power *= scale**2
                yield power

    def _sums(self, part: slice) -> np.ndarray:
        """Return the sums (b,) of the frames of a part, which are kept or not made if possible."""
        if self._valid is not None:
            return np.asarray(self._power(part).sum(axis=(1, 2)))
        corners = self._corners[part]
        sums = np.zeros(len(corners))
        for number, waves in enumerate(self._probes(part)):
            # By their light even where they are kept, so that no bit depends on what is.
            pass_object(waves, self._object, corners)
            sums += self._frames[0].size * light(waves)
            if self._is_kept(part):
                self._detect(self._kept[part], number)
        return sums

    def _power(self, part: slice) -> np.ndarray:
        """Return the frames of a part, those of all modes added."""
        power = self._kept[part] if self._is_kept(part) else self._frames[: part.stop - part.start]
        for number, waves in enumerate(self._probes(part)):
            pass_object(waves, self._object, self._corners[part])
            self._detect(power, number)
        if self._valid is not None:
            power *= self._valid
        return power

    def _is_kept(self, part: slice) -> bool:
        return bool(part.stop <= len(self._kept))

    def _probes(self, part: slice) -> Iterator[np.ndarray]:
        """Yield each mode over N, (b, N, N + between), where the frames of a part have it.

        What is made of it is transformed by `_detect`; the next one takes its place.
        """
        rows, cols = ramps(self._fractions[part], self._frames.shape[1:])
        cols = np.pad(cols, self._between)
        for spectrum in self._spectra:
            waves = self._transform.whole
            # All of a block is transformed, also for the last frames, so that no bit depends on it.
            waves[len(rows) :] = 0
            np.multiply(spectrum, rows[:, :, None], out=waves[: len(rows)])
            waves[: len(rows)] *= cols[:, None, :]
            self._transform.backward()
            yield self._transform.whole[: len(rows)]

    def _detect(self, frames: np.ndarray, mode: int) -> None:
        """Put intensities of the first mode's waves in the place of frames, add those of others."""
        self._transform.forward()
        # Of numbers side by side: of real and imaginary parts apart it takes twice as long.
        parts = self._transform.whole[: len(frames)].view(np.float64)
        np.square(parts, out=parts)
        far = self._transform.waves[: len(frames)]
        if mode == 0:
            np.add(far.real, far.imag, out=frames)
        else:
            frames += far.real + far.imag


def _parts(frames: int, block: int) -> list[slice]:
    """Return the frames of each block."""
    return [slice(start, min(start + block, frames)) for start in range(0, frames, block)]
