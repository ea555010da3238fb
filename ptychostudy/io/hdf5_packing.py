"""How the chunks of an HDF5 dataset are packed, and how large they become before they are."""

import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from ptychostudy.io.atomic import DataError

# Filters of libhdf5 by their numbers.
_DEFLATE = 1
_SHUFFLE = 2
_FLETCHER32 = 3
# h5py's own, which comes with it.
_LZF = 32000
# One order only: after packing a checksum makes sense and nothing else, and twice gzip is a bomb.
_ORDERS = ((_SHUFFLE, _DEFLATE, _FLETCHER32), (_SHUFFLE, _LZF, _FLETCHER32))
_KNOWN = "shuffle, gzip or lzf, fletcher32, in this order,"
_FLETCHER32_BYTES = 4
# Registered with the HDF Group; not in libhdf5 but in a package of its own.
_BITSHUFFLE = 32008
# Before the blocks of a chunk: its size unpacked, and that of a block.
_BITSHUFFLE_HEADER = struct.Struct(">QI")
# What packs after the shuffle: LZ4 and Zstandard.
_PACKERS = (2, 3)
_PLUGIN = "; bitshuffle and LZ4, as detectors write it, are read after: pip install hdf5plugin"


@dataclass(frozen=True)
class Packing:
    """How the chunks of a dataset are packed.

    Attributes
    ----------
    codes : list of int
        Its filters in the order in which they were applied.
    names : list of bytes
    shuffled_in : list of tuple of int
        What each filter that shuffles was told; its first number is the size of a piece.
    bitshuffled_in : list of tuple of int
        What bitshuffle was told; its fifth number says how it packs.
    lzf_bytes : list of int
        What LZF was told of the size of a chunk, for which it makes room.
    item_bytes : int
    chunk_bytes : int
        Of a chunk unpacked.
    """

    codes: list[int]
    names: list[bytes]
    shuffled_in: list[tuple[int, ...]]
    bitshuffled_in: list[tuple[int, ...]]
    lzf_bytes: list[int]
    item_bytes: int
    chunk_bytes: int

    def applied(self, mask: int) -> list[int]:
        """Return the filters of one chunk; a bit of its mask says that one was left out."""
        return [code for place, code in enumerate(self.codes) if not mask >> place & 1]


def packing_of(item: Any) -> Packing:
    """Return how the chunks of a dataset are packed."""
    plan = item.id.get_create_plist()
    filters = [plan.get_filter(place) for place in range(plan.get_nfilters())]
    size = item_bytes(item)
    return Packing(
        codes=[code for code, _, _, _ in filters],
        names=[name for _, _, _, name in filters],
        shuffled_in=[values for code, _, values, _ in filters if code == _SHUFFLE],
        bitshuffled_in=[values for code, _, values, _ in filters if code == _BITSHUFFLE],
        lzf_bytes=[sum(values[2:3]) for code, _, values, _ in filters if code == _LZF],
        item_bytes=size,
        chunk_bytes=math.prod(item.chunks) * size,
    )


def item_bytes(item: Any) -> int:
    """Return the bytes of one number of a dataset."""
    # By the type as it stands in the file, which need not be as long as NumPy's.
    return int(item.id.get_type().get_size())


def check_filters(path: str | Path, key: str, packing: Packing) -> None:
    """Refuse filters that are not known here, and any but the one order of them.

    Raises
    ------
    DataError
    """
    if packing.codes == [_BITSHUFFLE] and h5py.h5z.filter_avail(_BITSHUFFLE):
        return
    if not any(packing.codes == _those_of(order, packing.codes) for order in _ORDERS):
        raise DataError(
            f"{path}: key {key!r} is packed by {packing.names}; needed: {_KNOWN} or nothing"
            f"{_PLUGIN if _BITSHUFFLE in packing.codes else ''}"
        )
    if any(values[:1] != (packing.item_bytes,) for values in packing.shuffled_in):
        raise DataError(
            f"{path}: key {key!r} is shuffled in pieces of another size; needed: an undamaged file"
        )
    if any(size != packing.chunk_bytes for size in packing.lzf_bytes):
        raise DataError(
            f"{path}: key {key!r} is packed by lzf for chunks of {packing.lzf_bytes[0]} bytes, and "
            f"they are of {packing.chunk_bytes}; needed: an undamaged file"
        )


def _those_of(order: tuple[int, ...], codes: list[int]) -> list[int]:
    return [code for code in order if code in codes]


def unpacked_bytes(item: Any, chunk: Any, packing: Packing) -> int:
    """Return the size of a chunk once it is unpacked; what is too large is cut one byte later."""
    applied = packing.applied(chunk.filter_mask)
    checksum = _FLETCHER32_BYTES if _FLETCHER32 in applied else 0
    packed_bytes = int(chunk.size) - checksum
    if _BITSHUFFLE in applied:
        return _announced_bytes(item, chunk, packing)
    if packed_bytes <= 0 or not {_DEFLATE, _LZF} & set(applied):
        return packed_bytes
    _, packed = item.id.read_direct_chunk(chunk.chunk_offset)
    if _LZF in applied:
        return lzf_bytes(packed[:packed_bytes])
    unpacker = zlib.decompressobj()
    return len(unpacker.decompress(packed[:packed_bytes], packing.chunk_bytes + 1))


def _announced_bytes(item: Any, chunk: Any, packing: Packing) -> int:
    """Return the size that a chunk of bitshuffle announces; its filter unpacks no more than that.

    Where it only shuffles, the chunk is as large as it is.
    """
    (values,) = packing.bitshuffled_in
    packer = values[4:5]
    if not packer or packer[0] not in _PACKERS:
        return int(chunk.size)
    _, packed = item.id.read_direct_chunk(chunk.chunk_offset)
    if len(packed) < _BITSHUFFLE_HEADER.size:
        return 0
    announced: tuple[int, int] = _BITSHUFFLE_HEADER.unpack_from(packed)
    return announced[0]


def lzf_bytes(packed: bytes) -> int:
    """Return the size of what LZF packed, once it is unpacked; 0 where it ends within a piece.

    A piece is a byte below 32 and one more byte than it says, or a reference to bytes before: its
    length is 2 more than the upper three bits say, with a byte more where these are all set, and a
    byte of distance follows (LibLZF, the format that h5py's filter writes).
    """
    place = 0
    length = 0
    end = len(packed)
    while place < end:
        first = packed[place]
        if first < 32:
            length += first + 1
            place += first + 2
            continue
        further = first >> 5 == 7
        if further and place + 1 < end:
            length += packed[place + 1]
        length += (first >> 5) + 2
        place += 3 if further else 2
    return length if place == end else 0
