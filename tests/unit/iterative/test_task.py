"""Arrays in pty-chi's conventions and back; the task itself needs torch and is stood in for."""

import numpy as np

from ptychostudy.iterative.task import _from_the_middle, read_result
from ptychostudy.physics.windows import split_positions


def test_positions_count_from_the_middle():
    rows, cols = _from_the_middle(np.array([[30.25, 41.0], [34.75, 36.0]]), np.array([35, 41]))
    np.testing.assert_array_equal(rows, np.float32([-4.75, -0.25]))
    np.testing.assert_array_equal(cols, np.float32([0.0, -5.0]))
    assert rows.dtype == np.float32


def test_half_a_pixel_falls_on_the_side_of_our_windows():
    # Two halves, of an even and an odd pixel: rounding half to even would send them to different sides.
    positions = np.array([[30.5, 31.5]])
    corners, _ = split_positions(positions, 16)
    rows, cols = _from_the_middle(positions, np.array([35, 35]))
    np.testing.assert_array_equal(np.round([rows[0], cols[0]]) + 35 - 8, corners[0])


class Ended:
    """A task whose object and probe have traded a factor."""

    def __init__(self, object_, probe):
        self.fields = {"object": object_[None], "probe": probe[None, None]}

    def get_data_to_cpu(self, name, as_numpy):
        return self.fields[name]


def test_the_factor_that_object_and_probe_traded_is_given_back():
    rng = np.random.default_rng(2)
    object_ = rng.normal(size=(12, 14)) + 1j * rng.normal(size=(12, 14))
    probe = rng.normal(size=(8, 8)) + 1j
    factor = 3.0 * np.exp(0.7j)
    pair = read_result(Ended(object_ / factor, probe * factor / 8), probe)
    np.testing.assert_allclose(pair.object, object_, rtol=1e-6)
    np.testing.assert_allclose(pair.probe, probe, rtol=1e-6)
    assert (pair.object.dtype, pair.probe.dtype) == (np.complex64, np.complex64)


def test_what_diverged_is_returned_as_it_is():
    pair = read_result(Ended(np.ones((4, 4)), np.full((2, 2), np.nan)), np.ones((2, 2), complex))
    np.testing.assert_array_equal(pair.object, np.ones((4, 4)))
    assert np.isnan(pair.probe).all()
