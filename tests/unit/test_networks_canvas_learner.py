"""Networks of canvases that learn in NumPy: ways back are adjoint, slopes and steps those of Keras."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest
import tensorflow

from ptychostudy.networks import plain_layers
from ptychostudy.networks.adam import Adam
from ptychostudy.networks.canvas_learner import PlainCanvasLearner
from ptychostudy.networks.canvas_model import KerasCanvasLearner
from ptychostudy.networks.canvas_plain import CanvasPass
from ptychostudy.networks.rates import rate_of
from ptychostudy.networks.schedule import cosine
from ptychostudy.physics.team import Team
from ptychostudy.study.sections.train import PinnSettings

SETTINGS = PinnSettings(epochs=3, learning_rate=5e-3)
# Unlike on both axes, and no multiple of what the network halves.
SHAPE = (21, 30)


def image(rng, *shape):
    return rng.normal(size=shape).astype(np.float32)


def adjoint(forward, back, shown, rng):
    """Return ``<y, A x>`` and ``<A^T y, x>`` of a linear layer."""
    made = forward(shown)
    slope = image(rng, *made.shape)
    there, again = np.vdot(made.astype(np.float64), slope), np.vdot(back(slope).astype(np.float64), shown)
    return there, again


@pytest.mark.parametrize("strip", [1, 2000, 2**20])
def test_ways_back_are_adjoint_to_ways_there(monkeypatch, strip):
    monkeypatch.setattr(plain_layers, "_STRIP_BYTES", strip)
    rng = np.random.default_rng(0)
    kernel = image(rng, 3, 3, 3, 5)
    cases = {
        "halved": (plain_layers.halved, plain_layers.halved_back, image(rng, 6, 3, 10)),
        "doubled": (plain_layers.doubled, plain_layers.doubled_back, image(rng, 6, 3, 10)),
        "packed": (plain_layers.packed, plain_layers.unpacked, image(rng, 6, 10, 3)),
        "filtered": (
            lambda x: plain_layers.filtered(x, kernel),
            lambda y: plain_layers.slope_of_image(kernel, y),
            image(rng, 7, 3, 9),
        ),
    }
    for name, (forward, back, shown) in cases.items():
        there, again = adjoint(forward, back, shown, rng)
        assert there == pytest.approx(again, rel=1e-5, abs=1e-4), name
        assert back(forward(shown)).shape == shown.shape
    shown = image(rng, 7, 3, 9)
    there, again = adjoint(
        lambda filters: plain_layers.filtered(shown, filters),
        lambda slope: plain_layers.slope_of_kernel(shown, slope),
        kernel,
        rng,
    )
    assert there == pytest.approx(again, rel=1e-5, abs=1e-4)


@pytest.mark.parametrize("strip", [1, 2**20])
def test_filters_are_sums_of_neighbours_and_see_nothing_beyond_the_edge(monkeypatch, strip):
    """The filter that takes the pixel below and to the left, of the second channel, three times; and one of all."""
    monkeypatch.setattr(plain_layers, "_STRIP_BYTES", strip)
    shown = image(np.random.default_rng(1), 4, 2, 5)
    kernel = np.zeros((3, 3, 2, 2), np.float32)
    kernel[2, 0, 1, 0] = 3
    kernel[..., 1] = 1
    found = plain_layers.filtered(shown, kernel, np.array([0.5, 0], np.float32))
    wanted = np.zeros((4, 5))
    wanted[:3, 1:] = 3 * shown[1:, 1, :4]
    np.testing.assert_allclose(found[:, 0], wanted + 0.5, rtol=1e-6)
    np.testing.assert_allclose(found[0, 1, 0], shown[:2, :, :2].sum(), rtol=1e-5)
    np.testing.assert_allclose(found[2, 1, 3], shown[1:4, :, 2:5].sum(), rtol=1e-5)


def test_pixels_are_halved_doubled_and_packed_where_they_are():
    """On both axes, of sides that differ, two channels."""
    shown = np.arange(4 * 2 * 6, dtype=np.float32).reshape(4, 2, 6)
    of_channel = shown[:, 1]
    np.testing.assert_allclose(plain_layers.halved(shown)[1, 1, 2], of_channel[2:4, 4:6].mean())
    np.testing.assert_array_equal(plain_layers.doubled(shown)[:, 1], np.kron(of_channel, np.ones((2, 2))))
    packed = plain_layers.packed(shown.transpose(0, 2, 1))
    assert packed.shape == (2, 8, 3)
    # Channels of the pixel below and to the right are the last ones.
    np.testing.assert_array_equal(packed[1, 6:, 2], shown[3, :, 5])
    np.testing.assert_array_equal(packed[0, 2:4, 1], shown[0, :, 3])


def both(width=4, seed=2):
    """Return the same network twice, with weights that are all random: in NumPy, and of Keras."""
    settings = SETTINGS.model_copy(update={"seed": seed})
    pair = [make(SHAPE, width, 4, settings) for make in (PlainCanvasLearner, KerasCanvasLearner)]
    for name, value in pair[0].weights.items():
        assert np.array_equal(pair[1].weights[name], value), name
    rng = np.random.default_rng(seed)
    drawn = {name: image(rng, *value.shape) * 0.15 for name, value in pair[0].weights.items()}
    for learner in pair:
        learner.set_weights(drawn)
    return pair


def test_slopes_are_those_of_tensorflow():
    """Of each weight to rounding: what Adam does with them does not depend on their size."""
    plain, keras = both()
    rng = np.random.default_rng(3)
    shown, wanted = image(rng, 24, 32, 8), image(rng, 24, 32, 2)
    there = CanvasPass(plain.weights)
    there.back(2 * (there.there(shown) - wanted) / np.float32(wanted.size), Team(1))
    with tensorflow.GradientTape() as tape:
        loss = tensorflow.reduce_mean((keras.network.trainer(shown[None]) - wanted[None]) ** 2)
    variables = keras.network.trainer.trainable_variables
    found = dict(zip((variable.path for variable in variables), tape.gradient(loss, variables), strict=True))
    assert there.slopes.keys() == found.keys() == plain.weights.keys()
    for name, slope in found.items():
        scale = float(np.abs(slope).max())
        assert scale > 1e-4, name
        np.testing.assert_allclose(there.slopes[name], slope, atol=3e-6 * scale, err_msg=name)


def test_answers_and_steps_are_those_of_keras():
    """Of one canvas after the other; Adam divides by the root of a square, so steps differ by more than rounding."""
    pair = both()
    rng = np.random.default_rng(4)
    batches = [(image(rng, 1, 24, 32, 8), image(rng, 1, 24, 32, 2)) for _ in range(6)]
    answers = []
    for shown, wanted in batches:
        asked = []
        for learner in pair:
            learner.step(shown, lambda answer, wanted=wanted, asked=asked: asked.append(answer) or answer - wanted)
        answers.append(asked)
    for k, (here, there) in enumerate(answers):
        np.testing.assert_allclose(here, there, atol=(1 + 20 * k) * 1e-6 * float(np.abs(there).max()))
    moved = 0.0
    for name, value in pair[0].weights.items():
        np.testing.assert_allclose(value, pair[1].weights[name], atol=2e-5)
        moved = max(moved, float(np.abs(value).max()))
    assert moved > 0.1
    for name in ("down0_a/kernel", "change_map/bias"):
        before = both()[0].weights[name]
        assert np.abs(pair[0].weights[name] - before).mean() > 1e-3, "six steps of a thousandth must show"


def test_no_bit_of_an_answer_or_a_step_depends_on_threads():
    rng = np.random.default_rng(6)
    batches = [(image(rng, 1, 24, 32, 8), image(rng, 1, 24, 32, 2)) for _ in range(4)]
    drawn = both()[0].weights
    found = []
    for threads in (1, 2, 5):
        learner = PlainCanvasLearner(SHAPE, 4, 4, SETTINGS, threads=threads)
        learner.set_weights(drawn)
        for shown, wanted in batches:
            learner.step(shown, lambda answer, wanted=wanted: answer - wanted)
        mean, spread = learner.network.answer(image(np.random.default_rng(7), 21, 30, 8))
        found.append({**learner.weights, "mean": mean, "spread": spread})
    for other in found[1:]:
        assert all(np.array_equal(other[name], value) for name, value in found[0].items())
    assert all(not np.array_equal(found[0][name], value) for name, value in drawn.items())


def test_what_goes_wrong_beside_a_step_is_raised(monkeypatch):
    learner = PlainCanvasLearner(SHAPE, 4, 4, SETTINGS, threads=2)

    def full(*_):
        raise MemoryError("no room for a slope")

    monkeypatch.setattr(plain_layers, "slope_of_kernel", full)
    with pytest.raises(MemoryError, match="no room for a slope"):
        learner.step(image(np.random.default_rng(8), 1, 24, 32, 8), lambda answer: answer)


def test_rates_are_those_of_keras():
    for steps, epochs in ((1, 1), (4, 3), (16, 7), (40, 10), (3, 100)):
        schedule = cosine(3e-3, steps, epochs)
        found = [rate_of(step, 3e-3, steps, epochs) for step in range(steps * epochs + 3)]
        np.testing.assert_allclose(found, [float(schedule(step)) for step in range(len(found))], rtol=2e-5)


def test_a_long_slope_is_cut_to_the_norm_and_a_short_one_is_not():
    """Adam forgets the length of what is always the same: two steps, of which the second is another."""

    def moved(first, second):
        weights = {"a": np.zeros(2, np.float32), "b": np.zeros(1, np.float32)}
        adam = Adam(weights, lambda step: 1.0, 1.0)
        for slope in (first, second):
            adam.step({"a": np.array(slope[:2], np.float32), "b": np.array(slope[2:], np.float32)})
        return np.concatenate(list(weights.values()))

    other = [1, 0, 0]
    np.testing.assert_allclose(moved([30, 0, 40], other), moved([0.6, 0, 0.8], other), rtol=1e-6)
    assert not np.allclose(moved([0.3, 0, 0.4], other), moved([0.6, 0, 0.8], other), rtol=1e-2)
    assert np.isnan(moved([np.nan, 0, 0], [0, 1, 0])).all()
    # The first step has the length of the rate, whatever the slope.
    weights = {"a": np.zeros(1, np.float32)}
    Adam(weights, lambda step: 0.25, 1.0).step({"a": np.array([1e-3], np.float32)})
    assert weights["a"][0] == pytest.approx(-0.25, rel=5e-3)


def test_weights_of_another_network_are_refused_and_nothing_changes():
    plain, _ = both()
    before = plain.weights
    with pytest.raises(ValueError, match="weight down0_a/kernel needs shape"):
        plain.set_weights(PlainCanvasLearner(SHAPE, 6, 4, SETTINGS).weights)
    with pytest.raises(ValueError, match="do not fit the network: missing"):
        plain.set_weights({})
    assert all(np.array_equal(plain.weights[name], value) for name, value in before.items())


def test_a_copy_of_the_weights_does_not_learn():
    plain, _ = both()
    before = plain.weights
    kept = {name: value.copy() for name, value in before.items()}
    rng = np.random.default_rng(5)
    plain.step(image(rng, 1, 24, 32, 8), lambda answer: answer)
    assert all(np.array_equal(before[name], value) for name, value in kept.items())
    assert any(not np.array_equal(plain.weights[name], value) for name, value in kept.items())
