"""Objects of the greatest likelihood, plain and with a smoothness prior."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ptychostudy.physics.minimise import minimise, unit_of
from ptychostudy.physics.scan_likelihood import ScanLikelihood
from ptychostudy.physics.slow_phase import minimise_slow
from ptychostudy.physics.total_variation import STIFFNESS, total_variation

if TYPE_CHECKING:
    from ptychostudy.study.sections.maximise import MaximiseSettings

# Of the brightest pixel's light: less is the edge of a scan.
_LIT = 0.1
_STEPS = {"pixels": 25, "all": 80}
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
    flat = np.ones(likelihood.shape, dtype=np.complex64)
    return minimise(likelihood.value_and_gradient, flat, likelihood.light, settings.iterations)


def steps_with_prior(settings: "MaximiseSettings") -> int:
    """Return the iterations with the prior: as the settings say, or as its scales need."""
    return (
        _STEPS[settings.scales]
        if settings.smooth_iterations == "auto"
        else settings.smooth_iterations
    )


def smooth(
    likelihood: ScanLikelihood, start: np.ndarray, weight: float, settings: "MaximiseSettings"
) -> np.ndarray:
    """Return the object (H, W) complex64 of the greatest likelihood less its total variation.

    Parameters
    ----------
    likelihood : ScanLikelihood
    start : (H, W) complex
        From `plain`: descent of pixels alone would freeze slow phase before it has grown. At all
        scales the start is flat, for what noise has roughened is not smoothed as well as what never
        was rough, and this is not asked for.
    weight : float
        See `price_of`.
    settings : MaximiseSettings
    """
    if settings.scales == "all":
        return smooth_at_all_scales(likelihood, weight, steps_with_prior(settings))
    return smoothed(likelihood, start, weight, steps_with_prior(settings))


def smoothed(
    likelihood: ScanLikelihood, start: np.ndarray, weight: float, iterations: int
) -> np.ndarray:
    """Return an object (H, W) complex64 after some iterations with the prior, see `smooth`."""
    light = likelihood.light
    objective = Penalised(likelihood, price_of(weight, light))
    return minimise(objective, start, light, iterations)


def smooth_at_all_scales(likelihood: ScanLikelihood, weight: float, iterations: int) -> np.ndarray:
    """Return an object (H, W) complex64 after some iterations from a flat start, see `smooth`."""
    light = likelihood.light
    price = price_of(weight, light)
    flat = np.ones(likelihood.shape, dtype=np.complex64)
    unit = unit_of(light, _STIFF * STIFFNESS * price)
    return minimise_slow(Penalised(likelihood, price), flat, unit, iterations)
