"""Angular synchronisation: one phase factor for each patch, found from the overlaps of all.

What the frames of a patch tell of its object leaves the object's phase open by a constant. Where
two patches overlap they must agree, which tells their phases apart; taken together, the overlaps
tell all of them up to one constant (Singer 2011, doi:10.1016/j.acha.2010.02.001).

With ``h_ij = <u_i, u_j>``, the inner product of two weighted patches on their overlap, factors c of
modulus one are sought that maximise ``sum_ij Re(conj(c_i) h_ij c_j)``. The start is the leading
eigenvector of the matrix h, scaled by the sums of ``|h|`` over its rows; from there, steps of
weighted least squares lead to the maximum.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy

_STEPS = 100
_SMALL_RAD = 1e-9
# Steps are many, so none of them has to be exact.
_INNER = 1e-3
# Pairs of patches at a time.
_PAIRS = 2**12
# Below so many rows the Lanczos method has no room.
_DENSE = 4


@dataclass(frozen=True)
class Synchronised:
    """Phase factors of patches.

    Attributes
    ----------
    factors : (k,) complex128
        What each patch is to be multiplied with, of modulus one. In each part their weighted mean
        has no phase: patches that agree already stay as they are.
    part : (k,) int
        Number of the part that a patch belongs to: of patches that hang together by overlaps.
        Between parts the phase is open.
    """

    factors: np.ndarray
    part: np.ndarray

    @property
    def parts(self) -> int:
        """Return how many parts there are."""
        return int(self.part.max(initial=-1)) + 1


def inner_products(
    patches: Sequence[np.ndarray], corners: np.ndarray, pairs: np.ndarray
) -> np.ndarray:
    """Return the inner product of each pair of weighted patches on their overlap.

    Parameters
    ----------
    patches : sequence of (n, n) complex
        Patches times their weights; read two at a time.
    corners : (k, 2) int
        Object pixel (row, col) of each patch's element [0, 0].
    pairs : (m, 2) int
        Indices of patches whose squares overlap.

    Returns
    -------
    (m,) complex128
        ``sum conj(u_i) u_j`` over the pixels that both hold.
    """
    pairs = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    found = np.empty(len(pairs), np.complex128)
    of_one, conjugate = -1, np.empty(0, np.complex128)
    for k, (one, other, row, col) in enumerate(_places(corners, pairs)):
        if one != of_one:
            # In double precision: of patches that agree the phase is to be known to it.
            of_one, conjugate = one, patches[one].conj().astype(np.complex128)
        ahead = conjugate[_from(row), _from(col)]
        behind = patches[other][_from(-row), _from(-col)]
        # The sum of an array of its own, in one order, however the parts lie in memory.
        found[k] = (ahead * behind).sum()
    return found


def _places(corners: np.ndarray, pairs: np.ndarray) -> Iterator[list[int]]:
    """Yield both patches of each pair (m, 2), and by how much the second lies ahead."""
    for start in range(0, len(pairs), _PAIRS):
        some = pairs[start : start + _PAIRS]
        shifts = corners[some[:, 1]] - corners[some[:, 0]]
        # Python's numbers take ten times as much memory as an array's: some pairs at a time.
        yield from np.concatenate([some, shifts], axis=1).tolist()


def _from(shift: int) -> slice:
    """Return which rows of a square lie in another one, so many pixels ahead."""
    return slice(shift, None) if shift >= 0 else slice(None, shift)


def parts_of(count: int, pairs: np.ndarray, products: np.ndarray) -> np.ndarray:
    """Return the part (k,) int of each of k patches, see `Synchronised`."""
    linked = _symmetric(count, pairs, np.abs(products))
    _, part = scipy.sparse.csgraph.connected_components(linked, directed=False)
    return np.asarray(part)


def synchronise(count: int, pairs: np.ndarray, products: np.ndarray) -> Synchronised:
    """Find the phase factors of patches, part by part.

    Parameters
    ----------
    count : int
        How many patches there are.
    pairs : (m, 2) int
        Pairs of them, each once.
    products : (m,) complex
        Their `inner_products`; 0 of those that have nothing in common.

    Returns
    -------
    Synchronised
    """
    linked = _symmetric(count, pairs, products)
    part = parts_of(count, pairs, products)
    factors = np.ones(count, np.complex128)
    order = np.argsort(part, kind="stable")
    ends = np.cumsum(np.bincount(part))
    for members in np.split(order, ends[:-1]):
        factors[members] = _factors(linked[members][:, members])
    return Synchronised(factors, part)


def _symmetric(count: int, pairs: np.ndarray, products: np.ndarray) -> "scipy.sparse.csr_matrix":
    """Return the Hermitian matrix (k, k) of pairs that have something in common."""
    some = products != 0
    rows, cols = pairs[some].T
    upper = scipy.sparse.csr_matrix((products[some], (rows, cols)), shape=(count, count))
    return scipy.sparse.csr_matrix(upper + upper.conj().T)


def _factors(linked: "scipy.sparse.csr_matrix") -> np.ndarray:
    """Return the factors (k,) of one part."""
    strength = _row_sums(abs(linked))
    # A patch alone has nothing to agree with.
    if len(strength) == 1:
        return np.ones(1, np.complex128)
    factors = _leading(linked, strength)
    for _ in range(_STEPS):
        step = _step(linked, factors, strength)
        factors = factors * np.exp(1j * step)
        if np.abs(step).max() < _SMALL_RAD:
            break
    common = np.array(np.vdot(strength, factors))
    turned: np.ndarray = factors * _unit(common.conj())
    return turned


def _row_sums(matrix: "scipy.sparse.csr_matrix") -> np.ndarray:
    sums: np.ndarray = np.asarray(matrix.sum(axis=1)).ravel()
    return sums


def _unit(values: np.ndarray) -> np.ndarray:
    """Return values divided by their moduli, and 1 for 0."""
    modulus = np.abs(values)
    whole: np.ndarray = np.where(modulus > 0, values, 1.0) / np.where(modulus > 0, modulus, 1.0)
    return whole


def _leading(linked: "scipy.sparse.csr_matrix", strength: np.ndarray) -> np.ndarray:
    """Return the phase factors (k,) of the leading eigenvector of the scaled matrix."""
    scale = scipy.sparse.diags(1 / np.sqrt(strength))
    scaled = scale @ linked @ scale
    count = len(strength)
    if count < _DENSE:
        _, vectors = np.linalg.eigh(scaled.toarray())
    else:
        # From a fixed start, for the same answer every time.
        start = np.ones(count, np.complex128)
        _, vectors = scipy.sparse.linalg.eigsh(scaled, k=1, which="LA", v0=start)
    return _unit(vectors[:, -1])


def _step(
    linked: "scipy.sparse.csr_matrix", factors: np.ndarray, strength: np.ndarray
) -> np.ndarray:
    """Return by which angles (k,) the factors are still to be turned, in rad.

    Least squares over the links, each weighted by the curvature of its term, or not at all where it
    has the wrong sign.
    """
    turned = scipy.sparse.diags(factors.conj()) @ linked @ scipy.sparse.diags(factors)
    slope = _row_sums(turned.imag)
    weight = turned.real.maximum(0.0)
    # A patch whose links all contradict it would have no weight; the least part of it has.
    degree = np.maximum(_row_sums(weight), _SMALL_RAD * strength)
    laplacian = scipy.sparse.diags(degree) - weight
    step, _ = scipy.sparse.linalg.cg(
        laplacian, slope, rtol=_INNER, M=scipy.sparse.diags(1 / degree)
    )
    centred: np.ndarray = step - step.mean()
    return centred
