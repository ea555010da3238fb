"""Building blocks of the networks: seeded convolutions, heads, and layers that only move pixels."""

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers as kl
from keras import ops


@dataclass(frozen=True)
class Seeds:
    """Initial values: one seed for each named layer, independent of the order in which layers are built."""

    seed: int

    def conv(self, filters, name, **options):
        """Build a 3 x 3 convolution with its own seeded He-normal weights."""
        key = np.random.SeedSequence([self.seed, *name.encode()]).generate_state(1)[0]
        initializer = keras.initializers.HeNormal(seed=int(key >> 1))
        return kl.Conv2D(
            filters, 3, padding="same", kernel_initializer=initializer, name=name, **options
        )


class Compose(kl.Layer):
    """Complex field from amplitude and phase: two (B, H, W, k) -> (B, H, W, 2 k), real parts first."""

    def call(self, amplitude, phase):
        """Return real and imaginary parts side by side."""
        return ops.concatenate([amplitude * ops.cos(phase), amplitude * ops.sin(phase)], axis=-1)


class Head(kl.Layer):
    """Positive amplitude or bounded phase, as a change of a base image where there is one.

    ``softplus``: ``softplus(x + softplus^-1(base))``; its slope vanishes only far below zero amplitude, so it cannot
    die at a constant as the ancestor's sigmoid did. ``sigmoid``: between 0 and ``top``. ``phase``:
    ``top tanh((x + base) / top)`` with ``top = pi``. At x = 0 each returns its base.

    Parameters
    ----------
    form : {"softplus", "sigmoid", "phase"}
        Activation.
    top : float
        Bound of the sigmoid and of the phase.
    """

    def __init__(self, form, top=1.0, **kwargs):
        super().__init__(**kwargs)
        if form not in ("softplus", "sigmoid", "phase"):
            raise ValueError(f"amplitude head must be 'softplus' or 'sigmoid', found {form!r}")
        self.form, self.top = form, top

    def call(self, x, base):
        """Activate a map x (B, H, W, 1) on a base image of the same shape."""
        if self.form == "phase":
            return self.top * ops.tanh((x + base) / self.top)
        if self.form == "sigmoid":
            share = ops.clip(base / self.top, 0.02, 0.98)
            return self.top * ops.sigmoid(x + ops.log(share / (1.0 - share)))
        base = ops.maximum(base, 1e-2)
        return ops.softplus(x + base + ops.log(-ops.expm1(-base)))


class Surround(kl.Layer):
    """Pad the two image axes with a constant: no light comes from there, so nothing is known."""

    def __init__(self, margin, value, **kwargs):
        super().__init__(**kwargs)
        self.margin, self.value = margin, float(value)

    def call(self, x):
        """Pad (B, H, W, k) by the margin on every side."""
        pads = ((0, 0), (self.margin, self.margin), (self.margin, self.margin), (0, 0))
        return ops.pad(x, pads, constant_values=self.value)


class Blind(kl.Layer):
    """Show a network the detector instead of the object: the control that knows no physics.

    It gives the five channels of the back-projection, of which the first is the mean amplitude of a group's frames, cut
    or padded to the square, and the rest say nothing: modulus one, no phase, no light.

    Parameters
    ----------
    square : int
        Side Q of the result.
    """

    def __init__(self, square, **kwargs):
        super().__init__(**kwargs)
        self.square = square

    def call(self, amplitude):
        """Return (B, Q, Q, 5) for amplitudes (B, C, N, N)."""
        seen = ops.mean(amplitude, axis=1)
        over = seen.shape[-1] - self.square
        if over > 0:
            seen = seen[:, over // 2 : over // 2 + self.square, over // 2 : over // 2 + self.square]
        else:
            pad = (-over // 2, -over - (-over // 2))
            seen = ops.pad(seen, ((0, 0), pad, pad))
        none = ops.zeros_like(seen)
        return ops.stack([seen, none, none + 1.0, none, none], axis=-1)


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


class Channel(kl.Layer):
    """Take one channel: (B, H, W, k) -> (B, H, W, 1)."""

    def __init__(self, index, **kwargs):
        super().__init__(**kwargs)
        self.index = index

    def call(self, x):
        """Return channel ``index``."""
        return x[..., self.index : self.index + 1]


def double(x, filters, name, seeds):
    """Two 3 x 3 convolutions with ReLU."""
    for part in "ab":
        x = seeds.conv(filters, f"{name}_{part}", activation="relu")(x)
    return x
