"""Builders of the networks: back-projection U-Net (default) and the ancestor's topology, self- and fully supervised."""

import math
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers as kl
from keras import ops

from . import layers as physics

KINDS = ("pinn", "supervised")
ARCHITECTURES = ("backprojection", "ptychopinn")


@dataclass(frozen=True)
class NetworkModel:
    """Two Keras models that share all weights.

    Attributes
    ----------
    predictor : keras.Model
        Inputs -> object canvas (B, P, P, 2), real and imaginary part.
    trainer : keras.Model
        Inputs -> ``{"object": canvas, "target": what the loss sees}``: intensities (B, C, N, N) in network units for
        a PINN, amplitude and phase (B, N, N, 2) for a supervised network.
    kind, n, frames, side
        What it was built for: kind of training, window side, frames per group, canvas side.
    """

    predictor: keras.Model
    trainer: keras.Model
    kind: str
    n: int
    frames: int
    side: int


@dataclass(frozen=True)
class Seeds:
    """Initial values: one seed for each named layer, independent of the order in which layers are built."""

    seed: int

    def conv(self, filters, name, size=3, kernel_initializer=None, **options):
        """Build a 3 x 3 (or size x size) convolution with its own seeded He-normal weights."""
        key = np.random.SeedSequence([self.seed, *name.encode()]).generate_state(1)[0]
        initializer = kernel_initializer or keras.initializers.HeNormal(seed=int(key >> 1))
        return kl.Conv2D(filters, size, padding="same", kernel_initializer=initializer, name=name, **options)


def gauge_probe(probe):
    """Scale a probe to network units, ``sum |P|^2 = (N / 2)^2``, so that ``|O|`` is of order one."""
    probe = np.asarray(probe, dtype=np.complex128)
    return probe * (probe.shape[-1] / 2 / np.linalg.norm(probe))


def lit_sides(probe, side, *, level=1e-2, multiple=8):
    """Sides of the smallest central squares of canvas and window that hold the light of all frames.

    Parameters
    ----------
    probe : (N, N) complex
        Probe.
    side : int
        Canvas side P; offsets span 0 ... P - N.
    level : float
        Intensity relative to the probe's maximum that counts as light.
    multiple : int
        The canvas square's side is a multiple of it, for the poolings; the window's of 4.

    Returns
    -------
    square, support : int
        At most ``side`` and N.
    """
    n = probe.shape[-1]
    lit = np.argwhere(np.abs(probe) ** 2 > level * np.max(np.abs(probe) ** 2)) + 0.5 - n / 2
    reach = float(np.max(np.abs(lit))) + 1.5
    square = multiple * math.ceil((2 * reach + side - n) / multiple)
    return min(side, square), min(n, 4 * math.ceil(2 * reach / 4))


def build_model(
    kind,
    n,
    frames,
    side,
    probe,
    *,
    architecture="backprojection",
    mask=None,
    seed=0,
    width=16,
    levels=3,
    steps=0,
    momentum=0.0,
    amplitude_head="softplus",
    amplitude_max=2.0,
    packed=4,
    scale=2,
):
    """Build one network; see the module for what `kind` and `architecture` mean.

    Parameters
    ----------
    kind : {"pinn", "supervised"}
        Trained on the frames' likelihood, or on object patches (one frame per group, canvas = window).
    n, frames, side : int
        Window side N (even), frames per group C, canvas side P (multiple of 8).
    probe : (N, N) complex
        Probe, any scale.
    architecture : {"backprojection", "ptychopinn"}
        U-Net on back-projected frames, or the ancestor's auto-encoder on amplitudes.
    mask : (N, N) array, optional
        Detector weights, 1 = counts.
    seed : int
        Seed of the initial weights.
    width, levels, steps, momentum
        Filters of the first level, levels, and data-consistency steps of the back-projection network.
    amplitude_head : {"softplus", "sigmoid"}
        Amplitude activation of the back-projection network; the sigmoid is scaled to ``amplitude_max``.
    scale : int
        Filter scale of the ancestor's network.

    Returns
    -------
    NetworkModel

    Raises
    ------
    ValueError
        If an option is unknown or sizes do not fit.
    """
    _check(kind, architecture, n, frames, side)
    mask = np.ones((n, n)) if mask is None else np.asarray(mask)
    probe, seeds = gauge_probe(probe), Seeds(seed)
    inputs = {
        "amplitude": keras.Input((frames, n, n), name="amplitude"),
        "offsets": keras.Input((frames, 2), name="offsets"),
        "fractions": keras.Input((frames, 2), name="fractions"),
    }
    probes = physics.FrameProbes(probe, name="frame_probes")(inputs["fractions"])
    if architecture == "ptychopinn":
        canvas, maps = _ancestor(kind, inputs, side, seeds, scale)
    else:
        square, support = lit_sides(probe, side, multiple=2**levels * (2 if packed else 1))
        margin = (side - square) // 2
        project = physics.BackProject(square, margin, support, mask, steps=steps, momentum=momentum, name="back_project")
        features = project(inputs["amplitude"], probes, inputs["offsets"])
        maps = _unet(features, seeds, width, levels, (amplitude_head, amplitude_max), packed)
        maps = [Surround(margin, value, name=f"surround{value}")(m) for m, value in zip(maps, (1, 0), strict=True)]
        canvas = Compose(name="compose")(*maps)
    return _finish(kind, inputs, probes, canvas, maps)


def _check(kind, architecture, n, frames, side):
    """Refuse sizes and names that no builder can serve."""
    if kind not in KINDS:
        raise ValueError(f"network kind must be one of {KINDS}, found {kind!r}")
    if architecture not in ARCHITECTURES:
        raise ValueError(f"architecture must be one of {ARCHITECTURES}, found {architecture!r}")
    if n % 8 or side % 8 or side < n:
        raise ValueError(f"window side {n} and canvas side {side} must be multiples of 8 with canvas >= window")
    if kind == "supervised" and (frames != 1 or side != n):
        raise ValueError(f"a supervised network takes single frames on their own window, found C={frames}, P={side}")


class Compose(kl.Layer):
    """Complex field from amplitude and phase: two (B, H, W, k) -> (B, H, W, 2 k), real parts first."""

    def call(self, amplitude, phase):
        """Return real and imaginary parts side by side."""
        return ops.concatenate([amplitude * ops.cos(phase), amplitude * ops.sin(phase)], axis=-1)


class Head(kl.Layer):
    """Bounded phase or positive amplitude.

    ``softplus``: ``softplus(x + log(e - 1))`` is 1 at x = 0 and its slope vanishes only far below zero amplitude, so
    a head cannot saturate at a constant as the ancestor's sigmoid did; ``sigmoid``: between 0 and ``top``, 1 at x = 0
    for top = 2; ``phase``: ``pi tanh(x)``.

    Parameters
    ----------
    form : {"softplus", "sigmoid", "phase"}
        Activation.
    top : float
        Largest amplitude of the sigmoid.
    """

    def __init__(self, form, top=1.0, **kwargs):
        super().__init__(**kwargs)
        if form not in ("softplus", "sigmoid", "phase"):
            raise ValueError(f"amplitude head must be 'softplus' or 'sigmoid', found {form!r}")
        self.form, self.top = form, top

    def call(self, x):
        """Activate."""
        if self.form == "softplus":
            return ops.softplus(x + math.log(math.e - 1.0))
        return self.top * ops.sigmoid(x) if self.form == "sigmoid" else math.pi * ops.tanh(x / self.top)


class Surround(kl.Layer):
    """Pad the two image axes with a constant: no light comes from there, so nothing is known."""

    def __init__(self, margin, value, **kwargs):
        super().__init__(**kwargs)
        self.margin, self.value = margin, float(value)

    def call(self, x):
        """Pad (B, H, W, k) by the margin on every side."""
        pads = ((0, 0), (self.margin, self.margin), (self.margin, self.margin), (0, 0))
        return ops.pad(x, pads, constant_values=self.value)


def _double(x, filters, name, seeds):
    """Two 3 x 3 convolutions with ReLU."""
    for part in "ab":
        x = seeds.conv(filters, f"{name}_{part}", activation="relu")(x)
    return x


def _unet(features, seeds, width, levels, head, packed):
    """U-Net with skip connections and two heads; features (B, Q, Q, k) -> amplitude and phase (B, Q, Q, 1)."""
    x = SpaceToDepth(name="pack")(features) if packed else features
    skips = []
    for level in range(levels):
        x = _double(x, width * 2**level, f"down{level}", seeds)
        skips.append(x)
        x = kl.MaxPooling2D(2, name=f"pool{level}")(x)
    x = _double(x, width * 2**levels, "bottom", seeds)
    for level in reversed(range(levels)):
        x = kl.UpSampling2D(2, name=f"grow{level}")(x)
        x = kl.Concatenate(name=f"skip{level}")([x, skips[level]])
        x = _double(x, width * 2**level, f"up{level}", seeds)
    if packed:
        x = DepthToSpace(name="unpack")(seeds.conv(4 * packed, "packed_map")(x))
    x = kl.Concatenate(name="see_input")([x, features])
    import os
    zi = {"kernel_initializer": "zeros"} if os.environ.get("ZI") else {}
    amplitude = seeds.conv(1, "amplitude_map", **zi)(x)
    phase = seeds.conv(1, "phase_map", **zi)(x)
    if os.environ.get("NORES"):
        return Head(*head, name="amplitude_head")(amplitude), Head("phase", math.pi, name="phase_head")(phase)
    amplitude = Residual("softplus", name="amplitude_head")(amplitude, features[..., 2:3])
    phase = Residual("phase", name="phase_head")(phase, features[..., 3:4])
    return amplitude, phase


class Residual(kl.Layer):
    def __init__(self, form, **kwargs):
        super().__init__(**kwargs)
        self.form = form

    def call(self, x, base):
        if self.form == "phase":
            return math.pi * ops.tanh((x + base) / math.pi)
        return ops.softplus(x + base + ops.log(1.0 - ops.exp(-base - 1e-3)))


def _ancestor_down(x, filters, seeds):
    """Encoder of the ancestor: blocks of two convolutions and a pooling."""
    for level, count in enumerate(filters):
        x = _double(x, count, f"down{level}", seeds)
        x = kl.MaxPooling2D(2, name=f"pool{level}")(x)
    return x


def _ancestor_up(x, filters, name, seeds):
    """Decoder of the ancestor: blocks of two convolutions and a nearest-neighbour upsampling."""
    for level, count in enumerate(filters):
        x = _double(x, count, f"{name}{level}", seeds)
        x = kl.UpSampling2D(2, name=f"{name}{level}_grow")(x)
    return x


def _ancestor(kind, inputs, side, seeds, scale):
    """Build the ancestor's topology; return canvas (B, P, P, 2) and amplitude and phase maps."""
    amplitude = kl.Permute((2, 3, 1), name="channels")(inputs["amplitude"])
    frames, n = inputs["amplitude"].shape[1:3]
    if kind == "supervised":
        x = _ancestor_down(amplitude, [scale * f for f in (32, 64, 128)], seeds)
        maps = [
            seeds.conv(1, f"{name}_map")(_ancestor_up(x, [scale * f for f in (128, 64, 32)], name, seeds))
            for name in ("amplitude", "phase")
        ]
        return Compose(name="compose")(*maps), maps
    maps = _ancestor_patches(amplitude, n, frames, seeds, scale)
    patches = kl.Permute((3, 1, 2), name="patches")(Compose(name="compose")(*maps))
    centre = np.pad(np.ones((n // 2, n // 2)), n // 4)
    reassemble = physics.Reassemble(centre, side, name="reassemble")
    parts = [reassemble(patches[:, k : k + frames], inputs["offsets"]) for k in (0, frames)]
    return kl.Concatenate(name="canvas")(
        [kl.Reshape((side, side, 1), name=f"part{k}")(p) for k, p in enumerate(parts)]
    ), maps


def _ancestor_patches(x, n, frames, seeds, scale):
    """Amplitude and phase patches (B, N, N, C) that are zero outside the central N/2 x N/2 (``pad_object``)."""
    down = {64: (32, 64, 128), 128: (16, 32, 64, 128), 256: (8, 16, 32, 64, 128)}
    if n not in down:
        raise ValueError(f"architecture 'ptychopinn' takes windows of side {tuple(down)}, found {n}")
    x = _ancestor_down(x, [scale * f for f in down[n]], seeds)
    grow = [scale * f for f in {64: (64, 32), 128: (128, 64, 32), 256: (256, 128, 64, 32)}[n]]
    maps = []
    for name, head in (
        ("amplitude", Head("sigmoid", name="amplitude_head")),
        ("phase", Head("phase", name="phase_head")),
    ):
        y = _ancestor_up(x, grow, name, seeds)
        # The ancestor keeps the last four channels for an outer branch even where there is none.
        y = seeds.conv(frames, f"{name}_map")(y[..., :-4])
        maps.append(kl.ZeroPadding2D(n // 4, name=f"{name}_pad")(head(y)))
    return maps


def _finish(kind, inputs, probes, canvas, maps):
    """Join inputs and outputs to the two models of a `NetworkModel`."""
    frames, n = inputs["amplitude"].shape[1:3]
    if kind == "pinn":
        pair = tuple(Part(k, name=f"canvas_part{k}")(canvas) for k in (0, 1))
        target = physics.FarField(name="far_field")(pair, probes, inputs["offsets"])
    else:
        target = kl.Concatenate(name="maps")(list(maps))
    predictor = keras.Model(inputs, canvas, name="predictor")
    trainer = keras.Model(inputs, {"object": canvas, "target": target}, name="trainer")
    return NetworkModel(predictor, trainer, kind, n, frames, canvas.shape[1])


class SpaceToDepth(kl.Layer):
    """Pack 2 x 2 pixels into channels: (B, H, W, k) -> (B, H/2, W/2, 4k)."""

    def call(self, x):
        """Pack."""
        _, h, w, k = x.shape
        x = ops.reshape(x, (-1, h // 2, 2, w // 2, 2, k))
        return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, h // 2, w // 2, 4 * k))


class DepthToSpace(kl.Layer):
    """Inverse of `SpaceToDepth`."""

    def call(self, x):
        """Unpack."""
        _, h, w, k = x.shape
        x = ops.reshape(x, (-1, h, w, 2, 2, k // 4))
        return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, 2 * h, 2 * w, k // 4))


class Part(kl.Layer):
    """Take one channel: (B, H, W, k) -> (B, H, W)."""

    def __init__(self, index, **kwargs):
        super().__init__(**kwargs)
        self.index = index

    def call(self, x):
        """Return channel ``index``."""
        return x[..., self.index]
