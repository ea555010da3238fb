"""Angular synchronisation: one phase factor for each patch, found from the overlaps of all.

What the frames of a patch tell of its object leaves the object's phase open by a constant. Where
two patches overlap they must agree, which tells their phases apart; taken together, the overlaps
tell all of them up to one constant (Singer 2011, doi:10.1016/j.acha.2010.02.001).

With ``h_ij = <u_i, u_j>``, the inner product of two weighted patches on their overlap, factors c of
modulus one are sought that maximise ``sum_ij Re(conj(c_i) h_ij c_j)``. The start is the leading
eigenvector of the matrix h, scaled by the sums of ``|h|`` over its rows; from there, steps of
weighted least squares lead to the maximum.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from ptychostudy.physics.links import Keep, Links, in_memory, merged

_STEPS = 100
_SMALL_RAD = 1e-9
# Steps are many, so none of them has to be exact.
_INNER = 1e-3
# Pairs of patches at a time.
_PAIRS = 2**12
# Below so many rows the Lanczos method has no room.
_DENSE = 4
# Vectors that it holds: of many patches they are most of the memory. And how exact its answer has
# to be, from which steps go on to `_SMALL_RAD`.
_VECTORS, _START = 5, 1e-6


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
    shifts = corners[pairs[:, 1]] - corners[pairs[:, 0]]
    reach = int(np.abs(shifts).max(initial=0))
    along = {shift: _from(shift) for shift in range(-reach, reach + 1)}
    found = np.empty(len(pairs), np.complex128)
    of_one, conjugate = -1, np.empty(0, np.complex128)
    for k, (one, other, row, col) in enumerate(_listed(pairs, shifts)):
        if one != of_one:
            # In double precision: of patches that agree the phase is to be known to it.
            of_one, conjugate = one, patches[one].conj().astype(np.complex128)
        ahead = conjugate[along[row], along[col]]
        behind = patches[other][along[-row], along[-col]]
        # The sum of an array of its own, in one order, however the parts lie in memory.
        found[k] = np.add.reduce(ahead * behind, axis=None)
    return found


def _listed(pairs: np.ndarray, shifts: np.ndarray) -> Iterator[list[int]]:
    """Yield both patches of each pair (m, 2), and by how much the second lies ahead."""
    for start in range(0, len(pairs), _PAIRS):
        some = slice(start, start + _PAIRS)
        # Python's numbers take ten times as much memory as an array's: some pairs at a time.
        yield from np.concatenate([pairs[some], shifts[some]], axis=1).tolist()


def _from(shift: int) -> slice:
    """Return which rows of a square lie in another one, so many pixels ahead."""
    return slice(shift, None) if shift >= 0 else slice(None, shift)


def parts_of(links: Links) -> np.ndarray:
    """Return the part (k,) int of each of k patches, see `Synchronised`."""
    part: np.ndarray = np.arange(links.pairs.patches)
    for rows, block in links.blocks():
        first, other = block.nonzero()
        part = merged(part, first + rows.start, other)
    return part


def synchronise(links: Links, keep: Keep = in_memory) -> Synchronised:
    """Find the phase factors of patches, part by part.

    Parameters
    ----------
    links : Links
        `inner_products` of pairs; 0 of those that have nothing in common.
    keep : callable
        Where as many numbers as there are links are put meanwhile.

    Returns
    -------
    Synchronised
    """
    part = parts_of(links)
    factors = np.ones(len(part), np.complex128)
    order = np.argsort(part, kind="stable")
    ends = np.cumsum(np.bincount(part))
    for members in np.split(order, ends[:-1]):
        # A patch alone has nothing to agree with.
        if len(members) > 1:
            factors[members] = _factors(links.among(members, keep), keep)
    return Synchronised(factors, part)


def _factors(links: Links, keep: Keep) -> np.ndarray:
    """Return the factors (k,) of one part."""
    strength = links.strengths()
    factors = _leading(links, strength)
    for _ in range(_STEPS):
        step = _step(links, factors, strength, keep)
        factors = factors * np.exp(1j * step)
        if np.abs(step).max() < _SMALL_RAD:
            break
    common = np.array(np.vdot(strength, factors))
    turned: np.ndarray = factors * _unit(common.conj())
    return turned


def _unit(values: np.ndarray) -> np.ndarray:
    """Return values divided by their moduli, and 1 for 0."""
    modulus = np.abs(values)
    whole: np.ndarray = np.where(modulus > 0, values, 1.0) / np.where(modulus > 0, modulus, 1.0)
    return whole


def _leading(links: Links, strength: np.ndarray) -> np.ndarray:
    """Return the phase factors (k,) of the leading eigenvector of the scaled matrix."""
    scale = 1 / np.sqrt(strength)
    count = len(strength)

    def scaled(vector: np.ndarray) -> np.ndarray:
        product: np.ndarray = scale * links.times(scale * vector)
        return product

    # From a fixed start, for the same answer every time.
    start = np.ones(count, np.complex128)
    if count < _DENSE:
        columns = [scaled(column) for column in np.diag(start)]
        _, vectors = np.linalg.eigh(np.stack(columns, axis=1))
    else:
        matrix = _operator(scaled, start)
        vectors_held = min(_VECTORS, count)
        _, vectors = scipy.sparse.linalg.eigsh(
            matrix, k=1, which="LA", v0=start, ncv=vectors_held, tol=_START
        )
    return _unit(vectors[:, -1])


def _operator(
    times: Callable[[np.ndarray], np.ndarray], like: np.ndarray
) -> "scipy.sparse.linalg.LinearOperator":
    """Return the matrix whose product with a vector like a given one is known."""
    shape = (len(like), len(like))
    return scipy.sparse.linalg.LinearOperator(shape, matvec=times, dtype=like.dtype)


def _step(links: Links, factors: np.ndarray, strength: np.ndarray, keep: Keep) -> np.ndarray:
    """Return by which angles (k,) the factors are still to be turned, in rad.

    Least squares over the links, each weighted by the curvature of its term, or not at all where it
    has the wrong sign.
    """
    slope = np.zeros(len(factors))

    def curvatures() -> Iterator[np.ndarray]:
        for first, other, turned in _turned(links, factors):
            # Of each link as much up as down: no step turns all.
            slope[:] += np.bincount(first, turned.imag, len(slope))
            slope[:] -= np.bincount(other, turned.imag, len(slope))
            yield np.maximum(turned.real, 0.0)

    weights = Links(links.pairs, keep(curvatures(), np.float64))
    # A patch whose links all contradict it would have no weight; the least part of it has.
    degree = np.maximum(weights.times(np.ones(len(slope))), _SMALL_RAD * strength)
    laplacian = _operator(lambda angles: degree * angles - weights.times(angles), slope)
    inverse = _operator(lambda angles: angles / degree, slope)
    step, _ = scipy.sparse.linalg.cg(laplacian, slope, rtol=_INNER, M=inverse)
    centred: np.ndarray = step - step.mean()
    return centred


def _turned(links: Links, factors: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield both patches (b,) of some links and ``conj(c_i) h_ij c_j``."""
    for rows, block in links.blocks():
        first = np.repeat(np.arange(rows.start, rows.stop), np.diff(block.indptr))
        yield first, block.indices, factors[first].conj() * block.data * factors[block.indices]
