"""Stage parity through the command line: two real backends, the verdict on the same network and on a changed one."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from conftest import ROOT
from ptychostudy.__main__ import main
from ptychostudy.formats.bundle import read_bundle, write_bundle
from ptychostudy.io.arrays import write_npz
from ptychostudy.sampling.groups import form_groups
from ptychostudy.stages import parity
from scenes import made_scan, write_scan

SETTINGS = {"architecture": "backprojection", "width": 4, "steps": 1, "epochs": 1, "batch_size": 16}
OUTPUTS = {"stats": "stats.json", "offsets": "offsets.json", "amplitude": "amplitude.png", "phase": "phase.png"}


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """Return a folder with a scan, a network of groups, and the same with one weight changed by 1 %."""
    folder = tmp_path_factory.mktemp("parity")
    scan = made_scan(1e4)
    write_scan(folder / "scan.npz", scan)
    groups = form_groups(scan.positions, 4, np.random.default_rng(0))
    write_npz(folder / "view.npz", {"frames": np.arange(len(scan.positions)), "groups": groups})
    words = [
        "train",
        "--settings",
        json.dumps(SETTINGS),
        "--arm",
        "PtychoPINN",
        "--scan",
        "scan.npz",
        "--view",
        "view.npz",
    ]
    words += ["--bundle", "wts.h5.zip", "--history", "history.csv", "--record", "training.json"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-m", "ptychostudy", *words], cwd=folder, env=environment, check=True)
    parts = read_bundle(folder / "wts.h5.zip")
    kernel = parts["weights"]["packed_map/kernel"]
    kernel[np.unravel_index(np.abs(kernel).argmax(), kernel.shape)] *= 1.01
    write_bundle(folder / "changed.zip", **parts)
    return folder


@pytest.fixture
def compared(hub, monkeypatch, capsys):
    """Return a function that compares bundles between TensorFlow and torch; it returns exit code, text and record."""
    monkeypatch.chdir(hub)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr(parity, "BACKENDS", {"tensorflow": "keras", "torch": "torch"})

    def run(*bundles, **more):
        words = ["--bundle", *bundles, "--scan", "scan.npz", "--view", "view.npz", "--frames", "16"]
        for name, value in (OUTPUTS | more).items():
            words += [f"--{name}", value]
        code = main(["parity", *words])
        return code, capsys.readouterr().out, json.loads((hub / "stats.json").read_text())

    return run


def test_the_same_network_passes(compared, hub):
    code, text, record = compared("wts.h5.zip")
    assert code == 0 and text.endswith("parity: pass\n") and record["verdict"] == "pass" and record["problems"] == []
    assert set(record["versions"]) == set(record["statistics"]) == {"tensorflow", "torch"}
    pair = record["differences"]["torch"]
    assert 0 <= pair["patches"] < 1e-5 and pair["step"] < 1e-4 and pair["offsets_equal"]
    assert len(pair["layers"]) > 10 and record["statistics"]["torch"]["var_zero_mean"] > 1e-6
    places = json.loads((hub / "offsets.json").read_text())
    assert places["tensorflow"] == places["torch"] and len(places["torch"]) == record["frames"] == 4
    for name in ("amplitude.png", "phase.png"):
        assert (hub / name).read_bytes().startswith(b"\x89PNG")


def test_a_weight_changed_by_a_hundredth_fails_and_its_layer_is_named(compared):
    code, text, record = compared("wts.h5.zip", "changed.zip")
    assert code == 1 and "layer packed_map is the first that differs" in text and text.endswith("parity: fail\n")
    assert record["differences"]["torch"]["first_layer"] == "packed_map"
    code, _, record = compared("wts.h5.zip", "changed.zip", verdict="record")
    assert code == 0 and record["verdict"] == "fail"


def test_a_bundle_too_many_is_refused(hub, monkeypatch, capsys):
    monkeypatch.chdir(hub)
    monkeypatch.setattr(parity, "BACKENDS", {"tensorflow": "keras", "torch": "torch"})
    words = [word for name, value in OUTPUTS.items() for word in (f"--{name}", value)]
    assert main(["parity", "--bundle", *["wts.h5.zip"] * 3, "--scan", "scan.npz", "--view", "view.npz", *words]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "--bundle names 3 files; needed: one, or one for each of tensorflow, torch" in said


def test_one_backend_is_none_to_compare(hub, monkeypatch, capsys):
    monkeypatch.chdir(hub)
    monkeypatch.setattr(parity.importlib.util, "find_spec", lambda name: "here" if name == "torch" else None)
    words = [word for name, value in OUTPUTS.items() for word in (f"--{name}", value)]
    assert main(["parity", "--bundle", "wts.h5.zip", "--scan", "scan.npz", "--view", "view.npz", *words]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "only torch is installed; needed: two, of tensorflow, torch, jax" in said
