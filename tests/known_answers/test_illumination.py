"""Illumination: photons per pixel of the study grid, multiplicity against exact sums, the scan hull."""

import numpy as np
import pytest
from scipy.signal import fftconvolve
from skimage.draw import polygon

from ptychostudy.physics import illumination
from ptychostudy.physics.convolution import convolved
from ptychostudy.physics.hull import hull_corners
from ptychostudy.physics.probes import make_probe
from ptychostudy.physics.propagate import translate
from ptychostudy.physics.windows import split_positions


def square(rows, cols, step):
    return np.stack(np.meshgrid(np.arange(rows) * step, np.arange(cols) * step, indexing="ij"), -1).reshape(-1, 2)


def test_photons_per_pixel_of_the_study_grid():
    # anchors.md A8.4: N = 64, step 8, 1e3 photons per frame: n = 15.6.
    assert illumination.photons_per_pixel(1e3, illumination.frames_per_pixel(square(9, 7, 8.0))) == pytest.approx(
        15.625
    )
    assert illumination.photons_per_pixel(0.0, 3.0) == illumination.photons_per_pixel(3.0, 0.0) == 0.0
    for dose, density in ((-1.0, 1.0), (1.0, -1.0), (np.inf, 1.0), (1.0, np.nan)):
        with pytest.raises(ValueError, match="not negative"):
            illumination.photons_per_pixel(dose, density)


@pytest.mark.parametrize("positions", [np.zeros((0, 2)), np.ones((1, 2)), np.full((5, 2), 3.5)])
def test_density_of_one_place_is_undefined(positions):
    assert illumination.frames_per_pixel(positions) == 0.0


def test_multiplicity_of_flat_discs():
    rows, cols = np.indices((32, 32)) - 16
    disc = 3j * (np.hypot(rows, cols) < 10)
    one = illumination.multiplicity_map(disc, np.array([[40.0, 55.0]]), origin=(20, 30), shape=(40, 50))
    # Rounding of the FFT convolution.
    np.testing.assert_allclose(
        one[40 - 20 - 16 : 40 - 20 + 16, 55 - 30 - 16 : 55 - 30 + 16], np.abs(disc) / 3, atol=1e-12
    )
    assert one.sum() == pytest.approx((np.abs(disc) > 0).sum())
    positions = np.array([[40.0, 55.0], [40.0, 55.0], [30.0, 35.0], [1000.0, 55.0]])
    many = illumination.multiplicity_map(disc, positions, origin=(20, 30), shape=(40, 50))
    assert many.max() == pytest.approx(2.0) and many[10, 5] == pytest.approx(1.0)


@pytest.mark.parametrize(("shape", "kernel"), [((40, 77), (16, 17)), ((5, 90), (32, 8)), ((8, 9), (8, 9))])
def test_the_convolution_is_that_of_scipy_signal_to_the_bit(shape, kernel):
    rng = np.random.default_rng(2)
    image, spread = rng.uniform(size=shape), rng.uniform(size=kernel)
    expected = fftconvolve(image, spread)
    rows, cols = expected.shape
    np.testing.assert_array_equal(convolved(image, spread)[:rows, :cols], expected)


@pytest.mark.parametrize(("shape", "kernel"), [((700, 77), (70, 17)), ((90, 1500), (64, 64)), ((1480, 800), (31, 70))])
def test_a_large_convolution_is_put_together_from_squares(shape, kernel):
    rng = np.random.default_rng(2)
    image, spread = rng.uniform(size=shape), rng.uniform(size=kernel)
    expected = fftconvolve(image, spread)
    assert max(expected.shape) > 768
    # Transforms round by some 1e-16 of the largest value, and so do both.
    np.testing.assert_allclose(convolved(image, spread), expected, rtol=0, atol=1e-14 * expected.max())
    # A point at each end of a square is where a square begins or ends.
    for row, col in ((shape[0] - 1, shape[1] - 1), (min(shape[0] - 1, 698), min(shape[1] - 1, 704))):
        point = np.zeros(shape)
        point[row, col] = 1
        whole = convolved(point, spread)
        np.testing.assert_allclose(whole[row : row + kernel[0], col : col + kernel[1]], spread, atol=1e-14)
        assert whole.sum() == pytest.approx(spread.sum(), rel=1e-12)


def test_a_kernel_too_large_for_a_square_is_convolved_in_one():
    rng = np.random.default_rng(2)
    image, spread = rng.uniform(size=(40, 900)), rng.uniform(size=(3, 400))
    expected = fftconvolve(image, spread)
    np.testing.assert_array_equal(convolved(image, spread)[:42, :1299], expected)


@pytest.mark.parametrize("n", [32, 33])
def test_multiplicity_against_exactly_shifted_probes(n):
    probe = make_probe("zoneplate", n, diameter_px=18.0)
    positions = np.random.default_rng(0).uniform(30, 90, (300, 2))
    corners, fractions = split_positions(positions, n)
    exact = np.zeros((120, 120))
    for (row, col), power in zip(corners, np.abs(translate(probe, fractions)) ** 2, strict=True):
        exact[row : row + n, col : col + n] += power
    exact *= 1 / (np.abs(probe) ** 4).sum()
    found = illumination.multiplicity_map(probe, positions, origin=(5, 9), shape=(110, 100))
    # Bilinear sharing widens a frame by 0.4 px rms; over a few dozen frames that is about a per cent of the mean.
    assert np.abs(found - exact[5:115, 9:109]).max() < 0.03 * exact[40:80, 40:80].mean()


def test_mean_multiplicity_is_density_times_area():
    probe = make_probe("disc", 32, diameter_px=18.0)
    power = np.abs(probe) ** 2
    found = illumination.multiplicity_map(probe, square(30, 30, 4.0), origin=(40, 40), shape=(40, 40))
    # Whole periods of the lattice in its middle: the mean is exactly (sum p)^2 / sum p^2 frames' area per 16 px^2.
    assert found.mean() == pytest.approx(power.sum() ** 2 / (power**2).sum() / 16.0, rel=1e-9)


def test_hull_mask():
    mask = illumination.hull_mask(
        np.array([[2.0, 3.0], [2.0, 9.0], [7.0, 3.0], [7.0, 9.0]]), origin=(1, 1), shape=(10, 12)
    )
    expected = np.zeros((10, 12), dtype=bool)
    expected[1:7, 2:9] = True
    np.testing.assert_array_equal(mask, expected)
    assert illumination.hull_mask(np.array([[4.0, 4.4]]), origin=(0, 0), shape=(9, 9)).sum() == 1


def test_hull_of_a_line_is_the_pixels_nearest_to_it():
    positions = np.array([[3.49, 1.0], [3.49, 2.5], [3.49, 4.4], [3.49, -0.6], [3.49, 7.5]])
    mask = illumination.hull_mask(positions, origin=(0, 0), shape=(6, 8))
    expected = np.zeros((6, 8), dtype=bool)
    # Halves go up: 2.5 belongs to column 3; -0.6 and 7.5 lie beyond the map's columns 0 to 7.
    expected[3, [1, 3, 4]] = True
    np.testing.assert_array_equal(mask, expected)
    assert not illumination.hull_mask(np.array([[-0.51, 3.0], [5.5, 3.0]]), origin=(0, 0), shape=(6, 8))[[0, 5]].any()


@pytest.mark.parametrize("kind", ["anywhere", "whole", "halves", "nearly whole", "nearly level rows", "flat"])
def test_hull_mask_asks_as_polygon_does(kind):
    # Corners on pixels, edges along rows and columns or off them by rounding, and hulls that leave the image.
    rng = np.random.default_rng(3)
    for _ in range(60):
        points = rng.uniform(-8, 65, (rng.integers(3, 60), 2))
        rounding = rng.normal(size=points.shape) * 10.0 ** -rng.integers(3, 16)
        levels = np.stack([np.rint(points[:, 0] / 9) * 9 + rounding[:, 0], points[:, 1]], axis=-1)
        points = {
            "anywhere": points,
            "whole": np.rint(points),
            "halves": np.rint(points * 2) / 2,
            "nearly whole": np.rint(points) + rounding,
            "nearly level rows": levels,
            "flat": points * [0.05, 1] + [20, 0],
        }[kind]
        shape = tuple(rng.integers(5, 60, 2))
        expected = illumination._nearest_mask(points, shape)
        expected[polygon(*hull_corners(points).T, shape)] = True
        np.testing.assert_array_equal(illumination.hull_mask(points, origin=(0, 0), shape=shape), expected)
