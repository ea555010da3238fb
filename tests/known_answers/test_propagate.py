"""Forward model: conservation, adjointness, plane wave, Airy pattern, the sense of every translation, the gauges."""

import numpy as np
import pytest
from scipy.interpolate import CubicSpline
from scipy.special import j1

from ptychostudy.physics.probes import distort_probe, make_probe
from ptychostudy.physics.propagate import exit_waves, far_field, far_field_adjoint, intensities, light, translate
from ptychostudy.physics.windows import extract, place, split_positions

SHIFTS = [(0.0, 0.0), (3.0, 0.0), (-3.0, 0.0), (0.0, 5.0), (0.0, -5.0), (2.0, -7.0)]
FRACTIONS = [(0.5, 0.0), (-0.5, 0.0), (0.0, 0.25), (0.0, -0.25), (0.3, -0.45), (-1.7, 2.6)]


def random_complex(seed, *shape):
    real, imag = np.random.default_rng(seed).standard_normal((2, *shape))
    return real + 1j * imag


def band_limited(seed, rows, cols, limit):
    """Return a function of real (row, col), periodic in (rows, cols), with harmonics up to ``limit`` on each axis."""
    k = np.arange(-limit, limit + 1)
    weights = random_complex(seed, k.size, k.size)

    def field(row, col):
        waves_row = np.exp(2j * np.pi * np.multiply.outer(row, k) / rows)
        waves_col = np.exp(2j * np.pi * np.multiply.outer(col, k) / cols)
        return waves_row @ weights @ waves_col.T

    return field


@pytest.mark.parametrize("n", [32, 33])
def test_energy_is_conserved(n):
    wave = random_complex(0, 3, n, n)
    np.testing.assert_allclose(
        (np.abs(far_field(wave)) ** 2).sum(axis=(1, 2)), (np.abs(wave) ** 2).sum(axis=(1, 2)), rtol=1e-13
    )


@pytest.mark.parametrize("n", [32, 33])
def test_far_field_adjoint_is_adjoint_and_inverse(n):
    wave, field = random_complex(1, 2, n, n), random_complex(2, 2, n, n)
    assert np.vdot(far_field(wave), field) == pytest.approx(np.vdot(wave, far_field_adjoint(field)), rel=1e-12)
    np.testing.assert_allclose(far_field_adjoint(far_field(wave)), wave, atol=1e-13)


def test_extract_and_place_are_adjoint():
    object_, windows = random_complex(3, 30, 41), random_complex(4, 5, 8, 8)
    corners = np.array([[0, 0], [22, 33], [5, 11], [5, 12], [5, 11]])
    left = np.vdot(extract(object_, corners, 8), windows)
    assert left == pytest.approx(np.vdot(object_, place(windows, corners, object_.shape)), rel=1e-12)
    np.testing.assert_array_equal(extract(object_, corners, 8)[2], object_[5:13, 11:19])


@pytest.mark.parametrize("corner", [(-1, 0), (0, -1), (23, 0), (0, 34)])
def test_extract_refuses_windows_outside(corner):
    with pytest.raises(ValueError, match=r"window 1 .* leaves the object of shape \(30, 41\)"):
        extract(np.zeros((30, 41)), np.array([[0, 0], corner]), 8)


def test_place_refuses_a_count_mismatch():
    with pytest.raises(ValueError):
        place(np.zeros((2, 4, 4)), np.array([[0, 0]]), (10, 10))


@pytest.mark.parametrize("n", [32, 33])
@pytest.mark.parametrize(("rows", "cols"), [(0, 0), (3, 0), (-3, 0), (0, 5), (0, -5)])
def test_plane_wave_is_one_pixel(n, rows, cols):
    grid = np.arange(n)
    wave = 2.0 * np.exp(2j * np.pi * (rows * grid[:, None] + cols * grid[None, :]) / n)
    expected = np.zeros((n, n))
    # A positive frequency lies beyond the centre; sum |2|^2 over n^2 pixels makes an amplitude of 2 n.
    expected[n // 2 + rows, n // 2 + cols] = 2.0 * n
    np.testing.assert_allclose(np.abs(far_field(wave)), expected, atol=1e-10)


def test_airy_pattern_of_a_disc():
    n, radius, fine = 128, 20.0, 8
    x = (np.arange(n * fine) + 0.5) / fine - 0.5 - n // 2
    inside = (np.hypot(x[:, None], x[None, :]) < radius).astype(float)
    disc = inside.reshape(n, fine, n, fine).mean(axis=(1, 3))
    q = np.hypot(*np.meshgrid(np.arange(n) - n // 2, np.arange(n) - n // 2, indexing="ij")) / n
    argument = 2 * np.pi * radius * np.where(q > 0, q, 1.0)
    # Goodman, Introduction to Fourier Optics, 4.4.2, in the unitary convention: area (2 J1(x) / x) / n.
    amplitude = disc.sum() / n * np.where(q > 0, 2 * j1(argument) / argument, 1.0)
    # A pixel averages over its square, which multiplies the far field by a sinc on each axis.
    pixel = np.sinc((np.arange(n) - n // 2) / n)
    airy = (amplitude * np.outer(pixel, pixel)) ** 2
    near = q < 0.1
    found = np.abs(far_field(disc)) ** 2
    # Counting sub-pixels makes the disc's area, used above, wrong by 3e-4 and its second moment by as little.
    assert disc.sum() == pytest.approx(np.pi * radius**2, rel=5e-4)
    np.testing.assert_allclose(found[near], airy[near], atol=3e-4 * airy.max())
    first_zero = 0.6098 / radius * n
    ring = found[n // 2, n // 2 + 1 : n // 2 + 7]
    assert np.argmin(ring) + 1 == round(first_zero)


@pytest.mark.parametrize("axis", [0, 1])
def test_airy_rings_are_where_the_textbook_has_them(axis):
    n, radius, fine = 256, 20.0, 8
    x = (np.arange(-24 * fine, 24 * fine) + 0.5) / fine - 0.5
    inside = (np.hypot(x[:, None], x[None, :]) < radius).astype(float)
    disc = np.pad(inside.reshape(48, fine, 48, fine).mean(axis=(1, 3)), (n - 48) // 2)
    # With the disc's centre on the first pixel the field is real, so its sign shows where it crosses zero.
    field = np.take(far_field(np.fft.ifftshift(disc)).real, n // 2, axis=axis)
    # Angles in units of lambda / D: 1 / (2 radius) cycles per pixel.
    curve = CubicSpline((np.arange(n) - n // 2) / n * 2 * radius, field / field.max())
    zeros, turns = (found[(found > 0.5) & (found < 4)] for found in (curve.roots(), curve.derivative().roots()))
    # Goodman 4.4.2, table 4.1: minima of rings 1 to 3 and maxima between them. Cutting the rim on eighths of a pixel
    # moves the radius by less than 1e-3.
    np.testing.assert_allclose(zeros, [1.220, 2.233, 3.238], rtol=2e-3)
    np.testing.assert_allclose(turns, [1.635, 2.679, 3.699], rtol=2e-3)
    # A pixel's own sinc dims the third ring, at 0.09 cycles per pixel, by 2.8 % and the first by 0.6 %.
    np.testing.assert_allclose(curve(turns) ** 2, [0.0175, 0.0042, 0.0016], rtol=0.05)


@pytest.mark.parametrize("shift", SHIFTS)
def test_whole_pixels_roll_the_content_forward(shift):
    image = random_complex(5, 24, 31)
    rolled = np.roll(image, [int(s) for s in shift], axis=(0, 1))
    np.testing.assert_allclose(translate(image, shift), rolled, atol=1e-13)


@pytest.mark.parametrize("shift", SHIFTS + FRACTIONS)
def test_translation_of_an_analytic_function(shift):
    rows, cols = np.arange(24), np.arange(31)
    field = band_limited(6, 24, 31, limit=9)
    # Content moves by +t: the value now at r was at r - t. Exact below Nyquist up to rounding of some 100 terms.
    np.testing.assert_allclose(translate(field(rows, cols), shift), field(rows - shift[0], cols - shift[1]), atol=1e-11)


def test_translations_of_several_shifts_at_once():
    image = random_complex(7, 16, 16)
    stack = translate(image, np.array(FRACTIONS))
    for one, shift in zip(stack, FRACTIONS, strict=True):
        np.testing.assert_allclose(one, translate(image, shift), atol=1e-14)


def test_translation_is_unitary_and_additive():
    image = random_complex(8, 16, 16)
    there = translate(image, (0.3, -0.8))
    assert np.linalg.norm(there) == pytest.approx(np.linalg.norm(image), rel=1e-13)
    np.testing.assert_allclose(translate(there, (-0.3, 0.8)), image, atol=1e-13)


@pytest.mark.parametrize("n", [8, 9])
def test_positions_split_into_corner_and_fraction(n):
    positions = np.array([[20.0, 30.0], [20.49, 29.51], [20.5, 29.5], [19.75, 30.25]])
    corners, fractions = split_positions(positions, n)
    np.testing.assert_array_equal(corners + n // 2, [[20, 30], [20, 30], [21, 30], [20, 30]])
    np.testing.assert_allclose(fractions, [[0, 0], [0.49, -0.49], [-0.5, -0.5], [-0.25, 0.25]], atol=1e-12)
    np.testing.assert_allclose(corners + n // 2 + fractions, positions, atol=1e-12)


def test_exit_wave_at_whole_pixels_is_the_plain_product():
    object_, probe = random_complex(9, 40, 50), random_complex(10, 16, 16)
    found = exit_waves(object_, probe, np.array([[20.0, 31.0]]))[0]
    # Window rows [y - N/2, y + N/2): the position is the centre of the window.
    np.testing.assert_allclose(found, probe * object_[12:28, 23:39], atol=1e-13)


@pytest.mark.parametrize("shift", SHIFTS[1:])
def test_moving_the_position_is_moving_the_object_back(shift):
    object_, probe = random_complex(11, 40, 50), random_complex(12, 16, 16)
    position = np.array([[20.3, 25.8]])
    back = np.roll(object_, [-int(s) for s in shift], axis=(0, 1))
    np.testing.assert_allclose(
        exit_waves(object_, probe, position + shift), exit_waves(back, probe, position), atol=1e-12
    )


@pytest.mark.parametrize("fraction", [(0.49, 0.0), (-0.5, 0.0), (0.0, 0.4), (0.0, -0.4), (0.3, -0.45)])
def test_subpixel_position_equals_a_shifted_object(fraction):
    n = 32
    grid, place_rows, place_cols = np.arange(n), np.arange(3 * n), np.arange(4 * n)
    object_ = band_limited(13, n, n, limit=7)
    # Probe and object together stay below Nyquist (7 + 8 < 16), so that both descriptions are exact.
    probe = band_limited(14, n, n, limit=8)(grid, grid)
    fraction = np.array(fraction)
    at = np.array([[50.0, 61.0]])
    found = exit_waves(object_(place_rows, place_cols), probe, at + fraction)[0]
    moved = object_(place_rows + fraction[0], place_cols + fraction[1])
    whole = exit_waves(moved, probe, at)[0]
    # The probe moved forward by f is the object moved back by f, and the whole wave then moved forward by f.
    scale = np.abs(whole).max()
    np.testing.assert_allclose(found, translate(whole, fraction), atol=1e-12 * scale)
    # The detector does not see the common shift.
    np.testing.assert_allclose(
        intensities(object_(place_rows, place_cols), probe, at + fraction)[0],
        np.abs(far_field(whole)) ** 2,
        atol=1e-11 * scale**2 * n,
    )


def test_intensity_keeps_the_power_of_the_exit_wave():
    object_, probe = np.exp(1j * np.random.default_rng(15).uniform(0, 3, (40, 50))), random_complex(16, 16, 16)
    positions = np.array([[12.4, 13.9], [20.0, 30.5]])
    # A pure phase object absorbs nothing, and moving the probe by a fraction is unitary.
    np.testing.assert_allclose(
        intensities(object_, probe, positions).sum(axis=(1, 2)), (np.abs(probe) ** 2).sum(), rtol=1e-12
    )


# --- gauge: what diffraction cannot tell ------------------------------------------------------------------------------


def frames(object_, probe):
    # Whole pixels: a fraction makes white noise ring beyond its window, whose edge then breaks the symmetry.
    return intensities(object_, probe, np.array([[20.0, 25.0], [17.0, 30.0]]))


@pytest.mark.parametrize("shift", SHIFTS[1:])
def test_a_displaced_probe_is_a_displaced_object(shift):
    # Dark margins, so that nothing of the probe wraps around.
    object_, probe = random_complex(17, 40, 50), np.pad(random_complex(18, 6, 6), 7)
    steps = [int(s) for s in shift]
    moved = frames(np.roll(object_, steps, axis=(0, 1)), np.roll(probe, steps, axis=(0, 1)))
    np.testing.assert_allclose(moved, frames(object_, probe), atol=1e-11)


def test_a_factor_moves_between_probe_and_object():
    object_, probe = random_complex(19, 40, 50), random_complex(20, 16, 16)
    factor = 0.3 - 1.7j
    np.testing.assert_allclose(frames(factor * object_, probe / factor), frames(object_, probe), rtol=1e-11)


@pytest.mark.parametrize("ramp", [(0.3, 0.0), (0.0, -0.2), (-0.15, 0.4)])
def test_a_ramp_moves_between_probe_and_object(ramp):
    object_, probe = random_complex(21, 40, 50), random_complex(22, 16, 16)

    def tilted(field, sign):
        rows, cols = np.indices(field.shape)
        return field * np.exp(1j * sign * (ramp[0] * rows + ramp[1] * cols))

    found = frames(tilted(object_, 1), tilted(probe, -1))
    np.testing.assert_allclose(found, frames(object_, probe), rtol=1e-10, atol=1e-12)


def test_a_defocused_probe_is_no_gauge():
    probe = make_probe("disc", 16, diameter_px=7.0, edge_px=1.0, curvature_rad=1.0)
    wrong = distort_probe(probe, defocus_rad=1.0)
    right = frames(np.ones((40, 50)), probe)
    np.testing.assert_allclose(frames(np.ones((40, 50)), wrong), right, atol=1e-12)
    object_ = random_complex(23, 40, 50)
    # An empty beam looks the same in the far field; through an object the frames differ by a visible part.
    change = np.abs(frames(object_, wrong) - frames(object_, probe)).sum() / frames(object_, probe).sum()
    assert change > 0.05


@pytest.mark.parametrize("modes", [1, 3])
def test_light_of_the_waves_is_that_of_their_frames(modes):
    rng = np.random.default_rng(8)
    object_ = rng.uniform(0.2, 1, (40, 53)) * np.exp(1j * rng.uniform(-1, 1, (40, 53)))
    probe = rng.normal(size=(modes, 16, 16)) + 1j * rng.normal(size=(modes, 16, 16))
    positions = rng.uniform(9, [31, 44], (7, 2))
    expected = intensities(object_, probe, positions).sum(axis=(1, 2))
    # Frames of other light each: none stands for another.
    assert np.ptp(expected) > 0.05 * expected.mean()
    found = sum(light(exit_waves(object_, mode, positions)) for mode in probe)
    np.testing.assert_allclose(found, expected, rtol=1e-13)
