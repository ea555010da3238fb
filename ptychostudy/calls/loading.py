"""Files of a scan as arrays: what is in them, and the frames as a study would take them in."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ptychostudy.formats.scan import Scan, open_scan
from ptychostudy.formats.scan_metadata import make_step, scan_metadata
from ptychostudy.formats.user_file import UserFile
from ptychostudy.formats.valid_pixels import mask_record
from ptychostudy.intake.any_file import look_into, settings_of, take_in
from ptychostudy.intake.doubts import Doubts
from ptychostudy.intake.first_settings import first_settings
from ptychostudy.intake.geometry import check_geometry
from ptychostudy.intake.inspect import with_cures
from ptychostudy.intake.mask_file import read_mask_file, without_mask
from ptychostudy.io.arrays import member_names
from ptychostudy.io.atomic import DataError
from ptychostudy.physics.counts import mean_counts
from ptychostudy.physics.modes import first_mode
from ptychostudy.physics.windows import extent

_log = logging.getLogger("ptychostudy")
UNKNOWN = "unknown"
"""What the metadata of frames that were measured say of their truth."""
_OURS = {"counts", "photons_requested", "photons_measured", "objectGuess"}


def inspect(*files: str | Path) -> UserFile:
    """Return what is in the files of one scan: its arrays, format, and what it states.

    Raises
    ------
    DataError
        Whatever the files are.
    """
    file, _ = look_into([str(path) for path in files])
    return file


def load_scan(*files: str | Path, accept: Sequence[str] = ()) -> Scan:
    """Read frames, positions and probe of one scan, in any format that the package reads.

    It is judged as a study would: what is certain is set right and logged, what is doubtful is
    refused, and so is a geometry that does not fit the frames.

    Parameters
    ----------
    *files : path
        One, or all that belong to the scan; a lone array (NPY) or a picture among them is the mask
        of its detector.
    accept : sequence of str
        Doubts that were looked at, as ``base.npz.accept`` of a study.

    Returns
    -------
    Scan
        Frames of the stage ``simulate`` with their truth; of measured frames ``truth`` is flat, and
        ``metadata["truth"]`` is ``unknown``.

    Raises
    ------
    DataError
        Naming the file, the key, what was found and what is needed.
    """
    paths = [str(path) for path in files]
    if len(paths) == 1 and paths[0].endswith(".npz") and _OURS <= set(member_names(paths[0])):
        return open_scan(paths[0])
    paths, mask_path = without_mask(paths)
    name = ", ".join(paths)
    file, named = look_into(paths)
    first = first_settings(file, paths, named)
    mask = None
    if mask_path is not None:
        mask = read_mask_file(mask_path, first.base["frame_px"])
    cured = with_cures(name, first, lambda asked, doubts: take_in(paths, asked, doubts, mask))
    for text in [*first.assumed, *(f"{each.text}; set: {each.cure}" for each in cured.settled)]:
        _log.info("%s: %s", name, text)
    if first.pixel_matters:
        raise DataError(f"{name}: {first.pixel_matters}")
    # Once more, for what is left to doubt.
    asked = {**first.base, "npz": {**first.base["npz"], "accept": list(accept)}}
    scan = take_in(paths, asked, Doubts(name, tuple(accept)), mask)
    if "counts" not in scan:
        raise DataError(f"{name}: holds no frames; needed: frames, or `simulate`")
    check_geometry(scan, settings_of(asked), name)
    return _measured(scan)


def _measured(scan: Mapping[str, np.ndarray]) -> Scan:
    """Return frames that were measured, over a flat object."""
    counts, positions = scan["counts"], scan["positions"]
    n = counts.shape[-1]
    probe = scan.get("modes", scan["probe"]).astype(np.complex64)
    valid = scan.get("valid", np.ones((n, n), dtype=bool))
    _, end = extent(positions, n, 1)
    photons = float(mean_counts(counts, np.arange(len(counts))))
    metadata = scan_metadata({"N": n, **mask_record(valid)}, [make_step("api", "load_scan", {})])
    return Scan(
        counts=counts,
        positions=positions,
        probe=first_mode(probe),
        truth=np.ones((int(end[0]), int(end[1])), np.complex64),
        photons_requested=photons,
        photons_measured=photons,
        valid=valid,
        metadata={**metadata, "truth": UNKNOWN},
        modes=probe if probe.ndim > 2 else None,
    )
