"""Stage insight through the command line: a small study's files in, four figures out, the same twice."""

import json

import numpy as np
import pytest

from ptychostudy.__main__ import main
from ptychostudy.formats.positions import position_arrays
from ptychostudy.io.arrays import write_npz
from ptychostudy.io.records import write_json
from ptychostudy.io.tables import write_csv
from ptychostudy.stages.insight import _cell_maps, _frames, _trainings, _view_scans
from ptychostudy.study.names import HISTORY_COLUMNS
from studies import made_study

N, ROWS, COLS = 16, 40, 48
DOSES, VIEWS = (1000, 100000), ("dense", "sparse")
FACTOR = (0.0, 2.0)
OUTPUTS = {"training": "t.png", "vector": "t.svg", "scan": "s.png", "disagreement": "d.png"}


def positions():
    rows, cols = np.meshgrid(np.arange(10.0, 31, 4), np.arange(10.0, 39, 4), indexing="ij")
    return np.column_stack([rows.ravel(), cols.ravel()])


def with_factors(summary):
    """Say of the networks what a comparison says: how their fields were scaled, and that patches disagree."""
    for cell in summary["jobs"]:
        for network in ("PtychoPINN", "Baseline"):
            cell["arms"][network] |= {"factor": FACTOR, "disagreement": 0.1}
    return summary


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    truth = np.exp(1j * rng.uniform(-0.5, 0.5, (ROWS, COLS))).astype(np.complex64)
    places = positions()
    taken = {"data_transformations": [{"parameters": {"kind": "synthetic"}}], "truth": "simulated object"}
    for dose in DOSES:
        counts = rng.poisson(dose / N**2, (len(places), N, N)).astype(np.uint32)
        known = {"probeGuess": np.full((N, N), 2 + 0j, np.complex64), "objectGuess": truth, "counts": counts}
        light = {"photons_requested": np.float64(dose), "photons_measured": np.float64(counts.sum() / len(counts))}
        write_npz(f"data/phase_c/dose_{dose}/patched_test.npz", {**position_arrays(places), **known, **light}, taken)
        for folder, arm in (("dense/gs2", "PtychoPINN"), ("baseline/gs1", "Baseline")):
            home = f"data/phase_e/dose_{dose}/{folder}"
            rows = [(k, 3.0 - k, 3.5 - k, 0.0, 0.0, 0.001) for k in (1, 2)]
            write_csv(
                f"{home}/history.csv", HISTORY_COLUMNS, [dict(zip(HISTORY_COLUMNS, row, strict=True)) for row in rows]
            )
            about = {"status": "ok", "reason": "", "best_epoch": 2, "config": {"arm": arm}}
            write_json(f"{home}/training.json", about)
        for view in VIEWS:
            cell = f"dose_{dose}/{view}/test"
            mask = np.ones((20, 24), bool)
            part = truth[8:28, 10:34]
            fields = {"truth": part, "mask": mask, "origin": np.array([8, 10]), "PtychoPINN": part + 0.5}
            write_npz(f"analysis/{cell}/reconstructions_aligned.npz", fields)
            spread = np.arange(ROWS * COLS, dtype=np.float32).reshape(ROWS, COLS)
            for network in ("PtychoPINN", "Baseline"):
                arrays = {"disagreement": spread, "origin": np.array([2, 3])}
                write_npz(f"data/inference/{cell}/{network}.npz", arrays)
    for view, kept in zip(VIEWS, (slice(None), slice(None, None, 3)), strict=True):
        for split in ("train", "test"):
            write_npz(f"data/phase_d/{view}/{view}_{split}.npz", position_arrays(places[kept]))
    write_json("analysis/metrics_summary.json", with_factors(made_study(doses=DOSES, splits=("test",))))
    return tmp_path


def files(hub, pattern):
    return sorted(path.relative_to(hub) for path in hub.glob(pattern))


def draw(hub, to):
    inputs = {
        "histories": "data/phase_e/*/*/*/history.csv",
        "trainings": "data/phase_e/*/*/*/training.json",
        "scans": "data/phase_c/*/patched_test.npz",
        "views": "data/phase_d/*/*.npz",
        "products": "data/inference/*/*/*/*.npz",
        "aligned": "analysis/*/*/*/reconstructions_aligned.npz",
    }
    words = ["insight", "--summary", "analysis/metrics_summary.json"]
    for option, pattern in inputs.items():
        words += [f"--{option}", *map(str, files(hub, pattern))]
    for option, name in OUTPUTS.items():
        words += [f"--{option}", str(to / name)]
    return main(words)


def test_four_figures_are_drawn_the_same_twice(hub):
    assert draw(hub, hub / "a") == draw(hub, hub / "b") == 0
    for name in OUTPUTS.values():
        first = (hub / "a" / name).read_bytes()
        assert first == (hub / "b" / name).read_bytes()
        assert first.startswith(b"<?xml" if name.endswith(".svg") else b"\x89PNG")


def test_files_that_are_missing_are_named(hub, capsys):
    (hub / "data/phase_e/dose_1000/baseline/gs1/history.csv").unlink()
    assert draw(hub, hub / "a") == 2
    assert "data/phase_e/dose_1000/baseline/gs1: a history or a record is missing" in flat(capsys)
    (hub / "data/phase_e/dose_1000/baseline/gs1/training.json").unlink()
    (hub / "analysis/dose_100000/sparse/test/reconstructions_aligned.npz").unlink()
    assert draw(hub, hub / "a") == 2
    assert "no file named lies in dose_100000/sparse/test" in flat(capsys)


def flat(capsys):
    return " ".join(capsys.readouterr().err.split())


def test_maps_are_those_of_the_cell_s_rectangle_in_the_gauge_that_is_scored(hub):
    cell = json.loads((hub / "analysis/metrics_summary.json").read_text())["jobs"][0]
    products = files(hub, "data/inference/*/*/*/*.npz")
    found = _cell_maps(cell, products, files(hub, "analysis/*/*/*/reconstructions_aligned.npz"))
    # The Baseline has a product and was not scored: it failed.
    assert list(found.networks) == ["PtychoPINN"] and found.title == "1 000 photons\ndense, test"
    maps = found.networks["PtychoPINN"]
    np.testing.assert_allclose(maps.error, 0.5, rtol=1e-6)
    # The canvas begins at (2, 3), the rectangle at (8, 10): its first pixel is (6, 7); |factor| is 2.
    assert maps.disagreement[0, 0] == 2 * (6 * COLS + 7) and maps.disagreement.shape == (20, 24)


def test_trainings_are_told_by_their_folders_and_records(hub):
    found = _trainings(files(hub, "data/phase_e/*/*/*/history.csv"), files(hub, "data/phase_e/*/*/*/training.json"))
    assert [(one.row, one.dose) for one in found] == [
        ("PtychoPINN, dense", "1000"),
        ("PtychoPINN, dense", "100000"),
        ("Baseline, all views", "1000"),
        ("Baseline, all views", "100000"),
    ]
    np.testing.assert_allclose(found[0].history["val_loss"], [2.5, 1.5])


def test_frames_and_multiplicity_are_those_of_the_files(hub):
    from ptychostudy.formats.scan import open_scan

    source = open_scan("data/phase_c/dose_1000/patched_test.npz")
    frames = _frames(source)
    np.testing.assert_allclose(frames.mean, np.asarray(source.counts).mean(axis=0))
    np.testing.assert_array_equal(frames.one, source.counts[frames.number])
    assert np.abs(source.positions[frames.number] - source.positions.mean(axis=0)).max() <= 2
    scans = _view_scans(files(hub, "data/phase_d/*/*.npz"), source.probe)
    dense = scans["dense"].multiplicity
    # A flat probe of 16 x 16 px at a step of 4 px: 16 frames on a pixel, of each of the two parts; the probe is in
    # single precision.
    top, left = scans["dense"].origin
    assert dense[20 - top, 24 - left] == pytest.approx(32, rel=1e-6)
    assert scans["sparse"].origin == (top, left) and scans["sparse"].multiplicity.sum() < dense.sum() / 2
