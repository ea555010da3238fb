"""pty-chi's own forward model as referee: object pixels, positions and units mean the same there as in `core`.

Everything runs in one child process, so that this one never loads torch.
"""

import json
import subprocess
import sys
import textwrap

import pytest

SCRIPT = """
import json
import numpy as np
from ptychostudy.iterative.solver import simulate_intensities
from ptychostudy.physics.propagate import intensities

rng = np.random.default_rng(3)

def scene(n, shape):
    rows, cols = np.indices(shape)
    square = np.where((rows < shape[0] // 2) & (cols > shape[1] // 3), 0.6, 1.0)
    object_ = square * np.exp(1j * (np.sin(rows / 5) + 0.03 * cols + 0.2 * rng.standard_normal(shape)))
    y, x = np.indices((n, n)) - n / 2
    radius2 = ((y + 1) ** 2 + 1.5 * (x - 2) ** 2) / (n / 4) ** 2
    probe = np.exp(-radius2 + 3j * radius2) * (1 + 0.4 * y / n)
    low, high = np.full(2, n / 2 + 1), np.array(shape) - n / 2 - 2
    return object_, 7.0 * probe, rng.uniform(low, high, (40, 2))

def distance(reference, other):
    return float(np.linalg.norm(reference - other) / np.linalg.norm(reference))

result = {}
for name, n, shape in (("square even", 32, (90, 90)), ("odd by even", 32, (61, 74)), ("large", 64, (131, 150))):
    object_, probe, positions = scene(n, shape)
    positions[:3] = np.floor(positions[:3])
    expected = intensities(object_, probe, positions)
    found = simulate_intensities(object_, probe, positions)
    result[name] = distance(expected, found)
    if name == "square even":
        result["shape"], result["kind"] = list(found.shape), str(found.dtype)
        whole = np.floor(positions + 0.5)
        wrong = {
            "swapped": positions[:, ::-1],
            "negated": np.array(shape) - positions,
            "fraction negated": np.maximum(2 * whole - positions, n / 2),
            "half a pixel": positions + [0.5, 0.0],
        }
        for label, places in wrong.items():
            result[label] = distance(expected, simulate_intensities(object_, probe, places))
        result["transposed"] = distance(expected, simulate_intensities(object_.T, probe, positions))
        result["conjugated"] = distance(expected, simulate_intensities(object_.conj(), probe, positions))
        halves = whole + [[0.5, -0.5]]
        found = simulate_intensities(object_, probe, halves)
        result["exact halves"] = distance(intensities(object_, probe, halves), found)
print(json.dumps(result))
"""


@pytest.fixture(scope="module")
def distances():
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT)], capture_output=True, text=True, timeout=300, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == "", "pty-chi's warnings reached standard error"
    return json.loads(run.stdout)


@pytest.mark.parametrize("scene", ["square even", "odd by even", "large"])
def test_both_forward_models_agree(distances, scene):
    # float32 against float64 gives 1e-6; an error of 1e-3 px in the positions would give about 1e-4.
    assert distances[scene] < 1e-4


def test_exactly_half_a_pixel_reads_the_same_window(distances):
    # The fraction is moved by 1e-4 px to force the side, which costs about 1e-5; the other window differs by far more.
    assert distances["exact halves"] < 2e-4


def test_intensities_are_float32_frames(distances):
    assert distances["shape"] == [40, 32, 32]
    assert distances["kind"] == "float32"


# Each mistake changes frames by a share that no rounding reaches: thirty times the bound of agreement at the least.
@pytest.mark.parametrize(
    ("mistake", "least"),
    [
        ("swapped", 0.1),
        ("negated", 0.1),
        ("transposed", 0.1),
        ("conjugated", 0.1),
        ("fraction negated", 0.01),
        ("half a pixel", 0.01),
    ],
)
def test_a_wrong_convention_disagrees(distances, mistake, least):
    assert distances[mistake] > least
