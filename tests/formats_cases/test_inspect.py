"""`inspect` and `convert` on files that are right, that can be set right, and that are nothing at all."""

from pathlib import Path
from typing import get_args

import h5py
import numpy as np
import pytest
from known_scan import base_of, known_scan, save, speckled_scan
from PIL import Image

from ptychostudy.__main__ import main
from ptychostudy.intake.first_settings import FirstSettings
from ptychostudy.intake.inspect import CHECKS, with_cures
from ptychostudy.io.arrays import read_npz
from ptychostudy.physics.orientation import AS_GIVEN, ORIENTATIONS, Orientation
from ptychostudy.study.sections.npz import Doubt
from ptychostudy.study.settings import read_study


def dead_row():
    """Return a known scan whose detector has a dead row, and the mask of it, in which bad pixels are marked."""
    scan = known_scan()
    scan["counts"] = scan["counts"].copy()
    scan["counts"][:, 5] = 0
    return scan, np.arange(32)[:, None] * np.ones(32) == 5


@pytest.mark.parametrize("name", ["mask.npy", "hot.png"])
def test_a_lone_array_or_picture_beside_a_scan_is_its_mask(inspected, few, name):
    scan, bad = dead_row()
    if name.endswith("npy"):
        np.save(name, bad)
    else:
        Image.fromarray(np.uint8(255 * bad)).save(name)
    code, text = inspected(scan, name, "--write", "hub/study.yaml")
    assert code == 0 and f"mask: ../{name}" in text
    assert read_study(Path("hub/study.yaml")).base.npz.mask == f"../{name}"
    assert main(["convert", "scan.npz", name, "--output", "out.npz"]) == 0
    np.testing.assert_array_equal(~read_npz("out.npz")["valid_pixels"], bad)


def test_of_masks_alone_or_of_two_nothing_is_made(inspected):
    scan, bad = dead_row()
    np.save("a.npy", bad)
    np.save("b.npy", ~bad)
    code, text = inspected("a.npy")
    assert code == 1 and "a.npy: an array without a name" in text and "the scan's own files" in text
    code, text = inspected(scan, "a.npy", "b.npy")
    assert code == 1 and "a.npy, b.npy: each can only be the detector's mask" in text


def test_a_right_scan_is_told_and_its_study_runs(inspected, few):
    scan = known_scan()
    code, text = inspected({**scan, "comment": np.zeros(3)}, "--write", "mine.yaml")
    assert code == 0
    assert "row of each window's centre" in text and "frames: counts" in text
    assert "Not used comment" in text
    assert "geometry ok" in text and "R = 0.0" in text
    totals = scan["counts"].sum(axis=(1, 2))
    assert f"median {np.median(totals):.6g}, mean" in text and f"from {totals.min()} to {totals.max()}" in text
    study = read_study(Path("mine.yaml"))
    assert study.base.frame_px == 32 and max(study.simulate.doses) < totals.mean()
    assert base_of() == 0
    np.testing.assert_array_equal(read_npz("base.npz")["counts"], scan["counts"])


CURED = {
    "gain": (lambda scan: {**scan, "counts": scan["counts"] * 50}, {"gain": 50.0}),
    "units": (
        lambda scan: {**scan, "ycoords": scan["ycoords"] * 1e-8, "xcoords": scan["xcoords"] * 1e-8},
        {"position_unit": "m"},
    ),
    "frames": (
        lambda scan: {**scan, "counts": scan["counts"] * (np.arange(80) % 10 > 0)[:, None, None]},
        {"drop_frames": "auto"},
    ),
    "amplitudes": (
        lambda scan: {
            **{key: scan[key] for key in ("ycoords", "xcoords", "probeGuess")},
            "diffraction": np.sqrt(scan["counts"], dtype="f4"),
        },
        {"measurement": "amplitude"},
    ),
    "amplitudes of half precision": (
        lambda scan: {
            **{key: scan[key] for key in ("ycoords", "xcoords", "probeGuess")},
            "diffraction": np.sqrt(scan["counts"]).astype("f2"),
        },
        {"measurement": "amplitude"},
    ),
    "numbers of half precision": (
        lambda scan: {
            **{key: scan[key] for key in ("ycoords", "xcoords", "probeGuess")},
            "diffraction": scan["counts"].astype("f2"),
        },
        {"measurement": "intensity"},
    ),
}


@pytest.mark.parametrize("kind", CURED)
def test_what_can_be_set_right_is_in_the_study(inspected, few, kind):
    change, settings = CURED[kind]
    code, text = inspected(change(known_scan()), "--write", "mine.yaml")
    npz = read_study(Path("mine.yaml")).base.npz
    assert code == 0 and {key: getattr(npz, key) for key in settings} == settings
    assumed = "measurement" in settings
    assert assumed or f"{'photons' if kind == 'gain' else kind} set in the yaml" in text
    assert assumed or all(f"base.npz.{key}: {value}" in text for key, value in settings.items())
    assert base_of() == 0


def test_several_doubts_are_all_told(inspected, few):
    scan = known_scan()
    scan["counts"] = scan["counts"] * 50
    scan["counts"][::10] = 0
    scan |= {"ycoords": scan["ycoords"] * 1e-8, "xcoords": scan["xcoords"] * 1e-8}
    code, text = inspected(scan, "--write", "mine.yaml")
    assert code == 0 and text.count("set in the yaml") == 3
    # By a pixel that nobody stated.
    assert "pixel size look at it positions in m become pixels by base.pixel_size_m" in text
    npz = read_study(Path("mine.yaml")).base.npz
    assert (npz.gain, npz.drop_frames, npz.position_unit) == (50.0, "auto", "m")
    assert base_of() == 0


def test_another_layout_is_named_and_set(inspected):
    scan = known_scan(rows=6, cols=5)
    scan["counts"] = scan["counts"][:, ::-1]
    code, text = inspected(scan)
    assert code == 0 and "geometry set in the yaml" in text and "frames with their rows reversed" in text
    # Mirrored with a probe that is round, the object is as good as it was.
    assert "the sign of 'ycoords' changed" in text
    assert "[rows_reversed]" in text.split("Set: base.npz.orient_")[1]


LAYOUTS = [
    (ORIENTATIONS[4], AS_GIVEN),
    (ORIENTATIONS[5], ORIENTATIONS[3]),
]


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_what_was_found_of_the_layout_is_what_the_study_reads(inspected, folder, layout):
    """With a probe that looks the same from no side there is one answer, and the scan is what it was."""
    frames, places = layout
    right = speckled_scan()
    positions = places.of_positions(np.stack([right["ycoords"], right["xcoords"]], axis=1))
    wrong = {
        **right,
        "counts": frames.of_frames(right["counts"]),
        "ycoords": positions[:, 0],
        "xcoords": positions[:, 1],
    }
    code, text = inspected(wrong, "--write", "mine.yaml")
    assert code == 0 and "geometry set in the yaml" in text
    npz = read_study(Path("mine.yaml")).base.npz
    back_frames, back_places = Orientation.of(npz.orient_frames), Orientation.of(npz.orient_positions)
    assert frames.then(back_frames).is_given and places.then(back_places).is_given
    assert base_of() == 0
    found = read_npz("base.npz")
    np.testing.assert_array_equal(found["counts"], right["counts"])
    for key in ("ycoords", "xcoords"):
        np.testing.assert_allclose(np.diff(found[key]), np.diff(right[key]), atol=1e-9)


def test_all_that_is_said_to_be_set_is_set(inspected, few):
    scan = known_scan()
    scan["counts"] = ORIENTATIONS[1].of_frames(scan["counts"] * 50)
    scan["counts"][::10] = 0
    scan |= {"ycoords": scan["ycoords"] * 10, "xcoords": scan["xcoords"] * 10}
    code, text = inspected(scan, "--write", "mine.yaml")
    assert code == 0 and text.count("set in the yaml") == 4
    said = {
        "gain": (50.0, "50.0"),
        "position_unit": ("nm", "nm"),
        "drop_frames": ("auto", "auto"),
        "orient_frames": (["cols_reversed"], "[cols_reversed]"),
    }
    npz = read_study(Path("mine.yaml")).base.npz
    for key, (value, words) in said.items():
        assert f"Set: base.npz.{key}: {words}" in text and getattr(npz, key) == value
    assert base_of() == 0


def test_a_doubt_that_its_cure_leaves_is_told():
    """What is still doubted after all that it asked for was set is not settled."""

    def take(base, doubts):
        doubts.doubt("gain", "all are multiples", {"gain": 2 * base["npz"].get("gain", 1)})
        if "gain" in base["npz"]:
            doubts.doubt("units", "too long", {} if "position_unit" in base["npz"] else {"position_unit": "nm"})
        return {}

    settings = FirstSettings({"npz": {}})
    taken = with_cures("a.npz", settings, take)
    assert [each.name for each in taken.open] == ["gain", "units"] and taken.settled == []
    assert settings.base["npz"] == {"gain": 2, "position_unit": "nm"}
    many = list(get_args(Doubt))
    settings = FirstSettings({"npz": {}})
    taken = with_cures("a.npz", settings, lambda base, doubts: cured_one_by_one(many, base, doubts))
    assert [each.name for each in taken.settled] == many and taken.open == [] and taken.scan == {"of": len(many)}


def cured_one_by_one(names, base, doubts):
    """Doubt the first thing that is not set yet."""
    left = [name for name in names if name not in base["npz"]]
    if left:
        doubts.doubt(left[0], "wrong", {left[0]: 1})
    return {"of": len(names) - len(left)}


def test_a_pixel_that_does_not_fit_the_positions_is_told_and_refused(folder, inspected, few, capsys):
    """Positions in nanometres of a file without a pixel: its own is 8 nm."""
    scan = known_scan()
    scan |= {"ycoords": scan["ycoords"] * 8, "xcoords": scan["xcoords"] * 8}
    _, text = inspected(scan, "--write", "mine.yaml")
    assert "geometry look at it" in text and "base.pixel_size_m of about 8" in text and "in place of 1e-08" in text
    written = Path("mine.yaml").read_text()
    assert base_of() == 2
    assert "in place of 1e-08" in " ".join(capsys.readouterr().err.split()) and not Path("base.npz").exists()
    # It is there to be changed, which is no damage.
    Path("mine.yaml").write_text(written.replace("pixel_size_m: 1.0e-08", "pixel_size_m: 8.0e-09"))
    assert base_of() == 0


def test_every_doubt_of_the_settings_has_its_check():
    shown = {word for words in CHECKS.values() for word in words}
    assert shown | {"guard", "geometry"} == set(get_args(Doubt))


def test_a_mask_of_most_pixels_is_told(inspected, few):
    mask = np.ones((32, 32), dtype=bool)
    mask[10:22, 10:22] = False
    code, text = inspected({**known_scan(), "bad_pixels": mask})
    assert code == 0 and "pixels look at it the mask takes" in text and "base.npz.accept: [mask]" in text


def test_what_the_study_would_refuse_is_told(inspected, few):
    """With few rows the band between the parts takes most frames."""
    code, text = inspected(known_scan(rows=6, cols=8, step=3.0))
    assert code == 0 and "parts look at it" in text and "guard" in text


def test_doses_are_below_the_photons_of_each_part(inspected, few):
    scan = known_scan(photons=2.6e5)
    rng = np.random.default_rng(4)
    # The first part has 195 thousand photons a frame, nine tenths of the mean of all are 204 thousand.
    scan["counts"][:40] = rng.binomial(scan["counts"][:40], 0.75)
    code, _ = inspected(scan, "--write", "mine.yaml")
    assert code == 0 and max(read_study(Path("mine.yaml")).simulate.doses) < scan["counts"][:40].sum(axis=(1, 2)).mean()
    assert base_of() == 0


def test_the_next_step_is_named(inspected, few, folder):
    (folder / "a hub").mkdir()
    code, text = inspected(known_scan())
    assert code == 0 and "--write study.yaml writes it" in text
    _, text = inspected(known_scan(), "--write", "study.yaml")
    assert text.endswith("/Snakefile") and "then: snakemake --snakefile" in text
    _, text = inspected(known_scan(), "--write", "a hub/mine.yaml")
    assert "then: cd 'a hub' && snakemake --snakefile" in text and text.endswith("--configfile mine.yaml")
    assert read_study(Path("a hub/mine.yaml")).base.npz.path == "../scan.npz"


@pytest.mark.parametrize("columns", [70, 80, 120])
def test_lines_fit_the_terminal(folder, few, capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    save("scan.npz", known_scan())
    assert main(["inspect", "scan.npz"]) == 0
    told, yaml, _ = capsys.readouterr().out.partition("study: mine")
    lines = [line for line in told.splitlines() if not line.startswith("#")]
    assert max(map(len, lines)) <= columns and "grows with the rows" in " ".join(told.split()) and yaml


def test_missing_frames_are_named(inspected):
    """Of two stacks that could be them none is taken."""
    scan = known_scan()
    scan["images"] = scan["darks"] = scan.pop("counts")
    code, text = inspected(scan)
    assert code == 1 and "frames (counts, diffraction, diff3d)" in text and "images" in text


def test_a_refused_file_says_what_was_found(inspected):
    scan = known_scan()
    del scan["probeGuess"]
    code, text = inspected(scan, "--write", "mine.yaml")
    assert code == 1 and "Missing probeGuess" in text and "file refused" in text and not Path("mine.yaml").exists()


def bad_files(folder):
    """Yield files that are no scans."""
    yield "no such file"
    (folder / "empty.npz").write_bytes(b"")
    (folder / "text.txt").write_text("hello")
    (folder / "zip.npz").write_bytes(b"PK\x03\x04")
    (folder / "broken.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(range(256)) * 8)
    (folder / "dir").mkdir()
    np.savez(folder / "other.npz", a=np.zeros(3))
    np.savez(folder / "objects.npz", counts=np.array([None]), xcoords=np.array("x"), ycoords=3, probeGuess=np.zeros(()))
    np.savez(
        folder / "void.npz",
        counts=np.zeros((0, 32, 32), "u2"),
        xcoords=[],
        ycoords=[],
        probeGuess=np.ones((32, 32)) * 1j,
    )
    with h5py.File(folder / "strange.h5", "w") as file:
        file["counts"] = ["a", "b"]
        file["xcoords"] = h5py.SoftLink("/xcoords")
        file["probeGuess"] = h5py.ExternalLink("other.h5", "/a")
    yield from (
        "empty.npz",
        "text.txt",
        "zip.npz",
        "broken.h5",
        "dir",
        "other.npz",
        "objects.npz",
        "void.npz",
        "strange.h5",
    )


def test_no_file_raises(folder, inspected, capsys):
    for name in bad_files(folder):
        code, text = inspected(name)
        assert code == 1 and name in text, name
        assert main(["convert", name, "--output", "out.npz"]) == 1, name
        printed = capsys.readouterr()
        assert name in printed.out and "Traceback" not in printed.err and not Path("out.npz").exists()


def test_converted_is_canonical(folder, few, capsys):
    scan = known_scan()
    amplitudes = np.moveaxis(np.sqrt(scan.pop("counts"), dtype="f4"), 0, -1)
    save("scan.h5", {**scan, "diffraction": amplitudes})
    assert main(["convert", "scan.h5", "--output", "out.npz"]) == 0
    assert "measurement is amplitude" in capsys.readouterr().out
    found = read_npz("out.npz")
    for key, value in known_scan().items():
        np.testing.assert_array_equal(found[key], value, err_msg=key)
    assert main(["inspect", "out.npz"]) == 0


def test_all_modes_are_converted(folder, capsys):
    scan = known_scan()
    probe = scan["probeGuess"]
    slope = (np.arange(32) - 16) / 32
    modes = np.stack([probe, 0.1 * probe * slope, 0.09 * probe * slope[:, None]]).astype(np.complex64)
    save("scan.npz", {**scan, "probeGuess": modes})
    for words in ([], ["--format", "ptychopinn"], ["--format", "ptychi"], ["--format", "cxi"]):
        assert main(["convert", "scan.npz", "--output", "out", *words]) == 0, capsys.readouterr()
        # And once more, from what was written: canonical files bring all modes back.
        assert main(["convert", "out", "--output", "back.npz"]) == 0, capsys.readouterr()
        back = read_npz("back.npz")
        np.testing.assert_allclose(back["probeModes"], modes, rtol=0, atol=1e-6)
        np.testing.assert_allclose(
            back["probeGuess"], modes[0] * back["probeGuess"][16, 16] / modes[0][16, 16], atol=1e-6
        )
    save("one.npz", scan)
    capsys.readouterr()
    assert main(["convert", "one.npz", "--output", "out.npz"]) == 0
    assert "modes" not in capsys.readouterr().out and "probeModes" not in read_npz("out.npz")


def test_what_is_doubtful_is_not_converted_unless_accepted(folder, capsys):
    scan = known_scan()
    scan["counts"] = scan["counts"][:, ::-1]
    save("scan.npz", scan)
    assert main(["convert", "scan.npz", "--output", "out.npz"]) == 1
    assert "geometry" in capsys.readouterr().out and not Path("out.npz").exists()
    assert main(["convert", "scan.npz", "--output", "out.npz", "--accept", "geometry"]) == 0


def test_a_study_says_what_the_files_do_not(folder, few, capsys):
    scan = known_scan()
    np.savez("mask.npz", bad_pixels=np.arange(32 * 32).reshape(32, 32) == 37)
    save("scan.npz", {**scan, "counts": scan["counts"] * 50, **{key: scan[key] * 8 for key in ("ycoords", "xcoords")}})
    assert main(["convert", "scan.npz", "--output", "out.npz"]) == 1
    assert "Keys of base are told by --study FILE" in capsys.readouterr().out
    npz = "path: scan.npz, gain: 50, position_unit: nm, mask: mask.npz"
    text = f"base: {{kind: npz, frames: measured, frame_px: 32, pixel_size_m: 8.0e-9, npz: {{{npz}}}}}"
    (folder / "hub").mkdir()
    save("hub/mask.npz", read_npz("mask.npz"))
    Path("mask.npz").unlink()
    Path("hub/study.yaml").write_text(f"study: mine\n{text}\n")
    assert main(["convert", "scan.npz", "--output", "out.npz", "--study", "hub/study.yaml"]) == 0, capsys.readouterr()
    found = read_npz("out.npz")
    counts = scan["counts"].copy()
    counts[:, 1, 5] = 0
    np.testing.assert_array_equal(found["counts"], counts)
    np.testing.assert_array_equal(np.argwhere(~found["valid_pixels"]), [[1, 5]])
    np.testing.assert_allclose(found["ycoords"], scan["ycoords"])
    Path("hub/study.yaml").write_text("study: mine\n")
    assert main(["convert", "scan.npz", "--output", "out.npz", "--study", "hub/study.yaml"]) == 1
    assert "base.kind is synthetic" in capsys.readouterr().out


@pytest.mark.parametrize(("format", "file"), [("cxi", "out.cxi"), ("ptychi", "out.npz"), ("ptychopinn", "out.npz")])
def test_converted_files_of_other_programs_hold_the_same_frames(folder, few, capsys, format, file):
    save("scan.npz", known_scan())
    assert main(["convert", "scan.npz", "--output", file, "--format", format]) == 0, capsys.readouterr()
    assert main(["convert", file, "--output", "back.npz"]) == 0, capsys.readouterr()
    found, known = read_npz("back.npz"), known_scan()
    np.testing.assert_array_equal(found["counts"], known["counts"])
    for key in ("ycoords", "xcoords"):
        # Each program counts from an origin of its own.
        np.testing.assert_allclose(np.diff(found[key]), np.diff(known[key]), atol=1e-6)
