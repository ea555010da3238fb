"""Arrays that stay in a file: what is asked for is copied, and leaves nothing in memory."""

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np

FRAMES = 256
"""Frames of a block."""


class Mapped(np.memmap[Any, Any]):
    """An array that stays in its file: what is asked for is a copy, and leaves nothing in memory.

    Pages of a mapped file that were looked at count as memory of the process until another one
    needs the room, and a cluster may end a job for them.
    """

    # What NumPy makes of it in memory is of this class, too, and has no file.
    _mmap: mmap.mmap | None

    def __getitem__(self, index: Any) -> Any:
        """Return a copy of a part."""
        part = self.view(np.ndarray)[index]
        copied = part if part.flags.owndata else part.copy()
        self.forget()
        return copied

    def __setitem__(self, index: Any, value: Any) -> None:
        """Change a part."""
        self.view(np.ndarray)[index] = value
        self.forget()

    def forget(self) -> None:
        """Give back the memory of what was looked at; views of it are read anew."""
        # Windows keeps them until the room is needed.
        if self._mmap is not None and hasattr(mmap, "MADV_DONTNEED"):
            self._mmap.madvise(mmap.MADV_DONTNEED)


def parts_of(frames: np.ndarray, step: int | None = None) -> Iterator[slice]:
    """Yield consecutive slices that cover frames, of `FRAMES` each by default."""
    count = FRAMES if step is None else step
    for start in range(0, len(frames), count):
        yield slice(start, min(start + count, len(frames)))


def blocks(frames: np.ndarray) -> Iterator[np.ndarray]:
    """Yield consecutive parts of frames; of what lies in a file one part at a time is in memory."""
    plain = frames.view(np.ndarray)
    for part in parts_of(frames):
        try:
            yield plain[part]
        finally:
            if isinstance(frames, Mapped):
                frames.forget()
