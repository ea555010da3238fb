"""Headers of NPZ members: what is pickled is told apart, and what is torn is said by who reads it."""

import zipfile

import numpy as np
import pytest

from ptychostudy.formats.readers import load_user_file
from ptychostudy.io.atomic import DataError
from ptychostudy.io.npz_headers import is_pickled


@pytest.fixture
def torn(tmp_path):
    """Return an NPZ whose directory is right, and whose first member begins with other bytes."""
    path = tmp_path / "scan.npz"
    np.savez(path, _metadata=np.array("{}"), dark=np.zeros((4, 4)))
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as file:
        start = file.getinfo("_metadata.npy").header_offset
    content[start : start + 4] = b"none"
    path.write_bytes(content)
    return path


def test_of_a_torn_member_nothing_is_pickled(torn):
    assert is_pickled(torn, "_metadata") is False


def test_a_torn_member_is_refused_in_words(torn):
    with pytest.raises(DataError, match="scan.npz"):
        load_user_file(torn)
