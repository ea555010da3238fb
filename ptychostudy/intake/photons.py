"""Whether counts are photons: a unit larger than one, or a constant added to all of them."""

import numpy as np

from ptychostudy.formats.frames import Scale
from ptychostudy.intake.doubts import Doubts
from ptychostudy.intake.pixel_sums import PixelSums
from ptychostudy.io.mapped import blocks

# Of the counts: photons do not pile up on one smallest number far from zero, an offset does.
_PILED = 0.05
# Photons vary as much as their mean, and the object adds to that; half of it is not photons.
_VARIES = 0.5
# Below so many frames the variance of a pixel says little.
_FRAMES = 20
# Of the pixels: the dimmest show an offset best.
_DIM = 0.25
EVERY = slice(None)


def common_step(counts: np.ndarray, good: np.ndarray | slice = EVERY) -> int:
    """Return the greatest common divisor of the differences of counts (k, N, N); 0 if all agree.

    Only good pixels (N, N) are looked at.
    """
    least = min(int(part[:, good].min()) for part in blocks(counts))
    step = 0
    for part in blocks(counts):
        above = part[:, good] - np.uint32(least)
        step = int(np.gcd(step, np.gcd.reduce(above.ravel())))
        if step == 1:
            break
    return step


def offset(counts: np.ndarray, sums: PixelSums, good: np.ndarray | slice = EVERY) -> float:
    """Return the constant that seems to be added to all counts; 0 where they may be photons.

    Parameters
    ----------
    counts : (k, N, N) uint32
    sums : PixelSums
        Of the good pixels of these counts.
    good : (N, N) bool, optional
        Pixels that are looked at. Default all.
    """
    least = int(sums.least.min())
    if least == 0:
        return 0.0
    if _share_of(counts, least, good) >= _PILED:
        return float(least)
    # Not piled up, but noise about a pedestal: of photons mean and variance are the same.
    return _pedestal(sums) if sums.frames >= _FRAMES else 0.0


def _share_of(counts: np.ndarray, value: int, good: np.ndarray | slice) -> float:
    shares = [np.mean(part[:, good] == value) for part in blocks(counts)]
    sizes = [len(part) for part in blocks(counts)]
    return float(np.average(shares, weights=sizes))


def _pedestal(sums: PixelSums) -> float:
    mean = sums.mean
    dim = mean <= np.quantile(mean, _DIM)
    varies = float(np.median(sums.variance[dim] / mean[dim]))
    if varies >= _VARIES:
        return 0.0
    return float(np.median((mean - sums.variance)[dim]))


def check_photons(
    stack: tuple[str, np.ndarray], sums: PixelSums, bad: np.ndarray, scale: Scale, doubts: Doubts
) -> None:
    """Refuse counts that are no photons: multiples of a number, or with a constant added.

    Parameters
    ----------
    stack : str and (k, N, N) uint32
        Where the counts come from, for the message, and they themselves.
    sums : PixelSums
        Of these counts.
    bad : (N, N) bool
        Pixels that are not looked at.
    scale : Scale
        By which they were converted already.
    doubts : Doubts

    Raises
    ------
    DataError
    """
    key, counts = stack
    good = np.asarray(~bad)
    left = sums.of(good)
    least = int(left.least.min())
    step = common_step(counts, good)
    if step > 1:
        _doubt_gain(step, least, key, scale, doubts)
        return
    added = offset(counts, left, good)
    if added > 0:
        doubts.doubt(
            "background",
            f"key {key!r} holds no count below {least}, not even in its dimmest pixels: a constant "
            f"of about {added:.4g} seems to be added; needed: base.npz.background: "
            f"{_total(scale, added):.6g}, or frames without it",
            {"background": _total(scale, added)},
        )


def _doubt_gain(step: int, least: int, key: str, scale: Scale, doubts: Doubts) -> None:
    rest = f"{least} plus " if least else ""
    background = f" and base.npz.background: {_total(scale, least):.6g}" if least else ""
    doubts.doubt(
        "gain",
        f"all counts of key {key!r} are {rest}multiples of {step}, so they are not photons but "
        f"{step} units for each; needed: base.npz.gain: {step * scale.gain:.6g}{background}",
        {"gain": step * scale.gain, "background": _total(scale, least)},
    )


def _total(scale: Scale, more: float) -> float:
    """Return the background, in the detector's units, that takes away so many counts more."""
    return scale.background + more * scale.gain
