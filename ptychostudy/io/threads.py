"""How many threads a process may use for arithmetic."""

import os

VARIABLE = "OMP_NUM_THREADS"
"""What says so, to this package as to the libraries it calls."""


def allowed_threads() -> int:
    """Return the number of threads: as the environment says, else one for each core."""
    return int(os.environ.get(VARIABLE, os.cpu_count() or 1))
