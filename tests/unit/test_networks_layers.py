"""Physics layers against the NumPy model, adjointness, and independence of the batch."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest

from ptychostudy.networks import losses, physics, placement, tensors
from ptychostudy.physics import propagate
from ptychostudy.physics.windows import place, split_positions

N, SIDE = 16, 32


def numpy_(x):
    return keras.ops.convert_to_numpy(x)


def random_complex(rng, *shape):
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def pair(values):
    return values.real.astype(np.float32), values.imag.astype(np.float32)


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def test_frame_probes_equal_the_numpy_translation(rng):
    probe = random_complex(rng, N, N)
    fractions = np.array([[[0.0, 0.0], [0.31, -0.47], [-0.5, 0.2], [0.49, 0.49]]])
    real, imaginary = (numpy_(part) for part in physics.FrameProbes(probe)(fractions.astype("float32")))
    sign = (-1.0) ** np.add.outer(np.arange(N), np.arange(N))
    expected = propagate.translate(probe, fractions[0])
    # Single precision: 1e-5 of values of order one.
    assert np.allclose((real + 1j * imaginary)[0] * sign, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("offset", [(0, 0), (16, 16), (3, 11), (11, 3), (0, 16), (16, 0)])
def test_extract_cuts_the_window_at_the_offset(rng, offset):
    canvas = rng.normal(size=(1, SIDE, SIDE)).astype("float32")
    matrices = placement.shift_matrices(np.array([[offset]], "float32"), N, SIDE)
    expected = canvas[0, offset[0] : offset[0] + N, offset[1] : offset[1] + N]
    # One-hot rows: sums of zeros and one value are exact.
    assert np.array_equal(numpy_(placement.extract(canvas, matrices))[0, 0], expected)
    placed = numpy_(placement.place(expected[None, None], matrices))[0]
    assert np.array_equal(placed[offset[0] : offset[0] + N, offset[1] : offset[1] + N], expected)
    assert np.count_nonzero(placed) == N * N


def test_the_transform_conserves_energy(rng):
    field = random_complex(rng, 2, 3, N, N)
    real, imaginary = (numpy_(part) for part in tensors.fourier(pair(field)))
    # Single precision: 1e-5 of values of order one.
    np.testing.assert_allclose(real + 1j * imaginary, np.fft.fft2(field, norm="ortho"), atol=1e-5)


def test_place_is_the_adjoint_of_extract(rng):
    canvas = rng.normal(size=(3, SIDE, SIDE)).astype("float32")
    windows = rng.normal(size=(3, 4, N, N)).astype("float32")
    matrices = placement.shift_matrices(rng.integers(0, SIDE - N + 1, (3, 4, 2)), N, SIDE)
    left = np.vdot(numpy_(placement.extract(canvas, matrices)), windows)
    right = np.vdot(canvas, numpy_(placement.place(windows, matrices)))
    # Sums of 3000 products in single precision.
    assert left == pytest.approx(right, abs=1e-2)


@pytest.mark.parametrize("groups", [1, 15, 16, 17, 64])
@pytest.mark.parametrize("frames", [1, 4])
def test_reassemble_keeps_groups_apart_for_every_batch(rng, groups, frames):
    weight = np.pad(np.ones((N // 2, N // 2)), N // 4)
    layer = placement.Reassemble(weight, SIDE)
    scene = rng.normal(size=(64, SIDE, SIDE)).astype("float32")
    offsets = rng.integers(0, SIDE - N + 1, (64, frames, 2))
    patches = numpy_(placement.extract(scene, placement.shift_matrices(offsets, N, SIDE)))
    out = numpy_(layer(patches[:groups], offsets[:groups]))
    assert out.shape == (groups, SIDE, SIDE)
    for g in range(groups):
        seen = place(np.tile(weight, (frames, 1, 1)), offsets[g], (SIDE, SIDE)) > 0
        # Patches of one scene agree, so their weighted mean is the scene; epsilon is 1e-6 of a weight of one.
        assert np.allclose(out[g], np.where(seen, scene[g], 0), atol=1e-5)


def test_far_field_equals_the_numpy_intensities(rng):
    object_, probe = random_complex(rng, 60, 60), random_complex(rng, N, N)
    positions = np.array([[20.3, 25.8], [24.5, 20.1], [27.9, 29.5], [22.0, 31.2]])
    corners, fractions = split_positions(positions, N)
    origin = corners.min(axis=0) - 1
    canvas = object_[origin[0] : origin[0] + SIDE, origin[1] : origin[1] + SIDE]
    probes = physics.FrameProbes(probe)(fractions[None].astype("float32"))
    intensity = numpy_(physics.FarField()(pair(canvas[None]), probes, (corners - origin)[None].astype("float32")))
    expected = propagate.intensities(object_, probe, positions)
    assert np.allclose(intensity[0], expected, atol=1e-5 * expected.max())


def test_poisson_is_smallest_at_the_truth_and_reaches_the_floor(rng):
    amplitude = rng.random((2, 1, N, N)).astype("float32")
    loss = losses.poisson()
    at_truth = numpy_(loss(amplitude, amplitude**2))
    # Single precision sums of 256 terms of order one.
    assert np.allclose(at_truth, losses.entropy_floor(amplitude), atol=1e-5)
    assert np.all(numpy_(loss(amplitude, amplitude**2 * 1.1)) > at_truth)
    assert np.all(numpy_(loss(amplitude, amplitude**2 * 0.9)) > at_truth)


def test_losses_ignore_masked_pixels(rng):
    mask = np.ones((N, N))
    mask[0, :] = 0
    amplitude, rate = rng.random((2, 2, 1, N, N)).astype("float32")
    spoiled = amplitude.copy()
    spoiled[..., 0, :] = 50
    for build in (losses.poisson, losses.amplitude_error):
        assert np.array_equal(numpy_(build(mask)(amplitude, rate)), numpy_(build(mask)(spoiled, rate)))
    assert np.array_equal(losses.entropy_floor(amplitude, mask), losses.entropy_floor(spoiled, mask))
