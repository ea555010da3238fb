"""A scan whose arrays do not fit together is refused before a solver sees it, with what was found and needed."""

import numpy as np
import pytest

from ptychostudy.iterative.inputs import check_power, check_scan

N, SHAPE = 8, (20, 30)


def scan(**changes):
    """Return counts, positions, probe and object shape that fit, with some replaced."""
    rng = np.random.default_rng(0)
    good = {
        "counts": rng.poisson(5.0, (3, N, N)).astype(np.uint32),
        "positions": np.array([[4.0, 4.0], [10.25, 14.5], [16.0, 26.0]]),
        "probe": rng.normal(size=(N, N)) + 1j,
        "object_shape": SHAPE,
    }
    return tuple((good | changes).values())


def test_a_scan_that_fits_keeps_its_values():
    given = scan()
    counts, positions, probe, valid = check_scan(*given)
    assert valid.all() and valid.shape == (N, N)
    assert (counts.dtype, positions.dtype, probe.dtype) == (np.float32, np.float64, np.complex128)
    for found, array in zip((counts, positions, probe), given[:3], strict=True):
        np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"probe": np.ones((N, N + 1))}, r"square with an even side, found shape \(8, 9\)"),
        ({"probe": np.ones((7, 7))}, r"square with an even side, found shape \(7, 7\)"),
        ({"probe": np.ones((2, 1, N, N))}, r"square with an even side, found shape \(2, 1, 8, 8\)"),
        ({"counts": np.ones((3, N, N + 2))}, r"shape \(frames, 8, 8\) like the probe, found \(3, 8, 10\)"),
        ({"counts": np.ones((0, N, N)), "positions": np.ones((0, 2))}, r"found \(0, 8, 8\)"),
        ({"positions": np.full((2, 2), 10.0)}, r"shape \(3, 2\), one for each frame; found \(2, 2\)"),
        ({"positions": np.array([[4, 4], [np.nan, 9], [np.inf, 9]])}, "positions must be finite, found 2"),
        ({"probe": np.full((N, N), np.inf)}, "probe must be finite, found 64"),
        ({"counts": np.full((3, N, N), np.nan)}, "counts must be finite, found 192"),
        ({"counts": np.full((3, N, N), -1)}, "real and not negative"),
        ({"counts": np.ones((3, N, N), complex)}, "real and not negative"),
    ],
)
def test_what_does_not_fit_is_named(changes, message):
    with pytest.raises(ValueError, match=message):
        check_scan(*scan(**changes))


# Windows are [c - 4, c + 4): the smallest centre of a 20 x 30 object is 4, the largest 16 and 26; halves round up.
@pytest.mark.parametrize("place", [(3.4, 9.0), (9.0, 3.4), (16.5, 9.0), (9.0, 26.5)])
def test_a_window_outside_the_object_is_named(place):
    positions = np.array([[4.0, 4.0], place, place])
    with pytest.raises(ValueError, match=r"position 1 .* of side 8 outside the object of shape \(20, 30\); 2 of 3 do"):
        check_scan(*scan(positions=positions))


@pytest.mark.parametrize("place", [(3.5, 9.0), (9.0, 3.5), (16.49, 9.0), (9.0, 26.49)])
def test_a_window_at_the_border_is_inside(place):
    check_scan(*scan(positions=np.array([[4.0, 4.0], place, place])))


@pytest.mark.parametrize("junk", [2.0**32, -1, np.nan, np.inf])
def test_what_masked_pixels_hold_is_not_looked_at(junk):
    counts, *rest = scan()
    valid = np.ones((N, N), bool)
    valid[2, 5], valid[7] = False, False
    spoilt = np.where(valid, counts, junk)
    found = check_scan(spoilt, *rest, valid)
    np.testing.assert_array_equal(found.counts, counts * valid)
    np.testing.assert_array_equal(found.valid, valid)


@pytest.mark.parametrize("valid", [np.ones((N, N + 1), bool), np.ones((N, N)), np.zeros((N, N), bool)], ids=str)
def test_a_mask_that_is_none_is_named(valid):
    with pytest.raises(ValueError, match=r"valid must be bool of shape \(8, 8\)"):
        check_scan(*scan(), valid)


def test_probe_power_is_compared_on_the_valid_pixels():
    # Of a constant probe all light is in the middle of the detector.
    counts, probe = np.full((5, 4, 4), 25, np.uint32), np.full((4, 4), 5.0)
    middle = np.zeros((4, 4), bool)
    middle[2, 2] = True
    check_power(counts, probe, middle)
    with pytest.raises(ValueError, match="found 0"):
        check_power(counts, probe, ~middle)


def test_probe_power_is_that_of_a_frame_within_ten():
    counts = np.full((5, 4, 4), 25, np.uint32)
    for power in (400.0, 41.0, 3990.0):
        check_power(counts, np.full((4, 4), np.sqrt(power) / 4))
    for power in (39.0, 4010.0, 1.0):
        with pytest.raises(ValueError, match=rf"mean counts of a frame \(400\) within a factor 10, found {power:.4g}"):
            check_power(counts, np.full((4, 4), np.sqrt(power) / 4))
    with pytest.raises(ValueError, match="found 16"):
        check_power(np.zeros((5, 4, 4), np.uint32), np.ones((4, 4)))
