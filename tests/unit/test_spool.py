"""Arrays that are too long for memory lie in a file without a name, and hold what those in memory would."""

import errno
import os
import resource
import tempfile

import h5py
import numpy as np
import pytest

from ptychostudy.io import hdf5_stacks, spool
from ptychostudy.io.arrays import Stream, write_npz
from ptychostudy.io.atomic import DataError
from ptychostudy.io.hdf5 import read_datasets
from ptychostudy.io.hdf5_stacks import open_datasets
from ptychostudy.io.mapped import Mapped, blocks
from ptychostudy.io.npz_stacks import open_npz
from ptychostudy.io.spool import changed, frames_first, joined, new_array, parts_in, taken
from ptychostudy.writing.hdf5_bytes import new_hdf5, put

SHAPE = (70, 9, 11)


@pytest.fixture(autouse=True)
def long_arrays(monkeypatch, tmp_path):
    """Take any array for too long, and blocks of a few frames."""
    monkeypatch.setattr(spool, "LONG_BYTES", 1000)
    monkeypatch.setattr(spool, "_BLOCK_BYTES", 3000)
    monkeypatch.setattr(hdf5_stacks, "_BLOCK_BYTES", 3000)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def numbers(shape=SHAPE, dtype=np.uint16):
    return np.random.default_rng(0).integers(0, 1000, shape).astype(dtype)


def in_file(array):
    whole = new_array(array.shape, array.dtype)
    whole[...] = array
    assert lies_in_file(whole)
    return whole


def lies_in_file(array):
    return isinstance(array, Mapped) and array._mmap is not None


def test_what_is_short_is_in_memory():
    array = new_array((10, 10), np.float64)
    assert type(array) is np.ndarray and not array.any()


def test_a_file_has_no_name_and_ends_with_its_array(tmp_path):
    before = os.listdir("/proc/self/fd")
    array = new_array(SHAPE, np.float32)
    assert lies_in_file(array) and array.shape == SHAPE and array.dtype == np.float32 and not array.any()
    assert os.listdir(tmp_path) == []
    del array
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_parts_are_copies_and_changes_last():
    array = in_file(numbers())
    part = array[3:5]
    array[3:5] = 7
    np.testing.assert_array_equal(part, numbers()[3:5])
    assert not isinstance(part, Mapped) and (array[3:5] == 7).all()


def test_what_numpy_makes_of_it_in_memory_is_a_plain_array_to_all():
    doubled = in_file(numbers()).astype(np.float64)
    np.testing.assert_array_equal(doubled[2:4], numbers()[2:4])
    doubled.forget()


CHANGES = {
    "cut": lambda frames: frames[:, 1:, 2:],
    "rolled": lambda frames: np.roll(frames, (1, 2), (1, 2)),
    "of another type": lambda frames: frames * 0.5,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_frames_are_changed_a_block_at_a_time(change, monkeypatch):
    right, most = change(numbers()), []
    monkeypatch.setattr("ptychostudy.io.mapped.FRAMES", 16)
    made = changed(in_file(numbers()), lambda frames: most.append(len(frames)) or change(frames))
    np.testing.assert_array_equal(made, right)
    assert lies_in_file(made) and made.dtype == right.dtype and max(most) == 16


def test_some_frames_in_any_order():
    indices = np.random.default_rng(1).permutation(70)[:40]
    made = taken(in_file(numbers()), indices)
    assert lies_in_file(made)
    np.testing.assert_array_equal(made, numbers()[indices])
    np.testing.assert_array_equal(taken(numbers(), indices), numbers()[indices])


def test_stacks_behind_each_other():
    parts = [in_file(numbers()), numbers((20, 9, 11), np.uint32)]
    made = joined(parts)
    assert lies_in_file(made) and made.dtype == np.uint32
    np.testing.assert_array_equal(made, np.concatenate(parts))


@pytest.mark.parametrize("order", [(2, 0, 1), (2, 1, 0), (1, 0, 2), (0, 2, 1)], ids=str)
def test_frames_come_first_in_the_file_too(order):
    turned = in_file(numbers()).transpose(order)
    made = frames_first(turned)
    assert lies_in_file(made) and made.flags.c_contiguous
    np.testing.assert_array_equal(made, numbers().transpose(order))
    assert frames_first(made) is made


def test_blocks_cover_a_part():
    whole = np.zeros(SHAPE, np.uint16)
    for part in parts_in(whole, (slice(5, 64), slice(2, 9), slice(0, 3))):
        assert whole[part].shape[0] <= 3000 // (2 * 9 * 11)
        whole[part] += 1
    expected = np.zeros(SHAPE, np.uint16)
    expected[5:64, 2:9, :3] = 1
    np.testing.assert_array_equal(whole, expected)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_no_room_is_an_error_that_says_what_is_needed(monkeypatch, tmp_path, code):
    def full(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(DataError, match=rf"{tmp_path}: no room.*needed: 1 MB in this folder.*TMPDIR"):
        new_array((1000, 1000), np.uint8)


def test_no_folder_for_temporary_files_is_said(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with pytest.raises(DataError, match="/nowhere: no room.*TMPDIR"):
        new_array((1000, 1000), np.uint8)


def test_a_file_that_may_not_grow_ends_in_an_error_and_not_in_a_signal():
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, usual[1]))
    try:
        with pytest.raises(DataError, match="needed: 1 MB"):
            new_array((1000, 1000), np.uint8)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


def test_where_no_room_can_be_reserved_it_is_written(monkeypatch):
    def refused(*_):
        raise OSError(errno.ENOTSUP, "not supported")

    monkeypatch.setattr(os, "posix_fallocate", refused)
    np.testing.assert_array_equal(in_file(numbers()), numbers())


# --- files of users ---------------------------------------------------------------------------------------------------

LAYOUTS = {
    "one piece": {},
    "frames": {"chunks": (1, 9, 11), "compression": "gzip"},
    "boxes": {"chunks": (16, 4, 5), "compression": "lzf", "shuffle": True},
    "columns": {"chunks": (70, 1, 11), "fletcher32": True},
    "all": {"chunks": SHAPE},
}


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">i4", "<f4", ">f8", "?"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_datasets(tmp_path, layout, dtype):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", userblock_size=512) as file:
        file.create_dataset("x", data=numbers().astype(dtype), **LAYOUTS[layout])
        file["short"] = np.arange(5.0)
    with h5py.File(path) as file:
        items = dict(file)
        opened = open_datasets(path, items, path.stat().st_size)
        right = read_datasets(path, items, path.stat().st_size)
    assert lies_in_file(opened["x"]) and not isinstance(opened["short"], Mapped)
    assert opened["x"].dtype == right["x"].dtype
    np.testing.assert_array_equal(opened["x"], right["x"])
    # In the user's own file only what lies there as it would in memory; it is not written to.
    assert opened["x"].flags.writeable == (layout != "one piece" or dtype == "?")


def test_numbers_that_lie_otherwise_than_in_memory(tmp_path):
    """HDF5 can keep whole numbers in some of their bits."""
    path = tmp_path / "a.h5"
    kind = h5py.h5t.STD_I32LE.copy()
    kind.set_precision(20)
    kind.set_offset(4)
    with h5py.File(path, "w") as file:
        item = h5py.h5d.create(file.id, b"x", kind, h5py.h5s.create_simple(SHAPE))
        item.write(h5py.h5s.ALL, h5py.h5s.ALL, numbers(dtype=np.int32))
    with h5py.File(path) as file:
        found = open_datasets(path, dict(file), path.stat().st_size)["x"]
    assert lies_in_file(found)
    np.testing.assert_array_equal(found, numbers())


def test_a_dataset_that_nobody_wrote_is_zero(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", SHAPE, "u2")
    with h5py.File(path) as file:
        found = open_datasets(path, dict(file), path.stat().st_size)["x"]
    assert lies_in_file(found) and not found.any()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
def test_members(tmp_path, save, order):
    path = tmp_path / "a.npz"
    save(path, short=np.arange(3), x=np.asarray(numbers(), order=order))
    arrays = open_npz(path, ["x", "short"])
    assert list(arrays) == ["x", "short"] and lies_in_file(arrays["x"])
    np.testing.assert_array_equal(arrays["x"], numbers())


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_damaged_member_is_refused(tmp_path, save):
    path = tmp_path / "a.npz"
    save(path, x=numbers())
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)
    with pytest.raises(DataError, match="key 'x' cannot be read"):
        open_npz(path, ["x"])


# --- what is written --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(70, 9, 11), (300, 32, 32), (3, 200, 40), (1200, 16, 16)], ids=str)
def test_hdf5_has_the_same_bytes(tmp_path, monkeypatch, shape):
    monkeypatch.setattr("ptychostudy.writing.hdf5_bytes._BLOCK_BYTES", 10_000)
    frames = numbers(shape, np.uint32)
    for name, value in (("memory", frames), ("file", in_file(frames))):
        with new_hdf5(tmp_path / name) as file:
            put(file, {"a/first": 3, "a/frames": value, "a/last": np.arange(500.0)})
    assert (tmp_path / "memory").read_bytes() == (tmp_path / "file").read_bytes()


def test_an_npz_has_the_same_bytes_and_is_written_by_blocks(tmp_path, monkeypatch):
    frames = in_file(numbers())
    looked_at = []
    forget = Mapped.forget
    monkeypatch.setattr(Mapped, "forget", lambda self: looked_at.append(1) or forget(self))
    monkeypatch.setattr("ptychostudy.io.mapped.FRAMES", 16)
    for name, value in (("memory", numbers()), ("file", frames), ("parts", Stream(SHAPE, "u2", blocks(numbers())))):
        write_npz(tmp_path / name, {"frames": value})
    assert len(looked_at) == 5
    assert len({(tmp_path / name).read_bytes() for name in ("memory", "file", "parts")}) == 1
