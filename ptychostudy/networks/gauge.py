"""Global phases of group canvases: no diffraction pattern knows them, only the overlap of the canvases does."""

import numpy as np


def align_phases(patches, corners, *, iterations=500, tolerance=1e-6):
    """Give each patch one phase factor so that overlapping patches agree.

    A far-field intensity does not change with the object's global phase, so each group comes out with a phase of its
    own. Minimises ``sum_gh w_gh (t_g + arg c_gh - t_h)^2`` over the phases t, where ``c_gh`` is the inner product of
    two patches on their overlap and w its modulus (Singer, Appl. Comput. Harmon. Anal. 30, 20 (2011), linearised,
    which is exact to second order because the network's phases scatter far less than pi).

    Parameters
    ----------
    patches : (g, m, m) complex
        Patches, e.g. the central squares that are stitched.
    corners : (g, 2) int
        Object pixel of each patch's element [0, 0].
    iterations, tolerance
        Limits of the conjugate gradients; the tolerance is relative to the right-hand side.

    Returns
    -------
    (g,) complex64
        Factors of modulus one; multiply patches or whole canvases with them. Their mean phase over the groups is that
        of the input. A patch without overlap keeps its phase.
    """
    first, second, products = _products(np.asarray(patches), np.asarray(corners))
    weight, angle = np.abs(products), np.angle(products)
    count = len(patches)

    def spread(edge):
        return np.bincount(first, edge, count) - np.bincount(second, edge, count)

    right = spread(weight * angle)
    phase = _conjugate_gradients(
        lambda t: spread(weight * (t[first] - t[second])),
        right,
        np.maximum(np.bincount(first, weight, count) + np.bincount(second, weight, count), 1e-30),
        iterations,
        tolerance,
    )
    return np.exp(1j * (phase - phase.mean())).astype(np.complex64)


def _products(patches, corners):
    """Inner products ``sum conj(a) b`` of all pairs of overlapping patches."""
    side, order = patches.shape[-1], np.argsort(corners[:, 0], kind="stable")
    first, second, products = [], [], []
    for rank, g in enumerate(order):
        later = order[rank + 1 : np.searchsorted(corners[order, 0], corners[g, 0] + side)]
        for h in later[np.abs(corners[later, 1] - corners[g, 1]) < side]:
            row, col = corners[h] - corners[g]
            a = patches[g, row:, max(col, 0) : side + min(col, 0)]
            b = patches[h, : side - row, max(-col, 0) : side - max(col, 0)]
            first.append(g)
            second.append(h)
            products.append(np.vdot(a, b))
    return np.array(first, dtype=np.int64), np.array(second, dtype=np.int64), np.array(products, dtype=np.complex128)


def _conjugate_gradients(apply, right, diagonal, iterations, tolerance):
    """Solve a symmetric positive semi-definite system, Jacobi preconditioned."""
    x, residual = np.zeros_like(right), right.copy()
    scaled = residual / diagonal
    direction, energy = scaled.copy(), residual @ scaled
    stop = tolerance**2 * energy
    for _ in range(iterations):
        if energy <= stop:
            break
        image = apply(direction)
        step = energy / (direction @ image)
        x, residual = x + step * direction, residual - step * image
        scaled = residual / diagonal
        energy, before = residual @ scaled, energy
        direction = scaled + energy / before * direction
    return x
