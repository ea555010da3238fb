"""Stage train with a rate at which no number stays finite: recorded as failed with its numbers, not a broken stage."""

import json
import subprocess
import sys

import yaml

from conftest import TINY
from ptychostudy.formats.bundle import read_bundle
from ptychostudy.io.tables import read_csv


def stage(name, folder, **options):
    words = [
        word
        for key, value in options.items()
        for word in (f"--{key}", *map(str, value if isinstance(value, list) else [value]))
    ]
    done = subprocess.run(
        [sys.executable, "-m", "ptychostudy", name, *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout


def test_a_training_that_is_not_finite_is_recorded_with_its_numbers(tmp_path):
    settings = yaml.safe_load(TINY.read_text())
    settings["train"]["pinn"] |= {"learning_rate": 1e30, "batch_size": 64, "steps": 0}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(settings))
    common = {"config": "study.yaml"}
    stage("base", tmp_path, **common, source=[], output="base.npz")
    stage("truth", tmp_path, base="base.npz", output="reference.npz")
    known = common | {"base": "base.npz", "reference": "reference.npz"}
    stage("simulate", tmp_path, **known, dose=1000, train="train.npz", test="test.npz")
    stage("overlap", tmp_path, **known, view="dense", split="train", output="view.npz", metrics="metrics.json")
    outputs = {"bundle": "wts.h5.zip", "history": "history.csv", "record": "training.json"}
    stage("train", tmp_path, **common, arm="PtychoPINN", scan=["train.npz"], view="view.npz", **outputs)
    record = json.loads((tmp_path / "training.json").read_text())
    assert record["status"] == "failed" and "not finite" in record["reason"]
    assert record["epochs_completed"] == 1 and record["statistics"]["val_loss"] == "nan"
    columns = ["epoch", "loss", "val_loss", "floor", "val_floor", "learning_rate"]
    assert read_csv(tmp_path / "history.csv", columns)[0]["loss"] == "nan"
    assert read_bundle(tmp_path / "wts.h5.zip")["provenance"]["outcome"]["status"] == "failed"
