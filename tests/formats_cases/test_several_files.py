"""A scan in several files, arrays named by their paths, what files state against what the user sets, linked inputs."""

import logging
import os
import re
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml
from known_scan import known_scan, run_base, written

from foreign_scans import DETECTOR_PIXEL_M, DISTANCE_M, ENERGY_EV, PIXEL_M, N, settings, taken, truth
from ptychostudy.formats.linked_files import with_linked
from ptychostudy.intake.sources import named_files
from ptychostudy.io.atomic import DataError
from ptychostudy.study.refusals import validated
from ptychostudy.study.sections.base import BaseSettings
from ptychostudy.study.yaml_file import ConfigError


def arrays():
    rows, cols = truth().positions.T
    return {"ycoords": rows, "xcoords": cols, "probeGuess": truth().probe, "counts": truth().counts}


def write(path, *keys, **more):
    """Write some of the arrays of the scan."""
    entries = {key: arrays()[key] for key in keys} | more
    if str(path).endswith(".npz"):
        np.savez(path, **entries)
        return
    with h5py.File(path, "w") as file:
        for key, value in entries.items():
            file[key] = value


@pytest.fixture
def said(caplog):
    caplog.set_level(logging.INFO, "ptychostudy")
    return lambda: " ".join(caplog.messages)


# --- put together -----------------------------------------------------------------------------------------------------


def test_parts_are_put_together(folder, said):
    write("a.h5", "counts")
    write("b.npz", "ycoords", "xcoords", scan_index=np.arange(3))
    write("c.npz", "probeGuess")
    scan, done = taken(["a.h5", "b.npz", "c.npz"])
    np.testing.assert_array_equal(scan["counts"], truth().counts)
    np.testing.assert_allclose(scan["positions"], truth().positions)
    assert "not used of this file: scan_index of b.npz" in said() and done == {}


def test_the_stage_takes_a_list_and_behind_it_what_was_linked(folder):
    scan = known_scan()
    np.savez("a.npz", counts=scan.pop("counts"))
    np.savez("b.npz", **scan)
    base = {"kind": "npz", "frames": "measured", "frame_px": N, "pixel_size_m": PIXEL_M}
    Path("study.yaml").write_text(yaml.safe_dump({"base": base | {"npz": {"path": ["a.npz", "b.npz"]}}}))
    from ptychostudy.__main__ import main

    words = ["base", "--config", "study.yaml", "--output", "base.npz", "--source", "a.npz", "b.npz", "study.yaml"]
    assert main(words) == 0
    np.testing.assert_array_equal(written()[0]["counts"], known_scan()["counts"])


@pytest.mark.parametrize("quantity", ["counts", "probeGuess", "xcoords"])
def test_the_same_in_two_files_is_once(folder, quantity, said):
    pair = ("ycoords", "xcoords") if quantity == "xcoords" else (quantity,)
    write("a.npz", *arrays())
    write("b.h5", *pair)
    scan, _ = taken(["a.npz", "b.h5"])
    np.testing.assert_array_equal(scan["counts"], truth().counts)
    assert f"not used of this file: {pair[0]} of b.h5" in said()


OTHERWISE = {
    "counts": ({"counts": lambda: truth().counts[:, ::-1]}, "frames"),
    "another key": ({"diffraction": lambda: truth().counts.astype(float)}, "frames"),
    "probe": ({"probeGuess": lambda: truth().probe * 2}, "probe"),
    "positions": ({"xcoords": lambda: truth().positions[:, 1] * 2, "ycoords": lambda: truth().positions[:, 0]}, "pos"),
    "one of them": ({"xcoords": lambda: truth().positions[:, 1]}, "positions"),
    "fewer": ({"xcoords": lambda: truth().positions[:9, 1], "ycoords": lambda: truth().positions[:9, 0]}, "positions"),
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_the_same_quantity_otherwise_is_refused_or_the_first_is_taken(refused_files, name):
    made, what = OTHERWISE[name]
    write("a.npz", *arrays())
    np.savez("b.npz", **{key: make() for key, make in made.items()})
    message = refused_files(["a.npz", "b.npz"])
    assert f"a.npz and b.npz both hold the {what}" in message and "not the same" in message
    assert message.endswith("base.npz.accept: [files]")
    scan, done = taken(["a.npz", "b.npz"], accept=["files"])
    np.testing.assert_array_equal(scan["counts"], truth().counts)
    assert len(done["accepted"]) == 1


def test_the_one_that_the_user_names_is_taken_and_the_other_is_named_as_unused(folder, caplog):
    """As the refusal advises."""
    caplog.set_level("INFO")
    np.savez("b.npz", diffraction=truth().counts[:, ::-1], ours=truth().counts)
    write("c.npz", *(key for key in arrays() if key != "counts"), counts=truth().counts[:, ::-1])
    scan, _ = taken(["c.npz", "b.npz"], keys={"counts": "ours"})
    np.testing.assert_array_equal(scan["counts"], truth().counts)
    unused = next(text for text in caplog.messages if "not used" in text or "unused" in text)
    assert "counts" in unused and "diffraction" in unused


def test_positions_from_another_origin_are_the_same(folder):
    rows, cols = truth().positions.T
    write("a.npz", *arrays())
    np.savez("b.npz", ycoords=rows + 1000.5, xcoords=cols - 3)
    np.testing.assert_allclose(taken(["a.npz", "b.npz"])[0]["positions"], truth().positions)


def test_the_same_numbers_in_another_unit_are_not_the_same(refused_files):
    write("a.npz", "ycoords", "xcoords", "counts")
    rows, cols = truth().positions.T
    np.savez("b.npz", probe=truth().probe, probe_position_y_m=rows, probe_position_x_m=cols)
    assert "a.npz and b.npz both hold the positions, and not the same" in refused_files(["a.npz", "b.npz"])


def test_files_of_one_name_are_told_apart(refused_files, folder):
    (folder / "other").mkdir()
    write("a.npz", *arrays())
    write("other/a.npz", "probeGuess", counts=truth().counts[:, ::-1])
    assert "a.npz and other/a.npz both hold the frames" in refused_files(["a.npz", "other/a.npz"])


def master(path, **changes):
    entries = {"entry/data/data": truth().counts, "entry/instrument/detector/detector_distance": DISTANCE_M}
    entries["entry/instrument/detector/detectorSpecific/photon_energy"] = ENERGY_EV
    for side in ("x_pixel_size", "y_pixel_size"):
        entries[f"entry/instrument/detector/{side}"] = DETECTOR_PIXEL_M
    with h5py.File(path, "w") as file:
        for name, value in (entries | changes).items():
            file[name] = value


def test_two_files_may_not_state_two_geometries(refused_files):
    master("a.h5")
    product = {"probe_position_x_m": truth().metres[:, 1], "probe_position_y_m": truth().metres[:, 0]}
    np.savez("b.npz", probe=truth().probe, photon_energy_eV=ENERGY_EV * 1.02, **product)
    assert "photon_energy_ev is 8000 in a.h5 and 8160 in b.npz" in refused_files(["a.h5", "b.npz"])
    np.savez("b.npz", probe=truth().probe, photon_energy_eV=ENERGY_EV * 1.002, **product)
    assert taken(["a.h5", "b.npz"])[1]["stated"]["position_unit"] == "m"


# --- named by their paths ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["h5", "npz"])
def test_arrays_are_named_by_their_paths(folder, suffix, said):
    names = {"counts": "frames", "xcoords": "x", "ycoords": "y", "probeGuess": "p"}
    if suffix == "h5":
        names = {key: f"entry/deep/{name}" for key, name in names.items()}
    write(f"a.{suffix}", **{names[key]: value for key, value in arrays().items()}, extra=np.zeros(2))
    scan, _ = taken(f"a.{suffix}", keys=names)
    np.testing.assert_array_equal(scan["counts"], truth().counts)
    np.testing.assert_allclose(scan["positions"], truth().positions)
    assert "not used of this file: extra" in said() and "deep" not in said()


def test_columns_and_links_within_the_file(folder):
    with h5py.File("a.h5", "w") as file:
        file["scan/xy"] = np.stack([truth().positions[:, 1], truth().positions[:, 0], np.zeros(63)], axis=1)
        file["counts"], file["probeGuess"] = truth().counts, truth().probe
        file["way"] = h5py.SoftLink("/scan")
    scan, _ = taken("a.h5", keys={"xcoords": "way/xy[:, 0]", "ycoords": "/scan/xy[:,1]"})
    np.testing.assert_allclose(scan["positions"], truth().positions)


def test_a_named_array_takes_the_place_of_the_format_s(folder):
    """What the format states of its own array does not hold of it."""
    master("a.h5", **{"entry/other": truth().counts + 3, "entry/x": truth().positions[:, 1]})
    write("b.npz", "ycoords", "probeGuess")
    keys = {"diffraction": "entry/other", "xcoords": "entry/x"}
    scan, _ = taken(["a.h5", "b.npz"], keys=keys, measurement="counts", background=3)
    np.testing.assert_array_equal(scan["counts"], truth().counts)


@pytest.mark.parametrize(
    ("keys", "part"),
    [
        ({"counts": "entry/nothing"}, "key 'entry/nothing' is missing, which base.npz.keys names for 'counts'; found"),
        ({"counts": "entry"}, "key 'entry' is a group"),
        ({"xcoords": "entry/xy[:, 7]"}, "needed: [:, 0] to [:, 1], or [0, :] to [62, :], of an array with two axes"),
        ({"xcoords": "entry/xy[63, :]"}, "needed: [:, 0] to [:, 1], or [0, :] to [62, :], of an array with two axes"),
        ({"xcoords": "entry/xy[0]"}, "'entry/xy[0]'"),
        ({"xcoords": "entry/xy[:, -1]"}, "'entry/xy[:, -1]'"),
    ],
)
def test_paths_that_lead_nowhere_say_what_is_there(refused_files, keys, part):
    with h5py.File("a.h5", "w") as file:
        file["entry/frames"], file["entry/xy"] = truth().counts, truth().positions
    message = refused_files("a.h5", keys=keys)
    if "[0]" not in part:
        assert part in message
    if "nothing" in part:
        assert "entry/frames (63, 32, 32) uint32" in message and "entry/xy (63, 2) float64" in message


def test_a_path_in_two_files_is_refused(refused_files):
    write("a.npz", x=np.zeros(3))
    write("b.npz", x=np.zeros(3))
    assert "which is also in b.npz" in refused_files(["a.npz", "b.npz"], keys={"xcoords": "x"})


def test_links_out_of_the_folder_are_not_followed_by_name_either(refused_files, folder):
    (folder / "hub").mkdir()
    write("out.h5", "counts")
    with h5py.File("hub/a.h5", "w") as file:
        file["entry/data"] = h5py.ExternalLink("../out.h5", "/counts")
    assert "outside of its folder" in refused_files("hub/a.h5", keys={"counts": "entry/data"})


# --- stated, and set --------------------------------------------------------------------------------------------------


def test_what_the_user_sets_wins_and_is_said(folder, said):
    product = {"probe_position_x_m": truth().metres[:, 1] * 1e6, "probe_position_y_m": truth().metres[:, 0] * 1e6}
    np.savez("a.npz", probe=truth().probe, **product)
    write("b.npz", "counts")
    scan, done = taken(["a.npz", "b.npz"], position_unit="um")
    shift = scan["positions"] - truth().positions
    np.testing.assert_allclose(shift, np.broadcast_to(shift[0], shift.shape), atol=1e-9)
    assert "base.npz.position_unit is um, though the file states m" in said()
    assert done["position_unit"] == "um" and "stated" not in done


@pytest.mark.parametrize("factor", [0.98, 1.02])
def test_another_object_pixel_is_refused_with_the_line_to_write(refused_files, factor):
    master("a.h5", **{"entry/instrument/detector/distance": 1.0})
    write("b.npz", "ycoords", "xcoords", "probeGuess")
    base = settings(["a.h5", "b.npz"]).model_copy(update={"pixel_size_m": PIXEL_M * factor})
    from ptychostudy.intake.user import take_scan

    with pytest.raises(DataError, match=r"needed: base.pixel_size_m: 8(\.0)?e-09$"):
        take_scan([Path("a.h5"), Path("b.npz")], base)


def test_metres_are_converted_by_the_pixel_of_the_file(folder):
    """Settings are rounded: half a percent of a scan of 90 pixels would be half a pixel."""
    from ptychostudy.intake.user import take_scan

    master("a.h5")
    product = {"probe_position_x_m": truth().metres[:, 1], "probe_position_y_m": truth().metres[:, 0]}
    np.savez("b.npz", probe=truth().probe, **product)
    base = settings(["a.h5", "b.npz"]).model_copy(update={"pixel_size_m": PIXEL_M * 1.005})
    scan, _ = take_scan([Path("a.h5"), Path("b.npz")], base)
    shift = scan["positions"] - truth().positions
    np.testing.assert_allclose(shift, np.broadcast_to(shift[0], shift.shape), atol=1e-6)


# --- inputs of the workflow -------------------------------------------------------------------------------------------


def test_linked_files_are_inputs(folder):
    (folder / "hub" / "parts").mkdir(parents=True)
    (folder / "out.h5").write_bytes(b"")
    os.mkfifo(folder / "hub" / "pipe.h5")
    for name in ("one.h5", "parts/two.h5"):
        write(folder / "hub" / name, "counts")
    with h5py.File("hub/a.h5", "w") as file:
        for number, name in enumerate(["one.h5", "parts/two.h5", "one.h5", "missing.h5", "../out.h5", "pipe.h5", "."]):
            file[f"entry/data/{number}"] = h5py.ExternalLink(name, "/counts")
        file["round"] = file["entry"]
        file["entry/round"] = file["round"]
        layout = h5py.VirtualLayout((63, N, N), np.uint32)
        layout[:] = h5py.VirtualSource("parts/two.h5", "counts", (63, N, N))
        file.create_virtual_dataset("whole", layout)
    assert sorted(with_linked(["hub/a.h5"])) == ["hub/a.h5", "hub/one.h5", "hub/parts/two.h5"]
    with h5py.File("hub/over.h5", "w") as file:
        file["x"] = h5py.ExternalLink("a.h5", "/whole")
    linked = with_linked(["hub/over.h5", "hub/one.h5"])
    assert linked == ["hub/over.h5", "hub/one.h5", "hub/a.h5", "hub/parts/two.h5"]


@pytest.mark.parametrize("kind", ["missing", "empty", "text", "folder", "npz", "cut"])
def test_what_has_no_links_is_left_as_it_is(folder, kind):
    if kind == "folder":
        (folder / "a.h5").mkdir()
    elif kind == "npz":
        write("a.npz", "counts")
        os.rename("a.npz", "a.h5")
    elif kind != "missing":
        (folder / "a.h5").write_bytes({"empty": b"", "text": b"abc", "cut": b"\x89HDF\r\n\x1a\n" + bytes(90)}[kind])
    assert with_linked(["a.h5"]) == ["a.h5"]


@pytest.mark.parametrize(("path", "names"), [(None, []), ("a.h5", ["a.h5"]), (["a.h5", "b.h5"], ["a.h5", "b.h5"])])
def test_the_files_a_study_names(path, names):
    kind = "npz" if path else "synthetic"
    assert named_files(BaseSettings(kind=kind, npz={"path": path})) == names


@pytest.mark.parametrize("path", [[], ["a", "a"], [""], [1], [None], [["a"]], 1, {"a": "b"}])
def test_lists_that_are_none(path):
    with pytest.raises(ConfigError) as error:
        validated(BaseSettings, {"kind": "npz", "npz": {"path": path}})
    # A union of types, left alone, says so for each of them.
    assert str(error.value).endswith(f"npz.path': found {path!r}; needed: a file, or a list of files that all differ")


def test_one_file_stays_one_text_in_what_the_stage_reads(folder):
    """A list of one and a text are two ways to say it; those of older studies keep their digests."""
    assert BaseSettings(kind="npz", npz={"path": "a.npz"}).plain()["npz"] == {
        "path": "a.npz",
        "measurement": "auto",
        "axes": "auto",
    }


def test_a_key_of_no_scan_is_refused():
    with pytest.raises(ConfigError, match=re.compile("keys.*probes", re.DOTALL)):
        validated(BaseSettings, {"kind": "npz", "npz": {"path": "a", "keys": {"probes": "x"}}})


def test_run_base_takes_one_name(folder):
    np.savez("scan.npz", **known_scan())
    assert run_base("scan.npz") == 0


@pytest.mark.parametrize("unit", [True, False])
def test_rows_and_columns_of_two_files_have_one_unit(folder, unit):
    product = {"probe": truth().probe, "probe_position_x_m": truth().positions[:, 1]}
    np.savez("a.npz", **product)
    write("b.npz", "counts", "ycoords")
    if unit:
        with pytest.raises(DataError, match=r"a\.npz states m, b\.npz no unit; needed: one unit"):
            taken(["a.npz", "b.npz"])
    else:
        np.savez("a.npz", xcoords=truth().positions[:, 1], probeGuess=truth().probe)
        np.testing.assert_allclose(taken(["a.npz", "b.npz"])[0]["positions"], truth().positions)
