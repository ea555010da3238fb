"""Builders of the networks: the default and the ancestor's topology, self- and fully supervised."""

import math
from dataclasses import dataclass

import keras
import numpy as np

from ptychostudy.networks.ancestor import ancestor
from ptychostudy.networks.backprojection import BackProjection, Lit
from ptychostudy.networks.blocks import Seeds
from ptychostudy.networks.physics import FarField, FrameProbes
from ptychostudy.networks.precision import FLOAT32
from ptychostudy.networks.tensors import Pair, Tensor

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
        Inputs -> ``{"object": canvas, "target": what the loss sees}``: intensities (B, C, N, N) in
        network units for a PINN, amplitude and phase (B, N, N, 2) for a supervised network.
    kind, n, frames, side
        What it was built for: kind of training, window side, frames per group, canvas side.
    """

    predictor: keras.Model
    trainer: keras.Model
    kind: str
    n: int
    frames: int
    side: int


def gauge_probe(probe: np.ndarray) -> np.ndarray:
    """Scale a probe (N, N) to network units, so that ``|O|`` is of order one.

    Its power is that of a mean frame: ``sum |P|^2 = (N / 2)^2``.
    """
    probe = np.asarray(probe, dtype=np.complex128)
    return np.asarray(probe * (probe.shape[-1] / 2 / np.linalg.norm(probe)))


def lit_sides(
    probe: np.ndarray, side: int, *, level: float = 1e-2, multiple: int = 8
) -> tuple[int, int]:
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
    reach = _reach(probe, level)
    # Windows move by up to P - N on the canvas, and the light moves with them.
    square = multiple * math.ceil((2 * reach + side - n) / multiple)
    support = 4 * math.ceil(2 * reach / 4)
    return min(side, square), min(n, support)


def _reach(probe: np.ndarray, level: float) -> float:
    """Return how far from the window's centre, along an axis in pixels, there is light."""
    intensity = np.abs(probe) ** 2
    lit = np.argwhere(intensity > level * np.max(intensity))
    # The 1.5 hold the far half of that pixel, and the sub-pixel shift, half a pixel at most.
    return float(np.max(np.abs(lit + 0.5 - probe.shape[-1] / 2))) + 1.5


def build_model(
    kind: str,
    n: int,
    frames: int,
    side: int,
    probe: np.ndarray,
    *,
    architecture: str = "backprojection",
    mask: np.ndarray | None = None,
    seed: int = 0,
    width: int = 16,
    steps: int = 12,
    amplitude_head: str = "softplus",
    scale: int = 2,
    blind: bool = False,
    precision: str = FLOAT32,
) -> NetworkModel:
    """Build one network; see the module for what `kind` and `architecture` mean.

    Parameters
    ----------
    kind : {"pinn", "supervised"}
        Trained on the frames' likelihood, or on object patches (one frame per group, canvas =
        window).
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
        Data-consistency sweeps before its convolutions, see `sweeps.BackProject`.
    amplitude_head : {"softplus", "sigmoid"}
        Its amplitude activation; the sigmoid is scaled to `backprojection.AMPLITUDE_MAX`.
    scale : int
        Filter scale of the ancestor's network.
    blind : bool
        Show the back-projection network the detector only: a control, which the ancestor's network
        is anyway.
    precision : {"float32", "bfloat16"}
        Of the ancestor's convolutions.

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
    probe = gauge_probe(probe)
    seeds = Seeds(seed, precision if architecture == "ptychopinn" else FLOAT32)
    inputs = _inputs(n, frames)
    probes = FrameProbes(probe, name="frame_probes")(inputs["fractions"])
    if architecture == "ptychopinn":
        canvas, maps = ancestor(kind, inputs, side, seeds, scale)
    else:
        form = BackProjection(seeds, mask, width, steps, amplitude_head, blind)
        canvas, maps = form.build(inputs, probes, Lit(side, *lit_sides(probe, side)))
    return _finish(kind, inputs, probes, canvas, maps)


def _check(kind: str, architecture: str, n: int, frames: int, side: int) -> None:
    """Refuse sizes and names that no builder can serve."""
    if kind not in KINDS:
        raise ValueError(f"network kind must be one of {KINDS}, found {kind!r}")
    if architecture not in ARCHITECTURES:
        raise ValueError(f"architecture must be one of {ARCHITECTURES}, found {architecture!r}")
    # The default network halves a side three times: by packing 2 x 2 pixels and two poolings.
    if n % 8 or side % 8 or side < n:
        raise ValueError(
            f"window side {n} and canvas side {side} must be multiples of 8 with canvas >= window"
        )
    if kind == "supervised" and (frames != 1 or side != n):
        raise ValueError(
            "a supervised network takes single frames on their own window, "
            f"found C={frames}, P={side}"
        )


def _inputs(n: int, frames: int) -> dict[str, Tensor]:
    """Return the inputs of both models, as `GroupData.inputs` fills them."""
    return {
        "amplitude": keras.Input((frames, n, n), name="amplitude"),
        "offsets": keras.Input((frames, 2), name="offsets"),
        "fractions": keras.Input((frames, 2), name="fractions"),
    }


def _finish(
    kind: str, inputs: dict[str, Tensor], probes: Pair, canvas: Tensor, maps: list[Tensor]
) -> NetworkModel:
    """Join inputs and outputs to the two models of a `NetworkModel`."""
    frames, n = inputs["amplitude"].shape[1:3]
    if kind == "pinn":
        target = _intensities(canvas, probes, inputs["offsets"])
    else:
        target = keras.layers.Concatenate(name="maps")(maps)
    predictor = keras.Model(inputs, canvas, name="predictor")
    trainer = keras.Model(inputs, {"object": canvas, "target": target}, name="trainer")
    return NetworkModel(predictor, trainer, kind, n, frames, canvas.shape[1])


def _intensities(canvas: Tensor, probes: Pair, offsets: Tensor) -> Tensor:
    """Return the frames (B, C, N, N) that a canvas (B, P, P, 2) would give."""
    field = (canvas[..., 0], canvas[..., 1])
    return FarField(name="far_field")(field, probes, offsets)
