"""Arrays that stay in their files: parts come back as they were put there, and nothing is left behind."""

import errno
import gc
import os
import tempfile

import numpy as np
import pytest

from ptychostudy.io.arrays import open_frames, write_npz
from ptychostudy.io.atomic import DataError
from ptychostudy.io.stored import Stored, in_file, stored

DRAWN = np.random.default_rng(0).normal(size=(9, 3, 2))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Temporary files lie in a folder of the test."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.float64, np.complex128])
def test_numbers_come_back(dtype):
    """As in memory, whatever they were cut into; blocks may be empty, and are made into the type."""
    given = (100 * DRAWN.ravel()).astype(np.int64)
    kept = in_file((given[a:b] for a, b in ((0, 1), (1, 1), (1, 40), (40, 54))), dtype)
    assert len(kept) == 54
    for part in (slice(0, 54), slice(3, 41), slice(54, 54), slice(7, 7)):
        found = kept[part]
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, given[part])


def test_no_blocks_are_no_numbers():
    kept = in_file([], np.int32)
    assert len(kept) == 0 and kept[0:0].tolist() == []


def test_nothing_is_left_behind(tmp_path):
    """No name in the folder, no open file once nobody asks any more; also where the making of blocks failed."""
    before = set(os.listdir("/proc/self/fd"))
    kept = in_file([np.arange(5)], np.int64)
    assert list(tmp_path.iterdir()) == [] and kept[1:3].tolist() == [1, 2]
    del kept

    def failing():
        yield np.arange(5)
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        in_file(failing(), np.int64)
    gc.collect()
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_mapped_array_is_read(tmp_path):
    write_npz(tmp_path / "file.npz", {"first": np.arange(3), "drawn": DRAWN})
    read = stored(open_frames(tmp_path / "file.npz", "drawn"))
    assert isinstance(read, Stored) and len(read) == 9 and read.shape == DRAWN.shape
    for part in (0, 8, slice(2, 5), slice(0, 9)):
        np.testing.assert_array_equal(read[part], DRAWN[part])
    np.testing.assert_array_equal(read[-1], DRAWN[-1])
    with pytest.raises(IndexError):
        read[9]


def test_other_arrays_are_taken_as_they_are(tmp_path):
    assert stored(DRAWN) is DRAWN
    write_npz(tmp_path / "file.npz", {"drawn": np.asfortranarray(DRAWN)})
    across = open_frames(tmp_path / "file.npz", "drawn")
    assert stored(across) is across


def test_a_file_that_was_cut_short_says_so(tmp_path):
    write_npz(tmp_path / "file.npz", {"drawn": DRAWN})
    read = stored(open_frames(tmp_path / "file.npz", "drawn"))
    os.truncate(tmp_path / "file.npz", 200)
    with pytest.raises(DataError, match="8 of 9 is not in its file"):
        read[8]


@pytest.mark.parametrize("of", [10, 0])
def test_a_full_disk_says_what_is_needed(tmp_path, monkeypatch, of):
    """Whether it takes a part of a block at first, or nothing."""
    from ptychostudy.io import stored as module

    class Full:
        """A file on a disk with room for so many bytes."""

        room = of

        def fileno(self):
            return 0

        def close(self):
            pass

        def write(self, content):
            taken = min(len(content), self.room)
            self.room -= taken
            if not taken:
                raise OSError(errno.ENOSPC, "No space left on device")
            return taken

    monkeypatch.setattr(module.tempfile, "TemporaryFile", lambda **_: Full())
    with pytest.raises(DataError, match="no room for links.*No space left.*needed: 28 bytes") as raised:
        in_file([np.arange(5)], np.int64)
    assert str(tmp_path) in str(raised.value)


def test_a_folder_that_is_none_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(DataError, match="none: no room for links of patches.*needed: 28 bytes for each.*TMPDIR"):
        in_file([np.arange(5)], np.int64)
