"""Fourier transforms of one block of waves after the other, in place.

Half the time of a likelihood are its transforms, and those of FFTW (Frigo & Johnson, Proc. IEEE 93,
216 (2005)) take half of the time of SciPy's, whose wheels are built for any processor, or less: of
the sides it estimates well, and where pyFFTW is installed. Either agrees with the other to
rounding.
"""

from abc import ABC, abstractmethod

import numpy as np
import scipy

from ptychostudy.physics.optional import importable

# Sides of which FFTW's estimated plans are good ones. Of others they take from 0.8 to 2.4 times as
# long as SciPy's transforms in single precision, and three times from 256 on, where columns lie a
# power of two apart: with some numbers between rows they take half of SciPy's time there, too.
_ESTIMATED = {2**power for power in range(8)}
_ESTIMATED_APART = _ESTIMATED | {2**8}
# Numbers between rows, and the side from which on they help.
_BETWEEN, _HELPED = 4, 64

Precision = type[np.complex64] | type[np.complex128]


class BlockTransform(ABC):
    """A block of waves, and its transforms over the last two axes.

    Parameters
    ----------
    shape : (..., N, N)
        Of the block.
    dtype : type
        Complex, of single or double precision.
    apart : bool
        Whether rows may lie apart in memory.

    Attributes
    ----------
    waves : (..., N, N) complex
        What is transformed. A transform may put another array here.
    whole : (..., N, N + between) complex
        The same, with what lies between the rows: numbers that start as 0, which no transform
        reads. All of it is one piece of memory: where NumPy works in place on rows apart, it takes
        buffers and twice the time.
    """

    waves: np.ndarray
    whole: np.ndarray

    @abstractmethod
    def __init__(
        self, shape: tuple[int, ...], dtype: Precision = np.complex64, *, apart: bool = False
    ) -> None: ...

    @abstractmethod
    def forward(self) -> None:
        """Transform the waves, without a factor: their sum becomes the zero frequency."""

    @abstractmethod
    def backward(self) -> None:
        """Transform back, without a factor: both ways make ``N^2`` times what there was."""


class ScipyTransform(BlockTransform):
    """Transforms of SciPy, whose rows lie one after the other."""

    def __init__(
        self, shape: tuple[int, ...], dtype: Precision = np.complex64, *, apart: bool = False
    ) -> None:
        self.waves = self.whole = np.empty(shape, dtype=dtype)

    def forward(self) -> None:
        """See `BlockTransform`."""
        self.waves = self.whole = scipy.fft.fft2(self.waves, overwrite_x=True)

    def backward(self) -> None:
        """See `BlockTransform`."""
        self.waves = scipy.fft.ifft2(self.waves, norm="forward", overwrite_x=True)
        self.whole = self.waves


class FftwTransform(BlockTransform):
    """Transforms of FFTW.

    Their plan is an estimate: one that is measured depends on what else the machine does, and with
    it the rounding of every result.
    """

    def __init__(
        self, shape: tuple[int, ...], dtype: Precision = np.complex64, *, apart: bool = False
    ) -> None:
        import pyfftw  # type: ignore[import-untyped]  # it declares no types

        *blocks, cols = shape
        between = _BETWEEN if apart and cols >= _HELPED else 0
        self.whole = pyfftw.zeros_aligned((*blocks, cols + between), dtype=dtype)
        self.waves = self.whole[..., :cols]
        self._forward, self._backward = (
            pyfftw.FFTW(
                self.waves, self.waves, axes=(-2, -1), direction=way, flags=("FFTW_ESTIMATE",)
            )
            for way in ("FFTW_FORWARD", "FFTW_BACKWARD")
        )

    def forward(self) -> None:
        """See `BlockTransform`."""
        self._forward.execute()

    def backward(self) -> None:
        """See `BlockTransform`."""
        self._backward.execute()


def block_transform(
    shape: tuple[int, ...], dtype: Precision = np.complex64, *, apart: bool = False
) -> BlockTransform:
    """Return the transforms of blocks of a shape: of FFTW where it is quick, and installed.

    Parameters
    ----------
    shape : (..., N, N)
    dtype : type
    apart : bool
        Whether rows may lie apart in memory.
    """
    quick = _ESTIMATED_APART if apart else _ESTIMATED
    if quick.issuperset(shape[-2:]) and importable("pyfftw"):
        return FftwTransform(shape, dtype, apart=apart)
    return ScipyTransform(shape, dtype)
