"""Every file format: written whole or not at all, the same bytes again, and damage or malice named before use."""

import errno
import io as memory
import json
import os
import resource
import stat
import zipfile

import h5py
import numpy as np
import pytest

from ptychostudy.formats import bundle
from ptychostudy.formats.bundle import MEMBERS, read_bundle
from ptychostudy.formats.picture import read_image
from ptychostudy.intake.user import read_user_scan
from ptychostudy.io.arrays import Stream, member_names, open_frames, read_metadata, read_npz, write_npz
from ptychostudy.io.atomic import DataError, atomic, sha256_of
from ptychostudy.io.records import read_json, write_json
from ptychostudy.io.tables import read_csv, write_csv
from ptychostudy.io.text import read_text, write_text


def arrays():
    """An NPZ with an integer stack, a scalar, a text and a float vector: asymmetric, so that no axis can be swapped."""
    rng = np.random.default_rng(3)
    return {
        "counts": rng.integers(0, 4000, (5, 4, 6)).astype(np.uint32),
        "ycoords": rng.normal(size=5),
        "probe": (rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4))).astype(np.complex64),
        "photons": np.float64(12.5),
        "empty": np.zeros((0, 3)),
    }


def rewrite(source, target, change, method=zipfile.ZIP_STORED):
    """Copy a zip file member by member; `change` maps a name to other bytes."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", method) as new:
        for info in old.infolist():
            new.writestr(info.filename, change.get(info.filename, old.read(info.filename)))


def npy(array, allow_pickle=False):
    buffer = memory.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array), allow_pickle=allow_pickle)
    return buffer.getvalue()


def left_over(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".sha256")


# --- writing ----------------------------------------------------------------------------------------------------------


def test_failed_write_keeps_the_old_file_and_no_temporary_name(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError, match="stop"), atomic(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("stop")
    assert path.read_text() == "old"
    assert left_over(tmp_path) == ["a.txt"]


def test_atomic_makes_the_folder_and_honours_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "deep" / "er" / "a.txt", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "deep" / "er" / "a.txt").stat().st_mode) == 0o640


def test_unwritable_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="cannot write here.*needed: a writable folder"):
        write_text(tmp_path / "file" / "a.txt", "x")


def test_full_disk_is_named_and_leaves_nothing(tmp_path):
    # A file-size limit makes write(2) fail as a full disk does; Python ignores the signal that comes with it.
    path = tmp_path / "a.npz"
    write_npz(path, {"x": np.arange(3)})
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(DataError, match=r"a\.npz: writing failed .*the file was not changed"):
            write_npz(path, {"x": np.zeros(1_000_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert left_over(tmp_path) == ["a.npz"]


@pytest.mark.parametrize(("code", "refused"), [(errno.EIO, True), (errno.EINVAL, False)])
def test_folder_that_cannot_be_synced(tmp_path, monkeypatch, code, refused):
    """The new file is in place then, and the message must not say otherwise; some file systems never can."""
    original = os.fsync

    def fsync(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(code, os.strerror(code))
        original(descriptor)

    write_text(tmp_path / "a.txt", "old")
    monkeypatch.setattr(os, "fsync", fsync)
    if refused:
        with pytest.raises(DataError, match=r"a\.txt: .*the file is whole, but may not survive a power cut"):
            write_text(tmp_path / "a.txt", "new")
    else:
        write_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "new"


def test_same_content_gives_the_same_bytes(tmp_path):
    for name in ("a.npz", "b.npz"):
        write_npz(tmp_path / name, arrays(), {"dose": 10, "split": "train"})
    assert sha256_of(tmp_path / "a.npz") == sha256_of(tmp_path / "b.npz")


# --- NPZ round trip ---------------------------------------------------------------------------------------------------


def test_npz_round_trip(tmp_path):
    path = tmp_path / "a.npz"
    write_npz(path, arrays(), {"dose": 10})
    found = read_npz(path)
    assert list(found) == list(arrays())
    for key, value in arrays().items():
        assert found[key].dtype == np.asarray(value).dtype
        np.testing.assert_array_equal(found[key], value)
    assert read_metadata(path) == {"dose": 10}
    assert member_names(path) == [*arrays(), "_metadata"]


def test_npz_is_what_numpy_reads(tmp_path):
    write_npz(tmp_path / "a.npz", arrays())
    with np.load(tmp_path / "a.npz", allow_pickle=False) as found:
        np.testing.assert_array_equal(found["counts"], arrays()["counts"])


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_of_numpy_is_read(tmp_path, save):
    fortran = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    save(tmp_path / "a.npz", fortran=fortran, **arrays())
    found = read_npz(tmp_path / "a.npz")
    np.testing.assert_array_equal(found["fortran"], fortran)
    np.testing.assert_array_equal(found["counts"], arrays()["counts"])
    np.testing.assert_array_equal(open_frames(tmp_path / "a.npz"), arrays()["counts"])
    np.testing.assert_array_equal(open_frames(tmp_path / "a.npz", "fortran"), fortran)


def test_stream_equals_the_whole_array_and_lazy_members_come_after_it(tmp_path):
    counts, seen = arrays()["counts"], []

    def blocks():
        for start in (0, 2, 4):
            seen.append(start)
            yield counts[start : start + 2]

    stream = Stream(counts.shape, "uint32", blocks())
    write_npz(tmp_path / "a.npz", {"counts": stream, "blocks": lambda: np.array(seen)})
    write_npz(tmp_path / "b.npz", {"counts": counts, "blocks": np.array([0, 2, 4])})
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (np.zeros((2, 4, 5), np.uint32), r"a block has shape \(2, 4, 5\)"),
        (np.zeros((2, 4, 6), np.int64), "int64, needed"),
        (np.zeros((2, 4, 6), np.uint32), "2 entries were written, 5 announced"),
    ],
)
def test_wrong_block_is_refused_and_nothing_is_written(tmp_path, block, message):
    with pytest.raises(ValueError, match=message):
        write_npz(tmp_path / "a.npz", {"counts": Stream((5, 4, 6), "uint32", [block])})
    assert left_over(tmp_path) == []


def test_object_arrays_are_not_written(tmp_path):
    with pytest.raises(ValueError, match="allow_pickle"):
        write_npz(tmp_path / "a.npz", {"x": np.array([{}, None], dtype=object)})
    assert left_over(tmp_path) == []


def test_frames_are_mapped_read_only(tmp_path):
    write_npz(tmp_path / "a.npz", arrays())
    frames = open_frames(tmp_path / "a.npz")
    assert isinstance(frames, np.memmap)
    assert not frames.flags.writeable
    np.testing.assert_array_equal(frames, arrays()["counts"])


# --- NPZ damage -------------------------------------------------------------------------------------------------------


def test_flipped_bit_in_the_data_is_found_by_both_readers(tmp_path):
    path = tmp_path / "a.npz"
    write_npz(path, arrays())
    damaged = bytearray(path.read_bytes())
    damaged[damaged.index(arrays()["counts"].tobytes()) + 100] ^= 4
    path.write_bytes(damaged)
    for read in (read_npz, open_frames):
        with pytest.raises(DataError, match=r"a\.npz: key 'counts' cannot be read .*needed: a plain array"):
            read(path)


def test_any_flipped_byte_is_refused_or_changes_nothing(tmp_path):
    path, wanted = tmp_path / "a.npz", {"x": np.arange(40.0), "n": np.arange(3)}
    write_npz(path, wanted, {"a": 1})
    whole, rng, silent = path.read_bytes(), np.random.default_rng(1), 0
    for place in range(0, len(whole), 2):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        try:
            found = read_npz(path, ["x", "n"])
            np.testing.assert_array_equal(open_frames(path, "x"), wanted["x"])
            assert read_metadata(path) == {"a": 1}
        except DataError:
            continue
        silent += 1
        for key, value in wanted.items():
            np.testing.assert_array_equal(found[key], value)
    # What may change unnoticed is in the zip format's own records: time stamps, versions, sizes that are stored twice.
    assert silent < 0.3 * len(whole) / 2


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.6, 0.9, 0.999])
def test_truncated_file_is_refused(tmp_path, share):
    path = tmp_path / "a.npz"
    write_npz(path, arrays())
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    for read in (read_npz, open_frames, member_names):
        with pytest.raises(DataError, match=r"a\.npz: .*needed: a complete file"):
            read(path)


def test_zero_filled_and_missing_files_are_refused(tmp_path):
    (tmp_path / "a.npz").write_bytes(bytes(5000))
    with pytest.raises(DataError, match="not a zip archive or cut short"):
        read_npz(tmp_path / "a.npz")
    with pytest.raises(DataError, match=r"b\.npz: no such file"):
        read_npz(tmp_path / "b.npz")


def test_missing_key_names_file_key_and_what_is_there(tmp_path):
    write_npz(tmp_path / "a.npz", {"x": np.arange(3)})
    for read in (lambda p: read_npz(p, ["probeGuess"]), lambda p: open_frames(p, "probeGuess")):
        with pytest.raises(DataError, match=r"a\.npz: key 'probeGuess' is missing; found \['x'\], needed"):
            read(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("text", "message"), [("[1, 2]", "holds list, needed a JSON object"), ("{", "is not one JSON string")]
)
def test_metadata_that_is_no_json_object(tmp_path, text, message):
    np.savez(tmp_path / "a.npz", _metadata=np.array(text))
    with pytest.raises(DataError, match=message):
        read_metadata(tmp_path / "a.npz")


# --- NPZ malice -------------------------------------------------------------------------------------------------------


class _Trap:
    """Pickles to a call that leaves a mark."""

    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return (os.mkdir, (self.mark,))


def test_pickled_arrays_are_refused_and_not_run(tmp_path):
    mark = tmp_path / "ran"
    np.savez(tmp_path / "a.npz", x=np.array([_Trap(mark)], dtype=object))
    for read in (read_npz, lambda p: open_frames(p, "x")):
        with pytest.raises(DataError, match="key 'x' cannot be read .it holds pickled objects"):
            read(tmp_path / "a.npz")
    assert not mark.exists()


@pytest.mark.parametrize("name", ["/etc/x.npy", "../x.npy", "a/../../x.npy", "..\\x.npy", "C:\\x.npy"])
def test_names_outside_the_archive_are_refused(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr(name, npy(np.arange(3)))
    with pytest.raises(DataError, match="points outside the archive; refused"):
        read_npz(tmp_path / "a.npz")


def test_symbolic_link_is_refused(tmp_path):
    info = zipfile.ZipInfo("x.npy")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(DataError, match="'x.npy' is a symbolic link; refused"):
        read_npz(tmp_path / "a.npz")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_repeated_names_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", npy(np.arange(3)))
        archive.writestr("x.npy", npy(np.arange(4)))
    with pytest.raises(DataError, match="member names repeat"):
        read_npz(tmp_path / "a.npz")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_of_unbounded_memory_are_refused(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", method) as archive:
        archive.writestr("x.npy", npy(np.arange(3)))
    with pytest.raises(DataError, match="needed: stored or deflated"):
        read_npz(tmp_path / "a.npz")


def memory_of(call):
    import tracemalloc

    tracemalloc.start()
    try:
        with pytest.raises(DataError) as caught:
            call()
        return tracemalloc.get_traced_memory()[1], str(caught.value)
    finally:
        tracemalloc.stop()


def test_bombs_are_refused_before_they_are_unpacked(tmp_path):
    zeros = bytes(1 << 20)
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.npy", "w") as x:
        for _ in range(100):
            x.write(zeros)
    peak, message = memory_of(lambda: read_npz(tmp_path / "a.npz"))
    assert "would grow from" in message
    assert peak < 2 << 20  # two MiB for the directory and the message, against 100 MiB unpacked


def test_header_that_announces_more_than_is_there(tmp_path):
    # 8 TiB announced: NumPy's own reader would allocate them before it looks.
    header = memory.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (1 << 40,)})
    for name, start in (
        ("huge", header.getvalue()),
        ("negative", header.getvalue().replace(b"1099511627776", b"-1           ")),
    ):
        with zipfile.ZipFile(tmp_path / f"{name}.npz", "w") as archive:
            archive.writestr("x.npy", start + bytes(64))
        for read in (read_npz, lambda p: open_frames(p, "x")):
            peak, message = memory_of(lambda read=read, name=name: read(tmp_path / f"{name}.npz"))
            assert "its header announces float64" in message
            assert peak < 2 << 20


@pytest.mark.parametrize("junk", [b"(" * 9000, b"{'descr': [[[", b"\xff" * 50, b"{}", b"'''", b"  x\n x"])
def test_header_of_junk_is_refused(tmp_path, junk):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00" + len(junk).to_bytes(2, "little") + junk)
    with pytest.raises(DataError, match="key 'x' cannot be read"):
        read_npz(tmp_path / "a.npz")


# --- text -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_json_refuses_what_is_not_finite(tmp_path, value):
    with pytest.raises(DataError, match=r"a\.json: a value is not finite"):
        write_json(tmp_path / "a.json", {"x": [1.0, value]})
    assert left_over(tmp_path) == []


def test_json_round_trip_is_sorted(tmp_path):
    write_json(tmp_path / "a.json", {"b": 1, "a": [None, "Ångström", 0.1]})
    assert read_json(tmp_path / "a.json", ["a", "b"]) == {"a": [None, "Ångström", 0.1], "b": 1}
    assert (tmp_path / "a.json").read_text().index('"a"') < (tmp_path / "a.json").read_text().index('"b"')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"x": NaN}', "not valid JSON .NaN is not a number"),
        ('{"x": 1', "not valid JSON"),
        ("", "not valid JSON"),
        ('{"y": 1}', "key 'x' is missing"),
        ("[1]", "key 'x' is missing"),
    ],
)
def test_bad_json_is_refused(tmp_path, text, message):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError, match=rf"a\.json: {message}"):
        read_json(tmp_path / "a.json", ["x"])


@pytest.mark.parametrize("value", [None, "", float("nan"), -float("inf"), np.float32("nan"), np.float64("inf")])
def test_csv_refuses_blank_and_infinite_cells(tmp_path, value):
    with pytest.raises(DataError, match=r"a\.csv: column 'y' would"):
        write_csv(tmp_path / "a.csv", ["x", "y"], [{"x": 1, "y": value}])
    assert left_over(tmp_path) == []


def test_csv_round_trip(tmp_path):
    write_csv(tmp_path / "a.csv", ["x", "y"], [{"x": 1, "y": 1 / 3}, {"x": "a,b", "y": 2e-12}])
    rows = read_csv(tmp_path / "a.csv", ["x", "y"])
    assert rows == [{"x": "1", "y": "0.333333333"}, {"x": "a,b", "y": "2e-12"}]


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "the header is missing"), ("x\n1\n", "the header is"), ("x,y\n1\n", "line 2"), ("x,y\n1,2\n3,\n", "line 3")],
)
def test_bad_csv_is_refused(tmp_path, text, message):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError, match=rf"a\.csv: {message}"):
        read_csv(tmp_path / "a.csv", ["x", "y"])


def test_text_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot be read as text"):
        read_text(tmp_path / "a.txt")


# --- the model bundle -------------------------------------------------------------------------------------------------

RECORDS = {
    "config": {"n": 4, "frames": 2, "seed": 1, "kind": "pinn", "options": {"width": 2}},
    "normalization": {"input_scale": 0.5},
    "provenance": {"versions": {}, "outcome": {"status": "ok", "reason": "all epochs done", "statistics": {}}},
}


def write_bundle(path):
    weights = {"layer/kernel": arrays()["ycoords"].astype(np.float32), "layer/step": np.float32(0.25)}
    bundle.write_bundle(path, weights=weights, probe=arrays()["probe"], **RECORDS)
    return weights


def test_bundle_round_trip_and_fixed_bytes(tmp_path):
    weights = write_bundle(tmp_path / "a.zip")
    write_bundle(tmp_path / "b.zip")
    found = read_bundle(tmp_path / "a.zip")
    assert {key: found[key] for key in RECORDS} == RECORDS
    np.testing.assert_array_equal(found["probe"], arrays()["probe"])
    assert sorted(found["weights"]) == sorted(weights)
    for key, value in weights.items():
        np.testing.assert_array_equal(found["weights"][key], value)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_any_flipped_byte_of_a_bundle_is_refused_or_changes_nothing(tmp_path):
    path = tmp_path / "a.zip"
    weights = write_bundle(path)
    whole = path.read_bytes()
    for place in range(0, len(whole), 11):
        damaged = bytearray(whole)
        damaged[place] ^= 16
        path.write_bytes(damaged)
        try:
            found = read_bundle(path)
        except DataError as error:
            assert str(path) in str(error)
            continue
        assert {key: found[key] for key in RECORDS} == RECORDS
        for key, value in weights.items():
            np.testing.assert_array_equal(found["weights"][key], value)


@pytest.mark.parametrize("share", [0.0, 0.4, 0.99])
def test_truncated_bundle_is_refused(tmp_path, share):
    write_bundle(tmp_path / "a.zip")
    whole = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataError, match=r"a\.zip: .*needed: a complete"):
        read_bundle(tmp_path / "a.zip")


@pytest.mark.parametrize("name", ["model.keras", "config.pkl", "../config.json"])
def test_extra_members_are_refused(tmp_path, name):
    write_bundle(tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip", "a") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(DataError, match=r"holds exactly|points outside"):
        read_bundle(tmp_path / "a.zip")


def test_missing_member_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in MEMBERS[1:]:
            archive.writestr(name, b"{}")
    with pytest.raises(DataError, match="a bundle holds exactly"):
        read_bundle(tmp_path / "a.zip")


def hdf5_bytes(fill):
    buffer = memory.BytesIO()
    with h5py.File(buffer, "w") as file:
        fill(file)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("fill", "message"),
    [
        # Never written, so it takes no room in the file; a plain read would allocate 512 GiB.
        (lambda file: file.create_dataset("w", (1 << 36,), "f8", chunks=(1024,)), "would grow from"),
        (lambda file: file.create_dataset("w", (8,), "f8", external=[("/etc/hostname", 0, 64)]), "in another file"),
        (lambda file: file.create_dataset("w", data=["a", "b"]), "needed: numbers"),
    ],
)
def test_hostile_weights_are_refused(tmp_path, fill, message):
    write_bundle(tmp_path / "a.zip")
    rewrite(tmp_path / "a.zip", tmp_path / "b.zip", {"weights.h5": hdf5_bytes(fill)})
    peak, text = memory_of(lambda: read_bundle(tmp_path / "b.zip"))
    assert "b.zip" in text and message in text
    assert peak < 2 << 20


def test_links_to_other_files_are_not_followed(tmp_path):
    write_bundle(tmp_path / "a.zip")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["secret"] = np.arange(3)
    linked = hdf5_bytes(lambda file: file.update({"w": h5py.ExternalLink(str(tmp_path / "other.h5"), "secret")}))
    rewrite(tmp_path / "a.zip", tmp_path / "b.zip", {"weights.h5": linked})
    with pytest.raises(DataError, match=r"b\.zip: key 'w' is a link"):
        read_bundle(tmp_path / "b.zip")


@pytest.mark.parametrize(
    "change",
    [
        {"probe.npy": npy(np.array([{}], dtype=object), allow_pickle=True)},
        {"config.json": b"import os"},
        {"config.json": b"[" * 100_000},
        {"weights.h5": b"not hdf5"},
        {"probe.npy": b""},
    ],
)
def test_hostile_members_are_refused(tmp_path, change):
    write_bundle(tmp_path / "a.zip")
    rewrite(tmp_path / "a.zip", tmp_path / "b.zip", change)
    with pytest.raises(DataError, match=r"b\.zip: damaged bundle"):
        read_bundle(tmp_path / "b.zip")


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_picture_is_stretched_to_one_and_flat_ones_are_refused(tmp_path):
    from skimage.io import imsave

    imsave(tmp_path / "a.png", np.array([[0, 51], [102, 204]], np.uint8), check_contrast=False)
    # Eight-bit levels over their span of 204: quarters to within rounding.
    np.testing.assert_allclose(read_image(tmp_path / "a.png"), [[0, 0.25], [0.5, 1]], atol=1e-12)
    imsave(tmp_path / "grey.png", np.array([[51, 102], [153, 255]], np.uint8), check_contrast=False)
    np.testing.assert_allclose(read_image(tmp_path / "grey.png"), [[0, 0.25], [0.5, 1]], atol=1e-12)
    imsave(tmp_path / "flat.png", np.full((2, 2), 7, np.uint8), check_contrast=False)
    with pytest.raises(DataError, match=r"flat\.png: a picture .*needed: two axes and contrast"):
        read_image(tmp_path / "flat.png")
    (tmp_path / "no.png").write_text(json.dumps({}))
    with pytest.raises(DataError, match=r"no\.png: cannot be read as a picture"):
        read_image(tmp_path / "no.png")


def test_colours_become_luminance_and_transparency_white(tmp_path):
    from PIL import Image

    colours = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [0, 0, 0]]], np.uint8)
    Image.fromarray(colours).save(tmp_path / "rgb.png")
    # ITU-R BT.709 over its largest part here, that of green.
    wanted = np.array([[0.2125, 0.7154], [0.0721, 0]]) / 0.7154
    np.testing.assert_allclose(read_image(tmp_path / "rgb.png"), wanted, atol=1e-12)
    seen = np.array([[255, 255], [0, 255]], np.uint8)
    Image.fromarray(np.dstack([colours, seen])).save(tmp_path / "rgba.png")
    wanted = np.array([[0.2125, 0.7154], [1.0, 0]])
    np.testing.assert_allclose(read_image(tmp_path / "rgba.png"), wanted, atol=1e-12)


@pytest.mark.parametrize(("dtype", "suffix"), [(np.uint16, "png"), (np.uint16, "tif"), (np.float32, "tif")])
def test_deep_pictures_keep_their_levels(tmp_path, dtype, suffix):
    from PIL import Image

    levels = np.array([[0, 1], [1000, 65535]], dtype)
    Image.fromarray(levels).save(tmp_path / f"a.{suffix}")
    np.testing.assert_allclose(read_image(tmp_path / f"a.{suffix}"), levels / 65535.0, atol=1e-12)


# --- photons and places of a user's scan ------------------------------------------------------------------------------


def save_scan(path, frames, key="diffraction", **changes):
    k, n = len(frames), frames.shape[-1]
    scan = {"xcoords": np.arange(k) * 3.0, "ycoords": np.arange(k) * 2.0, "probeGuess": np.ones((n, n), np.complex64)}
    np.savez(path, **(scan | {key: frames} | changes))


def counts_of(largest):
    """Return whole counts on three frames, up to the largest, small ones among them."""
    rng = np.random.default_rng(4)
    counts = rng.integers(0, largest, (3, 8, 8))
    counts[0, 0, :4] = (0, 1, 2, largest)
    return counts


@pytest.mark.parametrize("largest", [3, 10**4, 10**7, 2**31])
def test_amplitudes_in_single_precision_are_counts_to_their_own_rounding(tmp_path, largest):
    counts = counts_of(largest)
    save_scan(tmp_path / "a.npz", np.sqrt(counts).astype(np.float32))
    found = read_user_scan(tmp_path / "a.npz", measurement="amplitude")["counts"]
    # The square of a number rounded to 24 bits is off by 2^-23 of itself, and then rounded to a whole one.
    np.testing.assert_allclose(found.astype(float), counts, rtol=2.0**-23, atol=0.5)
    assert np.array_equal(found[counts < 10**6], counts[counts < 10**6])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("largest", "fraction"), [(10, 0.5), (10**4, 0.25), (10**6, 0.5)])
def test_fractions_are_refused_however_large_the_count(tmp_path, dtype, largest, fraction):
    """Half a photon on a million was let pass by a tolerance that grew with the count."""
    counts = counts_of(largest).astype(dtype)
    save_scan(tmp_path / "whole.npz", counts)
    assert np.array_equal(read_user_scan(tmp_path / "whole.npz", measurement="intensity")["counts"], counts)
    counts[2] = largest + fraction
    save_scan(tmp_path / "a.npz", counts)
    with pytest.raises(DataError, match=r"'diffraction' read as intensity gives fractional photons .off by 0\."):
        read_user_scan(tmp_path / "a.npz", measurement="intensity")


def test_long_stacks_are_looked_at_to_the_end(tmp_path):
    frames = np.zeros((700, 2, 2))
    frames[0, 0, 0], frames[-1, 1, 1] = 1, 5
    save_scan(tmp_path / "a.npz", frames)
    found = read_user_scan(tmp_path / "a.npz", measurement="counts")["counts"]
    assert np.array_equal(found, frames)
    for bad, message in ((np.nan, "NaN"), (-1, "negative"), (0.5, "fractional"), (2.0**33, "largest count")):
        frames[-1, 1, 1] = bad
        save_scan(tmp_path / "a.npz", frames)
        with pytest.raises(DataError, match=message):
            read_user_scan(tmp_path / "a.npz", measurement="counts")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"xcoords": np.arange(3) * 1e-7, "ycoords": np.arange(3) * 1e-7}, "needed: object pixels, not metres"),
        ({"xcoords": np.arange(3) * 1e6, "ycoords": np.arange(3) * 1e6}, "needed: object pixels, and at most"),
        ({"xcoords": np.array([-1.7e308, 0, 1.7e308])}, r"holds 1\.7e\+308; needed: positions"),
        ({"probeGuess": np.full((8, 8), 1e300 + 0j)}, "'probeGuess' holds 64 values that are NaN or infinite"),
        ({"probeGuess": np.full((8, 8), 1e-300 + 0j)}, "'probeGuess' is all zero"),
        ({"objectGuess": np.full((40, 40), 1e300 + 0j)}, "'objectGuess' holds 1600 values that are NaN or infinite"),
    ],
)
def test_units_and_range_of_a_scan(tmp_path, changes, message):
    save_scan(tmp_path / "a.npz", np.ones((3, 8, 8), np.uint8), "counts", **changes)
    with pytest.raises(DataError, match=message):
        read_user_scan(tmp_path / "a.npz")


def test_sum_of_a_file(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1.
    assert sha256_of(tmp_path / "a").startswith("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f2")
    with pytest.raises(DataError, match="no such file"):
        sha256_of(tmp_path / "b")
    with pytest.raises(DataError, match="is no plain file"):
        sha256_of(tmp_path)
