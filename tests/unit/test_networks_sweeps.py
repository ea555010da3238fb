"""The sweeps: interleaved images against NumPy, a known object found, and what the backend makes of them."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest

from ptychostudy.networks import interleaved, physics, sweeps
from ptychostudy.physics import propagate
from ptychostudy.physics.windows import split_positions

N = 16
# Single precision: 1e-5 of values of order one.
ROUNDING = 1e-5


def numpy_(x):
    return keras.ops.convert_to_numpy(x)


def random_complex(rng, *shape):
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def pair(values):
    return values.real.astype(np.float32), values.imag.astype(np.float32)


def complex_(image):
    real, imaginary = (numpy_(part) for part in interleaved.separate(image))
    return real + 1j * imaginary


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.mark.parametrize("support", [N, 10, 4])
def test_the_matrices_are_the_fourier_transform_of_the_padded_centre(rng, support):
    waves = random_complex(rng, 3, support, support)
    rim = (N - support) // 2
    expected = np.fft.fft2(np.pad(waves, ((0, 0), (rim, rim), (rim, rim))), norm="ortho")
    matrix = interleaved.fourier_matrix(N, support)
    field = interleaved.transform(interleaved.interleave(pair(waves)), matrix.astype("float32"))
    np.testing.assert_allclose(complex_(field).transpose(0, 2, 1), expected, atol=ROUNDING)
    # Back, only the centre is kept, and nothing of it was lost.
    back = interleaved.transform(field, matrix.T.astype("float32"))
    np.testing.assert_allclose(complex_(back), waves, atol=ROUNDING)
    other = random_complex(rng, 3, N, N)
    cut = np.fft.ifft2(other, norm="ortho")[:, rim : rim + support, rim : rim + support]
    turned = interleaved.interleave(pair(other.transpose(0, 2, 1)))
    np.testing.assert_allclose(complex_(interleaved.transform(turned, matrix.T.astype("float32"))), cut, atol=ROUNDING)


def test_products_of_interleaved_images(rng):
    one, other = random_complex(rng, 2, 5, 7), random_complex(rng, 2, 5, 7)
    image, by = interleaved.interleave(pair(one)), interleaved.factor(pair(other))
    np.testing.assert_allclose(complex_(interleaved.multiply(image, by)), one * other, atol=ROUNDING)
    np.testing.assert_allclose(complex_(interleaved.multiply_conjugate(image, by)), one * other.conj(), atol=ROUNDING)
    np.testing.assert_allclose(numpy_(interleaved.power(image)), np.abs(one) ** 2, rtol=ROUNDING)
    left, right = rng.normal(size=(2, 3, 5)).astype("float32"), rng.normal(size=(2, 7, 4)).astype("float32")
    found = complex_(interleaved.both_sides(left, image, right))
    # Sums of 35 products.
    np.testing.assert_allclose(found, left @ one @ right, atol=10 * ROUNDING)


def naive(amplitude, probes, corners, mask, steps):
    """The same sweeps of one group, with NumPy in double precision, on the whole window and canvas."""
    n = probes.shape[-1]
    windows = [(slice(row, row + n), slice(col, col + n)) for row, col in corners]
    light, start = np.zeros((SIDE, SIDE)), np.zeros((SIDE, SIDE), complex)
    for frame, probe, window in zip(amplitude, probes, windows, strict=True):
        far = np.fft.fft2(probe, norm="ortho")
        start[window] += probe.conj() * np.fft.ifft2(np.where(mask, frame, abs(far)) * far / abs(far), norm="ortho")
        light[window] += abs(probe) ** 2
    now = (start + sweeps.DIM * light.max()) / (light + sweeps.DIM * light.max())
    before = now
    for step in range(steps):
        now, before = now + sweeps.MOMENTUM * (now - before), now
        for frame, probe, window in zip(amplitude, probes, windows, strict=True):
            far = np.fft.fft2(probe * now[window], norm="ortho")
            missing = np.where(mask, frame / abs(far) - 1, 0) * far
            gain = (sweeps.FIRST_GAIN - step / steps) / (abs(probe) ** 2).max()
            change = gain * probe.conj() * np.fft.ifft2(missing, norm="ortho")
            now = now.copy()
            now[window] += change
    return now


SIDE = 24


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_the_sweeps_are_those_of_the_docstring(rng, steps):
    # Amplitudes and probes without symmetry, three frames, two groups that differ, a masked pixel off the diagonal.
    probe = random_complex(rng, N, N)
    amplitude = 1 + rng.random((2, 3, N, N))
    fractions, offsets = rng.uniform(-0.5, 0.5, (2, 3, 2)), rng.integers(0, SIDE - N + 1, (2, 3, 2))
    mask = np.ones((N, N))
    mask[3, 5] = 0
    probes = physics.FrameProbes(probe)(fractions.astype("float32"))
    layer = sweeps.BackProject(SIDE, 0, N, mask, steps=steps)
    out = numpy_(layer(amplitude.astype("float32"), probes, offsets.astype("float32")))
    exact = numpy_(probes[0]) + 1j * numpy_(probes[1]).astype(complex)
    for g in range(2):
        expected = naive(amplitude[g], exact[g], offsets[g], mask, steps)
        found = out[g, ..., 2]
        # Three sweeps carry a rounding of 1e-6 through roots of the weakest pixels.
        np.testing.assert_allclose(found, np.sqrt(abs(expected) ** 2 + 1e-6), atol=1e-3)
        lit = out[g, ..., 4] / (out[g, ..., 4] + sweeps.DIM)
        turn = np.exp(1j * out[g, ..., 3] / np.maximum(lit, 1e-6))
        sure = (abs(expected) > 0.1) & (lit > 0.5)
        np.testing.assert_allclose(turn[sure], (expected / abs(expected))[sure], atol=1e-2)


def test_back_projection_recovers_a_known_object(rng):
    rows, cols = np.indices((48, 48))
    object_ = (0.7 + 0.3 * np.sin(rows / 3)) * np.exp(0.5j * np.cos(cols / 4 + rows / 9))
    radius = np.hypot(*(np.indices((32, 32)) - 15.5))
    probe = (1 / (1 + np.exp(2 * (radius - 8)))) * np.exp(0.08j * radius**2)
    positions = np.array([[22.2, 22.0], [22.0, 26.3], [26.4, 22.1], [26.0, 26.0]])
    corners, fractions = split_positions(positions, 32)
    amplitude = np.sqrt(propagate.intensities(object_, probe, positions))[None].astype("float32")
    probes = physics.FrameProbes(probe)(fractions[None].astype("float32"))
    errors = []
    for steps in (0, 30):
        layer = sweeps.BackProject(40, 0, 28, np.ones((32, 32)), steps=steps)
        out = numpy_(layer(amplitude, probes, (corners - 4)[None].astype("float32")))[0]
        field = out[..., 2] * np.exp(1j * out[..., 3])
        truth, lit = object_[4:44, 4:44], out[..., 4] > 0.3
        factor = np.vdot(field[lit], truth[lit]) / np.vdot(field[lit], field[lit])
        errors.append(np.linalg.norm(factor * field[lit] - truth[lit]) / np.linalg.norm(truth[lit]))
    # Thirty noise-free sweeps of four frames come within a few per cent; the start alone does not.
    assert errors[1] < 0.1 < errors[0]


def test_masked_pixels_change_nothing_in_back_projection(rng):
    mask = np.ones((N, N))
    mask[3, 5] = 0
    probes = physics.FrameProbes(random_complex(rng, N, N))(np.zeros((1, 1, 2), "float32"))
    amplitude = rng.random((1, 1, N, N)).astype("float32")
    spoiled = amplitude.copy()
    spoiled[..., 3, 5] = 1e3
    layer = sweeps.BackProject(N, 0, N, mask, steps=2)
    offsets = np.zeros((1, 1, 2), "float32")
    assert np.array_equal(numpy_(layer(amplitude, probes, offsets)), numpy_(layer(spoiled, probes, offsets)))


@pytest.fixture
def traced():
    """Return a function that traces sweeps under a gradient, as a training does, and gives its operations."""
    tf = pytest.importorskip("tensorflow")

    def trace(steps):
        layer = sweeps.BackProject(24, 0, N, np.ones((N, N)), steps=steps)
        probes = physics.FrameProbes(np.ones((N, N)))
        weight = tf.Variable(np.ones((24, 24, 5), "float32"))

        @tf.function
        def step(amplitude, offsets, fractions):
            with tf.GradientTape() as tape:
                value = tf.reduce_sum(layer(amplitude, probes(fractions), offsets) * weight)
            return tape.gradient(value, weight)

        shapes = [(2, 3, N, N), (2, 3, 2), (2, 3, 2)]
        graph = step.get_concrete_function(*(tf.TensorSpec(shape) for shape in shapes)).graph
        definition = graph.as_graph_def()
        functions = [node.op for function in definition.library.function for node in function.node_def]
        return [node.op for node in definition.node], functions

    return trace


def test_more_sweeps_are_no_larger_graph_and_keep_nothing_for_a_gradient(traced):
    few, many = traced(2), traced(40)
    assert [len(part) for part in few] == [len(part) for part in many]
    operations = {name for part in many for name in part}
    assert operations & {"While", "StatelessWhile"}
    # Through a loop a gradient keeps each turn's tensors in lists; none flows here.
    assert not [name for name in operations if name.startswith("TensorList")]
