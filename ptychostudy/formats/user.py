"""Scans as users bring them: files of any known format, read into the canonical arrays."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy.formats.declared import from_origin, object_pixel_m, settled
from ptychostudy.formats.doubts import Doubts
from ptychostudy.formats.frame_numbers import paired
from ptychostudy.formats.frames import FRAME_KEYS, frame_stack, in_order, squeeze, to_counts
from ptychostudy.formats.fresnel_phase import with_fresnel_phase
from ptychostudy.formats.masks import MASK_KEYS, check_masks
from ptychostudy.formats.measured_frames import Stack, judged_frames
from ptychostudy.formats.named_keys import with_named_keys
from ptychostudy.formats.position_units import in_pixels
from ptychostudy.formats.positions import position_arrays
from ptychostudy.formats.readers import load_user_file
from ptychostudy.formats.scan import check_coordinates, check_frames, check_probe, check_scan
from ptychostudy.formats.scan_layout import at_corner, check_layout, check_places
from ptychostudy.formats.several_files import joined
from ptychostudy.formats.user_file import UserFile
from ptychostudy.io.atomic import DataError

if TYPE_CHECKING:
    from ptychostudy.study.sections.base import BaseSettings

_ALWAYS = ("xcoords", "ycoords", "probeGuess")


def read_user_scan(
    path: str | Path, *, measurement: str = "auto", axes: str = "auto", frames: bool = True
) -> dict[str, np.ndarray]:
    """Read a user's NPZ or HDF5 in any of the known dialects and return the canonical arrays.

    Each array is checked by itself and against the others; whether they are a scan with photons is
    for `take_scan` to say.

    Parameters
    ----------
    path : str or Path
        Keys ``xcoords ycoords probeGuess`` and, where frames are wanted, one of
        ``counts diffraction diff3d``.
    measurement : {'auto', 'counts', 'intensity', 'amplitude'}
        What the frames hold. ``auto`` accepts integers under ``counts`` only; everything else is
        ambiguous.
    axes : {'auto', 'NHW', 'HWN'}
        Axis order of the frames. ``auto`` refuses a stack that fits both.
    frames : bool
        Whether frames are needed.

    Returns
    -------
    dict of str to ndarray
        ``positions``, ``probe`` and, where present, ``object`` and ``counts`` (uint32, NHW).

    Raises
    ------
    DataError
        Naming the key and the setting that resolves the doubt.
    """
    arrays = _fields(path, load_user_file(path))
    scan = _scan(path, arrays)
    # Last, for the positions say how many frames there must be, and the probe how large.
    if frames:
        stack = _stack(path, arrays, scan, axes)
        scan["counts"] = to_counts(path, stack.key, stack.raw, measurement)
    return scan


def take_scan(
    path: str | Path | Sequence[str | Path],
    base: "BaseSettings",
    doubts: Doubts | None = None,
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read a user's files for a study: as `read_user_scan`, and judge what they hold.

    Positions are put in pixels and to the corner, numbers of the detector turned into photons,
    frames that are none dropped, and the zero frequency put in the centre; each where the settings
    or the files say so or where it is certain, and each is said. What is doubtful is refused.

    Parameters
    ----------
    path : str or Path, or several
        Files of one scan.
    base : BaseSettings
        Section ``base`` of a study of the user's or a published scan.
    doubts : Doubts, optional
        To be filled with what is said; default refuses what ``base.npz.accept`` does not name.

    Returns
    -------
    scan : dict of str to ndarray
        As from `read_user_scan`.
    done : dict
        What was changed, for the metadata; empty where nothing was.

    Raises
    ------
    DataError
        Naming the file, the key, what was found, what is needed and how to go on.
    """
    paths = [str(path)] if isinstance(path, str | Path) else [str(each) for each in path]
    doubts = doubts or Doubts(", ".join(paths), tuple(base.npz.accept))
    file = whole_file(paths, base, doubts)
    try:
        scan = _judged(file, base, doubts)
    except DataError as error:
        raise DataError(file.words(str(error))) from error
    doubts.log(file.words)
    return scan, doubts.done


def whole_file(paths: Sequence[str], base: "BaseSettings", doubts: Doubts) -> UserFile:
    """Read all files of a scan, and put them together."""
    files = {path: load_user_file(path) for path in paths}
    if base.npz.keys:
        files = with_named_keys(files, {str(key): name for key, name in base.npz.keys.items()})
    file = joined(files, doubts)
    for text in file.notes:
        doubts.say(text)
    for word, text in file.doubts.items():
        doubts.doubt(word, text)
    return paired(with_fresnel_phase(file, doubts), doubts)


def _judged(file: UserFile, base: "BaseSettings", doubts: Doubts) -> dict[str, np.ndarray]:
    """Return the scan that is in a file, judged."""
    path = doubts.path
    measured = base.frames == "measured"
    npz = settled(base.npz, file.declared, doubts)
    _say_unused(file, measured, doubts)
    arrays = _fields(path, file)
    arrays |= _in_pixels(arrays, file, base, npz.position_unit, doubts)
    scan = _scan(path, arrays)
    _check_side(path, scan["probe"], base.frame_px)
    if measured:
        stack = _stack(path, arrays, scan, npz.axes)
        check_masks(arrays, stack.raw.shape, doubts)
        scan["counts"], kept = judged_frames(stack, scan, npz, doubts)
        scan["positions"] = scan["positions"][kept]
    elif "object" not in scan:
        doubts.refuse(
            "key 'objectGuess' is missing; needed to simulate frames "
            f"(or set base.frames: measured); found {file.held()}"
        )
    _settle(scan, measured, doubts)
    return scan


def _settle(scan: dict[str, np.ndarray], measured: bool, doubts: Doubts) -> None:
    """Check what positions are left, and move them to where an object begins."""
    positions = scan["positions"]
    probe = scan["probe"]
    check_layout(positions, probe, doubts)
    # Where the object is given so is the origin: windows that leave it were refused.
    if measured and "object" not in scan:
        scan["positions"] = at_corner(positions, len(probe), doubts)


def _say_unused(file: UserFile, measured: bool, doubts: Doubts) -> None:
    """Name what the file holds and nothing uses, and what was done to read the rest."""
    unread = ("objectGuess",) if measured else (*FRAME_KEYS, *MASK_KEYS)
    names = [file.places.get(key, key) for key in file.arrays if key in unread] + file.others
    if file.format != UserFile.format:
        doubts.say(f"read as {file.format}")
        doubts.done["format"] = file.format
    if names:
        doubts.say(f"not used of this file: {', '.join(names)}")
    if file.reversed:
        doubts.say(f"written by MATLAB, so axes are taken in reverse: {', '.join(file.reversed)}")


def _in_pixels(
    arrays: dict[str, np.ndarray], file: UserFile, base: "BaseSettings", unit: str, doubts: Doubts
) -> dict[str, np.ndarray]:
    """Return the coordinates of a file in object pixels, from the corner where that is known."""
    probe = arrays["probeGuess"]
    check_probe(doubts.path, probe)
    positions = check_coordinates(doubts.path, arrays)
    check_places(positions, doubts)
    pixel = object_pixel_m(file.declared, base, doubts)
    pixels = in_pixels(positions, probe, unit, pixel, doubts)
    return position_arrays(from_origin(pixels, file.declared))


def _check_side(path: str | Path, probe: np.ndarray, frame_px: int) -> None:
    if len(probe) != frame_px:
        raise DataError(
            f"{path}: key 'probeGuess' has side {len(probe)}, "
            f"but base.frame_px is {frame_px}; needed: the same N"
        )


def _fields(path: str | Path, file: UserFile) -> dict[str, np.ndarray]:
    """Return the arrays of a file that holds what it must, with probe and object as complex64."""
    arrays = file.arrays
    _check_keys(path, file)
    # A stack of one mode is a probe, too; of several, none could be chosen.
    probe = squeeze(path, "probeGuess", arrays["probeGuess"], 2)
    fields = {**arrays, "probeGuess": _single(probe)}
    if "objectGuess" in arrays:
        fields["objectGuess"] = _single(arrays["objectGuess"])
    return fields


def _check_keys(path: str | Path, file: UserFile) -> None:
    missing = [key for key in _ALWAYS if key not in file.arrays]
    if missing:
        raise DataError(
            f"{path}: key {missing[0]!r} is missing; found {file.held()}, needed "
            f"{', '.join(_ALWAYS)}: here, or in a further file (base.npz.path: [one, another]), or "
            f"where base.npz.keys says (base.npz.keys: {{{missing[0]}: path/in/the/file}})"
        )


def _scan(path: str | Path, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return positions, probe and object of a file, checked against each other."""
    positions = check_scan(path, arrays, None)
    _check_unit(path, positions)
    scan = {"positions": positions, "probe": arrays["probeGuess"]}
    if "objectGuess" in arrays:
        scan["object"] = arrays["objectGuess"]
    return scan


def _stack(
    path: str | Path, arrays: dict[str, np.ndarray], scan: dict[str, np.ndarray], axes: str
) -> Stack:
    """Return the frames of a file, one for each position and as large as the probe."""
    key, raw = frame_stack(path, arrays)
    k = len(scan["positions"])
    stack = in_order(path, key, raw, k, axes)
    check_frames(path, stack, k, len(scan["probe"]))
    return Stack(key, stack)


def _check_unit(path: str | Path, positions: np.ndarray) -> None:
    """Refuse positions in metres, which lie within the millionth part of a pixel."""
    span = float(np.ptp(positions, axis=0).max())
    if len(positions) > 1 and span < 1:
        raise DataError(
            f"{path}: all positions lie within {span:.3g} pixels; needed: object pixels, not metres"
        )


def _single(field: np.ndarray) -> np.ndarray:
    """Return a complex field as complex64, anything else as it is.

    What overflows becomes infinite here, and is refused as not finite.
    """
    with np.errstate(over="ignore"):
        return field.astype(np.complex64) if field.dtype.kind == "c" else field
