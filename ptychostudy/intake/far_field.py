"""Where the zero frequency of measured frames is: in the centre, in the corner, or beside it."""

import numpy as np
import scipy

from ptychostudy.intake.doubts import Doubts

# A likeness to the probe's far field that is better by this much is no chance.
_CLEARLY = 0.1
# The light lies so much nearer to the zero frequency, in squares of its distance, if that is right.
_NEARER = 1.4
# Smooths away the speckle of the probe, which the object moves about.
_SMOOTH_PX = 1.5
# Below, an image has no centre: the light is spread over all of it.
_HAS_CENTRE = 0.3
# A mean frame may be off by less because of the object's own slope.
_OFF_PX = 1.0
# After half a turn the light must lie within this share of the side from the centre.
_NEAR = 1 / 16
# A frame in which the light lies farther off than this share of the side is not centred at all.
_ASTRAY = 0.25


def far_field(probe: np.ndarray) -> np.ndarray:
    """Return the intensity of the far field of a probe (N, N), zero frequency in the centre."""
    # The probe's size is any, and its square can leave single precision.
    wave = probe.astype(np.complex128) / np.abs(probe).max()
    intensity: np.ndarray = np.abs(np.fft.fftshift(np.fft.fft2(wave))) ** 2
    return intensity


def half_turns(n: int) -> list[tuple[int, int]]:
    """Return the shifts (row, col) by which a frame of n pixels can be off: none, or half of it."""
    half = n // 2
    return [(0, 0), (half, half), (half, 0), (0, half)]


def right_shift(
    mean: np.ndarray, reference: np.ndarray, good: np.ndarray | None = None
) -> tuple[int, int]:
    """Return by how many pixels frames must be rolled for their zero frequency to be central.

    Anything but no shift is returned only where it is certain: where the light then lies nearer to
    the centre, as a detector is chosen for, and much more like the far field of the probe.

    Parameters
    ----------
    mean : (N, N) float
        Mean frame.
    reference : (N, N) float
        Intensity of the probe's far field, zero frequency in the centre.
    good : (N, N) bool, optional
        Pixels of the mean frame that count; the others are 0. Default all.
    """
    alike = {
        turn: likeness(np.roll(mean, turn, (0, 1)), _as_seen(reference, good, turn))
        for turn in half_turns(len(mean))
    }
    best = max(alike, key=alike.__getitem__)
    turned = np.roll(mean, best, (0, 1))
    clearly = alike[best] > alike[0, 0] + _CLEARLY
    nearer = spread(turned) * _NEARER < spread(mean)
    certain = clearly and nearer[np.array(best) > 0].all()
    seen = _as_seen(reference, good, best)
    return best if certain and _is_central(turned, seen) else (0, 0)


def _as_seen(reference: np.ndarray, good: np.ndarray | None, shift: tuple[int, int]) -> np.ndarray:
    """Return an image (N, N) as a detector sees it whose pixels are rolled."""
    return reference if good is None else reference * np.roll(good, shift, (0, 1))


def _is_central(mean: np.ndarray, reference: np.ndarray) -> bool:
    """Say whether the light is where it belongs, and not merely nearer to it than before."""
    off = off_centre_px(mean, reference)
    return off is None or bool(np.abs(off).max() <= _NEAR * len(mean))


def likeness(image: np.ndarray, reference: np.ndarray) -> float:
    """Return the cosine of two smoothed images (N, N) as amplitudes, from 0 to 1."""
    a, b = (
        np.sqrt(scipy.ndimage.gaussian_filter(each, _SMOOTH_PX, mode="wrap"))
        for each in (image, reference)
    )
    # Rounding can leave less than nothing.
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.vdot(a, b)) / length if length > 0 else 0.0


def spread(image: np.ndarray) -> np.ndarray:
    """Return the mean square of the distance of an image's light from its centre, (rows, cols)."""
    square = (np.arange(len(image)) - len(image) // 2) ** 2
    by_rows = image.sum(axis=1) @ square
    by_cols = image.sum(axis=0) @ square
    return np.asarray(np.array([by_rows, by_cols]) / image.sum())


def centroid(image: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the centre of an image's light (row, col), and how far there is one, from 0 to 1.

    The frame is taken as going on at its edges, so that a centre in a corner is one.
    """
    n = len(image)
    turn = np.exp(2j * np.pi * np.arange(n) / n)
    moments = np.array([image.sum(axis=1) @ turn, image.sum(axis=0) @ turn]) / image.sum()
    return np.angle(moments) * n / (2 * np.pi) % n, float(np.abs(moments).min())


def off_centre_px(mean: np.ndarray, reference: np.ndarray) -> np.ndarray | None:
    """Return how far (row, col) the light of a mean frame is off, or None where it has no centre.

    Off the middle of the frame or off the centre of the probe's far field, whichever is less: a
    probe that comes in at an angle is off the middle itself.
    """
    n = len(mean)
    places = [centroid(image) for image in (mean, reference)]
    if min(gathered for _, gathered in places) < _HAS_CENTRE:
        return None
    from_middle, from_probe = (
        _wrapped(places[0][0] - other, n) for other in (np.full(2, n // 2), places[1][0])
    )
    return min(from_middle, from_probe, key=lambda off: float(np.abs(off).max()))


def _wrapped(off: np.ndarray, n: int) -> np.ndarray:
    wrapped: np.ndarray = (off + n / 2) % n - n / 2
    return wrapped


def centred(
    mean: np.ndarray, probe: np.ndarray, bad: np.ndarray, doubts: Doubts, *, as_said: bool = False
) -> tuple[int, int]:
    """Return by how much frames must be rolled for their zero frequency to be in the centre.

    Parameters
    ----------
    mean : (N, N) float
        Mean of the frames.
    probe : (N, N) complex
    bad : (N, N) bool
        Pixels that say nothing of where the light is.
    doubts : Doubts
    as_said : bool
        Whether the user says where the zero frequency is: then it stays there.

    Raises
    ------
    DataError
        If the light is far off the centre, and not in a corner.
    """
    reference = far_field(probe)
    good = np.asarray(~bad)
    mean = mean * good
    shift = (0, 0) if as_said else right_shift(mean, reference, good)
    if any(shift):
        doubts.say(
            f"the zero frequency of the frames is not in their centre, as the mean frame and the "
            f"probe's far field show; frames rolled by {shift} pixels (row, col)"
        )
        doubts.done["rolled_px"] = list(shift)
    seen = _as_seen(reference, good, shift)
    off = off_centre_px(np.roll(mean, shift, (0, 1)), seen)
    if off is not None and np.abs(off).max() > _OFF_PX:
        _say_off(off, len(mean), doubts)
    return shift


def _say_off(off: np.ndarray, n: int, doubts: Doubts) -> None:
    text = f"the light of the mean frame lies ({off[0]:+.1f}, {off[1]:+.1f}) pixels (row, col) off"
    if np.abs(off).max() > _ASTRAY * n:
        doubts.doubt(
            "centre", f"{text} the centre; needed: frames with the zero frequency in the centre"
        )
    else:
        doubts.say(f"{text} the centre")
