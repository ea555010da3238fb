"""One network on three backends of Keras: the same first weights, the same answers, the same step of a training."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from conftest import ROOT

SCRIPT = ROOT / "tests" / "backend_answers.py"
# Beside the environment: TensorFlow imports JAX wherever it finds it.
BESIDE = Path(sys.prefix) / "jax"
NETWORKS = ("canvas", "backprojection", "ptychopinn")


def environment(backend):
    """Return the variables of a process on a backend, or skip where it is not installed."""
    folders = [str(ROOT)]
    if backend == "jax" and importlib.util.find_spec("jax") is None:
        if not (BESIDE / "jax").is_dir():
            pytest.skip("NOT RUN: jax is not installed (make unit says why)")
        folders.append(str(BESIDE))
    return os.environ | {"PYTHONPATH": os.pathsep.join(folders), "JAX_PLATFORMS": "cpu"}


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Return a function: what the networks say and learn on a backend, each computed once."""
    folder, kept = tmp_path_factory.mktemp("backends"), {}

    def of(backend):
        if backend not in kept:
            done = subprocess.run(
                [sys.executable, SCRIPT, backend, folder],
                env=environment(backend),
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr[-3000:]
            assert "imported beside it: []" in done.stdout, "two frameworks in one process"
            with np.load(folder / f"{backend}.npz") as file:
                kept[backend] = dict(file)
        return kept[backend]

    return of


def named(answers, start):
    return {name: value for name, value in answers.items() if name.startswith(start)}


@pytest.fixture(params=["torch", "jax"])
def both(request, answers):
    """Return the answers of TensorFlow and those of another backend."""
    other = answers(request.param)
    return answers("tensorflow"), other


@pytest.mark.parametrize("network", NETWORKS)
def test_first_weights_are_the_same_bits(both, network):
    first, other = (named(each, f"{network}/first") for each in both)
    assert first.keys() == other.keys() and len(first) > 10
    for name, value in first.items():
        np.testing.assert_array_equal(other[name], value, err_msg=name)
    assert max(np.ptp(value) for value in first.values()) > 0.1


@pytest.mark.parametrize(
    "name", ["canvas/answer", *(f"{n}/{what}" for n in NETWORKS[1:] for what in ("answer", "object"))]
)
def test_answers_agree_to_single_precision(both, name):
    first, other = (each[name] for each in both)
    assert np.ptp(first) > 0.1
    assert np.abs(other - first).max() < 1e-5 * np.abs(first).max()


@pytest.mark.parametrize("network", NETWORKS)
def test_one_step_of_a_training_is_the_same(both, network):
    """Relative to the step itself, not to the weights, of which it is a thousandth."""
    first, other = both
    for name, after in named(first, f"{network}/stepped").items():
        step = after - first[name.replace("stepped", "first")]
        assert np.linalg.norm(other[name] - after) < 1e-4 * np.linalg.norm(step), name
