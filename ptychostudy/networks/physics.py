"""The forward model inside the graph: the probe of each frame, and the far field behind it.

The same model as `ptychostudy.physics.propagate`, written with ``keras.ops`` so that it is
differentiable and runs on every Keras backend. Frame stacks are ``(groups, frames, rows, cols)``.
"""

from typing import Any

import numpy as np
from keras import ops

from ptychostudy.networks.layer import Layer
from ptychostudy.networks.placement import extract_pair, shift_matrices
from ptychostudy.networks.tensors import (
    Pair,
    Tensor,
    fourier,
    multiply,
    squared_modulus,
    transform,
)


class FrameProbes(Layer):
    """Shift the probe of each frame by its sub-pixel fraction, as `physics.propagate.translate`.

    The result also carries the sign pattern ``(-1)^(row + col)``, which moves the zero frequency of
    the following Fourier transform to the centre (N even) without any roll; it cancels in every
    ``conj(P) psi``.

    Parameters
    ----------
    probe : (N, N) complex
        Probe in network units, ``sum |P|^2 = (N / 2)^2``.
    """

    def __init__(self, probe: np.ndarray, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        n = probe.shape[-1]
        # The probe never changes, so its spectrum, and what else each call needs, is computed once.
        spectrum = np.fft.fft2(probe)
        real = self.constant(spectrum.real, "real")
        imaginary = self.constant(spectrum.imag, "imag")
        self.spectrum = (real, imaginary)
        self.frequency = self.constant(np.fft.fftfreq(n), "frequency")
        self.sign = self.constant(_checkerboard(n), "sign")

    def call(self, fractions: Tensor) -> Pair:
        """Return shifted, sign-modulated probes, a pair (B, C, N, N), for fractions (B, C, 2)."""
        # Fourier's shift theorem: content moves by +t where its spectrum takes exp(-2 pi i f t).
        angle = -2.0 * np.pi * ops.cast(fractions, "float32")[..., None] * self.frequency
        angle = angle[:, :, 0, :, None] + angle[:, :, 1, None, :]
        moved = multiply(self.spectrum, (ops.cos(angle), ops.sin(angle)))
        real, imaginary = transform(moved, ops.ifft2)
        return real * self.sign, imaginary * self.sign

    def compute_output_shape(self, fractions_shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
        """Return the two shapes (B, C, N, N)."""
        shape = (*fractions_shape[:2], *self.sign.shape)
        return shape, shape


def _checkerboard(n: int) -> np.ndarray:
    """Return ``(-1)^(row + col)``, (n, n)."""
    index = np.arange(n)
    signs: np.ndarray = (-1.0) ** np.add.outer(index, index)
    return signs


class FarField(Layer):
    """Centred far-field intensity of a canvas behind each probe, ``|F(P_c O[window c])|^2``."""

    def call(self, canvas: Pair, probes: Pair, offsets: Tensor) -> Tensor:
        """Return the intensities (B, C, N, N) of a group's frames.

        Parameters
        ----------
        canvas : pair of (B, P, P)
            Object of each group.
        probes : pair of (B, C, N, N)
            From `FrameProbes`.
        offsets : (B, C, 2)
            Window corner minus canvas corner, whole pixels.
        """
        # Windows stay on the pixel grid: the sub-pixel part of a position has moved the probe.
        matrices = shift_matrices(offsets, probes[0].shape[-1], canvas[0].shape[-1])
        return squared_modulus(far_field(canvas, probes, matrices))

    def compute_output_shape(
        self,
        canvas_shape: tuple[tuple[int, ...], ...],
        probes_shape: tuple[tuple[int, ...], ...],
        offsets_shape: tuple[int, ...],
    ) -> tuple[int, ...]:
        """Return (B, C, N, N)."""
        return probes_shape[0]


def far_field(canvas: Pair, probes: Pair, matrices: Pair) -> Pair:
    """Centred far field (B, C, N, N) of a canvas (B, P, P) behind sign-modulated probes."""
    return fourier(multiply(probes, extract_pair(canvas, matrices)))
