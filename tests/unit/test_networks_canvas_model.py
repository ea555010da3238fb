"""The network of a canvas: what it is shown, that it begins with no change, and that it knows no direction or phase."""

import functools
import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

from ptychostudy.networks.canvas_features import CHANNELS, REACH_PX, features_of
from ptychostudy.networks.canvas_model import canvas_model, with_weights
from ptychostudy.networks.canvas_network import FLIPS, flipped, learned
from ptychostudy.networks.canvas_plain import plain_with_weights, random_weights
from ptychostudy.networks.weights import get_weights, set_weights
from ptychostudy.sampling.tiles import _MARGIN_PX

# Unlike on both axes, and no multiple of what the network halves.
SHAPE = (21, 30)


def field_of(rng, shape=SHAPE):
    return rng.normal(size=(*shape, 2)) @ [1, 1j] * 0.2 + 0.8


def scene(shape=SHAPE, seed=0):
    """Return freed and smooth estimate, gradient and light of a canvas."""
    rng = np.random.default_rng(seed)
    light = rng.uniform(0, 500, shape)
    light[:3] = 0
    return field_of(rng, shape), field_of(rng, shape), rng.normal(size=(*shape, 2)) @ [40, 40j], light


@functools.cache
def restless(shape=SHAPE):
    """Return a network whose weights are all random: it changes a lot, and is alike in no direction."""
    model = canvas_model(shape, width=4, seed=3)
    rng = np.random.default_rng(1)
    set_weights(model, {name: rng.normal(0, 0.15, value.shape) for name, value in get_weights(model).items()})
    return model


def test_an_untrained_network_changes_nothing():
    freed, smooth, gradient, light = scene()
    features = features_of(freed, smooth, gradient, light)
    model = canvas_model(SHAPE, width=4, seed=0)
    change, spread = model.answer(features.channels)
    assert change.shape == (*SHAPE, 2) and spread.shape == SHAPE
    assert not change.any() and not spread.any()
    assert np.array_equal(learned(features, model), smooth.astype(np.complex64))


def test_channels_are_what_they_say():
    freed, smooth, gradient, light = scene()
    found = features_of(freed, smooth, gradient, light)
    assert found.channels.shape == (*SHAPE, CHANNELS) and found.channels.dtype == np.float32
    np.testing.assert_allclose(np.abs(found.turn), 1, rtol=1e-6)
    turned = found.channels[..., 0] + 1j * found.channels[..., 1]
    np.testing.assert_allclose(turned * found.turn, smooth, atol=1e-6)
    # Newton's step of a likelihood whose curvature is the light; what is lit well differs as it is.
    step = (found.channels[..., 4] + 1j * found.channels[..., 5]) * found.turn
    floor = 0.02 * light.max()
    np.testing.assert_allclose(step, -gradient / (light + floor), atol=1e-5)
    off = (found.channels[..., 2] + 1j * found.channels[..., 3]) * found.turn
    np.testing.assert_allclose(off, (freed - smooth) * light / (light + floor), atol=1e-6)
    assert not off[:3].any(), "of what is dark the freed estimate says nothing"
    np.testing.assert_allclose(found.channels[..., 7], 0.3 * np.log(np.maximum(light, floor)), rtol=1e-6)
    # The mean of its surroundings has the phase that all is turned to.
    assert found.channels[..., 6].min() > 0.5


@pytest.mark.parametrize("light", [0.0, 1.0])
def test_features_of_nothing_are_numbers(light):
    """A canvas beyond the scan: an estimate of zero has no phase, and pixels without light have no curvature."""
    zero = np.zeros(SHAPE, complex)
    lit = np.zeros(SHAPE)
    lit[10:, :20] = light or 1e-3
    found = features_of(zero, zero, zero, lit)
    assert np.isfinite(found.channels).all() and np.isfinite(found.turn).all()
    assert np.isfinite(learned(found, restless())).all()


def test_a_global_phase_of_the_estimates_turns_the_answer_with_it():
    freed, smooth, gradient, light = scene()
    model = restless()
    turn = np.exp(2.1j)
    first = features_of(freed, smooth, gradient, light)
    turned = features_of(freed * turn, smooth * turn, gradient * turn, light)
    np.testing.assert_allclose(turned.channels, first.channels, atol=1e-6)
    answer = learned(first, model)
    assert np.abs(answer - smooth).max() > 0.1, "it must change something"
    np.testing.assert_allclose(learned(turned, model), answer * turn, atol=1e-5)


@pytest.mark.parametrize("shape", [SHAPE, (24, 32)])
def test_without_keras_the_answer_is_the_same_to_rounding(shape):
    channels = features_of(*scene(shape)).channels
    weights = get_weights(restless())
    wanted = with_weights(shape, weights, width=4).answer(channels)
    found = plain_with_weights(shape, weights).answer(channels)
    for here, there in zip(found, wanted, strict=True):
        assert here.dtype == there.dtype == np.float32 and here.shape == there.shape
        # Sums of some hundred products in another order, eleven layers of them.
        np.testing.assert_allclose(here, there, atol=3e-6 * float(np.abs(there).max()))
    assert np.abs(wanted[0]).max() > 0.1, "it must change something"


def test_random_weights_are_first_weights_and_the_last_map_is_among_them():
    weights = get_weights(canvas_model(SHAPE, width=4, seed=9))
    drawn = random_weights({name: np.full(value.shape, np.nan) for name, value in weights.items()}, 9)
    same = [name for name, value in weights.items() if np.array_equal(drawn[name], value)]
    assert set(weights) - set(same) == {"change_map/kernel"}
    # He et al.: the root of 2 by the inputs, here 9 pixels of 4 channels; of 288 numbers to a twentieth.
    assert drawn["change_map/kernel"].std() == pytest.approx(np.sqrt(2 / 36), rel=0.1)


@pytest.mark.parametrize("flip", FLIPS)
@pytest.mark.parametrize("shape", [SHAPE, (24, 32)])
def test_the_answer_commutes_with_flips(flip, shape):
    """The mean over all directions is the same whichever of them a canvas is shown in; one answer alone is not."""
    freed, smooth, gradient, light = scene(shape)
    model = restless(shape)
    first = features_of(freed, smooth, gradient, light)
    other = features_of(*(flipped(image, flip) for image in (freed, smooth, gradient, light)))
    for here, there in zip(model.answer(first.channels), model.answer(other.channels), strict=True):
        scale = float(np.abs(here).max())
        np.testing.assert_allclose(there, flipped(here, flip), atol=1e-5 * scale)
    if flip != (1, 1):
        alone = model.trainer.predict_on_batch(model.padded(first.channels))
        turned = model.trainer.predict_on_batch(model.padded(flipped(first.channels, flip)))
        off = model.cut(turned, shape) - flipped(model.cut(alone, shape), flip)
        assert np.abs(off).max() > 0.01


def test_the_spread_is_that_of_the_directions():
    freed, smooth, gradient, light = scene()
    model = restless()
    channels = features_of(freed, smooth, gradient, light).channels
    each = []
    for flip in FLIPS:
        answer = model.trainer.predict_on_batch(model.padded(flipped(channels, flip)))
        two = flipped(model.cut(answer, SHAPE), flip)
        each.append(two[..., 0] + 1j * two[..., 1])
    change, spread = model.answer(channels)
    np.testing.assert_allclose(change[..., 0] + 1j * change[..., 1], np.mean(each, axis=0), atol=1e-5)
    np.testing.assert_allclose(spread, np.std(each, axis=0), atol=1e-5)


def test_weights_move_between_shapes():
    weights = get_weights(restless())
    moved = with_weights((40, 24), weights, width=4)
    assert moved.shape == (40, 24)
    again = get_weights(moved)
    assert again.keys() == weights.keys()
    assert all(np.array_equal(again[name], value) for name, value in weights.items())
    with pytest.raises(ValueError, match="needs shape"):
        with_weights(SHAPE, weights, width=8)


def test_in_the_interior_the_shape_does_not_matter():
    """A cut of a canvas, at a multiple of what is halved, away from its edges: the same change to float32."""
    rng = np.random.default_rng(5)
    channels = rng.normal(size=(144, 128, CHANNELS)).astype(np.float32)
    weights = get_weights(restless())
    wanted, _ = with_weights((144, 128), weights, width=4).answer(channels)
    found, _ = with_weights((112, 112), weights, width=4).answer(channels[16:128, 8:120])
    # Filters of 3 x 3, two on each level down and up and a last one, on pixels of 2, 4 and 8: 42 px, and up to a
    # pixel of 8 less one where their grid begins. Tiles are seen with more about them.
    reach = 49
    assert _MARGIN_PX >= reach
    inner = found[reach:-reach, reach:-reach]
    np.testing.assert_allclose(inner, wanted[16 + reach : 128 - reach, 8 + reach : 120 - reach], atol=1e-5)
    assert np.abs(found[40:-40, 40:-40] - wanted[56:88, 48:80]).max() > 1e-3, "a smaller margin would show"


def test_surroundings_reach_no_farther_than_said():
    freed, smooth, gradient, light = scene((80, 64))
    other = smooth.copy()
    other[60:, :] *= 1j
    first, second = (features_of(freed, each, gradient, light) for each in (smooth, other))
    same = np.all(first.turn == second.turn, axis=1)
    assert same[: 60 - REACH_PX].all() and not same[60 - REACH_PX + 1 :].any()


def test_the_slope_is_that_of_the_loss_along_the_change():
    """Finite differences of a loss of the canvas, against the slope that the network is told."""
    freed, smooth, gradient, light = scene()
    features = features_of(freed, smooth, gradient, light)
    rng = np.random.default_rng(2)
    wanted, change, direction = field_of(rng), rng.normal(size=(*SHAPE, 2)), rng.normal(size=(*SHAPE, 2))

    def loss(step):
        return float(np.sum(np.abs(features.changed(change + step * direction) - wanted) ** 4))

    off = features.changed(change) - wanted
    slope = features.slope(2 * np.abs(off) ** 2 * off)
    assert slope.dtype == np.float32
    step = 1e-4
    assert np.sum(slope * direction) == pytest.approx((loss(step) - loss(-step)) / (2 * step), rel=1e-4)
