"""Topologies, parameter counts, bounds of the heads, seeds, and weights as plain arrays."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import threading
import time
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from ptychostudy.networks.blocks import LEAST_AMPLITUDE
from ptychostudy.networks.inference import Predictor
from ptychostudy.networks.models import build_model, gauge_probe, lit_sides
from ptychostudy.networks.weights import get_weights, set_weights

N = 32


def disc(n, diameter):
    radius = np.hypot(*(np.indices((n, n)) - n / 2))
    return np.exp(0.05j * radius**2) / (1 + np.exp(2 * (radius - diameter / 2)))


def small(**options):
    return build_model("pinn", N, 4, 48, disc(N, 16), width=4, steps=1, **options)


def inputs(rng, groups, frames=4, side=48):
    return {
        "amplitude": rng.random((groups, frames, N, N)).astype("float32"),
        "offsets": rng.integers(0, side - N + 1, (groups, frames, 2)).astype("float32"),
        "fractions": rng.uniform(-0.5, 0.5, (groups, frames, 2)).astype("float32"),
    }


# Counts derived layer by layer in reference/ptychopinn.md 4.5 and 5.
@pytest.mark.parametrize(
    "kind, frames, side, count", [("pinn", 1, 64, 2252026), ("pinn", 4, 96, 2257000), ("supervised", 1, 64, 4612418)]
)
def test_ancestor_parameter_counts(kind, frames, side, count):
    model = build_model(kind, 64, frames, side, disc(64, 30), architecture="ptychopinn")
    assert sum(value.size for value in get_weights(model).values()) == count


@pytest.mark.parametrize("architecture", ["ptychopinn", "backprojection"])
def test_outputs_have_one_canvas_for_each_group(architecture):
    model = build_model("pinn", 64, 4, 80, disc(64, 30), architecture=architecture, width=4, steps=1, scale=1)
    rng = np.random.default_rng(0)
    data = {
        "amplitude": rng.random((3, 4, 64, 64)).astype("float32"),
        "offsets": rng.integers(0, 17, (3, 4, 2)).astype("float32"),
        "fractions": np.zeros((3, 4, 2), "float32"),
    }
    out = model.trainer.predict_on_batch(data)
    assert out["object"].shape == (3, 80, 80, 2) and out["target"].shape == (3, 4, 64, 64)
    assert np.all(np.isfinite(out["object"])) and np.all(out["target"] >= 0)


@pytest.mark.parametrize("head", ["softplus", "sigmoid"])
def test_canvas_is_one_outside_the_light_and_the_head_keeps_its_bound(head):
    model = small(amplitude_head=head)
    canvas = model.predictor.predict_on_batch(inputs(np.random.default_rng(1), 2))
    square, _ = lit_sides(disc(N, 16), 48)
    rim = (48 - square) // 2
    assert rim > 0 and np.all(canvas[:, :rim, :, 0] == 1) and np.all(canvas[:, :rim, :, 1] == 0)
    amplitude = np.hypot(canvas[..., 0], canvas[..., 1])
    assert amplitude.std() > 1e-3 and (head == "softplus" or amplitude.max() <= 2.0 + 1e-5)


def test_initial_weights_depend_on_the_seed_only():
    first, again, other = (get_weights(small(seed=seed)) for seed in (5, 5, 6))
    assert first.keys() == again.keys() == other.keys()
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert any(not np.array_equal(first[name], other[name]) for name in first)


def test_weights_come_back_and_wrong_ones_are_refused():
    model, other = small(seed=1), small(seed=2)
    weights = get_weights(model)
    set_weights(other, weights)
    data = inputs(np.random.default_rng(2), 2)
    assert np.array_equal(model.predictor.predict_on_batch(data), other.predictor.predict_on_batch(data))
    name = next(iter(weights))
    with pytest.raises(ValueError, match="missing"):
        set_weights(other, {k: v for k, v in weights.items() if k != name})
    with pytest.raises(ValueError, match="unknown"):
        set_weights(other, weights | {"extra": np.zeros(1)})
    with pytest.raises(ValueError, match="needs shape"):
        set_weights(other, weights | {name: np.zeros(3, "float32")})


def test_weights_do_not_depend_on_the_canvas_side():
    narrow = build_model("pinn", N, 4, 40, disc(N, 16), width=4, steps=1)
    set_weights(narrow, get_weights(small()))


def test_probe_gauge_and_lit_sides():
    probe = gauge_probe(7j * disc(64, 36))
    assert np.sum(np.abs(probe) ** 2) == pytest.approx(32**2)
    square, support = lit_sides(probe, 96)
    assert support % 4 == 0 and 36 < support < 64 and square % 8 == 0 and square >= support + 32


@pytest.mark.parametrize(
    "arguments, options, text",
    [
        (("gan", N, 4, 48), {}, "kind"),
        (("pinn", N, 4, 48), {"architecture": "resnet"}, "architecture"),
        (("pinn", N, 4, 45), {}, "multiples of 8"),
        (("supervised", N, 4, 48), {}, "single frames"),
        (("pinn", N, 4, 48), {"architecture": "ptychopinn"}, "windows of side"),
        (("pinn", N, 4, 48), {"amplitude_head": "relu"}, "amplitude head"),
    ],
)
def test_wrong_options_are_named(arguments, options, text):
    with pytest.raises(ValueError, match=text):
        build_model(*arguments, disc(N, 16), steps=0, **options)


def test_an_error_that_is_not_of_memory_stays_what_it_is():
    """Halving the batch would hide it, and in the end call it a lack of memory."""

    def inputs(indices):
        raise ValueError("of another kind")

    model = SimpleNamespace(side=4, predictor=SimpleNamespace(predict_on_batch=None))
    predictor = Predictor(model, SimpleNamespace(inputs=inputs), batch_size=8)
    with pytest.raises(ValueError, match="of another kind"):
        predictor(np.arange(8))
    assert predictor.batch_size == 8


@pytest.mark.parametrize(("calls", "room", "size"), [(1, 16, 16), (2, 16, 16), (4, 30, 16), (3, 9, 8), (8, 1, 1)])
def test_short_of_memory_one_call_is_made_at_a_time_before_a_call_has_fewer_groups(calls, room, size):
    """Calls hold as many units as they have groups, and there are so many units."""
    used, lock = 0, threading.Lock()

    def canvases(chosen):
        nonlocal used
        with lock:
            if used + len(chosen) > room:
                raise MemoryError(f"{len(chosen)} asked, {used} of {room} used")
            used += len(chosen)
        time.sleep(0.005)
        with lock:
            used -= len(chosen)
        return np.tile(chosen[:, None, None, None].astype(np.float32), (1, 4, 4, 2))

    model = SimpleNamespace(side=4, predictor=SimpleNamespace(predict_on_batch=canvases))
    network = Predictor(model, SimpleNamespace(inputs=np.asarray), 16, calls)
    for _ in range(2):
        assert np.array_equal(network(np.arange(100)).real[:, 0, 0], np.arange(100))
    assert network.batch_size == size


@pytest.mark.parametrize("groups", [1, 15, 16, 17, 63, 64, 65])
def test_what_stands_last_in_a_call_is_used_for_no_group(groups):
    """Some processors round it in another way, so that a group's canvas would depend on how groups were cut up."""
    calls = []

    def canvases(chosen):
        calls.append(chosen)
        found = np.tile(chosen[:, None, None, None].astype(np.float32), (1, 4, 4, 2))
        found[-1] = np.nan
        return found

    model = SimpleNamespace(side=4, predictor=SimpleNamespace(predict_on_batch=canvases))
    found = Predictor(model, SimpleNamespace(inputs=np.asarray), batch_size=16)(np.arange(groups))
    assert np.array_equal(found.real[:, 0, 0], np.arange(groups))
    assert {len(chosen) for chosen in calls} == {16}


@pytest.mark.parametrize(("frames", "side"), [(1, N), (4, 48)])
def test_a_new_network_of_back_projections_answers_what_its_sweeps_give(frames, side):
    """Not noise on them, from which one frame alone never finds back; the blind control is noise."""
    options = {"width": 4, "steps": 2}
    model = build_model("pinn", N, frames, side, disc(N, 16), **options)
    features = keras.Model(model.predictor.inputs, model.predictor.get_layer("back_project").output)
    data = inputs(np.random.default_rng(8), 2, frames, side)
    known = features.predict_on_batch(data)
    modulus, phase = np.maximum(known[..., 2], LEAST_AMPLITUDE), known[..., 3]
    low = (side - known.shape[1]) // 2
    found = model.predictor.predict_on_batch(data)[:, low : low + known.shape[1], low : low + known.shape[1]]
    # The phase head bends what it is given: pi tanh(x / pi).
    wanted = modulus * np.exp(1j * np.pi * np.tanh(phase / np.pi))
    assert np.abs(found[..., 0] + 1j * found[..., 1] - wanted).max() < 1e-5
    control = build_model("pinn", N, frames, side, disc(N, 16), blind=True, **options)
    assert np.angle(control.predictor.predict_on_batch(data) @ [1, 1j]).std() > 0.1
