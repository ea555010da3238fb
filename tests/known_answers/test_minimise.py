"""Descent at all scales: one function, slopes against differences, slow phase found where descent of pixels crawls."""

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.optimize

from ptychostudy.physics import minimise as module
from ptychostudy.physics.minimise import complex_of, descend, grids_of, minimise, real_of, unit_of

SHAPE = (48, 80)
ROWS, COLS = np.mgrid[: SHAPE[0], : SHAPE[1]]


def steps_of(wanted):
    """Return an objective that sees steps between neighbours, as frames see phase, and hardly the phase itself."""

    def objective(field):
        off = field - wanted
        value, gradient = 1e-4 * float(np.sum(np.abs(off) ** 2)), 1e-4 * off
        for axis in (0, 1):
            step = np.diff(off, axis=axis)
            value += float(np.sum(np.abs(step) ** 2))
            pads = [(0, 0), (0, 0)]
            pads[axis] = (1, 1)
            gradient = gradient - np.diff(np.pad(step, pads), axis=axis)
        return value, gradient

    return objective


# Unlike in rows and columns, and in their directions.
WANTED = np.exp(1j * (0.9 * np.sin(ROWS / 17 + 0.3) + 0.6 * np.cos(COLS / 29)))
FLAT = np.ones(SHAPE, np.complex64)
UNIT = np.full(SHAPE, 0.5, np.float32)


def test_slow_phase_is_found_where_descent_of_pixels_crawls():
    objective = steps_of(WANTED)
    found = minimise(objective, FLAT, UNIT, 60)

    def of_pixels(numbers):
        value, gradient = objective(complex_of(numbers, SHAPE) * UNIT)
        return value, real_of(2 * UNIT * gradient)

    pixels = complex_of(descend(of_pixels, real_of(FLAT / UNIT), 60, 20), SHAPE) * UNIT
    assert found.dtype == np.complex64 and found.shape == SHAPE
    off, crawled = (np.sqrt(np.mean(np.abs(each - WANTED) ** 2)) for each in (found, pixels))
    assert off < 0.02 and off < 0.2 * crawled, (off, crawled)
    for mistake in (WANTED[::-1], WANTED[:, ::-1], WANTED.conj()):
        assert np.sqrt(np.mean(np.abs(found - mistake) ** 2)) > 0.1


def test_the_start_is_asked_for_once_or_never():
    """The search begins there: what is known of it is what SciPy asks for first."""
    objective, asked = steps_of(WANTED), []

    def counted(field):
        asked.append(field.copy())
        return objective(field)

    found = [minimise(counted, FLAT, UNIT, 6)]
    assert sum(np.allclose(field, FLAT, rtol=0, atol=1e-6) for field in asked) == 1
    asked.clear()
    found.append(minimise(counted, FLAT, UNIT, 6, objective(FLAT)))
    assert not any(np.allclose(field, FLAT, rtol=0, atol=1e-6) for field in asked) and len(asked) > 6
    assert np.array_equal(*found)


def test_the_solver_is_given_value_and_slope_of_the_same_function(monkeypatch):
    """Against finite differences, for numbers of pixels and of every grid."""
    objective = steps_of(WANTED)

    def look(function, first, *, jac, method, options):
        assert jac and options["maxiter"] == 7 and options["maxcor"] == module._MEMORY
        assert function(first)[0] == pytest.approx(objective(FLAT)[0], rel=1e-6)
        rng = np.random.default_rng(1)
        somewhere = first + 0.05 * rng.normal(size=first.size)
        slope = function(somewhere)[1]
        assert slope.shape == first.shape
        grids = range(2 * FLAT.size, first.size)
        for place in [*rng.integers(0, 2 * FLAT.size, 12), *rng.choice(grids, 12, replace=False), first.size - 1]:
            step = np.zeros_like(first)
            step[place] = 0.05
            wanted = (function(somewhere + step)[0] - function(somewhere - step)[0]) / 0.1
            assert slope[place] == pytest.approx(wanted, rel=2e-2, abs=2e-2), place
        return SimpleNamespace(x=first)

    monkeypatch.setattr(scipy.optimize, "minimize", look)
    np.testing.assert_allclose(minimise(objective, FLAT, UNIT, 7), FLAT, rtol=1e-6)


def test_hats_add_up_to_one_and_their_slope_is_the_adjoint():
    grids = grids_of(steps_of(WANTED), FLAT, steps_of(WANTED)(FLAT)[1])
    assert [max(SHAPE) // max(grid.shape) for grid in grids] == sorted(max(SHAPE) // max(grid.shape) for grid in grids)
    assert len(grids) == 2  # meshes of 8 and 24 px; one of 72 px would be the whole canvas
    rng = np.random.default_rng(2)
    for grid in grids:
        np.testing.assert_allclose(grid.phase(np.ones(np.prod(grid.shape))), grid.unit, rtol=1e-5)
        numbers, image = rng.normal(size=np.prod(grid.shape)), rng.normal(size=SHAPE)
        assert np.sum(grid.phase(numbers) * image) == pytest.approx(numbers @ grid.slope(image), rel=1e-4)


def test_what_does_not_curve_has_no_grid_and_nothing_is_divided_by_it():
    def nothing(field):
        return 0.0, np.zeros(SHAPE, np.complex64)

    assert grids_of(nothing, FLAT, nothing(FLAT)[1]) == []
    np.testing.assert_array_equal(minimise(nothing, FLAT, UNIT, 3), FLAT)


def test_units_are_those_of_the_light_and_of_the_prior():
    light = np.array([[100.0, 25.0]])
    np.testing.assert_allclose(unit_of(light) ** -2.0 - unit_of(light)[0, 1] ** -2.0, [[75.0, 0.0]], rtol=1e-4)
    np.testing.assert_allclose(unit_of(light, 300.0) ** -2.0 - unit_of(light) ** -2.0, 300.0, rtol=1e-4)


def test_a_quadratic_is_minimised_whatever_its_curvatures():
    """Of ``sum c |z - z0|^2`` with light c the scaled problem is a sphere: one step and a few to be exact."""
    rng = np.random.default_rng(0)
    light = 10 ** rng.uniform(2, 4, (6, 4))
    wanted = rng.normal(size=(6, 4)) + 1j * rng.normal(size=(6, 4))

    def objective(field):
        off = field - wanted
        return float(np.sum(light * np.abs(off) ** 2)), light * off

    found = minimise(objective, np.zeros((6, 4)), unit_of(light), 40)
    assert found.dtype == np.complex64
    np.testing.assert_allclose(found, wanted, atol=1e-4)
