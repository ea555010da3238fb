"""Bad input through the entry points: one paragraph with file, key, found and needed; nothing left behind."""

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml

from ptychostudy.__main__ import main
from ptychostudy.io.arrays import write_npz

ROOT = Path(__file__).resolve().parents[2]
N, FRAMES = 32, 5


@pytest.fixture
def refused(capsys, monkeypatch, tmp_path):
    """Return a function that runs a stage, expects its refusal and returns the message."""
    monkeypatch.setattr(os, "environ", os.environ.copy())  # main() sets thread counts for the rest of the process
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        code = main([str(argument) for argument in arguments])
        printed = capsys.readouterr().err
        assert code == 2
        check_paragraph(printed, f"ptychostudy {arguments[0]}: ")
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
        return " ".join(printed.split())

    return run


def check_paragraph(printed, start):
    assert printed.startswith(start), printed
    assert "Traceback" not in printed and 'File "' not in printed
    assert printed.count(start) == 1 and "\n\n" not in printed.strip()


def write_config(config, folder=Path(".")):
    (folder / "study.yaml").write_text(yaml.safe_dump(config))
    return folder / "study.yaml"


# --- configurations ---------------------------------------------------------------------------------------------------

CONFIGS = {
    "unknown key": ({"colour": "red"}, ["'colour' is unknown (value 'red')", "needed: one of arms, base, compare"]),
    "misspelt key": (
        {"overlap": {"neighbour_count": 7}},
        ["'overlap.neighbour_count'", "did you mean 'neighbor_count'"],
    ),
    "wrong type": ({"train": {"pinn": {"epochs": "many"}}}, ["'train.pinn.epochs': found 'many'", ">= 1"]),
    "truth for a number": ({"infer": {"shards": True}}, ["'infer.shards': found True", "not true or false"]),
    "section as a number": ({"simulate": 3}, ["'simulate': found 3", "needed: a valid dictionary"]),
    "K below C": ({"overlap": {"neighbor_count": 3}}, ["'overlap'", "neighbor_count is 3", "4 (K >= C, OVERSAMPLING"]),
    "dose zero": ({"simulate": {"doses": [0]}}, ["'simulate.doses.0': found 0", "> 0 and <= 1e+09"]),
    "dose negative": ({"doses": [100, -3]}, ["'doses.1': found -3", "> 0 and <= 1e+09"]),
    "dose twice": ({"simulate": {"doses": [10, 10]}}, ["'simulate.doses': found [10, 10]", "all differ"]),
    "overlap above one": (
        {"overlap": {"views": {"a": {"s_img": 1.2}}}},
        ["'overlap.views.a.s_img': found 1.2", "<= 1"],
    ),
    "overlap zero": ({"overlap": {"views": {"a": {"s_img": 0}}}}, ["'overlap.views.a.s_img': found 0", "> 0"]),
    "window beyond frame": ({"infer": {"window_px": 100}}, ["infer.window_px is 100", "frame_px is 64", "M <= N"]),
    "probe beyond frame": (
        {"base": {"probe": {"diameter_px": 90}}},
        ["probe.diameter_px is 90", "frame_px is 64", "48"],
    ),
    "kind without path": ({"base": {"kind": "npz"}}, ["'base'", "kind is npz, npz.path is None", "needed: a path"]),
    "unknown view": ({"views": ["dens"]}, ["views names ['dens']", "needed: some of ['dense', 'sparse']"]),
    "unknown choice": ({"base": {"scan": {"kind": "spiral"}}}, ["'base.scan.kind': found 'spiral'", "'fermat'"]),
    "not finite": ({"base": {"scan": {"step_px": float("nan")}}}, ["'base.scan.step_px': found nan", "finite"]),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_wrong_configuration_by_hand(name, refused):
    config, parts = CONFIGS[name]
    message = refused("base", "--config", write_config(config), "--source", "--output", "base.npz")
    assert all(part in message for part in ["study.yaml: config", *parts]), message


@pytest.mark.parametrize("name", ["misspelt key", "K below C", "dose zero"])
def test_wrong_configuration_in_snakemake(name, tmp_path):
    config, parts = CONFIGS[name]
    refused_by_snakemake(tmp_path, write_config(config, tmp_path), parts)


def test_key_given_twice_in_snakemake(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text("doses: [1000]\ndoses: [10000]\n")
    refused_by_snakemake(tmp_path, path, ["study.yaml: key 'doses' is given twice, in lines 1 and 2"])


def refused_by_snakemake(tmp_path, path, parts):
    command = [sys.executable, "-m", "snakemake", "-n", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--directory", str(tmp_path), *(["--configfile", str(path)] if path else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode != 0
    printed = done.stderr[done.stderr.index("ptychostudy: ") :]
    check_paragraph(printed, "ptychostudy: ")
    assert all(part in " ".join(printed.split()) for part in parts), printed
    assert "Traceback" not in done.stdout + done.stderr and "common.smk" not in done.stderr
    assert [path.name for path in tmp_path.iterdir() if path.name != ".snakemake"] == ["study.yaml"]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("doses: [1000]\ndoses: [10000]\n", "study.yaml: key 'doses' is given twice, in lines 1 and 2"),
        ("base: {frame_pix: 64}\n", "'base.frame_pix' is unknown"),
        ("doses: [1000", "study.yaml: cannot be read as YAML"),
    ],
)
def test_snakemake_reads_and_refuses_the_study_of_a_hub_by_itself(tmp_path, text, part):
    (tmp_path / "study.yaml").write_text(text)
    refused_by_snakemake(tmp_path, None, [part])


def test_the_command_line_has_the_last_word_on_the_study_of_a_hub(tmp_path):
    (tmp_path / "study.yaml").write_text("views: [dense]\ndoses: [1000]\nseeds: [0, 1]\n")
    command = [sys.executable, "-m", "snakemake", "-n", "--quiet", "rules", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--directory", str(tmp_path), "--config", "seeds=[0]"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    jobs = dict(line.split() for line in (done.stdout + done.stderr).splitlines() if len(line.split()) == 2)
    # One dose, one view, two splits; no second seed.
    assert (jobs["simulate"], jobs["overlap"], jobs["compare"]) == ("1", "2", "2")
    assert not any(name.startswith("seed_") for name in jobs)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("{", "--settings is not JSON"),
        ("[" * 10**5, "--settings is not JSON"),
        ("[1]", "--settings holds list, needed a JSON object"),
        ('{"frame": 3}', "--settings: config key 'frame' is unknown (value 3); did you mean 'frames'?"),
        ("@missing.json", "missing.json"),
    ],
)
def test_wrong_settings_by_hand(refused, text, part):
    assert part in refused("base", "--settings", text, "--source", "--output", "base.npz")


def test_settings_and_configuration_exclude_each_other(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["base", "--settings", "{}", "--config", "a.yaml", "--source", "--output", "b.npz"])
    assert stopped.value.code == 2
    assert "not allowed with argument" in capsys.readouterr().err


# --- files of a user --------------------------------------------------------------------------------------------------


def good_scan():
    """Return the arrays of a small measured scan that is read without complaint."""
    rng = np.random.default_rng(2)
    probe = rng.normal(size=(N, N)) + 1j * rng.normal(size=(N, N))
    return {
        "xcoords": np.array([20.0, 26.5, 31.0, 38.2, 44.0]),
        "ycoords": np.array([22.0, 30.0, 41.5, 25.0, 60.0]),
        "probeGuess": probe.astype(np.complex64),
        "objectGuess": np.ones((80, 64), np.complex64),
        "counts": rng.poisson(3.0, (FRAMES, N, N)).astype(np.uint32),
    }


def measured(**npz):
    # Five frames are few, which is not what is asked about here.
    npz = {"path": "scan.npz", "accept": ["small"], **npz}
    base = {"kind": "npz", "frames": "measured", "frame_px": N, "npz": npz}
    return {"base": base, "simulate": {"doses": [1]}}


def base(scan, config):
    return ("base", "--config", write_config(config), "--source", scan, "--output", "out/base.npz")


def changed(key, value):
    """Return a change of one array: a replacement, or a function of the old one."""
    return lambda arrays: arrays | {key: value(arrays[key]) if callable(value) else value}


def without(key):
    return lambda arrays: {name: value for name, value in arrays.items() if name != key}


def poke(key, value):
    """Return a change of one element."""

    def change(arrays):
        array = arrays[key].astype(np.result_type(arrays[key], np.asarray(value)))
        array.flat[3] = value
        return arrays | {key: array}

    return change


def frames_as(key, convert):
    return lambda arrays: without("counts")(arrays) | {key: convert(arrays["counts"])}


ARRAYS = {
    "missing key": (without("probeGuess"), {}, ["'probeGuess' is missing", "needed xcoords, ycoords, probeGuess"]),
    "no frames": (without("counts"), {}, ["'diff3d' are missing", "base.npz.keys: {counts: "]),
    "two stacks": (
        changed("diffraction", np.ones((FRAMES, N, N))),
        {},
        ["exactly one of", "['counts', 'diffraction']"],
    ),
    "text for numbers": (changed("xcoords", np.array(list("abcde"))), {}, ["'xcoords' is <U1", "needed real numbers"]),
    "complex positions": (changed("ycoords", lambda y: y + 0j), {}, ["'ycoords' is complex128", "needed real numbers"]),
    "real probe": (changed("probeGuess", np.abs), {}, ["'probeGuess' is float32", "needed complex (N, N)"]),
    "real object": (changed("objectGuess", np.abs), {}, ["'objectGuess' is float32", "needed complex (H, W)"]),
    "stack of objects": (
        changed("objectGuess", lambda o: o[None]),
        {},
        ["of shape (1, 80, 64), needed complex (H, W)"],
    ),
    "complex frames": (changed("counts", lambda c: c * 1j), {}, ["'counts' is complex128", "needed real numbers"]),
    "probe not square": (
        changed("probeGuess", lambda p: p[:, :30]),
        {},
        ["'probeGuess' has 32 x 30 pixels, the frames have 32 x 32", "cannot be known; needed: a probe of"],
    ),
    "several probes": (
        changed("probeGuess", lambda p: np.stack([p, p])[:, None]),
        {},
        ["'probeGuess' has shape (2, 1, 32, 32)", "needed: the modes of one probe"],
    ),
    "frames of two axes": (changed("counts", lambda c: c[0]), {}, ["'counts' has shape (32, 32), needed 3 axes"]),
    "frames too few": (changed("counts", lambda c: c[:4]), {}, ["shape (4, 32, 32)", "there are 5 positions"]),
    "coordinates differ": (changed("xcoords", lambda x: x[:4]), {}, ["'xcoords' has 4 entries, 'ycoords' 5"]),
    "coordinates of three axes": (
        changed("xcoords", lambda x: x[:, None, None]),
        {},
        ["'xcoords' is float64 of shape (5, 1, 1)"],
    ),
    "NaN position": (poke("xcoords", np.nan), {}, ["'xcoords' holds 1 values that are NaN or infinite"]),
    "infinite probe": (poke("probeGuess", np.inf), {}, ["'probeGuess' holds 1 values that are NaN or infinite"]),
    "dark probe": (changed("probeGuess", np.zeros_like), {}, ["'probeGuess' is all zero", "needed a probe"]),
    "NaN frame": (poke("counts", np.nan), {"measurement": "counts"}, ["'counts' holds 1 values that are NaN"]),
    "negative counts": (
        poke("counts", np.int64(-2)),
        {},
        ["'counts' holds negative values (smallest -2)", "photons >= 0"],
    ),
    "fractional counts": (
        poke("counts", 1.5),
        {"measurement": "counts"},
        ["fractional photons (off by 0.5)", "whole counts"],
    ),
    "too many counts": (poke("counts", np.int64(2) ** 33), {}, ["largest count of 8.59e+09", "4294967295"]),
    "no counts": (changed("counts", np.zeros_like), {}, ["largest count of 0", "needed between 1 and"]),
    "amplitude in doubt": (
        frames_as("diffraction", lambda c: np.sqrt(c).astype(np.float32)),
        {},
        ["'diffraction' (float32) may hold amplitudes", "base.npz.measurement set to amplitude, intensity or counts"],
    ),
    "axes in doubt": (
        lambda a: (
            a
            | {
                "xcoords": np.linspace(20, 40, N),
                "ycoords": np.linspace(60, 20, N),
                "counts": np.ones((N, N, N), np.uint32),
            }
        ),
        {},
        ["fits NHW and HWN for 32 positions", "base.npz.axes set to NHW or HWN"],
    ),
    "axes said wrongly": (changed("counts", lambda c: c), {"axes": "HWN"}, ["5 positions", "base.npz.axes: HWN"]),
    "position outside": (
        poke("ycoords", 70.0),
        {},
        ["1 of 5 windows leave 'objectGuess' of shape (80, 64)", "16 px inside"],
    ),
    "x and y swapped": (
        lambda a: a | {"xcoords": a["ycoords"], "ycoords": a["xcoords"]},
        {},
        ["1 of 5 windows leave 'objectGuess'", "'xcoords' 22.0 to 60.0"],
    ),
    "position twice": (
        lambda a: a | {key: a[key][[0, 1, 2, 3, 3]] for key in ("xcoords", "ycoords")},
        {},
        ["1 of 5 frames are at the very position of an earlier one: 4", "needed: base.npz.drop_frames: auto"],
    ),
    "empty scan": (
        lambda a: a | {key: a[key][:0] for key in ("xcoords", "ycoords", "counts")},
        {},
        ["the scan is empty", "needed at least one frame"],
    ),
    "other frame side": (
        lambda a: a | {"probeGuess": a["probeGuess"][:16, :16], "counts": a["counts"][:, :16, :16]},
        {},
        ["frames of key 'counts' have 16 x 16 pixels; taken are 32 x 32", "needed: a smaller one"],
    ),
}


def save_hdf5(path, arrays):
    with h5py.File(path, "w") as file:
        for key, value in arrays.items():
            file[key] = value.astype("S") if value.dtype.kind == "U" else value


@pytest.mark.parametrize("name", ARRAYS)
def test_wrong_arrays(name, refused):
    change, npz, parts = ARRAYS[name]
    np.savez("scan.npz", **change(good_scan()))
    message = refused(*base("scan.npz", measured(**npz)))
    assert all(part in message for part in ["scan.npz", *parts]), message
    assert not Path("out").exists()


@pytest.mark.parametrize("name", [name for name in ARRAYS if name != "text for numbers"])
def test_wrong_arrays_in_hdf5(name, refused):
    change, npz, parts = ARRAYS[name]
    save_hdf5("scan.h5", change(good_scan()))
    message = refused(*base("scan.h5", measured(**npz)))
    assert all(part in message for part in ["scan.h5", *parts]), message


def test_good_scan_is_taken_from_both_formats(refused, capsys):
    np.savez_compressed("scan.npz", **good_scan())
    save_hdf5("scan.h5", good_scan())
    written = []
    for name in ("scan.npz", "scan.h5"):
        assert main([str(argument) for argument in base(name, measured())]) == 0
        written.append(Path("out/base.npz").read_bytes())
    assert written[0] == written[1]
    assert capsys.readouterr().err == ""


def test_object_is_needed_where_frames_are_simulated(refused):
    np.savez("scan.npz", **without("objectGuess")(good_scan()))
    message = refused(*base("scan.npz", {"base": measured()["base"] | {"frames": "simulate"}}))
    assert "scan.npz: key 'objectGuess' is missing; needed to simulate frames" in message


# --- damaged and hostile files ----------------------------------------------------------------------------------------


def cut(path):
    path.write_bytes(path.read_bytes()[:-300])


def empty(path):
    path.write_bytes(b"")


def zeros(path):
    path.write_bytes(bytes(path.stat().st_size))


def text(path):
    path.write_text("xcoords ycoords\n1 2\n")


def flip(path):
    data = bytearray(path.read_bytes())
    data[data.index(good_scan()["probeGuess"].tobytes()) + 40] ^= 1
    path.write_bytes(data)


def remove(path):
    path.unlink()


DAMAGE = {
    "truncated": (cut, "needed: a complete file"),
    "empty": (empty, "needed: a complete file"),
    "zero-filled": (zeros, "needed: a complete file"),
    "no archive at all": (text, "needed: a complete file"),
    "missing": (remove, "no such file"),
}


@pytest.mark.parametrize("suffix", ["npz", "h5"])
@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_file(name, suffix, refused):
    path = Path(f"scan.{suffix}")
    (np.savez(path, **good_scan()) if suffix == "npz" else save_hdf5(path, good_scan()))
    damage, part = DAMAGE[name]
    damage(path)
    message = refused(*base(path, measured()))
    assert f"scan.{suffix}: " in message and part in message


def test_flipped_bit(refused):
    np.savez("scan.npz", **good_scan())
    flip(Path("scan.npz"))
    assert "scan.npz: key 'probeGuess' cannot be read" in refused(*base("scan.npz", measured()))


class Opened:
    """A pickle that tells on whoever opens it."""

    def __reduce__(self):
        return os.mkdir, ("opened",)


@pytest.mark.parametrize("key", ["xcoords", "counts"])
def test_pickles(key, refused):
    np.savez("scan.npz", **good_scan() | {key: np.array([{"a": 1}], dtype=object)})
    message = refused(*base("scan.npz", measured()))
    assert f"scan.npz: key {key!r} cannot be read (it holds pickled objects); needed: a plain array" in message


@pytest.mark.usefixtures("refused")
def test_pickled_metadata_are_never_opened():
    """PtychoPINN writes its notes so, beside arrays that are as good as any."""
    np.savez("scan.npz", **good_scan(), _metadata=np.array(Opened(), dtype=object))
    assert main([str(word) for word in base("scan.npz", measured())]) == 0
    assert not Path("opened").exists() and Path("out/base.npz").exists()


def test_folder_in_the_place_of_a_file(refused):
    Path("scan.npz").mkdir()
    assert "scan.npz: " in refused(*base("scan.npz", measured()))


def test_read_only_folder(refused, monkeypatch):
    # Root, as whom containers run tests, may write anywhere: the system's answer is given by hand.
    def deny(**options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(options["dir"]))

    np.savez("scan.npz", **good_scan())
    Path("out").mkdir()
    monkeypatch.setattr(tempfile, "mkstemp", deny)
    message = refused(*base("scan.npz", measured()))
    assert "out/base.npz: cannot write here (Read-only file system); needed: a writable folder out" in message


def test_output_below_a_file(refused):
    np.savez("scan.npz", **good_scan())
    Path("out").write_text("in the way")
    assert "out/base.npz: cannot write here" in refused(*base("scan.npz", measured()))


# --- later stages -----------------------------------------------------------------------------------------------------


@pytest.fixture
def measured_hub(refused):
    """Make base and reference of a measured scan; return the arguments of `simulate` without the dose."""
    arrays = good_scan()
    np.savez("scan.npz", **arrays)
    assert main([str(argument) for argument in base("scan.npz", measured())]) == 0
    write_npz("reference.npz", {key: arrays[key] for key in ("objectGuess", "probeGuess")}, {"truth": "simulated"})
    config = write_config(measured() | {"split": {"guard_px": 1.0}})
    arguments = ["--config", config, "--base", "out/base.npz", "--reference", "reference.npz"]
    return [*arguments, "--train", "train.npz", "--test", "test.npz"]


def test_more_photons_than_measured(refused, measured_hub):
    message = refused("simulate", *measured_hub, "--dose", 10**6)
    photons = good_scan()["counts"].sum(axis=(1, 2))
    train = photons[np.array([0, 1, 3])].mean()  # ycoords 22, 30 and 25 lie before the cut at 41
    assert f"out/base.npz: holds {train:.6g} photons per frame, but simulate.doses asks for 1000000" in message
    assert "needed: at most that" in message


@pytest.mark.parametrize("dose", [0, -5])
def test_no_photons(refused, measured_hub, dose):
    assert "needed" in refused("simulate", *measured_hub, "--dose", dose)


def test_damaged_artifact_of_an_earlier_stage(refused, measured_hub):
    path = Path("out/base.npz")
    data = bytearray(path.read_bytes())
    data[data.index(good_scan()["counts"].tobytes()) + 999] ^= 8
    path.write_bytes(data)
    assert "out/base.npz: damaged or replaced" in refused("simulate", *measured_hub, "--dose", 100)
    path.with_name(".base.npz.sha256").unlink()  # without its sum, the file's own checksums still tell
    assert "out/base.npz: key 'counts' cannot be read" in refused("simulate", *measured_hub, "--dose", 100)


@pytest.fixture
def overlap(refused, monkeypatch):
    """Return a function that refuses `overlap` of the default synthetic scan under other settings."""
    assert main(["base", "--config", str(write_config({})), "--source", "--output", "base.npz"]) == 0

    def run(view=None, **changes):
        views = {"views": {"dense": {"s_img": 1.0} | (view or {})}}
        config = {"overlap": views | changes.pop("overlap", {})} | changes
        arguments = ["--base", "base.npz", "--reference", "base.npz", "--view", "dense", "--split", "train"]
        arguments += ["--output", "dense.npz", "--metrics", "dense.json"]
        return refused("overlap", "--config", write_config(config), *arguments)

    return run


@pytest.mark.parametrize("target", [0.95, 0.99])
def test_overlap_that_cannot_be_had(overlap, target):
    message = overlap({"s_img": None, "target_overlap": target})
    assert f"target_overlap {target} is not attainable" in message and "so the range is [0, 0." in message


def test_part_without_frames(overlap):
    message = overlap(split={"guard_px": 1000})
    assert "the train part is empty" in message and "(split.fraction, split.guard_px)" in message


def test_more_groups_than_frames(overlap):
    message = overlap({"n_groups": 10**6})
    assert "OVERSAMPLING-001: 1000000 groups asked" in message and "enable_oversampling" in message


def test_unknown_stage_and_missing_option(capsys):
    assert main(["bass"]) == 2
    assert "unknown stage 'bass'" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        main(["overlap", "--config", "a.yaml"])
    assert stopped.value.code == 2 and "the following arguments are required" in capsys.readouterr().err


def test_whole_program_prints_one_paragraph(tmp_path):
    np.savez(tmp_path / "scan.npz", **changed("probeGuess", np.abs)(good_scan()))
    command = [sys.executable, "-m", "ptychostudy", "base", "--config", str(write_config(measured(), tmp_path))]
    command += ["--source", "scan.npz", "--output", "base.npz"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
    assert (done.returncode, done.stdout) == (2, "")
    check_paragraph(done.stderr, "ptychostudy base: ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scan.npz", "study.yaml"]


@pytest.mark.parametrize("stage", ["stitch", "simulate with a wrong base", "simulate with a wrong reference", "export"])
def test_a_file_of_another_kind_is_refused(tmp_path, monkeypatch, capsys, stage):
    """Arrays that are there, and a record that is not what the stage needs: named, no traceback."""
    monkeypatch.chdir(tmp_path)
    probe = np.ones((32, 32), np.complex64)
    rows, cols = np.meshgrid(np.arange(16.0, 104.0, 8.0), np.arange(16.0, 48.0, 8.0), indexing="ij")
    scan = {"ycoords": rows.ravel(), "xcoords": cols.ravel(), "objectGuess": np.ones((124, 68), np.complex64)}
    arrays = scan | {"probeGuess": probe, "PtychoPINN_patches": np.zeros((3, 8, 8), np.complex64)}
    write_npz(tmp_path / "other.npz", arrays, {"anything": 1})
    write_npz(tmp_path / "base.npz", arrays, {"data_transformations": []})
    write_npz(tmp_path / "reference.npz", arrays, {"truth": "simulated object"})
    out = ["--output", "out.npz"]
    split = '{"axis": "y", "fraction": 0.5, "guard_px": null}'
    settings = [
        "--settings",
        f'{{"seed": 1, "split": {split}}}',
        "--dose",
        "100",
        "--train",
        "a.npz",
        "--test",
        "b.npz",
    ]
    commands = {
        "stitch": (
            ["stitch", "--settings", '{"synchronise": true}', "--arm", "PtychoPINN", "--shards", "other.npz"]
            + ["--scan", "base.npz", "--view", "base.npz", *out],
            "shard",
        ),
        "simulate with a wrong base": (
            ["simulate", *settings, "--base", "other.npz", "--reference", "reference.npz"],
            "data_transformations",
        ),
        "simulate with a wrong reference": (
            ["simulate", *settings, "--base", "base.npz", "--reference", "other.npz"],
            "truth",
        ),
        "export": (
            [
                "export",
                "--arm-file",
                "other.npz",
                "--scan",
                "base.npz",
                "--view",
                "base.npz",
                "--base",
                "base.npz",
                *out,
            ],
            "arm",
        ),
    }
    words, key = commands[stage]
    assert main(words) == 2
    message = " ".join(capsys.readouterr().err.split())
    assert f"other.npz: key '_metadata' lacks '{key}', found ['anything']" in message
    assert not list(tmp_path.glob("out*")) and not list(tmp_path.glob("[ab].npz"))


def test_by_hand_equals_the_workflow(refused, tmp_path):
    from ptychostudy.study.settings import parse_study
    from ptychostudy.study.stage_settings import encode, stage_settings

    config = {"base": {"object": {"shape_px": [140, 150]}, "seed": 3}}
    passed = encode(stage_settings(parse_study(config), "base"))
    assert main(["base", "--settings", passed, "--source", "--output", "a.npz"]) == 0
    assert main(["base", "--config", str(write_config(config)), "--source", "--output", "b.npz"]) == 0
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
