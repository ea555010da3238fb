"""Networks behind a detector mask: what masked pixels hold changes nothing, and what they would hold is no zero."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from dataclasses import asdict, replace
from functools import cache

import keras
import numpy as np
import pytest
import tensorflow as tf

from ptychostudy.networks import losses, physics, sweeps
from ptychostudy.networks.batches import GroupData
from ptychostudy.networks.inference import predict
from ptychostudy.networks.models import build_model, gauge_probe
from ptychostudy.networks.weights import as_array, get_weights
from ptychostudy.physics import propagate
from ptychostudy.physics.counts import dose_tolerance, mean_counts
from ptychostudy.physics.windows import split_positions
from ptychostudy.recipes import infer as recipe
from ptychostudy.recipes import train as train_recipe
from ptychostudy.recipes.normalization import normalization_of
from ptychostudy.recipes.train import train_network
from ptychostudy.recipes.training_set import make_training_set
from ptychostudy.study.names import BASELINE, PINN
from ptychostudy.study.sections.infer import PatchSettings
from ptychostudy.study.sections.train import BaselineSettings, PinnSettings
from scenes import N, behind, made_scan
from shards import infer as infer_view
from shards import squares_of

SOURCE = made_scan()
FRAMES = len(SOURCE.positions)
# Four neighbours in one of the raster's rows, which hold twelve; they span less than SIDE - N.
FIRST = np.flatnonzero(np.arange(FRAMES) % 12 < 9)
GROUPS = FIRST[::2, None] + np.arange(4)
VIEW = (np.arange(FRAMES), GROUPS)
SIDE = 56
SMALL = {"architecture": "backprojection", "width": 4, "steps": 1, "epochs": 1, "batch_size": 32}
PATCHES = PatchSettings(window_px=16)
GARBAGE = 10**6
# A gap between modules, a dead piece of a column, a hot pixel: unlike on both axes.
GAP = np.ones((N, N), bool)
GAP[20:22], GAP[3:9, 12], GAP[5, 27] = False, False, False
# It leaves a twentieth of the light.
STOP = np.hypot(*(np.indices((N, N)) - N // 2)) > 9
MASKS = {"none": np.ones((N, N), bool), "gap": GAP, "stop": STOP}
SIZES = (1, 16, 63, 64, 65)


def numpy_(x):
    return keras.ops.convert_to_numpy(x)


@cache
def trained(arm, mask="none", fill=0):
    """Return a network after a short training behind a mask, and its bundle as `read_bundle` gives it."""
    source = behind(SOURCE, MASKS[mask], fill)
    section = PinnSettings if arm == PINN else BaselineSettings
    network = train_network(arm, [source], GROUPS if arm == PINN else None, section(**SMALL))
    return network, {**network.parts, "provenance": {"outcome": network.outcome}}


def infer(bundle, source, batch_size=16):
    return infer_view(bundle, source, VIEW, PATCHES, batch_size=batch_size)


def known_to(model):
    """Return how many pixels count for the sweeps of a network."""
    return as_array(model.predictor.get_layer("back_project").mask).sum()


def same_weights(first, second):
    assert first.keys() == second.keys()
    return all(np.array_equal(first[name], second[name]) for name in first)


# --- garbage ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("arm", "name"), [(PINN, "stop"), (BASELINE, "gap")])
def test_garbage_in_masked_pixels_changes_neither_training_nor_inference(monkeypatch, arm, name):
    built, build = [], train_recipe.network_from_config
    monkeypatch.setattr(
        train_recipe, "network_from_config", lambda *parts, **more: built.append(build(*parts, **more)) or built[-1]
    )
    (first, bundle), (second, _) = (trained(arm, name, fill) for fill in (0, GARBAGE))
    assert first.outcome["status"] == "ok"
    assert first.history == second.history and first.normalization == second.normalization
    assert same_weights(first.weights, second.weights) and first.config == second.config
    mask = MASKS[name]
    seen, other = (infer(bundle, behind(SOURCE, mask, fill)) for fill in (0, GARBAGE))
    assert np.array_equal(seen.patches, other.patches)
    # How long it took is no result.
    told, again = ({**part.record, "seconds": None} for part in (seen, other))
    assert told == again
    # Of the pixels that count, and no others.
    assert f"/{mask.sum() * bundle['config']['frames'] * len(seen.patches)};" in seen.record["diagnostic"]
    assert bundle["config"]["mask"]["masked_pixels"] == np.sum(~mask)
    assert known_to(built[0]) == mask.sum()


def test_a_training_is_judged_by_the_valid_pixels():
    """Its floor is theirs; that of dark ones is another."""
    network, _ = trained(PINN, "stop")
    lesson = make_training_set([behind(SOURCE, STOP)], GROUPS, PinnSettings(**SMALL), ())
    amplitude = lesson.data.inputs(lesson.validation)["amplitude"]
    floor, dark = (losses.entropy_floor(amplitude, mask).mean() for mask in (STOP, None))
    assert abs(floor - dark) > 0.2 * dark
    (row,) = network.history
    assert row["val_floor"] == pytest.approx(floor, rel=1e-12)
    # The same weight in the loss.
    assert floor < row["val_loss"]


@pytest.mark.parametrize("groups", SIZES)
@pytest.mark.parametrize("frames", [1, 4])
def test_masked_pixels_say_nothing_in_any_batch(groups, frames):
    rng = np.random.default_rng(7)
    n, side = 16, 24
    mask = rng.random((n, n)) < 0.8
    amplitude = rng.random((65, frames, n, n)).astype("float32")
    spoiled = np.where(mask, amplitude, np.float32(GARBAGE))[:groups]
    intensity = rng.random((65, frames, n, n)).astype("float32")
    offsets = rng.integers(0, side - n + 1, (65, frames, 2)).astype("float32")
    probe = gauge_probe(rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n)))
    probes = physics.FrameProbes(probe)(rng.uniform(-0.5, 0.5, (65, frames, 2)))
    layer = sweeps.BackProject(side, 0, n, mask, steps=2)
    few = tuple(part[:groups] for part in probes)
    swept = numpy_(layer(amplitude[:groups], few, offsets[:groups]))
    assert np.array_equal(swept, numpy_(layer(spoiled, few, offsets[:groups])))
    # Sums of a product of matrices may run in another order in a batch of another size.
    np.testing.assert_allclose(swept, numpy_(layer(amplitude, probes, offsets))[:groups], atol=2e-4)
    for build in (losses.poisson, losses.amplitude_error):
        values = numpy_(build(mask)(amplitude, intensity))
        assert np.array_equal(values[:groups], numpy_(build(mask)(spoiled, intensity[:groups])))
    floor = losses.entropy_floor(amplitude, mask)[:groups]
    assert np.array_equal(floor, losses.entropy_floor(spoiled, mask))


@pytest.mark.parametrize("build", [losses.poisson, losses.amplitude_error])
def test_the_loss_is_a_mean_over_valid_pixels_and_its_gradient_beyond_is_zero(build):
    rng = np.random.default_rng(2)
    amplitude, intensity = (tf.constant(rng.random((3, 4, N, N)), tf.float32) for _ in range(2))
    with tf.GradientTape() as tape:
        tape.watch([amplitude, intensity])
        value = build(GAP)(amplitude, intensity)
    for slope in tape.gradient(value, [amplitude, intensity]):
        assert not np.any(slope.numpy()[..., ~GAP])
        assert np.all(slope.numpy()[..., GAP])
    # Pixels in a row: their plain mean.
    shape = (3, 4, 1, GAP.sum())
    plain = build()(*(part.numpy()[..., GAP].reshape(shape) for part in (amplitude, intensity)))
    np.testing.assert_allclose(value, plain, rtol=1e-5)


# --- none -------------------------------------------------------------------------------------------------------------


def test_a_mask_that_takes_nothing_out_is_no_mask():
    """Even where a graph holds it: a factor of one changes no bit."""
    data = {
        "amplitude": np.random.default_rng(0).random((3, 4, N, N)).astype("float32"),
        "offsets": np.full((3, 4, 2), 2, "float32"),
        "fractions": np.zeros((3, 4, 2), "float32"),
    }
    every = np.ones((N, N), bool)
    models = [build_model("pinn", N, 4, 40, SOURCE.probe, mask=m, width=4, steps=1) for m in (None, every)]
    outputs = [model.trainer.predict_on_batch(data) for model in models]
    for name in ("object", "target"):
        assert np.array_equal(*(output[name] for output in outputs))
    values = [losses.poisson(m)(data["amplitude"], outputs[0]["target"]) for m in (None, every)]
    assert np.array_equal(*values)
    zeros = np.zeros((2, *GROUPS.shape, 2))
    one, other = (GroupData(SOURCE.counts, GROUPS, *zeros, 1.0, valid=m) for m in (None, every))
    assert np.array_equal(*(each.inputs(np.arange(5))["amplitude"] for each in (one, other)))


# --- another mask than the training's ---------------------------------------------------------------------------------


def test_a_network_serves_frames_behind_another_mask():
    """The mask is the frames', and so is their light: of one dose on the valid pixels there is more behind a stop."""
    # By so much that the valid pixels count the same.
    more = SOURCE.photons_measured / mean_counts(SOURCE.counts, valid=STOP)
    assert more > 10
    bright = made_scan(more * SOURCE.photons_requested)
    stopped = replace(behind(bright, STOP), photons_requested=SOURCE.photons_requested)
    without, behind_it = (trained(PINN, name)[1] for name in ("none", "stop"))
    assert "mask" not in without["config"] and "mask" in behind_it["config"]
    assert infer(without, stopped).good
    for bundle, other in ((without, stopped), (behind_it, SOURCE)):
        assert recipe._normalization(bundle, other) == normalization_of(other)
        model = recipe.patches_of(bundle, other, squares_of(bundle, other, VIEW, PATCHES), 16).network.model
        assert known_to(model) == other.valid.sum()
        assert same_weights(get_weights(model), bundle["weights"])
    # Behind the training's own mask, what was learned with, whatever these frames say of their strength.
    for bundle, other in ((without, SOURCE), (behind_it, behind(SOURCE, STOP))):
        (learned,) = bundle["normalization"].values()
        twice = replace(other, counts=other.counts * np.uint32(2))
        assert asdict(recipe._normalization(bundle, twice)) == learned


# --- known answers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mask", [GAP, STOP], ids=["gap", "stop"])
def test_photons_of_the_true_object_match_on_the_valid_pixels(mask):
    source = behind(SOURCE, mask)
    made = normalization_of(source)
    corners, fractions = split_positions(source.positions, N)
    chosen = GROUPS[::5]
    origin = corners[chosen].min(axis=1)
    field = np.pad(source.truth, SIDE) * made.probe_gauge
    canvas = np.array([field[row + SIDE :, col + SIDE :][:SIDE, :SIDE] for row, col in origin])
    pair = canvas.real.astype("float32"), canvas.imag.astype("float32")
    probes = physics.FrameProbes(gauge_probe(source.probe))(fractions[chosen].astype("float32"))
    offsets = (corners[chosen] - origin[:, None]).astype("float32")
    rate = numpy_(physics.FarField()(pair, probes, offsets)) / made.input_scale**2
    expected = propagate.intensities(source.truth, source.probe, source.positions)[chosen.ravel()]
    # Single precision, of the brightest pixel.
    np.testing.assert_allclose(rate.reshape(-1, N, N), expected, atol=1e-4 * expected.max())
    modelled = rate[..., mask].sum(axis=-1).mean()
    counted = mean_counts(source.counts, chosen.ravel(), valid=mask)
    assert abs(modelled - counted) < dose_tolerance(counted, len(np.unique(chosen)))


def error_of_sweeps(mask, given):
    """Return the error of a known object that sweeps make of frames without noise behind a mask, told of another."""
    rows, cols = np.indices((48, 48))
    object_ = (0.7 + 0.3 * np.sin(rows / 3)) * np.exp(0.5j * np.cos(cols / 4 + rows / 9))
    radius = np.hypot(*(np.indices((32, 32)) - 15.5))
    probe = (1 / (1 + np.exp(2 * (radius - 8)))) * np.exp(0.08j * radius**2)
    positions = np.array([[22.2, 22.0], [22.0, 26.3], [26.4, 22.1], [26.0, 26.0]])
    corners, fractions = split_positions(positions, 32)
    measured = np.sqrt(propagate.intensities(object_, probe, positions)) * mask
    probes = physics.FrameProbes(probe)(fractions[None].astype("float32"))
    layer = sweeps.BackProject(40, 0, 28, given, steps=12)
    out = numpy_(layer(measured[None].astype("float32"), probes, (corners - 4)[None].astype("float32")))[0]
    field = out[..., 2] * np.exp(1j * out[..., 3])
    truth, lit = object_[4:44, 4:44], out[..., 4] > 0.3
    factor = np.vdot(field[lit], truth[lit]) / np.vdot(field[lit], field[lit])
    return np.linalg.norm(factor * field[lit] - truth[lit]) / np.linalg.norm(truth[lit])


@pytest.mark.parametrize("mask", [GAP, STOP], ids=["gap", "stop"])
def test_sweeps_keep_what_they_model_where_nothing_is_measured(mask):
    """A zero would be a lie: no light on the stop is no object, of which any is made."""
    every = np.ones((N, N))
    assert error_of_sweeps(mask, mask) < 0.5 * error_of_sweeps(mask, every)


def test_a_network_of_any_batch_size_sees_the_same_behind_a_mask():
    corners, fractions = split_positions(SOURCE.positions, N)
    offsets = corners[GROUPS] - corners[GROUPS].min(axis=1, keepdims=True)
    model = build_model("pinn", N, 4, SIDE, SOURCE.probe, mask=GAP, width=4, steps=1)
    chosen = np.random.default_rng(3).choice(len(GROUPS), 65)
    results = []
    for size in SIZES:
        for fill in (0, GARBAGE):
            counts = behind(SOURCE, GAP, fill).counts
            data = GroupData(counts, GROUPS, offsets, fractions[GROUPS], 0.05, valid=GAP)
            results.append(predict(model, data, chosen, batch_size=size))
        assert np.array_equal(results[-1], results[-2])
        np.testing.assert_allclose(results[-1], results[0], atol=2e-4)
