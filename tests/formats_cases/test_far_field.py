"""The zero frequency of the frames: found in a corner or half off one axis, put right and said; elsewhere named."""

import numpy as np
import pytest
from known_scan import N, frames_of, known_scan, object_of, probe_of

from ptychostudy.intake.far_field import centroid, far_field, off_centre_px, right_shift

HALF = N // 2
TURNS = {"corner": (HALF, HALF), "rows": (HALF, 0), "columns": (0, HALF)}


def mean_of(photons=1e4):
    return known_scan(photons=photons)["counts"].mean(axis=0)


# --- known answers ----------------------------------------------------------------------------------------------------


def test_centroid_of_a_spot_goes_around_the_edges():
    spot = np.zeros((N, N))
    spot[0, 5], spot[N - 1, 5] = 1, 1
    place, gathered = centroid(spot)
    np.testing.assert_allclose(place, [N - 0.5, 5], atol=1e-9)
    assert gathered > 0.99
    assert centroid(np.ones((N, N)))[1] < 1e-9


@pytest.mark.parametrize("turn", [(0, 0), *TURNS.values()], ids=str)
@pytest.mark.parametrize("photons", [10, 1e5])
def test_shift_of_a_rolled_mean(turn, photons):
    rolled = np.roll(mean_of(photons), turn, (0, 1))
    assert right_shift(rolled, far_field(probe_of())) == turn


@pytest.mark.parametrize("turn", [(0, 0), *TURNS.values()], ids=str)
def test_a_ring_of_light_as_of_a_zone_plate(turn):
    """It has no light in its centre, and as much of it far out."""
    y, x = np.mgrid[:N, :N] - N / 2
    radius = np.hypot(y, x)
    ring = np.exp(-(((radius - 9) / 2) ** 2))
    smeared = np.random.default_rng(0).poisson(100 * np.exp(-(((radius - 9) / 4) ** 2)))
    assert right_shift(np.roll(smeared, turn, (0, 1)).astype(float), ring) == turn


def test_light_without_a_centre_is_left_alone():
    flat = np.random.default_rng(0).poisson(5, (N, N)).astype(float)
    assert right_shift(flat, far_field(probe_of())) == (0, 0)
    assert off_centre_px(flat, far_field(probe_of())) is None


def test_offset_in_pixels():
    reference = far_field(probe_of())
    np.testing.assert_allclose(off_centre_px(np.roll(reference, (3, -2), (0, 1)), reference), [3, -2], atol=0.1)


def test_an_inclined_probe_is_its_own_reference():
    """Its far field lies off the middle, and that of the frames with it."""
    tilt = np.exp(2j * np.pi * 5 * np.arange(N) / N)
    probe = probe_of() * tilt
    off = off_centre_px(np.roll(mean_of(), 5, axis=1), far_field(probe))
    assert np.abs(off).max() < 1


# --- through the stage ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", TURNS)
@pytest.mark.parametrize("measurement", ["counts", "amplitude"])
def test_frames_are_rolled_to_the_centre_and_it_is_said(taken, same, where, measurement):
    scan = known_scan()
    frames = np.roll(scan.pop("counts"), TURNS[where], axis=(1, 2))
    scan["diffraction"] = np.sqrt(frames.astype(float)) if measurement == "amplitude" else frames
    arrays, changes, said = taken(scan, measurement=measurement)
    same(arrays)
    assert changes == {"rolled_px": list(TURNS[where])}
    assert "the zero frequency of the frames is not in their centre" in said and "frames rolled by" in said


def test_a_centre_that_the_user_names_is_one_of_frames(taken, refused, same):
    scan = known_scan()
    corner = scan | {"counts": np.fft.ifftshift(scan["counts"], axes=(1, 2))}
    middle = [N // 2, N // 2]
    assert "needed: frames with the zero frequency in the centre" in refused(corner, centre=middle)
    arrays, changes, _ = taken(corner, centre=[0, 0])
    same(arrays)
    assert "rolled_px" not in changes


def test_a_centre_that_the_user_names_stands(taken):
    scan = known_scan()
    corner = scan | {"counts": np.fft.ifftshift(scan["counts"], axes=(1, 2))}
    arrays, changes, _ = taken(corner, centre=[N // 2, N // 2], accept=["centre"])
    np.testing.assert_array_equal(arrays["counts"], corner["counts"])
    assert "rolled_px" not in changes


@pytest.mark.parametrize("photons", [30, 1e6])
def test_corner_at_any_dose(taken, photons):
    scan = known_scan(photons=photons)
    right = scan["counts"].copy()
    scan["counts"] = np.fft.ifftshift(right, axes=(1, 2))
    arrays, _, _ = taken(scan)
    np.testing.assert_array_equal(arrays["counts"], right)


@pytest.mark.parametrize("off", [(2, 0), (-3, 4)], ids=str)
def test_a_few_pixels_off_are_said(taken, off):
    scan = known_scan()
    scan["counts"] = np.roll(scan["counts"], off, axis=(1, 2))
    arrays, changes, said = taken(scan)
    np.testing.assert_array_equal(arrays["counts"], scan["counts"])
    assert changes == {} and "the light of the mean frame lies (" in said and "off the centre" in said


@pytest.mark.parametrize("off", [(11, 0), (-10, 9)], ids=str)
def test_far_off_is_refused(refused, off):
    scan = known_scan()
    scan["counts"] = np.roll(scan["counts"], off, axis=(1, 2))
    message = refused(scan)
    assert "the light of the mean frame lies (" in message
    assert "needed: frames with the zero frequency in the centre" in message


def test_a_steep_object_is_not_astray(taken):
    """A wedge moves the light by a pixel and a half."""
    scan = known_scan()
    shape = (10 * 5 + 38, 8 * 5 + 38)
    wedge = np.exp(2j * np.pi * 1.5 * np.indices(shape)[1] / N)
    positions = np.stack([scan["ycoords"], scan["xcoords"]], axis=1)
    scan["counts"] = frames_of(object_of(shape) * wedge, probe_of(), positions, 1e4)
    _, changes, said = taken(scan)
    assert changes == {} and "off the centre" in said


def test_dead_pixels_of_rolled_frames_have_the_names_of_the_file_and_roll_with_them(masked):
    scan = known_scan()
    scan["counts"] = np.fft.ifftshift(scan["counts"], axes=(1, 2))
    scan["counts"][:, 1, 30] = 0
    changes, said = masked(scan, np.s_[1, 30], scan["counts"], shift=(N // 2, N // 2))
    assert "(row, col) (1, 30)" in said and changes["rolled_px"] == [N // 2, N // 2]
