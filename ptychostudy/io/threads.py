"""How many threads a process may use."""

import os


def threads() -> int:
    """Return the number of threads this process may use for arithmetic."""
    return int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))
