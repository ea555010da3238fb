"""Backends through the command line, each stage a process of its own: what is said, kept, refused."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from conftest import ROOT
from ptychostudy.__main__ import main
from ptychostudy.formats.bundle import read_bundle
from ptychostudy.io.arrays import read_metadata, read_npz, write_npz
from ptychostudy.runs import process
from ptychostudy.sampling.groups import form_groups
from scenes import made_scan, write_scan

QUICK = {"iterations": 4, "smooth_iterations": 2, "weight": 1.0}
CANVAS = {"architecture": "canvas", "width": 4, "epochs": 1, "draws": 1, "maximise": QUICK}


def stage(folder, name, settings, **options):
    """Run a stage in a process whose shell asks for a backend that there is not; return it."""
    words = [name, "--settings", json.dumps(settings)]
    for key, value in options.items():
        words += [f"--{key.replace('_', '-')}", *map(str, value if isinstance(value, list) else [value])]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "KERAS_BACKEND": "nosuch"}
    return subprocess.run(
        [sys.executable, "-m", "ptychostudy", *words],
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )


def infer(folder, backend, shard="1-of-1", output="shard.npz"):
    files = {"bundle": "wts.h5.zip", "scan": "scan.npz", "view": "view.npz", "output": output}
    return stage(folder, "infer", {"backend": backend}, arm="PtychoPINN", shard=shard, estimate="tv.npz", **files)


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """Return a folder with a scan, and a network of canvases that torch has trained."""
    folder = tmp_path_factory.mktemp("backends")
    scan = made_scan(1e4)
    frames = np.arange(1, len(scan.positions), 2)
    write_scan(folder / "scan.npz", scan)
    groups = form_groups(scan.positions[frames], 4, np.random.default_rng(0))
    write_npz(folder / "view.npz", {"frames": frames, "groups": groups})
    solved = stage(
        folder, "maximise", QUICK, scan="scan.npz", view="view.npz", physics="physics_only.npz", smooth="tv.npz"
    )
    assert solved.returncode == 0, solved.stdout
    trained = stage(
        folder,
        "train",
        {**CANVAS, "backend": "torch"},
        arm="PtychoPINN",
        scan="scan.npz",
        view=["view.npz"],
        bundle="wts.h5.zip",
        history="history.csv",
        record="training.json",
    )
    assert trained.returncode == 0, trained.stdout
    (folder / "said").write_text(trained.stdout)
    return folder


def test_the_settings_choose_and_not_the_shell(hub):
    made_by = read_bundle(hub / "wts.h5.zip")["provenance"]["backend"]
    assert made_by["name"] == "torch"
    assert f"networks run on the CPU (torch {made_by['version']})" in (hub / "said").read_text()


def test_a_bundle_of_one_backend_is_read_by_another(hub):
    for backend in ("torch", "tensorflow", "numpy"):
        done = infer(hub, backend, output=f"{backend}.npz")
        assert done.returncode == 0, done.stdout
        assert f"({backend} " in done.stdout
        assert read_metadata(hub / f"{backend}.npz", ["backend"])["backend"]["name"] == backend
    wanted = read_npz(hub / "tensorflow.npz")["PtychoPINN_tiles"]
    for backend in ("torch", "numpy"):
        found = read_npz(hub / f"{backend}.npz")["PtychoPINN_tiles"]
        largest = np.abs(wanted).max()
        assert largest > 0.1 and np.abs(found - wanted).max() < 1e-5 * largest, backend


def test_shards_of_two_backends_make_no_canvas(hub, capsys):
    for number, backend in ((1, "torch"), (2, "tensorflow")):
        assert infer(hub, backend, f"{number}-of-2", f"part{number}.npz").returncode == 0
    words = ["--arm", "PtychoPINN", "--settings", "{}", "--output", str(hub / "canvas.npz")]
    for option, names in (("--shards", ["part1.npz", "part2.npz"]), ("--scan", ["scan.npz"]), ("--view", ["view.npz"])):
        words += [option, *(str(hub / name) for name in names)]
    assert main(["stitch", *words]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "part2.npz: 'backend' is" in said and "'tensorflow'" in said and "'torch'" in said
    assert "infer all of its shards again" in said and not (hub / "canvas.npz").exists()


def test_a_backend_that_is_not_installed_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setattr(process.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"backend is jax, which is not installed here .*pip install '\.\[jax\]'"):
        process.choose_backend("jax")
