"""Modes of a probe through the stages: truth, simulation, thinning, what arms are given, products, export."""

import dataclasses

import numpy as np
import pytest

from ptychostudy.formats.probe_modes import MODES, read_modes, read_probe
from ptychostudy.formats.scan import open_scan
from ptychostudy.io.arrays import member_names, read_npz, write_npz
from ptychostudy.iterative.result import IterativeResult
from ptychostudy.physics.counts import dose_tolerance
from ptychostudy.physics.modes import first_mode, power_shares, powers
from ptychostudy.physics.probes import distort_probe
from ptychostudy.physics.propagate import intensities
from ptychostudy.physics.windows import light
from ptychostudy.recipes import reconstruct, reference
from ptychostudy.recipes.export import Optics, make_product
from ptychostudy.recipes.scene import Scene
from ptychostudy.recipes.simulate import given_probe, simulated_frames, split_frames
from ptychostudy.stages import simulate, truth
from ptychostudy.study.sections.reconstruct import ReconstructSettings, ReferenceSettings
from ptychostudy.study.sections.simulate import FramesSettings, WrongProbeSettings
from scenes import N, made_scan, made_scene

DOSE = 2000


def settings(**changes):
    return FramesSettings(**{"seed": 1, "split": {"axis": "y"}, **changes})


@pytest.fixture
def scene():
    """Return a scene with a second mode, a third of the power of the first."""
    one = made_scene()
    probe = one.probe / np.linalg.norm(one.probe)
    second = probe * (np.arange(N) - N // 2)
    second = second - probe * np.vdot(probe, second)
    modes = np.stack([np.sqrt(0.75) * probe, np.sqrt(0.25) * second / np.linalg.norm(second)])
    return Scene(one.object, modes.astype(np.complex64), one.positions)


def test_simulated_frames_are_those_of_all_modes(scene):
    detected = simulated_frames(scene, DOSE, "train", settings())
    counts = np.concatenate(list(detected.blocks))
    expected = intensities(scene.object, detected.probe, scene.positions)
    assert expected.sum() / len(counts) == pytest.approx(DOSE, rel=1e-6)
    assert abs(counts.sum() / len(counts) - DOSE) < dose_tolerance(DOSE, len(counts))

    # Pixel by pixel, by the deviations of counting; those of the first mode alone are others.
    def misfit(frames):
        seen = frames > 3
        return np.mean((counts - frames)[seen] ** 2 / frames[seen])

    alone = intensities(scene.object, first_mode(detected.probe), scene.positions)
    assert misfit(expected) == pytest.approx(1, abs=0.1) and misfit(alone) > 1.3


def test_the_cut_is_that_of_the_one_wave_that_files_hold(scene):
    alone = dataclasses.replace(scene, probe=first_mode(scene.probe))
    for name, index in split_frames(scene, settings()).items():
        np.testing.assert_array_equal(index, split_frames(alone, settings())[name])


def test_arms_are_given_all_modes_and_each_is_as_wrong(scene):
    right = given_probe(scene.probe, WrongProbeSettings())
    assert list(right) == ["probeGuess", MODES]
    np.testing.assert_array_equal(right[MODES], scene.probe)
    np.testing.assert_array_equal(right["probeGuess"], first_mode(scene.probe))
    wrong = given_probe(scene.probe, WrongProbeSettings(defocus_rad=0.5))
    np.testing.assert_array_equal(wrong["probeTrue"], first_mode(scene.probe))
    for found, mode in zip(wrong[MODES], scene.probe, strict=True):
        np.testing.assert_array_equal(found, distort_probe(mode, defocus_rad=0.5).astype(np.complex64))
    np.testing.assert_allclose(power_shares(wrong[MODES]), [0.75, 0.25], atol=1e-5)


def test_one_mode_leaves_the_files_as_they_were():
    probe = made_scene().probe.astype(np.complex64)
    assert list(given_probe(probe, WrongProbeSettings())) == ["probeGuess"]
    assert list(given_probe(probe, WrongProbeSettings(blur_px=0.1))) == ["probeGuess", "probeTrue"]


def test_truth_and_simulation_pass_modes_on(scene, tmp_path):
    rows, cols = scene.positions.T
    arrays = {"ycoords": rows, "xcoords": cols, "objectGuess": scene.object.astype(np.complex64)}
    known = {"probeGuess": first_mode(scene.probe), MODES: scene.probe}
    write_npz(tmp_path / "base.npz", arrays | known, {"data_transformations": []})
    truth.run(base=tmp_path / "base.npz", output=tmp_path / "reference.npz")
    np.testing.assert_array_equal(read_probe(tmp_path / "reference.npz"), scene.probe)
    parts = {name: tmp_path / f"{name}.npz" for name in ("train", "test")}
    simulate.run(settings(), base=tmp_path / "base.npz", reference=tmp_path / "reference.npz", dose=DOSE, **parts)
    for path in parts.values():
        scan = open_scan(path)
        assert powers(scan.modes).sum() == pytest.approx(powers(scan.probe[None]).sum(), rel=1e-5)
        np.testing.assert_allclose(power_shares(read_modes(path, N)), [0.75, 0.25], atol=1e-5)
        assert scan.whole_probe is scan.modes
        expected = intensities(scan.truth, scan.modes, scan.positions)
        assert expected.sum(axis=(1, 2)).mean() == pytest.approx(DOSE, rel=1e-3)


@pytest.fixture
def solver(monkeypatch):
    """Return the probes that solvers begin with; they hand them back."""
    starts = []

    def solve(counts, positions, probe, shape, settings, **options):
        starts.append(probe)
        return IterativeResult(np.ones(shape, np.complex64), probe, np.ones(2), True, 0.0, 0.1, True)

    monkeypatch.setattr(reconstruct, "reconstruct", solve)
    monkeypatch.setattr(reference, "reconstruct", solve)
    return starts


def ignore(epoch, epochs, loss):
    pass


@pytest.mark.parametrize("wanted", [1, 2, 3])
def test_the_reference_begins_with_the_modes_asked_for_in_photons(solver, scene, wanted):
    source = made_scan()
    made = reference.reconstruct_reference(
        source.counts, source.positions, 7 * scene.probe, ReferenceSettings(probe_modes=wanted), ignore
    )
    (start,) = solver
    photons = source.counts.sum(dtype=float) / len(source.counts)
    assert np.sum(np.abs(start) ** 2) == pytest.approx(photons, rel=1e-5)
    assert start.shape == ((N, N) if wanted == 1 else (wanted, N, N)) and start.dtype == np.complex64
    assert np.sum(np.abs(made.arrays["probeGuess"]) ** 2) == pytest.approx(photons, rel=1e-5)
    assert (MODES in made.arrays) is (wanted > 1)
    np.testing.assert_allclose(made.coverage, light(start, source.positions, made.coverage.shape), rtol=1e-5)


@pytest.mark.parametrize("wanted", [1, 2])
def test_products_keep_all_modes(solver, scene, wanted, tmp_path):
    source = dataclasses.replace(made_scan(), modes=scene.probe)
    made = reconstruct.reconstruct_view(source, np.arange(9), ReconstructSettings(probe_modes=wanted), ignore)
    (start,) = solver
    write_npz(tmp_path / "a.npz", made.arrays, made.record("autodiff"))
    assert (MODES in member_names(tmp_path / "a.npz")) is (wanted > 1)
    arrays = read_npz(tmp_path / "a.npz")
    np.testing.assert_array_equal(arrays["reconstructed_probe"], first_mode(start))
    product = make_product(arrays, source.probe, source.positions[:9], Optics(1e-8, 8e3, 1.0), "an arm")
    np.testing.assert_array_equal(product.probe, start)
