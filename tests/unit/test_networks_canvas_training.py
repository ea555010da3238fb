"""Training on canvases: it learns, resumes to the same bits, keeps the best weights, and stops at what is no number."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

from ptychostudy.networks.canvas_features import features_of
from ptychostudy.networks.canvas_model import learned
from ptychostudy.networks.canvas_training import CanvasCourse, Lesson
from ptychostudy.networks.course import follow
from ptychostudy.networks.weights import get_weights, set_weights
from ptychostudy.study.sections.train import PinnSettings

# Two shapes, unlike on both axes; no multiples of what the network halves.
SHAPES = ((20, 27), (17, 30))


def lesson(shape, seed, judge=None):
    """Return a canvas whose truth is known, seen with noise in its high frequencies."""
    rng = np.random.default_rng(seed)
    rows, cols = np.indices(shape)
    truth = (0.8 + 0.2 * (rows > 9)) * np.exp(0.4j * (cols > 12))
    noise = rng.normal(0, 0.1, (*shape, 2)) @ [1, 1j]
    light = np.full(shape, 200.0)
    features = features_of(truth + 2 * noise, truth + noise, light * noise, light)

    def loss(canvas):
        off = canvas - truth
        return float(np.mean(np.abs(off) ** 2)), off / off.size

    other = (lambda canvas: loss(canvas)[0]) if judge is None else (lambda canvas: judge(canvas)[0])
    return Lesson(features, judge or loss, other, light > 0)


LESSONS = [lesson(shape, seed) for seed, shape in enumerate(SHAPES)]


def course(lessons=LESSONS, **changes):
    settings = PinnSettings(**{"epochs": 4, "learning_rate": 3e-3, "patience": 9} | changes)
    return CanvasCourse(lessons, 4, settings), settings


def run(lessons=LESSONS, options=None, **changes):
    learning, settings = course(lessons, **changes)
    return follow(learning, settings, **(options or {})), learning.model


@pytest.fixture(scope="module")
def whole():
    """Return a training that was never cut off: its states, result and weights."""
    states = []
    result, model = run(options={"save_state": states.append})
    return states, result, get_weights(model)


def test_the_loss_goes_down(whole):
    _, result, _ = whole
    learning, _ = course()
    before = learning.untrained_loss()
    # What each canvas misses is noise of 0.1 in either part.
    assert before == pytest.approx(0.02, rel=0.1)
    losses = [row["val_loss"] for row in result.history]
    assert result.status == "ok" and result.best_epoch == 4 and len(losses) == 4
    assert losses[-1] < 0.7 * before, losses
    assert result.history[0]["learning_rate"] == pytest.approx(3e-3)


@pytest.mark.parametrize("epoch", [1, 2, 3, 4])
def test_resumed_from_any_epoch_it_ends_in_the_same_bits(whole, epoch):
    states, result, weights = whole
    again, model = run(options={"initial_state": states[epoch - 1]})
    assert again.history == result.history and again.statistics == result.statistics
    assert again.best_epoch == result.best_epoch and again.reason == result.reason
    found = get_weights(model)
    assert found.keys() == weights.keys()
    assert all(np.array_equal(found[name], value) for name, value in weights.items())


def test_lessons_are_given_in_all_directions_once_an_epoch():
    """Each step sees the canvas of a lesson as it would be in one direction; whose it is decides the order."""
    learning, _ = course()
    seen = []

    def note(which, flip):
        seen.append((LESSONS.index(which), flip))
        return 1.0

    learning._step = note
    for epoch in range(2):
        learning.learn(epoch)
    assert len(seen) == 16 and learning.steps == 8
    assert len(set(seen[:8])) == len(set(seen[8:])) == 8
    assert seen[:8] != seen[8:]


def test_the_best_weights_are_kept():
    kept = {}

    def note(state):
        kept[state["epoch"]] = {k[8:]: v for k, v in state.items() if k.startswith("weights/")}

    result, model = run(options={"save_state": note}, epochs=8, learning_rate=0.3, patience=2)
    if result.best_epoch:
        best = min(result.history, key=lambda row: row["val_loss"])["epoch"]
        assert result.best_epoch == best
        assert all(np.array_equal(value, kept[best][name]) for name, value in get_weights(model).items())
    assert len(result.history) <= result.best_epoch + 2


def test_a_network_that_learns_nothing_better_changes_nothing():
    """Judged by another object than it learns from: each step is worse than none, so none is kept."""

    def away(canvas):
        off = canvas - LESSONS[0].features.base
        return float(np.mean(np.abs(off) ** 2)), -off / off.size + 0.1 / off.size

    result, model = run([lesson(SHAPES[0], 0, away)], patience=2)
    assert result.status == "ok" and result.best_epoch == 0 and len(result.history) == 2
    assert result.reason == "best epoch 0 of 2"
    features = LESSONS[0].features
    assert np.array_equal(learned(features, model), features.base)


def test_a_loss_that_is_no_number_ends_the_training_as_failed():
    calls = []

    def broken(canvas):
        calls.append(canvas)
        return float("nan"), np.zeros_like(canvas)

    result, model = run([lesson(SHAPES[0], 0, broken)])
    assert result.status == "failed" and "not finite: loss, val_loss in epoch 1" in result.reason
    assert len(result.history) == 1
    # One step and one validation: no later step can mend what is no number.
    assert len(calls) == 2
    # Of no epoch the weights are kept.
    assert np.array_equal(learned(LESSONS[0].features, model), LESSONS[0].features.base)


def test_a_slope_that_is_no_number_ends_it_too():
    def broken(canvas):
        return 1.0, np.full_like(canvas, np.nan)

    result, _ = run([lesson(SHAPES[0], 0, broken)])
    assert result.status == "failed" and "not finite" in result.reason and len(result.history) == 1


def test_a_constant_canvas_has_collapsed():
    flat = np.ones(SHAPES[0])
    one = Lesson(features_of(flat, flat, 0 * flat, flat), lambda canvas: (1.0, 0 * canvas), lambda canvas: 1.0, flat > 0)
    result, _ = run([one])
    assert result.status == "failed" and "collapsed: amplitude and phase constant" in result.reason


def test_the_seed_is_of_weights_and_order():
    losses = [run(epochs=1, seed=seed)[0].history[0]["loss"] for seed in (1, 1, 2)]
    assert losses[0] == losses[1] != losses[2]


def test_a_step_goes_along_the_slope_at_the_answer():
    """Of a tiny step the loss goes down in each direction, and what was padded to the canvas has no part in it."""
    for which in LESSONS:
        for flip in ((1, -1), (-1, 1)):
            learning, _ = course([*LESSONS], learning_rate=1e-4)
            rng = np.random.default_rng(0)
            weights = {k: rng.normal(0, 0.1, v.shape) for k, v in get_weights(learning.model).items()}
            set_weights(learning.model, weights)
            losses = [learning._step(which, flip) for _ in range(3)]
            assert losses[2] < losses[1] < losses[0]


def test_an_error_that_is_not_of_memory_is_raised():
    learning, _ = course()
    with pytest.raises(ValueError, match="mine"):
        learning.divide(ValueError("mine"))
