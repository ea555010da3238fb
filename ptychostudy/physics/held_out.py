"""Photons of frames, split by a binomial draw into some to estimate from and others to judge by.

Of Poisson counts both parts are Poisson and independent (Kingman, Poisson Processes, 1993, section
5.1), with means in the ratio of the shares: what fits the noise of one part does not fit the other.
"""

import numpy as np

from ptychostudy.physics.draws import generator
from ptychostudy.physics.thinning import Thinning


class Frames:
    """Some frames of a stack, read when asked for.

    Parameters
    ----------
    counts : (n, N, N) array
        May be memory-mapped.
    index : (k,) int
        Those that are meant.
    valid : (N, N) bool, optional
        Pixels that count, default all; the others read as 0.
    """

    def __init__(
        self, counts: np.ndarray, index: np.ndarray, valid: np.ndarray | None = None
    ) -> None:
        self.counts = counts
        self.index = np.asarray(index)
        # A pass over all pixels, for nothing.
        self.valid = None if valid is None or valid.all() else valid

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.index)

    def __getitem__(self, part: slice) -> np.ndarray:
        """Return consecutive frames (b, N, N)."""
        frames = np.asarray(self.counts[self.index[part]])
        # What a bad pixel holds must not even move the numbers that a draw takes for the next one.
        return frames if self.valid is None else np.where(self.valid, frames, 0)


class Kept:
    """The share of each frame's photons that a draw keeps: the same whenever it is asked for.

    Parameters
    ----------
    frames : Frames
    share : float
        Of the photons, in (0, 1).
    seed, draw : int
        Of the draw, and which of several.
    """

    def __init__(self, frames: Frames, share: float, seed: int, draw: int = 0) -> None:
        self.frames = frames
        self.share = share
        self.seed = seed
        self.draw = draw
        self._thinning = Thinning(share)

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.frames)

    def __getitem__(self, part: slice) -> np.ndarray:
        """Return what is kept of consecutive frames, (b, N, N)."""
        counts = self.frames[part]
        # A generator for each frame: in whatever blocks they are read, the draw is one.
        rngs = (self._generator(frame) for frame in self.frames.index[part].tolist())
        return self._thinning.frames(counts, rngs).astype(counts.dtype)

    def _generator(self, frame: int) -> np.random.Generator:
        return generator(self.seed, "held out", self.draw, frame)


class LeftOver:
    """What a draw did not keep.

    Parameters
    ----------
    kept : Kept
    """

    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        self.share = 1 - kept.share

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.kept)

    def __getitem__(self, part: slice) -> np.ndarray:
        """Return what is left of consecutive frames, (b, N, N)."""
        return np.asarray(self.kept.frames[part] - self.kept[part])


Source = Frames | Kept | LeftOver
"""What a likelihood reads its frames from."""
