"""Arrays that are too long for memory: they lie in a temporary file and are made block by block."""

import errno
import math
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ptychostudy.io.mapped import Mapped, blocks, parts_of
from ptychostudy.io.temporary import room_for

LONG_BYTES = 1 << 23
"""A longer array is not held in memory."""

# Of an array on its way into a file, or from one order of axes into another.
_BLOCK_BYTES = 1 << 20
# Where a file system cannot reserve room, it is written.
_NO_RESERVE = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS)
_STACK_AXES = 3


def is_long(shape: Sequence[int], dtype: Any) -> bool:
    """Say whether an array is too long for memory."""
    return _bytes(shape, dtype) > LONG_BYTES


def _bytes(shape: Sequence[int], dtype: Any) -> int:
    return math.prod(shape) * int(np.dtype(dtype).itemsize)


def is_long_stack(shape: Sequence[int], dtype: Any) -> bool:
    """Say whether an array of a user's file is a stack of frames or masks, too long for memory."""
    return len(shape) >= _STACK_AXES and np.dtype(dtype).kind in "biuf" and is_long(shape, dtype)


def new_array(shape: Sequence[int] | int, dtype: Any) -> np.ndarray:
    """Return zeros, in a temporary file where they are too long for memory.

    Parameters
    ----------
    shape : sequence of int, or int
    dtype : dtype

    Returns
    -------
    ndarray
        `Mapped` where it lies in a file.

    Raises
    ------
    DataError
        If there is no room for it.
    """
    sides = (shape,) if isinstance(shape, int) else tuple(shape)
    if not is_long(sides, dtype):
        return np.zeros(sides, dtype)
    size = _bytes(sides, dtype)
    # A mapped file that finds the disk full ends the process.
    with room_for("frames", f"{size / 1e6:.0f} MB"), tempfile.TemporaryFile() as file:
        _reserve(file, size)
        return Mapped(file, dtype=np.dtype(dtype), mode="r+", shape=sides)


def _reserve(file: Any, size: int) -> None:
    """Make a file as long as it will be, on the disk and not in name only."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file.fileno(), 0, size)
            return
        except OSError as error:
            if error.errno not in _NO_RESERVE:
                raise
    zeros = bytes(_BLOCK_BYTES)
    for start in range(0, size, _BLOCK_BYTES):
        file.write(zeros[: size - start])
    file.flush()


def gathered(shape: Sequence[int], dtype: Any, consecutive: Iterable[np.ndarray]) -> np.ndarray:
    """Return an array made of consecutive parts along its first axis.

    Parameters
    ----------
    shape : sequence of int
        Of all of them together.
    dtype : dtype
    consecutive : iterable of ndarray
    """
    whole = new_array(shape, dtype)
    start = 0
    for each in consecutive:
        for part in parts_of(each, _frames_in_block(whole)):
            whole[start + part.start : start + part.stop] = each[part]
        start += len(each)
    return whole


def _frames_in_block(frames: np.ndarray) -> int:
    return max(1, _BLOCK_BYTES * len(frames) // max(1, frames.nbytes))


def changed(frames: np.ndarray, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return frames after a change of each; of those in a file a part is in memory at a time.

    Parameters
    ----------
    frames : (k, ...) array
    change : callable
        Takes and returns some of the frames.
    """
    if not isinstance(frames, Mapped):
        return change(frames)
    first = change(frames[:1])
    shape = (len(frames), *first.shape[1:])
    return gathered(shape, first.dtype, (change(part) for part in blocks(frames)))


def taken(frames: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Return some frames (m, ...) in the order of their indices (m,)."""
    if not isinstance(frames, Mapped):
        return np.asarray(frames[indices])
    shape = (len(indices), *frames.shape[1:])
    return gathered(shape, frames.dtype, (frames[some] for some in blocks(indices)))


def joined(stacks: Sequence[np.ndarray]) -> np.ndarray:
    """Return stacks behind each other; but for their first axis they are of one shape."""
    length = sum(len(each) for each in stacks)
    shape = (length, *stacks[0].shape[1:])
    dtype = np.result_type(*stacks)
    if not is_long(shape, dtype):
        return np.concatenate(stacks)
    return gathered(shape, dtype, stacks)


def frames_first(frames: np.ndarray) -> np.ndarray:
    """Return frames of which each lies in one piece, and the next behind it.

    Frames in a file whose axes were exchanged are written into another one, as each of them would
    be gathered from all over the first.
    """
    if not isinstance(frames, Mapped) or frames.flags.c_contiguous:
        return frames
    # From the axis along which the file is read last to that of neighbours in it.
    order = sorted(range(frames.ndim), key=lambda axis: -abs(frames.strides[axis]))
    whole = new_array(frames.shape, frames.dtype)
    slowest = order[0]
    step = max(1, _BLOCK_BYTES * frames.shape[slowest] // frames.nbytes)
    for start in range(0, frames.shape[slowest], step):
        place = [slice(0, side) for side in frames.shape]
        place[slowest] = slice(start, min(start + step, frames.shape[slowest]))
        put_part(whole, tuple(place), frames[tuple(place)])
    return whole


def put_part(whole: np.ndarray, place: tuple[slice, ...], values: np.ndarray) -> None:
    """Write values into a part of an array, of which few frames are in memory at a time.

    Parameters
    ----------
    whole : ndarray
    place : tuple of slice
        Block of the array.
    values : ndarray
        As large as the block.
    """
    start = 0
    for part in parts_in(whole, place):
        end = start + part[0].stop - part[0].start
        whole[part] = values[start:end]
        start = end


def parts_in(whole: np.ndarray, place: tuple[slice, ...]) -> Iterator[tuple[slice, ...]]:
    """Yield consecutive blocks of few frames that cover a block of an array.

    Parameters
    ----------
    whole : ndarray
    place : tuple of slice
        Each with its beginning and its end.
    """
    first, *rest = place
    step = _frames_in_block(whole)
    for start in range(first.start, first.stop, step):
        yield (slice(start, min(start + step, first.stop)), *rest)
