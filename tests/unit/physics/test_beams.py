"""The parts of beams that have known answers of their own."""

import numpy as np
import pytest

from ptychostudy.physics.beams import ZonePlate, diffuser, disc


def test_a_disc_falls_to_half_at_its_edge_and_turns_its_phase_by_the_curvature():
    wave = disc(64, 20.0, 3.0, 2.0)
    centre = 32
    for row, col in ((centre + 10, centre), (centre, centre - 10)):
        assert wave[row, col] == pytest.approx(0.5 * np.exp(3j), abs=1e-12)
    assert np.angle(wave[centre, centre + 5]) == pytest.approx(3.0 / 4)


@pytest.mark.parametrize("curvature", [6.0, -6.0])
def test_the_rim_of_a_zone_plate_lands_on_the_edge_of_its_cone(curvature):
    plate = ZonePlate(24.0, curvature, 2.0, 0.35)
    assert abs(plate.defocus) * plate.q_max == pytest.approx(12.0)
    assert np.pi * plate.defocus * plate.q_max**2 == pytest.approx(curvature)


def test_the_pupil_is_a_ring_with_half_of_its_light_at_both_edges():
    plate = ZonePlate(64.0, 20.0, 1.0, 0.5)
    q = plate.q_max * np.array([0.0, 0.5, 0.75, 1.0, 1.5])
    np.testing.assert_allclose(plate.pupil(q), [0.0, 0.5, 1.0, 0.5, 0.0], atol=1e-12)


def test_without_a_stop_the_middle_of_the_pupil_is_bright():
    assert ZonePlate(64.0, 20.0, 1.0, 0.0).pupil(np.zeros(1)) == pytest.approx(1.0)


def test_a_zone_plate_in_focus_is_refused():
    with pytest.raises(ValueError, match="must not be 0 for a zoneplate"):
        ZonePlate(24.0, 0.0, 2.0, 0.35).wave(64)


def test_speckle_is_complex_and_correlated_over_its_grain():
    field = diffuser(256, 8.0, np.random.default_rng(0))
    power = np.abs(np.fft.fft2(field)) ** 2
    correlation = np.abs(np.fft.ifft2(power)) / power.mean()
    # A Gaussian of standard deviation s = grain / 2, convolved with itself: exp(-x^2 / (4 s^2)).
    for axis in (0, 1):
        assert np.take(correlation, 4, axis=axis)[0] / correlation[0, 0] == pytest.approx(np.exp(-1 / 4), abs=0.05)
    assert np.std(field.real) == pytest.approx(np.std(field.imag), rel=0.2)
