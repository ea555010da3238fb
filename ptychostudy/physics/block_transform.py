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
# power of two apart.
_ESTIMATED = {2**power for power in range(8)}

Precision = type[np.complex64] | type[np.complex128]


class BlockTransform(ABC):
    """A block of waves, and its transforms over the last two axes.

    Parameters
    ----------
    shape : (..., N, N)
        Of the block.
    dtype : type
        Complex, of single or double precision.

    Attributes
    ----------
    waves : (..., N, N) complex
        What is transformed. A transform may put another array here.
    """

    waves: np.ndarray

    @abstractmethod
    def __init__(self, shape: tuple[int, ...], dtype: Precision = np.complex64) -> None: ...

    @abstractmethod
    def forward(self) -> None:
        """Transform the waves, without a factor: their sum becomes the zero frequency."""

    @abstractmethod
    def backward(self) -> None:
        """Transform back, without a factor: both ways make ``N^2`` times what there was."""


class ScipyTransform(BlockTransform):
    """Transforms of SciPy."""

    def __init__(self, shape: tuple[int, ...], dtype: Precision = np.complex64) -> None:
        self.waves = np.empty(shape, dtype=dtype)

    def forward(self) -> None:
        """See `BlockTransform`."""
        self.waves = scipy.fft.fft2(self.waves, overwrite_x=True)

    def backward(self) -> None:
        """See `BlockTransform`."""
        self.waves = scipy.fft.ifft2(self.waves, norm="forward", overwrite_x=True)


class FftwTransform(BlockTransform):
    """Transforms of FFTW.

    Their plan is an estimate: one that is measured depends on what else the machine does, and with
    it the rounding of every result.
    """

    def __init__(self, shape: tuple[int, ...], dtype: Precision = np.complex64) -> None:
        import pyfftw  # type: ignore[import-untyped]  # it declares no types

        self.waves = pyfftw.empty_aligned(shape, dtype=dtype)
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


def block_transform(shape: tuple[int, ...], dtype: Precision = np.complex64) -> BlockTransform:
    """Return the transforms of blocks of a shape: of FFTW where it is quick, and installed.

    Parameters
    ----------
    shape : (..., N, N)
    dtype : type
    """
    if _ESTIMATED.issuperset(shape[-2:]) and importable("pyfftw"):
        return FftwTransform(shape, dtype)
    return ScipyTransform(shape, dtype)
