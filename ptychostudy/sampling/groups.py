"""Groups of overlapping frames: what a network sees together, and where on the group's canvas."""

from dataclasses import dataclass
from math import comb

import numpy as np
import scipy

from ptychostudy.physics.windows import corners as corners_of_windows
from ptychostudy.physics.windows import split_positions


def form_groups(
    positions: np.ndarray,
    size: int,
    rng: np.random.Generator,
    *,
    n_groups: int | None = None,
    neighbor_count: int = 7,
    oversample: bool = False,
    pool_size: int | None = None,
    sequential: bool = False,
) -> np.ndarray:
    """Form groups of neighbouring frames; every group contains its seed frame.

    Parameters
    ----------
    positions : (k, 2) float
        Window centres (row, col) in pixels.
    size : int
        Frames in a group, C.
    rng : numpy.random.Generator
    n_groups : int, optional
        Wanted groups; default one for each frame.
    neighbor_count : int
        Nearest neighbours K from which the other C - 1 members are drawn.
    oversample : bool
        Allow more groups than frames (several distinct draws per seed).
    pool_size : int, optional
        Neighbours to draw from when oversampling; default ``neighbor_count``.
    sequential : bool
        Of fewer groups than frames the seeds are the first frames, not drawn. Other members are
        drawn all the same, and more groups than frames have every frame as a seed.

    Returns
    -------
    (g, C) int64
        Frame indices; members of a group in row-major order of their positions, groups in order of
        their seeds.

    Raises
    ------
    ValueError
        If there are fewer frames than members, K < C neighbours, or more groups than can be formed.
    """
    k = len(positions)
    wanted = k if n_groups is None else n_groups
    pool = neighbor_count
    if oversample and pool_size:
        pool = pool_size
    _Request(k, size, wanted, pool, oversample).check()
    if wanted > k:
        groups = _oversampled(_neighbours(positions, min(pool, k - 1)), size, wanted, rng)
        return _ordered(groups, np.asarray(positions))
    seeds = np.arange(wanted) if sequential else _seeds(k, wanted, rng)
    if size == 1:
        return seeds[:, None]
    neighbours = _neighbours(positions, min(pool, k - 1))
    return _ordered(_with_neighbours(seeds, neighbours, size, rng), np.asarray(positions))


@dataclass(frozen=True)
class _Request:
    """What groups are asked for: k frames, C in a group, how many groups, K neighbours."""

    k: int
    size: int
    wanted: int
    pool: int
    oversample: bool

    def check(self) -> None:
        """Refuse what cannot be formed."""
        if self.k < self.size:
            raise ValueError(f"{self.k} frames cannot form a group of C={self.size}")
        self._check_pool()
        if self.wanted < 1:
            raise ValueError(f"n_groups must be at least 1, found {self.wanted}")
        if self.wanted > self.k:
            self._check_oversampling()

    def _check_pool(self) -> None:
        # C - 1 neighbours would do, but then every group of a seed is the same.
        if self.pool < self.size:
            name = "neighbor_pool_size" if self.oversample else "neighbor_count"
            raise ValueError(
                f"{name}={self.pool} < C={self.size}: K must be >= C (OVERSAMPLING-001: "
                "neighbor_pool_size >= C)"
            )

    def _check_oversampling(self) -> None:
        if not self.oversample or self.wanted > self.most:
            raise ValueError(
                f"OVERSAMPLING-001: {self.wanted} groups asked from {self.k} frames; without "
                f"enable_oversampling at most {self.k}, with K choose C oversampling "
                f"(K={self.pool}, C={self.size}, seed frame always in) at most {self.most}"
            )

    @property
    def most(self) -> int:
        """How many groups differ in their seed or in their other members."""
        if self.size == 1:
            return self.k
        return self.k * comb(min(self.pool, self.k - 1), self.size - 1)


def _seeds(k: int, wanted: int, rng: np.random.Generator) -> np.ndarray:
    """Return the seed frames, sorted: all of them, or as many as are wanted drawn at random."""
    if wanted == k:
        return np.arange(k, dtype=np.int64)
    return np.sort(rng.choice(k, wanted, replace=False))


def _neighbours(positions: np.ndarray, pool: int) -> np.ndarray:
    """Return the (k, pool) nearest other frames."""
    k = len(positions)
    nearest = np.asarray(scipy.spatial.KDTree(positions).query(positions, k=pool + 1)[1])
    own = nearest == np.arange(k)[:, None]
    # Among many frames at one position a frame may not be found itself: the farthest goes instead.
    own[~own.any(axis=1), -1] = True
    return np.asarray(nearest[~own].reshape(k, pool))


def _with_neighbours(
    seeds: np.ndarray, neighbours: np.ndarray, size: int, rng: np.random.Generator
) -> np.ndarray:
    """Return one group of each seed, with some of its neighbours drawn at random."""
    picks = rng.permuted(neighbours[seeds], axis=1)[:, : size - 1]
    return np.concatenate([seeds[:, None], picks], axis=1)


def _oversampled(
    neighbours: np.ndarray, size: int, wanted: int, rng: np.random.Generator
) -> np.ndarray:
    """Return more groups than frames: every frame seeds one, then random frames seed the rest."""
    k = len(neighbours)
    # A dict keeps the order in which groups were drawn and knows the ones that were.
    groups: dict[tuple[int, ...], None] = {}
    while len(groups) < wanted:
        seed = len(groups) if len(groups) < k else int(rng.integers(k))
        groups[_drawn_group(neighbours, seed, size, rng)] = None
    return np.array(sorted(groups), dtype=np.int64)


def _drawn_group(
    neighbours: np.ndarray, seed: int, size: int, rng: np.random.Generator
) -> tuple[int, ...]:
    """Return a seed with some of its neighbours; one group whatever their order."""
    picks = rng.choice(neighbours.shape[1], size - 1, replace=False)
    others = sorted(int(frame) for frame in neighbours[seed, picks])
    return (seed, *others)


def _ordered(groups: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Return groups with their members in row-major order of their positions.

    A group then reads the same whichever of its members was the seed.
    """
    rows = positions[groups, 0]
    cols = positions[groups, 1]
    # The last key decides first; the index decides between duplicates.
    order = np.lexsort((groups, cols, rows), axis=1)
    return np.take_along_axis(groups, order, axis=1).astype(np.int64)


@dataclass(frozen=True)
class GroupGeometry:
    """Where the frames of each group lie on the group's canvas.

    Attributes
    ----------
    members : (g, C) int64
        Frame indices.
    corners : (g, 2) int64
        Object pixel (row, col) of each canvas's element [0, 0].
    offsets : (g, C, 2) int64
        Window corner minus canvas corner, between 0 and ``side - n``.
    positions : (k, 2) float
        Window centres (row, col) of all frames.
    side : int
        Canvas side in pixels, the same for all groups, large enough for every window.
    """

    members: np.ndarray
    corners: np.ndarray
    offsets: np.ndarray
    positions: np.ndarray
    side: int

    @property
    def fractions(self) -> np.ndarray:
        """Return the sub-pixel part (g, C, 2) of each position; it shifts the probe."""
        # Not held: who stitches has no use for them.
        return split_positions(self.positions[self.members], 1)[1]


def group_geometry(
    positions: np.ndarray,
    members: np.ndarray,
    n: int,
    *,
    side: int | None = None,
    multiple: int = 8,
) -> GroupGeometry:
    """Place each group's windows on a common canvas size; nothing is ever clipped.

    Parameters
    ----------
    positions : (k, 2) float
        Window centres (row, col) of all frames.
    members : (g, C) int
        Frame indices of each group.
    n : int
        Window side.
    side : int, optional
        Canvas side; default the smallest multiple of ``multiple`` that holds every group.
    multiple : int
        Granularity of the default side (the networks halve the canvas three times).

    Returns
    -------
    GroupGeometry

    Raises
    ------
    ValueError
        If a given side is too small for a group.
    """
    positions = np.asarray(positions)
    corners = corners_of_windows(positions[members], n)
    centre = _centres(corners)
    # As far to one side as to the other, so that the centre of the canvas is that of the group.
    reach = int(np.abs(corners - centre).max())
    if side is None:
        side = _rounded_up(n + 2 * reach, multiple)
    _check_side(side, n, reach)
    origin = centre - (side - n) // 2
    return GroupGeometry(np.asarray(members), origin[:, 0], corners - origin, positions, side)


def _centres(corners: np.ndarray) -> np.ndarray:
    """Return the mean corner of each group in whole pixels, (g, 1, 2).

    Fractions of pixels stay with the frames, whose probes they shift.
    """
    mean = np.mean(corners, axis=1, keepdims=True)
    return np.asarray(np.floor(mean + 0.5).astype(np.int64))


def _rounded_up(size: int, multiple: int) -> int:
    """Return the smallest multiple that is not below a size; floor division rounds down."""
    return -(-size // multiple) * multiple


def _check_side(side: int, n: int, reach: int) -> None:
    needed = n + 2 * reach
    if side < needed:
        raise ValueError(
            f"group canvas of {side} px is too small: windows of {n} px reach {reach} px, needed "
            f"{needed}"
        )
