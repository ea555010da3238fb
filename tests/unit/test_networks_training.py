"""Training: exact resume, reproducibility in another process, guards, the split, and chunk-free prediction."""

import hashlib
import os
import subprocess
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

from ptychostudy.core import propagate
from ptychostudy.networks.models import build_model, gauge_probe
from ptychostudy.networks.training import GroupData, get_weights, predict, spatial_split, train

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
    corners = propagate.split_positions(positions, N)[0]
    return GroupData(counts, members, offsets, fractions, factor), probe, positions, object_, corners


def network(probe, seed=0):
    return build_model("pinn", N, 4, SIDE, probe, width=4, steps=1, seed=seed)


def run(model, data, epochs=4, **options):
    return train(model, data, np.arange(15), np.arange(15, GROUPS), epochs=epochs, batch_size=4, seed=7, **options)


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
    found = {process.communicate()[0].split()[-1] for process in started}
    assert len(found) == 1


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


def test_supervised_training_lowers_the_error():
    data, probe, _, truth, corners = scene()
    frames = len(data.counts)
    single = GroupData(
        data.counts,
        np.arange(frames)[:, None],
        np.zeros((frames, 1, 2), int),
        data.fractions.reshape(-1, 1, 2),
        data.factor,
        truth=truth,
        corners=corners,
    )
    model = build_model("supervised", N, 1, N, probe, width=4, steps=0)
    result = train(
        model,
        single,
        np.arange(64),
        np.arange(64, 80),
        epochs=4,
        batch_size=8,
        learning_rate=1e-3,
        support=np.abs(probe) ** 2,
    )
    rows = result.history
    assert rows[-1]["val_loss"] < 0.8 * rows[0]["val_loss"] and rows[0]["floor"] == 0


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
    with pytest.raises(ValueError, match="come together"):
        GroupData(data.counts, data.members, data.offsets, data.fractions, 1.0, truth=np.ones((4, 4)))
