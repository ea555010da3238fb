"""Back-projection: a group's measured amplitudes, brought into the object's plane by sweeps."""

from typing import Any, NamedTuple

import numpy as np
from keras import ops

from ptychostudy.networks.layer import Layer
from ptychostudy.networks.placement import extract_pair, place, shift_matrices
from ptychostudy.networks.tensors import (
    Pair,
    Tensor,
    add,
    fourier,
    inverse_fourier,
    multiply,
    multiply_conjugate,
    squared_modulus,
)

MOMENTUM = 0.9
"""Share of the last sweep's change that the next one starts with.

0.9 converged fastest of 0, 0.5, 0.8, 0.9, 0.95.
"""
DIM = 0.02
"""Share of the peak illumination below which a pixel counts as hardly lit."""
FIRST_GAIN = 1.1
"""Step of the first sweep, in units of ePIE's ``conj(P) / max |P|^2``; it falls towards 0.1."""


class Beams(NamedTuple):
    """How light meets the canvas of each group, cut to the square of the window that is lit.

    Attributes
    ----------
    probes : pair of (B, C, S, S)
        Sign-modulated probes.
    matrices : pair of (B, C, S, Q)
        Where their windows lie, from `shift_matrices`.
    """

    probes: Pair
    matrices: Pair

    def only(self, c: int) -> "Beams":
        """Return those of one frame of each group."""
        frame = slice(c, c + 1)
        rows, cols = (part[:, frame] for part in self.matrices)
        real, imaginary = (part[:, frame] for part in self.probes)
        return Beams((real, imaginary), (rows, cols))


class BackProject(Layer):
    """Bring the measured amplitudes of a group into the object's plane.

    The start gives every measured modulus the phase of the empty probe,
    ``psi = F^-1(A exp(i arg F(P_c)))``, which lends masked pixels its modulus as well: a zero there
    would say that no light came. It adds the frames up with their probes,
    ``sum place(conj(P_c) psi) / (sum place(|P_c|^2) + 0.02 max)``. Each step is one sweep over the
    group's frames in which the far field of the present object takes the measured modulus and the
    change goes back through the probe (ePIE, Maiden & Rodenburg, Ultramicroscopy 109, 1256 (2009),
    probe known), with momentum between sweeps and a gain that falls from 1.1 to 0.1, which averages
    the photon noise. It has no weights and no gradient flows through it.

    Parameters
    ----------
    square : int
        Side of the central square of the canvas that is computed.
    margin : int
        Rows of the canvas above that square.
    support : int
        Side of the central square of the window that holds the probe's light; what lies outside is
        ignored here (not in the likelihood).
    mask : (N, N) array
        1 where the detector pixel counts; elsewhere the modelled modulus is kept.
    steps : int
        Sweeps after the start.
    """

    def __init__(
        self,
        square: int,
        margin: int,
        support: int,
        mask: np.ndarray,
        *,
        steps: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.square = square
        self.margin = margin
        self.rim = (mask.shape[-1] - support) // 2
        self.steps = steps
        self.mask = self.constant(mask, "mask")

    def call(self, amplitude: Tensor, probes: Pair, offsets: Tensor) -> Tensor:
        """Return what the frames say of the object before anything is learned.

        Parameters
        ----------
        amplitude : (B, C, N, N)
            Measured, in network units.
        probes : pair of (B, C, N, N)
            From `FrameProbes`.
        offsets : (B, C, 2)
            Window corner minus canvas corner, pixels.

        Returns
        -------
        (B, Q, Q, 5)
            Start (real, imaginary), refined object (modulus, phase), relative illumination.
        """
        probes = self._inside(probes)
        n = probes[0].shape[-1]
        # Windows lose their rim and the canvas its margin, so their corners differ by that much.
        matrices = shift_matrices(offsets + (self.rim - self.margin), n, self.square)
        beams = Beams(probes, matrices)
        illumination = place(squared_modulus(probes), matrices)
        peak = ops.max(illumination, axis=(1, 2), keepdims=True)
        weight = 1.0 / (illumination + DIM * peak)
        start = self._gather(self._replace(amplitude, self._field(probes)), beams, weight)
        # The sweeps begin where the start is known and at transmission one where no light came.
        now = self._swept((start[0] + DIM * peak * weight, start[1]), amplitude, beams)
        channels = [*start, *_channels(now, illumination / peak)]
        # No weight lies before the sweeps: a gradient through them would be of no use.
        return ops.stop_gradient(ops.stack(channels, axis=-1))

    def _inside(self, pair: Pair) -> Pair:
        """Cut frames (B, C, N, N) to the square that holds the probe's light."""
        keep = slice(self.rim, pair[0].shape[-1] - self.rim)
        real, imaginary = (part[:, :, keep, keep] for part in pair)
        return real, imaginary

    def _swept(self, now: Pair, amplitude: Tensor, beams: Beams) -> Pair:
        """Refine an object (B, Q, Q) by all sweeps, each starting ahead of where the last ended."""
        before = now
        for step in range(self.steps):
            ahead = add(now, add(now, before, -1.0), MOMENTUM)
            before = now
            now = self._sweep(ahead, amplitude, beams, FIRST_GAIN - step / self.steps)
        return now

    def _sweep(self, now: Pair, amplitude: Tensor, beams: Beams, gain: float) -> Pair:
        """Replace the moduli of one frame after the other.

        Each frame sees the object that the last one left.
        """
        for c in range(amplitude.shape[1]):
            beam = beams.only(c)
            waves = multiply(beam.probes, extract_pair(now, beam.matrices))
            measured = amplitude[:, c : c + 1]
            change = self._replace(measured, self._field(waves), difference=True)
            # ePIE divides by the probe's largest intensity, so what is faintly lit moves little.
            factor = gain / ops.max(squared_modulus(beam.probes), axis=(2, 3))[..., None]
            now = add(now, self._gather(change, beam, factor))
        return now

    def _field(self, waves: Pair) -> Pair:
        """Far field of waves that vanish outside the support."""
        rim = (self.rim, self.rim)
        pad = ((0, 0), (0, 0), rim, rim)
        return fourier((ops.pad(waves[0], pad), ops.pad(waves[1], pad)))

    def _replace(self, amplitude: Tensor, field: Pair, difference: bool = False) -> Pair:
        """Field with the measured modulus, or its difference from the given field."""
        # Scaling by A / |F| keeps the phase without an arctangent; 1e-12 keeps dark pixels finite.
        ratio = self.mask * (amplitude * ops.rsqrt(squared_modulus(field) + 1e-12) - 1.0)
        ratio = ratio if difference else ratio + 1.0
        return field[0] * ratio, field[1] * ratio

    def _gather(self, field: Pair, beams: Beams, weight: Tensor) -> Pair:
        """Back-propagate and add up with conj(P), divided by the illumination."""
        waves = self._inside(inverse_fourier(field))
        real, imaginary = multiply_conjugate(beams.probes, waves)
        return place(real, beams.matrices) * weight, place(imaginary, beams.matrices) * weight

    def compute_output_shape(
        self,
        amplitude_shape: tuple[int, ...],
        probes_shape: tuple[tuple[int, ...], ...],
        offsets_shape: tuple[int, ...],
    ) -> tuple[int, ...]:
        """Return (B, Q, Q, 5)."""
        return (amplitude_shape[0], self.square, self.square, 5)


def _channels(now: Pair, lit: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return modulus, faded phase and illumination, three (B, Q, Q), of an object."""
    modulus = ops.sqrt(squared_modulus(now) + 1e-6)
    # Where hardly any light came the phase is noise, so it fades to zero with the illumination.
    phase = ops.arctan2(now[1], now[0]) * lit / (lit + DIM)
    return modulus, phase, lit
