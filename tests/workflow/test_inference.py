"""The result of inference depends neither on shards nor on micro-batches, through the real stages."""

import json
import subprocess
import sys

import numpy as np
import pytest

from ptychostudy.io.arrays import read_metadata, read_npz
from ptychostudy.io.atomic import sha256_of
from ptychostudy.stages import stitch
from ptychostudy.study.sections.infer import StitchSettings

CASES = ((1, 16), (2, 16), (7, 16), (1, 1), (1, 63), (1, 64), (1, 65))
SCRIPT = """
import json, sys
from pathlib import Path
from ptychostudy.runs.process import set_environment
set_environment()
from ptychostudy.stages import infer
from ptychostudy.study.sections.infer import PatchSettings
hub, out = Path(sys.argv[1]), Path(sys.argv[2])
cell = {"scan": hub / "data/phase_c/dose_100000/patched_test.npz", "view": hub / "data/phase_d/dense/dense_test.npz"}
networks = hub / "data/phase_e/dose_100000"
bundles = {"PtychoPINN": networks / "dense/gs2/wts.h5.zip", "Baseline": networks / "baseline/gs1/wts.h5.zip"}
settings = PatchSettings()
for shards, batch in json.loads(sys.argv[3]):
    for arm, bundle in bundles.items():
        for k in range(1, shards + 1):
            part = {"shard": f"{k}-of-{shards}", "output": out / f"{shards}_{batch}" / arm / f"shard_{k}.npz"}
            infer.run(settings, arm=arm, bundle=bundle, **cell, **part, batch_size=batch)
"""

NETWORK = {"PtychoPINN": "PtychoPINN", "Baseline": "Baseline", "Untrained": "PtychoPINN"}


@pytest.fixture(scope="module")
def stitched(finished, tmp_path_factory):
    folder = tmp_path_factory.mktemp("invariance")
    subprocess.run(
        [sys.executable, "-c", SCRIPT, str(finished.hub), str(folder), json.dumps(CASES)],
        check=True,
        capture_output=True,
        text=True,
    )
    found = {}
    cell = {"scan": finished.hub / "data/phase_c/dose_100000/patched_test.npz"}
    cell["view"] = finished.hub / "data/phase_d/dense/dense_test.npz"
    for case in sorted(folder.iterdir()):
        found[case.name] = {arm: case / f"{arm}.npz" for arm in NETWORK}
        for arm, path in found[case.name].items():
            # However they are listed.
            shards = sorted((case / NETWORK[arm]).glob("shard_*.npz"), reverse=True)
            stitch.run(StitchSettings(), arm=arm, shards=shards, **cell, output=path)
    return found


@pytest.mark.parametrize("arm", NETWORK)
@pytest.mark.parametrize("shards", [2, 7])
def test_shards_change_nothing(stitched, arm, shards):
    assert sha256_of(stitched["1_16"][arm]) == sha256_of(stitched[f"{shards}_16"][arm])


@pytest.mark.parametrize("arm", NETWORK)
@pytest.mark.parametrize("batch", [1, 63, 64, 65])
def test_micro_batches_change_nothing_beyond_rounding(stitched, arm, batch):
    one, other = (read_npz(stitched[case][arm]) for case in ("1_16", f"1_{batch}"))
    # Another batch size may take another blocking inside a convolution: float32 rounding, nothing more.
    assert abs(one["reconstructed_object"] - other["reconstructed_object"]).max() < 1e-5
    assert abs(one["disagreement"] - other["disagreement"]).max() < 1e-5


@pytest.mark.parametrize("arm", NETWORK)
def test_patches_are_of_one_phase_and_say_how_far_they_are_from_each_other(stitched, arm):
    found, told = read_npz(stitched["1_16"][arm]), read_metadata(stitched["1_16"][arm])
    assert told["stitching"] | {"window_px": 0} == {
        "window": "light",
        "window_px": 0,
        "synchronised": True,
        "parts": 1,
    }
    assert found["disagreement"].shape == found["coverage"].shape
    assert found["disagreement"].dtype == np.float32
    assert 0 < told["disagreement"] < 1


def test_a_network_of_another_arm_is_refused(finished, tmp_path):
    bundle = finished.hub / "data/phase_e/dose_100000/baseline/gs1/wts.h5.zip"
    done = by_hand(finished, tmp_path, "--arm", "PtychoPINN", "--bundle", str(bundle))
    assert done.returncode == 2
    assert f"{bundle}: config.json: 'arm' is 'Baseline'; needed: 'PtychoPINN'" in " ".join(done.stderr.split())


@pytest.mark.parametrize("size", ["0", "-3"])
def test_a_batch_of_nothing_is_refused(finished, tmp_path, size):
    bundle = finished.hub / "data/phase_e/dose_100000/baseline/gs1/wts.h5.zip"
    done = by_hand(finished, tmp_path, "--arm", "Baseline", "--bundle", str(bundle), "--batch-size", size)
    assert done.returncode == 2
    assert f"--batch-size is {size}; needed: at least 1" in done.stderr


def by_hand(finished, folder, *arguments):
    cell = ["--scan", "data/phase_c/dose_100000/patched_test.npz", "--view", "data/phase_d/dense/dense_test.npz"]
    words = ["--config", str(finished.config), *cell, "--shard", "1-of-2", "--output", str(folder / "shard.npz")]
    command = [sys.executable, "-m", "ptychostudy", "infer", *words, *arguments]
    return subprocess.run(command, cwd=finished.hub, capture_output=True, text=True, check=False)
