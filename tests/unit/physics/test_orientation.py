"""The eight orientations, by the forward model: frames of an object that is turned with its probe and positions."""

import numpy as np
import pytest

from ptychostudy.physics.orientation import AS_GIVEN, ORIENTATIONS, Orientation
from ptychostudy.physics.propagate import intensities

N, SIDE = 16, 41


def scan():
    rng = np.random.default_rng(3)
    object_ = rng.normal(size=(SIDE, SIDE)) + 1j * rng.normal(size=(SIDE, SIDE))
    probe = rng.normal(size=(N, N)) + 1j * rng.normal(size=(N, N))
    # Dark at the border, so that turning it about its centre loses nothing.
    probe[0] = probe[:, 0] = 0
    return object_, probe, rng.integers(10, SIDE - 10, (5, 2)).astype(float)


@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=str)
def test_what_is_turned_as_a_whole_gives_turned_frames(orientation):
    object_, probe, positions = scan()
    middle = SIDE // 2
    turned = intensities(
        orientation.of_frames(object_),
        orientation.of_frames(probe),
        orientation.of_positions(positions - middle) + middle,
    )
    np.testing.assert_allclose(turned, orientation.of_frames(intensities(object_, probe, positions)), atol=1e-9)


def test_conjugation_is_half_a_turn_of_the_frames():
    object_, probe, positions = scan()
    half = Orientation(rows_reversed=True, cols_reversed=True)
    conjugated = intensities(object_.conj(), probe.conj(), positions)
    np.testing.assert_allclose(conjugated, half.of_frames(intensities(object_, probe, positions)), atol=1e-9)


def test_there_are_eight_and_they_differ():
    asymmetric = np.arange(49.0).reshape(7, 7)
    assert len({each.of_frames(asymmetric).tobytes() for each in ORIENTATIONS}) == 8
    assert [each.is_given for each in ORIENTATIONS] == [True] + 7 * [False]
    assert AS_GIVEN.changes == 0 and max(each.changes for each in ORIENTATIONS) == 3


@pytest.mark.parametrize("side", [6, 7])
@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=str)
def test_the_centre_stays(side, orientation):
    frame = np.zeros((2, side, side))
    frame[:, side // 2, side // 2] = 1
    np.testing.assert_array_equal(orientation.of_frames(frame), frame)
