"""Patterns: the steps of a drawing that have known answers."""

import numpy as np
import pytest

from ptychostudy.physics import patterns


def test_cells_fill_the_frame_evenly():
    centres = patterns._cell_centres((60, 90), 31.0)
    assert centres.tolist() == [[15.0, 15.0], [15.0, 45.0], [15.0, 75.0], [45.0, 15.0], [45.0, 45.0], [45.0, 75.0]]


def test_a_line_has_its_width_at_half_of_its_height():
    distance = np.array([0.0, 2.25, 3.0, 3.75, 9.0])
    np.testing.assert_allclose(patterns._soft_line(distance, 6.0), [1.0, 1.0, 0.5, 0.0, 0.0])


def test_spokes_are_broken_on_two_rings():
    radius = 100.0
    r = radius * np.array([0.1, 0.43, 0.62, 0.81, 0.95])
    np.testing.assert_allclose(patterns._ring_gaps(r, radius), [1.0, 0.0, 1.0, 0.0, 1.0], atol=1e-12)


def test_random_fields_are_standard_and_correlated_by_one_half():
    first, second = patterns.grf((400, 300), 2.0, np.random.default_rng(1))
    assert (first.mean(), first.std()) == (pytest.approx(0, abs=1e-12), pytest.approx(1))
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] == pytest.approx(0.5, abs=0.1)


def test_a_field_s_spectrum_falls_with_the_third_power_between_its_lengths():
    q = np.fft.fftfreq(400)
    gain = patterns._gain([400, 400], longest_px=400.0, shortest_px=2.0)
    for line in (gain[0], gain[:, 0]):
        inner = line * np.exp((2.0 * q) ** 2)  # without the cut of what is fine
        assert (inner[40] / inner[20]) ** 2 == pytest.approx(0.5**3, rel=0.01)
