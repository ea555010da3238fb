"""Training: exact resume, reproducibility in another process, guards, the split, and chunk-free prediction."""

import hashlib
import os
import subprocess
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

from ptychostudy.networks.batches import GroupData, Labels, Pool, spatial_split
from ptychostudy.networks.collapse import judge
from ptychostudy.networks.inference import Predictor, predict
from ptychostudy.networks.losses import patch_error
from ptychostudy.networks.models import build_model, gauge_probe
from ptychostudy.networks.training import train
from ptychostudy.networks.weights import get_weights
from ptychostudy.physics import propagate
from ptychostudy.physics.windows import split_positions
from ptychostudy.study.sections.train import BaselineSettings, PinnSettings

N, SIDE, GROUPS = 16, 24, 20


def scene(seed=0, photons=1e4):
    """Frames of four, on a small object, with their truth."""
    rng = np.random.default_rng(seed)
    rows, cols = np.indices((60, 90))
    object_ = (0.7 + 0.3 * np.sin(rows / 3 + cols / 7)) * np.exp(0.5j * np.cos(cols / 4))
    radius = np.hypot(*(np.indices((N, N)) - N / 2))
    probe = gauge_probe(np.exp(0.1j * radius**2) / (1 + np.exp(2 * (radius - 4))))
    corner = np.stack([rng.integers(0, 30, GROUPS), np.linspace(0, 60, GROUPS).astype(int)], axis=1)
    offsets = rng.integers(0, SIDE - N + 1, (GROUPS, 4, 2))
    fractions = rng.uniform(-0.5, 0.5, (GROUPS, 4, 2))
    positions = (corner[:, None] + offsets + N // 2 + fractions).reshape(-1, 2)
    rate = propagate.intensities(object_, probe, positions)
    counts = rng.poisson(rate * photons / rate.sum((1, 2)).mean()).astype(np.uint32)
    factor = N / 2 / np.sqrt(counts.sum((1, 2)).mean())
    members = np.arange(4 * GROUPS).reshape(GROUPS, 4)
    corners = split_positions(positions, N)[0]
    return GroupData(counts, members, offsets, fractions, factor), probe, positions, object_, corners


def network(probe, seed=0):
    return build_model("pinn", N, 4, SIDE, probe, width=4, steps=1, seed=seed)


def run(model, data, epochs=4, *, learning_rate=3e-3, patience=5, **options):
    settings = PinnSettings(epochs=epochs, batch_size=4, learning_rate=learning_rate, seed=7, patience=patience)
    return train(model, data, np.arange(15), np.arange(15, GROUPS), settings, **options)


def digest(model):
    weights = get_weights(model)
    return hashlib.sha256(b"".join(weights[name].tobytes() for name in sorted(weights))).hexdigest()


def test_resume_continues_to_the_same_bits():
    data, probe, *_ = scene()
    states, whole = [], network(probe)
    result = run(whole, data, save_state=states.append)
    assert result.status == "ok" and len(states) == 4
    assert list(result.history[0]) == ["epoch", "loss", "val_loss", "floor", "val_floor", "learning_rate"]
    resumed = network(probe, seed=99)
    again = run(resumed, data, initial_state=states[1])
    assert again.history == result.history and again.best_epoch == result.best_epoch
    first, second = get_weights(whole), get_weights(resumed)
    assert all(np.array_equal(first[name], second[name]) for name in first)
    done = network(probe, seed=3)
    assert run(done, data, initial_state=states[-1]).history == result.history and digest(done) == digest(whole)


def test_same_seed_gives_the_same_bytes_in_another_process():
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import test_networks_training as t\n"
        "data, probe, *_ = t.scene(); model = t.network(probe); t.run(model, data, 2); print(t.digest(model))"
    )
    here = os.path.dirname(__file__)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    command = [sys.executable, "-c", program, here]
    started = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    digests = {process.communicate()[0].split()[-1] for process in started}
    assert len(digests) == 1


def test_training_lowers_the_likelihood_towards_its_floor():
    data, probe, *_ = scene()
    rows = run(network(probe), data, epochs=6).history
    assert rows[-1]["val_loss"] < rows[0]["val_loss"]
    # Below the floor is impossible for any model; single precision leaves 1e-4.
    assert all(row["val_loss"] > row["val_floor"] - 1e-4 and row["loss"] > row["floor"] - 1e-4 for row in rows)


def test_scaling_the_data_changes_nothing():
    data, probe, *_ = scene()
    scaled = GroupData(data.counts * 9, data.members, data.offsets, data.fractions, data.factor / 3)
    first, second = (run(network(probe), d, epochs=1).history[0] for d in (data, scaled))
    # The square root of nine times a count is three times its root to one rounding of single precision.
    assert first["val_loss"] == pytest.approx(second["val_loss"], abs=1e-4)


def singles(data, labels):
    frames = len(data.counts)
    offsets, fractions = np.zeros((frames, 1, 2), int), data.fractions.reshape(-1, 1, 2)
    return GroupData(data.counts, np.arange(frames)[:, None], offsets, fractions, data.factor, labels)


def supervised(data, probe, epochs=4):
    model = build_model("supervised", N, 1, N, probe, width=4, steps=0)
    settings = BaselineSettings(epochs=epochs, batch_size=8, learning_rate=1e-3, seed=0)
    return train(model, data, np.arange(64), np.arange(64, 80), settings, support=np.abs(probe) ** 2)


def test_supervised_training_lowers_the_error():
    data, probe, _, truth, corners = scene()
    rows = supervised(singles(data, Labels([truth], corners, np.zeros(len(corners), int))), probe).history
    assert rows[-1]["val_loss"] < 0.8 * rows[0]["val_loss"] and rows[0]["floor"] == 0


def test_fully_covered_labels_train_as_the_truth_does():
    data, probe, _, truth, corners = scene()
    owner = np.zeros(len(corners), int)
    plain = Labels([truth], corners, owner)
    covered = Labels([truth], corners, owner, [np.ones(truth.shape, bool)])
    first, second = (supervised(singles(data, labels), probe, epochs=1).history[0] for labels in (plain, covered))
    # The sum of the weights carries an allowance of 1e-6 against division by zero.
    assert first["val_loss"] == pytest.approx(second["val_loss"], rel=1e-5)


def test_what_is_not_covered_is_not_learned_from():
    rng = np.random.default_rng(0)
    truth, prediction = rng.random((3, N, N, 2)), rng.random((3, N, N, 2))
    known = rng.random((3, N, N)) < 0.7
    wrong = np.where(known[..., None], truth, 1e3)
    loss = patch_error(np.ones((N, N)))
    scores = [
        np.asarray(loss(np.concatenate([t, known[..., None]], -1).astype("float32"), prediction.astype("float32")))
        for t in (truth, wrong)
    ]
    assert np.array_equal(*scores)
    mean = np.array([2 * np.abs(p - t)[k].mean() for p, t, k in zip(prediction, truth, known, strict=True)])
    np.testing.assert_allclose(scores[0], mean, rtol=1e-4)


def test_pooled_frames_are_those_of_the_whole_stack():
    rng = np.random.default_rng(2)
    parts = [rng.integers(0, 99, (k, 4, 4), dtype=np.uint32) for k in (3, 1, 5)]
    pool, whole = Pool(parts), np.concatenate(parts)
    order = rng.integers(0, 9, 40)
    assert len(pool) == 9 and pool.shape == whole.shape and pool[order].dtype == np.uint32
    assert np.array_equal(pool[order], whole[order])


def test_doses_learned_together_are_each_normalised_by_their_own_factor():
    data, *_ = scene()
    frames = len(data.counts)
    double = [np.concatenate([part, part]) for part in (data.offsets, data.fractions)]
    factors = np.repeat([data.factor, data.factor / 3], frames)
    pool = Pool([data.counts, data.counts * np.uint32(9)])
    both = GroupData(pool, np.concatenate([data.members, data.members + frames]), *double, factors)
    low, high = (both.inputs(np.array(groups)) for groups in ([1, 4], [1 + GROUPS, 4 + GROUPS]))
    expected = data.inputs(np.array([1, 4]))
    assert np.array_equal(low["amplitude"], expected["amplitude"])
    np.testing.assert_allclose(high["amplitude"], expected["amplitude"], rtol=3e-7)
    assert np.array_equal(high["offsets"], expected["offsets"])


def test_labels_follow_the_frame_into_its_own_object():
    fields = [np.full((20, 20), 2.0 + 0j), np.arange(400.0).reshape(20, 20) * 1j]
    labels = Labels(fields, np.array([[0, 0], [1, 2], [0, 0], [3, 1]]), np.array([0, 0, 1, 1]))
    patches = labels.patches(np.array([0, 3]), 8)
    assert patches.shape == (2, 8, 8, 2) and patches.dtype == np.float32
    assert np.all(patches[0] == [2.0, 0.0])
    np.testing.assert_allclose(patches[1, ..., 0], np.abs(fields[1])[3:11, 1:9])
    np.testing.assert_allclose(patches[1, ..., 1], np.pi / 2, rtol=1e-6)


def test_early_stopping_restores_the_best_weights():
    data, probe, *_ = scene()
    kept = {}

    def note(state):
        kept[state["epoch"]] = {k[8:]: v for k, v in state.items() if k.startswith("weights/")}

    model = network(probe)
    result = run(model, data, epochs=12, learning_rate=0.3, patience=1, save_state=note)
    best = min(result.history, key=lambda row: row["val_loss"])["epoch"]
    assert result.best_epoch == best
    if result.status == "ok":
        assert len(result.history) == best + 1 or len(result.history) == 12
    assert all(np.array_equal(value, kept[best][name]) for name, value in get_weights(model).items())


def test_non_finite_numbers_stop_the_training_and_are_named():
    data, probe, *_ = scene()
    broken = GroupData(data.counts, data.members, data.offsets, data.fractions, float("nan"))
    result = run(network(probe), broken)
    assert result.status == "failed" and "not finite" in result.reason and len(result.history) == 1
    assert "amplitude_std" in result.statistics


def test_a_dead_head_is_found_within_one_epoch():
    data, probe, *_ = scene()
    model = network(probe)
    bias = next(v for v in model.trainer.trainable_variables if v.path == "amplitude_map/bias")
    bias.assign(np.array([-200.0]))
    result = run(model, data)
    assert result.status == "failed" and "collapsed: amplitude" in result.reason and len(result.history) == 1


def test_prediction_does_not_depend_on_the_chunks():
    data, probe, *_ = scene()
    model = network(probe)
    whole = predict(model, data, np.arange(GROUPS), batch_size=8)
    parts = [predict(model, data, part, batch_size=8) for part in np.array_split(np.arange(GROUPS), 7)]
    assert whole.dtype == np.complex64 and whole.shape == (GROUPS, SIDE, SIDE)
    assert np.array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("calls", [2, 3])
@pytest.mark.parametrize("groups", [1, 7, 8, GROUPS])
def test_prediction_does_not_depend_on_how_many_calls_are_made_beside_each_other(calls, groups):
    data, probe, *_ = scene()
    model = network(probe)
    one = predict(model, data, np.arange(groups), batch_size=8)
    beside = Predictor(model, data, 8, calls)
    for _ in range(2):
        np.testing.assert_array_equal(beside(np.arange(groups)), one)


def test_split_shares_no_frame_and_is_spatial():
    rng = np.random.default_rng(1)
    positions = rng.uniform((0, 0), (50, 200), (300, 2))
    members = np.argsort(np.linalg.norm(positions[:, None] - positions[None], axis=-1), axis=1)[:, :4]
    training, validation = spatial_split(members, positions, 0.1)
    assert not np.intersect1d(members[training], members[validation]).size
    assert 0.05 < len(validation) / len(members) < 0.15 and len(training) > 0.75 * len(members)
    assert positions[members[validation], 1].min() > np.median(positions[:, 1])
    with pytest.raises(ValueError, match="both need at least one"):
        spatial_split(np.zeros((5, 4), int), positions)


def test_arrays_that_do_not_fit_are_refused():
    data, *_ = scene()
    with pytest.raises(ValueError, match="offsets and fractions"):
        GroupData(data.counts, data.members, data.offsets[:-1], data.fractions, 1.0)
    labels = Labels([np.ones((4, 4))], np.zeros((1, 2), int), np.zeros(1, int))
    with pytest.raises(ValueError, match="labels are for single frames, found groups of 4"):
        GroupData(data.counts, data.members, data.offsets, data.fractions, 1.0, labels)


def test_the_blind_control_does_not_know_where_its_frames_lie():
    data, probe, *_ = scene()
    moved = GroupData(data.counts, data.members, data.offsets[:, ::-1], -data.fractions, data.factor)
    for blind in (True, False):
        model = build_model("pinn", N, 4, SIDE, probe, width=4, steps=0, blind=blind)
        here, there = (predict(model, each, np.arange(4), batch_size=4) for each in (data, moved))
        assert np.array_equal(here, there) is blind
        assert np.ptp(np.abs(here)) > 0.01


HEALTHY = {"epoch": 2, "amplitude_mean": 0.8, "amplitude_std": 0.1, "phase_mean": 0.0, "phase_std": 0.2}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"amplitude_std": 3e-4}, ""),  # a weak object is an object
        ({"amplitude_std": 3e-5}, "collapsed: amplitude constant in epoch 2"),
        ({"phase_std": 3e-4}, ""),
        ({"phase_std": 3e-5}, "collapsed: phase constant in epoch 2"),
        ({"amplitude_std": 0.0, "phase_std": 0.0}, "collapsed: amplitude and phase constant in epoch 2"),
        ({"amplitude_mean": 3e-4}, ""),
        ({"amplitude_mean": 0.0}, "collapsed: amplitude constant in epoch 2"),  # all zero
        ({"phase_mean": float("nan")}, "not finite: phase_mean in epoch 2"),
        ({"amplitude_std": float("inf"), "phase_std": 0.0}, "not finite: amplitude_std in epoch 2"),
    ],
)
def test_a_constant_or_broken_output_is_a_failure_and_a_weak_one_is_not(changes, said):
    status, reason, statistics = judge(HEALTHY | changes)
    assert statistics == HEALTHY | changes
    assert (status, reason) == (("failed", said) if said else ("ok", "all epochs done"))


def test_the_reason_names_the_best_epoch_only_where_it_is_not_the_last():
    data, probe, *_ = scene()
    assert run(network(probe), data, epochs=1).reason == "all epochs done"
    # Steps of no length: no epoch is better than the first, and patience ends the run after two more.
    stopped = run(network(probe), data, epochs=6, learning_rate=1e-30, patience=2)
    assert (stopped.status, stopped.reason, stopped.best_epoch) == ("ok", "best epoch 1 of 3", 1)
