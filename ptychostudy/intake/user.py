"""Scans as users bring them: files of any known format, read into the canonical arrays."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy.formats.frames import FRAME_KEYS, frame_stack, in_order, squeeze, to_counts
from ptychostudy.formats.positions import position_arrays, read_positions
from ptychostudy.formats.probe_modes import MODES
from ptychostudy.formats.readers import load_user_file
from ptychostudy.formats.scan import (
    check_coordinates,
    check_distinct,
    check_frames,
    check_probe,
    check_scan,
)
from ptychostudy.formats.user_file import UserFile
from ptychostudy.intake.declared import from_origin, object_pixel_m, settled
from ptychostudy.intake.doubts import Doubts
from ptychostudy.intake.far_field import far_field
from ptychostudy.intake.frame_numbers import paired
from ptychostudy.intake.fresnel_phase import with_fresnel_phase
from ptychostudy.intake.masks import MaskFile, check_left, marked_pixels, say_left
from ptychostudy.intake.measured_frames import Stack, judged_frames
from ptychostudy.intake.missing_keys import check_keys, check_measured, check_object
from ptychostudy.intake.named_keys import with_named_keys
from ptychostudy.intake.object_origin import says_origin
from ptychostudy.intake.odd_frames import places_left
from ptychostudy.intake.orienting import turned_positions
from ptychostudy.intake.position_units import check_no_metres, in_pixels
from ptychostudy.intake.scan_layout import at_corner, check_layout, check_places
from ptychostudy.intake.several_files import joined
from ptychostudy.intake.user_modes import window_sides
from ptychostudy.intake.user_shapes import Shaped, shaped
from ptychostudy.io.atomic import DataError

if TYPE_CHECKING:
    from ptychostudy.study.sections.base import BaseSettings
    from ptychostudy.study.sections.npz import NpzSettings

NOT_USED = "not used of this file: "
"""Before the names of what is there and not needed, in the log."""

# Sides of frames that networks and files of ours are made for.
SIDES = (32, 64, 128, 256)


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
    # A stack of one mode is a probe, too; of several, none could be chosen.
    arrays["probeGuess"] = squeeze(path, "probeGuess", arrays["probeGuess"], 2)
    scan = _scan(path, arrays)
    # Last, for the positions say how many frames there must be, and the probe how large.
    if frames:
        stack = _stack(path, arrays, scan, axes)
        scan["counts"] = to_counts(path, stack.key, stack.raw, measurement)
    return scan


def take_scan(
    path: str | Path | Sequence[str | Path],
    base: "BaseSettings",
    mask: MaskFile | None = None,
    doubts: Doubts | None = None,
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read a user's files for a study: as `read_user_scan`, and judge what they hold.

    Positions are put in pixels and to the corner, numbers of the detector turned into photons,
    pixels that are no counters masked, frames that are none dropped, and the zero frequency put in
    the centre; each where the settings or the files say so or where it is certain, and each is
    said. What is doubtful is refused.

    Parameters
    ----------
    path : str or Path, or several
        Files of one scan.
    base : BaseSettings
        Section ``base`` of a study of the user's or a published scan.
    mask : MaskFile, optional
        The file that ``base.npz.mask`` names.
    doubts : Doubts, optional
        To be filled with what is said; default refuses what ``base.npz.accept`` does not name.

    Returns
    -------
    scan : dict of str to ndarray
        As from `read_user_scan`, ``valid`` (N, N) bool, the pixels that count photons, and
        ``modes`` (m, N, N) of a probe of several.
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
        scan = _judged(file, base, mask, doubts)
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


def _judged(
    file: UserFile, base: "BaseSettings", mask: MaskFile | None, doubts: Doubts
) -> dict[str, np.ndarray]:
    """Return the scan that is in a file, judged."""
    path = doubts.path
    measured = base.frames == "measured"
    npz = settled(base.npz, file.declared, doubts)
    _say_unused(file, measured, doubts)
    arrays = _fields(path, file)
    if measured:
        check_measured(file, doubts)

    def bad(frames: tuple[int, ...]) -> np.ndarray:
        return marked_pixels(arrays, frames, npz.mask_marks, mask, doubts)

    side = _side(base, arrays["probeGuess"], doubts)
    taken = base.model_copy(update={"npz": npz})
    form = shaped(arrays, taken, side, file.declared, doubts, bad=bad)
    arrays = form.arrays
    arrays |= _in_pixels(form, taken, doubts)
    if form.stack is None:
        check_object(file, doubts)
        scan = _simulated(form, doubts)
    else:
        scan = _measured(form, npz, doubts)
    if MODES in arrays:
        scan["modes"] = arrays[MODES]
    _settle(scan, measured, doubts)
    say_left(scan["valid"], doubts)
    return scan


def _simulated(form: Shaped, doubts: Doubts) -> dict[str, np.ndarray]:
    """Return the scan of an object that is in a file."""
    scan = _scan(doubts.path, form.arrays)
    check_left(form.bad, far_field(scan["probe"]), doubts)
    return {**scan, "valid": ~form.bad}


def _measured(form: Shaped, npz: "NpzSettings", doubts: Doubts) -> dict[str, np.ndarray]:
    """Return the scan whose frames are in a file, of those that are frames."""
    path = doubts.path
    # All of them, for frames are named by their number in the file.
    positions = read_positions(form.arrays).astype(np.float64)
    left = places_left(positions, npz.drop_frames, doubts)
    given = form.arrays | position_arrays(left)
    if not says_origin(given, npz, doubts):
        del given["objectGuess"]
    scan = _scan(path, given) | {"positions": positions}
    stack = form.framed
    check_frames(path, stack.raw, len(positions), len(scan["probe"]))
    frames = judged_frames(stack, {**scan, "bad": form.bad, "beyond": form.beyond}, npz, doubts)
    kept = positions[frames.kept]
    # The user may take all frames as they are.
    check_distinct(path, kept)
    return {**scan, "positions": kept, "counts": frames.counts, "valid": frames.valid}


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
    unread = ("objectGuess",) if measured else FRAME_KEYS
    names = [file.places.get(key, key) for key in file.arrays if key in unread] + file.others
    if file.format != UserFile.format:
        doubts.say(f"read as {file.format}")
        doubts.done["format"] = file.format
    if names:
        doubts.say(f"{NOT_USED}{', '.join(names)}")
    if file.reversed:
        doubts.say(f"written by MATLAB, so axes are taken in reverse: {', '.join(file.reversed)}")


def _in_pixels(form: Shaped, base: "BaseSettings", doubts: Doubts) -> dict[str, np.ndarray]:
    """Return the coordinates of a file in object pixels, from the corner where that is known."""
    probe = form.arrays["probeGuess"]
    check_probe(doubts.path, probe)
    positions = check_coordinates(doubts.path, form.arrays)
    check_places(positions, doubts)
    pixel = object_pixel_m(form.declared, base.pixel_size_m, len(probe), doubts)
    unit = base.npz.position_unit
    pixels = in_pixels(positions, probe, unit, pixel, doubts, per_pixel=form.fitted.per_pixel)
    placed = from_origin(pixels, form.declared)
    return position_arrays(turned_positions(placed, base, doubts))


def _side(base: "BaseSettings", probe: np.ndarray, doubts: Doubts) -> int:
    """Return the side of a frame: that of the probe, where the settings leave it open."""
    if base.frame_px != "auto":
        return base.frame_px
    rows, cols = window_sides(probe.shape) if probe.ndim > 1 else (0, 0)
    if rows != cols or rows not in SIDES:
        doubts.refuse(
            f"key 'probeGuess' has shape {probe.shape}, and base.frame_px is auto; needed: a probe "
            f"of N x N pixels, N one of {', '.join(map(str, SIDES))}, or base.frame_px set to one"
        )
    return int(rows)


def _fields(path: str | Path, file: UserFile) -> dict[str, np.ndarray]:
    """Return the arrays of a file that holds what it must, with probe and object as complex64."""
    arrays = file.arrays
    check_keys(path, file)
    fields = {**arrays, "probeGuess": _single(arrays["probeGuess"])}
    if "objectGuess" in arrays:
        fields["objectGuess"] = _single(arrays["objectGuess"])
    return fields


def _scan(path: str | Path, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return positions, probe and object of a file, checked against each other."""
    positions = check_scan(path, arrays, None)
    check_no_metres(path, positions)
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


def _single(field: np.ndarray) -> np.ndarray:
    """Return a complex field as complex64, anything else as it is.

    What overflows becomes infinite here, and is refused as not finite.
    """
    with np.errstate(over="ignore"):
        return field.astype(np.complex64) if field.dtype.kind == "c" else field
