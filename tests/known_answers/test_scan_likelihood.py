"""The likelihood of a scan: its value and gradient against SciPy and double precision, whatever probe and frames."""

import re

import numpy as np
import pytest
from scipy.special import kl_div

from ptychostudy.physics import scan_likelihood, scan_parts
from ptychostudy.physics.block_transform import FftwTransform, ScipyTransform
from ptychostudy.physics.frame_steps import FusedSteps, NumpySteps
from ptychostudy.physics.held_out import Frames
from ptychostudy.physics.propagate import intensities
from ptychostudy.physics.scan_likelihood import ScanLikelihood
from ptychostudy.physics.windows import corners, light


@pytest.fixture(autouse=True, params=[(FftwTransform, FusedSteps), (ScipyTransform, NumpySteps)])
def libraries(request, monkeypatch):
    """Each test with the transforms of either library, and the steps between them compiled or not."""
    transforms, steps = request.param
    monkeypatch.setattr(scan_likelihood, "block_transform", transforms)
    monkeypatch.setattr(scan_likelihood, "frame_steps", lambda pixels: steps())


# Unlike on both axes, so that rows for columns shows.
SHAPE = (40, 33)


def blurred(rng, shape):
    """Return a smooth complex field without any symmetry."""
    spectrum = rng.normal(size=(*shape, 2)) @ [1, 1j]
    rows, cols = (np.fft.fftfreq(side) for side in shape[-2:])
    return np.fft.ifft2(spectrum * np.exp(-60 * (rows[:, None] ** 2 + 0.5 * cols**2)))


def probe_of(n, modes, rng, photons=400.0):
    """Return modes (m, n, n), or one (n, n): lopsided, dark at the border of their window."""
    rows, cols = np.indices((n, n)) - n / 2
    spot = np.exp(-((rows - 0.7) ** 2 / 8 + (cols + 1.1) ** 2 / 5))
    found = (
        spot * np.exp(0.1j * rows - 0.05j * cols**2) * (1 + np.arange(modes)[:, None, None] * (rows + 1j * cols) / 4)
    )
    found *= np.sqrt(photons / np.sum(np.abs(found) ** 2))
    return found[0] if modes == 1 else found


class Scene:
    """Frames of a known object, and another object that does not fit them."""

    def __init__(self, n=12, modes=1, frames=9, seed=3):
        rng = np.random.default_rng(seed)
        self.n = n
        self.probe = probe_of(n, modes, rng)
        # Fractions of pixels everywhere; windows of the odd side and of the even one inside the canvas.
        self.positions = rng.uniform(n // 2 + 1, np.array(SHAPE) - n // 2 - 2, (frames, 2))
        self.object = 0.9 + 3 * blurred(rng, SHAPE)
        self.other = 0.8 + 3 * blurred(rng, SHAPE)
        self.counts = rng.poisson(intensities(self.object, self.probe, self.positions)).astype(np.uint32)
        assert (self.counts == 0).any() and self.counts.max() > 5

    def likelihood(self, counts=None, **options):
        counts = self.counts if counts is None else counts
        return ScanLikelihood(Frames(counts, np.arange(len(counts))), self.probe, self.positions, SHAPE, **options)

    def background(self, valid=True):
        """Return a fiftieth of what a valid pixel counts on the mean without an object, at most 0.05."""
        far = np.abs(np.fft.fftshift(np.fft.fft2(self.probe, norm="ortho"), axes=(-2, -1))) ** 2
        each = far.reshape(-1, self.n, self.n).sum(axis=0)
        return min(0.05, 0.02 * np.mean(each[np.broadcast_to(valid, each.shape)]))

    def value(self, field, valid=True, share=1.0):
        """Return half the deviance in double precision, as SciPy says it."""
        expected = share * (intensities(field, self.probe, self.positions) + self.background(valid))
        return float(np.sum(kl_div(self.counts, expected) * valid))

    def slope(self, field, direction, step=1e-4, **options):
        ahead, behind = (self.value(field + sign * step * direction, **options) for sign in (1, -1))
        return (ahead - behind) / (2 * step)


def slope_of(gradient, direction):
    """Return how fast a value grows along a direction, of its gradient with respect to the conjugate."""
    return 2 * np.vdot(gradient, direction).real


@pytest.mark.parametrize(("n", "modes"), [(12, 1), (11, 1), (12, 2), (11, 3)])
def test_value_and_gradient_are_those_of_half_the_deviance(n, modes):
    scene = Scene(n, modes)
    value, gradient = scene.likelihood().value_and_gradient(scene.other)
    # Frames are transformed in single precision.
    assert value == pytest.approx(scene.value(scene.other), rel=1e-5)
    assert gradient.shape == SHAPE and gradient.dtype == np.complex64
    rng = np.random.default_rng(0)
    for _ in range(4):
        direction = blurred(rng, SHAPE)
        assert slope_of(gradient, direction) == pytest.approx(scene.slope(scene.other, direction), rel=1e-4)
    # One pixel, its real part and its imaginary one: no mean over an axis can stand for it.
    row, col = corners(scene.positions, n)[0] + n // 2
    for part in (1, 1j):
        direction = np.zeros(SHAPE, complex)
        direction[row, col] = part
        scale = float(np.abs(gradient).max())
        assert slope_of(gradient, direction) == pytest.approx(scene.slope(scene.other, direction), abs=1e-4 * scale)


def test_where_no_light_falls_there_is_no_slope():
    scene = Scene(frames=2)
    _, gradient = scene.likelihood().value_and_gradient(scene.other)
    seen = light(np.ones((12, 12)), scene.positions, SHAPE) > 0
    assert not gradient[~seen].any() and gradient[seen].any()


def test_no_frames_say_nothing():
    scene = Scene(frames=2)
    scene.positions = scene.positions[:0]
    value, gradient = scene.likelihood(scene.counts[:0]).value_and_gradient(scene.other)
    assert value == 0 and gradient.shape == SHAPE and not gradient.any()


def test_a_global_phase_changes_the_value_by_nothing_and_turns_the_gradient():
    scene = Scene()
    turn = np.exp(0.7j)
    value, gradient = scene.likelihood().value_and_gradient(scene.other)
    turned, turned_gradient = scene.likelihood().value_and_gradient(scene.other * turn)
    assert turned == pytest.approx(value, rel=1e-6)
    np.testing.assert_allclose(turned_gradient, gradient * turn, atol=1e-5 * np.abs(gradient).max())


@pytest.mark.parametrize(("n", "modes"), [(12, 1), (11, 1), (12, 2)])
def test_what_a_mask_leaves_out_changes_nothing(n, modes):
    scene = Scene(n, modes)
    valid = np.ones((n, n), bool)
    valid[2:5, 7] = valid[6, 6] = valid[10, 0] = False
    value, gradient = scene.likelihood(valid=valid).value_and_gradient(scene.other)
    assert value == pytest.approx(scene.value(scene.other, valid), rel=1e-5)
    direction = blurred(np.random.default_rng(1), SHAPE)
    wanted = scene.slope(scene.other, direction, valid=valid)
    assert slope_of(gradient, direction) == pytest.approx(wanted, rel=1e-4)
    assert abs(wanted / scene.slope(scene.other, direction) - 1) > 1e-3, "the mask must matter"
    hot = np.where(valid, scene.counts, np.uint32(2**32 - 1))
    again, same = scene.likelihood(hot, valid=valid).value_and_gradient(scene.other)
    assert again == value and np.array_equal(same, gradient)
    assert scene.likelihood(valid=valid).pixels == 9 * (n**2 - 5)


def test_a_share_of_the_photons_is_a_weaker_probe():
    scene = Scene()
    likelihood = scene.likelihood(share=0.25)
    value, gradient = likelihood.value_and_gradient(scene.other)
    assert value == pytest.approx(scene.value(scene.other, share=0.25), rel=1e-5)
    direction = blurred(np.random.default_rng(2), SHAPE)
    assert slope_of(gradient, direction) == pytest.approx(scene.slope(scene.other, direction, share=0.25), rel=1e-4)
    np.testing.assert_allclose(likelihood.light, scene.likelihood().light / 4, rtol=1e-6)


@pytest.mark.parametrize("modes", [1, 2])
def test_the_light_is_the_power_of_the_probe_once_a_frame(modes):
    scene = Scene(modes=modes)
    found = scene.likelihood().light
    assert found.sum() == pytest.approx(400 * 9, rel=1e-5)
    once = np.zeros(SHAPE)
    for row, col in corners(scene.positions, 12):
        once[row : row + 12, col : col + 12] += np.abs(scene.probe.reshape(-1, 12, 12) ** 2).sum(axis=0)
    np.testing.assert_allclose(found, once, rtol=1e-5, atol=1e-6)


def test_expected_counts_are_a_minimum_up_to_the_background():
    """Of frames without noise that count the background, too, no step is asked for."""
    scene = Scene()
    exact = (intensities(scene.object, scene.probe, scene.positions) + scene.background()).astype(np.float32)
    value, gradient = scene.likelihood(exact).value_and_gradient(scene.object)
    _, other = scene.likelihood(exact).value_and_gradient(scene.other)
    assert abs(value) < 1e-4
    assert np.abs(gradient).max() < 1e-4 * np.abs(other).max()


@pytest.mark.parametrize("mean", [0.001, 0.061, 0.2, 0.9, 1.0, 24.0])
@pytest.mark.parametrize("share", [1.0, 0.2])
def test_the_background_is_small_against_what_a_pixel_counts(mean, share):
    """0.05 photons on pixels that count 0.06 were as much as the frames say, and slow phase grew of them."""
    n = 12
    probe = np.full((n, n), np.sqrt(mean), complex)
    one = ScanLikelihood(Frames(np.ones((1, n, n), np.uint32), np.arange(1)), probe, [[20, 20]], SHAPE, share=share)
    assert one.background == pytest.approx(share * min(0.05, 0.02 * mean), rel=1e-5)
    far = np.abs(np.fft.fftshift(np.fft.fft2(probe, norm="ortho"))) ** 2
    expected = float(np.sum(kl_div(1, share * far + one.background)))
    assert one.value_and_gradient(np.ones(SHAPE, np.complex64))[0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("frames", [1, 15, 16, 63, 64, 65])
@pytest.mark.parametrize("passes", [scan_likelihood.PASSES, 10**9])
def test_what_is_kept_and_how_many_threads_there_are_changes_nothing(frames, passes, monkeypatch):
    monkeypatch.setattr(scan_likelihood, "_BLOCK_PIXELS", 4 * 12**2)
    scene = Scene(frames=frames)
    # Of a detector that counts much on one pixel, once: blocks differ in the bytes that hold them.
    scene.counts[frames // 2, 5, 7] = 70_000
    # So often that steps are compiled, and not.
    first = scene.likelihood(passes=passes).value_and_gradient(scene.other)
    assert first[0] == pytest.approx(scene.value(scene.other), rel=1e-5)
    # Room for all blocks, for some frames and no probe, for none.
    for room, threads in ((scan_parts._KEPT, 1), (8 * 6 * 4 * 12**2, 2), (0, 1), (scan_parts._KEPT, 3)):
        monkeypatch.setattr(scan_parts, "_KEPT", room)
        likelihood = scene.likelihood(threads=threads, passes=passes)
        for _ in range(2):
            value, gradient = likelihood.value_and_gradient(scene.other)
            assert value == first[0] and np.array_equal(gradient, first[1])
        blocks = -(-frames // 4)
        kept = sum(len(part.kept) for part in likelihood._parts)
        shifted = sum(part._frames for part in likelihood._parts)
        assert len(likelihood._benches) <= threads
        assert room < 2**20 or (kept, shifted) == (blocks, frames)
        assert room > 0 or (kept, shifted) == (0, 0)


@pytest.mark.parametrize("frames", [1, 63, 64, 65])
def test_a_streamed_likelihood_keeps_some_frames_and_says_the_same(frames, monkeypatch):
    monkeypatch.setattr(scan_likelihood, "_BLOCK_PIXELS", 2 * 12**2)
    monkeypatch.setattr(scan_likelihood, "_STREAMED", 8 * 4)
    scene = Scene(frames=frames)
    known = scene.likelihood().value_and_gradient(scene.other)
    likelihood = scene.likelihood(streamed=True, passes=10**9)
    for _ in range(2):
        value, gradient = likelihood.value_and_gradient(scene.other)
        assert value == pytest.approx(known[0], rel=1e-5)
        np.testing.assert_allclose(gradient, known[1], rtol=0, atol=1e-5 * np.abs(known[1]).max())
    # Never compiled, however often it is asked.
    assert likelihood._pixels == 0 < scene.likelihood()._pixels
    for part in likelihood._parts:
        own = part.blocks[-1].stop - part.blocks[0].start
        assert part._frames == sum(len(block.counts) for block in part.kept.values()) == min(own, 4)


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int16, np.uint8, ">u4"])
def test_what_lies_under_a_mask_is_nothing_whatever_it_is(kind):
    scene, valid = Scene(), np.ones((12, 12), bool)
    valid[2:5, 7] = valid[6, 6] = False
    wanted = scene.likelihood(valid=valid).value_and_gradient(scene.other)
    counts = scene.counts.astype(kind)
    of_type = np.dtype(kind)
    counts[:, ~valid] = np.nan if of_type.kind == "f" else np.iinfo(of_type).min or np.iinfo(of_type).max
    value, gradient = scene.likelihood(counts, valid=valid).value_and_gradient(scene.other)
    assert value == wanted[0] and np.array_equal(gradient, wanted[1])


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"valid": np.ones((1, 12), bool)}, r"valid pixels of shape \(1, 12\), 12 of them; needed: \(12, 12\)"),
        ({"valid": np.zeros((12, 12), bool)}, "0 of them; needed: .*, and one at least"),
        ({"counts": np.ones((8, 12, 12), np.uint32)}, "8 frames at 9 positions"),
    ],
)
def test_what_does_not_go_together_is_refused(options, error):
    with pytest.raises(ValueError, match=error):
        Scene().likelihood(**options)


@pytest.mark.parametrize(("shape", "error"), [((39, 33), "needed: (40, 33)"), ((40, 34), "needed: (40, 33)")])
def test_an_object_of_another_size_is_refused(shape, error):
    with pytest.raises(ValueError, match=re.escape(error)):
        Scene().likelihood().value_and_gradient(np.ones(shape, np.complex64))


@pytest.mark.parametrize("off", [(-20, 0), (0, -20), (20, 0), (0, 20), (np.nan, 0), (0, 1e30)])
def test_a_window_that_leaves_the_canvas_is_refused(off):
    scene = Scene()
    scene.positions[4] += off
    with pytest.raises(ValueError, match="window 4 at corner"):
        scene.likelihood()
