"""How many threads a process may use for arithmetic."""

import os

VARIABLE = "OMP_NUM_THREADS"
"""What says so, to this package as to the libraries it calls."""


def allowed_threads() -> int:
    """Return the number of threads: as the environment says, else one for each core of the process.

    Raises
    ------
    ValueError
        If the environment does not say a number.
    """
    said = os.environ.get(VARIABLE, "")
    if not said:
        tells = hasattr(os, "sched_getaffinity")
        return len(os.sched_getaffinity(0)) if tells else os.cpu_count() or 1
    # OpenMP takes a list, a number for each level of loops within loops.
    first = said.partition(",")[0].strip()
    if not first.isdigit() or int(first) < 1:
        raise ValueError(f"{VARIABLE} is {said!r}; needed: a number of threads")
    return int(first)
