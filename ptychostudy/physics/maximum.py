"""Objects of the greatest likelihood, plain and with a smoothness prior."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ptychostudy.physics.minimise import Answer, minimise, unit_of
from ptychostudy.physics.scan_likelihood import ScanLikelihood
from ptychostudy.physics.total_variation import STIFFNESS, total_variation

if TYPE_CHECKING:
    from ptychostudy.study.sections.maximise import MaximiseSettings

# Of the brightest pixel's light: less is the edge of a scan.
_LIT = 0.1
# Iterations after which an object has left its prior behind.
_FREED = 5
# Of the curvature of total variation where nothing steps: an object steps.
_STIFF = 0.1


@dataclass(frozen=True)
class Penalised:
    """A likelihood with a weight on the total variation of the object.

    Attributes
    ----------
    likelihood : ScanLikelihood
    price : float
        In photons for each step of one, see `total_variation`.
    """

    likelihood: ScanLikelihood
    price: float

    def __call__(self, field: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the value and the gradient (H, W) of an object (H, W)."""
        value, gradient = self.likelihood.value_and_gradient(field)
        roughness, slope = total_variation(field)
        return value + self.price * roughness, gradient + np.float32(self.price) * slope


def price_of(weight: float, light: np.ndarray) -> float:
    """Return what a step of one costs, in photons.

    The noise of the likelihood's slope at a pixel is the root of its photons. In units of that a
    weight means the same at every dose.

    Parameters
    ----------
    weight : float
    light : (H, W) float
        Of the scan.
    """
    lit = light[light > _LIT * light.max()]
    return weight * float(np.sqrt(np.mean(lit)))


def plain(likelihood: ScanLikelihood, settings: "MaximiseSettings") -> np.ndarray:
    """Return the object (H, W) complex64 of the greatest likelihood, from a flat start."""
    light = likelihood.light
    flat = _flat(likelihood)
    found = minimise(likelihood.value_and_gradient, flat, unit_of(light), settings.iterations)
    # Slow phase goes on beyond the light: where there is none, nothing is made up.
    return np.where(light > 0, found, flat)


def freed(likelihood: ScanLikelihood, smoothed: np.ndarray, known: Answer) -> np.ndarray:
    """Return an object (H, W) complex64 after a few iterations that its prior does not hold.

    What it says of a smoothed object is what forty from a flat start say, for a fifth of the time.

    Parameters
    ----------
    likelihood : ScanLikelihood
    smoothed : (H, W) complex
        As `smooth` leaves it.
    known : (float, (H, W) complex)
        What the likelihood says of that: its value and gradient.
    """
    unit = unit_of(likelihood.light)
    return minimise(likelihood.value_and_gradient, smoothed, unit, _FREED, known)


def smooth(likelihood: ScanLikelihood, weight: float, iterations: int) -> np.ndarray:
    """Return the object (H, W) complex64 of the greatest likelihood less its total variation.

    From a flat start: what noise has roughened is not smoothed as well as what never was rough.

    Parameters
    ----------
    likelihood : ScanLikelihood
    weight : float
        See `price_of`.
    iterations : int
    """
    light = likelihood.light
    price = price_of(weight, light)
    unit = unit_of(light, _STIFF * STIFFNESS * price)
    return minimise(Penalised(likelihood, price), _flat(likelihood), unit, iterations)


def _flat(likelihood: ScanLikelihood) -> np.ndarray:
    return np.ones(likelihood.shape, dtype=np.complex64)
