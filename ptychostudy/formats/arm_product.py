"""What an arm made of a cell, as a file: the one place where the keys of its members are spelt."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy.io.arrays import read_metadata, read_npz

if TYPE_CHECKING:
    from ptychostudy.physics.canvas import Canvas

FIELD = "reconstructed_object"
COVERAGE = "coverage"
ORIGIN = "origin"
DISAGREEMENT = "disagreement"
"""Of an arm that is stitched: how far overlapping patches are from each other, (H, W) float32; and
in the metadata the root mean square of it."""


@dataclass(frozen=True)
class ArmProduct:
    """What an arm made of a cell.

    Attributes
    ----------
    field : (H, W) complex64
        The reconstructed object.
    coverage : (H, W) float
        How much went into each pixel; 0 where nothing did.
    origin : (int, int)
        Row and column of the first pixel in the object.
    record : mapping
        How it ended: ``status``, ``reason``, ``statistics``, ``converged``.
    """

    field: np.ndarray
    coverage: np.ndarray
    origin: tuple[int, int]
    record: Mapping[str, Any]

    @property
    def good(self) -> bool:
        """Whether the arm ended well; a failed one is shown and not scored."""
        return bool(self.record["status"] == "ok")


def read_arm_product(path: str | Path) -> ArmProduct:
    """Read the field of an arm, where it lies, and how it ended."""
    arrays = read_npz(path, [FIELD, COVERAGE, ORIGIN])
    row, col = arrays[ORIGIN]
    return ArmProduct(
        arrays[FIELD],
        arrays[COVERAGE],
        (int(row), int(col)),
        read_metadata(path, ["status"]),
    )


def canvas_arrays(canvas: "Canvas") -> dict[str, np.ndarray]:
    """Return the members of a file that hold a canvas."""
    return {
        FIELD: canvas.field,
        COVERAGE: canvas.coverage,
        ORIGIN: np.array(canvas.origin, dtype=np.int64),
    }
