"""The names of `import ptychostudy`: what they load, what they refuse, and the example of the documentation."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ptychostudy
from ptychostudy.formats.arm_product import ArmProduct
from ptychostudy.io.atomic import DataError
from ptychostudy.study.yaml_file import ConfigError
from scenes import made_scan, write_scan

ROOT = Path(__file__).resolve().parents[2]
SMALL = {
    "base": {
        "frame_px": 32,
        "object": {"shape_px": [144, 112]},
        "probe": {"diameter_px": 18},
        "scan": {"step_px": 4.5, "jitter_px": 1},
    },
    "maximise": {"iterations": 3, "smooth_iterations": 2, "weight": 1.5},
}


def run_python(code, folder):
    environment = {"PYTHONPATH": str(ROOT), "PATH": str(Path(sys.executable).parent)}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def small():
    study = ptychostudy.settings(SMALL)
    scene = ptychostudy.make_scene(study)
    scan = ptychostudy.simulate(scene, 10_000, study)
    return study, scene, scan, ptychostudy.measure_overlap(scene.positions, scene.probe, study, "dense")


def test_no_name_loads_a_framework_and_the_package_nothing(tmp_path):
    code = """
import sys
import ptychostudy
assert not {"numpy", "pydantic", "h5py"} & set(sys.modules)
assert set(ptychostudy.__all__) <= set(dir(ptychostudy))
for name in ptychostudy.__all__:
    assert callable(getattr(ptychostudy, name)), name
found = {"tensorflow", "keras", "torch", "ptychi", "matplotlib"} & set(sys.modules)
assert not found, found
"""
    done = run_python(code, tmp_path)
    assert done.returncode == 0, done.stderr


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'reconstruckt'"):
        _ = ptychostudy.reconstruckt


def test_the_example_of_the_documentation_runs_in_an_empty_folder(tmp_path):
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    done = run_python(code, tmp_path)
    assert done.returncode == 0, done.stderr
    scores = dict(re.findall(r"^(\w+) phase SSIM (\S+)$", done.stdout, re.MULTILINE))
    assert float(scores["TV"]) > float(scores["PhysicsOnly"]) > float(scores["Flat"])
    assert list(tmp_path.iterdir()) == []


def test_the_example_of_an_own_metric_runs_in_an_empty_folder(tmp_path):
    done = run_python((ROOT / "examples" / "own_metric.py").read_text(encoding="utf-8"), tmp_path)
    assert done.returncode == 0, done.stderr
    found = re.findall(r"^ *(\d+) photons  (\w+) +edges (\S+)  phase SSIM (\S+)$", done.stdout, re.MULTILINE)
    edges = {(int(dose), name): float(value) for dose, name, value, _ in found}
    assert len(edges) == 6
    for dose in (100, 1000, 10_000):
        assert edges[dose, "PhysicsOnly"] < edges[dose, "TV"]
    for name in ("PhysicsOnly", "TV"):
        assert edges[100, name] < edges[1000, name] < edges[10_000, name] < 1
    assert list(tmp_path.iterdir()) == []


def test_wrong_settings_are_named():
    with pytest.raises(ConfigError, match="frame_pix"):
        ptychostudy.settings({"base": {"frame_pix": 32}})
    with pytest.raises(ValueError, match="needed: a synthetic study"):
        ptychostudy.make_scene(ptychostudy.settings({"base": {"kind": "siemens_star", "frames": "measured"}}))


def test_an_unknown_arm_or_part_is_named(small):
    study, scene, scan, view = small
    with pytest.raises(ValueError, match="needed: one of PtychoPINN, Baseline"):
        ptychostudy.train("PtychoPin", [scan], [view], study)
    with pytest.raises(ValueError, match="needed: one of train, test"):
        ptychostudy.simulate(scene, 1000, study, split="all")


def test_thinned_frames_keep_their_share_of_photons(small):
    scan = small[2]
    thinned = ptychostudy.thin(scan, 1000)
    assert thinned.photons_measured == pytest.approx(1000, rel=0.01)
    assert np.all(thinned.counts <= scan.counts) and thinned.counts.dtype == np.uint32
    ratio = np.sum(np.abs(thinned.probe) ** 2) / np.sum(np.abs(scan.probe) ** 2)
    assert ratio == pytest.approx(1000 / scan.photons_measured, rel=1e-5)
    assert np.array_equal(ptychostudy.thin(scan, 1000).counts, thinned.counts)
    assert not np.array_equal(ptychostudy.thin(scan, 1000, seed=1).counts, thinned.counts)
    few = ptychostudy.thin(scan, 1000, frames=np.arange(5))
    assert len(few.counts) == len(few.positions) == 5


@pytest.mark.parametrize("make", ["simulate", "thin"])
def test_no_photons_are_no_dose(small, make):
    study, scene, scan, _ = small
    with pytest.raises(ValueError, match="needed: at least 1 photon"):
        ptychostudy.simulate(scene, 0, study) if make == "simulate" else ptychostudy.thin(scan, 0)
    with pytest.raises(DataError, match="photons per frame"):
        ptychostudy.thin(scan, 10**6)


def test_a_scan_of_ours_and_a_stranger_are_loaded(tmp_path, small):
    write_scan(tmp_path / "ours.npz", made_scan(truth="simulated object"))
    assert ptychostudy.load_scan(tmp_path / "ours.npz").metadata["truth"] == "simulated object"
    scan = made_scan()
    path = tmp_path / "stranger.npz"
    rows, cols = scan.positions.T
    np.savez(path, counts=scan.counts, ycoords=rows, xcoords=cols, probeGuess=scan.probe)
    found = ptychostudy.load_scan(path)
    assert np.array_equal(found.counts, scan.counts) and found.metadata["truth"] == "unknown"
    assert np.allclose(found.positions - found.positions[0], scan.positions - scan.positions[0])
    assert found.photons_measured == pytest.approx(scan.photons_measured)
    assert "counts" in ptychostudy.inspect(path).arrays
    # What is loaded goes on into a stage.
    view = small[3]
    few = view.__class__(np.arange(20), np.arange(4)[None], found.positions[:20], view.metrics)
    assert ptychostudy.maximise(found, few, small[0])["TV"].good
    np.savez(path, ycoords=rows, xcoords=cols, probeGuess=scan.probe, objectGuess=scan.truth)
    with pytest.raises(DataError, match="needed"):
        ptychostudy.load_scan(path)


def stranger(path, **changes):
    """Write a scan as another program would, with some arrays changed; return the scan."""
    scan = made_scan()
    rows, cols = scan.positions.T
    arrays = {"counts": scan.counts, "ycoords": rows, "xcoords": cols, "probeGuess": scan.probe}
    np.savez(path, **arrays | {key: change(arrays) for key, change in changes.items()})
    return scan


def test_a_lone_array_beside_a_scan_is_its_mask(tmp_path):
    scan = stranger(tmp_path / "scan.npz")
    bad = np.zeros(scan.valid.shape, bool)
    bad[3, 5] = bad[20] = True
    np.save(tmp_path / "mask.npy", bad)
    found = ptychostudy.load_scan(tmp_path / "scan.npz", tmp_path / "mask.npy")
    assert np.array_equal(found.valid, ~bad) and not found.counts[:, bad].any()


def test_what_is_certain_is_set_right_and_said(tmp_path, caplog):
    caplog.set_level("INFO", "ptychostudy")
    scan = stranger(tmp_path / "scan.npz", counts=lambda arrays: 50 * arrays["counts"])
    found = ptychostudy.load_scan(tmp_path / "scan.npz")
    assert np.array_equal(found.counts, scan.counts)
    assert any("set: {'gain': 50" in text for text in caplog.messages)


def test_what_is_doubtful_is_refused_until_it_is_accepted(tmp_path):
    path = tmp_path / "scan.npz"
    most = np.ones(made_scan().valid.shape, bool)
    most[8:24, 8:24] = False
    stranger(path, bad_pixels=lambda arrays: most)
    with pytest.raises(DataError, match=r"(?s)mask takes.*accept"):
        ptychostudy.load_scan(path)
    assert np.array_equal(ptychostudy.load_scan(path, accept=["mask"]).valid, ~most)


def test_frames_that_the_positions_do_not_fit_are_refused(tmp_path):
    path = tmp_path / "scan.npz"
    stranger(path, ycoords=lambda arrays: arrays["ycoords"].max() + 16 - arrays["ycoords"])
    with pytest.raises(DataError, match="geometry"):
        ptychostudy.load_scan(path)


def test_a_stage_speaks_for_itself(small):
    study, _, scan, view = small
    told = []
    made = ptychostudy.maximise(scan, view, study, on_progress=lambda *row: told.append(row[:2]))
    assert set(made) == {"PhysicsOnly", "TV"} and all(result.good for result in made.values())
    assert all(0 < done < total for done, total in told)
    beyond = replace(view, frames=view.frames + len(scan.counts))
    with pytest.raises(RuntimeError, match=r"(?s)maximise ended with exit code 1.*IndexError"):
        ptychostudy.maximise(scan, beyond, study)
    with pytest.raises(DataError, match=r"^\S*scan.npz: key 'photons_requested' .* needed .*one finite number > 0"):
        ptychostudy.maximise(replace(scan, photons_requested=-1.0), view, study)
    # Nothing of it is left where a field has failed.
    none = replace(view, frames=view.frames[:0], positions=view.positions[:0])
    assert not ptychostudy.maximise(scan, none, study)["TV"].good


def test_the_solver_may_start_from_what_a_network_made(small):
    _, _, scan, view = small
    study = ptychostudy.settings(SMALL | {"reconstruct": {"epochs": 1}})
    record = {"status": "ok", "arm": "Baseline"}
    known = ArmProduct(scan.truth, np.ones(scan.truth.shape, np.float32), (0, 0), record)
    flat, hybrid = (ptychostudy.reconstruct(scan, view, study, start=start) for start in (None, known))
    assert (flat.record["arm"], hybrid.record["arm"]) == ("PtyChi", "Hybrid")
    started = hybrid.record["start"]
    assert (started["arm"], started["epochs"], started["reached"]) == ("Baseline", 1, None)
    assert hybrid.arrays["loss"][0] < flat.arrays["loss"][0] and flat.origin == hybrid.origin
    with pytest.raises(DataError, match="'arm' in its metadata is 'TV'; needed"):
        ptychostudy.reconstruct(scan, view, study, start=replace(known, record={"status": "ok", "arm": "TV"}))


def test_who_stops_listening_stops_the_stage(small):
    study, _, scan, view = small
    listened = []

    def stop(done, total, loss):
        listened.append(done)
        raise KeyboardInterrupt

    long = ptychostudy.settings(SMALL | {"maximise": {"iterations": 3, "smooth_iterations": 100_000}})
    with pytest.raises(KeyboardInterrupt):
        ptychostudy.maximise(scan, view, long, on_progress=stop)
    assert listened == [1]


def test_bare_arrays_are_compared_under_names_of_their_own(small, tmp_path):
    study, _, scan, view = small
    turned = scan.truth * np.exp(0.3j)
    found = ptychostudy.compare({"mine": turned, "TV": np.ones_like(scan.truth)}, scan.truth, view, study)
    assert list(found.scores) == ["TV", "mine", "Flat"]
    assert found.scores["mine"].evaluation.rows["ssim"][1] == pytest.approx(1, abs=1e-5)
    failed = ArmProduct(turned, np.abs(turned), (0, 0), {"status": "failed", "reason": "collapsed"})
    assert list(ptychostudy.compare({"mine": failed}, scan.truth, view, study).scores) == ["Flat"]
    with pytest.raises(ValueError, match="collapsed"):
        ptychostudy.export(failed, scan, view, tmp_path / "no.h5", pixel_size_m=1e-8)
    assert not (tmp_path / "no.h5").exists()
