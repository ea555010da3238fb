"""Recipes train and infer, with a network of one pass: shards add up to the whole, and failures are told, not drawn."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from dataclasses import replace

import keras
import numpy as np
import pytest

from ptychostudy.io.atomic import DataError
from ptychostudy.networks import backend
from ptychostudy.recipes import infer as recipe
from ptychostudy.recipes.group_control import untrained
from ptychostudy.recipes.squares import members_of
from ptychostudy.recipes.train import train_network
from ptychostudy.recipes.trained import spelt
from ptychostudy.study.names import BASELINE, PINN
from ptychostudy.study.sections.infer import PatchSettings
from ptychostudy.study.sections.train import BaselineSettings, PinnSettings
from scenes import made_scan
from shards import infer as infer_view
from shards import squares_of

SOURCE = made_scan()
FRAMES = len(SOURCE.positions)
GROUPS = np.stack([np.arange(FRAMES - 1), np.arange(1, FRAMES)], axis=1)
SMALL = {"architecture": "backprojection", "width": 4, "steps": 1, "epochs": 1, "batch_size": 32}
PATCHES = PatchSettings(window_px=16)


def bundle_of(trained):
    """Return a network as `read_bundle` gives it."""
    return {
        "weights": trained.weights,
        "probe": trained.probe,
        "config": trained.config,
        "normalization": trained.normalization,
        "provenance": {"outcome": trained.outcome},
    }


@pytest.fixture(scope="module")
def trained():
    return train_network(PINN, [SOURCE], GROUPS, PinnSettings(**SMALL))


@pytest.fixture(scope="module")
def bundle(trained):
    return bundle_of(trained)


def infer(bundle, shard="1-of-1", source=SOURCE, settings=PATCHES):
    return infer_view(bundle, source, (np.arange(FRAMES), GROUPS), settings, shard=shard)


def test_a_training_tells_of_what_network_it_is(trained):
    assert trained.outcome["status"] == "ok"
    assert list(trained.normalization) == ["100000"]
    assert trained.config["arm"] == PINN
    assert trained.config["frames"] == 2
    record = trained.record
    assert record["parameters"] == sum(value.size for value in trained.weights.values()) > 0
    assert (record["epochs_completed"], record["best_epoch"]) == (1, 1)
    assert [row["epoch"] for row in trained.history] == [1]


def test_without_groups_every_frame_is_one():
    told = []
    settings = BaselineSettings(**SMALL)
    single = train_network(BASELINE, [SOURCE, made_scan(1e3)], None, settings, on_epoch=told.append)
    assert single.config["frames"] == 1
    assert list(single.normalization) == ["100000", "1000"]
    assert len(told) == 1
    members = members_of(single.config["frames"], np.array([4, 9]), np.array([[0, 1]]))
    np.testing.assert_array_equal(members, [[4], [9]])


def test_numbers_that_are_not_finite_are_spelt():
    assert spelt({"loss": float("nan"), "best": 1.5}) == {"loss": "nan", "best": 1.5}


@pytest.mark.parametrize("of", [2, 7])
def test_shards_hold_the_patches_of_the_whole(bundle, of):
    whole = infer(bundle)
    parts = [infer(bundle, f"{number}-of-{of}") for number in range(1, of + 1)]
    np.testing.assert_array_equal(np.concatenate([part.patches for part in parts]), whole.patches)
    np.testing.assert_array_equal(np.concatenate([part.groups for part in parts]), np.arange(len(GROUPS)))
    assert sum(part.record["groups"] for part in parts) == whole.record["groups"] == len(GROUPS)
    assert whole.record["status"] == "ok"
    assert whole.record["frames"] == 2


def test_blocks_are_no_longer_than_what_stands_in_memory_together(bundle, monkeypatch):
    whole = infer(bundle)
    for most in (13, 30, 40):
        monkeypatch.setattr("ptychostudy.recipes.infer.CHUNK", most)
        np.testing.assert_array_equal(infer(bundle).patches, whole.patches)


@pytest.mark.parametrize(("most", "together", "wanted"), [(128, 15, 120), (128, 1, 128), (128, 45, 90), (8, 15, 15)])
def test_blocks_are_of_whole_rounds_of_calls(monkeypatch, most, together, wanted):
    """A call that is not full takes as long as one that is, and a thread without one waits."""
    monkeypatch.setattr("ptychostudy.recipes.infer.CHUNK", most)
    blocks = list(recipe._chunks(np.arange(300), together))
    assert {len(block) for block in blocks[:-1]} == {wanted}
    np.testing.assert_array_equal(np.concatenate(blocks), np.arange(300))


def test_calls_beside_each_other_are_for_tensorflow_on_a_cpu(monkeypatch):
    monkeypatch.setattr(backend, "allowed_threads", lambda: 5)
    monkeypatch.setattr(backend.gpu, "given", lambda: "")
    assert backend.calls() == (5 if keras.backend.backend() == "tensorflow" else 1)
    monkeypatch.setattr(backend.gpu, "given", lambda: "CUDA_VISIBLE_DEVICES=0")
    assert backend.calls() == 1


def test_the_first_groups_alone_are_taken_where_a_limit_says_so(bundle):
    part = infer(bundle, settings=PatchSettings(window_px=16, debug_limit=1))
    assert part.record["groups"] == 1
    assert part.patches.shape == (1, 16, 16)


def test_weights_go_with_the_patches(bundle):
    """With equal weights a shard holds the patches themselves, by light these times the light."""
    equal, light = (PatchSettings(window=window, window_px=24) for window in ("uniform", "light"))
    plain, lit = (infer(bundle, settings=settings).patches for settings in (equal, light))
    weights = squares_of(bundle, SOURCE, (np.arange(FRAMES), GROUPS), light).weights(np.arange(len(GROUPS)))
    np.testing.assert_array_equal(lit, (plain * weights).astype(np.complex64))
    assert np.any(weights == 0) and weights.max() > 0.5


def test_the_control_has_the_form_and_not_the_weights(bundle):
    control = untrained(bundle)
    assert control["weights"] is None
    assert control["config"]["options"]["blind"]
    assert "blind" not in bundle["config"]["options"]
    assert bundle["weights"] is not None
    drawn, learned = infer(control), infer(bundle)
    assert np.any(drawn.patches != learned.patches)


def test_a_network_whose_training_failed_is_not_run_and_its_control_is(bundle):
    outcome = {"status": "failed", "reason": "collapsed", "statistics": {"std": 0.0}}
    failed = {**bundle, "provenance": {"outcome": outcome}}
    part = infer(failed)
    assert len(part.patches) == 0 and not part.good
    assert (part.record["status"], part.record["reason"]) == ("failed", "training: collapsed")
    assert part.record["statistics"] == {"std": 0.0}
    assert infer(untrained(failed)).good


def test_frames_of_another_dose_are_refused(bundle):
    with pytest.raises(DataError, match="was trained on doses 100000, the frames have 500; needed"):
        infer(bundle, source=replace(SOURCE, photons_requested=500.0))


def test_what_is_not_finite_is_told_and_not_drawn(bundle):
    weights = {name: np.full_like(value, np.nan) for name, value in bundle["weights"].items()}
    part = infer({**bundle, "weights": weights})
    record = part.record
    assert not part.patches.any() and not part.good
    assert record["status"] == "failed"
    assert record["reason"].endswith("values of the output are not finite")
    assert record["statistics"]["not_finite"] > 0


def test_dark_frames_are_counted_and_judged_by_no_shard(bundle):
    dark = replace(SOURCE, counts=np.zeros_like(SOURCE.counts))
    record = infer(bundle, source=dark).record
    assert record["nonzero_inputs"] == 0
    assert record["status"] == "ok"
