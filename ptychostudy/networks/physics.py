"""Physics inside the graph: sub-pixel probes, window extraction and its adjoint, reassembly, the far field.

The same model as `ptychostudy.physics.propagate`, written with ``keras.ops`` so that it is differentiable and runs on
every Keras backend. Complex fields travel as ``(real, imaginary)`` pairs of float32 tensors, because that is the only
complex form that all backends' Fourier transforms share. Frame stacks are ``(groups, frames, rows, cols)``.
"""

import keras
import numpy as np
from keras import ops

MOMENTUM = 0.9
"""Share of the last sweep's change that the next one starts with; 0.9 converged fastest of 0, 0.5, 0.8, 0.9, 0.95."""


def multiply(a, b):
    """Multiply two complex pairs."""
    return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]


def multiply_conjugate(a, b):
    """Multiply ``conj(a) * b`` of two complex pairs."""
    return a[0] * b[0] + a[1] * b[1], a[0] * b[1] - a[1] * b[0]


def squared_modulus(a):
    """Return ``|a|^2`` of a complex pair."""
    return a[0] * a[0] + a[1] * a[1]


def _transform(pair, transform, factor):
    """Apply a 2-D transform to the last two axes of a pair of any rank, times a factor."""
    shape = ops.shape(pair[0])
    flat = tuple(ops.reshape(part, (-1, shape[-2], shape[-1])) for part in pair)
    return tuple(ops.reshape(part, shape) * factor for part in transform(flat))


def fourier(pair):
    """Unitary 2-D Fourier transform of a pair, zero frequency in the corner."""
    return _transform(pair, ops.fft2, 1.0 / np.sqrt(pair[0].shape[-1] * pair[0].shape[-2]))


def inverse_fourier(pair):
    """Inverse (and adjoint) of `fourier`."""
    return _transform(pair, ops.ifft2, float(np.sqrt(pair[0].shape[-1] * pair[0].shape[-2])))


def shift_matrices(offsets, n, side):
    """Matrices that cut a window of side n out of a canvas, one for each axis.

    ``S[i, j] = max(0, 1 - |i + d - j|)``: a one-hot row for a whole offset d, bilinear weights in between. Their
    transposes place a window, so placing is exactly the adjoint of extracting.

    Parameters
    ----------
    offsets : (B, C, 2)
        Window corner minus canvas corner (row, col) in pixels, ``0 <= offset <= side - n``.
    n, side : int
        Window and canvas side in pixels.

    Returns
    -------
    rows, cols : (B, C, n, side)
    """
    lag = ops.convert_to_tensor(
        (np.arange(n)[:, None] - np.arange(side)[None, :]).astype("float32")
    )
    offsets = ops.cast(offsets, "float32")[..., None, None]
    return tuple(ops.relu(1.0 - ops.abs(lag + offsets[:, :, axis])) for axis in (0, 1))


def extract(canvas, matrices):
    """Cut the windows of each group: ``(B, P, P) -> (B, C, N, N)``, two matrix products."""
    rows, cols = matrices
    frames = ops.matmul(rows, canvas[:, None])
    return ops.matmul(frames, ops.swapaxes(cols, -1, -2))


def place(windows, matrices):
    """Add the windows of each group into its canvas: ``(B, C, N, N) -> (B, P, P)``; the adjoint of `extract`.

    The sum over the frames of a group is part of the second matrix product, so groups cannot mix.
    """
    rows, cols = matrices
    frames, n, side = rows.shape[-3:]
    tall = ops.matmul(ops.swapaxes(rows, -1, -2), windows)
    tall = ops.reshape(ops.transpose(tall, (0, 2, 1, 3)), (-1, side, frames * n))
    return ops.matmul(tall, ops.reshape(cols, (-1, frames * n, side)))


class Reassemble(keras.layers.Layer):
    """Weighted mean of a group's patches on its canvas, ``sum place(w x) / (sum place(w) + eps)``.

    The same weights stand above and below the fraction line, and the leading dimension of the result is always the
    number of groups.

    Parameters
    ----------
    weight : (N, N) array
        Weight of each patch pixel.
    side : int
        Canvas side in pixels.
    epsilon : float
        Keeps uncovered pixels at zero instead of 0/0; small against any weight in use.
    """

    def __init__(self, weight, side, *, epsilon=1e-6, **kwargs):
        super().__init__(**kwargs)
        self.side, self.epsilon = side, epsilon
        self.weight = _constant(self, weight, "weight")

    def call(self, patches, offsets):
        """Reassemble patches (B, C, N, N) at integer offsets (B, C, 2) to canvases (B, side, side)."""
        matrices = shift_matrices(offsets, self.weight.shape[0], self.side)
        total = place(patches * self.weight, matrices)
        return total / (place(ops.ones_like(patches) * self.weight, matrices) + self.epsilon)

    def compute_output_shape(self, patches_shape, offsets_shape):
        """Return (B, side, side)."""
        return (patches_shape[0], self.side, self.side)


def _constant(layer, values, name):
    """Store an array as a frozen weight, which every backend accepts and moves to its device."""
    values = np.asarray(values, dtype=np.float32)
    initializer = keras.initializers.Constant(values)
    return layer.add_weight(shape=values.shape, initializer=initializer, trainable=False, name=name)


class FrameProbes(keras.layers.Layer):
    """Shift the probe of each frame by its sub-pixel fraction, as `core.propagate.translate`.

    The result also carries the sign pattern ``(-1)^(row + col)``, which moves the zero frequency of the following
    Fourier transform to the centre (N even) without any roll; it cancels in every ``conj(P) psi``.

    Parameters
    ----------
    probe : (N, N) complex
        Probe in network units, ``sum |P|^2 = (N / 2)^2``.
    """

    def __init__(self, probe, **kwargs):
        super().__init__(**kwargs)
        n = probe.shape[-1]
        spectrum = np.fft.fft2(probe)
        self.spectrum = tuple(_constant(self, part, name) for part, name in _parts(spectrum))
        self.frequency = _constant(self, np.fft.fftfreq(n), "frequency")
        self.sign = _constant(self, (-1.0) ** np.add.outer(np.arange(n), np.arange(n)), "sign")

    def call(self, fractions):
        """Return the pair (B, C, N, N) of shifted, sign-modulated probes for fractions (B, C, 2)."""
        angle = -2.0 * np.pi * ops.cast(fractions, "float32")[..., None] * self.frequency
        angle = angle[:, :, 0, :, None] + angle[:, :, 1, None, :]
        shifted = _transform(
            multiply(self.spectrum, (ops.cos(angle), ops.sin(angle))), ops.ifft2, 1.0
        )
        return tuple(part * self.sign for part in shifted)

    def compute_output_shape(self, fractions_shape):
        """Return the two shapes (B, C, N, N)."""
        return ((*fractions_shape[:2], *self.sign.shape),) * 2


def _parts(values):
    """Name the two parts of a complex array."""
    return (values.real, "real"), (values.imag, "imag")


class FarField(keras.layers.Layer):
    """Far-field intensity of a canvas behind each frame's probe, ``|F(P_c O[window c])|^2``, centred."""

    def call(self, canvas, probes, offsets):
        """Return (B, C, N, N) intensities of a canvas pair (B, P, P), a probe pair (B, C, N, N), offsets (B, C, 2)."""
        matrices = shift_matrices(offsets, probes[0].shape[-1], canvas[0].shape[-1])
        return squared_modulus(far_field(canvas, probes, matrices))

    def compute_output_shape(self, canvas_shape, probes_shape, offsets_shape):
        """Return (B, C, N, N)."""
        return probes_shape[0]


def far_field(canvas, probes, matrices):
    """Return the centred far field (pair) of a canvas pair behind sign-modulated probes."""
    return fourier(multiply(probes, tuple(extract(part, matrices) for part in canvas)))


class BackProject(keras.layers.Layer):
    """Bring the measured amplitudes of a group into the object's plane.

    The start gives every measured modulus the phase of the empty probe, ``psi = F^-1(A exp(i arg F(P_c)))``, and
    adds the frames up with their probes, ``sum place(conj(P_c) psi) / (sum place(|P_c|^2) + 0.02 max)``. Each step is
    one sweep over the group's frames in which the far field of the present object takes the measured modulus and the
    change goes back through the probe (ePIE, Maiden & Rodenburg, Ultramicroscopy 109, 1256 (2009), probe known), with
    momentum between sweeps and a gain that falls from 1.1 to 0.1, which averages the photon noise. It has no weights
    and no gradient flows through it.

    Parameters
    ----------
    square : int
        Side of the central square of the canvas that is computed.
    margin : int
        Rows of the canvas above that square.
    support : int
        Side of the central square of the window that holds the probe's light; what lies outside is ignored here (not
        in the likelihood).
    mask : (N, N) array
        1 where the detector pixel counts; elsewhere the modelled modulus is kept.
    steps : int
        Sweeps after the start.
    """

    def __init__(self, square, margin, support, mask, *, steps=0, **kwargs):
        super().__init__(**kwargs)
        self.square, self.margin, self.rim = square, margin, (mask.shape[-1] - support) // 2
        self.steps = steps
        self.mask = _constant(self, mask, "mask")

    def call(self, amplitude, probes, offsets):
        """Return (B, Q, Q, 5): start (real, imaginary), refined object (modulus, phase), relative illumination."""
        keep = slice(self.rim, probes[0].shape[-1] - self.rim)
        probes = tuple(part[:, :, keep, keep] for part in probes)
        matrices = shift_matrices(
            offsets + (self.rim - self.margin), probes[0].shape[-1], self.square
        )
        illumination = place(squared_modulus(probes), matrices)
        peak = ops.max(illumination, axis=(1, 2), keepdims=True)
        weight = 1.0 / (illumination + 0.02 * peak)
        start = self._gather(
            self._replace(amplitude, self._field(probes)), probes, matrices, weight
        )
        now = (start[0] + 0.02 * peak * weight, start[1])
        before = now
        for step in range(self.steps):
            ahead = _add(now, _add(now, before, -1.0), MOMENTUM)
            before, now = (
                now,
                self._sweep(ahead, amplitude, probes, matrices, 1.1 - step / self.steps),
            )
        lit = illumination / peak
        modulus = ops.sqrt(squared_modulus(now) + 1e-6)
        phase = ops.arctan2(now[1], now[0]) * lit / (lit + 0.02)
        return ops.stop_gradient(ops.stack([*start, modulus, phase, lit], axis=-1))

    def _sweep(self, now, amplitude, probes, matrices, gain):
        """Replace the moduli of one frame after the other, each seeing the object that the last one left."""
        for c in range(amplitude.shape[1]):
            own = tuple(m[:, c : c + 1] for m in matrices)
            probe = tuple(part[:, c : c + 1] for part in probes)
            waves = multiply(probe, tuple(extract(part, own) for part in now))
            change = self._replace(amplitude[:, c : c + 1], self._field(waves), difference=True)
            factor = gain / ops.max(squared_modulus(probe), axis=(2, 3))[..., None]
            now = _add(now, self._gather(change, probe, own, factor))
        return now

    def _field(self, waves):
        """Far field of waves that vanish outside the support."""
        pad = ((0, 0), (0, 0), (self.rim, self.rim), (self.rim, self.rim))
        return fourier(tuple(ops.pad(part, pad) for part in waves))

    def _replace(self, amplitude, field, difference=False):
        """Field with the measured modulus, or its difference from the given field."""
        ratio = self.mask * (amplitude * ops.rsqrt(squared_modulus(field) + 1e-12) - 1.0)
        ratio = ratio if difference else ratio + 1.0
        return tuple(part * ratio for part in field)

    def _gather(self, field, probes, matrices, weight):
        """Back-propagate and add up with conj(P), divided by the illumination."""
        keep = slice(self.rim, field[0].shape[-1] - self.rim)
        waves = tuple(part[:, :, keep, keep] for part in inverse_fourier(field))
        return tuple(place(part, matrices) * weight for part in multiply_conjugate(probes, waves))

    def compute_output_shape(self, amplitude_shape, probes_shape, offsets_shape):
        """Return (B, Q, Q, 5)."""
        return (amplitude_shape[0], self.square, self.square, 5)


def _add(a, b, factor=1.0):
    """Return the pair ``a + factor * b``."""
    return a[0] + factor * b[0], a[1] + factor * b[1]
