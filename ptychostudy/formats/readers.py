"""The formats of users' files: one module each, recognised by what is in a file, not by its name.

A reader has a `NAME` in words, says with `recognises` whether a file is of its format, and reads
it with `read`. A new format is a module beside this one, and a line in `READERS`.
"""

from pathlib import Path
from typing import Any, Protocol

from ptychostudy.formats import (
    cdtools_result,
    cxi,
    emd_datacube,
    matlab,
    nexus,
    plain_hdf5,
    plain_npz,
    ptychi_arrays,
    ptychodus_cxi,
    ptychodus_frames,
    ptychodus_product,
    ptychopinn,
    ptylab_input,
    ptylab_result,
    ptypy_data,
    ptypy_result,
    ptyrad_model,
    tike_arrays,
)
from ptychostudy.formats.containers import HDF5, NPZ, container, open_user_hdf5
from ptychostudy.formats.user_file import UserFile
from ptychostudy.io.arrays import member_names
from ptychostudy.io.atomic import DataError


class Reader(Protocol):
    """What each of the modules is."""

    NAME: str

    def recognises(self, file: Any) -> bool:
        """Whether a file is of this format: an `h5py.File`, or the list of an NPZ's names.

        Cheap: nothing is read, and no link out of the file is followed.
        """

    def read(self, path: str | Path, file: Any) -> UserFile:
        """Read a file of this format.

        What is missing is left out; what is there and wrong is refused with a `DataError`.
        """


# The first that recognises a file reads it, so what asks for most comes first.
READERS: tuple[Reader, ...] = (
    ptypy_data,
    ptypy_result,
    ptyrad_model,
    cdtools_result,
    emd_datacube,
    ptylab_input,
    ptylab_result,
    tike_arrays,
    ptychodus_cxi,
    cxi,
    ptychodus_product,
    ptychodus_frames,
    ptychi_arrays,
    ptychopinn,
    nexus,
    matlab,
    plain_hdf5,
    plain_npz,
)


def load_user_file(path: str | Path) -> UserFile:
    """Read a user's file, whatever it is called.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    DataError
    """
    kind = container(path)
    if kind == HDF5:
        with open_user_hdf5(path) as file:
            return _reader(file).read(path, file)
    if kind == NPZ:
        names = member_names(path)
        return _reader(names).read(path, names)
    raise DataError(
        f"{path}: is neither an NPZ nor an HDF5 file; needed: a complete file of one of them "
        "(MATLAB writes HDF5 by save -v7.3)"
    )


def _reader(file: Any) -> Reader:
    return next(reader for reader in READERS if reader.recognises(file))
