"""Reader of plain NPZ files, whose arrays have our own names."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ptychostudy.formats.probe_modes import MODES, belong_together
from ptychostudy.formats.user_file import KNOWN, PROBE, UserFile
from ptychostudy.io.arrays import METADATA, read_metadata
from ptychostudy.io.npz_headers import is_pickled
from ptychostudy.io.npz_stacks import open_npz

NAME = "NPZ or HDF5"


def recognises(file: Any) -> bool:
    """Whether this is the open format: any NPZ that is of no other."""
    return isinstance(file, list)


def read(path: str | Path, file: Sequence[str]) -> UserFile:
    """Read the arrays of known names.

    Parameters
    ----------
    path : str or Path
    file : sequence of str
        Names of its members.

    Raises
    ------
    DataError
    """
    notes = _look_at_metadata(path) if METADATA in file else []
    arrays = open_npz(path, [name for name in file if name in (*KNOWN, MODES)])
    others = [name for name in file if name not in arrays and name != METADATA]
    return with_modes(UserFile(arrays, sorted(others), format=NAME, notes=notes))


def _look_at_metadata(path: str | Path) -> list[str]:
    """Return what is to be said of the metadata, which are not used."""
    # As PtychoPINN's tools write theirs beside arrays that are as good as any.
    if is_pickled(path, METADATA):
        return [f"{METADATA!r} holds pickled objects and is left closed: nothing of it is used"]
    # Read all the same: damage is then said of the file, wherever it is.
    read_metadata(path)
    return []


def with_modes(file: UserFile) -> UserFile:
    """Return a file that holds modes of its probe, as our canonical files do, with all of them.

    Parameters
    ----------
    file : UserFile
        ``probeModes`` among its arrays, if it has them: they become the probe where the wave of
        ``probeGuess`` is their first, as in canonical files; else they are named as not used.
    """
    if MODES not in file.arrays:
        return file
    arrays = {key: array for key, array in file.arrays.items() if key != MODES}
    modes = file.arrays[MODES]
    if PROBE in arrays and not belong_together(arrays[PROBE], modes):
        return replace(file, arrays=arrays, others=[*file.others, MODES])
    return replace(file, arrays={**arrays, PROBE: modes}, places={**file.places, PROBE: MODES})
