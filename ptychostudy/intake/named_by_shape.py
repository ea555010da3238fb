"""Arrays under names that no format knows, taken for what only their shapes allow.

Nothing is decided here: `inspect` writes what it takes an array for into the study's YAML, says
so, and the frames themselves show whether it fits (`intake.geometry`).
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ptychostudy.formats.containers import NPZ, container
from ptychostudy.formats.frames import FRAME_KEYS
from ptychostudy.formats.plain_npz import NAME as PLAIN
from ptychostudy.formats.positions import COORDINATES
from ptychostudy.formats.user_file import PROBE, UserFile
from ptychostudy.io.npz_headers import member_headers

_DESCRIBED = re.compile(r"^(?P<name>.+?) \((?P<shape>[\d, ]+)\) (?P<type>[a-z]+\d*)$")
# Fewer pixels on a side, or fewer frames, are no diffraction data.
_SMALLEST_SIDE, _FEWEST = 16, 4
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
# How positions along each axis are called, as last words of a name.
_CALLED = {
    COORDINATES[0]: ("y", "row", "rows", "vertical"),
    COORDINATES[1]: ("x", "col", "cols", "column", "columns", "horizontal"),
}
_WHOLE_FRAMES, _FRAMES = FRAME_KEYS[:2]


@dataclass(frozen=True)
class Array:
    """What is known of an array without its numbers.

    Attributes
    ----------
    name : str
        Its path in the file.
    shape : tuple of int
    kind : {'b', 'i', 'u', 'f', 'c'}
        Of its type, as NumPy's.
    """

    name: str
    shape: tuple[int, ...]
    kind: str


def named_by_shape(files: Mapping[str, UserFile]) -> dict[str, str]:
    """Return where in the files of a scan those arrays are that have names of their own.

    Frames are the only stack of images of real numbers, the probe the only complex array of their
    sides (or the only such that is called a probe), positions two vectors of as many numbers as
    there are frames, whose names tell the axes, or the two columns (or lines) of one array, rows
    first. What is not the only one of its shape is left to the user. Beside the arrays of a
    program's format those under names of ours are taken, which the format does not know.

    Parameters
    ----------
    files : mapping of str to UserFile
        By their paths.

    Returns
    -------
    dict of str to str
        For our keys that no file has, paths as of ``base.npz.keys``.
    """
    there = {key: array for file in files.values() for key, array in file.arrays.items()}
    named = _called_as_ours(files, there)
    known = {*there, *named}
    if PROBE in known and COORDINATES[0] in known and any(key in known for key in FRAME_KEYS):
        return named
    return named | _by_shape(files, there, known)


def _called_as_ours(
    files: Mapping[str, UserFile], there: Mapping[str, np.ndarray]
) -> dict[str, str]:
    """Return what a file of a program's own holds under names of ours, which its format leaves."""
    frames = () if any(key in there for key in FRAME_KEYS) else (_WHOLE_FRAMES,)
    held = [text.split(" (")[0] for file in files.values() for text in file.others]
    wanted = [key for key in (*frames, *COORDINATES, PROBE) if key not in there]
    return {key: key for key in wanted if held.count(key) == 1}


def _by_shape(
    files: Mapping[str, UserFile], there: Mapping[str, np.ndarray], known: Collection[str]
) -> dict[str, str]:
    """Return what else only its shape allows, beside what is known."""
    unknown = [array for path, file in files.items() for array in _unknown(path, file)]
    named = {}
    shape = next((there[key].shape for key in FRAME_KEYS if key in there), None)
    if shape is None:
        stack = _only(array for array in unknown if _is_stack(array))
        if stack is None:
            return {}
        shape = stack.shape
        named[_FRAMES if stack.kind == "f" else _WHOLE_FRAMES] = stack.name
    if PROBE not in known:
        named |= _probe(unknown, shape[-1])
    if not any(key in known for key in COORDINATES):
        frames = shape[0] * (shape[1] if len(shape) == 4 else 1)
        named |= _positions(unknown, frames)
    return named


def _unknown(path: str, file: UserFile) -> list[Array]:
    """Return what a file of no program's own holds beside the arrays of known names."""
    if file.format != PLAIN:
        return []
    arrays = []
    for match in map(_DESCRIBED.match, file.others):
        if match is not None:
            sides = match["shape"].replace(",", " ").split()
            arrays.append(Array(match["name"], tuple(map(int, sides)), _kind(match["type"])))
    # Of the members of an NPZ only the names are known.
    if container(path) == NPZ:
        headers = member_headers(path, file.others)
        arrays += [Array(name, each.shape, each.dtype.kind) for name, each in headers.items()]
    return arrays


def _kind(named: str) -> str:
    """Return NumPy's letter of a type by its name, such as ``uint32``."""
    return "u" if named.startswith("uint") else named[0]


def _is_stack(array: Array) -> bool:
    if array.kind not in "iuf" or len(array.shape) not in (3, 4):
        return False
    return min(array.shape[-2:]) >= _SMALLEST_SIDE and array.shape[0] >= _FEWEST


def _probe(arrays: Iterable[Array], side: int) -> dict[str, str]:
    fitting = [array for array in arrays if array.kind == "c" and array.shape[-2:] == (side, side)]
    called = [array for array in fitting if "probe" in array.name.lower()]
    probe = _only(fitting) or _only(called)
    return {} if probe is None else {PROBE: probe.name}


def _positions(arrays: Iterable[Array], frames: int) -> dict[str, str]:
    real = [array for array in arrays if array.kind in "iuf"]
    vectors = [array for array in real if array.shape == (frames,)]
    found = {key: _only(a for a in vectors if _is_called(a, key)) for key in COORDINATES}
    both = {key: array.name for key, array in found.items() if array is not None}
    if len(both) == len(COORDINATES):
        return both
    pair = _only(array for array in real if array.shape in ((frames, 2), (2, frames)))
    if pair is None:
        return {}
    place = "[:, {}]" if pair.shape == (frames, 2) else "[{}, :]"
    return {key: pair.name + place.format(axis) for axis, key in enumerate(COORDINATES)}


def _is_called(array: Array, key: str) -> bool:
    words = [word.lower() for word in _WORDS.findall(array.name.rsplit("/", 1)[-1])]
    return bool(words) and (words[0] in _CALLED[key] or words[-1] in _CALLED[key])


def _only(arrays: Iterable[Array]) -> Array | None:
    several = list(arrays)
    return several[0] if len(several) == 1 else None
