"""Stitching: add patches to a canvas that knows its origin and its coverage.

Sums are kept as 64-bit integers in units of 2**-36. Integer addition is associative, so partial
canvases add up to the same bits in any grouping and order; the rounding of one contribution
(1.5e-11) is far below that of a float32 patch, and 10^7 patches of magnitude one still fit.
"""

from dataclasses import dataclass

import numpy as np

from ptychostudy.physics.windows import inside

_UNIT = 2.0**36
# In units a value is then at most 2**56: of such patches 127 can lie on one pixel of an int64.
_LIMIT = 2.0**20
# Of patches that are turned into units together: so few that a cache holds them.
_PIXELS = 2**14


@dataclass(frozen=True)
class Canvas:
    """A complex field on a rectangle of object pixels.

    Attributes
    ----------
    field : (H, W) complex64
        The object; zero where nothing was placed.
    coverage : (H, W) float32
        Sum of the weights placed on each pixel; 0 means never covered.
    origin : (int, int)
        Object pixel (row, col) of the field's element [0, 0].
    """

    field: np.ndarray
    coverage: np.ndarray
    origin: tuple[int, int]


class PartialCanvas:
    """Running sums of weighted patches on a fixed rectangle.

    Parameters
    ----------
    origin : (int, int)
        Object pixel (row, col) of element [0, 0].
    shape : (int, int)
        Rows and columns.
    """

    def __init__(self, origin: tuple[int, int], shape: tuple[int, int]) -> None:
        self.origin = (int(origin[0]), int(origin[1]))
        # Real part, imaginary part and weight, side by side: a row of a patch is one place.
        self.sums = np.zeros((*shape, 3), dtype=np.int64)

    def add(self, patches: np.ndarray, corners: np.ndarray, window: np.ndarray) -> None:
        """Add patches; O(patches x window size), whatever the canvas size.

        Parameters
        ----------
        patches : (k, n, n) complex
            Object patches.
        corners : (k, 2) int
            Object pixel (row, col) of each patch's element [0, 0].
        window : (n, n) float
            Weight of each patch pixel, in [0, 1].

        Raises
        ------
        ValueError
            If counts or window and patch shapes differ, a patch leaves the canvas, or a value is
            not finite or exceeds 2**20.
        """
        patches = np.asarray(patches)
        _check_window(patches, np.shape(window))
        places = self._places(patches, corners)
        for block in _blocks(patches.shape):
            self._place(patches[block] * np.asarray(window, np.float64), window, places[block])

    def add_weighted(self, weighted: np.ndarray, corners: np.ndarray, weights: np.ndarray) -> None:
        """Add patches that bear their weights already, each its own.

        Parameters
        ----------
        weighted : (k, n, n) complex
            Object patches times their weights.
        corners : (k, 2) int
            As of `add`.
        weights : (k, n, n) float
            In [0, 1].

        Raises
        ------
        ValueError
            As `add`.
        """
        if weights.shape != weighted.shape:
            raise ValueError(
                f"weights of shape {weights.shape} for patches of shape {weighted.shape}; "
                "they must agree"
            )
        places = self._places(weighted, corners)
        for block in _blocks(weighted.shape):
            self._place(weighted[block], weights[block], places[block])

    def _places(self, patches: np.ndarray, corners: np.ndarray) -> np.ndarray:
        """Return where patches begin on this canvas, (k, 2) int; all or none of them are added."""
        if len(patches) != len(corners):
            raise ValueError(
                f"{len(patches)} patches but {len(corners)} positions; each patch needs exactly one"
            )
        _check_values(patches)
        n = patches.shape[-1]
        places: np.ndarray = np.asarray(corners) - np.array(self.origin)
        shape = self.sums.shape[:2]
        if not np.all(inside(places, n, shape)):
            raise ValueError(
                f"a patch of side {n} leaves the canvas with origin {self.origin}, shape {shape}"
            )
        return places

    def _place(self, weighted: np.ndarray, weights: np.ndarray, places: np.ndarray) -> None:
        """Add weighted patches (b, n, n) at places (b, 2), and their weights."""
        n = weighted.shape[-1]
        # One by one, for patches overlap: an indexed sum would count a shared pixel once.
        for (row, col), share in zip(places.tolist(), _in_units(weighted, weights), strict=True):
            under = self.sums[row : row + n, col : col + n]
            np.add(under, share, out=under)

    def merge(self, sums: np.ndarray) -> None:
        """Add the sums (H, W, 3) int64 of another partial canvas on the same rectangle."""
        if sums.shape != self.sums.shape:
            raise ValueError(
                f"partial canvases differ in shape: {sums.shape} and {self.sums.shape}"
            )
        self.sums += sums

    def finish(self) -> Canvas:
        """Divide sums by weights and return a `Canvas`."""
        real, imag, weight = np.moveaxis(self.sums, -1, 0).astype(np.float64)
        field = _quotient(real + 1j * imag, weight)
        coverage = weight / _UNIT
        return Canvas(field.astype(np.complex64), coverage.astype(np.float32), self.origin)


def _check_window(patches: np.ndarray, window: tuple[int, ...]) -> None:
    if window != patches.shape[1:]:
        raise ValueError(
            f"stitch window of shape {window} for patches of shape {patches.shape}; they must agree"
        )


def _check_values(patches: np.ndarray) -> None:
    largest = [np.abs(patches[block]).max() for block in _blocks(patches.shape)]
    # NaN is no integer, and one patch of it would spoil all that it overlaps; nor is it below.
    if not np.max(largest, initial=0) <= _LIMIT:
        raise ValueError(
            f"patches must be finite and below {_LIMIT:.0f} in magnitude to be stitched"
        )


def _blocks(shape: tuple[int, ...]) -> list[slice]:
    """Return the parts of patches (k, n, n) that are added together."""
    at_once = max(1, _PIXELS // (shape[1] * shape[2]))
    return [slice(start, start + at_once) for start in range(0, shape[0], at_once)]


def _in_units(weighted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return real part, imaginary part and weight of each patch, (k, n, n, 3) int64 in units."""
    parts = np.empty((*weighted.shape, 3))
    for part, values in enumerate((weighted.real, weighted.imag, weights)):
        np.multiply(values, _UNIT, out=parts[..., part], dtype=np.float64)
    np.rint(parts, out=parts)
    return parts.astype(np.int64)


def _quotient(sums: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return sums over weights, and 0 where the weight is 0."""
    covered = weight > 0
    safe = np.where(covered, weight, 1.0)
    return np.where(covered, sums / safe, 0.0)


def stitch_window(size: int, kind: str = "uniform") -> np.ndarray:
    """Return the (size, size) weights of a patch's central square.

    ``uniform`` is all ones (the ancestor's choice); ``hann`` falls to the edge as a product of
    cosines, ``sin^2(pi (i + 1/2) / size)``, which hides seams.
    """
    if kind == "uniform":
        return np.ones((size, size))
    if kind == "hann":
        # Half-sample points: the taper is symmetric and 0 nowhere, so no pixel is left uncovered.
        taper = np.sin(np.pi * (np.arange(size) + 0.5) / size) ** 2
        return np.outer(taper, taper)
    raise ValueError(f"stitch window must be 'uniform' or 'hann', found {kind!r}")
