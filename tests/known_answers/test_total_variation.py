"""Total variation: of fields whose steps can be counted, and its gradient against finite differences."""

import numpy as np
import pytest

from ptychostudy.physics.total_variation import ROUNDED, total_variation

SHAPE = (7, 5)


def rounded(*steps):
    """Return what a pixel with these steps costs."""
    return np.sqrt(np.sum(np.abs(steps) ** 2) + ROUNDED**2) - ROUNDED


def test_a_constant_has_none():
    value, gradient = total_variation(np.full(SHAPE, 0.3 - 2j))
    assert value == 0 and not gradient.any()


@pytest.mark.parametrize("height", [0.5, -0.01, 0.3 - 0.4j])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_step_costs_its_height_along_its_length(axis, height):
    field = np.full(SHAPE, 1j)
    field[(slice(3, None), slice(None)) if axis == 0 else (slice(None), slice(2, None))] += height
    value, gradient = total_variation(field)
    assert value == pytest.approx(SHAPE[1 - axis] * rounded(height))
    # Either side is drawn to the other, by half the unit of the step, rounded.
    pull = 0.5 * height / np.sqrt(abs(height) ** 2 + ROUNDED**2)
    wanted = np.zeros(SHAPE, complex)
    low, high = ((2, slice(None)), (3, slice(None))) if axis == 0 else ((slice(None), 1), (slice(None), 2))
    wanted[low], wanted[high] = -pull, pull
    np.testing.assert_allclose(gradient, wanted, atol=1e-15)


def test_a_ramp_costs_its_slope_everywhere_but_over_the_edge():
    rows, cols = np.indices(SHAPE)
    value, gradient = total_variation(0.2 * rows - 0.7j * cols)
    # Of 7 x 5 pixels the last row has no step down, the last column none to the right, the corner neither.
    wanted = 6 * 4 * rounded(0.2, 0.7) + 4 * rounded(0.7) + 6 * rounded(0.2)
    assert value == pytest.approx(wanted)
    # Inside, what draws one way is what draws the other way.
    np.testing.assert_allclose(gradient[1:-1, 1:-1], 0, atol=1e-15)


def test_real_and_imaginary_part_are_one_vector():
    """A step of both costs the root of the squares, not the sum."""
    field = np.zeros(SHAPE, complex)
    field[3:] = 3 + 4j
    assert total_variation(field, rounded=1e-9)[0] == pytest.approx(5 * 5)


@pytest.mark.parametrize("part", [1, 1j])
def test_the_gradient_is_that_of_finite_differences(part):
    rng = np.random.default_rng(0)
    field = rng.normal(size=SHAPE) + 1j * rng.normal(size=SHAPE)
    _, gradient = total_variation(field)
    step = 1e-6
    for place in np.ndindex(SHAPE):
        off = np.zeros(SHAPE, complex)
        off[place] = step * part
        slope = (total_variation(field + off)[0] - total_variation(field - off)[0]) / (2 * step)
        assert slope == pytest.approx(2 * (np.conj(gradient[place]) * part).real, abs=1e-7)


def test_precision_stays():
    assert total_variation(np.ones(SHAPE, np.complex64))[1].dtype == np.complex64
