"""Recipe simulate: a dose is met within statistics, thinning adds no photon, and parts are drawn apart."""

import numpy as np
import pytest

from ptychostudy.io.atomic import DataError
from ptychostudy.physics.counts import dose_tolerance
from ptychostudy.physics.propagate import intensities
from ptychostudy.recipes.simulate import (
    PhotonTally,
    detect,
    given_probe,
    simulated_frames,
    split_frames,
    thinned_frames,
)
from ptychostudy.study.sections.simulate import FramesSettings, WrongProbeSettings
from scenes import N, made_scene

DOSE = 2000


def settings(**changes):
    return FramesSettings(**{"seed": 1, "split": {"axis": "y"}, **changes})


def drawn(detected):
    return np.concatenate(list(detected.blocks))


def test_the_mean_frame_holds_the_dose_within_counting_statistics():
    scene = made_scene()
    detected = simulated_frames(scene, DOSE, "train", settings())
    counts = drawn(detected)
    assert counts.shape == (len(scene.positions), N, N)
    assert counts.dtype == np.uint32
    assert abs(counts.sum() / len(counts) - DOSE) < dose_tolerance(DOSE, len(counts))
    # The probe that comes with them predicts the dose without noise.
    expected = intensities(scene.object, detected.probe, scene.positions)
    assert expected.sum() / len(counts) == pytest.approx(DOSE, rel=1e-12)


def a_mask():
    """Return a mask with a gap in the light, a single pixel and a corner, unlike on both axes."""
    valid = np.ones((N, N), bool)
    valid[N // 2 + 1], valid[:, 5], valid[N // 2, N // 2 - 2], valid[:4, -6:] = False, False, False, False
    return valid


def test_the_dose_is_that_of_the_pixels_that_count():
    scene, valid = made_scene(), a_mask()
    detected = simulated_frames(scene, DOSE, "train", settings(), valid=valid)
    counts = drawn(detected)
    assert not counts[:, ~valid].any()
    assert abs(counts.sum() / len(counts) - DOSE) < dose_tolerance(DOSE, len(counts))
    expected = intensities(scene.object, detected.probe, scene.positions)
    assert expected[:, valid].sum() / len(counts) == pytest.approx(DOSE, rel=1e-12)
    assert expected.sum() / len(counts) > 1.05 * DOSE


def test_a_mask_of_all_pixels_draws_the_same_frames():
    scene = made_scene()
    plain, every = (simulated_frames(scene, DOSE, "train", settings(), valid=v) for v in (None, np.ones((N, N), bool)))
    np.testing.assert_array_equal(drawn(plain), drawn(every))
    np.testing.assert_array_equal(plain.probe, every.probe)


def test_thinned_frames_count_nothing_where_the_measured_ones_do_not():
    scene, valid = made_scene(), a_mask()
    rng = np.random.default_rng(5)
    measured = (rng.poisson(50.0, (len(scene.positions), N, N)) * valid).astype(np.uint32)
    detected = detect(scene, "test", np.arange(10), DOSE, settings(), measured=measured, valid=valid)
    counts = drawn(detected)
    assert not counts[:, ~valid].any()
    assert abs(counts.sum() / 10 - DOSE) < dose_tolerance(DOSE, 10)


def test_without_noise_every_frame_is_its_expectation():
    scene = made_scene()
    dose = 1000 * N * N
    detected = simulated_frames(scene, dose, "train", settings(noise="none"))
    expected = intensities(scene.object, detected.probe, scene.positions)
    assert np.abs(drawn(detected) - expected).max() < 1


def test_the_parts_are_drawn_apart_and_each_again_the_same():
    scene = made_scene()
    first, again, other = (
        drawn(simulated_frames(scene, DOSE, name, settings())) for name in ("train", "train", "test")
    )
    np.testing.assert_array_equal(first, again)
    assert np.any(first != other)


@pytest.mark.parametrize(("axis", "along"), [("y", 0), ("x", 1)])
def test_the_parts_lie_on_both_sides_of_a_probe(axis, along):
    scene = made_scene()
    parts = split_frames(scene, settings(split={"axis": axis}))
    first, second = (scene.positions[parts[name]][:, along] for name in ("train", "test"))
    assert second.min() - first.max() > 14
    assert not set(parts["train"]) & set(parts["test"])


def test_thinning_keeps_no_photon_that_was_not_there():
    measured = np.random.default_rng(3).poisson(9.0, (20, N, N)).astype(np.uint32)
    index = np.arange(4, 17)
    rng = np.random.default_rng(4)
    detected = thinned_frames(measured, index, np.ones((N, N)), 3000, rng)
    counts = drawn(detected)
    assert np.all(counts <= measured[index])
    held = measured[index].sum()
    keep = 3000 * len(index) / held
    # A binomial draw of all photons; five of its standard deviations.
    assert abs(counts.sum() - keep * held) < 5 * np.sqrt(keep * (1 - keep) * held)
    np.testing.assert_allclose(detected.probe**2, keep, rtol=1e-12)


def test_thinning_to_what_is_there_changes_nothing_and_more_is_refused():
    measured = np.full((5, 8, 8), 2, np.uint32)
    rng = np.random.default_rng(0)
    kept = thinned_frames(measured, np.arange(5), np.ones((8, 8)), 128, rng)
    np.testing.assert_array_equal(drawn(kept), measured)
    with pytest.raises(DataError, match=r"^holds 128 photons per frame, but simulate.doses asks for 129"):
        thinned_frames(measured, np.arange(5), np.ones((8, 8)), 129, rng)


def test_measured_frames_are_thinned_and_cannot_lose_their_noise():
    scene = made_scene()
    measured = np.random.default_rng(5).poisson(5.0, (len(scene.positions), N, N)).astype(np.uint32)
    index = np.arange(10)
    counts = drawn(detect(scene, "test", index, DOSE, settings(), measured=measured))
    assert np.all(counts <= measured[index])
    with pytest.raises(DataError, match="^holds measured counts, but simulate.noise is none"):
        detect(scene, "test", index, DOSE, settings(noise="none"), measured=measured)


def test_simulated_frames_are_those_of_the_split():
    scene = made_scene()
    index = np.array([1, 5, 6])
    counts = drawn(detect(scene, "test", index, DOSE, settings()))
    np.testing.assert_array_equal(counts, drawn(simulated_frames(scene.part(index), DOSE, "test", settings())))
    assert len(counts) == 3


def test_the_tally_counts_what_passes_and_changes_none_of_it():
    blocks = [np.full((64, 8, 8), 2**32 - 1, np.uint32), np.full((6, 8, 8), 3, np.uint32)]
    tally = PhotonTally(70)
    passed = list(tally.counted(iter(blocks)))
    assert all(one is other for one, other in zip(passed, blocks, strict=True))
    # More than 32 bits hold, and exact.
    assert tally.total == 64 * 64 * (2**32 - 1) + 6 * 64 * 3
    assert tally.mean() == tally.total / 70


def test_a_wrong_probe_is_given_and_the_true_one_kept_beside_it():
    true = made_scene().probe
    assert list(given_probe(true, WrongProbeSettings())) == ["probeGuess"]
    probes = given_probe(true, WrongProbeSettings(defocus_rad=1.0))
    np.testing.assert_array_equal(probes["probeTrue"], true.astype(np.complex64))
    assert np.linalg.norm(probes["probeGuess"] - true) > 0.1 * np.linalg.norm(true)
    # Complex64: 6e-8 a value.
    assert np.linalg.norm(probes["probeGuess"]) == pytest.approx(np.linalg.norm(true), rel=1e-6)
