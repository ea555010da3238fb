"""The default network: a small U-Net that changes the object which the sweeps back-project."""

import math
from dataclasses import dataclass

import numpy as np
from keras import layers

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
from ptychostudy.networks.sweeps import BackProject
from ptychostudy.networks.tensors import Pair, Tensor

LEVELS = 2
"""Poolings of the U-Net, after the packing of 2 x 2 pixels."""
AMPLITUDE_MAX = 2.0
"""Largest amplitude of the sigmoid head, in units of the mean transmission."""


@dataclass(frozen=True)
class Lit:
    """Sides, in pixels, of what a network computes.

    Attributes
    ----------
    side : int
        Canvas side P.
    square : int
        Side Q of the central square of the canvas that light reaches.
    support : int
        Side of the central square of the window that holds the probe's light.
    """

    side: int
    square: int
    support: int

    @property
    def margin(self) -> int:
        """Rows of the canvas above the square."""
        return (self.side - self.square) // 2


@dataclass(frozen=True)
class BackProjection:
    """Form of the network.

    Attributes
    ----------
    seeds : Seeds
        Of the initial weights.
    mask : (N, N) array
        Detector weights, 1 = counts.
    width : int
        Filters of the first level.
    steps : int
        Sweeps before the convolutions.
    amplitude_head : {"softplus", "sigmoid"}
        Its amplitude activation; the sigmoid is scaled to `AMPLITUDE_MAX`.
    blind : bool
        Show it the detector only.
    """

    seeds: Seeds
    mask: np.ndarray
    width: int
    steps: int
    amplitude_head: str
    blind: bool

    def build(
        self, inputs: dict[str, Tensor], probes: Pair, lit: Lit
    ) -> tuple[Tensor, list[Tensor]]:
        """Return the canvas (B, P, P, 2), and maps of amplitude and phase (B, P, P, 1)."""
        if self.blind:
            features = Blind(lit.square, name="blind")(inputs["amplitude"])
        else:
            features = self._back_projected(inputs, probes, lit)
        amplitude, phase = self._unet(features)
        # Transmission one and phase zero, as of vacuum, where no light came.
        maps = [
            Surround(lit.margin, 1, name="surround1")(amplitude),
            Surround(lit.margin, 0, name="surround0")(phase),
        ]
        return Compose(name="compose")(*maps), maps

    def _back_projected(self, inputs: dict[str, Tensor], probes: Pair, lit: Lit) -> Tensor:
        """Return the five channels (B, Q, Q, 5) of the sweeps."""
        project = BackProject(
            lit.square, lit.margin, lit.support, self.mask, steps=self.steps, name="back_project"
        )
        return project(inputs["amplitude"], probes, inputs["offsets"])

    def _unet(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """U-Net with skip connections and two heads.

        Features (B, Q, Q, 5) -> amplitude and phase (B, Q, Q, 1). It works on 2 x 2 pixels packed
        into channels: half the side costs a quarter of the time, and what a head adds to its base
        still has full resolution.
        """
        x, skips = self._encoded(SpaceToDepth(name="pack")(features))
        x = double(x, self.width * 2**LEVELS, "bottom", self.seeds)
        x = self._decoded(x, skips)
        x = DepthToSpace(name="unpack")(self.seeds.conv(self.width, "packed_map")(x))
        # The packed levels see pixels four at a time; the last maps see each for itself again.
        x = layers.Concatenate(name="see_input")([x, features])
        return self._heads(x, features)

    def _encoded(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Halve the side at every level; return the last level's image and what the levels saw."""
        skips = []
        for level in range(LEVELS):
            x = double(x, self.width * 2**level, f"down{level}", self.seeds)
            skips.append(x)
            x = layers.MaxPooling2D(2, name=f"pool{level}")(x)
        return x, skips

    def _decoded(self, x: Tensor, skips: list[Tensor]) -> Tensor:
        """Double the side at every level, beside what the encoder saw there."""
        for level in reversed(range(LEVELS)):
            x = layers.UpSampling2D(2, name=f"grow{level}")(x)
            x = layers.Concatenate(name=f"skip{level}")([x, skips[level]])
            x = double(x, self.width * 2**level, f"up{level}", self.seeds)
        return x

    def _heads(self, x: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """Change the modulus and the phase that the sweeps gave: two (B, Q, Q, 1)."""
        # Channels 2 and 3 of the features are the refined modulus and phase, see `BackProject`.
        # At zero it starts from the sweeps, not from noise on them; the control is that noise.
        first = {} if self.blind else {"kernel_initializer": "zeros"}
        change = self.seeds.conv(1, "amplitude_map", **first)(x)
        base = Channel(2, name="amplitude_base")(features)
        amplitude = Head(self.amplitude_head, AMPLITUDE_MAX, name="amplitude_head")(change, base)
        change = self.seeds.conv(1, "phase_map", **first)(x)
        base = Channel(3, name="phase_base")(features)
        phase = Head("phase", math.pi, name="phase_head")(change, base)
        return amplitude, phase
