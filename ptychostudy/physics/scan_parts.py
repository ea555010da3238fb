"""Parts of a scan: frames that are worked on block by block, and what is kept of them.

Of a large scan what does not fit is read, drawn and shifted anew in each pass.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ptychostudy.physics.fused import COMPARE

# Parts of a scan that threads work on beside each other. They are as many whatever the number of
# threads, and are added up in one order: no bit of a result depends on it.
SCAN_PARTS = 8
# Bytes of frames, and of shifted probes, that are kept from one pass to the next. What finds no
# room is read, drawn and shifted anew in each, which takes a third as long again.
_KEPT = 2**26


class Block(NamedTuple):
    """Some frames, with the zero frequency in the corner as the transform has it.

    Attributes
    ----------
    counts : (b, N, N)
        Zero where a pixel is not valid, in as few bytes as hold them.
    hit : (p,) int32
        Pixels, of the counts in one row, that counted photons.
    photons : (p,)
        What those counted.
    total : float
        All of them.
    """

    counts: np.ndarray
    hit: np.ndarray
    photons: np.ndarray
    total: float

    @classmethod
    def of(cls, counts: np.ndarray, mask: np.ndarray) -> "Block":
        """Return a block of frames (b, N, N), zero frequency in the centre; mask (N, N) as here."""
        turned = _turned(counts)
        turned[:, mask == 0] = 0
        hit = np.flatnonzero(turned > 0).astype(np.int32)
        photons = turned.ravel().take(hit)
        return cls(turned, hit, photons, float(np.sum(photons, dtype=np.float64)))

    @property
    def bytes(self) -> int:
        """Return what it takes in memory."""
        return self.counts.nbytes + self.hit.nbytes + self.photons.nbytes

    @property
    def numbers(self) -> np.ndarray:
        """Return the counts in a kind of numbers that a step compares with."""
        taken = self.counts.dtype.str[1:] in COMPARE
        return self.counts if taken else self.counts.astype(np.float32)

    def explained(self, ratio: np.ndarray) -> float:
        """Return ``sum y - y log(y / expected)``, y the counts, ``ratio`` what is in brackets.

        Of a pixel without photons it is zero.
        """
        information = ratio.ravel().take(self.hit)
        np.log(information, out=information)
        information *= self.photons.astype(np.float32)
        return self.total - float(np.sum(information, dtype=np.float64))


def _turned(counts: np.ndarray) -> np.ndarray:
    """Return counts (b, N, N), their zero frequency in the corner, in as few bytes as hold them."""
    kind = np.dtype(np.float32)
    if np.issubdtype(counts.dtype, np.integer):
        kind = np.result_type(*map(np.min_scalar_type, (int(counts.min()), int(counts.max()))))
    turned = np.empty(counts.shape, dtype=kind)
    n = counts.shape[-1]
    # As ifftshift does it: of an odd side the middle comes first.
    half = n // 2
    ways = ((slice(half, n), slice(0, n - half)), (slice(0, half), slice(n - half, n)))
    for rows, to_rows in ways:
        for cols, to_cols in ways:
            turned[:, to_rows, to_cols] = counts[:, rows, cols]
    return turned


class Part:
    """Frames that are worked on block by block, on the part of the canvas that they see.

    Parameters
    ----------
    blocks : list of slice
        Of the frames of the scan.
    corners : (k, 2) int
        First pixel of each frame's window.
    shape : (m, N, N)
        Of the probe's modes.
    most : int
        Frames that may be kept.

    Attributes
    ----------
    blocks : list of slice
        Of the frames of the scan.
    top, left : int
        First pixel of that part of the canvas.
    shape : (int, int)
    kept : dict
        Blocks by their first frame.
    """

    def __init__(
        self, blocks: list[slice], corners: np.ndarray, shape: tuple[int, ...], most: int
    ) -> None:
        modes, n, _ = shape
        self.blocks = blocks
        self.top, self.left = (int(first) for first in corners.min(axis=0))
        rows, cols = (int(length) for length in np.ptp(corners, axis=0) + n)
        self.shape = (rows, cols)
        self.kept: dict[int, Block] = {}
        self._room = _KEPT // SCAN_PARTS
        self._last = blocks[0].start + most
        frames = min(self._room // (8 * modes * n * n), most)
        # Those of a block are kept together.
        kept = [block.stop for block in blocks if block.stop - blocks[0].start <= frames]
        self._frames = kept[-1] - blocks[0].start if kept else 0
        # In one piece, which memory gives faster.
        self._probes = np.empty((self._frames, modes, n, n), dtype=np.complex64)
        self._made: set[int] = set()

    def keep(self, first: int, block: Block) -> None:
        """Keep a block where there is room."""
        if block.bytes <= self._room and first + len(block.counts) <= self._last:
            self.kept[first] = block
            self._room -= block.bytes

    def probes(self, block: slice, make: Callable[[], np.ndarray]) -> np.ndarray:
        """Return the probes (m, b, N, N) of a block: as they were kept, if they can be."""
        first = self.blocks[0].start
        if block.stop - first > self._frames:
            return make()
        room = self._probes[block.start - first : block.stop - first]
        # All frames of a mode after those of the last one.
        own = room.reshape(room.shape[1], len(room), *room.shape[2:])
        if block.start not in self._made:
            own[...] = make()
            self._made.add(block.start)
        return own

    def of(self, canvas: np.ndarray) -> np.ndarray:
        """Return the part of a canvas (H, W), a view."""
        rows, cols = self.shape
        return canvas[self.top : self.top + rows, self.left : self.left + cols]
