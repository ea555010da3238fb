"""A PtychoPINN user's way in: files by the rules of its own loader go in, and its words lead to ours.

`their_view` is that loader by its rules: which key, which axis the frames are on, what a position is. What it would see
of a file is what `inspect` has to put into the study, and what the stage `base` has to read by it.
"""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from known_scan import known_scan, object_of

from ptychostudy.__main__ import STAGES, _declaration, _parser, main
from ptychostudy.formats.user_file import KNOWN
from ptychostudy.intake.photon_unit import photon_unit
from ptychostudy.io.arrays import read_npz
from ptychostudy.study import settings as study_settings
from ptychostudy.study.settings import parse_study, read_study

DOC = (Path(__file__).resolve().parents[2] / "docs" / "from_ptychopinn.md").read_text(encoding="utf-8")


def note(photons):
    """Return the metadata as its tools write them: a text in an array of objects, which is a pickle."""
    physics = {"nphotons": photons, "gridsize": 1, "N": 32}
    return np.array(json.dumps({"schema_version": "1.0.0", "physics_parameters": physics}), dtype=object)


def file_of(frames="diffraction", *, change=np.asarray, **more):
    """Return all that its tools write: amplitudes, centres in object pixels from the corner, start positions, truth."""
    scan = known_scan(rows=6, cols=5, photons=2e4)
    count = len(scan["ycoords"])
    starts = {"xcoords_start": scan["xcoords"], "ycoords_start": scan["ycoords"], "scan_index": np.zeros(count, int)}
    both = {"xcoords": scan["xcoords"], "ycoords": scan["ycoords"], "probeGuess": scan["probeGuess"]}
    amplitudes = np.sqrt(scan["counts"].astype(np.float64)).astype(np.float32)
    field = object_of((68, 63)).astype(np.complex64)
    return {frames: change(amplitudes), **both, **starts, "objectGuess": field, **more}


def without(arrays, *keys):
    return {key: array for key, array in arrays.items() if key not in keys}


DOSE_SCALE = np.float32(np.sqrt(2e4 / 0.31))
PATCHES = np.ones((30, 32, 32, 1), np.complex64)

SHUFFLED = {"_shuffle_applied": np.array([True]), "_shuffle_seed": np.array([42])}

FILES = {
    "canonical": lambda: file_of(_metadata=note(2e4), Y=PATCHES[..., 0], **SHUFFLED),
    "least keys": lambda: without(file_of(), "xcoords_start", "ycoords_start", "scan_index", "objectGuess"),
    "legacy": lambda: file_of("diff3d", change=lambda frames: frames.transpose(1, 2, 0)),
    "a trailing axis": lambda: file_of(change=lambda frames: frames[..., None], Y=PATCHES),
    "simulated": lambda: file_of(
        "diff3d", change=lambda frames: frames / DOSE_SCALE, _metadata=note(2e4), ground_truth_patches=PATCHES
    ),
    "simulated, renamed, frames last": lambda: file_of(change=lambda frames: np.moveaxis(frames / DOSE_SCALE, 0, -1)),
    "counts in place of amplitudes": lambda: file_of(change=lambda frames: np.rint(frames**2).astype(np.uint16)),
}


def their_view(arrays):
    """Return frames (k, N, N) and positions (k, 2) (row, col), by the rules of its loader."""
    frames = arrays["diff3d"] if "diff3d" in arrays else arrays["diffraction"]
    frames = frames[..., 0] if frames.ndim == 4 else frames
    count = len(arrays["xcoords"])
    if frames.shape[0] != count:
        assert frames.shape[-1] == count
        frames = frames.transpose(2, 0, 1)
    return frames, np.stack([arrays["ycoords"], arrays["xcoords"]], axis=1)


@pytest.mark.parametrize("kind", FILES)
def test_a_file_by_the_rules_of_its_loader_becomes_a_study(folder, few, capsys, kind):
    arrays = FILES[kind]()
    np.savez("theirs.npz", **arrays)
    assert main(["inspect", "theirs.npz", "--write", "study.yaml"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    study = read_study(Path("study.yaml"))
    # What is printed is what is written, and Snakemake lays it over the default study as it is.
    assert yaml.safe_load(Path("study.yaml").read_text())["base"]["npz"]["path"] == "theirs.npz"
    assert study.base.kind == "npz" and study.base.frames == "measured" and study.base.frame_px == 32
    assert parse_study(json.loads(study.model_dump_json(by_alias=True))) == study
    assert "geometry ok" in printed
    assert ("'_metadata' holds pickled objects and is left closed" in printed) == ("_metadata" in arrays)
    assert main(["base", "--config", "study.yaml", "--source", "theirs.npz", "--output", "base.npz"]) == 0
    found = read_npz("base.npz")
    frames, positions = their_view(arrays)
    np.testing.assert_array_equal(found["counts"], known_scan(rows=6, cols=5, photons=2e4)["counts"])
    # Their frames are the roots of ours, but for one factor where they were divided by the root of a dose.
    if frames.dtype.kind == "f":
        ratio = frames[frames > 0] / np.sqrt(found["counts"][frames > 0])
        np.testing.assert_allclose(ratio, ratio.mean(), rtol=1e-6)
    np.testing.assert_array_equal(np.stack([found["ycoords"], found["xcoords"]], axis=1), positions)


def test_what_it_simulated_is_simulated_anew_from_its_object(folder):
    """Where a dose is wanted that the file has not: object, probe and positions are enough."""
    arrays = without(file_of(), "diffraction")
    np.savez("theirs.npz", **arrays)
    base = {"kind": "npz", "frames": "simulate", "frame_px": 32, "npz": {"path": "theirs.npz"}}
    Path("study.yaml").write_text(yaml.safe_dump({"base": base}))
    assert main(["base", "--config", "study.yaml", "--source", "theirs.npz", "--output", "base.npz"]) == 0
    found = read_npz("base.npz")
    np.testing.assert_array_equal(found["objectGuess"], arrays["objectGuess"])
    assert "counts" not in found


# --- what one photon is -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-7, 0.37, 1.0, 5e3])
def test_photons_divided_by_a_number_tell_it(scale):
    counts = np.random.default_rng(1).poisson(np.geomspace(0.1, 3e4, 4000)).astype(np.float64)
    amplitudes = (np.sqrt(counts) * np.sqrt(scale)).astype(np.float32)
    assert photon_unit(amplitudes.astype(np.float64) ** 2) == pytest.approx(scale, rel=1e-7)


@pytest.mark.parametrize(
    "numbers",
    [
        np.random.default_rng(2).uniform(0.1, 30, 500),
        np.random.default_rng(3).exponential(1.0, 5000),
        np.arange(1, 6) * 0.3,
        np.zeros(100),
        np.concatenate([[1e-9], np.arange(1, 2000) * 0.3]),
    ],
    ids=["uniform", "exponential", "too few", "dark", "too fine"],
)
def test_numbers_that_are_no_photons_have_no_unit(numbers):
    assert photon_unit(numbers) is None


# --- the page ---------------------------------------------------------------------------------------------------------


def rows_of(heading):
    """Return the cells of the table under a heading of the page."""
    (part,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", DOC, re.MULTILINE | re.DOTALL)
    rows = [line.strip("|").split(" | ") for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def words(cell):
    return re.findall(r"`([^`]+)`", cell)


def keys_of(section, path=""):
    for key, value in section.items():
        yield f"{path}{key}"
        if isinstance(value, dict):
            yield from keys_of(value, f"{path}{key}.")


KEYS = set(keys_of(study_settings.Study().model_dump(by_alias=True)))


def test_settings_on_the_page_are_keys_of_a_study():
    ours = [word for row in rows_of("Settings") for word in words(row[1])]
    named = {word.split(":")[0].replace("NAME", "dense") for word in ours}
    unknown = {word for word in named if word not in KEYS}
    assert len(named) > 15 and unknown == set()


def test_commands_on_the_page_are_ours():
    ours = [word for row in rows_of("Commands") for word in words(row[1])]
    stages = {word.split()[1] for word in ours if word.startswith("ptychostudy ")}
    assert len(stages) > 8 and stages <= set(STAGES)


def test_options_on_the_page_are_those_of_score():
    parser = _parser("score", _declaration("score"))
    known = {option for action in parser._actions for option in action.option_strings}
    rows = rows_of("Options of compare_models")
    asked = {
        *("--n-test-groups", "--stitch-crop-size", "--phase-align-method", "--frc-sigma", "--ms-ssim-sigma"),
        *("--register-ptychi-only", "--skip-registration", "--pinn-chunk-size", "--baseline-debug-limit"),
    }
    assert asked <= {word for row in rows for word in words(row[0])}
    kept = [(word, row[1]) for row in rows for word in words(row[0]) if row[1].startswith("`--")]
    assert {"--frc-sigma", "--skip-registration"} <= {word for word, _ in kept}
    ours = {word.split()[0] for _, cell in kept for word in words(cell) if word.startswith("--")}
    assert ours <= known
    # What is left out says why, and an option of that name is not taken for another.
    for row in rows:
        if not row[1].startswith("`--"):
            assert row[1].startswith("left out: ") and not known & set(words(row[0]))


def test_keys_on_the_page_are_read():
    ours = {word for row in rows_of("Files") for word in words(row[1]) if word in KNOWN}
    assert {"xcoords", "ycoords", "probeGuess", "objectGuess"} <= ours
