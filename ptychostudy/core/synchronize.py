"""Phase synchronisation: bring patches that each have a phase of their own to one common phase.

The global phase of an exit wave leaves no trace in its diffraction pattern, so a network's patch is known only up to
a phase factor. Where patches overlap, their relative phase is measured; over the whole scan that is a graph whose
node phases follow by weighted least squares (angular synchronisation, Singer 2011, doi:10.1016/j.acha.2010.02.001;
for ptychography Marchesini et al. 2016, doi:10.1107/S1600576716008074).
"""

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix, diags, identity
from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree
from scipy.sparse.linalg import spsolve
from scipy.spatial import KDTree


def synchronize_phases(patches, corners, *, neighbours=12):
    """Find the phase of each patch relative to the others.

    Parameters
    ----------
    patches : (k, m, m) complex
        Object patches.
    corners : (k, 2) int
        Object pixel (row, col) of each patch's element [0, 0].
    neighbours : int
        Nearest patches each is compared with; only those that overlap it count.

    Returns
    -------
    (k,) float64
        Phases in rad; ``patches * exp(-i phase)`` agree on their overlaps as well as least squares allows. Each
        connected part of the scan has a weighted mean phase of zero.
    """
    k = len(patches)
    pairs = _overlapping_pairs(corners, patches.shape[-1], min(neighbours, k - 1))
    if not len(pairs):
        return np.zeros(k)
    overlap = np.array([_inner(patches, corners, a, b) for a, b in pairs])
    weight = np.abs(overlap)
    kept = weight > 0
    pairs, overlap, weight = pairs[kept], overlap[kept], weight[kept]
    phases = _along_tree(pairs, np.angle(overlap), weight, k)
    for _ in range(3):
        rest = np.angle(overlap * np.exp(-1j * (phases[pairs[:, 0]] - phases[pairs[:, 1]])))
        phases = phases + _least_squares(pairs, rest, weight, k)
    return phases


def _overlapping_pairs(corners, m, neighbours):
    """Return (p, 2) index pairs a < b of near patches that share a pixel."""
    if neighbours < 1:
        return np.empty((0, 2), dtype=np.int64)
    _, found = KDTree(corners).query(corners, k=neighbours + 1)
    own = np.repeat(np.arange(len(corners)), neighbours + 1)
    pairs = np.unique(np.sort(np.stack([own, found.ravel()], axis=1), axis=1), axis=0)
    distance = np.abs(corners[pairs[:, 0]] - corners[pairs[:, 1]]).max(axis=1)
    return pairs[(pairs[:, 0] < pairs[:, 1]) & (distance < m)]


def _inner(patches, corners, a, b):
    """Return ``sum p_a conj(p_b)`` over the pixels that both patches cover."""
    m = patches.shape[-1]
    (row, col), size = corners[b] - corners[a], m - np.abs(corners[b] - corners[a])
    first = patches[a, max(row, 0) :, max(col, 0) :][: size[0], : size[1]]
    second = patches[b, max(-row, 0) :, max(-col, 0) :][: size[0], : size[1]]
    return np.vdot(second, first)


def _along_tree(pairs, angle, weight, k):
    """Add relative phases up along the strongest spanning tree: a start free of wraps."""
    # The tree minimises its weights; strong overlaps get small positive ones.
    cost = coo_matrix((1.0 / weight, (pairs[:, 0], pairs[:, 1])), shape=(k, k)).tocsr()
    tree = minimum_spanning_tree(cost)
    relative = csr_matrix((angle, (pairs[:, 0], pairs[:, 1])), shape=(k, k))
    signed = (relative - relative.T).tolil()
    phases = np.zeros(k)
    _, part = connected_components(tree, directed=False)
    for start in np.unique(part, return_index=True)[1]:
        order, parents = breadth_first_order(tree, int(start), directed=False)
        for node in order[1:]:
            phases[node] = phases[parents[node]] + signed[node, parents[node]]
    return phases


def _least_squares(pairs, difference, weight, k):
    """Solve ``phase_a - phase_b = difference`` by weighted least squares, weighted mean zero in each part."""
    a, b = pairs.T
    adjacency = coo_matrix((np.r_[weight, weight], (np.r_[a, b], np.r_[b, a])), shape=(k, k)).tocsr()
    degree = np.asarray(adjacency.sum(axis=1)).ravel()
    right = np.bincount(a, weight * difference, k) - np.bincount(b, weight * difference, k)
    # A tiny ridge fixes the free constant of each connected part and moves no difference by more than 1e-9 of it.
    ridge = 1e-9 * degree.mean() * identity(k)
    return spsolve((diags(degree) - adjacency + ridge).tocsc(), right)
