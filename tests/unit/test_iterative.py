"""`ptychostudy.iterative`: what comes back lies where the truth lies; bad arguments are named before torch loads."""

import json
import subprocess
import sys
import textwrap
from typing import get_args

import numpy as np
import pytest

from ptychostudy.iterative.algorithms import ALGORITHMS, choose_step
from ptychostudy.iterative.convergence import movement
from ptychostudy.iterative.result import summarize
from ptychostudy.iterative.solver import reconstruct
from ptychostudy.study.sections.reconstruct import ReconstructSettings

SCRIPT = """
import contextlib
import io
import json
import numpy as np
from ptychostudy.iterative import likelihood, task
from ptychostudy.iterative.solver import reconstruct
from ptychostudy.physics.propagate import intensities, translate
from ptychostudy.study.sections.reconstruct import ReconstructSettings

n, shape = 32, (71, 82)
rng = np.random.default_rng(5)
rows, cols = np.indices(shape)
object_ = np.where((rows - 30) ** 2 + (cols - 50) ** 2 < 80, 0.6, 1.0).astype(complex)
object_[38:42, 22:48] *= np.exp(0.8j)
object_[26:48, 34:37] *= np.exp(-0.6j)
y, x = np.indices((n, n)) - n / 2
radius = np.hypot(y, x) / 9
probe = 0.5 * (1 - np.tanh((radius - 1) * 6)) * np.exp(4j * radius**2)
lattice = np.stack(np.meshgrid(np.arange(19, 51, 4.0), np.arange(19, 62, 4.0), indexing="ij"), -1).reshape(-1, 2)
positions = lattice + rng.uniform(-1.2, 1.2, lattice.shape)
clean = intensities(object_, probe, positions)
scale = 1e6 / clean.sum((1, 2)).mean()
counts = rng.poisson(scale * clean).astype(np.uint32)
probe = probe * np.sqrt(counts.sum() / len(counts) / np.sum(np.abs(probe) ** 2))

def run(wave, settings, **options):
    return reconstruct(counts, positions, wave, shape, ReconstructSettings(**settings), **options)

seen = []
lsqml = {"algorithm": "LSQML", "noise_model": "gaussian", "epochs": 20}
first = run(probe, lsqml, on_epoch=lambda *args: seen.append(args))
again = run(probe, lsqml)
poisson = [run(probe, lsqml | {"epochs": 3, "noise_model": "poisson"}) for _ in range(2)]
refined = run(0.8j * probe, lsqml | {"refine_probe": True})
by_likelihood = {"epochs": 16, "algorithm": "autodiff", "noise_model": "poisson"}
likely = [run(probe, by_likelihood) for _ in range(2)]
both = run(0.8j * probe, by_likelihood | {"refine_probe": True})
# As on a GPU, or where a probe is refined: pty-chi's own way.
likelihood._AT_ONCE, in_blocks, task.make_in_blocks = 40 * n * n, task.make_in_blocks, lambda task: None
parts = run(probe, by_likelihood)
task.make_in_blocks = in_blocks
diverged = run(probe, lsqml | {"epochs": 8, "algorithm": "ePIE", "optimizer": "sgd", "step_size": 1e6})

def on_a_line(axis):
    places = np.full((22, 2), 36.0)
    places[:, axis] = np.arange(19, 52, 1.5)
    frames = rng.poisson(intensities(object_, probe, places)).astype(np.uint32)
    found = reconstruct(frames, places, probe, shape, ReconstructSettings(**lsqml, refine_probe=True))
    model = np.sqrt(intensities(found.object, found.probe, places))
    return float(np.abs(model - np.sqrt(frames)).sum() / np.sqrt(frames).sum())

lines = [on_a_line(axis) for axis in (0, 1)]

lit = np.zeros(shape, bool)
lit[19:51, 19:62] = True

def correlation(a, b):
    a, b = a[lit] - a[lit].mean(), b[lit] - b[lit].mean()
    return float(abs(np.vdot(a, b)) / np.linalg.norm(a) / np.linalg.norm(b))

def best_shift(found):
    steps = [(r, c) for r in (-1, -0.5, -0.25, 0, 0.25, 0.5, 1) for c in (-1, -0.5, -0.25, 0, 0.25, 0.5, 1)]
    return max(steps, key=lambda step: correlation(translate(found, step), object_))

factor = np.vdot(first.object[lit], object_[lit]) / np.vdot(first.object[lit], first.object[lit])
print(json.dumps({
    "lines": lines,
    "correlation": correlation(first.object, object_),
    "error": float(np.linalg.norm(factor * first.object[lit] - object_[lit]) / np.linalg.norm(object_[lit])),
    "mirrored": correlation(first.object[::-1, ::-1], object_),
    "conjugated": correlation(first.object.conj(), object_),
    "shift": best_shift(first.object),
    "mean amplitude": float(np.sqrt(np.mean(np.abs(first.object[lit]) ** 2))),
    "same bits": bool(np.array_equal(first.object, again.object)) and first.loss.tolist() == again.loss.tolist(),
    "same bits poisson": bool(np.array_equal(poisson[0].object, poisson[1].object)),
    "probe kept": bool(np.array_equal(first.probe, probe.astype(np.complex64))),
    "epochs": [entry[0] for entry in seen],
    "losses told": [entry[2] for entry in seen] == first.loss.tolist(),
    "finite": first.finite,
    "types": [str(first.object.dtype), list(first.object.shape), len(first.loss)],
    "refined power": float(np.sum(np.abs(refined.probe) ** 2) / np.sum(np.abs(0.8 * probe) ** 2)),
    "refined phase": float(np.angle(np.vdot(0.8j * probe, refined.probe))),
    "refined correlation": correlation(refined.object, object_),
    "likely": [likely[0].moved, likely[0].converged, correlation(likely[0].object, object_), len(likely[0].loss)],
    "same bits likely": bool(np.array_equal(likely[0].object, likely[1].object)),
    "parts": float(np.linalg.norm((parts.object - likely[0].object)[lit]) / np.linalg.norm(likely[0].object[lit])),
    "both": [float(np.sum(np.abs(both.probe / probe) ** 2 * np.abs(probe) ** 2) / np.sum(np.abs(0.8 * probe) ** 2)),
             float(np.angle(np.vdot(0.8j * probe, both.probe))), correlation(both.object, object_)],
    "short": [first.moved, first.converged, first.change_last_ten],
    "diverged moved": diverged.moved,
    "diverged finite": diverged.finite,
    "diverged converged": diverged.converged,
}))
"""


@pytest.fixture(scope="module")
def result():
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT)], capture_output=True, text=True, timeout=300, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == "", "pty-chi's warnings reached standard error"
    return json.loads(run.stdout)


def test_the_object_comes_back(result):
    # Mean-free correlation; a flat object has none, and a mirror image or a complex conjugate stays far below.
    assert result["correlation"] > 0.9
    assert result["mirrored"] < 0.6
    assert result["conjugated"] < result["correlation"] - 0.1


def test_the_object_lies_where_the_truth_lies(result):
    # Of shifts in quarter pixels, zero fits best: no offset of half a pixel or of one, on either axis.
    assert result["shift"] == [0, 0]


def test_the_object_is_of_order_one_in_the_given_gauge(result):
    # The probe's power is that of the frames, so the transmitted power of the object is one to the lit area's contrast.
    assert result["mean amplitude"] == pytest.approx(1.0, abs=0.15)
    assert result["types"] == ["complex64", [71, 82], 20]
    assert result["finite"]


def test_a_scan_along_one_row_or_column_is_explained(result):
    """Between its positions there are no pixels, by whose norm pty-chi would scale the object."""
    # Twenty epochs leave 0.08; before, nothing but NaN was left.
    assert max(result["lines"]) < 0.1, result["lines"]


def test_two_runs_give_the_same_bits(result):
    assert result["same bits"]
    assert result["same bits poisson"]


def test_a_known_probe_comes_back_as_given(result):
    assert result["probe kept"]


def test_a_refined_probe_stays_in_the_given_gauge(result):
    # The factor is divided out in float64 and rounded to complex64.
    assert result["refined power"] == pytest.approx(1.0, abs=1e-5)
    assert result["refined phase"] == pytest.approx(0.0, abs=1e-5)
    assert result["refined correlation"] > 0.9


def test_likelihood_by_lbfgs_converges(result):
    # Eighty steps. The bound is the one that makes a run count as converged.
    moved, converged, correlation, epochs = result["likely"]
    assert (converged, epochs) == (True, 16)
    assert moved < 0.5
    assert correlation > result["correlation"]
    assert result["same bits likely"]


def test_frames_in_parts_give_the_same_object(result):
    # Sums in another order; eighty steps carry a rounding of 1e-7 to what a search may choose differently.
    assert 0 < result["parts"] < 0.01


def test_lbfgs_refines_a_probe_in_the_given_gauge(result):
    power, phase, correlation = result["both"]
    assert power == pytest.approx(1.0, abs=1e-5)
    assert phase == pytest.approx(0.0, abs=1e-5)
    assert correlation > 0.9


def test_a_steady_loss_is_not_yet_convergence(result):
    # Twenty epochs at 1e6 photons: the loss says little, the likelihood still moves the object by floors.
    moved, converged, _ = result["short"]
    assert moved > 1
    assert not converged


def test_every_epoch_is_reported_with_its_loss(result):
    assert result["epochs"] == list(range(1, 21))
    assert result["losses told"]


def test_divergence_is_a_result_not_an_exception(result):
    assert result["diverged finite"] is False
    assert result["diverged converged"] is False
    assert result["diverged moved"] == np.inf


LSQML = {"algorithm": "LSQML", "noise_model": "gaussian"}


def refusal_of(message, settings=None, **changes):
    """Run a scan that fits, with some arguments replaced; it is refused before torch is loaded."""
    given = {
        "counts": np.ones((3, 8, 8)),
        "positions": np.full((3, 2), 10.0),
        "probe": np.ones((8, 8), complex),
        "object_shape": (20, 20),
    }
    with pytest.raises(ValueError, match=message):
        reconstruct(**(given | changes), settings=ReconstructSettings(**(LSQML | (settings or {}))))
    assert "torch" not in sys.modules


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"algorithm": "DM", "step_size": 1.0}, "DM has no step"),
        ({"algorithm": "DM", "optimizer": "adam"}, "DM has no step"),
        ({"optimizer": "lbfgs"}, "optimizer for LSQML must be one of adam, sgd; found 'lbfgs'"),
        ({"algorithm": "BH", "optimizer": "adam"}, "optimizer for BH must be one of sgd; found 'adam'"),
    ],
)
def test_a_step_that_the_algorithm_does_not_take_is_named(settings, message):
    refusal_of(message, settings)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"device": "tpu"}, "device must be"),
        ({"threads": 0}, "threads must be a whole number"),
        ({"threads": True}, "threads must be a whole number"),
        ({"threads": 1.5}, "threads must be a whole number"),
        ({"probe": np.ones((8, 6), complex)}, "square"),
        ({"probe": np.ones((7, 7), complex)}, "even side"),
        ({"probe": 100 * np.ones((8, 8), complex)}, "probe power"),
        ({"counts": np.ones((3, 6, 6))}, "counts must have shape"),
        ({"counts": -np.ones((3, 8, 8))}, "not negative"),
        ({"counts": np.full((3, 8, 8), np.nan)}, "counts must be finite"),
        ({"counts": np.zeros((3, 8, 8))}, "probe power"),
        ({"positions": np.full((2, 2), 10.0)}, "positions must have shape"),
        ({"positions": np.full((3, 2), 2.0)}, "outside the object"),
        ({"positions": np.full((3, 2), 16.6)}, "outside the object"),
    ],
)
def test_bad_arguments_are_named(changes, message):
    refusal_of(message, **changes)


def test_algorithms_are_those_of_the_study():
    assert ALGORITHMS == ("LSQML", "ePIE", "rPIE", "DM", "RAAR", "BH", "autodiff")
    assert ALGORITHMS == get_args(ReconstructSettings.model_fields["algorithm"].annotation)


@pytest.mark.parametrize(
    ("settings", "step"),
    [
        ({}, ("adam", 0.2)),
        ({"optimizer": "sgd"}, ("sgd", 1.0)),
        ({"step_size": 0.5}, ("adam", 0.5)),
        ({"algorithm": "ePIE", "optimizer": "sgd"}, ("sgd", 0.1)),
        ({"algorithm": "autodiff"}, ("lbfgs", 1.0)),
        ({"algorithm": "RAAR"}, None),
    ],
)
def test_the_step_is_the_algorithm_s_own_unless_said(settings, step):
    assert choose_step(ReconstructSettings(**(LSQML | settings))) == step


@pytest.mark.parametrize(
    ("loss", "change"),
    [
        (np.r_[9.0, np.full(11, 2.0)], 0.0),
        (np.linspace(2.0, 1.0, 11), 0.5),
        (np.linspace(2.0, 1.0, 5), 0.5),  # fewer than ten: over all
    ],
)
def test_change_of_the_loss_is_that_of_ten_epochs(loss, change):
    result = summarize(np.ones((4, 4)), np.ones((2, 2)), loss, 0.1)
    assert (result.converged, result.finite) == (True, True)
    assert result.change_last_ten == pytest.approx(change)


@pytest.mark.parametrize(("moved", "converged"), [(0.0, True), (0.49, True), (0.51, False), (np.nan, False)])
def test_movement_decides_on_convergence(moved, converged):
    assert summarize(np.ones((4, 4)), np.ones((2, 2)), np.ones(20), moved).converged == converged


def test_nan_is_never_converged():
    result = summarize(np.full((4, 4), np.nan), np.ones((2, 2)), np.full(20, 2.0), 0.0)
    assert not result.finite
    assert not result.converged
    assert result.moved == np.inf


def test_movement_of_one_floor_is_one():
    # A window of ones lights 16 x 16 pixels with 50 photons each: floor 0.1 rad. Half of the pixels turn by +a, half by
    # -a, and all of them by 1 rad, which is no movement.
    turn = np.where(np.arange(16) % 2, 0.1, -0.1) * np.ones((16, 1))
    before, after = np.ones((20, 20), complex), np.full((20, 20), np.exp(1j))
    after[2:18, 2:18] *= np.exp(1j * turn)
    probe, positions = np.full((16, 16), np.sqrt(50.0)), np.array([[10.0, 10.0]])
    assert movement(before, after, probe, positions) == pytest.approx(1.0, rel=1e-6)
    # Of amplitude 2, four times the photons come through: the same turn is two floors.
    assert movement(before, 2 * after, probe, positions) == pytest.approx(2.0, rel=1e-6)
    assert movement(before, 3 * before, probe, positions) == 0.0
    assert np.isnan(movement(before, np.nan * after, probe, positions))


def test_movement_is_that_of_the_better_lit_half():
    # Left half of the window 25 photons, right half 100: only the right half counts, whatever the left one does.
    probe = np.full((16, 16), 5.0)
    probe[:, 8:] = 10.0
    positions = np.array([[10.0, 10.0]])
    before, weak, strong = np.ones((3, 20, 20), complex)
    weak[2:18, 2:10:2], weak[2:18, 3:10:2] = np.exp(2j), np.exp(-2j)
    assert movement(before, weak, probe, positions) == pytest.approx(0.0, abs=1e-9)
    strong[2:18, 10:18:2], strong[2:18, 11:18:2] = np.exp(0.1j), np.exp(-0.1j)
    # n = 100: a turn by 0.1 rad is sqrt(2 * 100) * 0.1 floors.
    assert movement(before, strong, probe, positions) == pytest.approx(200**0.5 * 0.1, rel=1e-6)
    # What the scan hardly lights (below 2 % of the brightest) does not move the median: still the right half.
    dim = probe.copy()
    dim[:14, :8] = 0.1
    assert movement(before, strong, dim, positions) == pytest.approx(200**0.5 * 0.1, rel=1e-6)
