"""Kept shifted probes: the bits are pty-chi's own, nothing is kept that changes or does not fit, each shift is once."""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import json
import numpy as np
from ptychostudy.iterative import likelihood, shifted_probes, solver, task
from ptychostudy.physics.propagate import intensities
from ptychostudy.study.sections.reconstruct import ReconstructSettings

# What pty-chi itself makes of kept probes.
task.make_in_blocks = lambda task: None
n, shape, frames = 16, (40, 47), 30
rng = np.random.default_rng(7)
object_ = rng.uniform(0.7, 1, shape) * np.exp(1j * rng.uniform(-0.5, 0.5, shape))
y, x = np.indices((n, n)) - n / 2
probe = np.exp(-((y - 1) ** 2 + 2 * x**2) / 30 + 0.05j * y * x)
positions = rng.uniform(n / 2 + 1, np.array(shape) - n / 2 - 1, (frames, 2))
counts = rng.poisson(40 * intensities(object_, probe, positions))
probe *= np.sqrt(counts.sum() / frames / np.sum(np.abs(probe) ** 2))

made = []
class Watched(shifted_probes.ShiftedProbes):
    def __init__(self, model):
        super().__init__(model)
        made.append(self)
shifted_probes.ShiftedProbes = Watched

def run(room, **settings):
    shifted_probes._ROOM = room
    made.clear()
    given = ReconstructSettings(epochs=3, batch_size=10, **settings)
    result = solver.reconstruct(counts, positions, probe, shape, given)
    return result.object, [store.shifts for store in made]

def compare(**settings):
    own, none = run(0, **settings)
    found, shifts = run(frames * n * n * 8, **settings)
    return {"same": bool(np.array_equal(own, found)), "finite": bool(np.isfinite(found).all()), "shifts": shifts,
            "own": none, "moved": float(np.ptp(np.abs(found)))}

gaussian = {"noise_model": "gaussian"}
cases = {
    "LSQML": gaussian | {"algorithm": "LSQML"},
    "LSQML poisson": {"algorithm": "LSQML"},
    "ePIE": gaussian | {"algorithm": "ePIE"},
    "rPIE": gaussian | {"algorithm": "rPIE"},
    "DM": gaussian | {"algorithm": "DM"},
    "RAAR": gaussian | {"algorithm": "RAAR"},
    "BH": gaussian | {"algorithm": "BH"},
    "likelihood": {},
    "adam": {"optimizer": "adam"},
    "refined": gaussian | {"algorithm": "LSQML", "refine_probe": True},
}
found = {name: compare(**settings) for name, settings in cases.items()}
likelihood._AT_ONCE = 7 * n * n
found["in parts"] = compare()
found["too many"] = {"shifts": run(frames * n * n * 8 - 1)[1]}

# What changes in spite of all is shifted anew.
import torch
class Model:
    fractions = torch.rand(4, 2)
    def get_probe_grid_position_data(self):
        return None, None, self.fractions
    def shift_unique_probes(self, indices, probes, first_mode_only):
        return probes * self.fractions[indices, :1, None, None]
model = Model()
store = shifted_probes.ShiftedProbes(model)
wave = torch.rand(1, 3, 5, 5, dtype=torch.complex64)
def right(indices):
    probes = wave.repeat(len(indices), 1, 1, 1)
    return bool(torch.equal(store(indices, probes, first_mode_only=True),
                            Model.shift_unique_probes(model, indices, probes, True)))
steps = []
for change in ("", "", "probe", "fractions"):
    if change == "probe":
        wave = wave.clone()
        wave[0, 2, 4, 4] += 1
    if change == "fractions":
        model.fractions = model.fractions.clone()
        model.fractions[3] += 0.25
    steps.append([right(torch.tensor([3, 1])), right(torch.tensor([1, 0])), store.shifts])
answer = store(torch.tensor([0]), wave, first_mode_only=True)
answer += 1
steps.append([right(torch.tensor([0])), True, store.shifts])
print(json.dumps({"cases": found, "steps": steps}))
"""
SHIFTED = ["LSQML", "LSQML poisson", "ePIE", "rPIE", "DM", "RAAR", "likelihood", "adam"]


@pytest.fixture(scope="module")
def result():
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize("case", [*SHIFTED, "BH", "refined", "in parts"])
def test_the_bits_are_those_of_ptychi(result, case):
    found = result["cases"][case]
    assert found["same"] and found["finite"]
    assert found["moved"] > 0.01
    assert found["own"] == [], "without room nothing is kept, or nothing was compared"


@pytest.mark.parametrize("case", SHIFTED)
def test_each_probe_is_shifted_in_the_first_epoch_only(result, case):
    # Three batches of ten frames, drawn anew in each epoch; L-BFGS, also as the last trial, takes all at once.
    shifts = result["cases"][case]["shifts"]
    assert shifts and max(shifts) <= 3


def test_a_probe_that_is_refined_is_not_kept(result):
    # The one store is that of the last trial, in which the refined probe stays as it is.
    assert result["cases"]["refined"]["shifts"] == [1]


def test_more_than_there_is_room_for_is_not_kept(result):
    assert result["cases"]["too many"]["shifts"] == []


def test_what_changes_is_shifted_anew(result):
    first, again, probe, fractions, answer = result["steps"]
    assert first == [True, True, 2]
    assert again == [True, True, 2]
    assert probe == [True, True, 4]
    assert fractions == [True, True, 6]
    # The caller may do what it likes with its answer.
    assert answer == [True, True, 6]
