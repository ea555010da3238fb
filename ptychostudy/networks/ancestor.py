"""The ancestor's topology: an auto-encoder without skip connections.

It has one decoder for amplitude and one for phase.
"""

import math

import numpy as np
from keras import layers

from ptychostudy.networks.blocks import Compose, Seeds, double
from ptychostudy.networks.placement import Reassemble
from ptychostudy.networks.precision import FLOAT32
from ptychostudy.networks.tensors import Tensor

# Filters of each level by window side, before the scale: a larger window has more levels.
ENCODER = {64: (32, 64, 128), 128: (16, 32, 64, 128), 256: (8, 16, 32, 64, 128)}
# One level less than the encoder: the maps cover the central N/2 x N/2 of the window.
DECODER = {64: (64, 32), 128: (128, 64, 32), 256: (256, 128, 64, 32)}
# The supervised network has one form for every window, and its maps cover all of it.
SUPERVISED_ENCODER = (32, 64, 128)
SUPERVISED_DECODER = (128, 64, 32)
# Name, activation and bound of the two maps.
HEADS = (("amplitude", "sigmoid", 1.0), ("phase", "tanh", math.pi))
OUTER_CHANNELS = 4
"""Channels that the ancestor keeps for an outer branch, even where there is none."""


def ancestor(
    kind: str, inputs: dict[str, Tensor], side: int, seeds: Seeds, scale: int
) -> tuple[Tensor, list[Tensor]]:
    """Build the ancestor's topology.

    Parameters
    ----------
    kind : {"pinn", "supervised"}
        How it is trained.
    inputs : dict of tensors
        ``amplitude`` (B, C, N, N) and ``offsets`` (B, C, 2).
    side : int
        Canvas side P in pixels.
    seeds : Seeds
        Of the initial weights; precision of the convolutions.
    scale : int
        Factor of all numbers of filters.

    Returns
    -------
    canvas : (B, P, P, 2)
        Real and imaginary part.
    maps : list of two (B, N, N, C)
        Amplitude and phase.
    """
    # The frames of a group are channels of one image: this network does not know where they lie.
    amplitude = layers.Permute((2, 3, 1), name="channels")(inputs["amplitude"])
    if kind == "supervised":
        maps = _window_maps(amplitude, seeds, scale)
        return Compose(name="compose")(*maps), maps
    maps = _patch_maps(amplitude, seeds, scale)
    patches = layers.Permute((3, 1, 2), name="patches")(Compose(name="compose")(*maps))
    return _reassembled(patches, inputs["offsets"], side), maps


def _window_maps(amplitude: Tensor, seeds: Seeds, scale: int) -> list[Tensor]:
    """Amplitude and phase (B, N, N, 1) of the whole window, without bounds."""
    code = _down(amplitude, _scaled(SUPERVISED_ENCODER, scale), seeds)
    maps = []
    for name, *_ in HEADS:
        x = _up(code, _scaled(SUPERVISED_DECODER, scale), name, seeds)
        maps.append(seeds.conv(1, f"{name}_map", dtype=FLOAT32)(x))
    return maps


def _patch_maps(amplitude: Tensor, seeds: Seeds, scale: int) -> list[Tensor]:
    """Amplitude and phase (B, N, N, C), zero outside the central N/2 x N/2 (``pad_object``)."""
    n, frames = amplitude.shape[-2:]
    if n not in ENCODER:
        raise ValueError(
            f"architecture 'ptychopinn' takes windows of side {tuple(ENCODER)}, found {n}"
        )
    code = _down(amplitude, _scaled(ENCODER[n], scale), seeds)
    maps = []
    for name, activation, bound in HEADS:
        x = _up(code, _scaled(DECODER[n], scale), name, seeds)[..., :-OUTER_CHANNELS]
        # Amplitudes and phases of 8 bits would not do: the last convolution is in full precision.
        y = seeds.conv(frames, f"{name}_map", activation=activation, dtype=FLOAT32)(x)
        maps.append(layers.ZeroPadding2D(n // 4, name=f"{name}_pad")(bound * y))
    return maps


def _reassembled(patches: Tensor, offsets: Tensor, side: int) -> Tensor:
    """Canvas (B, P, P, 2) of patches (B, 2 C, N, N), the real parts before the imaginary ones."""
    n = patches.shape[-1]
    frames = offsets.shape[1]
    # Patches count where they are not padding: the same weights above and below the fraction line.
    centre = np.pad(np.ones((n // 2, n // 2)), n // 4)
    reassemble = Reassemble(centre, side, name="reassemble")
    real = reassemble(patches[:, 0:frames], offsets)
    imaginary = reassemble(patches[:, frames : 2 * frames], offsets)
    parts = [
        layers.Reshape((side, side, 1), name="part0")(real),
        layers.Reshape((side, side, 1), name="part1")(imaginary),
    ]
    return layers.Concatenate(name="canvas")(parts)


def _scaled(filters: tuple[int, ...], scale: int) -> list[int]:
    """Multiply the numbers of filters of all levels."""
    return [scale * count for count in filters]


def _down(x: Tensor, filters: list[int], seeds: Seeds) -> Tensor:
    """Encode as the ancestor: blocks of two convolutions and a pooling."""
    for level, count in enumerate(filters):
        x = double(x, count, f"down{level}", seeds)
        x = layers.MaxPooling2D(2, name=f"pool{level}", dtype=seeds.policy)(x)
    return x


def _up(x: Tensor, filters: list[int], name: str, seeds: Seeds) -> Tensor:
    """Decode as the ancestor: blocks of two convolutions and a nearest-neighbour upsampling."""
    for level, count in enumerate(filters):
        x = double(x, count, f"{name}{level}", seeds)
        x = layers.UpSampling2D(2, name=f"{name}{level}_grow", dtype=seeds.policy)(x)
    return x
