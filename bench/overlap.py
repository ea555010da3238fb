"""Overlap of neighbouring groups: chunks of centres in the order of the tree beside chunks in the order given.

The positions lie in random order, as after a subsampling. Both ways run in turn in one process; what counts is the
ratio, and how the time grows with the number of positions. Prints one line per number of positions.
"""

import time

import numpy as np
import scipy.spatial
from scipy.spatial import KDTree

from ptychostudy.sampling import neighbours

SIZES, NAIVE, STEP, DIAMETER = (10_000, 100_000, 1_000_000), 100_000, 4.0, 10.0


class Ordered(KDTree):
    """A tree that says its centres lie in the order given."""

    @property
    def indices(self):
        return np.arange(self.n)


def timed(positions):
    """Return the seconds of processor time, and the overlap."""
    start = time.process_time()
    found = neighbours.mean_overlap_of_groups(positions, np.arange(len(positions))[:, None], DIAMETER)
    return time.process_time() - start, found


def main():
    rng = np.random.default_rng(0)
    for size in SIZES:
        positions = rng.uniform(0, STEP * np.sqrt(size), (size, 2))
        ours, found = timed(positions)
        line = f"{size:9d} positions {ours:8.2f} s"
        if size <= NAIVE:
            scipy.spatial.KDTree = Ordered
            naive, expected = timed(positions)
            scipy.spatial.KDTree = KDTree
            line += f"   in the order given {naive:8.2f} s, {naive / ours:5.1f} times as long"
            line += f"   relative difference {abs(found / expected - 1):.0e}"
        print(line)


if __name__ == "__main__":
    main()
