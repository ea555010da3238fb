"""bfloat16 in the ancestor's convolutions: close to float32, nowhere else, and where machines have it."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

from ptychostudy.networks import precision
from ptychostudy.networks.ancestor import ENCODER
from ptychostudy.networks.models import build_model
from ptychostudy.networks.weights import get_weights, set_weights
from ptychostudy.study.sections.train import ANCESTOR_SIDES

N, SIDE = 64, 80


def disc():
    radius = np.hypot(*(np.indices((N, N)) - N / 2))
    return np.exp(0.05j * radius**2) / (1 + np.exp(2 * (radius - 15)))


def built(architecture, **options):
    return build_model("pinn", N, 4, SIDE, disc(), architecture=architecture, steps=1, scale=1, **options)


def inputs():
    rng = np.random.default_rng(3)
    return {
        "amplitude": rng.random((2, 4, N, N), dtype=np.float32),
        "offsets": rng.integers(0, SIDE - N + 1, (2, 4, 2)).astype(np.float32),
        "fractions": np.zeros((2, 4, 2), np.float32),
    }


def test_the_ancestor_in_bfloat16_is_the_same_network_to_its_eight_bits():
    """A rounding is off by 2^-9 at most, of ten layers in turn; with random weights each doubles what comes in."""
    full, short = built("ptychopinn"), built("ptychopinn", precision="bfloat16")
    weights = get_weights(full)
    assert {name: value.dtype for name, value in get_weights(short).items()} == dict.fromkeys(weights, np.float32)
    set_weights(short, weights)
    known, found = (model.predictor.predict_on_batch(inputs()) for model in (full, short))
    assert found.dtype == np.float32
    error = np.linalg.norm(found - known) / np.linalg.norm(known)
    assert 1e-5 < error < 4e-2


def test_a_training_step_moves_all_weights_and_keeps_them_in_float32():
    import keras

    model = built("ptychopinn", precision="bfloat16")
    before = get_weights(model)
    model.trainer.compile(keras.optimizers.Adam(1e-3), loss={"target": "mse", "object": None})
    target = np.random.default_rng(4).random((2, 4, N, N), dtype=np.float32)
    loss = float(np.ravel(model.trainer.train_on_batch(inputs(), {"target": target}))[0])
    after = get_weights(model)
    assert np.isfinite(loss)
    # Steps of 1e-3 would be lost in weights of eight bits, whose first deviation is about 0.1.
    moved = [np.mean(after[name] != before[name]) for name in before if name.endswith("kernel")]
    assert min(moved) > 0.5


def test_the_network_of_back_projections_has_no_other_precision():
    full, same = built("backprojection", width=4), built("backprojection", width=4, precision="bfloat16")
    assert np.array_equal(*(model.predictor.predict_on_batch(inputs()) for model in (full, same)))


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [("fpu avx2 avx512f amx_bf16 amx_tile", "bfloat16"), ("avx512_bf16", "bfloat16"), ("fpu avx2 avx512f", "float32")],
)
def test_auto_follows_the_cpu(monkeypatch, tmp_path, flags, wanted):
    listing = tmp_path / "cpuinfo"
    listing.write_text(f"processor\t: 0\nflags\t\t: {flags}\n\nprocessor\t: 1\nflags\t\t: {flags}\n")
    features = precision.cpu_features(listing)
    assert features == frozenset(flags.split())
    monkeypatch.setattr(precision, "cpu_features", lambda: features)
    import tensorflow

    monkeypatch.setattr(tensorflow.config, "list_physical_devices", lambda kind: [])
    assert precision.settled("auto") == wanted
    assert [precision.settled(word) for word in ("float32", "bfloat16")] == ["float32", "bfloat16"]


@pytest.mark.parametrize(("capability", "wanted"), [((7, 5), "float32"), ((8, 0), "bfloat16"), ((9, 0), "bfloat16")])
def test_auto_follows_the_gpu_where_there_is_one(monkeypatch, capability, wanted):
    import tensorflow

    monkeypatch.setattr(tensorflow.config, "list_physical_devices", lambda kind: ["gpu"])
    told = {"compute_capability": capability}
    monkeypatch.setattr(tensorflow.config.experimental, "get_device_details", lambda device: told)
    assert precision.settled("auto") == wanted


def test_settings_know_the_windows_that_the_ancestor_has_levels_for():
    assert tuple(ENCODER) == ANCESTOR_SIDES


def test_where_nobody_lists_them_there_are_no_features(tmp_path):
    assert precision.cpu_features(tmp_path / "none") == frozenset()
