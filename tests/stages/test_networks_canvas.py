"""Stages train, infer and stitch with a network of canvases, through the command line; what they refuse."""

import json
import subprocess
import sys

import numpy as np
import pytest

from ptychostudy.__main__ import main
from ptychostudy.formats.arm_product import read_arm_product
from ptychostudy.formats.bundle import read_bundle, write_bundle
from ptychostudy.io.arrays import read_metadata, read_npz, write_npz
from ptychostudy.io.tables import read_csv
from ptychostudy.recipes.scan_canvas import scan_canvas
from ptychostudy.sampling.groups import form_groups
from ptychostudy.study.names import HISTORY_COLUMNS
from scenes import made_scan, write_scan

SCAN = made_scan(1e4)
# Groups of one number of frames, of frames that are some of the scan's.
FRAMES = np.arange(1, len(SCAN.positions), 2)
GROUPS = form_groups(SCAN.positions[FRAMES], 4, np.random.default_rng(0))
QUICK = {"iterations": 6, "smooth_iterations": 4, "weight": 1.0}
# So few frames teach little: with this seed and as many epochs they teach something, which is kept.
CANVAS = {"architecture": "canvas", "width": 4, "epochs": 4, "draws": 1, "seed": 1, "maximise": QUICK}
OF_GROUPS = {"architecture": "backprojection", "width": 4, "steps": 1, "epochs": 1, "batch_size": 16}


def stage(name, settings, **options):
    """Run a stage in this process; return its exit code."""
    words = ["--settings", json.dumps(settings)]
    for key, value in options.items():
        words += [f"--{key.replace('_', '-')}", *map(str, value if isinstance(value, list) else [value])]
    return main([name, *words])


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """Return a folder with frames, views, what the likelihood says of them, and a trained network of canvases."""
    folder = tmp_path_factory.mktemp("canvas")
    write_scan(folder / "scan.npz", SCAN)
    write_scan(folder / "brighter.npz", made_scan(3e4))
    write_npz(folder / "view.npz", {"frames": FRAMES, "groups": GROUPS})
    known = {"scan": folder / "scan.npz", "view": folder / "view.npz"}
    outputs = {"physics": folder / "physics_only.npz", "smooth": folder / "tv.npz"}
    assert stage("maximise", QUICK, **known, **outputs) == 0
    assert train(folder, CANVAS) == 0
    return folder


def train(folder, settings, arm="PtychoPINN", views=("view.npz",), estimate=(), **changes):
    files = {"bundle": "wts.h5.zip", "history": "history.csv", "record": "training.json"} | changes
    paths = {key: folder / name for key, name in files.items()}
    view = [folder / name for name in views]
    known = {"view": view} if views else {}
    if estimate:
        known["estimate"] = [folder / name for name in estimate]
    return stage("train", settings, arm=arm, scan=[folder / "scan.npz"], **known, **paths)


def infer(folder, shard="1-of-1", scan="scan.npz", estimate=("tv.npz",), output="shard.npz", bundle="wts.h5.zip"):
    files = {"bundle": bundle, "scan": scan, "view": "view.npz", "output": output}
    paths = {key: folder / name for key, name in files.items()}
    given = {"estimate": [folder / name for name in estimate]} if estimate else {}
    return stage("infer", {}, arm="PtychoPINN", shard=shard, **paths, **given)


def stitch(folder, arm, shards, output="canvas.npz"):
    known = {"scan": folder / "scan.npz", "view": folder / "view.npz", "output": folder / output}
    return stage("stitch", {}, arm=arm, shards=[folder / name for name in shards], **known)


def test_what_is_trained_is_recorded(hub):
    record = json.loads((hub / "training.json").read_text())
    assert record["status"] == "ok" and record["epochs_completed"] == 4
    bundle = read_bundle(hub / "wts.h5.zip")
    assert bundle["config"]["options"] == {"architecture": "canvas", "width": 4}
    assert record["parameters"] == sum(value.size for value in bundle["weights"].values())
    assert len(read_csv(hub / "history.csv", HISTORY_COLUMNS)) == 4
    assert not (hub / "training_state.npz").exists()


@pytest.mark.parametrize("arm", ["PtychoPINN", "Baseline"])
def test_a_training_is_the_same_where_what_the_likelihood_says_comes_from_its_file(hub, arm):
    files = {"history": "other.csv", "record": "other.json"}
    settings = CANVAS | ({"kind": "supervised", "objects": []} if arm == "Baseline" else {})
    for name, estimate in ("made.zip", ()), ("read.zip", ("tv.npz",)):
        assert train(hub, settings, arm=arm, bundle=name, estimate=estimate, **files) == 0
    made, read = (read_bundle(hub / name)["weights"] for name in ("made.zip", "read.zip"))
    assert all(np.array_equal(made[name], value) for name, value in read.items())


def test_no_bit_depends_on_the_number_of_threads(hub, tmp_path):
    """In processes of their own, as libraries read the number once: likelihood, training, canvas."""
    known = ["--scan", hub / "scan.npz", "--view", hub / "view.npz"]
    found = {}
    for threads in (1, 3):
        at = {name: tmp_path / f"{threads}_{name}" for name in ("physics", "tv", "wts", "history", "record", "shard")}
        made = {"tv": at["tv"].with_suffix(".npz"), "wts": at["wts"].with_suffix(".zip"), "shard": at["shard"]}
        ours = ("--threads", threads)
        run("maximise", QUICK, *known, "--physics", at["physics"], "--smooth", made["tv"], *ours)
        outputs = ("--bundle", made["wts"], "--history", at["history"], "--record", at["record"])
        run("train", CANVAS, "--arm", "PtychoPINN", *known, *outputs, *ours)
        shown = ("--bundle", made["wts"], "--estimate", made["tv"], "--arm", "PtychoPINN", "--shard", "1-of-1")
        run("infer", {}, *known, *shown, "--output", made["shard"], *ours)
        weights = read_bundle(made["wts"])["weights"]
        found[threads] = read_npz(made["tv"]) | read_npz(made["shard"]) | {f"w {key}": weights[key] for key in weights}
    assert found[1].keys() == found[3].keys() and len(found[1]) > 25
    for key, value in found[1].items():
        assert key == "_metadata" or np.array_equal(value, found[3][key]), key


def test_no_bit_of_what_a_network_of_groups_says_depends_on_the_number_of_threads(hub, tmp_path):
    """Each thread has a call to itself; of a training within a call it does."""
    known = ["--scan", hub / "scan.npz", "--view", hub / "view.npz", "--arm", "PtychoPINN"]
    files = {"bundle": "groups.zip", "history": "groups.csv", "record": "groups.json"}
    assert train(hub, OF_GROUPS, **files) == 0
    shards = []
    for threads in (1, 3):
        shards.append(tmp_path / f"{threads}.npz")
        output = ("--shard", "1-of-1", "--batch-size", 4, "--output", shards[-1], "--threads", threads)
        run("infer", {"window_px": 16}, *known, "--bundle", hub / "groups.zip", *output)
    assert len(GROUPS) > 4 * 3, "there must be a call for each thread"
    assert read_npz(shards[0])["PtychoPINN_patches"].any()
    assert shards[0].read_bytes() == shards[1].read_bytes()


def run(name, settings, *words):
    command = [sys.executable, "-m", "ptychostudy", name, "--settings", json.dumps(settings), *map(str, words)]
    subprocess.run(command, check=True, capture_output=True)


def test_as_many_estimates_as_views_are_asked_for(hub, capsys):
    assert train(hub, CANVAS, estimate=("tv.npz", "tv.npz"), bundle="no.zip") != 0
    assert "--estimate names 2 files; needed: none, or 1: tv.npz of each view at each dose" in "".join(
        capsys.readouterr()
    )
    assert not (hub / "no.zip").exists()


def test_what_is_inferred_is_the_canvas_of_the_scan(hub):
    """However many shards; beside it the control, the same form with random weights."""
    assert infer(hub) == 0
    for number in (1, 2):
        assert infer(hub, f"{number}-of-2", output=f"part{number}.npz") == 0
    shards = {"whole.npz": ["shard.npz"], "parts.npz": ["part2.npz", "part1.npz"]}
    for output, names in shards.items():
        assert stitch(hub, "PtychoPINN", names, output) == 0
    whole, parts = (read_arm_product(hub / name) for name in shards)
    assert whole.good and parts.good
    origin, shape = scan_canvas(SCAN.positions, 32)
    assert whole.origin == origin and whole.field.shape == shape
    assert np.array_equal(whole.field, parts.field) and np.array_equal(whole.coverage, parts.coverage)
    smooth = read_arm_product(hub / "tv.npz")
    lit = whole.coverage > 0
    # A few steps of training change little; nothing at all would be an untrained network.
    assert 0 < np.abs(whole.field - smooth.field)[lit].max() < 0.5
    told = read_metadata(hub / "whole.npz")
    assert told["arm"] == "PtychoPINN" and told["groups"] == len(FRAMES) and told["disagreement"] >= 0
    assert read_npz(hub / "whole.npz", ["disagreement"])["disagreement"].shape == shape
    shards = {"control.npz": ["shard.npz"], "same.npz": ["part1.npz", "part2.npz"]}
    for output, names in shards.items():
        assert stitch(hub, "Untrained", names, output) == 0
    control, same = (read_arm_product(hub / name) for name in shards)
    assert control.good and np.array_equal(control.field, same.field)
    assert np.array_equal(control.coverage, whole.coverage)
    assert 0.05 < np.abs(control.field - 1)[lit].mean() < 20
    assert np.abs(np.corrcoef(np.abs(control.field)[lit], np.abs(whole.field)[lit])[0, 1]) < 0.3


@pytest.mark.parametrize("estimate", [(), ("physics_only.npz", "tv.npz")])
def test_without_one_estimate_nothing_is_inferred(hub, capsys, estimate):
    assert infer(hub, estimate=estimate, output="no.npz") != 0
    said = "".join(capsys.readouterr())
    assert f"--estimate names {len(estimate)} files" in said and "tv.npz of the cell" in said
    assert not (hub / "no.npz").exists()


def test_an_estimate_of_another_canvas_is_refused(hub, capsys):
    arrays = read_npz(hub / "tv.npz", ["reconstructed_object", "coverage", "origin"])
    write_npz(hub / "moved.npz", arrays | {"origin": arrays["origin"] + 1}, read_metadata(hub / "tv.npz"))
    assert infer(hub, estimate=("moved.npz",), output="no.npz") != 0
    assert "is not of the view's canvas" in "".join(capsys.readouterr())
    assert not (hub / "no.npz").exists()


def test_a_network_of_another_dose_is_refused(hub, capsys):
    assert infer(hub, scan="brighter.npz", output="no.npz") != 0
    said = "".join(capsys.readouterr())
    assert "trained on doses 10000, the frames have 30000" in said
    assert not (hub / "no.npz").exists()


def test_a_network_that_was_shown_other_things_is_refused(hub, capsys):
    """Its weights fit: as many channels, two of which meant something else."""
    parts = read_bundle(hub / "wts.h5.zip")
    write_bundle(hub / "old.zip", **(parts | {"config": parts["config"] | {"format": 2}}))
    assert infer(hub, bundle="old.zip", output="no.npz") != 0
    said = "".join(capsys.readouterr())
    assert "PtychoPINN has format 2, needed 3" in said and "train it again" in said
    assert not (hub / "no.npz").exists()


@pytest.mark.parametrize(
    ("settings", "views", "said"),
    [
        (CANVAS, (), "--view names no file"),
        (OF_GROUPS, ("view.npz", "view.npz"), "--view names 2 files; needed: one, for a network of groups"),
    ],
)
def test_views_that_do_not_fit_the_network_are_refused(hub, capsys, settings, views, said):
    assert train(hub, settings, views=views, bundle="no.zip") != 0
    assert said in "".join(capsys.readouterr())
    assert not (hub / "no.zip").exists()
