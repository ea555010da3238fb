"""Stage reconstruct from a canvas, through the command line: what it starts from, what it saves, what it refuses.

Each run is a process of its own, so that this one never loads torch.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from ptychostudy.formats.arm_product import canvas_arrays, read_arm_product
from ptychostudy.io.arrays import read_metadata, read_npz, write_npz
from ptychostudy.io.atomic import sha256_of
from ptychostudy.physics.canvas import Canvas
from ptychostudy.physics.modes import first_mode
from ptychostudy.physics.propagate import intensities
from scenes import made_scan, write_scan

ROOT = Path(__file__).resolve().parents[2]
SCAN = made_scan(1e4)
FRAMES = np.arange(3, 60)
EPOCHS = 4


def run(folder, **changes):
    files = {"scan": "scan.npz", "view": "view.npz", "output": "out.npz", "manifest": "out.json"} | changes
    words = [word for key, name in files.items() for word in (f"--{key}", str(folder / name))]
    command = [sys.executable, "-m", "ptychostudy", "reconstruct", "--config", str(folder / "study.yaml"), *words]
    environment = {"PYTHONPATH": str(ROOT), "PATH": str(Path(sys.executable).parent), "CUDA_VISIBLE_DEVICES": "-1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def canvas(path, field, origin=(0, 0), coverage=None, **record):
    """Write what a network may have made."""
    covered = np.ones(field.shape, np.float32) if coverage is None else coverage
    metadata = {"arm": "PtychoPINN", "status": "ok", "reason": "", "converged": None, **record}
    write_npz(path, canvas_arrays(Canvas(field.astype(np.complex64), covered, origin)), metadata)


@pytest.fixture(scope="module")
def flat(tmp_path_factory):
    """Return a folder with frames that expect nothing but the truth, and what the solver makes of them from ones."""
    folder = tmp_path_factory.mktemp("hybrid")
    probe = first_mode(SCAN.probe).astype(complex)
    write_scan(folder / "scan.npz", SCAN)
    arrays = read_npz(folder / "scan.npz")
    # At 1e9 photons a frame, rounding to whole ones is all the noise there is.
    arrays["counts"] = np.rint(1e5 * intensities(SCAN.truth, probe, SCAN.positions)).astype(np.uint32)
    arrays["probeGuess"] = (np.sqrt(1e5) * probe).astype(np.complex64)
    write_npz(folder / "scan.npz", arrays, read_metadata(folder / "scan.npz"))
    write_npz(folder / "view.npz", {"frames": FRAMES, "groups": np.arange(4)[None]})
    study = {"study": "one", "reconstruct": {"epochs": EPOCHS, "start": "PtychoPINN"}}
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    done = run(folder, output="flat.npz", manifest="flat.json")
    assert done.returncode == 0, done.stderr
    return folder


def test_without_a_start_the_product_is_that_of_before(flat):
    assert "start" not in read_metadata(flat / "flat.npz") and read_metadata(flat / "flat.npz")["arm"] == "PtyChi"


def test_from_a_flat_canvas_it_is_the_flat_start_to_the_last_bit(flat):
    canvas(flat / "ones.npz", np.ones((60, 70)), (7, 3))
    done = run(flat, start="ones.npz", rival="flat.npz")
    assert done.returncode == 0, done.stderr
    found, known = read_npz(flat / "out.npz"), read_npz(flat / "flat.npz")
    assert list(found) == list(known)
    for key, array in known.items():
        assert found[key].tobytes() == array.tobytes(), key
    record = read_metadata(flat / "out.npz")
    assert record["arm"] == "Hybrid"
    started = record.pop("start")
    wanted = {"arm": "PtychoPINN", "epochs": EPOCHS, "sha256": sha256_of(flat / "ones.npz")}
    wanted["loss_to_reach"] = known["loss"][-1]
    assert started == {**wanted, "reached": int(np.flatnonzero(known["loss"] <= known["loss"][-1])[0]) + 1}
    assert record | {"arm": "PtyChi"} == read_metadata(flat / "flat.npz")
    manifest = json.loads((flat / "out.json").read_text())
    assert manifest["start"] == started and manifest["sha256"] == sha256_of(flat / "out.npz")


def test_from_the_truth_it_stays_there_and_saves_all_epochs_but_one(flat):
    """The canvas begins elsewhere than the scan's, is turned by a phase, and knows nothing of its last columns."""
    top, left = 4, 6
    field = (SCAN.truth * np.exp(1.3j))[top:, left:]
    coverage = np.ones(field.shape, np.float32)
    coverage[:, -12:] = 0
    canvas(flat / "truth.npz", np.where(coverage > 0, field, 5), (top, left), coverage)
    done = run(flat, start="truth.npz", rival="flat.npz")
    assert done.returncode == 0, done.stderr
    product, other = read_arm_product(flat / "out.npz"), read_arm_product(flat / "flat.npz")
    errors = []
    for each in (product, other):
        rows, cols = (slice(o, o + n) for o, n in zip(each.origin, each.field.shape, strict=True))
        truth, lit = SCAN.truth[rows, cols], each.coverage > 0.2
        factor = np.vdot(each.field[lit], truth[lit]) / np.vdot(each.field[lit], each.field[lit])
        errors.append(np.sqrt(np.mean(np.abs(factor * each.field - truth)[lit] ** 2)))
    assert errors[0] < 1e-3 and errors[0] < 0.1 * errors[1], errors
    loss = read_npz(flat / "out.npz", ["loss"])["loss"]
    assert loss[0] < read_npz(flat / "flat.npz", ["loss"])["loss"][-1]
    assert product.record["start"]["reached"] == 1


def test_of_a_network_that_failed_there_is_a_failed_row(flat):
    canvas(flat / "lost.npz", np.zeros((60, 70)), (7, 3), status="failed", reason="collapsed")
    assert run(flat, start="lost.npz", rival="flat.npz").returncode == 0
    product = read_arm_product(flat / "out.npz")
    assert not product.good and product.record["reason"] == "PtychoPINN, which it starts from, failed: collapsed"
    assert product.record["start"]["reached"] is None
    assert product.field.shape == read_arm_product(flat / "flat.npz").field.shape


def test_of_a_rival_that_failed_nothing_is_to_reach(flat):
    canvas(flat / "ones.npz", np.ones((60, 70)), (7, 3))
    metadata = read_metadata(flat / "flat.npz") | {"status": "failed", "reason": "diverged"}
    write_npz(flat / "lost.npz", read_npz(flat / "flat.npz"), metadata)
    assert run(flat, start="ones.npz", rival="lost.npz").returncode == 0
    started = read_metadata(flat / "out.npz")["start"]
    assert started["loss_to_reach"] is None and started["reached"] is None


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "start.npz"),
        (lambda path: write_npz(path, {"origin": np.zeros(2)}, {"status": "ok"}), "'reconstructed_object'"),
        (lambda path: canvas(path, np.ones((9, 9)), arm="TV"), "'arm' in its metadata is 'TV'; needed: one of"),
        (lambda path: canvas(path, np.ones((9, 9)), (900, 0)), "key 'origin' is (900, 0)"),
    ],
    ids=["missing", "no canvas", "of no network", "beside the scan"],
)
def test_what_is_no_start_is_refused_by_file_and_key(flat, make, said):
    (flat / "start.npz").unlink(missing_ok=True)
    make(flat / "start.npz")
    (flat / "refused.npz").unlink(missing_ok=True)
    done = run(flat, start="start.npz", output="refused.npz")
    assert done.returncode != 0 and "start.npz" in done.stderr and said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr and not (flat / "refused.npz").exists()
