"""Half the deviance in blocks: value and slope are those of torch's own arithmetic, with a mask and without."""

import json
import subprocess
import sys

import numpy as np
import pytest

from ptychostudy.iterative.blocked_deviance import half_deviance

SCRIPT = """
import json
from types import SimpleNamespace
import numpy as np, torch
from ptychostudy.iterative import blocked_deviance
from ptychostudy.iterative.blocked_deviance import BlockedDeviance

rng = np.random.default_rng(3)
n, found = 24, {}
blocked_deviance._BLOCK_PIXELS = 7 * n * n
for frames in (1, 16, 63, 64, 65):
    for masked in (False, True):
        valid = torch.ones(n, n, dtype=torch.bool)
        if masked:
            valid[2:4], valid[:, 5] = False, False
        measured = torch.tensor(rng.poisson(3, (frames, n, n)), dtype=torch.float32)
        measured[0, :2] = 1e7 if masked else 0
        predicted = torch.tensor(rng.uniform(0, 8, (frames, n, n)), dtype=torch.float32, requires_grad=True)
        loss = 50 * BlockedDeviance(SimpleNamespace(valid_pixel_mask=valid))(predicted, measured)
        loss.backward()
        ours, predicted.grad = predicted.grad.clone(), None
        p, m = predicted[..., valid].double(), measured[..., valid].double()
        own = 50 * (p - m + (m + 1e-3) * ((m + 1e-3) / (p + 1e-3)).log()).mean()
        own.backward()
        slope = predicted.grad
        found[f"{frames} {masked}"] = [
            abs(float(loss / own) - 1), float((ours - slope).abs().max() / slope.abs().max()),
            float(ours[..., ~valid].abs().sum()),
        ]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def result():
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("frames", [1, 16, 63, 64, 65])
def test_value_and_slope_are_those_of_torch(result, frames, masked):
    value, slope, where_not_valid = result[f"{frames} {masked}"]
    assert value < 1e-6 and slope < 1e-6
    assert where_not_valid == 0


def test_of_frames_that_are_as_predicted_it_is_nothing():
    counts = np.random.default_rng(1).poisson(5, (3, 8, 8)).astype(np.float32)
    total, slope = half_deviance(counts, counts)
    assert total == 0
    assert not slope.any()


def test_half_the_deviance_of_one_pixel():
    """``mu - y + y log(y / mu)`` of 2 counts where 6 are expected, and ``1 - y / mu``, to a thousandth of a photon."""
    total, slope = half_deviance(np.full((1, 1, 1), 6, np.float32), np.full((1, 1, 1), 2, np.float32))
    assert total == pytest.approx(4 + 2 * np.log(2 / 6), abs=2e-3)
    assert slope.item() == pytest.approx(1 - 2 / 6, abs=2e-4)
