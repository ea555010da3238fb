"""Training on canvases: it learns, resumes to the same bits, keeps the best weights, and stops at what is no number."""

import os
from collections import deque

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from dataclasses import replace

import numpy as np
import pytest

from ptychostudy.networks.canvas_features import features_of
from ptychostudy.networks.canvas_learner import PlainCanvasLearner
from ptychostudy.networks.canvas_model import KerasCanvasLearner
from ptychostudy.networks.canvas_network import FLIPS, learned
from ptychostudy.networks.canvas_training import CanvasCourse, Lesson
from ptychostudy.networks.course import follow
from ptychostudy.study.sections.train import PinnSettings

# Two shapes, unlike on both axes; no multiples of what the network halves.
SHAPES = ((20, 27), (17, 30))


def lesson(shape, seed, judge=None):
    """Return a canvas whose truth is known, seen too dark and with noise."""
    rng = np.random.default_rng(seed)
    rows, cols = np.indices(shape)
    truth = (0.8 + 0.2 * (rows > 9)) * np.exp(0.4j * (cols > 12))
    noise = rng.normal(0, 0.03, (*shape, 2)) @ [1, 1j]
    light = np.full(shape, 200.0)
    features = features_of(0.8 * truth + 2 * noise, 0.75 * truth + noise, light * noise, light)

    def loss(canvas):
        off = canvas - truth
        return float(np.mean(np.abs(off) ** 2)), off / off.size

    other = (lambda canvas: loss(canvas)[0]) if judge is None else (lambda canvas: judge(canvas)[0])
    return Lesson(features, judge or loss, other, light > 0)


LESSONS = [lesson(shape, seed) for seed, shape in enumerate(SHAPES)]
SETTINGS = PinnSettings(epochs=5, learning_rate=5e-3, patience=9)


@pytest.fixture(scope="module", params=[PlainCanvasLearner, KerasCanvasLearner], ids=["NumPy", "Keras"])
def make(request):
    """Return what makes the network that learns."""
    return request.param


@pytest.fixture(scope="module")
def whole(make):
    """Return a training that was never cut off: its states, result and weights."""
    states = []
    learning = CanvasCourse(LESSONS, 4, SETTINGS, make)
    result = follow(learning, SETTINGS, save_state=states.append)
    return states, result, learning.weights


@pytest.fixture(scope="module")
def built(make):
    """Return a course, which takes a second to build, and its state before anything was learned."""
    learning = CanvasCourse(LESSONS, 4, SETTINGS, make)
    return learning, learning.weights, learning.state()


@pytest.fixture
def course(built):
    """Return a course that has learned nothing."""
    learning, weights, state = built
    learning.lessons = LESSONS
    learning.set_weights(weights)
    learning.restore(state)
    return learning


def judged(judge=None):
    """Return twice the first lesson with another judge."""
    return 2 * [lesson(SHAPES[0], 0, judge)]


def test_the_loss_goes_down(whole, course):
    _, result, _ = whole
    before = course.untrained_loss()
    # What each canvas misses is a quarter of an amplitude between 0.8 and 1.
    assert 0.25**2 * 0.8**2 < before < 0.25**2
    losses = [row["val_loss"] for row in result.history]
    assert result.status == "ok" and len(losses) == 5
    assert result.best_epoch == 1 + int(np.argmin(losses)) and min(losses) < 0.5 * before, losses
    assert [row["learning_rate"] for row in result.history] == [course.rate(epoch) for epoch in range(5)]


@pytest.mark.parametrize("epoch", [5, 3, 1, 4, 2])
def test_resumed_from_any_epoch_it_ends_in_the_same_bits(whole, course, epoch):
    states, result, weights = whole
    again = follow(course, SETTINGS, initial_state=states[epoch - 1])
    assert again.history == result.history and again.statistics == result.statistics
    assert again.best_epoch == result.best_epoch and again.reason == result.reason
    found = course.weights
    assert found.keys() == weights.keys()
    assert all(np.array_equal(found[name], value) for name, value in weights.items())


def order(learning, epoch):
    """Return which lessons an epoch gives, and in what directions."""
    seen = []

    def note(which, flip):
        seen.append(([each is which for each in learning.lessons].index(True), flip))
        return 1.0

    learning._step = note
    learning.learn(epoch)
    del learning._step
    return seen


def test_lessons_are_given_in_all_directions_once_an_epoch(course):
    first, second = (order(course, epoch) for epoch in (0, 1))
    assert len(first) == len(second) == course.steps == 8
    assert len(set(first)) == len(set(second)) == 8
    assert first != second and order(course, 0) == first


def test_the_seed_is_of_weights_and_order(course, make):
    other = CanvasCourse(LESSONS, 4, SETTINGS.model_copy(update={"seed": SETTINGS.seed + 1}), make)
    assert order(other, 0) != order(course, 0)
    here, there = course.weights, other.weights
    kernels = [name for name in here if name.endswith("kernel") and "change" not in name]
    assert len(kernels) == 10 and not any(np.array_equal(here[name], there[name]) for name in kernels)


def test_the_best_weights_are_kept(course):
    """Losses as written here: the third epoch is the best one, and two more are waited for, after a pause as well."""
    losses = deque([5.0, 5.0, 4.0, 4.0, 4.5, 4.5, 3.0, 3.0, 3.5, 3.5, 6.0, 6.0])
    course.lessons = judged(lambda canvas: (losses.popleft(), None))
    course.lessons = [replace(each, judge=LESSONS[0].judge) for each in course.lessons]
    states = []
    settings = SETTINGS.model_copy(update={"patience": 2, "epochs": 7})
    result = follow(course, settings, save_state=states.append)
    assert (result.best_epoch, result.reason) == (3, "best epoch 3 of 5")
    kept = {state["epoch"]: {k[8:]: v for k, v in state.items() if k.startswith("weights/")} for state in states}
    found = course.weights
    assert all(np.array_equal(value, kept[3][name]) for name, value in found.items())
    assert any(not np.array_equal(value, kept[5][name]) for name, value in found.items())
    losses.extend([6.0, 6.0])
    again = follow(course, settings, initial_state=states[3])
    assert again.history == result.history and again.best_epoch == 3 and not losses


def test_a_network_that_learns_nothing_better_changes_nothing(course):
    """What is not learned from says of each epoch that it is worse than no change: none is kept."""
    course.lessons = [replace(each, validated=lambda canvas: -LESSONS[0].validated(canvas)) for each in judged()]
    result = follow(course, SETTINGS.model_copy(update={"patience": 2}))
    assert result.status == "ok" and result.best_epoch == 0 and len(result.history) == 2
    assert result.reason == "best epoch 0 of 2"
    features = LESSONS[0].features
    assert np.array_equal(learned(features, course.learner.network), features.base)


def test_a_loss_that_is_no_number_ends_the_training_as_failed(course):
    calls = []

    def broken(canvas):
        calls.append(canvas)
        return float("nan"), np.zeros_like(canvas)

    course.lessons = judged(broken)
    result = follow(course, SETTINGS)
    assert result.status == "failed" and "not finite: loss, val_loss in epoch 1" in result.reason
    assert len(result.history) == 1
    # Two canvases validated before and two after; one step, for no later one can mend what is no number.
    assert len(calls) == 5
    # Of no epoch the weights are kept.
    assert np.array_equal(learned(LESSONS[0].features, course.learner.network), LESSONS[0].features.base)


def test_a_slope_that_is_no_number_ends_it_too(course):
    course.lessons = judged(lambda canvas: (1.0, np.full_like(canvas, np.nan)))
    result = follow(course, SETTINGS)
    assert result.status == "failed" and "not finite" in result.reason and len(result.history) == 1
    assert "amplitude_mean" in result.reason


def test_a_constant_canvas_has_collapsed(course):
    flat = np.ones(SHAPES[0])
    features = features_of(flat, flat, 0 * flat, flat)
    course.lessons = 2 * [Lesson(features, lambda canvas: (1.0, 0 * canvas), lambda canvas: 1.0, flat > 0)]
    result = follow(course, SETTINGS)
    assert result.status == "failed" and "collapsed: amplitude and phase constant" in result.reason


@pytest.mark.parametrize("flip", FLIPS)
@pytest.mark.parametrize("number", [0, 1])
def test_a_step_is_told_the_slope_at_its_answer(course, number, flip, monkeypatch):
    """Against finite differences of the loss along any change of the answer, in whatever direction it is shown."""
    which = LESSONS[number]
    rows, cols = SHAPES[number]
    rng = np.random.default_rng(7)
    answer, direction = rng.normal(0, 0.1, (2, 1, 24, 32, 2)).astype(np.float32)
    told = []
    monkeypatch.setattr(course.learner, "step", lambda shown, slope_at: told.append((shown, slope_at(answer))))
    before = course._step(which, flip)

    def loss(step):
        change = (answer + step * direction)[0, :rows, :cols].astype(np.float64)
        return which.validated(which.features.changed(change[:: flip[0], :: flip[1]]))

    assert before == pytest.approx(loss(0))
    ((shown, slope),) = told
    assert shown.shape == (1, 24, 32, 8) and slope.shape == (1, 24, 32, 2)
    assert np.array_equal(shown[0, :rows, :cols], which.features.channels[:: flip[0], :: flip[1]])
    # What was added to the canvas has no part in the loss.
    assert not slope[0, rows:].any() and not slope[0, :, cols:].any()
    step = 1e-3
    assert np.sum(slope * direction) == pytest.approx((loss(step) - loss(-step)) / (2 * step), abs=1e-6)


def test_a_step_goes_down_the_slope(course):
    losses = [course._step(LESSONS[0], (1, -1)) for _ in range(4)]
    assert losses[3] < losses[2] < losses[1] < losses[0]


def test_an_error_that_is_not_of_memory_is_raised(course):
    with pytest.raises(ValueError, match="mine"):
        course.divide(ValueError("mine"))


def test_a_network_is_shown_no_number_too_small_for_single_precision():
    """At the edge of the light; a processor takes a hundred times as long for such a pixel."""
    rows, cols = np.mgrid[:40, :56]
    light = 100 * np.exp(-((rows - 15.0) ** 2) / 4 - (cols - 20.0) ** 2 / 9)
    smooth = np.exp(0.3j * np.sin(rows / 5 + cols / 7))
    faint = smooth * light * 1e-3
    channels = features_of(smooth + faint, smooth, faint, light).channels
    least = np.abs(channels[channels != 0]).min()
    assert np.count_nonzero(channels == 0), "somewhere there is no light at all"
    assert least > 1e-20
    # What is lit is as it was.
    moved = np.hypot(channels[..., 2], channels[..., 3])
    curvature = light + 0.02 * light.max()
    np.testing.assert_allclose(moved[10:20, 15:25], (np.abs(faint) * light / curvature)[10:20, 15:25], rtol=1e-4)
