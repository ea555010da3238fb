"""The formats in which a scan can be written: one module each.

A writer has a `NAME` in words, the usual `SUFFIX` of its files, and a `write` that returns what is
to be said: what the format does not hold, and what was assumed. A new format is a module beside
this one, and a line in `WRITERS`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ptychostudy.writing import (
    canonical_npz,
    cxi,
    ptychi_arrays,
    ptychodus_product,
    ptychopinn_npz,
)


class Writer(Protocol):
    """What each of the modules is."""

    NAME: str
    SUFFIX: str

    def write(
        self, path: str | Path, scan: Mapping[str, np.ndarray], declared: Mapping[str, Any]
    ) -> list[str]:
        """Write a scan, given as canonical arrays and what is declared of it."""


WRITERS: dict[str, Writer] = {
    "npz": canonical_npz,
    "cxi": cxi,
    "ptychodus": ptychodus_product,
    "ptychi": ptychi_arrays,
    "ptychopinn": ptychopinn_npz,
}
"""By the word with which a user asks for them."""
