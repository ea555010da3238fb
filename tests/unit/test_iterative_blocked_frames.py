"""Frames in blocks: function and derivative are those of pty-chi, whatever is kept; what stands aside works."""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import json, sys
import numpy as np
from ptychostudy.iterative import blocked_frames, likelihood, solver, task
from ptychostudy.iterative.inputs import Scan
from ptychostudy.iterative.session import torch_session
from ptychostudy.iterative.task import build_task
from ptychostudy.physics.propagate import intensities
from ptychostudy.study.sections.reconstruct import ReconstructSettings

n, shape, frames = 16, (40, 47), 30
rng = np.random.default_rng(7)
object_ = rng.uniform(0.7, 1, shape) * np.exp(1j * rng.uniform(-0.5, 0.5, shape))
y, x = np.indices((n, n)) - n / 2
wave = np.exp(-((y - 1) ** 2 + 2 * x**2) / 30 + 0.05j * y * x)
positions = rng.uniform(n / 2 + 1, np.array(shape) - n / 2 - 1, (frames, 2))
counts = rng.poisson(40 * intensities(object_, wave, positions))
wave *= np.sqrt(counts.sum() / frames / np.sum(np.abs(wave) ** 2))
valid = np.ones((n, n), bool)
valid[3:5, 2] = False
in_blocks = blocked_frames.make_in_blocks
ASIDE = ("torchvision", "sklearn", "matplotlib", "torch._dynamo", "scipy.spatial")
STATED = {"two modes": np.stack([wave, 0.3 * wave[::-1]]), "one": wave}

def gradient(probe, blocks):
    settings = ReconstructSettings(epochs=1)
    options = solver._choose_options(settings, solver.choose_step(settings), frames)
    options.reconstructor_options.default_device = "cpu"
    made = solver._build(options, Scan(counts, positions, probe, valid), solver.Pair(object_, probe), settings)
    task.keep_shifted_probes(made)
    if blocks:
        in_blocks(made)
    of = made.reconstructor
    # Not in the order of the scan, as in batches; one of them twice.
    indices = torch.tensor([*range(frames - 1, -1, -1), 3])
    said = of.forward_model(indices)
    leaf = of.parameter_group.object.tensor.data
    of.loss_function(said, of.dataset.patterns[indices].float()).backward()
    return said.detach().numpy().copy(), leaf.grad.numpy().copy()

def off(first, second):
    return float(np.abs(first - second).max() / np.abs(second).max())

found = {}
with torch_session(threads=1) as torch:
    for name, probe in STATED.items():
        own = gradient(probe, False)
        found[name] = [off(*pair) for pair in zip(gradient(probe, True), own)]
    # As of a large scan, for which steps are compiled.
    blocked_frames._PASSES = 10**6
    for name, probe in STATED.items():
        found[name + ", compiled"] = [off(*pair) for pair in zip(gradient(probe, True), gradient(probe, False))]
    blocked_frames._BLOCK_PIXELS, blocked_frames._KEPT_PIXELS = 7 * n * n, 0
    found["made again"] = [off(*pair) for pair in zip(gradient(wave, True), own)]

def two_at_once():
    # Frames of one object are made, then those of another; each then asks for its own slope, and the first again.
    fields = [torch.tensor(object_ * turn, dtype=torch.complex64, requires_grad=True) for turn in (1, 0.6j)]
    function = blocked_frames._function()
    corners = np.floor(positions).astype(int) - n // 2
    known = blocked_frames._Known(None, np.repeat(wave[None, None], frames, 1).astype(np.complex64), corners)
    along = torch.tensor(rng.normal(size=(frames, n, n)), dtype=torch.float32)
    made = [function.apply(field, known) for field in fields]
    for k in (0, 1, 0):
        made[k].backward(along, retain_graph=True)
    slopes = []
    for field in fields:
        leaf = field.detach().clone().requires_grad_()
        windows = torch.stack([leaf[row : row + n, col : col + n] for row, col in corners])
        far = torch.fft.fft2(windows * torch.tensor(wave, dtype=torch.complex64))
        (far.abs() ** 2).backward(along)
        slopes.append(leaf.grad.numpy())
    return [off(fields[0].grad.numpy(), 2 * slopes[0]), off(fields[1].grad.numpy(), slopes[1])]

with torch_session(threads=1) as torch:
    for kept in (2**23, 0):
        blocked_frames._KEPT_PIXELS = kept
        found[f"two at once, {kept} kept"] = two_at_once()

def run(blocks, **more):
    task.make_in_blocks = in_blocks if blocks else lambda task: None
    made = solver.reconstruct(counts, positions, wave, shape, ReconstructSettings(epochs=3, batch_size=10, **more))
    return made.object, made.loss
for name, more in {"likelihood": {}, "adam": {"optimizer": "adam"}}.items():
    found[name] = [off(*pair) for pair in zip(run(True, **more), run(False, **more))]
    # What Adam asks of torch is another matter.
    found.setdefault("aside", [name for name in ASIDE if name in sys.modules])
from ptychi.timing import timer_utils
found["picture"] = type(timer_utils.plt.figure()).__name__
from ptychi import io_handles
found["distance"] = float(io_handles.scipy.spatial.distance.cdist([[0, 0]], [[3, 4]])[0, 0])
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def result():
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


CASES = ["one", "two modes", "one, compiled", "two modes, compiled", "made again", "two at once, 8388608 kept"]


@pytest.mark.parametrize("case", [*CASES, "two at once, 0 kept"])
def test_frames_and_their_derivative_are_those_of_ptychi(result, case):
    """To the rounding of single precision: of transforms of 256 pixels, and of sums over 31 frames."""
    assert max(result[case]) < 3e-6


@pytest.mark.parametrize(("case", "bound"), [("likelihood", 2e-3), ("adam", 2e-3)])
def test_a_run_ends_where_that_of_ptychi_does(result, case, bound):
    """Rounding grows over the steps of a search; objects differ by a hundredth of their noise, losses by less."""
    object_, loss = result[case]
    assert object_ < bound and loss < 1e-4


def test_what_is_not_called_is_not_imported_and_is_there_when_it_is(result):
    assert result["aside"] == []
    assert result["picture"] == "Figure"
    assert result["distance"] == 5
