"""The result of inference depends neither on shards nor on micro-batches: bit for bit, through the real stages."""

import subprocess
import sys

import pytest

from ptychostudy import io
from ptychostudy.stages import stitch

SCRIPT = """
import sys
from pathlib import Path
from ptychostudy.__main__ import _environment
_environment()
from ptychostudy.stages import infer
hub, out = Path(sys.argv[1]), Path(sys.argv[2])
cell = {"scan": hub / "data/phase_c/dose_100000/patched_test.npz", "view": hub / "data/phase_d/dense/dense_test.npz"}
networks = hub / "data/phase_e/dose_100000"
bundles = {"pinn": networks / "dense/gs2/wts.h5.zip", "baseline": networks / "baseline/gs1/wts.h5.zip"}
for shards, batch in ((1, 16), (3, 16), (2, 7)):
    settings = {"batch_size": batch, "window_px": 10, "window": "hann", "debug_limit": None}
    for k in range(1, shards + 1):
        name = out / f"{shards}_{batch}" / f"shard_{k}.npz"
        infer.run(settings, **bundles, **cell, shard=f"{k}-of-{shards}", output=name)
"""


@pytest.fixture(scope="module")
def stitched(finished, tmp_path_factory):
    folder = tmp_path_factory.mktemp("invariance")
    subprocess.run(
        [sys.executable, "-c", SCRIPT, str(finished.hub), str(folder)], check=True, capture_output=True, text=True
    )
    found = {}
    for case in sorted(folder.iterdir()):
        names = {key: case / f"{key}.npz" for key in ("pinn", "baseline", "untrained")}
        stitch.run(shards=sorted(case.glob("shard_*.npz")), **names)
        found[case.name] = names
    return found


@pytest.mark.parametrize("arm", ["pinn", "baseline", "untrained"])
def test_shards_change_nothing(stitched, arm):
    assert io.sha256_of(stitched["1_16"][arm]) == io.sha256_of(stitched["3_16"][arm])


@pytest.mark.parametrize("arm", ["pinn", "baseline", "untrained"])
def test_micro_batches_change_nothing_beyond_rounding(stitched, arm):
    one, other = (io.read_npz(stitched[case][arm]) for case in ("1_16", "2_7"))
    # Another batch size may take another blocking inside a convolution: float32 rounding, nothing more.
    assert abs(one["reconstructed_object"] - other["reconstructed_object"]).max() < 1e-5
