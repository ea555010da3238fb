"""What an iterative solver starts from: ones, or what a network made of the same frames."""

from dataclasses import dataclass

import numpy as np

from ptychostudy.formats.arm_product import ArmProduct
from ptychostudy.io.atomic import DataError
from ptychostudy.physics.rectangle import common, cut


@dataclass(frozen=True)
class Start:
    """A canvas to start from.

    Attributes
    ----------
    where : str
        Its file, for messages.
    product : ArmProduct
        Its record has ``arm``.
    """

    where: str
    product: ArmProduct

    @property
    def arm(self) -> str:
        """Whose canvas it is."""
        return str(self.product.record["arm"])


def first_object(start: Start, origin: tuple[int, int], light: np.ndarray) -> np.ndarray:
    """Return the first object of a solver: a canvas where it is covered, ones elsewhere.

    Amplitudes stay: with the probe in photons they are transmissions, as those of ones are. The
    phase that the frames leave free is that of ones, so that no edge runs about the canvas.

    Parameters
    ----------
    start : Start
    origin : (int, int)
        Row and column of the solver's first pixel in the object.
    light : (H, W) float
        Of the solver's pixels, which weighs the phases.

    Returns
    -------
    (H, W) complex64

    Raises
    ------
    DataError
        If the canvas covers no pixel of the solver's.
    """
    rows, cols = light.shape
    product = start.product
    try:
        place = common([(origin, (rows, cols)), (product.origin, product.field.shape)])
    except ValueError as error:
        raise _elsewhere(start, origin, (rows, cols)) from error
    there = cut(product.coverage, product.origin, *place) > 0
    if not there.any():
        raise _elsewhere(start, origin, (rows, cols))
    known = cut(product.field, product.origin, *place)[there].astype(np.complex128)
    first = np.ones((rows, cols), np.complex64)
    # A view of it: what is written there is written into the object.
    part = cut(first, origin, *place)
    weight = cut(light, origin, *place)[there]
    part[there] = known * np.exp(-1j * np.angle(np.sum(weight * known)))
    return first


def _elsewhere(start: Start, origin: tuple[int, int], shape: tuple[int, int]) -> DataError:
    product = start.product
    return DataError(
        f"{start.where}: key 'origin' is {product.origin}, of a canvas of shape "
        f"{product.field.shape}; needed: one that covers pixels of the scan's, which begins at "
        f"{origin} and has shape {shape}"
    )
