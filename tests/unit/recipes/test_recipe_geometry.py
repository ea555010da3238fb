"""First passes: what fits, what does not, and what no data tell; on an asymmetric object and probe."""

import functools
import re
from dataclasses import replace

import numpy as np
import pytest

from ptychostudy.intake.convention_texts import described
from ptychostudy.intake.conventions import GIVEN, Convention, alike, clearly_better, of_frames, search
from ptychostudy.intake.far_field import half_turns
from ptychostudy.intake.first_pass import first_pass, light_off_px, take_sample
from ptychostudy.intake.geometry import check_geometry, judge_geometry, orienting_keys
from ptychostudy.intake.position_scale import better_scale
from ptychostudy.io.atomic import DataError
from ptychostudy.physics.orientation import AS_GIVEN, ORIENTATIONS, Orientation
from ptychostudy.physics.propagate import intensities
from ptychostudy.recipes.base import make_scene
from ptychostudy.study.sections.base import BaseSettings

N = 32
HALF_TURN = Orientation(rows_reversed=True, cols_reversed=True)


@functools.cache
def scan(photons=1e5, probe="speckle", step=4.0):
    """Return counts, positions and probe of some 100 frames."""
    base = BaseSettings(
        frame_px=N,
        object={"shape_px": (84, 76)},
        probe={"kind": probe, "diameter_px": 18},
        scan={"step_px": step, "jitter_px": 1.0},
    )
    scene = make_scene(base)
    expected = intensities(scene.object, scene.probe, scene.positions)
    counts = np.random.default_rng(4).poisson(expected * photons / expected.sum(axis=(1, 2)).mean())
    return counts, scene.positions, scene.probe


def settings(**npz):
    """Return the section `base` by which a scan was taken."""
    return BaseSettings(kind="npz", frames="measured", pixel_size_m=1e-8, npz={"path": "a.npz", **npz})


def sample(**options):
    return take_sample(*scan(**options), np.ones((N, N), dtype=bool), 30)


@pytest.mark.parametrize(("photons", "probe"), [(30, "disc"), (1e3, "zoneplate"), (1e5, "disc"), (1e5, "speckle")])
def test_an_honest_scan_is_left_with_photon_noise(photons, probe):
    geometry = judge_geometry(sample(photons=photons, probe=probe))
    assert geometry.misfit.excess < max(0.03, 0.2 * geometry.misfit.expected)
    assert geometry.better is None and not geometry.hopeless


@pytest.mark.parametrize("orientation", [ORIENTATIONS[1], ORIENTATIONS[6]], ids=str)
def test_frames_laid_out_otherwise_are_named(orientation):
    """With a speckled probe no other layout is the same to the data."""
    right = sample()
    wrong = replace(right, counts=orientation.of_frames(right.counts))
    geometry = judge_geometry(wrong)
    assert geometry.better is not None and geometry.better.value < 0.7 * geometry.misfit.value
    (named,) = geometry.right
    again = named.frames.of_frames(orientation.of_frames(np.arange(9.0).reshape(3, 3)))
    np.testing.assert_array_equal(again, np.arange(9.0).reshape(3, 3))


def test_conjugation_and_half_a_turn_are_one():
    """To the last digits that single precision keeps: the object is conjugated, the misfit the same."""
    right = sample()
    conjugated = replace(right, probe=right.probe.conj(), counts=HALF_TURN.of_frames(right.counts))
    assert first_pass(conjugated).misfit.value == pytest.approx(first_pass(right).misfit.value, rel=0.01)
    only_probe = first_pass(replace(right, probe=right.probe.conj())).misfit
    assert clearly_better(first_pass(right).misfit, only_probe)


def test_frames_off_by_a_pixel_are_a_phase_ramp():
    right = sample(probe="disc")
    moved = replace(right, counts=np.roll(right.counts, (2, -3), (1, 2)))
    np.testing.assert_allclose(light_off_px(moved) - light_off_px(right), [2, -3], atol=0.05)
    ramp = first_pass(moved)
    assert ramp.misfit.value == pytest.approx(first_pass(right).misfit.value, rel=0.02)
    step_down = np.vdot(ramp.object[10:30, 20:40], ramp.object[11:31, 20:40])
    step_right = np.vdot(ramp.object[10:30, 20:40], ramp.object[10:30, 21:41])
    turns = np.angle([step_down, step_right]) * N / (2 * np.pi)
    np.testing.assert_allclose(turns - light_off_px(right), [2, -3], atol=1.0)


@pytest.mark.parametrize("turn", half_turns(N)[1:3])
def test_a_zero_frequency_elsewhere_is_found(turn):
    right = sample(probe="disc")
    rolled = replace(right, counts=np.roll(right.counts, turn, (1, 2)))
    trials = search(rolled, of_frames()[:2], half_turns_too=True)
    # Half a turn is its own inverse.
    assert alike(trials)[0].rolled_px == turn


def test_positions_in_another_order_fit_nothing():
    right = sample(photons=1e6)
    order = np.random.default_rng(5).permutation(len(right.positions))
    geometry = judge_geometry(replace(right, positions=right.positions[order]))
    assert geometry.better is None and geometry.hopeless


def test_masked_pixels_change_nothing():
    right = sample()
    valid = right.valid.copy()
    valid[3, 5] = valid[20, 9] = valid[:, 17] = False
    clean = first_pass(replace(right, valid=valid))
    counts = right.counts.copy()
    counts[:, ~valid] = 10**6
    spoilt = replace(right, counts=counts, valid=valid, probe=right.probe)
    assert first_pass(spoilt).misfit.value == pytest.approx(clean.misfit.value, rel=1e-6)
    assert clean.misfit.value == pytest.approx(first_pass(right).misfit.value, rel=0.1)


def test_large_frames_are_cropped_with_probe_and_positions():
    """A probe whose far field fills a small part of a large detector: the middle says the same."""
    counts, positions, probe = scan(probe="disc")
    wide = np.pad(counts, ((0, 0), (112, 112), (112, 112)))
    spectrum = np.pad(np.fft.fftshift(np.fft.fft2(probe)), 112)
    fine = np.fft.ifft2(np.fft.ifftshift(spectrum))
    cropped = take_sample(wide, positions * 8, fine, np.ones((256, 256), dtype=bool), 12)
    assert cropped.counts.shape == (12, 128, 128) and cropped.valid.shape == (128, 128)
    # The small detector's pixels again, four to a side of its object's: the same misfit but for the border.
    small = take_sample(counts, positions, probe, np.ones((N, N), dtype=bool), 12)
    np.testing.assert_allclose(cropped.positions, small.positions * 4)
    np.testing.assert_array_equal(cropped.counts[:, 48:80, 48:80], small.counts)
    found = first_pass(cropped, 4).misfit
    assert found.excess < 0.03


def test_a_scan_that_does_not_fit_is_refused_and_can_be_accepted():
    counts, positions, probe = scan()
    wrong = {"counts": counts, "positions": positions * [1, -1] + [0, 76], "probe": probe}
    with pytest.raises(DataError, match=r"a\.npz: .*misfit R = .*columns reversed.*accept: \[geometry\]"):
        check_geometry(wrong, settings(), "a.npz")
    record = check_geometry(wrong, settings(accept=["geometry"]), "a.npz")
    assert record["R"] > record["R_expected"] + 0.03 and len(record["accepted"]) == 1
    right = check_geometry({**wrong, "positions": positions}, settings(), "a.npz")
    assert set(right) == {"R", "R_expected", "frames"} and right["R"] < right["R_expected"] + 0.03


@pytest.mark.parametrize("first", ORIENTATIONS[4:6], ids=str)
def test_keys_go_on_from_what_was_set(first):
    """What turned the wrong way is named whole: for the file, and not for what was made of it."""
    right = sample()
    in_file, wrong = right.counts, first.of_frames(right.counts)
    keys = orienting_keys(judge_geometry(replace(right, counts=wrong)), settings(orient_frames=first.words).npz)
    assert set(keys) == {"orient_frames"}
    np.testing.assert_array_equal(Orientation.of(keys["orient_frames"]).of_frames(in_file), in_file)


@pytest.mark.parametrize("second", ORIENTATIONS, ids=str)
def test_one_orientation_after_another(second):
    places = np.arange(12.0).reshape(6, 2)
    frames = np.arange(50).reshape(2, 5, 5)
    for first in ORIENTATIONS:
        both = first.then(second)
        assert Orientation.of(both.words) == both
        np.testing.assert_array_equal(both.of_positions(places), second.of_positions(first.of_positions(places)))
        np.testing.assert_array_equal(both.of_frames(frames), second.of_frames(first.of_frames(frames)))


@pytest.mark.parametrize(("factor", "probe"), [(0.8, "disc"), (1.2, "disc"), (0.5, "speckle")])
def test_positions_of_another_length_are_told(factor, probe):
    """By how much they are off is found to a twentieth, and with it the object pixel."""
    counts, positions, wave = scan(probe=probe)
    wrong = {"counts": counts, "positions": positions * factor, "probe": wave}
    with pytest.raises(DataError, match=r"in place of 1e-08.*accept: \[geometry\]") as error:
        check_geometry(wrong, settings(), "a.npz")
    (pixel,) = re.findall(r"base.pixel_size_m of about (\S+)", str(error.value))
    assert float(pixel) == pytest.approx(1e-8 * factor, rel=0.05)


@pytest.mark.parametrize("more", [0.6, 1.6])
def test_a_probe_out_of_focus_is_no_wrong_pixel(more):
    """Its curvature is off by a radian and a half at the edge of the disc: the frames ask for another step."""
    right = sample(probe="disc")
    y, x = np.mgrid[:N, :N] - N // 2
    blurred = replace(right, probe=right.probe * np.exp(1j * more * (y**2 + x**2) / 81))
    misfit = first_pass(blurred).misfit
    assert misfit.excess > first_pass(right).misfit.excess + 0.003 and better_scale(blurred, misfit) is None


def test_words():
    assert described(GIVEN) == "nothing changed"
    both = Convention(ORIENTATIONS[7], ORIENTATIONS[5], (16, 0))
    assert described(both) == (
        "frames rolled by (16, 0) pixels (row, col) and frames transposed, then with their rows and columns reversed "
        "and 'ycoords' and 'xcoords' exchanged, then the sign of 'xcoords' changed"
    )
    assert Convention(AS_GIVEN, ORIENTATIONS[2]).changes == 1


@pytest.mark.parametrize("hidden", [np.s_[:, 18:], np.s_[:, :15], np.s_[18:], np.s_[:14], np.s_[:16, 16:]], ids=str)
@pytest.mark.parametrize("probe", ["speckle", "zoneplate"])
def test_what_a_mask_hides_on_one_side_is_no_slope(hidden, probe):
    """Up to two fifths of the light are hidden: the rest lies off the middle, as that of the probe does."""
    whole = sample(probe=probe)
    valid = np.ones((N, N), dtype=bool)
    valid[hidden] = False
    masked = replace(whole, counts=whole.counts * valid, valid=valid)
    np.testing.assert_allclose(light_off_px(masked), light_off_px(whole), atol=0.5)
    assert first_pass(masked, 8).misfit.excess < 0.01
