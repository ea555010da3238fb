"""Building blocks of the networks: seeded convolutions, heads, and layers that only move pixels."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
from keras import ops

from ptychostudy.networks.first_weights import first_weights
from ptychostudy.networks.layer import Layer
from ptychostudy.networks.precision import FLOAT32, POLICIES
from ptychostudy.networks.tensors import Tensor

FORMS = ("softplus", "sigmoid", "phase")
LEAST_AMPLITUDE = 1e-2
"""Smallest base of the softplus head, whose inverse ``log(expm1(base))`` has no value at zero."""
SHARES = (0.02, 0.98)
"""Range of the sigmoid head's base relative to its top: the logit has no value at 0 and 1."""


@dataclass(frozen=True)
class Seeds:
    """How convolutions are built: one seed for each named layer, whatever the order of building.

    Attributes
    ----------
    seed : int
        Of all first weights.
    precision : {"float32", "bfloat16"}
        What convolutions compute with, where they do not say.
    """

    seed: int
    precision: str = FLOAT32

    @property
    def policy(self) -> str:
        """Return Keras's name of the precision."""
        return POLICIES[self.precision]

    def conv(self, filters: int, name: str, **options: Any) -> keras.layers.Conv2D:
        """Build a 3 x 3 convolution with its own seeded He-normal weights."""
        return keras.layers.Conv2D(
            filters,
            3,
            padding="same",
            name=name,
            **{"kernel_initializer": partial(self._drawn, name), "dtype": self.policy, **options},
        )

    def _drawn(self, name: str, shape: tuple[int, ...], dtype: str | None = None) -> Tensor:
        """Return the first weights of a convolution (3, 3, inputs, filters)."""
        return ops.convert_to_tensor(first_weights(self.seed, name, shape), dtype=dtype)


def double(x: Tensor, filters: int, name: str, seeds: Seeds) -> Tensor:
    """Two 3 x 3 convolutions with ReLU: (B, H, W, k) -> (B, H, W, filters)."""
    for part in "ab":
        x = seeds.conv(filters, f"{name}_{part}", activation="relu")(x)
    return x


class Compose(Layer):
    """Complex field from amplitude and phase: two (B, H, W, k) -> (B, H, W, 2k), real first."""

    def call(self, amplitude: Tensor, phase: Tensor) -> Tensor:
        """Return real and imaginary parts side by side."""
        real = amplitude * ops.cos(phase)
        imaginary = amplitude * ops.sin(phase)
        return ops.concatenate([real, imaginary], axis=-1)


class Head(Layer):
    """Positive amplitude or bounded phase, as a change of a base image where there is one.

    ``softplus``: ``softplus(x + softplus^-1(base))``; its slope vanishes only far below zero
    amplitude, so it cannot die at a constant as the ancestor's sigmoid did. ``sigmoid``: between 0
    and ``top``. ``phase``: ``top tanh((x + base) / top)`` with ``top = pi``. At x = 0 each returns
    its base.

    Parameters
    ----------
    form : {"softplus", "sigmoid", "phase"}
        Activation.
    top : float
        Bound of the sigmoid and of the phase.
    """

    def __init__(self, form: str, top: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if form not in FORMS:
            raise ValueError(f"amplitude head must be 'softplus' or 'sigmoid', found {form!r}")
        self.form = form
        self.top = top

    def call(self, x: Tensor, base: Tensor) -> Tensor:
        """Activate a map x (B, H, W, 1) on a base image of the same shape."""
        if self.form == "phase":
            return self.top * ops.tanh((x + base) / self.top)
        if self.form == "sigmoid":
            return self._sigmoid(x, base)
        base = ops.maximum(base, LEAST_AMPLITUDE)
        # softplus^-1(b) = log(exp(b) - 1) = b + log(1 - exp(-b)): this form cannot overflow.
        return ops.softplus(x + base + ops.log(-ops.expm1(-base)))

    def _sigmoid(self, x: Tensor, base: Tensor) -> Tensor:
        """Return a value between 0 and ``top``: a logistic change of the base's share of it."""
        share = ops.clip(base / self.top, *SHARES)
        return self.top * ops.sigmoid(x + ops.log(share / (1.0 - share)))


class Surround(Layer):
    """Pad the two image axes with a constant: no light comes from there, so nothing is known."""

    def __init__(self, margin: int, value: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.margin = margin
        self.value = float(value)

    def call(self, x: Tensor) -> Tensor:
        """Pad (B, H, W, k) by the margin on every side."""
        margins = (self.margin, self.margin)
        pads = ((0, 0), margins, margins, (0, 0))
        return ops.pad(x, pads, constant_values=self.value)


class Blind(Layer):
    """Show a network the detector instead of the object: the control that knows no physics.

    It gives the five channels of the back-projection, of which the first is the mean amplitude of a
    group's frames, cut or padded to the square, and the rest say nothing: modulus one, no phase, no
    light.

    Parameters
    ----------
    square : int
        Side Q of the result.
    """

    def __init__(self, square: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.square = square

    def call(self, amplitude: Tensor) -> Tensor:
        """Return (B, Q, Q, 5) for amplitudes (B, C, N, N)."""
        seen = self._fitted(ops.mean(amplitude, axis=1))
        none = ops.zeros_like(seen)
        # In the order of `BackProject`: real, imaginary, modulus, phase, illumination.
        return ops.stack([seen, none, none + 1.0, none, none], axis=-1)

    def _fitted(self, image: Tensor) -> Tensor:
        """Cut or pad images (B, N, N) about their centre to the square."""
        over = image.shape[-1] - self.square
        if over > 0:
            keep = slice(over // 2, over // 2 + self.square)
            return image[:, keep, keep]
        # Of an odd difference the floor goes above; the rest, below, so the side is exact.
        above = -over // 2
        pad = (above, -over - above)
        return ops.pad(image, ((0, 0), pad, pad))


def _exchanged(x: Tensor) -> Tensor:
    """Exchange rows within a packed pixel and packed columns: (B, h, 2, w, 2, k), or back."""
    return ops.transpose(x, (0, 1, 3, 2, 4, 5))


class SpaceToDepth(Layer):
    """Pack 2 x 2 pixels into channels: (B, H, W, k) -> (B, H/2, W/2, 4k)."""

    def call(self, x: Tensor) -> Tensor:
        """Pack."""
        _, h, w, k = x.shape
        x = ops.reshape(x, (-1, h // 2, 2, w // 2, 2, k))
        return ops.reshape(_exchanged(x), (-1, h // 2, w // 2, 4 * k))


class DepthToSpace(Layer):
    """Inverse of `SpaceToDepth`: (B, H, W, 4k) -> (B, 2H, 2W, k)."""

    def call(self, x: Tensor) -> Tensor:
        """Unpack."""
        _, h, w, k = x.shape
        x = ops.reshape(x, (-1, h, w, 2, 2, k // 4))
        return ops.reshape(_exchanged(x), (-1, 2 * h, 2 * w, k // 4))


class Channel(Layer):
    """Take one channel: (B, H, W, k) -> (B, H, W, 1)."""

    def __init__(self, index: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.index = index

    def call(self, x: Tensor) -> Tensor:
        """Return channel ``index``."""
        return x[..., self.index : self.index + 1]
