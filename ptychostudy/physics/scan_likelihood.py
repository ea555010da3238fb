"""The Poisson likelihood of an object, given the frames of a scan behind a known probe.

``L(O) = sum (I + b - y) - y log((I + b) / y)`` over valid pixels, half the Poisson deviance, with
``I = sum_m |F(P_m O)|^2`` and a background b, by which a dark pixel that counted a photon stays
finite. It has to be small against what a pixel counts: the model expects more than the frames hold
by it, and lays the difference into slow phase that is in no frame. Its gradient with respect to
``conj(O)`` is ``sum place(conj(P_m) F^-1((1 - y / (I + b)) F(P_m O)))`` (Thibault &
Guizar-Sicairos, New J. Phys. 14, 063004 (2012)).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import scipy

from ptychostudy.physics.block_transform import BlockTransform, block_transform
from ptychostudy.physics.counts import detected_power
from ptychostudy.physics.modes import as_modes
from ptychostudy.physics.windows import light, split_positions

if TYPE_CHECKING:
    from ptychostudy.physics.held_out import Source

# Of the photons that a pixel counts on the mean behind an empty object, and at most so many
# photons. More damps what is hardly seen, which helps where a prior is missing, and costs slow
# phase, most where many frames see each pixel: docs/networks.md has the figures. Less asks for more
# iterations.
_BACKGROUND = 0.02
_MOST = 0.05

# Pixels of the frames that are worked on together: what belongs to them stays in a core's cache.
_BLOCK_PIXELS = 2**16
# Bytes of frames and shifted probes that are kept from one pass to the next; those of a larger scan
# that find no room are made anew in each, which takes half as long again.
_KEPT = 2**27


class _Block(NamedTuple):
    """Some frames, with the zero frequency in the corner as the transform has it.

    Attributes
    ----------
    counts : (b, N, N) float32
        Zero where a pixel is not valid.
    probes : (m, b, N, N) complex64
        Each mode where each frame has it.
    corners : (b, 2) int
        First pixel of each window on the canvas.
    hit : (p,) int
        Pixels, of the counts in one row, that counted photons.
    photons : (p,) float32
        What these counted.
    """

    counts: np.ndarray
    probes: np.ndarray
    corners: np.ndarray
    hit: np.ndarray
    photons: np.ndarray

    @property
    def bytes(self) -> int:
        """Return what it takes in memory."""
        arrays = (self.counts, self.probes, self.corners, self.hit, self.photons)
        return sum(array.nbytes for array in arrays)


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
    ) -> None:
        self.counts = counts
        # The probe's power is in photons: with fewer of them it is a weaker probe.
        self.modes = as_modes((probe * np.sqrt(share)).astype(np.complex64))
        self.positions = np.asarray(positions, dtype=np.float64)
        self.shape = (int(shape[0]), int(shape[1]))
        n = self.modes.shape[-1]
        self.corners, self.fractions = split_positions(self.positions, n)
        self.valid = np.ones((n, n), bool) if valid is None else np.asarray(valid, bool)
        mean = detected_power(self.modes, self.valid) / self.valid.sum()
        # The mean is that of a share already; the most is meant of all photons.
        self.background = np.float32(min(_BACKGROUND * mean, _MOST * share))
        # None where there is nothing to leave out, which most scans need not pay for.
        self._mask = None if self.valid.all() else np.fft.ifftshift(self.valid)
        self._spectra = scipy.fft.fft2(self.modes)
        self._transforms: dict[tuple[int, ...], BlockTransform] = {}
        self._frames = max(1, _BLOCK_PIXELS // (n * n))
        self._room = _KEPT
        self._kept: dict[int, _Block] = {}

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
        """
        field = np.asarray(field, dtype=np.complex64)
        value = 0.0
        # Its conjugate is added up, for which the probes need not be conjugated.
        conjugate = np.zeros(self.shape, dtype=np.complex64)
        n = self.modes.shape[-1]

        for block in self._blocks():
            part, steps = self._of_block(block, field)
            value += part
            for (row, col), step in zip(block.corners, steps, strict=True):
                conjugate[row : row + n, col : col + n] += step
        return value, conjugate.conj()

    def _of_block(self, block: _Block, field: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the part of the value of some frames, and their conjugate gradients (b, N, N)."""
        transform = self._transform(block.probes.shape)
        _pass(block, field, transform.waves)
        transform.forward()
        far = transform.waves
        # Of both transforms together; a unitary one each would cost a pass over the waves.
        unit = np.float32(1 / (far.shape[-2] * far.shape[-1]))
        expected = _added(np.square(far.real) + np.square(far.imag))
        expected *= unit
        expected += self.background
        ratio = block.counts / expected
        value = _half_deviance(block, expected, ratio, self._mask)
        np.subtract(1, ratio, out=ratio)
        if self._mask is not None:
            ratio *= self._mask
        ratio *= unit
        far *= ratio
        transform.backward()
        waves = transform.waves
        np.conjugate(waves, out=waves)
        waves *= block.probes
        return value, _added(waves)

    def _transform(self, shape: tuple[int, ...]) -> BlockTransform:
        """Return the transforms of blocks of a shape: there are two, as the last is shorter."""
        if shape not in self._transforms:
            self._transforms[shape] = block_transform(shape)
        return self._transforms[shape]

    def _blocks(self) -> Iterator[_Block]:
        for start in range(0, len(self.counts), self._frames):
            block = self._kept.get(start)
            if block is None:
                block = self._block(start)
                if block.bytes <= self._room:
                    self._kept[start] = block
                    self._room -= block.bytes
            yield block

    def _block(self, start: int) -> _Block:
        frames = slice(start, start + self._frames)
        counts = np.where(self.valid, self.counts[frames], 0).astype(np.float32)
        turned = np.fft.ifftshift(counts, axes=(-2, -1))
        hit = np.flatnonzero(turned).astype(np.int32)
        return _Block(turned, self._probes(frames), self.corners[frames], hit, turned.ravel()[hit])

    def _probes(self, frames: slice) -> np.ndarray:
        """Return the modes (m, b, N, N) where each frame has them."""
        ramps = _ramps(self.fractions[frames], self.modes.shape[-1])
        return scipy.fft.ifft2(self._spectra[:, None] * ramps)


def _ramps(fractions: np.ndarray, n: int) -> np.ndarray:
    """Return the spectra (b, N, N) complex64 of shifts by fractions (b, 2) of a pixel."""
    steps = np.exp(-2j * np.pi * fractions[..., None] * np.fft.fftfreq(n)).astype(np.complex64)
    return np.asarray(steps[:, 0, :, None] * steps[:, 1, None, :])


def _pass(block: _Block, field: np.ndarray, waves: np.ndarray) -> None:
    """Let the window of each frame pass its probe, once for each mode, into waves (m, b, N, N).

    One slice each: an index for every pixel costs more than the transform of the window.
    """
    n = waves.shape[-1]
    for frame, (row, col) in enumerate(block.corners):
        window = field[row : row + n, col : col + n]
        np.multiply(window, block.probes[:, frame], out=waves[:, frame])


def _added(modes: np.ndarray) -> np.ndarray:
    """Return the sum (b, N, N) over modes (m, b, N, N)."""
    return np.asarray(modes[0] if len(modes) == 1 else np.sum(modes, axis=0))


def _half_deviance(
    block: _Block, expected: np.ndarray, ratio: np.ndarray, mask: np.ndarray | None
) -> float:
    """Return half the Poisson deviance of valid pixels; ``ratio`` is counts over expected."""
    seen = expected if mask is None else expected * mask
    # Frame by frame in single precision, which is pairwise, and all of them in double.
    of_frames = seen.reshape(len(seen), -1).sum(axis=1)
    surplus = np.sum(of_frames, dtype=np.float64) - np.sum(block.photons, dtype=np.float64)
    # Of a pixel without photons only what was expected counts.
    information = block.photons * np.log(ratio.ravel().take(block.hit))
    return float(surplus + np.sum(information, dtype=np.float64))
