"""Checks of the verification on cells made by hand: each says what is wrong, and nothing where all is right."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from ptychostudy.checks import fields, frames, metrics, overlap, texts
from ptychostudy.checks.check import Check, CouldNotCheck, perform
from ptychostudy.checks.differences import differences
from ptychostudy.checks.inventory import listed_files
from ptychostudy.checks.verification import CHECKS, perform_all
from ptychostudy.io.arrays import write_npz
from ptychostudy.io.atomic import sha256_of
from ptychostudy.io.records import write_json
from ptychostudy.io.text import write_text
from ptychostudy.physics.probe_width import width_px
from ptychostudy.study import layout
from ptychostudy.study.hub import Hub
from ptychostudy.study.names import ARMS, SPLITS
from ptychostudy.study.settings import parse_study
from ptychostudy.study.stage_settings import stage_settings
from scenes import made_scan, made_scene

DOSES_DIFFER = "counts differ between doses as the doses do"
STUDY = {"views": ["dense"], "simulate": {"doses": [1000]}, "verify": {"max_shift_px": 1.0, "min_coverage": 0.5}}
SETTINGS = stage_settings(parse_study(STUDY), "verify")


def structure(seed):
    rng = np.random.default_rng(seed)
    return (1 + 0.1 * (rng.standard_normal((8, 9)) + 1j * rng.standard_normal((8, 9)))).astype(np.complex64)


@pytest.fixture
def hub(tmp_path):
    """Return a hub of one dose and view whose cells are right, and a function that changes one cell."""
    made = Hub(tmp_path, SETTINGS)
    mask = np.zeros((8, 9), bool)
    mask[1:7, 1:8] = True

    def put(split="test", *, fields=None, arms=None, **status):
        folder = made.analysis(1000, "dense", split)
        stored = {arm: structure(k) for k, arm in enumerate(ARMS)} | (fields or {})
        stored = {arm: field for arm, field in stored.items() if field is not None}
        write_npz(folder / "reconstructions_aligned.npz", {"mask": mask, **stored})
        write_npz(folder / "reconstructions.npz", {"mask": mask, **stored})
        records = {arm: {"status": "ok", "shift_px": [0.1, -0.2]} for arm in ARMS} | (arms or {})
        known = {"arms": records, "coverage": 0.9, "mask_px": int(mask.sum())}
        write_json(folder / "status.json", known | status)

    for split in SPLITS:
        put(split)
    return made, put


@pytest.mark.parametrize("check", [fields.arms, fields.shifts, fields.coverage])
def test_what_is_right_has_no_problem(hub, check):
    assert check(hub[0]) == []


@pytest.mark.parametrize(
    ("field", "said"),
    [
        (None, "has no field"),
        (np.zeros((8, 9), np.complex64), "the output is all zero"),
        (np.full((8, 9), 0.7 - 0.1j, np.complex64), "the output is constant"),
        (structure(0) * np.nan, "the output is not finite"),
    ],
    ids=["no field", "all zero", "constant", "not finite"],
)
def test_an_arm_without_a_field_of_its_own_is_named(hub, field, said):
    study, put = hub
    put(fields={"Baseline": field})
    (problem,) = fields.arms(study)
    assert problem.startswith("dose_1000/dense/test: Baseline") and problem.endswith(said)


def test_where_nothing_is_scored_nothing_is_judged(hub):
    """Outside the mask a field may be anything."""
    study, put = hub
    field = structure(1)
    field[0] = np.nan
    put(fields={"Baseline": field})
    assert fields.arms(study) == []


def test_an_arm_that_failed_in_a_repetition_is_counted_and_not_judged(hub):
    study, put = hub
    put(fields={"Baseline": None}, arms={"Baseline": {"status": "failed", "reason": "collapsed"}})
    assert len(fields.arms(study)) == 1
    assert fields.arms(Hub(study.root, SETTINGS, repetition=True)) == []


@pytest.mark.parametrize(("shift", "wrong"), [([0.0, 1.0], 0), ([0.0, 1.01], 1), ([-1.01, 0.0], 1), (None, 0)])
def test_shifts_are_bounded_on_both_axes_and_signs(hub, shift, wrong):
    study, put = hub
    put(arms={"PtyChi": {"status": "ok", "shift_px": shift}})
    found = fields.shifts(study)
    assert len(found) == wrong and all("PtyChi is" in text and "px off, allowed 1.0" in text for text in found)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"coverage": 0.499}, "arms cover 0.499 of the hull, needed 0.5"),
        ({"mask_px": 41}, "the stored mask has 42 pixels, recorded 41"),
        ({"fields": {"PtyChi": structure(2) * (np.arange(9) != 4)}}, "PtyChi is zero on scored pixels"),
    ],
)
def test_coverage_is_of_the_hull_and_of_every_scored_pixel(hub, changes, said):
    study, put = hub
    put(**changes)
    assert fields.coverage(study) == [f"dose_1000/dense/test: {said}"]


def test_coverage_at_its_bound_is_enough(hub):
    study, put = hub
    put(coverage=0.5)
    assert fields.coverage(study) == []


@pytest.mark.parametrize(
    ("recorded", "recomputed", "said"),
    [
        ({"a": 1.0, "b": [1, 2]}, {"a": 1.0 + 5e-7, "b": [1, 2]}, []),
        ({"a": 1.0}, {"a": 1.0 + 2e-6}, ["x.a is 1.0, recomputed 1.000002"]),
        ({"a": 1, "c": 1}, {"b": 1, "c": 2}, ["x.a is unexpected", "x.b is missing", "x.c is 1, recomputed 2"]),
        ({"a": [1, 2]}, {"a": [1]}, ["x.a has 2 entries, recomputed 1"]),
        ([{"a": "p"}, {"a": "q"}], [{"a": "p"}, {"a": "p"}], ["x[1].a is 'q', recomputed 'p'"]),
        (1.0000001, True, ["x is 1.0000001, recomputed True"]),
        (None, 0.0, ["x is None, recomputed 0.0"]),
    ],
)
def test_differences_are_named_by_their_place(recorded, recomputed, said):
    assert differences(recorded, recomputed, "x") == said


@pytest.mark.parametrize(
    ("text", "value", "same"),
    [
        ("0.5", 0.5 + 4e-7, True),
        ("0.5", 0.502, False),
        ("0", 9e-10, True),
        ("0", 2e-9, False),
        # A hundredth of a small error is seen.
        ("0.0001", 0.000101, False),
        ("n/a", None, True),
        ("n/a", 0.5, False),
        ("0.5", None, False),
    ],
)
def test_a_score_of_a_table_is_its_number_or_none(text, value, same):
    assert metrics._same_score(text, value) == same


def test_the_first_line_that_differs_is_named():
    assert texts._first_difference("a\nb\nc\n", "a\nB\nC\n") == 2
    assert texts._first_difference("a\nb\n", "a\nb\nc\n") == "its end"


def test_a_ratio_of_doses_may_miss_by_five_standard_deviations():
    """10 frames hold 10^4 and 10^6 photons, known to 1 % and 0.1 %."""
    assert frames._ratio_tolerance(1000, 100000, 10) == pytest.approx(5 * 1.01e-4**0.5)


@pytest.mark.parametrize(("frame", "place"), [(None, None), (1, (2, 3)), (4, (2, 0))])
def test_photons_on_masked_pixels_are_named(frame, place):
    source = made_scan()
    valid = np.ones(source.counts.shape[1:], bool)
    valid[2] = False
    counts = source.counts * valid
    if frame is not None:
        counts[(frame, *place)] = 5
    masked = dataclasses.replace(source, counts=counts, valid=valid)
    said = [] if frame is None else [f"a.npz: 1 frames hold photons on masked pixels, the first {frame}"]
    assert frames._on_masked_pixels(masked, Path("a.npz")) == said
    # Without a mask there is no such place.
    assert frames._on_masked_pixels(source, Path("a.npz")) == []


@pytest.mark.parametrize("width", ["power", "bright"])
@pytest.mark.parametrize("guard", ["probe", "none"])
def test_parts_are_disjoint_by_the_true_probe(tmp_path, width, guard):
    """The arms are given a wider one, out of focus, by which frames beside the cut would share light."""
    study = Hub(tmp_path, SETTINGS)
    scene = made_scene()
    diameter = width_px(scene.probe, width)
    wrong = scene.probe.copy()
    wrong[:] = np.abs(scene.probe).max()
    assert width_px(wrong, width) > diameter + 1
    write_npz(tmp_path / layout.REFERENCE, {"probeGuess": scene.probe, "objectGuess": scene.object})
    # Parted by just a little more than the probe is wide, or by half of it.
    gap = diameter + 0.1 if guard == "probe" else diameter / 2
    steps = [{"parameters": {"split": {"guard_px": None}, "probe_width": width}}]
    rows, cols = scene.object.shape
    n = len(scene.probe)
    for split, row in zip(SPLITS, (n / 2, n / 2 + gap), strict=True):
        assert row + n / 2 <= rows and n <= cols
        arrays = {
            "ycoords": np.array([row]),
            "xcoords": np.array([n / 2]),
            "probeGuess": wrong.astype(np.complex64),
            "objectGuess": scene.object.astype(np.complex64),
            "counts": np.ones((1, n, n), np.uint32),
            "photons_requested": np.float64(1000),
            "photons_measured": np.float64(n * n),
        }
        write_npz(study.scan(1000, split), arrays, {"data_transformations": steps})
    problems = overlap.disjoint(study)
    assert (problems == []) is (guard == "probe")


@pytest.fixture
def inventory(tmp_path):
    """Return a hub with two files, of which one has a wall time in it, and a function that writes its inventory."""
    write_text(tmp_path / "data" / "a.txt", "a\n")
    write_text(tmp_path / "data" / "manifest.json", "{}\n")
    entries = {"data/a.txt": {"sha256": sha256_of(tmp_path / "data/a.txt")}, "data/manifest.json": {"volatile": True}}

    def write(listed=entries, lines=None):
        write_json(tmp_path / "analysis/artifact_inventory.json", {"files": listed})
        write_text(tmp_path / "analysis/artifact_inventory.txt", "".join(f"{n}\n" for n in lines or sorted(listed)))

    write()
    return Hub(tmp_path, SETTINGS), write, entries


def test_a_whole_inventory_has_no_problem(inventory):
    assert listed_files(inventory[0]) == []


def test_a_changed_and_a_missing_file_are_named(inventory):
    hub = inventory[0]
    (hub.root / "data/a.txt").write_text("b\n")
    assert listed_files(hub) == ["data/a.txt: its sha256 is not the recorded one; the file changed after the run"]
    (hub.root / "data/a.txt").unlink()
    assert listed_files(hub) == ["data/a.txt: does not exist"]


def test_a_file_with_a_wall_time_may_change(inventory):
    hub = inventory[0]
    (hub.root / "data/manifest.json").write_text("{ }\n")
    assert listed_files(hub) == []


@pytest.mark.parametrize("name", ["/etc/hosts", "data\\a.txt", "data/../data/a.txt"])
def test_paths_are_relative_to_the_hub(inventory, name):
    hub, write, entries = inventory
    write(entries | {name: {"volatile": True}})
    assert f"{name!r} is not a hub-relative POSIX path" in listed_files(hub)


def test_text_and_record_list_the_same(inventory):
    hub, write, _ = inventory
    write(lines=["data/a.txt"])
    assert "list different files" in listed_files(hub)[0]


def test_a_check_that_raises_is_invalid_and_one_without_meaning_is_neither():
    def raises(error):
        def check(hub):
            raise error

        return perform(Check("analysis", "x", check), None)

    assert raises(KeyError("mask"))["valid"] is False and "KeyError: 'mask'" in raises(KeyError("mask"))["error"]
    assert raises(CouldNotCheck("one dose only")) == {
        "path": "analysis",
        "description": "x",
        "valid": None,
        "error": "could not check: one dose only",
    }
    many = perform(Check("analysis", "x", lambda hub: [str(k) for k in range(7)]), None)
    assert many["error"] == "0; 1; 2; 3; 4; and 2 more" and many["n_problems"] == 7


def test_what_a_seed_has_for_itself_is_checked_in_its_folder(tmp_path):
    """Of an empty hub everything is missing, and said in the order of the table, seed by seed."""
    entries = perform_all(Hub(tmp_path, SETTINGS.model_copy(update={"seeds": [4, 7]})))
    repeated = [f"seeds/seed_7/{check.path}" for check in CHECKS if check.each_seed]
    assert [entry["path"] for entry in entries] == [check.path for check in CHECKS] + repeated
    assert len(CHECKS) == 21 and len(repeated) == 8
    assert {entry["valid"] for entry in entries if entry["description"] != DOSES_DIFFER} == {False}
    assert [entry["valid"] for entry in entries if entry["description"] == DOSES_DIFFER] == [None, None]
