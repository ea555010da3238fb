"""Phases that can be laid side by side: continuous, about one zero, without a borrowed truth."""

import numpy as np
import skimage

# While the truth keeps a quarter of pi clear of the cut at +-pi about its mean direction, plain
# angles compare well.
_FOLD_RAD = 0.75 * np.pi


def phase_pair(
    pred: np.ndarray, truth: np.ndarray, mask: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return continuous phases of prediction and truth, and their wrapped difference.

    Parameters
    ----------
    pred, truth : (H, W) complex
        Prediction, in the truth's gauge, and truth.
    mask : (H, W) bool
        Pixels on which the truth transmits.

    Returns
    -------
    pred_phase, truth_phase, difference : (H, W) float64
        Radians. `truth_phase` has mean zero over the mask; ``pred_phase - truth_phase`` equals
        `difference` modulo 2 pi. A prediction of exactly zero has phase zero, not the truth's.
    """
    turn = _turn_to_zero(truth[mask])
    # The angle of ``0 * conj(truth)`` is zero: a dead pixel would have the truth's phase.
    pred = np.where(pred == 0, 1.0, pred) * turn
    truth = truth * turn
    reference = _continuous(truth, mask)
    difference = np.angle(pred * np.conj(truth))
    folds = np.abs(reference[mask]).max() > _FOLD_RAD
    own = _followed(pred, reference + difference, mask) if folds else np.angle(pred)
    mean = reference[mask].mean()
    return own - mean, reference - mean, difference


def _turn_to_zero(values: np.ndarray) -> complex:
    """Return the unit number that turns the mean direction to angle zero, far from the cut."""
    direction = np.sum(values)
    return np.conj(direction) / abs(direction) if direction else 1.0


def _followed(pred: np.ndarray, wanted: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return the continuous phase of a field, in the turn that most of a wanted phase is in."""
    own = _continuous(pred, mask)
    # Unwrapping starts in any turn. The median stands against pixels unwrapped the wrong way.
    turns = np.rint(np.median((wanted - own)[mask]) / (2 * np.pi))
    return np.asarray(own + 2 * np.pi * turns)


def _continuous(field: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Phase without jumps: the angle itself where no neighbours differ by more than pi."""
    angle: np.ndarray = np.angle(field)
    # Unwrapping a noisy phase invents turns about its vortices, so it is done only where it must.
    if _jumps(angle, mask, 0) or _jumps(angle, mask, 1):
        return _unwrapped(angle, mask)
    return angle


def _jumps(angle: np.ndarray, mask: np.ndarray, axis: int) -> bool:
    """Say whether two covered neighbours along an axis differ by more than half a turn."""
    size = mask.shape[axis]
    before = np.take(mask, np.arange(size - 1), axis)
    after = np.take(mask, np.arange(1, size), axis)
    steps = np.abs(np.diff(angle, axis=axis))
    return bool(np.any(steps[before & after] > np.pi))


def _unwrapped(angle: np.ndarray, mask: np.ndarray) -> np.ndarray:
    masked = angle if mask.all() else np.ma.array(angle, mask=~mask)
    # The algorithm (Herraez 2002) sorts with random keys; a fixed seed makes it a function of its
    # input.
    return np.asarray(np.ma.filled(skimage.restoration.unwrap_phase(masked, rng=0), 0.0))
