"""A first object for pty-chi: of ones it changes no bit, of the truth it leaves nothing to do, whatever the algorithm.

It runs in a child process, so that this one never loads torch.
"""

import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from ptychostudy.iterative.solver import reconstruct
from ptychostudy.study.sections.reconstruct import ReconstructSettings

SCRIPT = """
import json
import numpy as np
from ptychostudy.iterative.solver import reconstruct
from ptychostudy.physics.propagate import intensities
from ptychostudy.study.sections.reconstruct import ReconstructSettings

n, shape = 32, (71, 82)
rng = np.random.default_rng(5)
rows, cols = np.indices(shape)
truth = np.where((rows - 30) ** 2 + (cols - 50) ** 2 < 80, 0.6, 0.9).astype(complex)
truth[38:42, 22:48] *= np.exp(0.8j)
truth[26:48, 34:37] *= np.exp(-0.6j)
truth = truth.astype(np.complex64)
y, x = np.indices((n, n)) - n / 2
radius = np.hypot(y, x) / 9
probe = 0.5 * (1 - np.tanh((radius - 1) * 6)) * np.exp(4j * radius**2)
second = 0.5 * probe * (y + 0.3 * x) / 9
lattice = np.stack(np.meshgrid(np.arange(19, 51, 4.0), np.arange(19, 62, 4.0), indexing="ij"), -1).reshape(-1, 2)
positions = lattice + rng.uniform(-1.2, 1.2, lattice.shape)
lit = np.zeros(shape, bool)
lit[19:51, 19:62] = True
valid = np.ones((n, n), bool)
valid[20:22], valid[:, 9] = False, False

def distance(found):
    factor = np.vdot(found[lit], truth[lit]) / np.vdot(found[lit], found[lit])
    return float(np.linalg.norm(factor * found[lit] - truth[lit]) / np.linalg.norm(truth[lit]))

def case(settings, wave=probe, mask=None):
    clean = intensities(truth, wave, positions)
    # Not rounded to photons: what the truth expects is what was counted.
    scale = 1e6 / clean.sum((1, 2)).mean()
    wave, counts = wave * np.sqrt(scale), (scale * clean).astype(np.float32)
    if mask is not None:
        counts = np.where(mask, counts, 7e5).astype(np.float32)
    settings = ReconstructSettings(epochs=3, **settings)

    def run(start):
        return reconstruct(counts, positions, wave, shape, settings, valid=mask, start=start)

    flat, ones, known = run(None), run(np.ones(shape)), run(truth)
    turned = run(truth[::-1, ::-1])
    return {
        "same bits": bool(np.array_equal(flat.object, ones.object)) and flat.loss.tolist() == ones.loss.tolist(),
        "from ones": distance(flat.object),
        "from the truth": distance(known.object),
        "losses": [flat.loss.tolist(), known.loss.tolist(), turned.loss.tolist()],
    }

gaussian = {"noise_model": "gaussian", "batch_size": 40}
CASES = {name: {"algorithm": name, **gaussian} for name in ("LSQML", "ePIE", "rPIE", "DM", "RAAR", "BH")}
CASES["LSQML"]["optimizer"] = CASES["ePIE"]["optimizer"] = "sgd"
CASES["likelihood"] = {}
CASES["LSQML of photons"] = {"algorithm": "LSQML", "batch_size": 40, "optimizer": "sgd"}
CASES["LSQML, Adam"] = {"algorithm": "LSQML", **gaussian}
CASES["likelihood, Adam"] = {"optimizer": "adam", "batch_size": 40}
found = {name: case(settings) for name, settings in CASES.items()}
modes = np.stack([probe, second])
found["two modes"] = case({"probe_modes": 2}, modes)
found["two modes, LSQML"] = case({"probe_modes": 2, **CASES["LSQML"]}, modes)
found["mask"] = case({}, mask=valid)
found["mask, ePIE"] = case(CASES["ePIE"], mask=valid)
found["probe refined"] = case({"refine_probe": True})
print(json.dumps(found))
"""
# What has no residual moves nothing.
STILL = ["LSQML", "ePIE", "rPIE", "RAAR", "likelihood", "LSQML of photons", "two modes", "two modes, LSQML"]
STILL += ["mask", "mask, ePIE", "probe refined"]
# Adam's first steps have one size, however small the gradient; DM and BH divide by a light of their own.
RESTLESS = ["LSQML, Adam", "likelihood, Adam", "DM", "BH"]
NAMES = [*STILL, *RESTLESS]


@pytest.fixture(scope="module")
def found():
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT)], capture_output=True, text=True, timeout=300, check=False
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize("name", NAMES)
def test_a_start_of_ones_is_the_flat_start_bit_by_bit(found, name):
    assert found[name]["same bits"]


@pytest.mark.parametrize("name", STILL)
def test_the_truth_is_left_where_it_is(found, name):
    assert found[name]["from the truth"] < 1e-5 < 0.01 * found[name]["from ones"]


@pytest.mark.parametrize("name", RESTLESS)
def test_who_leaves_it_stays_nearer_to_it_than_from_ones(found, name):
    assert 1e-5 < found[name]["from the truth"] < 0.5 * found[name]["from ones"]


@pytest.mark.parametrize("name", NAMES)
def test_its_loss_is_at_once_below_that_of_the_flat_start(found, name):
    flat, known, turned = found[name]["losses"]
    assert known[0] < min(flat)
    # Nothing of it is mirrored on the way: on either axis that would be another object.
    assert known[0] < turned[0]


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (np.ones((20, 21)), r"start must have the object's shape \(20, 20\), found \(20, 21\)"),
        (np.full((20, 20), np.nan), "start must be finite, found 400 values that are not"),
    ],
)
def test_another_start_is_refused_before_torch_is_loaded(start, said):
    given = (np.ones((3, 8, 8)), np.full((3, 2), 10.0), np.ones((8, 8), complex), (20, 20))
    with pytest.raises(ValueError, match=said):
        reconstruct(*given, ReconstructSettings(), start=start)
    assert "torch" not in sys.modules
