"""Score: reconstructions that came from elsewhere, registered to a reference, on one mask."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from ptychostudy.formats.any_object import AnyObject
from ptychostudy.io.atomic import DataError
from ptychostudy.measure import scoring
from ptychostudy.measure.fields import bounding_box
from ptychostudy.recipes.placed import ALIKE, hulled, known_offset, likeliest, nowhere, onto

_LEAST_PX = 16


@dataclass(frozen=True)
class Scored:
    """Arrays on the rectangle of a reference.

    Attributes
    ----------
    truth : (H, W) complex
    mask : (H, W) bool
        Pixels that are scored, the same for all.
    offsets : dict
        Pixel (row, col) of the reference under the first one of each array.
    scores : dict
        `scoring.Score` of each.
    """

    truth: np.ndarray
    mask: np.ndarray
    offsets: dict[str, tuple[int, int]]
    scores: dict[str, scoring.Score]


def score_arrays(
    objects: Mapping[str, AnyObject],
    reference: AnyObject,
    *,
    phase_align: str,
    ms_ssim_sigma: float,
    frc_sigma: float = 0.0,
    unregistered: Collection[str] = (),
    edge_px: int = 0,
) -> Scored:
    """Place arrays on a reference and score them as a study scores its arms.

    Scored is what the reference and all arrays hold, within the hull of the positions of each file
    that has them; of a comparison of this package exactly its mask.

    Parameters
    ----------
    objects : mapping
        Arrays by name.
    reference : AnyObject
    phase_align : {'plane', 'mean', 'none'}
    ms_ssim_sigma : float
        Blur before MS-SSIM.
    frc_sigma : float
        Blur of the ring correlation, in rings.
    unregistered : collection of str
        Names of arrays that stay on their whole pixels; the shift of all is reported.
    edge_px : int
        Cut off the scored rectangle on every side.

    Raises
    ------
    DataError
        If an array is turned or conjugated, has other pixels, lies nowhere on the reference, or if
        nothing is left to score.
    """
    offsets = {name: _offset(each, reference) for name, each in objects.items()}
    mask = hulled(reference)
    fields = {}
    for name, each in objects.items():
        fields[name] = onto(each.field, offsets[name], reference.field.shape)
        covered = onto(hulled(each), offsets[name], reference.field.shape)
        _check_covers(each, covered, mask, reference)
        if not reference.whole:
            mask = mask & covered
    box = _box(mask, reference, edge_px)
    mask = mask[box]
    scores = {
        name: scoring.score(
            field[box],
            reference.field[box],
            mask,
            phase_align=phase_align,
            registration=name not in unregistered,
            ms_ssim_sigma=ms_ssim_sigma,
            frc_sigma=frc_sigma,
        )
        for name, field in fields.items()
    }
    return Scored(reference.field[box], mask, offsets, scores)


def _offset(each: AnyObject, reference: AnyObject) -> tuple[int, int]:
    """Return the pixel (row, col) of the reference under the first one of an array."""
    given, best = likeliest(each, reference)
    if best is not given:
        raise DataError(
            f"{each.where} fits {reference.where} only once it is changed: {best.words} "
            f"(correlation {best.correlation:.3f}, as given {given.correlation:.3f}); "
            "needed: an object laid out as the reference"
        )
    known = known_offset(each, reference)
    if known is not None:
        return known
    if given.correlation < ALIKE:
        raise nowhere(each, reference, given)
    return given.offset


def _check_covers(
    each: AnyObject, covered: np.ndarray, mask: np.ndarray, reference: AnyObject
) -> None:
    """Refuse an array that leaves pixels out which a comparison scores."""
    missing = int(np.sum(mask & ~covered)) if reference.whole else 0
    if missing:
        raise DataError(
            f"{each.where} has nothing at {missing} of the {mask.sum()} pixels of the mask of "
            f"{reference.where}; needed: all of them, or a reference without a mask"
        )


def _box(mask: np.ndarray, reference: AnyObject, edge_px: int) -> tuple[slice, ...]:
    """Return the rectangle on which is scored: that of a comparison, or of what all hold."""
    rows, cols = bounding_box(mask) if mask.any() else (slice(0, 0), slice(0, 0))
    if reference.whole:
        rows, cols = (slice(0, side) for side in mask.shape)
    box = tuple(slice(each.start + edge_px, each.stop - edge_px) for each in (rows, cols))
    if min(each.stop - each.start for each in box) < _LEAST_PX or not mask[box].any():
        sides = " x ".join(str(max(each.stop - each.start, 0)) for each in box)
        raise DataError(
            f"{reference.where} and the arrays have {sides} pixels in common; "
            f"needed: at least {_LEAST_PX} x {_LEAST_PX}"
        )
    return box
