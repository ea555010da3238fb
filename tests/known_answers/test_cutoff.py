"""Up to where a ring correlation is above its threshold: analytic curves, and what noise does to it."""

import numpy as np
import pytest

from ptychostudy.measure.cutoff import crossing, cutoff, extent
from ptychostudy.measure.frc import RingCurve, half_bit, ring_correlation

SIDE = 96
DRAWS = 60
FULL = np.ones((SIDE, SIDE), dtype=bool)

# Of the frequency as a fraction of Nyquist.
CURVES = {
    "steep": lambda q: 1 / np.sqrt(1 + 3 * (q / 0.5) ** 8),
    "gentle": lambda q: np.clip(0.95 - 0.9 * q, 0.02, 1),
    "concave": lambda q: np.clip(1 - 0.5 * (q / 0.6) ** 2, 0.02, 1),
    "convex": lambda q: 0.5 ** (q / 0.3),
    # From 0.53 to 0.47 over 0.6 of the range: less than the standard error of any ring.
    "plateau": lambda q: np.interp(q, [0, 0.2, 0.8, 1], [0.95, 0.53, 0.47, 0.05]),
}
HALF = {"steep": 0.5, "gentle": 0.5, "concave": 0.6, "convex": 0.3, "plateau": 0.5}


def white(rng):
    """Return the spectrum of real white noise."""
    return np.fft.fft2(rng.normal(size=(SIDE, SIDE)))


def radius():
    rows, cols = np.meshgrid(np.fft.fftfreq(SIDE, 0.5), np.fft.fftfreq(SIDE, 0.5), indexing="ij")
    return np.minimum(np.hypot(rows, cols), 1.0)


def image(spectrum):
    return np.fft.ifft2(spectrum).real


def noise_for(profile):
    """Return the noise beside a white truth that makes the correlation `profile`: c = 1 / sqrt(1 + noise power)."""
    return np.sqrt(1 / profile(radius()) ** 2 - 1)


def drawn(name, seed=1, draws=DRAWS):
    """Return curves of a white truth and of the truth with noise whose correlation is known."""
    rng = np.random.default_rng(seed)
    noise = noise_for(CURVES[name])
    found = []
    for _ in range(draws):
        truth = white(rng)
        found.append(ring_correlation(image(truth + noise * white(rng)), image(truth), FULL))
    return found


def half_bit_answer(profile):
    """Return where a profile falls below the half-bit curve of rings of their mean number of pixels."""
    rings = np.linspace(1, SIDE / 2, 100_000)
    below = profile(rings / (SIDE / 2)) < half_bit(np.maximum(2 * np.pi * rings, 8))
    return rings[below][0] / (SIDE / 2)


def first(curve, threshold):
    return min(1.0, cutoff(curve, threshold).ring / (SIDE / 2))


@pytest.mark.parametrize(
    ("curve", "threshold", "first", "above"),
    [
        ([0.95, 0.72, 0.55, 0.45, 0.20], 0.5, 2.5, 2.5),
        ([0.95, 0.72, 0.66, 0.51], 0.5, 4.0, 4.0),
        ([0.80, 0.40, 0.20, 0.10], 0.5, 0.75, 0.75),
        ([0.80, 0.40, 0.20, 0.10], 1 / 7, 2.5714285714, 2.5714285714),
        ([0.9, 0.5, 0.5], 0.5, 3.0, 3.0),
        ([0.9, 0.7, 0.3], [0.5, 0.5, 0.5], 1.5, 1.5),
        ([0.3, 0.3, 0.3], 0.5, 0.0, 0.0),
        ([0.5, 0.3, 0.5], 0.5, 0.0, 0.0),
        # Above from 0.2 to 1.5; and 0.8, 0.4 and 1 of three steps with a dip at one ring.
        ([0.40, 0.90, 0.10], 0.5, 0.0, 1.3),
        ([0.9, 0.4, 0.56666666667, 0.5, 0.1], 0.5, 0.8, 0.8 + 0.4 + 1.0),
        # A threshold that falls with the curve: 0.1 above, 0.1 below, 0.3 above.
        ([0.9, 0.5, 0.6], [0.8, 0.6, 0.3], 0.5, 0.5 + 0.75),
    ],
)
def test_first_crossings_and_extents(curve, threshold, first, above):
    # Ten digits are what the published vectors are given with.
    assert crossing(curve, threshold) == pytest.approx(first, abs=1e-9)
    assert extent(curve, threshold) == pytest.approx(above, abs=1e-9)


def test_a_curve_that_only_falls_has_the_extent_of_its_crossing():
    rng = np.random.default_rng(2)
    for _ in range(500):
        # Small and large steps, some of them zero.
        steps = rng.exponential(size=30) * rng.integers(0, 2, 30)
        curve = 1 - np.cumsum(steps) / 20
        threshold = 0.5 + 0.2 * np.cumsum(rng.exponential(size=30)) / 30
        for wanted in (0.5, 1 / 7, threshold):
            # Rounding of a sum of thirty ones.
            assert extent(curve, wanted) == pytest.approx(crossing(curve, wanted), abs=1e-12)


def test_the_order_of_rings_does_not_matter_but_for_what_joins_them():
    """A curve beside its mirror image, and a dip moved along a level: the same part of it is above."""
    curve = np.random.default_rng(3).uniform(0.2, 0.8, 40)
    assert extent(curve, 0.5) == pytest.approx(extent(curve[::-1], 0.5), abs=1e-12)
    level = np.repeat([0.8, 0.2], 20)
    found = []
    for ring in (3, 8, 15):
        dipped = level.copy()
        dipped[ring] = 0.4
        found.append((extent(dipped, 0.5), crossing(dipped, 0.5)))
    # Of both steps at the dip a quarter is lost: the first crossing loses all behind it.
    np.testing.assert_allclose([extents for extents, _ in found], 19.5 - 0.5, atol=1e-12)
    np.testing.assert_allclose([crossings for _, crossings in found], [2.75, 7.75, 14.75], atol=1e-12)


@pytest.mark.parametrize("name", ["steep", "gentle", "concave", "convex"])
def test_the_known_crossing_is_found(name):
    """Without bias at both thresholds, on curves bent up and down; the first crossing stands too low."""
    curves = drawn(name)
    for threshold, answer in ((0.5, HALF[name]), ("half_bit", half_bit_answer(CURVES[name]))):
        found = np.array([cutoff(curve, threshold).frequency for curve in curves])
        # The window blurs the curve by a ring, 0.02; the mean's own standard error is a quarter of that at most.
        assert found.mean() == pytest.approx(answer, abs=0.02)
    late = np.mean([first(curve, 0.5) for curve in curves])
    assert late < HALF[name]
    # Three rings of a slope that is a ring's error in two, on which the lowest of several decides.
    if name in ("gentle", "convex"):
        assert late < HALF[name] - 0.03


def test_along_the_threshold_noise_decides_little():
    """The curve runs from 0.03 above to 0.03 below over half of the range: hardest for both, and both are told so."""
    curves = drawn("plateau")
    found = np.array([cutoff(curve, 0.5).frequency for curve in curves])
    old = np.array([first(curve, 0.5) for curve in curves])
    # Half the distance to the plateau's ends, within which any answer is in the curve's error.
    assert found.mean() == pytest.approx(0.5, abs=0.05)
    assert found.std() < 0.1
    # The old one stands where the plateau begins.
    assert old.mean() < 0.3


@pytest.mark.parametrize(("name", "threshold"), [("plateau", 0.5), ("convex", 1 / 7), ("gentle", "half_bit")])
def test_a_little_other_noise_moves_it_little(name, threshold):
    """Noise of which 97 % is the same, as of frames with a few pixels masked, makes the first crossing jump."""
    rng = np.random.default_rng(5)
    noise = noise_for(CURVES[name])
    moved, jumped = [], []
    for _ in range(DRAWS):
        truth, common, other = white(rng), white(rng), white(rng)
        pair = [truth + noise * common, truth + noise * (np.sqrt(0.97) * common + np.sqrt(0.03) * other)]
        curves = [ring_correlation(image(pred), image(truth), FULL) for pred in pair]
        moved.append(np.ptp([cutoff(curve, threshold).frequency for curve in curves]))
        jumped.append(np.ptp([first(curve, threshold) for curve in curves]))
    assert np.max(moved) < 0.1 < np.max(jumped)
    assert np.sqrt(np.mean(np.square(moved))) < 0.03


@pytest.mark.parametrize("kind", [np.float64, np.complex128])
@pytest.mark.parametrize("taper", [0.0, 0.25, 1.0])
def test_standard_errors_are_those_of_the_draws(kind, taper):
    """Of a constant correlation, of real and of complex images, under windows of any slope and with pixels missing."""
    rng, level = np.random.default_rng(6), 0.6
    mask = FULL.copy()
    mask[30:50, 20:70] = False
    scaled = []
    for _ in range(DRAWS):
        truth, noise = (rng.normal(size=(2, SIDE, SIDE)) for _ in range(2))
        if kind is np.float64:
            truth, noise = truth[0], noise[0]
        else:
            truth, noise = truth[0] + 1j * truth[1], noise[0] + 1j * noise[1]
        curve = ring_correlation(truth + noise * np.sqrt(1 / level**2 - 1), truth, mask, taper=taper)
        # Ring 0 repeats ring 1.
        assert curve.error[0] == curve.error[1] < 1
        # The first rings lost the mean, and hold too few pixels for a first-order law.
        scaled.append((curve.correlation - level)[5:] / curve.error[5:])
    # 60 draws of 44 rings: 1.4 %. That a ring meets its neighbours along one dimension is true of a window as wide as
    # the square; the hole leaves 8 % at the steepest. Without the window's share it would be 0.65, in two 1.3.
    assert np.std(scaled) == pytest.approx(1.0, abs=0.1)


def test_the_interval_holds_the_answer_and_tells_a_plateau():
    widths = {}
    for name in ("steep", "gentle", "plateau"):
        found = [cutoff(curve, 0.5) for curve in drawn(name, seed=7)]
        inside = [one.low <= HALF[name] <= one.high for one in found]
        # Where one ring decides it is one standard error, in which 68 % lie (of 60 draws give or take 6 %); where many
        # do, each at once by one standard error is more than one of the crossing.
        assert np.mean(inside) > (0.56 if name == "steep" else 0.9)
        assert all(one.low <= one.frequency <= one.high for one in found)
        widths[name] = np.mean([one.high - one.low for one in found])
    # The curve's error of 0.065 about 0.5 over its slope, 0.9 and 1.5 a Nyquist; of the plateau 0.6 and both flanks.
    assert widths["gentle"] == pytest.approx(2 * 0.065 / 0.9, rel=0.25)
    assert widths["steep"] == pytest.approx(2 * 0.065 / 3, rel=0.25)
    assert 0.4 < widths["plateau"] < 0.7


def test_the_interval_of_a_curve_without_error_is_its_crossing():
    rings = np.arange(5)
    curve = RingCurve(1 - rings / 4, rings / 4, np.full(5, 9), np.full(5, 0.2), 8, np.full(5, 0.0))
    assert cutoff(curve, 0.5) == (0.5, 0.5, 0.5, 2.0, False)
    # A quarter more or less is a ring more or less; beyond Nyquist there is none.
    wide = RingCurve(curve.correlation, curve.frequency, curve.count, curve.half_bit, 8, np.full(5, 0.25))
    assert cutoff(wide, 0.5)[:3] == (0.5, 0.25, 0.75)
    assert cutoff(wide, 0.1)[:3] == pytest.approx((0.9, 0.65, 1.0))
