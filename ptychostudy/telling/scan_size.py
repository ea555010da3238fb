"""How many frames a scan has, and how wide they are, from what its files say before any number."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np

from ptychostudy.io.array_shapes import Shape, array_shapes
from ptychostudy.study.sections.base import BaseSettings, FrameSide, side_px

_STAR_FRAMES = 516
"""Of the published scan, which may not be here yet."""
_FEWEST = 3
"""Axes of a stack of frames; raster scans have two of positions."""
_POSITIONS, _PROBE = "xcoords", "probeGuess"
_LAST_FIRST = "HWN"


class ScanSize(NamedTuple):
    """The size of a scan.

    Attributes
    ----------
    frames : int
    side : int
        N of the frames that a study makes of it.
    """

    frames: int
    side: int


def scan_size(base: BaseSettings, hub: Path) -> ScanSize | None:
    """Return the size of a scan that is read from files; None where it cannot be told cheaply.

    Only headers of NPZ and HDF5 files are read: the largest stack of real numbers in each is taken
    for frames. Where there is none, positions of an NPZ are counted.

    Parameters
    ----------
    base : BaseSettings
    hub : Path
        What the paths of its files are relative to.
    """
    if base.kind == "siemens_star":
        return ScanSize(_STAR_FRAMES, side_px(base) or max(get_args(FrameSide)))
    named = base.npz.path or []
    paths = [named] if isinstance(named, str) else named
    found = [array_shapes(hub / path) for path in paths]
    stacks = [stack for arrays in found if (stack := _stack(arrays)) is not None]
    if stacks:
        sizes = [_size(stack.shape, base.npz.axes) for stack in stacks]
        return ScanSize(sum(size.frames for size in sizes), _side(base, sizes[0].side))
    return _by_positions(base, {name: array for arrays in found for name, array in arrays.items()})


def _by_positions(base: BaseSettings, arrays: Mapping[str, Shape]) -> ScanSize | None:
    if _POSITIONS not in arrays or _PROBE not in arrays:
        return None
    return ScanSize(arrays[_POSITIONS].shape[0], _side(base, arrays[_PROBE].shape[-1]))


def _stack(arrays: Mapping[str, Shape]) -> Shape | None:
    """Return the largest array that may be frames: probes and objects are complex, masks no sum."""
    real = [array for array in arrays.values() if array.dtype.kind in "uif"]
    stacks = [array for array in real if len(array.shape) >= _FEWEST and np.prod(array.shape) > 0]
    return max(stacks, key=lambda array: int(np.prod(array.shape)), default=None)


def _size(shape: tuple[int, ...], axes: str) -> ScanSize:
    """Return how many frames a stack holds and their side, the smaller of two."""
    first, second, last = shape[0], shape[1], shape[-1]
    # Frames are square, as a rule: which axis is the odd one is seen.
    behind = axes == _LAST_FIRST or (axes == "auto" and first == second != last)
    if len(shape) == _FEWEST and behind:
        return ScanSize(last, min(first, second))
    return ScanSize(int(np.prod(shape[:-2])), min(shape[-2:]))


def _side(base: BaseSettings, side: int) -> int:
    """Return the side that is studied: as it is set, else the file's, cropped to one of ours."""
    ours = get_args(FrameSide)
    fitting = [one for one in ours if one <= side]
    return side_px(base) or max(fitting, default=min(ours))
