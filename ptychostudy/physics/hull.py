"""The convex hull of scan positions.

Qhull is as quick, but SciPy's module of it takes 0.4 s to import, in each job of a study that asks
for a few hundred positions.
"""

import numpy as np

# Directions in which extreme points are looked for first.
_DIRECTIONS = 16
# Of as many points all are looked at one by one.
_FEW = 1000
# Steps of rounding by which a position on a straight edge may lie off it.
_ROUNDING = 4 * np.finfo(np.float64).eps


def hull_corners(points: np.ndarray) -> np.ndarray | None:
    """Return the corners of the convex hull, in order.

    None where the points lie on one line, or one of them nowhere.

    A corner is where the hull turns: none lies between two others on a straight edge. By the
    monotone chain (Andrew, Inf. Process. Lett. 9, 216 (1979)), after points that lie inside a
    polygon of extreme ones are left out (Akl & Toussaint, Inf. Process. Lett. 7, 219 (1978)).

    Parameters
    ----------
    points : (k, 2) float

    Returns
    -------
    (m, 2) float or None
    """
    points = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    if len(points) < 3 or not np.isfinite(points).all():
        return None
    outer = points if len(points) <= _FEW else _outer(points)
    # Each once, in the order of the first coordinate, then of the second.
    ordered = np.unique(outer, axis=0)
    straight = _ROUNDING * float(np.abs(ordered).max() * np.ptp(ordered, axis=0).max())
    there, back = (_chain(each.tolist(), straight) for each in (ordered, ordered[::-1]))
    corners = np.array(there[:-1] + back[:-1])
    return corners if len(corners) > 2 else None


def polygon_area(corners: np.ndarray) -> float:
    """Return a polygon's area by the shoelace formula, from its corners (m, 2) in order."""
    # From one of them: far from zero the products would have no digits left.
    own = corners - corners[0]
    ahead = np.roll(own, -1, axis=0)
    cross = own[:, 0] * ahead[:, 1] - own[:, 1] * ahead[:, 0]
    return float(0.5 * abs(np.sum(cross)))


def _outer(points: np.ndarray) -> np.ndarray:
    """Return the points (m, 2) but for those that cannot be a corner."""
    angles = 2 * np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
    extreme = [int(np.argmax(points @ [np.cos(each), np.sin(each)])) for each in angles]
    polygon = points[list(dict.fromkeys(extreme))]
    inside = np.ones(len(points), dtype=bool)
    for (x, y), (end_x, end_y) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        off = (end_x - x) * (points[:, 1] - y) - (end_y - y) * (points[:, 0] - x)
        # Strictly: extreme points are on an edge, and stay.
        inside &= off > 0
    return np.asarray(points[~inside])


def _chain(points: list[list[float]], straight: float) -> list[list[float]]:
    """Return the corners along one side of sorted points, both ends among them."""
    chain: list[list[float]] = []
    for x, y in points:
        while len(chain) > 1 and _turn(chain[-2], chain[-1], x, y) <= straight:
            chain.pop()
        chain.append([x, y])
    return chain


def _turn(first: list[float], second: list[float], x: float, y: float) -> float:
    """Return the signed area by which the way from one point over another turns at a third."""
    along_x, along_y = second[0] - first[0], second[1] - first[1]
    return along_x * (y - first[1]) - along_y * (x - first[0])
