"""What a training is made of: its order, its steps in parts, its best epoch, its floors, and what it learns."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


import numpy as np
import pytest

from ptychostudy.networks import losses, stopping
from ptychostudy.networks.collapse import output_statistics
from ptychostudy.networks.config import network_config
from ptychostudy.networks.descent import Descent
from ptychostudy.networks.objective import objective_of
from ptychostudy.networks.passes import epoch_order
from ptychostudy.study.sections.train import BaselineSettings, PinnSettings


def test_an_epoch_takes_each_group_once_and_fills_its_last_batch_from_the_start():
    groups = np.arange(100, 110)
    order = epoch_order(groups, seed=7, epoch=3, length=12)
    assert sorted(order[:10]) == list(groups)
    assert list(order[10:]) == list(order[:2])
    assert np.array_equal(order, epoch_order(groups, seed=7, epoch=3, length=12))
    assert not np.array_equal(order, epoch_order(groups, seed=7, epoch=4, length=12))
    assert not np.array_equal(order, epoch_order(groups, seed=8, epoch=3, length=12))


@pytest.fixture
def descent(monkeypatch):
    """Return the steps of 30 groups, 12 at a time, with no network."""
    monkeypatch.setattr(Descent, "_attach", lambda self: None)
    return Descent(None, None, 30, PinnSettings(batch_size=12, learning_rate=0.01, epochs=10))


def test_steps_are_divided_into_equal_parts_down_to_single_groups(descent):
    assert (descent.batch_size, descent.steps_per_epoch, descent.micro_batch) == (12, 3, 12)
    sizes = []
    for _ in range(3):
        descent.divide(MemoryError("too large"))
        sizes.append(descent.micro_batch)
    # 12 has no 8 equal parts: after 4 parts of 3 come 12 of 1.
    assert sizes == [6, 3, 1]
    with pytest.raises(MemoryError, match="a single group does not fit: too large"):
        descent.divide(MemoryError("too large\nsecond line"))
    with pytest.raises(KeyError):
        descent.divide(KeyError("of another kind"))


def test_the_rate_rises_for_an_epoch_and_falls_to_a_fiftieth(descent):
    # Up from a tenth in 3 steps, one epoch; then half a cosine over the other 27.
    rates = [descent.rate(epoch) for epoch in range(11)]
    assert rates[0] == pytest.approx(0.001)
    assert rates[1] == pytest.approx(0.01)
    assert rates[4] == pytest.approx(0.01 * (0.02 + 0.98 * (1 + np.cos(np.pi / 3)) / 2))
    assert rates[10] == pytest.approx(0.0002)


def test_a_batch_is_no_larger_than_the_scan(monkeypatch):
    monkeypatch.setattr(Descent, "_attach", lambda self: None)
    small = Descent(None, None, 5, PinnSettings(batch_size=12, epochs=3))
    assert (small.batch_size, small.steps_per_epoch) == (5, 1)


def test_the_best_epoch_is_the_first_lowest_and_never_one_without_a_number():
    best = stopping.Best({"epoch": 0})
    waits = []
    for epoch, loss in enumerate([3.0, 2.0, 2.0, float("nan"), 1.0], start=1):
        best.see(epoch, loss, {"epoch": epoch})
        waits.append(best.wait)
    assert waits == [0, 0, 1, 2, 0]
    assert (best.epoch, best.loss, best.weights) == (5, 1.0, {"epoch": 5})


def test_floors_are_the_entropy_of_the_frames_and_zero_for_labels():
    mask = np.ones((4, 4))
    mask[0] = 0
    frames = np.full((2, 1, 4, 4), 0.5, "float32")
    # Amplitude 1/2 is the mean intensity, 1: its floor is 1 - log(1 + 1e-4).
    floor = losses.likelihood_criterion("poisson", mask).floor(frames)
    np.testing.assert_allclose(floor, 1 - np.log1p(losses.EPSILON), rtol=1e-12)
    assert losses.patch_criterion(np.ones((4, 4))).floor(np.ones((3, 4, 4, 2))).tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match=r"loss must be one of \['mae', 'poisson'\], found 'mse'"):
        losses.likelihood_criterion("mse", None)


def test_statistics_are_of_the_central_square():
    canvas = np.full((2, 8, 8, 2), 1e3)
    canvas[:, 2:6, 2:6] = [0.0, 2.0]
    numbers = output_statistics(canvas, 4)
    assert numbers == {
        "amplitude_mean": 2.0,
        "amplitude_std": 0.0,
        "phase_mean": pytest.approx(np.pi / 2),
        "phase_std": pytest.approx(0, abs=1e-15),
    }


@pytest.mark.parametrize(
    ("settings", "kind", "loss"),
    [
        (PinnSettings(architecture="backprojection"), "pinn", "poisson"),
        (PinnSettings(loss="mae", architecture="backprojection"), "pinn", "mae"),
        (BaselineSettings(architecture="ptychopinn", width=5), "supervised", "poisson"),
        (BaselineSettings(architecture="backprojection", kind="pinn", labels="reconstruction"), "pinn", "poisson"),
    ],
    ids=["PINN", "PINN of amplitudes", "Baseline", "Baseline from frames"],
)
def test_what_is_learned_follows_from_the_section(settings, kind, loss):
    objective = objective_of(settings)
    assert (objective.kind, objective.loss) == (kind, loss)
    assert objective.labels == settings.plain().get("labels", "truth")
    assert objective.from_reconstructions is False
    config = network_config(settings, arm="Baseline", n=64, frames=1)
    assert config["kind"] == kind and config["seed"] == settings.seed
    assert config["options"] == {
        "architecture": settings.architecture,
        "width": 5 if settings.width == 5 else 16,
        "steps": settings.steps,
        "amplitude_head": "softplus",
    }
