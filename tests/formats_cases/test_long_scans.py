"""Scans too long for memory: their frames lie in files, and what is made of them is the same to the byte."""

import functools
from pathlib import Path

import h5py
import numpy as np
import pytest
from known_scan import N, known_scan, run_base
from test_foreign_fuzz import CASES as PROGRAMS
from test_foreign_fuzz import FORMATS, write

from ptychostudy.formats.frames import FRAME_KEYS
from ptychostudy.formats.readers import load_user_file
from ptychostudy.intake.any_file import look_into
from ptychostudy.intake.first_pass import structure
from ptychostudy.intake.pixel_sums import pixel_sums
from ptychostudy.intake.scan_layout import islands
from ptychostudy.intake.zero_frequency import calm, mean_light
from ptychostudy.io import mapped, spool
from ptychostudy.io.mapped import Mapped
from ptychostudy.stages.convert import run as convert
from ptychostudy.writing.writers import WRITERS

PACKED = {"chunks": (3, 8, N), "compression": "gzip"}


def hdf5(scan, **options):
    """Write a scan, its frames in some layout."""
    with h5py.File("scan.h5", "w") as file:
        for key, value in scan.items():
            file.create_dataset(key, data=value, **(options if np.ndim(value) > 2 else {}))
    return "scan.h5"


def npz(scan, save=np.savez):
    save("scan.npz", **scan)
    return "scan.npz"


def with_frames(change, key="counts"):
    scan = known_scan()
    counts = scan.pop("counts")
    return {**scan, key: change(counts)}


def spoilt(counts):
    """Frames with a full, a hot and a stuck pixel, and with an empty and a saturated frame."""
    frames = counts.astype(np.uint16)
    frames[:, 7, 7] = 65535
    frames[:, 3, 28] += 9000
    frames[:, 20, 9] = 500
    frames[17] = 0
    frames[40, 12, 12] = 65535
    return frames


def on_detector(counts):
    """Frames of a detector of other sides, of which some pixels are no numbers."""
    frames = np.zeros((len(counts), 40, 36), np.float32)
    frames[:, 5 : 5 + N, 1 : 1 + N] = np.sqrt(counts)
    frames[:, 0, 0] = np.nan
    return frames


def matlab():
    scan = known_scan()
    written = {key: value[None] for key, value in scan.items() if key.endswith("coords")}
    with h5py.File("scan.mat", "w", userblock_size=512) as file:
        file["probeGuess"] = scan["probeGuess"]
        for key, value in {**written, "counts": scan["counts"].transpose(2, 1, 0)}.items():
            file[key] = value
            file[key].attrs["MATLAB_class"] = np.bytes_("double")
    return "scan.mat"


def masks():
    each = np.zeros((80, N, N), np.uint8)
    each[5:, 4, 4] = 1
    return {**known_scan(), "bad_pixels": np.moveaxis(each, 0, -1)}


CASES = {
    "hdf5 in one piece": lambda: (hdf5(known_scan()), {}),
    "hdf5 of the other endianness": lambda: (hdf5(with_frames(lambda c: c.astype(">u2"))), {}),
    "hdf5 packed": lambda: (hdf5(known_scan(), **PACKED), {}),
    "npz": lambda: (npz(known_scan()), {}),
    "npz packed": lambda: (npz(known_scan(), np.savez_compressed), {}),
    "npz in the order of Fortran": lambda: (npz(with_frames(np.asfortranarray), np.savez_compressed), {}),
    "frames last": lambda: (hdf5(with_frames(lambda c: np.moveaxis(c, 0, -1)), **PACKED), {"axes": "HWN"}),
    "a grid": lambda: (npz(with_frames(lambda c: c.reshape(10, 8, N, N))), {}),
    "matlab": lambda: (matlab(), {}),
    "bad pixels and frames": lambda: (hdf5(with_frames(spoilt), **PACKED), {"drop_frames": "auto"}),
    "frames left out by name": lambda: (npz(known_scan()), {"drop_frames": [0, 7, 79]}),
    "another detector": lambda: (
        hdf5(with_frames(on_detector, "diffraction")),
        {"measurement": "amplitude"},
    ),
    "in the corner": lambda: (npz(with_frames(lambda c: np.fft.ifftshift(c, axes=(1, 2)))), {}),
    "a mask for each frame": lambda: (npz(masks()), {}),
    "turned": lambda: (npz(known_scan()), {"orient_frames": ["exchanged"], "accept": ["geometry"]}),
    "units of a detector": lambda: (
        npz(with_frames(lambda c: c * 2.5 + 10, "diffraction")),
        {"measurement": "intensity", "gain": 2.5, "background": 10},
    ),
}


@pytest.fixture
def in_files(monkeypatch):
    """Return a function after which any stack lies in a file; and the list of those that were made."""
    made = []
    reserve = spool._reserve

    def switch():
        monkeypatch.setattr(spool, "LONG_BYTES", 0)
        # A frame has 4096 bytes; no block is all of a scan of 80. (By 16, products of a matrix are those of all rows.)
        monkeypatch.setattr(mapped, "FRAMES", 16)
        for module in ("spool", "hdf5_stacks"):
            monkeypatch.setattr(f"ptychostudy.io.{module}._BLOCK_BYTES", 10_000)
        monkeypatch.setattr(spool, "_reserve", lambda file, size: made.append(size) or reserve(file, size))
        return made

    return switch


@pytest.mark.parametrize("case", CASES)
def test_what_is_taken_in_is_the_same(folder, in_files, caplog, case):
    path, settings = CASES[case]()
    assert run_base(path, **settings) == 0
    right, said = Path("base.npz").read_bytes(), caplog.messages[:]
    caplog.clear()
    made = in_files()
    assert run_base(path, **settings) == 0
    assert Path("base.npz").read_bytes() == right
    assert caplog.messages == said
    # The counts, at the least.
    assert max(made) >= 77 * 4 * N**2


@pytest.mark.parametrize("format", WRITERS)
def test_what_is_written_is_the_same(folder, in_files, capsys, format):
    rows, cols = (int(known_scan()[key].max()) + N for key in ("ycoords", "xcoords"))
    scan = {**known_scan(), "objectGuess": np.ones((rows, cols), np.complex64)}
    path, output = Path(npz(scan)), Path(f"out{WRITERS[format].SUFFIX}")
    assert convert([path], output=output, format=format) == 0
    right, said = output.read_bytes(), capsys.readouterr().out
    in_files()
    assert convert([path], output=output, format=format) == 0
    assert output.read_bytes() == right
    if format == "ptychopinn":
        roots = np.sqrt(known_scan()["counts"]).astype(np.float32)
        np.testing.assert_array_equal(np.load(output)["diff3d"], roots)
    assert capsys.readouterr().out == said


@pytest.mark.parametrize("case", ["hdf5 in one piece", "hdf5 packed", "npz", "npz packed"])
def test_frames_are_not_read_into_memory(folder, in_files, case):
    path, _ = CASES[case]()
    made = in_files()
    file, _ = look_into([path])
    counts = file.arrays["counts"]
    assert isinstance(counts, Mapped) and counts._mmap is not None
    # What lies in its file as it would in memory stays there; a file is looked at, and then read.
    assert len(made) == 2 * ("packed" in case)
    np.testing.assert_array_equal(counts, known_scan()["counts"])


def test_the_mean_frame_does_not_depend_on_blocks():
    light = np.random.default_rng(0).normal(5, 1, (600, 9, 7)).astype(np.float32)
    expected = np.maximum(light.astype(np.float64) ** 2 - 0.3, 0.0).sum(axis=0) / 600
    np.testing.assert_array_equal(mean_light(light, True, np.inf, 0.3), calm(expected))


def test_sums_of_pixels_are_of_all_blocks():
    counts = np.random.default_rng(0).integers(0, 50, (600, 5, 4)).astype(np.uint32)
    # Where a pixel counts most and least is in another block each.
    counts[3], counts[300, 0], counts[599, :, 0] = 100, 101, 102
    counts[300, 1], counts[599, 1, 1] = 0, 0
    sums = pixel_sums(counts)
    np.testing.assert_array_equal(sums.most, counts.max(axis=0))
    np.testing.assert_array_equal(sums.least, counts.min(axis=0))
    np.testing.assert_array_equal(sums.total, counts.sum(axis=0))


def test_structure_is_of_all_blocks():
    counts = np.random.default_rng(0).poisson(3, (600, 16, 16)).astype(np.uint32)
    counts[[5, 590], :8] = 0
    coarse = np.sqrt(counts.reshape(600, -1))
    mean = coarse.mean(axis=0)
    expected = 1 - coarse @ mean / np.linalg.norm(coarse, axis=1) / np.linalg.norm(mean)
    # Of sums of 256 products.
    np.testing.assert_allclose(structure(counts), expected, rtol=0, atol=1e-14)
    assert set(np.argsort(expected)[-2:]) == {5, 590}


def test_parts_of_a_scan_do_not_depend_on_blocks(monkeypatch):
    rng = np.random.default_rng(0)
    each = [rng.uniform(0, 60, (300, 2)) + corner for corner in ([0, 0], [0, 200], [200, 200])]
    positions = rng.permutation(np.concatenate(each))
    right = islands(positions, 18.0)
    assert [len(part) for part in right] == [300, 300, 300]
    monkeypatch.setattr("ptychostudy.intake.scan_layout._PLACES", 5)
    for part, expected in zip(islands(positions, 18.0), right, strict=True):
        np.testing.assert_array_equal(part, expected)


def test_no_room_is_said(folder, monkeypatch, capsys, in_files):
    path = hdf5(known_scan(), **PACKED)
    in_files()

    def full(file, size):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spool, "_reserve", full)
    assert run_base(path) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "no room for frames that are too many for memory (No space left on device)" in said
    assert "needed: 0 MB in this folder for temporary files, or TMPDIR set to a folder that has as much" in said


# --- formats of programs ----------------------------------------------------------------------------------------------


def masters():
    """Write files whose frames lie in others: as sources of a virtual dataset, and numbered."""
    counts = known_scan()["counts"]
    scan = {key: value for key, value in known_scan().items() if key != "counts"}
    for number, some in enumerate((counts[:50], counts[50:])):
        with h5py.File(f"part_{number}.h5", "w") as file:
            file["x"] = some
    with h5py.File("virtual.h5", "w") as file:
        layout = h5py.VirtualLayout(counts.shape, np.uint32)
        layout[:50] = h5py.VirtualSource("part_0.h5", "x", (50, N, N))
        # A frame at a time, as some detectors write them.
        for index in range(50, 80):
            layout[index] = h5py.VirtualSource("part_1.h5", "x", (30, N, N))[index - 50]
        file.create_virtual_dataset("counts", layout)
        for key, value in scan.items():
            file[key] = value
    with h5py.File("master.h5", "w") as file:
        for number in range(2):
            file[f"entry/data/data_{number:06d}"] = h5py.ExternalLink(f"part_{number}.h5", "x")
    return ["virtual.h5", "master.h5"]


def written(name, suffix):
    """Write the file of a program; of PtyLab's its frames lie every way at once."""
    entries = FORMATS[name][0]()
    write(f"a.{suffix}", entries | ({"orientation": 7} if name == "PtyLab" else {}))
    return [f"a.{suffix}"]


FILES = {"masters": masters}
FILES |= {f"{name} {suffix}": functools.partial(written, name, suffix) for name, suffix in PROGRAMS}


@pytest.mark.parametrize("case", FILES)
def test_formats_read_the_same(folder, in_files, case):
    paths = FILES[case]()
    right = {path: load_user_file(path).arrays for path in paths}
    in_files()
    for path, arrays in right.items():
        found = load_user_file(path).arrays
        assert list(found) == list(arrays)
        for key, array in arrays.items():
            assert found[key].dtype == array.dtype
            np.testing.assert_array_equal(found[key], array)
        # And stay in files, whatever is done to them.
        frames = [found[key] for key in FRAME_KEYS if key in found]
        assert all(isinstance(each, Mapped) and each._mmap is not None for each in frames)
