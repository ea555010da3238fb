"""What Python programs call makes the very numbers of the workflow's files: the tiny study, once more."""

import csv

import numpy as np
import pytest

import ptychostudy
from ptychostudy.formats.arm_product import read_arm_product
from ptychostudy.formats.ptychodus import read_product_h5
from ptychostudy.io.arrays import read_metadata, read_npz

DOSE, VIEW, SPLIT = 1000, "sparse", "test"
CELL = f"dose_{DOSE}/{VIEW}/{SPLIT}"


@pytest.fixture(scope="module")
def study(finished):
    return ptychostudy.settings(finished.config)


@pytest.fixture(scope="module")
def scene(study):
    return ptychostudy.make_scene(study)


@pytest.fixture(scope="module")
def parts(study, scene):
    """Return frames and view of each part."""
    return {
        split: (
            ptychostudy.simulate(scene, DOSE, study, split=split),
            ptychostudy.measure_overlap(scene.positions, scene.probe, study, VIEW, split=split),
        )
        for split in ("train", "test")
    }


@pytest.fixture(scope="module")
def results(study, parts):
    """Return what all arms made of the test part, and the losses that were told on the way."""
    told = []
    train, test = parts["train"], parts["test"]
    network = ptychostudy.train("PtychoPINN", [train[0]], [train[1]], study, on_progress=lambda *row: told.append(row))
    made = ptychostudy.infer(network, *test, study)
    baseline = ptychostudy.train("Baseline", [train[0]], [], study)
    made |= ptychostudy.infer(baseline, *test, study)
    made |= ptychostudy.maximise(*test, study)
    made["PtyChi"] = ptychostudy.reconstruct(*test, study, on_progress=lambda *row: told.append(row))
    return made, network, told


def same(scan, path):
    found = ptychostudy.load_scan(path)
    assert np.array_equal(scan.counts, found.counts) and np.array_equal(scan.positions, found.positions)
    assert np.array_equal(scan.probe, found.probe) and np.array_equal(scan.truth, found.truth)
    assert (scan.photons_requested, scan.photons_measured) == (found.photons_requested, found.photons_measured)


def test_scene_frames_and_views_are_those_of_the_files(finished, scene, parts):
    base = read_npz(finished.hub / "data/base/base.npz")
    assert np.array_equal(scene.object, base["objectGuess"]) and np.array_equal(scene.probe, base["probeGuess"])
    for split, (scan, view) in parts.items():
        same(scan, finished.hub / f"data/phase_c/dose_{DOSE}/patched_{split}.npz")
        path = finished.hub / f"data/phase_d/{VIEW}/{VIEW}_{split}.npz"
        wanted = read_npz(path)
        assert np.array_equal(view.frames, wanted["frames"]) and np.array_equal(view.groups, wanted["groups"])
        assert view.metrics == read_metadata(path)


@pytest.mark.slow
def test_arms_are_those_of_the_files(finished, results):
    made, network, told = results
    iterative = finished.hub / f"data/phase_f/{CELL}"
    inferred = finished.hub / f"data/inference/{CELL}"
    files = {
        "PtyChi": iterative / "ptychi_reconstruction.npz",
        "PhysicsOnly": iterative / "physics_only.npz",
        "TV": iterative / "tv.npz",
        **{arm: inferred / f"{arm}.npz" for arm in ("PtychoPINN", "Baseline", "Untrained")},
    }
    assert set(made) == set(files)
    for arm, path in files.items():
        wanted = read_arm_product(path)
        assert np.array_equal(made[arm].field, wanted.field), arm
        assert made[arm].origin == wanted.origin and made[arm].record["status"] == wanted.record["status"]
    assert network.bundle == (finished.hub / f"data/phase_e/dose_{DOSE}/{VIEW}/gs2/wts.h5.zip").read_bytes()
    assert [row["epoch"] for row in network.history] == [1, 2, 3]
    # The last step of each is its end.
    assert (1, 3) in [row[:2] for row in told] and (11, 12) in [row[:2] for row in told]
    assert all(np.isfinite(row[2]) for row in told)


@pytest.mark.slow
def test_scores_are_those_of_the_table(finished, results, study, parts):
    scan, view = parts["test"]
    found = ptychostudy.compare(results[0], scan.truth, view, study, scanned=scan.positions)
    with open(finished.hub / f"analysis/{CELL}/comparison_metrics.csv", newline="") as table:
        rows = [row for row in csv.DictReader(table) if row["amplitude"] != "n/a"]
    assert len(rows) > 50
    for row in rows:
        values = found.scores[row["model"]].evaluation.rows[row["metric"]]
        for part, value in zip(("amplitude", "phase", "value"), values, strict=True):
            assert row[part] == ("n/a" if value is None else f"{float(value):.9g}"), row


@pytest.mark.slow
def test_a_product_is_written_where_it_is_asked_for(tmp_path, results, parts):
    scan, view = parts["test"]
    ptychostudy.export(results[0]["PtyChi"], scan, view, tmp_path / "arm.h5", pixel_size_m=1e-8)
    found = read_product_h5(tmp_path / "arm.h5")
    assert np.array_equal(found.object, results[0]["PtyChi"].field) and len(found.positions) == len(view.frames)
