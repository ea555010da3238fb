"""Stage infer says for each arm what went in and what came out; the numbers are those of frames and canvas."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))
from campaign import stages

from ptychostudy.io.arrays import read_metadata
from ptychostudy.stages import stitch
from ptychostudy.study.sections.infer import StitchSettings

NUMBERS = r"mean=(\S+), max=(\S+), nonzero_count=(\d+)/(\d+)"


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """Return a hub with frames, groups and one trained network."""
    folder = tmp_path_factory.mktemp("diagnostic")
    study = folder / "study.yaml"
    # With equal weights a patch in a shard is what the network gave.
    one = "infer:\n  debug_limit: 1\n  window: uniform\n  window_px: 8\n"
    study.write_text(stages.SMALL.read_text().replace("infer:\n", one))
    for stage in (*stages.LIGHT, "train"):
        done = stages.run(stage, folder, study)
        assert done.returncode == 0, done.stdout
    return folder


def infer(hub, scan, shard="1-of-1", study="study.yaml", output="shard.npz"):
    """Compute a shard, by default of one group, whose patch is all that the canvas holds; return the log."""
    options = ["--config", str(hub / study), "--arm", "PtychoPINN", "--bundle", f"{stages.NETWORK}/wts.h5.zip"]
    options += ["--scan", scan, "--view", stages.STAGES["train"]["view"], "--shard", shard, "--output", output]
    command = stages.python("infer", *options)
    done = subprocess.run(command, cwd=hub, env=stages.environment(), text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def said(log, arm):
    (line,) = [line for line in log.splitlines() if line.startswith(f"DIAGNOSTIC {arm}: ")]
    found = re.fullmatch(rf"DIAGNOSTIC {arm}: input photons {NUMBERS}; output {NUMBERS}", line)
    assert found, line
    numbers = list(map(float, found.groups()))
    return numbers[:4], numbers[4:]


def of(values):
    magnitude = np.abs(values)
    return [magnitude.mean(), magnitude.max(), np.count_nonzero(magnitude), magnitude.size]


def test_every_arm_has_its_line_with_the_numbers_of_frames_and_patch(hub):
    log = infer(hub, stages.SCANS["train"])
    with np.load(hub / stages.STAGES["train"]["view"], allow_pickle=False) as view:
        members = view["frames"][view["groups"][0]]
    with np.load(hub / stages.SCANS["train"], allow_pickle=False) as scan:
        frames = scan["counts"][members].astype(float)
    with np.load(hub / "shard.npz", allow_pickle=False) as shard:
        patches = {arm: shard[f"{arm}_patches"] for arm in ("PtychoPINN", "Untrained")}
    for arm, patch in patches.items():
        inputs, outputs = said(log, arm)
        # Six decimals are printed.
        assert inputs == pytest.approx(of(frames), abs=1e-6)
        assert patch.shape == (1, 8, 8), "one uniform window"
        assert outputs == pytest.approx(of(patch), abs=2e-6)


def darken(hub, frames):
    """Write the training frames with some of them dark; return the path."""
    dark = "data/phase_c/dose_100000/dark.npz"
    with np.load(hub / stages.SCANS["train"], allow_pickle=False) as scan:
        arrays = {name: scan[name] for name in scan.files}
    arrays["counts"][frames] = 0
    np.savez(hub / dark, **arrays)
    return dark


def put_together(hub, shards):
    """Stitch shards of the training frames' view."""
    cell = {"scan": hub / stages.SCANS["train"], "view": hub / stages.STAGES["train"]["view"]}
    stitch.run(StitchSettings(), arm="PtychoPINN", shards=shards, **cell, output=hub / "canvas.npz")


def test_an_arm_whose_frames_are_all_dark_fails_and_says_so(hub):
    """A detector that saw nothing: what a network makes of it is no reconstruction."""
    log = infer(hub, darken(hub, slice(None)))
    assert said(log, "PtychoPINN")[0][:3] == [0.0, 0.0, 0.0]
    put_together(hub, [hub / "shard.npz"])
    found = read_metadata(hub / "canvas.npz")
    assert (found["status"], found["reason"]) == ("failed", "no frame holds a photon")


def test_whether_an_arm_failed_does_not_depend_on_the_shards(hub):
    """A few dark frames fill one of many shards; they are no more than a few dark frames."""
    study = stages.SMALL.read_text().replace("infer:\n", "infer:\n  debug_limit: 8\n")
    (hub / "eight.yaml").write_text(study)
    with np.load(hub / stages.STAGES["train"]["view"], allow_pickle=False) as view:
        groups = view["frames"][view["groups"][:8]]
    assert set(groups.ravel()) - set(groups[0]), "only the first group is dark"
    dark, found = darken(hub, groups[0]), {}
    for n in (1, 8):
        shards = [hub / f"shard_{k}-of-{n}.npz" for k in range(1, n + 1)]
        for k, path in enumerate(shards, start=1):
            infer(hub, dark, f"{k}-of-{n}", "eight.yaml", path.name)
        put_together(hub, shards)
        found[n] = read_metadata(hub / "canvas.npz")
    assert found[1]["status"] == "ok"
    assert found[8] == found[1]
