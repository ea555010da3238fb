"""Arrays under names of the user's own: taken for what only their shapes allow, and left alone where two would do."""

import h5py
import numpy as np
import pytest
from known_scan import base_of, known_scan, save

from ptychostudy.__main__ import main
from ptychostudy.formats.readers import load_user_file
from ptychostudy.intake.named_by_shape import named_by_shape
from ptychostudy.intake.named_keys import read_named
from ptychostudy.io.arrays import read_npz
from ptychostudy.study.settings import read_study

WHERE = {"counts": "entry/stack", "probeGuess": "entry/illumination", "ycoords": "entry/PosY", "xcoords": "entry/PosX"}


def named(*paths):
    return named_by_shape({path: load_user_file(path) for path in paths})


def write(name="scan.h5", where=WHERE, **more):
    """Write the known scan under other names, and further arrays."""
    with h5py.File(name, "w") as file:
        for key, place in where.items():
            file[place] = known_scan()[key]
        for place, array in more.items():
            file[place] = array


def test_each_array_is_the_only_one_of_its_shape(folder):
    write()
    assert named("scan.h5") == WHERE


@pytest.mark.parametrize(
    "pair",
    [("y", "x"), ("row", "col"), ("stage_rows", "stage_columns"), ("yPosition", "xPosition"), ("scan/Y", "scan/X")],
)
def test_names_tell_the_axes(folder, pair):
    write(where={**WHERE, "ycoords": pair[0], "xcoords": pair[1]})
    assert (named("scan.h5")["ycoords"], named("scan.h5")["xcoords"]) == pair


def test_columns_of_one_array_are_rows_first(folder):
    where = {key: name for key, name in WHERE.items() if "coords" not in key}
    write(where=where, places=np.stack([known_scan()["ycoords"], known_scan()["xcoords"]], axis=1))
    assert named("scan.h5") == {**where, "ycoords": "places[:, 0]", "xcoords": "places[:, 1]"}


def test_lines_of_one_array_are_rows_first(folder):
    scan = known_scan()
    places = np.stack([scan["ycoords"], scan["xcoords"]])
    save("scan.npz", {"counts": scan["counts"], "probe": scan["probeGuess"], "positions": places})
    found = named("scan.npz")
    assert found == {"probeGuess": "probe", "ycoords": "positions[0, :]", "xcoords": "positions[1, :]"}
    assert read_named("scan.npz", found)["xcoords"].tolist() == scan["xcoords"].tolist()


def test_of_a_member_of_an_npz_only_the_name_is_known_before_it_is_read(folder):
    scan = known_scan()
    save(
        "scan.npz",
        {"frames_of_mine": scan["counts"], "P": scan["probeGuess"], "y": scan["ycoords"], "x": scan["xcoords"]},
    )
    assert named("scan.npz") == {"counts": "frames_of_mine", "probeGuess": "P", "ycoords": "y", "xcoords": "x"}


@pytest.mark.parametrize("ours", [True, False], ids=["under our names", "under others"])
def test_what_is_no_plain_array_is_nobody_s_business(folder, few, capsys, ours):
    """Notes that a user pickled beside the scan are named as not used, and are read by nobody."""
    names = {key: key if ours else name.replace("/", "_") for key, name in WHERE.items()}
    arrays = {name: known_scan()[key] for key, name in names.items()}
    np.savez("scan.npz", **arrays, notes=np.array({"sample": "star"}, dtype=object), text=np.array("star"))
    assert named("scan.npz") == ({} if ours else names)
    assert main(["inspect", "scan.npz"]) == 0
    said = capsys.readouterr().out
    assert "Not used" in said and "notes" in said


def test_what_has_our_name_is_not_looked_for(folder):
    write(where={**WHERE, "counts": "counts"})
    assert named("scan.h5") == {key: name for key, name in WHERE.items() if key != "counts"}


def test_several_files_are_one_scan(folder):
    write("a.h5", {"counts": "frames"})
    write("b.h5", {key: name for key, name in WHERE.items() if key != "counts"})
    assert named("a.h5", "b.h5") == {**WHERE, "counts": "frames"}


@pytest.mark.parametrize(
    ("more", "lost"),
    [
        ({"dark": np.zeros((9, 40, 40))}, set(WHERE)),
        ({"other_wave": np.zeros((32, 32), complex)}, {"probeGuess"}),
        ({"target_y": np.zeros(len(known_scan()["counts"]))}, {"ycoords", "xcoords"}),
    ],
    ids=["frames", "probe", "positions"],
)
def test_two_of_a_kind_are_left_to_the_user(folder, more, lost):
    write(**more)
    assert set(named("scan.h5")) == set(WHERE) - lost


def test_of_two_waves_that_one_is_the_probe_which_is_called_so(folder):
    write(where={**WHERE, "probeGuess": "my_probe"}, exit_wave=np.zeros((32, 32), complex))
    assert named("scan.h5")["probeGuess"] == "my_probe"


def test_vectors_of_other_lengths_and_images_are_nothing(folder):
    write(
        where={"counts": "counts"}, y=np.arange(7.0), x=np.arange(7.0), flat=np.zeros((32, 32)), mask=np.ones((32, 32))
    )
    assert named("scan.h5") == {}


def master(**links):
    """Write frames as an Eiger's master file has them, and beside its format arrays and links under names of ours."""
    scan = known_scan()
    with h5py.File("raw.h5", "w") as file:
        file["entry/data/data"] = scan["counts"]
        file["places/y"], file["places/x"] = scan["ycoords"] * 8e-3, scan["xcoords"] * 8e-3
    with h5py.File("scan.nxs", "w") as file:
        file["entry/data/data_000001"] = h5py.ExternalLink("raw.h5", "/entry/data/data")
        file["probeGuess"] = scan["probeGuess"]
        for key, link in links.items():
            file[key] = link


LINKS = {
    "external": {
        "ycoords": h5py.ExternalLink("raw.h5", "/places/y"),
        "xcoords": h5py.ExternalLink("raw.h5", "/places/x"),
    },
    "soft to external": {
        "more/y": h5py.ExternalLink("raw.h5", "/places/y"),
        "more/x": h5py.ExternalLink("raw.h5", "/places/x"),
        "ycoords": h5py.SoftLink("/more/y"),
        "xcoords": h5py.SoftLink("/more/x"),
        "counts": h5py.SoftLink("/entry/data/data_000001"),
    },
    "arrays": {"ycoords": known_scan()["ycoords"] * 8e-3, "xcoords": known_scan()["xcoords"] * 8e-3},
}


@pytest.mark.parametrize("kind", LINKS)
def test_names_of_ours_in_a_file_of_a_program_s_own_are_taken(folder, few, capsys, kind):
    master(**LINKS[kind])
    assert named("scan.nxs") == {key: key for key in ("ycoords", "xcoords", "probeGuess")}
    main(["inspect", "scan.nxs", "--write", "mine.yaml"])
    text = " ".join(capsys.readouterr().out.split())
    assert "NeXus" in text and "base.npz.keys: probeGuess is 'probeGuess', by its shape and name" in text
    # Micrometres, of which a name says nothing: they are found, and of which pixel is left to the user.
    study = folder / "mine.yaml"
    study.write_text(study.read_text().replace("1.0e-08", "8.0e-09"))
    assert read_study(study).base.npz.position_unit == "um"
    assert base_of() == 0
    found = read_npz("base.npz")
    np.testing.assert_array_equal(found["counts"], known_scan()["counts"])
    np.testing.assert_allclose(np.diff(found["ycoords"]), np.diff(known_scan()["ycoords"]), atol=1e-9)


def test_links_out_of_the_folder_are_named_and_not_followed(folder, few, capsys, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    with h5py.File(other / "y.h5", "w") as file:
        file["y"] = known_scan()["ycoords"]
    master(ycoords=h5py.ExternalLink(str(other / "y.h5"), "/y"), xcoords=known_scan()["xcoords"])
    assert main(["inspect", "scan.nxs"]) == 1
    text = " ".join(capsys.readouterr().out.split())
    assert "ycoords" in text and "link to" in text and "y.h5" in text


def test_inspect_says_what_it_took_and_writes_it(folder, few, capsys):
    write()
    assert main(["inspect", "scan.h5", "--write", "study.yaml"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "base.npz.keys: counts is 'entry/stack', by its shape and name" in text
    assert read_study("study.yaml").base.npz.keys == WHERE
    assert main(["convert", "scan.h5", "--output", "out.npz"]) == 0
    np.testing.assert_array_equal(read_npz("out.npz")["counts"], known_scan()["counts"])


def test_rows_and_columns_taken_for_each_other_are_seen_by_the_frames(folder, few, capsys):
    """Columns of one array do not tell which is which: the misfit does."""
    where = {key: name for key, name in WHERE.items() if "coords" not in key}
    write(where=where, places=np.stack([known_scan()["xcoords"], known_scan()["ycoords"]], axis=1))
    main(["inspect", "scan.h5"])
    assert "geometry ok" not in " ".join(capsys.readouterr().out.split())
