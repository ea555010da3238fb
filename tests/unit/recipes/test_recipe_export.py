"""Recipe export: positions count from the exported object's corner, and every window lies inside it."""

import numpy as np
import pytest

from ptychostudy.recipes.export import Optics, make_product

N = 8
POSITIONS = np.array([[14.25, 31.5], [20.0, 40.75]])
PROBE = np.full((N, N), 1 + 2j, np.complex64)
OPTICS = Optics(3e-8, 8000.0, 1.5)


def product(origin, shape, **more):
    field = (np.random.default_rng(0).normal(size=shape) + 2j).astype(np.complex64)
    arrays = {"reconstructed_object": field, "origin": np.array(origin), **more}
    return field, make_product(arrays, PROBE, POSITIONS, OPTICS, "an arm")


def test_a_canvas_that_holds_all_windows_stays_as_it_is():
    field, made = product((3, 20), (40, 50))
    np.testing.assert_array_equal(made.object, field)
    np.testing.assert_array_equal(made.positions, POSITIONS - (3, 20))
    np.testing.assert_array_equal(made.probe, PROBE)
    assert (made.pixel_size_m, made.photon_energy_ev, made.detector_distance_m) == (3e-8, 8000.0, 1.5)
    assert made.loss.size == 0
    assert made.name == "an arm"


@pytest.mark.parametrize(("origin", "shape"), [((13, 30), (8, 12)), ((13, 20), (8, 50)), ((3, 30), (40, 12))])
def test_a_smaller_canvas_is_padded_where_windows_leave_it(origin, shape):
    field, made = product(origin, shape)
    first = made.positions - N / 2
    assert first.min() >= 0
    assert np.all(first + N <= made.object.shape)
    # The field lies where it lay in the object.
    row, col = np.array(origin) - np.rint(POSITIONS[0] - made.positions[0]).astype(int)
    inside = (slice(row, row + shape[0]), slice(col, col + shape[1]))
    np.testing.assert_array_equal(made.object[inside], field)
    assert np.count_nonzero(made.object) == field.size


def test_an_arm_brings_its_own_probe_and_losses():
    _, made = product((3, 20), (40, 50), reconstructed_probe=3 * PROBE, loss=np.array([2.0, 1.0]))
    np.testing.assert_array_equal(made.probe, 3 * PROBE)
    assert made.loss.tolist() == [2.0, 1.0]
