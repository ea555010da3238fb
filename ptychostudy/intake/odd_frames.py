"""Frames that are no frames of a scan: empty, wild in their brightness, or one place twice."""

import hashlib
import math
from collections.abc import Callable, Sequence

import numpy as np
import scipy

from ptychostudy.intake.doubts import Doubts, listed
from ptychostudy.io.mapped import blocks

# The object may take so much light from a frame beside others: brighter or darker is no frame.
WILD = 10.0
# And so much, or leave so much, beside the median of all frames, where a whole region is off.
_DARKEST, _BRIGHTEST = 1e3, 1e4
# A frame without a single photon: the object takes at most so much.
_OPAQUE = 1e2
# Neighbours that a frame is compared with.
_NEIGHBOURS = 8
# Those of them that may be off themselves: the two beside a frame on a line of the scan.
_OFF = 2
# Standard deviations of the counts, beyond which a difference is no chance.
_SIGMAS = 6.0
# Below this probability a coincidence is none.
_CHANCE = 1e-3
_Judge = Callable[[np.ndarray, np.ndarray], np.ndarray]
# At most this share of the frames is dropped without being named by the user.
_MOST_DROPPED = 0.5


def empty(totals: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Return which frames (k,) hold no photon where some must be.

    If the object takes nine tenths of the light around a frame, or all but a hundredth of the
    median frame's, and still no frame of the scan would be empty by chance.

    Parameters
    ----------
    totals : (k,) float
        Counts of each frame.
    positions : (k, 2) float
    """
    low, _ = around(totals, positions)
    expected = np.maximum(low / WILD, np.median(totals) / _OPAQUE)
    by_chance = len(totals) * np.exp(-expected)
    return np.asarray((totals == 0) & (by_chance < _CHANCE))


def wild(totals: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Return which frames (k,) are far brighter or darker than their neighbours, or than all.

    A frame shares its light with its neighbours, so that the object cannot set it far apart from
    them. At the edge of something opaque some of them are as it is.

    Parameters
    ----------
    totals : (k,) float
        Counts of each frame.
    positions : (k, 2) float
    """
    low, high = around(totals, positions)
    # Where most frames are all but empty nothing is known of what is usual.
    usual = np.full(len(totals), max(1.0, float(np.median(totals))))
    dark = _below(totals, low / WILD) | _below(totals, usual / _DARKEST)
    bright = _above(totals, high * WILD) | _above(totals, usual * _BRIGHTEST)
    return np.asarray(dark | bright)


def around(totals: np.ndarray, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the largest light (k,) around each frame, but for a few neighbours.

    Of too few frames to compare, each is compared with itself.
    """
    count = min(_NEIGHBOURS, len(totals) - 1)
    if count <= 2 * _OFF:
        return totals, totals
    # The first neighbour that the tree finds is the frame itself.
    _, nearest = scipy.spatial.KDTree(positions).query(positions, k=np.arange(2, count + 2))
    beside = np.sort(totals[nearest], axis=1)
    return beside[:, _OFF], beside[:, -1 - _OFF]


def _above(totals: np.ndarray, limit: np.ndarray) -> np.ndarray:
    return np.asarray(totals > limit + _SIGMAS * np.sqrt(limit + 1))


def _below(totals: np.ndarray, limit: np.ndarray) -> np.ndarray:
    return np.asarray(totals < limit - _SIGMAS * np.sqrt(limit))


def repeated(counts: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Return which of some frames equal an earlier one of them where this cannot be chance, (m,).

    Two frames of the same expectation agree with a probability that is largest if it is the frame
    itself: the product of the Poisson probabilities of its counts.

    Parameters
    ----------
    counts : (k, N, N) uint32
    among : (m,) int
        The frames that are compared.
    """
    seen: set[bytes] = set()
    copies = np.zeros(len(among), dtype=bool)
    pairs = len(among) ** 2 / 2
    frames = (frame for some in blocks(among) for frame in counts[some])
    for place, frame in enumerate(frames):
        # Not the frame itself: all of them would be a second scan in memory.
        name = hashlib.blake2b(frame.tobytes()).digest()
        if name in seen:
            copies[place] = pairs * math.exp(_log_chance(frame)) < _CHANCE
        seen.add(name)
    return copies


def _log_chance(frame: np.ndarray) -> float:
    """Return the logarithm of the largest probability that photons make this very frame."""
    n = frame[frame > 0].astype(np.float64)
    return float(np.sum(n * np.log(n) - n - scipy.special.gammaln(n + 1)))


def placed_again(positions: np.ndarray) -> np.ndarray:
    """Return which positions (k, 2) are exactly those of an earlier frame, (k,) bool."""
    _, first = np.unique(positions, axis=0, return_index=True)
    again = np.ones(len(positions), dtype=bool)
    again[first] = False
    return again


def odd_frames(
    counts: np.ndarray, positions: np.ndarray, saturated: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the frames (k,) bool that are none, by what is wrong with them; each only once.

    Parameters
    ----------
    counts : (k, N, N) uint32
    positions : (k, 2) float
    saturated : (k,) bool
        Frames of which pixels were full.
    """
    totals = np.concatenate([part.sum(axis=(1, 2), dtype=np.float64) for part in blocks(counts)])
    bare = _peeled(empty, totals, positions, ~saturated)
    far = _peeled(wild, totals, positions, ~(saturated | bare))
    left = ~(saturated | bare | far)
    kinds = {
        "empty (no photon)": bare,
        "saturated (pixels at the detector's largest count)": saturated,
        f"wild (over {WILD:g} times brighter or darker than the frames around them)": far,
    }
    # A frame that is none takes no place from one that is.
    again = _among(left, placed_again(positions[left]))
    left = left & ~again
    copies = _among(left, repeated(counts, np.flatnonzero(left)))
    return {
        **kinds,
        "at the very position of an earlier one": again,
        "repeated (equal to an earlier one, at another position)": copies,
    }


def _among(left: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Return which of all frames (k,) are those that are named of some that are left."""
    named = np.zeros_like(left)
    named[left] = which
    return named


def _peeled(
    judge: _Judge, totals: np.ndarray, positions: np.ndarray, left: np.ndarray
) -> np.ndarray:
    """Return which of the frames left (k,) are wrong beside those that are right.

    Where many are wrong together some hide behind others until these are gone.
    """
    wrong = np.zeros_like(left)
    rest = np.flatnonzero(left)
    while len(rest):
        found = judge(totals[rest], positions[rest])
        if not found.any():
            break
        wrong[rest[found]] = True
        rest = rest[~found]
    return wrong


def dropped_by_list(wanted: list[int], k: int, doubts: Doubts) -> np.ndarray:
    """Return which of k frames (k,) bool the user names.

    Raises
    ------
    DataError
        If there is no such frame.
    """
    absent = [index for index in wanted if not 0 <= index < k]
    if absent:
        doubts.refuse(
            f"base.npz.drop_frames names frames {listed(absent)}, but there are {k} positions; "
            f"needed: indices from 0 to {k - 1}"
        )
    dropped = np.zeros(k, dtype=bool)
    dropped[wanted] = True
    return dropped


def kept_by_list(k: int, drop_frames: Sequence[int] | str, doubts: Doubts) -> np.ndarray:
    """Return the indices of those of k frames that the user does not leave out by name.

    Raises
    ------
    DataError
        If there are no such frames, or none is left.
    """
    wanted = [] if isinstance(drop_frames, str) else list(drop_frames)
    kept = np.flatnonzero(~dropped_by_list(wanted, k, doubts))
    if len(kept) == 0:
        doubts.refuse(f"base.npz.drop_frames drops all {k} frames; needed: some that stay")
    return kept


def places_left(
    positions: np.ndarray, drop_frames: Sequence[int] | str, doubts: Doubts
) -> np.ndarray:
    """Return the positions (m, 2) of the frames that the user leaves in, each once.

    Of several frames at one place it is for `judge_frames` to say which stay.
    """
    left = positions[kept_by_list(len(positions), drop_frames, doubts)]
    return np.asarray(left[~placed_again(left)])


def judge_frames(
    kinds: dict[str, np.ndarray], names: np.ndarray, auto: bool, doubts: Doubts
) -> np.ndarray:
    """Return which frames are dropped, (k,) bool; refuse those that are none if none may be.

    Parameters
    ----------
    kinds : dict of str to (k,) bool
        As from `odd_frames`.
    names : (k,) int
        The frames' indices in the file.
    auto : bool
        Whether what is wrong is dropped.
    doubts : Doubts

    Raises
    ------
    DataError
    """
    wrong = np.asarray(np.any(list(kinds.values()), axis=0))
    if not wrong.any():
        return wrong
    text = _described(kinds, names)
    if auto and wrong.mean() <= _MOST_DROPPED:
        doubts.say(f"dropped with their positions: {text}")
        return wrong
    cure = "base.npz.drop_frames: auto, or a list of them, which drops them with their positions"
    if auto:
        cure = f"frames of which at most {_MOST_DROPPED:.0%} are dropped by base.npz.drop_frames"
    doubts.doubt("frames", f"{text}; needed: {cure}", {} if auto else {"drop_frames": "auto"})
    return np.zeros_like(wrong)


def _described(kinds: dict[str, np.ndarray], names: np.ndarray) -> str:
    each = [
        f"{mask.sum()} of {len(mask)} frames are {kind}: {listed(names[mask])}"
        for kind, mask in kinds.items()
        if mask.any()
    ]
    return "; ".join(each)
