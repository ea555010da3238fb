"""Files as programs write them: by content not by name, nested, of MATLAB, behind links, packed by detectors."""

import os
import re
import sys

import h5py
import hdf5plugin
import numpy as np
import pytest
from known_scan import N, known_scan, object_of, save

from ptychostudy.formats.readers import load_user_file
from ptychostudy.io.atomic import DataError


def without_counts(path):
    """Write an HDF5 file with everything but frames; return it open."""
    save(path, {key: value for key, value in known_scan().items() if key != "counts"})
    return h5py.File(path, "r+")


# --- by content -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.h5", "a.cxi", "a.nxs", "a.mat", "a.emd", "a.hdf", "a.npz", "a", "a.H5.bak"])
def test_hdf5_under_any_name(taken, same, folder, name):
    save("scan.h5", known_scan())
    os.rename("scan.h5", name)
    same(taken(name)[0])


@pytest.mark.parametrize("name", ["a.npz", "a.h5", "a.cxi", "a.zip", "a"])
def test_npz_under_any_name(taken, same, folder, name):
    save("scan.npz", known_scan())
    os.rename("scan.npz", name)
    same(taken(name)[0])


@pytest.mark.parametrize("block", [512, 1024, 4096])
def test_hdf5_behind_a_user_block(taken, same, folder, block):
    with h5py.File("a.mat", "w", userblock_size=block) as file:
        for key, value in known_scan().items():
            file[key] = value
    same(taken("a.mat")[0])


@pytest.mark.parametrize("name", ["a.cxi", "a.txt", "a"])
def test_what_is_neither(refused, folder, name):
    (folder / name).write_text("xcoords ycoords\n1 2\n")
    assert "is neither an NPZ nor an HDF5 file" in refused(name)


# --- what else is in it -----------------------------------------------------------------------------------------------


def test_nested_data_are_named_with_their_shapes(refused, folder):
    with h5py.File("a.cxi", "w") as file:
        file["run_1/frames/data"] = known_scan()["counts"]
        file["run_1/stage/place"] = np.zeros((80, 3))
        file["run_1/soft"] = h5py.SoftLink("/run_1/frames/data")
        file.create_group("run_1/empty")
        file["probeGuess"] = known_scan()["probeGuess"]
    message = refused("a.cxi")
    for part in (
        "key 'xcoords' is missing",
        "probeGuess (32, 32) complex64",
        "run_1/frames/data (80, 32, 32) uint32",
        "run_1/stage/place (80, 3) float64",
        "run_1/soft (a link)",
        "run_1/empty (an empty group)",
        "base.npz.keys: {xcoords: path/in/the/file}",
    ):
        assert part in message


def test_a_group_in_itself_and_endless_groups_end(folder):
    with h5py.File("a.h5", "w") as file:
        group = file
        for _ in range(12):
            inner = group.create_group("g")
            for name in range(40):
                group[f"again{name}"] = inner
            group = inner
        group["round"] = file["g"]
    with pytest.raises(DataError, match="'xcoords' is missing"):
        from ptychostudy.intake.user import read_user_scan

        read_user_scan("a.h5")
    assert len(load_user_file("a.h5").others) < 100


@pytest.mark.parametrize("suffix", ["npz", "h5"])
def test_keys_that_are_not_used_are_named(taken, same, folder, suffix):
    extra = {"scan_index": np.arange(80), "dark": np.zeros((N, N)), "objectGuess": object_of((100, 90))}
    save(f"a.{suffix}", known_scan() | extra)
    arrays, changes, said = taken(f"a.{suffix}")
    same(arrays)
    (line,) = [text for text in said.split("a." + suffix + ": ") if "not used" in text]
    assert all(name in line for name in extra) and "counts" not in line and changes == {}


def test_frames_that_simulation_does_not_use_are_named(taken, folder):
    scan = known_scan() | {"objectGuess": object_of((100, 90)), "dark": np.zeros((N, N))}
    _, _, said = taken(scan, frames="simulate")
    assert "not used of this file: counts, dark" in said


# --- MATLAB -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [("real", "imag"), ("r", "i")])
@pytest.mark.parametrize("kind", ["f4", "f8", ">f8"])
def test_complex_numbers_as_pairs(taken, folder, names, kind):
    scan = known_scan()
    pair = np.empty((N, N), [(name, kind) for name in names])
    for name, part in zip(names, (scan["probeGuess"].real, scan["probeGuess"].imag), strict=True):
        pair[name] = part
    save("a.h5", scan | {"probeGuess": pair})
    arrays, _, _ = taken("a.h5")
    np.testing.assert_array_equal(arrays["probeGuess"], scan["probeGuess"])


@pytest.mark.parametrize(
    "fields", [[("real", "f4")], [("real", "f4"), ("imag", "f8")], [("real", "i4"), ("imag", "i4")]]
)
def test_other_compounds_are_refused(refused, folder, fields):
    save("a.h5", known_scan() | {"probeGuess": np.zeros((N, N), fields)})
    assert "needed: numbers" in refused("a.h5")


def test_what_matlab_wrote_is_turned_and_said(taken, same, folder):
    """MATLAB's first axis stands last in the file; vectors have two axes."""
    scan = known_scan()
    probe = np.empty((N, N), [("real", "f8"), ("imag", "f8")])
    probe["real"], probe["imag"] = scan["probeGuess"].real.T, scan["probeGuess"].imag.T
    written = {
        "ycoords": scan["ycoords"][None],
        "xcoords": scan["xcoords"][:, None],
        "probeGuess": probe,
        "counts": scan["counts"].transpose(2, 1, 0),
    }
    with h5py.File("a.mat", "w", userblock_size=512) as file:
        for key, value in written.items():
            file[key] = value
            file[key].attrs["MATLAB_class"] = np.bytes_("double")
    arrays, _, said = taken("a.mat")
    same(arrays)
    assert "written by MATLAB, so axes are taken in reverse:" in said and "counts" in said


# --- links ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def frames(folder):
    """Write frames into a file and one below, and the same outside of the folder; return the folder."""
    hub = folder / "hub"
    (hub / "parts").mkdir(parents=True)
    counts = known_scan()["counts"]
    for path in ("hub/frames.h5", "hub/parts/frames.h5", "outside.h5"):
        with h5py.File(path, "w") as file:
            file["entry/data"] = counts
            file["soft"] = h5py.SoftLink("/entry/data")
    (hub / "way_out.h5").symlink_to(folder / "outside.h5")
    os.mkfifo(hub / "pipe.h5")
    return hub


@pytest.mark.parametrize("name", ["frames.h5", "./frames.h5", "parts/frames.h5", "parts/../frames.h5"])
def test_a_link_within_the_folder_is_followed(taken, same, frames, name):
    with without_counts("hub/a.h5") as file:
        file["counts"] = h5py.ExternalLink(name, "/entry/data")
    same(taken("hub/a.h5")[0])


OUTSIDE = "outside of its folder"
LINKS = {
    "../outside.h5": OUTSIDE,
    "parts/../../outside.h5": OUTSIDE,
    "/etc/hostname": OUTSIDE,
    "way_out.h5": OUTSIDE,
    "": OUTSIDE,
    "missing.h5": "which is not there; needed: missing.h5 in the folder of",
    "pipe.h5": "is no plain file",
    "parts": "is no plain file",
    "frames.h5": "'counts' is a link to 'frames.h5', which has no dataset",
}


@pytest.mark.parametrize("name", LINKS)
def test_other_links_are_refused_by_name(refused, frames, name):
    with without_counts("hub/a.h5") as file:
        file["counts"] = h5py.ExternalLink(name or ".", "/counts")
    message = refused("hub/a.h5") if name not in ("pipe.h5", "parts") else refused_elsewhere("hub/a.h5")
    assert LINKS[name] in message and (name in message)


def refused_elsewhere(path):
    """Return the refusal of a scan that names the file to which it leads."""
    with pytest.raises(DataError) as error:
        load_user_file(path)
    return str(error.value)


@pytest.mark.parametrize("inner", ["/soft", "/entry", "/entry/data/deeper", "/"])
def test_what_a_link_leads_to_must_be_a_dataset(frames, inner):
    with without_counts("hub/a.h5") as file:
        file["counts"] = h5py.ExternalLink("frames.h5", inner)
    assert f"which has no dataset {inner!r} of its own" in refused_elsewhere("hub/a.h5")


def virtual(path, sources, shape=(80, N, N), places=None):
    """Write a scan of which the frames are a virtual dataset over some files, each with an equal share of them."""
    with without_counts(path) as file:
        layout = h5py.VirtualLayout(shape, np.uint32)
        share = shape[0] // len(sources)
        for index, name in enumerate(sources):
            source = h5py.VirtualSource(name, "entry/data", (80, N, N))
            part = places[index] if places else np.s_[index * share : (index + 1) * share]
            layout[part] = source[part]
        file.create_virtual_dataset("counts", layout)


@pytest.mark.parametrize("sources", [["frames.h5"], ["frames.h5", "parts/frames.h5"], ["frames.h5"] * 4], ids=len)
def test_a_virtual_dataset_is_put_together(taken, same, frames, sources):
    virtual("hub/a.h5", sources)
    same(taken("hub/a.h5")[0])


def over(path, name, inner):
    """Write a virtual dataset of all frames over a dataset of another file."""
    with h5py.File(path, "w") as file:
        layout = h5py.VirtualLayout((80, N, N), np.uint32)
        layout[:] = h5py.VirtualSource(name, inner, (80, N, N))
        file.create_virtual_dataset("entry/data", layout)


@pytest.mark.parametrize("linked", [False, True])
def test_virtual_datasets_over_virtual_datasets(taken, same, frames, linked):
    """As facilities lay one over the master of a detector; the inner one counts from its own folder."""
    over("hub/parts/over.h5", "frames.h5", "entry/data")
    over("hub/more.h5", "parts/over.h5", "entry/data")
    with without_counts("hub/a.h5") as file:
        if linked:
            file["counts"] = h5py.ExternalLink("more.h5", "/entry/data")
        else:
            layout = h5py.VirtualLayout((80, N, N), np.uint32)
            layout[:] = h5py.VirtualSource("more.h5", "entry/data", (80, N, N))
            file.create_virtual_dataset("counts", layout)
    same(taken("hub/a.h5")[0])


def test_a_virtual_dataset_over_its_own_file(taken, same, folder):
    """h5py writes the name of the file itself as a dot; here frame by frame."""
    counts = known_scan()["counts"]
    with without_counts("a.h5") as file:
        own = file.create_dataset("entry/data", data=counts)
        layout = h5py.VirtualLayout(counts.shape, np.uint32)
        for frame in range(len(counts)):
            layout[frame] = h5py.VirtualSource(own)[frame]
        file.create_virtual_dataset("counts", layout)
        assert {source.file_name for source in file["counts"].virtual_sources()} == {"."}
    same(taken("a.h5")[0])


def test_virtual_datasets_in_a_circle_and_out_of_the_inner_folder(frames):
    over("hub/one.h5", "two.h5", "entry/data")
    over("hub/two.h5", "one.h5", "entry/data")
    with without_counts("hub/a.h5") as file:
        file["counts"] = h5py.ExternalLink("one.h5", "/entry/data")
    assert "and so on for more than 4 files" in refused_elsewhere("hub/a.h5")
    over("hub/parts/up.h5", "../frames.h5", "entry/data")
    with h5py.File("hub/a.h5", "r+") as file:
        del file["counts"]
        file["counts"] = h5py.ExternalLink("parts/up.h5", "/entry/data")
    assert OUTSIDE in refused_elsewhere("hub/a.h5")


@pytest.mark.parametrize(
    ("sources", "places", "part"),
    [
        (["../outside.h5"], None, OUTSIDE),
        (["way_out.h5"], None, OUTSIDE),
        (["frames.h5", "missing.h5"], None, "which is not there; needed: missing.h5"),
        (["frames.h5"], [np.s_[:70]], "leave gaps or overlap"),
        (["frames.h5", "frames.h5"], [np.s_[:50], np.s_[40:]], "leave gaps or overlap"),
        (["frames.h5"], [np.s_[::2]], "in pieces that are no blocks"),
    ],
    ids=["outside", "linked outside", "missing", "gap", "overlap", "strides"],
)
def test_other_virtual_datasets_are_refused(refused, frames, sources, places, part):
    virtual("hub/a.h5", sources, places=places)
    assert part in refused("hub/a.h5")


# --- packed by detectors ----------------------------------------------------------------------------------------------

BITSHUFFLE, LZ4 = 32008, (0, 4, 4, 0, 2)


def packed_as_detectors_do(path, counts, chunks):
    """Write frames with the filter of detectors set, and chunks of bytes that are not looked at."""
    with without_counts(path) as file:
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk(chunks)
        plan.set_filter(BITSHUFFLE, h5py.h5z.FLAG_OPTIONAL, LZ4)
        space = h5py.h5s.create_simple(counts.shape)
        item = h5py.h5d.create(file.id, b"counts", h5py.h5t.NATIVE_UINT32, space, plan)
        for first in range(0, len(counts), chunks[0]):
            item.write_direct_chunk((first, 0, 0), b"\0" * 8 + b"\0\0\x20\0" + b"\1" * 40)


def test_the_plugin_that_is_missing_is_named(refused, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "hdf5plugin", None)
    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda code: False)  # what a test before this one registered
    packed_as_detectors_do("a.h5", known_scan()["counts"], (1, N, N))
    message = refused("a.h5")
    assert "key 'counts' is packed by" in message and "pip install hdf5plugin" in message


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("kind", [np.uint16, np.uint32, np.float64])
def test_what_h5py_packs_by_itself_is_read(taken, same, folder, shuffle, kind):
    counts = known_scan()["counts"]
    with without_counts("a.h5") as file:
        file.create_dataset("counts", data=counts.astype(kind), compression="lzf", shuffle=shuffle, fletcher32=shuffle)
    same(taken("a.h5", measurement="counts")[0])


def test_with_the_plugin_it_is_read(taken, same, folder):
    with without_counts("a.h5") as file:
        file.create_dataset("counts", data=known_scan()["counts"], chunks=(1, N, N), **hdf5plugin.Bitshuffle())
    same(taken("a.h5")[0])


def test_with_the_plugin_a_chunk_that_lies_is_refused(refused, folder):
    packed_as_detectors_do("a.h5", known_scan()["counts"], (1, N, N))
    assert re.search(r"a chunk of key 'counts' holds \d+ bytes, needed 4096", refused("a.h5"))
