"""Objects of the greatest likelihood: what is recovered, what a prior smooths, and how strong it is chosen."""

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.optimize

from ptychostudy.physics import prior_weight
from ptychostudy.physics.held_out import Frames
from ptychostudy.physics.maximum import Penalised, plain, price_of, smooth, smoothed, steps_with_prior
from ptychostudy.physics.minimise import minimise
from ptychostudy.physics.prior_weight import choose_weight
from ptychostudy.physics.propagate import intensities
from ptychostudy.physics.scan_likelihood import ScanLikelihood
from ptychostudy.physics.total_variation import total_variation
from ptychostudy.recipes import maximise
from ptychostudy.recipes.maximise import ViewOfScan, weight_of
from ptychostudy.study.sections.maximise import MaximiseSettings
from scenes import SHAPE, made_scan, made_scene

WAYS = MaximiseSettings()
SCALES = MaximiseSettings(scales="all")


def error(field, truth, where):
    """Return the root mean square of what differs, once the global phase is that of the truth."""
    common = np.vdot(field[where], truth[where])
    return float(np.sqrt(np.mean(np.abs(field[where] * common / abs(common) - truth[where]) ** 2)))


@pytest.fixture(scope="module")
def noiseless():
    """Return the likelihood of the exact counts of an object unlike in rows and columns, and the object."""
    scene = made_scene(step=5.0)
    probe = (3e3 * scene.probe / np.linalg.norm(scene.probe)).astype(np.complex64)
    expected = intensities(scene.object, probe, scene.positions)
    # Of a probe that bright the background is the most it is.
    counts = (expected + 0.05).astype(np.float32)
    return ScanLikelihood(Frames(counts, np.arange(len(counts))), probe, scene.positions, SHAPE), scene.object


def test_exact_counts_give_the_object_back_up_to_its_global_phase(noiseless):
    likelihood, truth = noiseless
    field = plain(likelihood, WAYS)
    lit = likelihood.light > 0.1 * likelihood.light.max()
    # After 60 iterations from a flat start; that start misses fifteen times as much.
    flat = error(np.ones_like(truth), truth, lit)
    assert flat > 0.1
    found = error(field, truth, lit)
    assert found < 0.03, found
    for mistake in (truth[::-1], truth[:, ::-1], truth.conj()):
        assert error(field, mistake, lit) > 5 * found
    # Where there is no light, nothing is made up.
    dark = likelihood.light == 0
    assert dark.any() and np.all(field[dark] == 1)


def test_more_iterations_fit_better(noiseless):
    likelihood, _ = noiseless
    flat = np.ones(SHAPE, np.complex64)
    values = [likelihood.value_and_gradient(flat)[0]]
    for iterations in (5, 20):
        field = minimise(likelihood.value_and_gradient, flat, likelihood.light, iterations)
        values.append(likelihood.value_and_gradient(field)[0])
    assert values[2] < 0.5 * values[1] < 0.25 * values[0]


def test_a_quadratic_is_minimised_whatever_its_curvatures():
    """Of ``sum c |z - z0|^2`` with light c the scaled problem is a sphere: one step and a few to be exact."""
    rng = np.random.default_rng(0)
    light = 10 ** rng.uniform(2, 4, (6, 4))
    wanted = rng.normal(size=(6, 4)) + 1j * rng.normal(size=(6, 4))

    def objective(field):
        off = field - wanted
        return float(np.sum(light * np.abs(off) ** 2)), light * off

    found = minimise(objective, np.zeros((6, 4)), light, 40)
    assert found.dtype == np.complex64
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_the_solver_is_given_value_and_slope_of_the_same_function(monkeypatch):
    """Against finite differences, in the units in which it searches; it is told how many iterations are wanted."""
    rng = np.random.default_rng(0)
    light, start = rng.uniform(1, 100, (5, 3)), rng.normal(size=(5, 3, 2)) @ [1, 1j]
    asked = []

    def objective(field):
        return float(np.sum(np.abs(field - 2) ** 2)), field - 2

    def look(function, first, *, jac, method, options):
        value, slope = function(first)
        assert jac and value == pytest.approx(objective(start)[0], rel=1e-6)
        for place, step in enumerate(1e-2 * np.eye(first.size)):
            # Of a parabola central differences are exact, but for the single precision of the canvas.
            wanted = (function(first + step)[0] - function(first - step)[0]) / 2e-2
            assert slope[place] == pytest.approx(wanted, abs=2e-3)
        asked.append(options["maxiter"])
        return SimpleNamespace(x=first)

    monkeypatch.setattr(scipy.optimize, "minimize", look)
    np.testing.assert_allclose(minimise(objective, start, light, 7), start, rtol=1e-5)
    assert asked == [7]


def test_a_prior_is_priced_in_units_of_the_noise():
    light = np.full((4, 5), 900.0)
    light[0] = 1.0  # the edge of a scan says nothing
    assert price_of(2.0, light) == pytest.approx(60.0)
    # Ten times the dose, the root of that in price.
    assert price_of(2.0, 100 * light) == pytest.approx(600.0)


@pytest.fixture(scope="module")
def noisy():
    """Return a view of few photons, and its likelihood."""
    scan = made_scan(2e3, seed=1)
    view = ViewOfScan.of(scan, np.arange(0, len(scan.positions), 2))
    return view, view.likelihood()


def test_steps_with_the_prior_follow_the_scales_unless_said():
    assert (steps_with_prior(WAYS), steps_with_prior(SCALES)) == (25, 80)
    assert steps_with_prior(MaximiseSettings(scales="all", smooth_iterations=7)) == 7


@pytest.mark.parametrize("ways", [WAYS, SCALES], ids=["pixels", "all scales"])
def test_a_stronger_prior_smooths_more_and_fits_worse(noisy, ways):
    _, likelihood = noisy
    start = plain(likelihood, ways)
    fields = [start] + [smooth(likelihood, start, weight, ways) for weight in (0.25, 1.0, 4.0)]
    rough = [total_variation(field)[0] for field in fields]
    assert all(after < 0.9 * before for before, after in zip(rough, rough[1:], strict=False)), rough
    misses = [likelihood.value_and_gradient(field)[0] for field in fields[1:]]
    assert misses == sorted(misses)


def test_what_is_penalised_is_the_sum(noisy):
    _, likelihood = noisy
    field = np.random.default_rng(0).normal(size=(*likelihood.shape, 2)) @ [1, 1j]
    value, gradient = Penalised(likelihood, 7.0)(field)
    parts = likelihood.value_and_gradient(field), total_variation(field)
    assert value == pytest.approx(parts[0][0] + 7 * parts[1][0])
    np.testing.assert_allclose(gradient, parts[0][1] + np.float32(7) * parts[1][1], rtol=1e-6)


def test_at_all_scales_the_penalised_objective_ends_lower(noisy):
    """It is the same function, from further away: what descent of pixels leaves is slow phase."""
    _, likelihood = noisy
    objective = Penalised(likelihood, price_of(0.5, likelihood.light))
    pixels, scales = (objective(smooth(likelihood, plain(likelihood, ways), 0.5, ways))[0] for ways in (WAYS, SCALES))
    assert scales < pixels - 1


@pytest.mark.parametrize("ways", [WAYS, SCALES], ids=["pixels", "all scales"])
def test_the_prior_brings_a_noisy_object_nearer_to_the_truth(noisy, ways):
    view, likelihood = noisy
    rows, cols = view.shape
    truth = view.source.truth[view.origin[0] :, view.origin[1] :][:rows, :cols]
    lit = likelihood.light > 0.1 * likelihood.light.max()
    start = plain(likelihood, WAYS)
    weight = weight_of(view, ways)
    assert error(smooth(likelihood, start, weight, ways), truth, lit) < 0.9 * error(start, truth, lit)


class Valley:
    """Held-out photons whose misfit has its least at a known weight."""

    def __init__(self, least):
        self.least = least
        self.asked = []

    def value_and_gradient(self, weight):
        self.asked.append(weight)
        return 5.0 + 3.0 * np.log2(weight / self.least) ** 2, None


@pytest.fixture
def as_it_is(monkeypatch):
    """Let the object of a weight be the weight itself."""
    monkeypatch.setattr(prior_weight, "plain", lambda seen, settings: None)
    monkeypatch.setattr(prior_weight, "smoothed", lambda seen, start, weight, iterations: weight)
    monkeypatch.setattr(prior_weight, "smooth_at_all_scales", lambda seen, weight, iterations: weight)


@pytest.mark.parametrize("least", [0.3, 1.0, 1.7, 11.0])
def test_the_middle_of_a_valley_is_found(as_it_is, least):
    """A parabola in the logarithm is found exactly, and nothing is asked beyond the first rise."""
    valley = Valley(least)
    assert choose_weight(SimpleNamespace(), valley, WAYS) == pytest.approx(least)
    assert valley.asked == [2.0**k for k in range(-3, len(valley.asked) - 3)]
    assert valley.asked[-1] < 4 * least


@pytest.mark.parametrize(("least", "wanted"), [(1e-3, 0.125), (1e4, 64.0)])
def test_a_valley_beyond_the_weights_ends_at_the_last_one(as_it_is, least, wanted):
    assert choose_weight(SimpleNamespace(), Valley(least), WAYS) == wanted


@pytest.mark.parametrize("least", [0.13, 0.3, 0.5, 1.0, 1.7, 11.0])
def test_of_objects_that_start_apart_the_middle_is_found_from_a_half(as_it_is, least):
    """Up first, down only where that was no better, and no weight is asked twice."""
    valley = Valley(least)
    assert choose_weight(SimpleNamespace(), valley, SCALES) == pytest.approx(least)
    assert valley.asked[:2] == [0.5, 1.0] and len(set(valley.asked)) == len(valley.asked)
    assert min(valley.asked) > min(least, 0.5) / 4 and max(valley.asked) < 4 * max(least, 0.5)


@pytest.mark.parametrize(("least", "wanted"), [(1e-4, 1 / 16), (1e4, 64.0)])
def test_at_all_scales_a_valley_beyond_the_weights_ends_at_the_last_one(as_it_is, least, wanted):
    assert choose_weight(SimpleNamespace(), Valley(least), SCALES) == wanted


@pytest.mark.parametrize("ways", [WAYS, SCALES], ids=["pixels", "all scales"])
def test_noisier_frames_want_a_stronger_prior(ways):
    """In units of the noise a clean scan wants none to speak of; one of a few photons a pixel does."""
    frames = np.arange(0, 96, 3)
    weights = [weight_of(ViewOfScan.of(made_scan(dose, seed=2), frames), ways) for dose in (1e3, 1e6)]
    assert weights[0] > 1.5 * weights[1], weights


def test_a_part_of_a_large_scan_chooses_the_weight(noisy, monkeypatch):
    view, _ = noisy
    monkeypatch.setattr(maximise, "_CHOSEN_BY", 20)
    monkeypatch.setattr(maximise, "choose_weight", lambda *parts: [part.counts[:] for part in parts[:2]])
    seen, held_out = weight_of(view, WAYS)
    assert np.array_equal(seen + held_out, view.middle(20).frames[:])
    assert held_out.sum() / (seen + held_out).sum() == pytest.approx(WAYS.held_out, rel=0.05)


def test_a_weight_that_is_given_stays(noisy):
    view, _ = noisy
    assert weight_of(view, MaximiseSettings(weight=3.5)) == 3.5


def test_no_iterations_are_none(noisy):
    _, likelihood = noisy
    start = plain(likelihood, MaximiseSettings(iterations=2))
    assert not np.array_equal(smoothed(likelihood, start, 1.0, 3), start)
