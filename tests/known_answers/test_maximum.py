"""Objects of the greatest likelihood: what is recovered, what a prior smooths, and how strong it is chosen."""

from types import SimpleNamespace

import numpy as np
import pytest

from ptychostudy.physics import prior_weight
from ptychostudy.physics.held_out import Frames
from ptychostudy.physics.maximum import Penalised, freed, plain, price_of, smooth
from ptychostudy.physics.prior_weight import choose_weight
from ptychostudy.physics.propagate import intensities
from ptychostudy.physics.scan_likelihood import ScanLikelihood
from ptychostudy.physics.total_variation import total_variation
from ptychostudy.recipes import maximise
from ptychostudy.recipes.maximise import ViewOfScan, weight_of
from ptychostudy.study.sections.maximise import MaximiseSettings
from scenes import SHAPE, made_scan, made_scene

WAYS = MaximiseSettings()
STEPS = WAYS.smooth_iterations


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
    # After 40 iterations from a flat start; that start misses fifteen times as much.
    flat = error(np.ones_like(truth), truth, lit)
    assert flat > 0.1
    found = error(field, truth, lit)
    assert found < 0.03, found
    for mistake in (truth[::-1], truth[:, ::-1], truth.conj()):
        assert error(field, mistake, lit) > 5 * found
    # Where there is no light, nothing is made up.
    dark = likelihood.light == 0
    assert dark.any() and np.all(field[dark] == 1)


@pytest.mark.parametrize("power", [1e2, 9e2])
def test_the_background_moves_few_photons_little(power):
    """What is expected, and no background in it: a tenth of the mean as background misses by 0.17 and 0.12."""
    scene = made_scene(step=5.0)
    probe = (np.sqrt(power) * scene.probe / np.linalg.norm(scene.probe)).astype(np.complex64)
    counts = intensities(scene.object, probe, scene.positions).astype(np.float32)
    likelihood = ScanLikelihood(Frames(counts, np.arange(len(counts))), probe, scene.positions, SHAPE)
    lit = likelihood.light > 0.1 * likelihood.light.max()
    assert error(np.ones_like(scene.object), scene.object, lit) > 0.3
    assert error(plain(likelihood, WAYS), scene.object, lit) < 0.07


def test_more_iterations_fit_better(noiseless):
    likelihood, _ = noiseless
    flat = np.ones(SHAPE, np.complex64)
    values = [likelihood.value_and_gradient(flat)[0]]
    for iterations in (5, 20):
        field = plain(likelihood, MaximiseSettings(iterations=iterations))
        values.append(likelihood.value_and_gradient(field)[0])
    assert values[2] < 0.5 * values[1] < 0.25 * values[0]


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


def test_a_stronger_prior_smooths_more_and_fits_worse(noisy):
    _, likelihood = noisy
    fields = [plain(likelihood, WAYS), *(smooth(likelihood, weight, STEPS) for weight in (0.25, 1.0, 4.0))]
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


def test_the_prior_brings_a_noisy_object_nearer_to_the_truth(noisy):
    view, likelihood = noisy
    rows, cols = view.shape
    truth = view.source.truth[view.origin[0] :, view.origin[1] :][:rows, :cols]
    lit = likelihood.light > 0.1 * likelihood.light.max()
    smoothed = smooth(likelihood, weight_of(view, WAYS), STEPS)
    assert error(smoothed, truth, lit) < 0.9 * error(plain(likelihood, WAYS), truth, lit)


def test_what_is_freed_of_its_prior_fits_better_and_is_rougher(noisy):
    """Five iterations go most of the way to what forty from a flat start find."""
    _, likelihood = noisy
    smoothed, alone = smooth(likelihood, 1.0, STEPS), plain(likelihood, WAYS)
    fields = (smoothed, freed(likelihood, smoothed, likelihood.value_and_gradient(smoothed)), alone)
    rough = [total_variation(field)[0] for field in fields]
    assert rough[0] < rough[1] < 1.2 * rough[2]
    misses = [likelihood.value_and_gradient(field)[0] for field in fields]
    assert misses[0] > misses[1] and misses[1] - misses[2] < 0.5 * (misses[0] - misses[2])


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
    """Let the object of a weight be the weight itself; return the iterations that each was given."""
    given = []

    def smoothed(seen, weight, iterations):
        given.append(iterations)
        return weight

    monkeypatch.setattr(prior_weight, "smooth", smoothed)
    return given


@pytest.mark.parametrize("least", [0.13, 0.3, 0.5, 1.0, 1.7, 11.0])
def test_the_middle_of_a_valley_is_found_from_a_half(as_it_is, least):
    """A parabola in the logarithm is found exactly; up first, down only where that was no better, no weight twice."""
    valley = Valley(least)
    assert choose_weight(SimpleNamespace(), valley, 30) == pytest.approx(least)
    assert valley.asked[:2] == [0.5, 1.0] and len(set(valley.asked)) == len(valley.asked)
    assert min(valley.asked) > min(least, 0.5) / 4 and max(valley.asked) < 4 * max(least, 0.5)


@pytest.mark.parametrize(("asked", "given"), [(30, 20), (7, 7)])
def test_weights_are_told_apart_after_twenty_iterations(as_it_is, asked, given):
    choose_weight(SimpleNamespace(), Valley(0.7), asked)
    assert set(as_it_is) == {given}


@pytest.mark.parametrize(("least", "wanted"), [(1e-4, 1 / 16), (1e4, 64.0)])
def test_a_valley_beyond_the_weights_ends_at_the_last_one(as_it_is, least, wanted):
    assert choose_weight(SimpleNamespace(), Valley(least), 30) == wanted


def test_noisier_frames_want_a_stronger_prior():
    """In units of the noise a clean scan wants none to speak of; one of a few photons a pixel does."""
    frames = np.arange(0, 96, 3)
    weights = [weight_of(ViewOfScan.of(made_scan(dose, seed=2), frames), WAYS) for dose in (1e3, 1e6)]
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
