"""Objects of other programs placed on a reference: where they lie, and how they are laid out."""

import numpy as np

from ptychostudy.formats.any_object import AnyObject
from ptychostudy.io.atomic import DataError
from ptychostudy.measure.placing import Place, places
from ptychostudy.physics.illumination import hull_mask

# Of a field that is noise the best place has a few hundredths.
ALIKE = 0.2
"""Correlation from which on a place counts as found."""
# By how much another way to lay a field out must fit better: an object may be nearly symmetric.
_CLEARLY = 1.01
# Of pixel sizes that are written in several units.
_SAME_PIXEL = 1e-3


def likeliest(each: AnyObject, reference: AnyObject) -> tuple[Place, Place]:
    """Return the best place of an object as it is given, and that which is likeliest of all.

    They are the same unless another of the sixteen ways to lay it out clearly fits better.

    Raises
    ------
    DataError
        If it has other pixels than the reference.
    """
    _check_pixel(each, reference)
    given, *others = places(each.field, each.seen, reference.field, reference.seen)
    best = max(others, key=lambda place: place.correlation)
    changed = best.correlation > max(ALIKE, _CLEARLY * given.correlation)
    return given, best if changed else given


def known_offset(each: AnyObject, reference: AnyObject) -> tuple[int, int] | None:
    """Return the pixel of the reference under an object's first one, where the files know it."""
    if each.origin is None or reference.origin is None:
        return None
    row, col = (a - b for a, b in zip(each.origin, reference.origin, strict=True))
    return row, col


def nowhere(each: AnyObject, reference: AnyObject, place: Place) -> DataError:
    """Return the refusal of an object that is nowhere like the reference."""
    return DataError(
        f"{each.where} is nowhere like {reference.where}: the correlation is "
        f"{place.correlation:.3f} at best; needed: {ALIKE} for a place to be found"
    )


def _check_pixel(each: AnyObject, reference: AnyObject) -> None:
    sizes = (each.pixel_size_m, reference.pixel_size_m)
    if None in sizes:
        return
    found, needed = (float(size or 0) for size in sizes)
    if abs(found - needed) > _SAME_PIXEL * needed:
        raise DataError(
            f"{each.where} has pixels of {found:.6g} m; needed: {needed:.6g} m, those of "
            f"{reference.where}"
        )


def hulled(each: AnyObject) -> np.ndarray:
    """Return the pixels that an array knows, within the hull of its positions if it has any."""
    if each.positions is None:
        return each.seen
    hull = hull_mask(each.positions, origin=(0, 0), shape=(each.seen.shape[0], each.seen.shape[1]))
    return np.asarray(each.seen & hull)


def onto(array: np.ndarray, offset: tuple[int, int], shape: tuple[int, ...]) -> np.ndarray:
    """Return an array on the rectangle of the reference, zero where it does not reach."""
    whole = np.zeros(shape, array.dtype)
    first = np.maximum(offset, 0)
    end = np.minimum(np.add(offset, array.shape), shape)
    if np.all(end > first):
        there = tuple(slice(*ends) for ends in zip(first, end, strict=True))
        inside = zip(first - offset, end - offset, strict=True)
        whole[there] = array[tuple(slice(*ends) for ends in inside)]
    return whole
