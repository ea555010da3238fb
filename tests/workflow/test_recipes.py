"""The recipes of docs/recipes.md run as they stand, each in an empty folder, and give what they promise."""

import re
import subprocess
import sys

import numpy as np
import pytest

import ptychostudy
from conftest import ROOT
from ptychostudy.io.arrays import read_npz
from ptychostudy.study.stage_settings import encode, stage_settings

TEXT = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")


def block(title, kind):
    """Return the block of code of one kind under a heading."""
    section = TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]
    (found,) = re.findall(rf"^```{kind}\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    return found


def run(folder, *words):
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_object_of_one_s_own_is_what_frames_are_simulated_of(tmp_path, monkeypatch):
    run(tmp_path, "-c", block("An object of your own", "python"))
    (tmp_path / "study.yaml").write_text(block("An object of your own", "yaml"))
    monkeypatch.chdir(tmp_path)
    study = ptychostudy.settings("study.yaml")
    settings = encode(stage_settings(study, "base"))
    words = ["-m", "ptychostudy", "base", "--settings", settings, "--source", "object.npz", "--output", "base.npz"]
    run(tmp_path, *words)
    made = read_npz("base.npz")
    rows, cols = np.indices(made["objectGuess"].shape)
    wanted = np.exp(0.8j * (1 + np.sin(rows / 3) * np.sin(cols / 4)))
    assert made["objectGuess"].shape == (144, 112) and np.allclose(made["objectGuess"], wanted, atol=1e-6)
    assert "counts" not in made and len(made["xcoords"]) > 300 and study.dose_list == [1000, 100000]


@pytest.mark.slow
def test_a_metric_of_one_s_own_counts_what_is_there(tmp_path):
    code = block("A metric of your own", "python")
    counted = {}
    exec(code.split("\nstudy = ")[0], counted)
    rows, cols = np.indices((16, 20))
    everywhere = np.ones((16, 20), bool)
    vortex = (rows - 7.5) + 1j * (cols - 9.5)
    assert counted["vortices"](vortex, everywhere) == counted["vortices"](vortex.conj(), everywhere) == 1
    assert counted["vortices"](vortex, cols < 9) == 0
    assert counted["vortices"](np.exp(0.5j * rows + 0.3j * cols), everywhere) == 0
    lines = re.findall(r"^(\d+) (\w+) (\d+)$", run(tmp_path, "-c", code), re.MULTILINE)
    found = {(int(dose), name): int(number) for dose, name, number in lines}
    assert found[1000, "TV"] == found[1000, "Flat"] == 0 < found[10, "PhysicsOnly"]


@pytest.mark.slow
def test_an_arm_of_one_s_own_is_scored_beside_the_others(tmp_path):
    output = run(tmp_path, "-c", block("An arm of your own", "python"))
    ssim = {name: float(value) for name, value in re.findall(r"^(\w+) (\d\.\d+)$", output, re.MULTILINE)}
    assert set(ssim) == {"Mine", "PhysicsOnly", "TV", "Flat"}
    assert ssim["Mine"] > 0.5 > ssim["Flat"] and list(tmp_path.iterdir()) == []
