"""The state of a training after its last finished epoch, kept beside its bundle."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.io.arrays import read_metadata, read_npz, write_npz
from ptychostudy.io.atomic import DataError


class State:
    """The state after the last finished epoch, valid only for the same settings, data and code.

    Parameters
    ----------
    path : Path
        File of the state.
    identity : dict
        Settings, digests of the data and of the code, as JSON holds them.
    """

    def __init__(self, path: Path, identity: dict[str, Any]) -> None:
        self.path = path
        # Sorted, so that the order in which settings were read makes no other training of it.
        text = json.dumps(identity, sort_keys=True)
        self.identity = hashlib.sha256(text.encode()).hexdigest()

    def write(self, state: dict[str, Any]) -> None:
        """Keep the arrays and the plain values of a training."""
        arrays = {key: value for key, value in state.items() if isinstance(value, np.ndarray)}
        plain = {key: value for key, value in state.items() if key not in arrays}
        write_npz(self.path, arrays, {"identity": self.identity, "plain": plain})

    def read(self) -> dict[str, Any] | None:
        """Return what was kept for the same settings, data and code, or None."""
        if not self.path.is_file():
            return None
        try:
            return self._own()
        except DataError:
            return None  # a damaged state costs a fresh start, never a wrong one

    def _own(self) -> dict[str, Any] | None:
        """Return the arrays and plain values of the file if it is of this training."""
        metadata = read_metadata(self.path)
        if metadata["identity"] != self.identity:
            return None
        return {**read_npz(self.path), **metadata["plain"]}
