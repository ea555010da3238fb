"""Reconstructions of other programs in a study: rows of their own, and nothing of ours changed."""

import json
import re
import shutil

import numpy as np
import pytest
import yaml

from conftest import Workflow
from ptychostudy.checks import foreign
from ptychostudy.io.arrays import read_npz, write_npz
from ptychostudy.io.tables import read_csv
from ptychostudy.study.hub import Hub
from ptychostudy.study.names import ARMS, CONTROLS, METRIC_COLUMNS
from ptychostudy.study.settings import read_study
from ptychostudy.study.stage_settings import stage_settings

EXTRA = ("Noise", "Theirs", "Turned")


def hand_in(hub):
    """Write the TV product of every cell as a user's NPZ: as it is, turned and conjugated; and noise beside them."""
    (hub / "theirs").mkdir()
    for path in sorted(hub.glob("data/phase_f/dose_*/*/*/tv.npz")):
        *_, dose, view, split, _ = path.relative_to(hub).parts
        product = read_npz(path)
        field = np.where(product["coverage"] > 0, product["reconstructed_object"], 0)
        rng = np.random.default_rng(7)
        noise = (1 + 0.3 * rng.normal(size=field.shape)) * np.exp(0.3j * rng.normal(size=field.shape))
        handed = {"Theirs": field, "Turned": np.pad(field[::-1].conj(), ((3, 8), (0, 5))), "Noise": noise}
        for name, each in handed.items():
            write_npz(hub / f"theirs/{name}_{dose}_{view}_{split}.npz", {"objectGuess": np.asarray(each, np.complex64)})


@pytest.fixture(scope="module")
def made(finished, tmp_path_factory):
    """Return a copy of the finished study with three arms of other programs, and what its run said."""
    folder = tmp_path_factory.mktemp("foreign") / "study"
    shutil.copytree(finished.hub.parent, folder, symlinks=True)
    workflow = Workflow(folder / "source", folder / "hub", folder / "study.yaml")
    hand_in(workflow.hub)
    config = yaml.safe_load(workflow.config.read_text())
    paths = {name: f"theirs/{name}_dose_{{dose}}_{{view}}_{{split}}.npz" for name in EXTRA}
    # As TV is not registered either; what is placed on whole pixels lies exactly where it lay.
    config["arms"] = {"extra": paths, "unregistered": ["Theirs", "Turned"]}
    workflow.config.write_text(yaml.safe_dump(config))
    jobs = workflow.jobs()
    done = workflow.snakemake(cores=2)
    assert done.returncode == 0, done.stdout[-6000:]
    return workflow, jobs


def rows_of(hub, cell):
    rows = {}
    for row in read_csv(hub / "analysis" / cell / "comparison_metrics.csv", METRIC_COLUMNS):
        rows.setdefault(row.pop("model"), []).append(row)
    return rows


def cells(hub):
    return sorted(
        str(path.parent.relative_to(hub / "analysis")) for path in hub.glob("analysis/dose_*/*/*/status.json")
    )


def test_only_what_follows_runs(made):
    _, jobs = made
    again = {"adopt": 24, "compare": 8, "picture": 8}
    assert {name: jobs.get(name) for name in again} == again
    assert not {"base", "simulate", "overlap", "train_pinn", "train_baseline", "reconstruct", "infer"} & set(jobs)


def test_what_tv_made_scores_as_tv_to_the_last_digit(made, finished):
    workflow, _ = made
    for cell in cells(workflow.hub):
        rows, before = rows_of(workflow.hub, cell), rows_of(finished.hub, cell)
        assert list(rows) == [*ARMS, *EXTRA, *CONTROLS]
        assert rows["Theirs"] == rows["Turned"] == rows["TV"]
        assert {model: rows[model] for model in before} == before
        assert {row[column] for row in rows["Noise"] for column in ("amplitude", "phase", "value")} == {"n/a"}


def test_our_arrays_and_records_are_those_without_them(made, finished):
    workflow, _ = made
    cell = "dose_100000/dense/test"
    for name in ("reconstructions.npz", "reconstructions_aligned.npz"):
        with_them, without = (read_npz(hub / "analysis" / cell / name) for hub in (workflow.hub, finished.hub))
        for key, array in without.items():
            np.testing.assert_array_equal(with_them[key], array)
    status, before = (
        json.loads((hub / "analysis" / cell / "status.json").read_text()) for hub in (workflow.hub, finished.hub)
    )
    arms = status.pop("arms")
    assert {name: arms.pop(name)["status"] for name in EXTRA} == {"Noise": "failed", "Theirs": "ok", "Turned": "ok"}
    assert arms == before.pop("arms") and status == before


def test_how_it_lay_and_why_one_failed_is_recorded(made):
    workflow, _ = made
    for cell in cells(workflow.hub):
        arms = json.loads((workflow.hub / "analysis" / cell / "status.json").read_text())["arms"]
        origin = read_npz(workflow.hub / "data/phase_f" / cell / "tv.npz")["origin"].tolist()
        assert arms["Theirs"]["placed"]["origin"] == origin and arms["Theirs"]["placed"]["changed"] == ""
        assert arms["Turned"]["placed"]["changed"] == "rows reversed, conjugated"
        # Of the five rows more that are behind it, turned, eight lie before it.
        assert arms["Turned"]["placed"]["origin"] == [origin[0] - 8, origin[1]]
        assert arms["Theirs"]["covered"] == arms["Turned"]["covered"] == 1
        assert "is nowhere like" in arms["Noise"]["reason"] and "needed: 0.2" in arms["Noise"]["reason"]


def test_the_study_is_sound_and_tells_of_all(made):
    workflow, _ = made
    analysis = workflow.hub / "analysis"
    report = json.loads((analysis / "verification_report.json").read_text())
    assert report["all_valid"] is True
    (check,) = [each for each in report["validations"] if each["path"] == "data/foreign"]
    assert check["valid"] is True
    for name in ("metrics_summary.md", "aggregate_report.md", "aggregate_highlights.txt", "summary.html"):
        text = (analysis / name).read_text()
        assert {arm for arm in EXTRA if arm in text} == set(EXTRA), name
    inventory = (analysis / "artifact_inventory.txt").read_text()
    assert "data/foreign/dose_1000/sparse/train/Theirs.npz\n" in inventory
    summary = json.loads((analysis / "metrics_summary.json").read_text())
    aggregate = summary["aggregate_metrics"]
    assert aggregate["Theirs"] == aggregate["TV"]
    # What failed enters no mean.
    assert aggregate["Noise"]["ms_ssim"]["mean_phase"] is None and summary["n_failed"] == 0


def test_a_changed_and_a_missing_source_are_named(made):
    workflow, _ = made
    hub = Hub(workflow.hub, stage_settings(read_study(workflow.config), "verify"))
    assert foreign.sources(hub) == []
    path = workflow.hub / "theirs/Theirs_dose_1000_dense_test.npz"
    kept = path.read_bytes()
    path.write_bytes(kept + b"\0")
    (problem,) = foreign.sources(hub)
    assert problem.startswith("dose_1000/dense/test: Theirs is of theirs/Theirs_dose_1000_dense_test.npz")
    assert "has changed since" in problem
    path.unlink()
    assert "is not there any more" in foreign.sources(hub)[0]
    path.write_bytes(kept)


def covers_less(record):
    record["covered"] -= 1e-3


def lies_elsewhere(record):
    record["placed"]["origin"][0] += 1


def is_of_another_file(record):
    record["source"]["sha256"] = "0" * 64


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (covers_less, "Theirs covers 0.999 by status.json, recomputed 1.0"),
        (lies_elsewhere, "Theirs placed is "),
        (is_of_another_file, "Theirs source is "),
        (None, "Theirs is missing from status.json"),
    ],
)
def test_a_changed_record_is_named(made, damage, said):
    workflow, _ = made
    hub = Hub(workflow.hub, stage_settings(read_study(workflow.config), "verify"))
    path = workflow.hub / "analysis/dose_1000/dense/test/status.json"
    kept = path.read_text()
    status = json.loads(kept)
    if damage is None:
        del status["arms"]["Theirs"]
    else:
        damage(status["arms"]["Theirs"])
    path.write_text(json.dumps(status))
    (problem,) = foreign.sources(hub)
    path.write_text(kept)
    assert problem.startswith(f"dose_1000/dense/test: {said}")


def test_another_field_in_the_comparison_is_named(made):
    workflow, _ = made
    hub = Hub(workflow.hub, stage_settings(read_study(workflow.config), "verify"))
    path = workflow.hub / "analysis/dose_1000/dense/test/reconstructions.npz"
    fields = read_npz(path)
    damaged = fields["Theirs"].copy()
    damaged[3, 4] += 1
    write_npz(path, fields | {"Theirs": damaged})
    problems = foreign.sources(hub)
    write_npz(path, fields)
    assert problems == ["dose_1000/dense/test: Theirs is another field in the comparison than the adopted one"]


def test_a_file_that_is_not_there_is_named_before_anything_runs(made):
    workflow, _ = made
    done = workflow.snakemake("-n", "--config", 'arms={"extra": {"Another": "nowhere/{dose}_{view}_{split}.npz"}}')
    assert done.returncode != 0
    assert "Missing input files for rule adopt" in done.stdout
    # The first that is missed, of whichever cell.
    assert re.search(r"nowhere/\d+_(dense|sparse)_(train|test)\.npz", done.stdout)
