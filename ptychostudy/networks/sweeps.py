"""Back-projection: a group's measured amplitudes, brought into the object's plane by sweeps."""

from typing import Any, NamedTuple

import numpy as np
from keras import ops

from ptychostudy.networks.interleaved import (
    Factor,
    both_sides,
    factor,
    fourier_matrix,
    interleave,
    multiply,
    multiply_conjugate,
    power,
    separate,
    transform,
)
from ptychostudy.networks.layer import Layer
from ptychostudy.networks.placement import place, shift_matrices
from ptychostudy.networks.tensors import Pair, Tensor, squared_modulus

MOMENTUM = 0.9
"""Share of the last sweep's change that the next one starts with.

0.9 converged fastest of 0, 0.5, 0.8, 0.9, 0.95.
"""
DIM = 0.02
"""Share of the peak illumination below which a pixel counts as hardly lit."""
FIRST_GAIN = 1.1
"""Step of the first sweep, in units of ePIE's ``conj(P) / max |P|^2``; it falls towards 0.1."""


class Frame(NamedTuple):
    """What a sweep needs of one frame of each group, cut to the square that light reaches.

    Attributes
    ----------
    measured : (B, N, N)
        Amplitudes, columns before rows, as `transform` leaves them.
    probe : Factor
        Sign-modulated probe, (B, S, S).
    rows, cols : (B, S, Q)
        Where the window lies, from `shift_matrices`.
    rows_back, cols_back : (B, Q, S)
        Their transposes.
    peak : (B, 1, 1, 1)
        Largest intensity of the probe.
    """

    measured: Tensor
    probe: Factor
    rows: Tensor
    cols: Tensor
    rows_back: Tensor
    cols_back: Tensor
    peak: Tensor

    def cut(self, canvas: Tensor) -> Tensor:
        """Cut the window out of the canvas of each group, (B, Q, 2, Q) -> (B, S, 2, S)."""
        return both_sides(self.rows, canvas, self.cols_back)

    def put(self, window: Tensor) -> Tensor:
        """Place a window on an empty canvas; the adjoint of `cut`."""
        return both_sides(self.rows_back, window, self.cols)


def _frames(amplitude: Tensor, probes: Pair, matrices: Pair) -> list[Frame]:
    """Return the frames of each group apart, of stacks (B, C, ...)."""
    turned = ops.transpose(amplitude, (0, 1, 3, 2))
    rows, cols = matrices
    rows_back, cols_back = (ops.swapaxes(matrix, -1, -2) for matrix in matrices)
    # ePIE divides by the probe's largest intensity, so what is faintly lit moves little.
    peaks = ops.max(squared_modulus(probes), axis=(2, 3))[..., None, None, None]
    frames = []
    for c in range(amplitude.shape[1]):
        probe = factor((probes[0][:, c], probes[1][:, c]))
        frames.append(
            Frame(
                turned[:, c],
                probe,
                rows[:, c],
                cols[:, c],
                rows_back[:, c],
                cols_back[:, c],
                peaks[:, c],
            )
        )
    return frames


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
        # Columns before rows, as all that lies on the detector here.
        self.mask = self.constant(mask.T, "mask")
        matrix = fourier_matrix(mask.shape[-1], support)
        self.forth = self.constant(matrix, "forth")
        self.back = self.constant(matrix.T, "back")

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
        illumination = place(squared_modulus(probes), matrices)
        peak = ops.max(illumination, axis=(1, 2), keepdims=True)
        weight = 1.0 / (illumination + DIM * peak)
        frames = _frames(amplitude, probes, matrices)
        start = self._start(frames) * weight[:, :, None]
        # The sweeps begin where the start is known and at transmission one where no light came.
        empty = DIM * peak * weight
        now = start + interleave((empty, ops.zeros_like(empty)))
        swept = separate(self._swept(now, frames))
        channels = [*separate(start), *_channels(swept, illumination / peak)]
        # No weight lies before the sweeps: a gradient through them would be of no use.
        return ops.stop_gradient(ops.stack(channels, axis=-1))

    def _inside(self, pair: Pair) -> Pair:
        """Cut frames (B, C, N, N) to the square that holds the probe's light."""
        keep = slice(self.rim, pair[0].shape[-1] - self.rim)
        real, imaginary = (part[:, :, keep, keep] for part in pair)
        return real, imaginary

    def _start(self, frames: list[Frame]) -> Tensor:
        """Add up the frames with the phases of their empty probes, (B, Q, 2, Q)."""
        total = 0.0
        for frame in frames:
            empty = interleave((frame.probe.real[:, :, 0], frame.probe.turned[:, :, 1]))
            field = transform(empty, self.forth)
            waves = transform(field * (self._change(frame, field) + 1.0), self.back)
            total = total + frame.put(multiply_conjugate(waves, frame.probe))
        return total

    def _swept(self, now: Tensor, frames: list[Frame]) -> Tensor:
        """Refine an object (B, Q, 2, Q) by all sweeps, each starting ahead of where the last ended.

        A loop of the backend: unrolled, a dozen sweeps take longer to trace than to run.
        """

        def sweep(step: Tensor, last: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
            now, before = last
            gain = FIRST_GAIN - ops.cast(step, "float32") / self.steps
            ahead = now + MOMENTUM * (now - before)
            return self._sweep(ahead, frames, gain), now

        return ops.fori_loop(0, self.steps, sweep, (now, now))[0]

    def _sweep(self, now: Tensor, frames: list[Frame], gain: Tensor) -> Tensor:
        """Replace the moduli of one frame after the other.

        Each frame sees the object that the last one left.
        """
        for frame in frames:
            field = transform(multiply(frame.cut(now), frame.probe), self.forth)
            waves = transform(field * self._change(frame, field), self.back)
            change = frame.put(multiply_conjugate(waves, frame.probe))
            now = now + change * (gain / frame.peak)
        return now

    def _change(self, frame: Frame, field: Tensor) -> Tensor:
        """Return by what share (B, N, 1, N) of itself a field misses the measured modulus."""
        # Scaling by A / |F| keeps the phase without an arctangent; 1e-12 keeps dark pixels finite.
        ratio = frame.measured * ops.rsqrt(power(field) + 1e-12) - 1.0
        return (self.mask * ratio)[:, :, None]

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
