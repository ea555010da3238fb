"""The ancestor's topology: an auto-encoder without skip connections, one decoder for amplitude, one for phase."""

import math

import numpy as np
from keras import layers as kl

from ptychostudy.networks import physics
from ptychostudy.networks.blocks import Compose, double


def _down(x, filters, seeds):
    """Encode as the ancestor: blocks of two convolutions and a pooling."""
    for level, count in enumerate(filters):
        x = double(x, count, f"down{level}", seeds)
        x = kl.MaxPooling2D(2, name=f"pool{level}")(x)
    return x


def _up(x, filters, name, seeds):
    """Decode as the ancestor: blocks of two convolutions and a nearest-neighbour upsampling."""
    for level, count in enumerate(filters):
        x = double(x, count, f"{name}{level}", seeds)
        x = kl.UpSampling2D(2, name=f"{name}{level}_grow")(x)
    return x


def ancestor(kind, inputs, side, seeds, scale):
    """Build the ancestor's topology; return canvas (B, P, P, 2) and amplitude and phase maps."""
    amplitude = kl.Permute((2, 3, 1), name="channels")(inputs["amplitude"])
    frames, n = inputs["amplitude"].shape[1:3]
    if kind == "supervised":
        x = _down(amplitude, [scale * f for f in (32, 64, 128)], seeds)
        maps = [
            seeds.conv(1, f"{name}_map")(_up(x, [scale * f for f in (128, 64, 32)], name, seeds))
            for name in ("amplitude", "phase")
        ]
        return Compose(name="compose")(*maps), maps
    maps = _patches(amplitude, n, frames, seeds, scale)
    patches = kl.Permute((3, 1, 2), name="patches")(Compose(name="compose")(*maps))
    centre = np.pad(np.ones((n // 2, n // 2)), n // 4)
    reassemble = physics.Reassemble(centre, side, name="reassemble")
    parts = [reassemble(patches[:, k : k + frames], inputs["offsets"]) for k in (0, frames)]
    return kl.Concatenate(name="canvas")(
        [kl.Reshape((side, side, 1), name=f"part{k}")(p) for k, p in enumerate(parts)]
    ), maps


def _patches(x, n, frames, seeds, scale):
    """Amplitude and phase patches (B, N, N, C) that are zero outside the central N/2 x N/2 (``pad_object``)."""
    down = {64: (32, 64, 128), 128: (16, 32, 64, 128), 256: (8, 16, 32, 64, 128)}
    if n not in down:
        raise ValueError(
            f"architecture 'ptychopinn' takes windows of side {tuple(down)}, found {n}"
        )
    x = _down(x, [scale * f for f in down[n]], seeds)
    grow = [scale * f for f in {64: (64, 32), 128: (128, 64, 32), 256: (256, 128, 64, 32)}[n]]
    maps = []
    for name, activation, bound in (("amplitude", "sigmoid", 1.0), ("phase", "tanh", math.pi)):
        # The ancestor keeps the last four channels for an outer branch even where there is none.
        y = seeds.conv(frames, f"{name}_map", activation=activation)(
            _up(x, grow, name, seeds)[..., :-4]
        )
        maps.append(kl.ZeroPadding2D(n // 4, name=f"{name}_pad")(bound * y))
    return maps
