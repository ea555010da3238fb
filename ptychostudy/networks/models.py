"""Builders of the networks: back-projection U-Net (default) and the ancestor's topology, self- and fully supervised."""

import math
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers as kl

from ptychostudy.networks import physics
from ptychostudy.networks.ancestor import ancestor
from ptychostudy.networks.blocks import (
    Blind,
    Channel,
    Compose,
    DepthToSpace,
    Head,
    Seeds,
    SpaceToDepth,
    Surround,
    double,
)

KINDS = ("pinn", "supervised")
ARCHITECTURES = ("backprojection", "ptychopinn")
LEVELS = 2
"""Poolings of the back-projection U-Net, after the packing of 2 x 2 pixels."""
AMPLITUDE_MAX = 2.0
"""Largest amplitude of the sigmoid head, in units of the mean transmission."""


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
    steps=12,
    amplitude_head="softplus",
    scale=2,
    blind=False,
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
    width : int
        Filters of the back-projection network's first level.
    steps : int
        Data-consistency sweeps before its convolutions, see `layers.BackProject`.
    amplitude_head : {"softplus", "sigmoid"}
        Its amplitude activation; the sigmoid is scaled to `AMPLITUDE_MAX`.
    scale : int
        Filter scale of the ancestor's network.
    blind : bool
        Show the back-projection network the detector only: a control, which the ancestor's network is anyway.

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
        canvas, maps = ancestor(kind, inputs, side, seeds, scale)
    else:
        square, support = lit_sides(probe, side)
        margin = (side - square) // 2
        if blind:
            features = Blind(square, name="blind")(inputs["amplitude"])
        else:
            project = physics.BackProject(
                square, margin, support, mask, steps=steps, name="back_project"
            )
            features = project(inputs["amplitude"], probes, inputs["offsets"])
        maps = _unet(features, seeds, width, amplitude_head)
        maps = [
            Surround(margin, value, name=f"surround{value}")(m)
            for m, value in zip(maps, (1, 0), strict=True)
        ]
        canvas = Compose(name="compose")(*maps)
    return _finish(kind, inputs, probes, canvas, maps)


def _check(kind, architecture, n, frames, side):
    """Refuse sizes and names that no builder can serve."""
    if kind not in KINDS:
        raise ValueError(f"network kind must be one of {KINDS}, found {kind!r}")
    if architecture not in ARCHITECTURES:
        raise ValueError(f"architecture must be one of {ARCHITECTURES}, found {architecture!r}")
    if n % 8 or side % 8 or side < n:
        raise ValueError(
            f"window side {n} and canvas side {side} must be multiples of 8 with canvas >= window"
        )
    if kind == "supervised" and (frames != 1 or side != n):
        raise ValueError(
            f"a supervised network takes single frames on their own window, found C={frames}, P={side}"
        )


def _unet(features, seeds, width, amplitude_head):
    """U-Net with skip connections and two heads; features (B, Q, Q, 5) -> amplitude and phase (B, Q, Q, 1).

    It works on 2 x 2 pixels packed into channels: half the side costs a quarter of the time, and what a head adds to
    its base still has full resolution.
    """
    skips, x = [], SpaceToDepth(name="pack")(features)
    for level in range(LEVELS):
        x = double(x, width * 2**level, f"down{level}", seeds)
        skips.append(x)
        x = kl.MaxPooling2D(2, name=f"pool{level}")(x)
    x = double(x, width * 2**LEVELS, "bottom", seeds)
    for level in reversed(range(LEVELS)):
        x = kl.UpSampling2D(2, name=f"grow{level}")(x)
        x = kl.Concatenate(name=f"skip{level}")([x, skips[level]])
        x = double(x, width * 2**level, f"up{level}", seeds)
    x = DepthToSpace(name="unpack")(seeds.conv(width, "packed_map")(x))
    x = kl.Concatenate(name="see_input")([x, features])
    amplitude = Head(amplitude_head, AMPLITUDE_MAX, name="amplitude_head")
    phase = Head("phase", math.pi, name="phase_head")
    return (
        amplitude(seeds.conv(1, "amplitude_map")(x), Channel(2, name="amplitude_base")(features)),
        phase(seeds.conv(1, "phase_map")(x), Channel(3, name="phase_base")(features)),
    )


def _finish(kind, inputs, probes, canvas, maps):
    """Join inputs and outputs to the two models of a `NetworkModel`."""
    frames, n = inputs["amplitude"].shape[1:3]
    if kind == "pinn":
        pair = tuple(canvas[..., k] for k in (0, 1))
        target = physics.FarField(name="far_field")(pair, probes, inputs["offsets"])
    else:
        target = kl.Concatenate(name="maps")(list(maps))
    predictor = keras.Model(inputs, canvas, name="predictor")
    trainer = keras.Model(inputs, {"object": canvas, "target": target}, name="trainer")
    return NetworkModel(predictor, trainer, kind, n, frames, canvas.shape[1])
