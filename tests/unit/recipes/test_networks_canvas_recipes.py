"""Networks of canvases: their lessons and judges, a training on a small scan, and what is inferred tile by tile."""

from dataclasses import replace

import numpy as np
import pytest

from ptychostudy.formats.arm_product import ArmProduct
from ptychostudy.io.atomic import DataError
from ptychostudy.networks.canvas_features import CHANNELS, Features
from ptychostudy.networks.canvas_model import canvas_model, with_weights
from ptychostudy.networks.canvas_network import CANVAS_FORMAT
from ptychostudy.networks.weights import get_weights
from ptychostudy.recipes import canvas_lessons, train_canvas
from ptychostudy.recipes.canvas_infer import _tiles, infer_canvas, of_canvas
from ptychostudy.recipes.canvas_lessons import HeldOut, Known, lessons_of
from ptychostudy.recipes.canvas_tiles import joined
from ptychostudy.recipes.maximise import ViewOfScan, maximise_view
from ptychostudy.recipes.shard import Shard
from ptychostudy.recipes.train_canvas import count_lessons, train_canvas_network
from ptychostudy.sampling import tiles as tiles_module
from ptychostudy.sampling.tiles import Tiles
from ptychostudy.study.names import BASELINE, PINN
from ptychostudy.study.sections.maximise import MaximiseSettings
from ptychostudy.study.sections.train import BaselineTraining, PinnTraining
from scenes import made_scan

OFF = (5, 9)


def moved(scan):
    """Return a scan further from its object's first pixel, so that its canvas has an origin."""
    truth = np.pad(scan.truth, [(side, 0) for side in OFF], mode="edge")
    return replace(scan, positions=scan.positions + OFF, truth=truth)


SCAN = moved(made_scan(3e3))
FRAMES = np.arange(0, len(SCAN.positions), 2)
VIEW = ViewOfScan.of(SCAN, FRAMES)
QUICK = MaximiseSettings(iterations=12, smooth_iterations=6, weight=1.0)
COMMON = {"width": 4, "epochs": 3, "maximise": QUICK, "learning_rate": 5e-3}
PINN_SETTINGS = PinnTraining(**COMMON, draws=2)
BASELINE_SETTINGS = BaselineTraining(**COMMON, objects=["lines"])


def truth_of(view):
    """Return the object of the scan on the canvas of a view."""
    (row, col), (rows, cols) = view.origin, view.shape
    return view.source.truth[row : row + rows, col : col + cols]


def product_of(made):
    """Return an estimate as it is read from its file."""
    return ArmProduct(made.canvas.field, made.canvas.coverage, made.canvas.origin, made.record)


@pytest.fixture(scope="module")
def estimate():
    """Return what the likelihood says of the view with its prior."""
    return product_of(maximise_view(SCAN, FRAMES, QUICK)[1])


def known_judge(seed=0):
    rng = np.random.default_rng(seed)
    object_ = rng.normal(size=(6, 9, 2)) @ [1, 1j]
    weight = rng.uniform(0, 2, (6, 9))
    weight[:2] = 0
    return Known(object_, weight), rng.normal(size=(6, 9, 2)) @ [1, 1j], rng


def test_a_known_object_judges_by_the_weighted_square_up_to_a_phase():
    judge, canvas, _ = known_judge()
    turned = [np.exp(1j * angle) * canvas for angle in np.linspace(0, 2 * np.pi, 20_001)]
    off = min(np.sum(judge.weight * np.abs(each - judge.object) ** 2) for each in turned)
    # The best of so many phases is nearly the best of all.
    assert judge.loss(canvas) == pytest.approx(off / judge.weight.sum(), rel=1e-6)
    assert judge.loss(judge.object * np.exp(2j)) < 1e-25
    assert judge.loss(1.5 * judge.object) == pytest.approx(
        0.25 * np.average(np.abs(judge.object) ** 2, weights=judge.weight)
    )


def test_its_gradient_is_that_of_finite_differences_and_turns_with_the_canvas():
    judge, canvas, rng = known_judge()
    value, gradient = judge(canvas)
    assert not gradient[:2].any()
    for _ in range(3):
        direction = rng.normal(size=(6, 9, 2)) @ [1, 1j]
        step = 1e-5
        slope = (judge.loss(canvas + step * direction) - judge.loss(canvas - step * direction)) / (2 * step)
        assert 2 * np.vdot(gradient, direction).real == pytest.approx(slope, rel=1e-6)
    again, turned = judge(canvas * np.exp(0.9j))
    assert again == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(turned, gradient * np.exp(0.9j), atol=1e-12)


def test_a_canvas_of_nothing_is_judged_by_numbers():
    judge, canvas, _ = known_judge()
    value, gradient = judge(0 * canvas)
    assert value == pytest.approx(np.average(np.abs(judge.object) ** 2, weights=judge.weight))
    assert np.isfinite(gradient).all()


def test_held_out_photons_judge_by_half_the_deviance_per_pixel():
    _, held_out = VIEW.split(0.2, PINN_SETTINGS.seed, 0)
    judge = HeldOut(held_out)
    value, gradient = judge(truth_of(VIEW))
    whole, slope = held_out.value_and_gradient(truth_of(VIEW))
    assert value == judge.loss(truth_of(VIEW)) == whole / (len(FRAMES) * 32 * 32)
    np.testing.assert_allclose(gradient, slope / (len(FRAMES) * 32 * 32), rtol=1e-6)
    assert gradient.dtype == np.complex64
    # The truth fits what no object was made of better than what was fitted to other photons.
    fitted = lessons_of([VIEW], [], PINN_SETTINGS)[0].features.base
    assert value < judge.loss(fitted)


def test_lessons_from_frames_are_draws_judged_by_the_other_photons():
    lessons = lessons_of([VIEW, VIEW.only(np.arange(30))], [], PINN_SETTINGS)
    assert len(lessons) == count_lessons(2, PINN_SETTINGS) == 4
    first, second = lessons[:2]
    assert not np.array_equal(first.features.base, second.features.base), "each draw is another estimate"
    for lesson in lessons[:2]:
        judge = lesson.judge.likelihood
        other = lesson.validated.__self__.likelihood
        trained, validated = (set(each.counts.kept.frames.index.tolist()) for each in (judge, other))
        assert trained and validated and not trained & validated and trained | validated == set(FRAMES)
        # At the far end of the longer side.
        places = [SCAN.positions[sorted(each), 1] for each in (trained, validated)]
        assert places[0].max() <= places[1].min()
        assert judge.counts.share == pytest.approx(0.2)
        assert lesson.lit.any() and not lesson.lit.all()
    kept = VIEW.split(QUICK.held_out, PINN_SETTINGS.seed, 0)[0]
    held_out = first.judge.likelihood.counts
    index = np.searchsorted(FRAMES, held_out.kept.frames.index)
    assert np.array_equal(kept.counts[:][index] + held_out[:], SCAN.counts[held_out.kept.frames.index])


def test_lessons_of_known_objects_are_the_truth_and_simulated_ones():
    lessons = lessons_of([VIEW], [], BASELINE_SETTINGS)
    assert len(lessons) == count_lessons(1, BASELINE_SETTINGS) == 2
    own = lessons[0]
    assert own.judge.loss(truth_of(VIEW) * 1j) < 1e-12
    assert own.judge.loss(truth_of(VIEW)[::-1]) > 1e-3
    for lesson in lessons:
        learned, judged = lesson.judge.weight > 0, lesson.validated.__self__.weight > 0
        assert learned.any() and judged.any() and not (learned & judged).any()
        assert np.array_equal(learned | judged, lesson.lit)
        assert np.nonzero(learned)[1].max() < np.nonzero(judged)[1].min(), "at the far end of the longer side"
        # What the likelihood says is nearer to its object than a flat one, and not exact.
        assert 0 < lesson.judge.loss(lesson.features.base) < 0.5 * lesson.judge.loss(np.ones(VIEW.shape))
    assert np.abs(lessons[1].judge.object - own.judge.object).max() > 0.1


def test_a_truth_that_ends_with_the_windows_is_known_up_to_there():
    """An object as small as its scan allows: the canvas has a margin about the windows, of which nothing is known."""
    rows, cols = (np.floor(SCAN.positions + 0.5).astype(int) + 16).max(axis=0)
    view = ViewOfScan.of(replace(SCAN, truth=SCAN.truth[:rows, :cols]), FRAMES)
    assert (view.origin[0] + view.shape[0], view.origin[1] + view.shape[1]) == (rows + 2, cols + 2)
    settings = BASELINE_SETTINGS.model_copy(update={"objects": []})
    (lesson,), (wanted,) = (lessons_of([each], [], settings) for each in (view, VIEW))
    assert not lesson.judge.object[-2:].any() and not lesson.judge.object[:, -2:].any()
    assert np.array_equal(lesson.judge.object[:-2, :-2], wanted.judge.object[:-2, :-2])


@pytest.mark.parametrize("end", [slice(0, 12), slice(-12, None)])
def test_a_reconstruction_of_one_end_alone_is_refused(end):
    """Nothing would be left to learn from, or to validate by."""
    settings = BASELINE_SETTINGS.model_copy(update={"labels": "reconstruction", "objects": []})
    truth = truth_of(VIEW)
    coverage = np.zeros(truth.shape, np.float32)
    longer = int(np.argmax(np.ptp(VIEW.positions, axis=0)))
    coverage[(slice(None),) * longer + (end,)] = 1
    known = ArmProduct(truth, coverage, VIEW.origin, {"status": "ok"})
    with pytest.raises(DataError, match=r"is known on \d+ of \d+ pixels of the canvas"):
        lessons_of([VIEW], [known], settings)


def test_a_baseline_may_learn_from_a_reconstruction():
    """Where the reconstruction does not reach, nothing is learned; where it does, it is what is known."""
    field = np.pad(truth_of(VIEW), 6, mode="edge")
    coverage = np.ones(field.shape)
    coverage[: 6 + 30] = 0
    origin = tuple(int(side) - 6 for side in VIEW.origin)
    settings = BASELINE_SETTINGS.model_copy(update={"labels": "reconstruction", "objects": []})
    (lesson,) = lessons_of([VIEW], [ArmProduct(field * 1j, coverage, origin, {"status": "ok"})], settings)
    assert not lesson.judge.weight[:30].any() and lesson.judge.weight[30:].any()
    assert lesson.judge.loss(truth_of(VIEW)) < 1e-12
    garbage = np.where(np.arange(VIEW.shape[0])[:, None] < 30, 99, truth_of(VIEW))
    assert lesson.judge.loss(garbage) < 1e-12


@pytest.mark.parametrize("settings", [PINN_SETTINGS, BASELINE_SETTINGS], ids=["held out", "known"])
def test_lessons_are_the_same_where_what_the_likelihood_says_is_known_already(monkeypatch, settings):
    """To the bit, with a weight that is chosen; and of two views, the second of which is not known."""
    ways = QUICK.model_copy(update={"weight": "auto"})
    settings = settings.model_copy(update={"maximise": ways})
    views = [VIEW, VIEW.only(np.arange(30))]
    estimates = [product_of(maximise_view(SCAN, view.index, ways)[1]) for view in views]
    wanted = lessons_of(views, [], settings)
    failed = replace(estimates[1], record={**estimates[1].record, "status": "failed", "weight": 1e9})
    chosen, asked = canvas_lessons.weight_of, []
    monkeypatch.setattr(canvas_lessons, "weight_of", lambda *about: asked.append(about) or chosen(*about))
    made = [lessons_of(views, [], settings, known) for known in (estimates, [estimates[0], failed])]
    assert len(asked) == 1
    for lessons in made:
        assert len(lessons) == len(wanted)
        for one, other in zip(lessons, wanted, strict=True):
            assert np.array_equal(one.features.channels, other.features.channels)
            assert np.array_equal(one.features.base, other.features.base)
            assert one.validated(one.features.base) == other.validated(other.features.base)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"origin": (0, 0)}, "is not of the view's canvas"),
        ({"record": {"frames": 3}}, r"an estimate of 3 frames is not that of a view of \d+;"),
        ({"record": {"photons": 5}}, r"an estimate of 5 photons is not that of a view of \d+; .*at this dose"),
        ({"record": {"weight": None, "arm": "PhysicsOnly"}}, "of the arm PhysicsOnly has no weight of a prior"),
    ],
)
def test_an_estimate_of_other_frames_or_of_another_arm_is_refused(estimate, changes, said):
    if "record" in changes:
        record = {**estimate.record, **changes["record"]}
        changes = {"record": {key: value for key, value in record.items() if value is not None}}
    with pytest.raises(DataError, match=said):
        lessons_of([VIEW], [], BASELINE_SETTINGS, [replace(estimate, **changes)])
    assert estimate.record["photons"] == SCAN.counts[FRAMES].sum()


@pytest.mark.parametrize(
    ("settings", "views", "lessons"),
    [(PINN_SETTINGS, 3, 6), (BASELINE_SETTINGS, 3, 4), (BaselineTraining(**COMMON, kind="pinn", draws=5), 2, 10)],
)
def test_lessons_are_counted(settings, views, lessons):
    assert count_lessons(views, settings) == lessons


def test_objects_are_shared_out_among_the_views():
    views = [VIEW.only(np.arange(20)), VIEW.only(np.arange(20, 44))]
    settings = BASELINE_SETTINGS.model_copy(update={"objects": ["lines", "grf", "lines"]})
    lessons = lessons_of(views, [], settings)
    assert len(lessons) == count_lessons(2, settings) == 5
    truths = [lesson.judge.loss(truth_of(VIEW)) < 1e-12 for lesson in lessons]
    assert truths == [True, False, False, True, False]


def test_objects_of_one_kind_are_others_in_every_view():
    views = [VIEW.only(np.arange(20)), VIEW.only(np.arange(20, 44))]
    settings = BASELINE_SETTINGS.model_copy(update={"objects": ["lines", "lines"]})
    drawn = [lesson.judge.object for lesson in lessons_of(views, [], settings)][1::2]
    # They differ in their spans as well, so their places are compared: where each is darkest.
    first, second = (np.abs(object_) for object_ in drawn)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.5


@pytest.fixture(scope="module")
def trained():
    """Return a network that learned from photons that were held out, and its states."""
    states = []
    made = train_canvas_network(PINN, [SCAN], [FRAMES], PINN_SETTINGS, save_state=states.append)
    return made, states


def test_a_training_on_a_scan_fits_held_out_photons_better(trained):
    made, _ = trained
    untrained = np.mean([lesson.validated(lesson.features.base) for lesson in lessons_of([VIEW], [], PINN_SETTINGS)])
    losses = [row["val_loss"] for row in made.result.history]
    assert made.result.status == "ok" and len(losses) == 3
    # Most of a deviance is the noise of the photons that judge, which is the same whatever is judged.
    assert min(losses) < untrained, (untrained, losses)
    learned = [row["loss"] for row in made.result.history]
    assert max(learned[1:]) < learned[0], learned
    assert made.result.best_epoch == 1 + int(np.argmin(losses))
    config = made.config
    assert of_canvas(config) and config["arm"] == PINN and config["kind"] == "pinn"
    assert (config["n"], config["frames"], config["options"]["width"]) == (32, 1, 4)
    assert list(made.normalization) == ["3000"]


def test_it_resumes_to_the_same_bits(trained):
    made, states = trained
    again = train_canvas_network(PINN, [SCAN], [FRAMES], PINN_SETTINGS, initial_state=states[1])
    assert again.history == made.history
    assert all(np.array_equal(again.weights[name], value) for name, value in made.weights.items())


def bundle_of(weights, **changes):
    config = {"format": CANVAS_FORMAT, "arm": PINN, "options": {"architecture": "canvas", "width": 4}}
    outcome = {"status": "ok", "reason": "all epochs done", "statistics": {}} | changes
    return {
        "weights": weights,
        "config": config,
        "normalization": {"3000": {}},
        "provenance": {"outcome": outcome},
    }


@pytest.fixture(scope="module")
def bundle():
    """Return a network that changes a lot."""
    rng = np.random.default_rng(0)
    weights = get_weights(canvas_model((8, 8), width=4, seed=0))
    return bundle_of({name: rng.normal(0, 0.2, value.shape).astype(np.float32) for name, value in weights.items()})


def inferred(bundle, estimate, shards=1):
    parts = [infer_canvas(bundle, VIEW, estimate, Shard(k, shards)) for k in range(1, shards + 1)]
    return parts, joined(parts, VIEW)


@pytest.fixture
def small(monkeypatch):
    """Let canvases beyond 64 pixels be cut, in cores of 40 with 8 about them."""
    for name, value in (("_CORE_PX", 40), ("_MARGIN_PX", 8), ("_WHOLE_PX", 64)):
        monkeypatch.setattr(tiles_module, name, value)


def test_a_network_changes_what_the_likelihood_says(bundle, estimate):
    parts, whole = inferred(bundle, estimate)
    assert parts[0].cores.shape == (1, *VIEW.shape)
    canvas = whole.canvas
    assert canvas.origin == VIEW.origin and canvas.field.shape == VIEW.shape
    lit = canvas.coverage > 0
    assert not canvas.field[~lit].any() and not whole.disagreement[~lit].any()
    assert np.abs(canvas.field - estimate.field)[lit].max() > 0.1
    assert whole.disagreement.dtype == np.float32 and whole.disagreement[lit].min() > 0
    assert whole.record["status"] == "ok" and whole.record["groups"] == len(FRAMES) and whole.record["tiles"] == 1
    assert f"nonzero_count={np.count_nonzero(SCAN.counts[FRAMES])}/" in parts[0].record["diagnostic"]


def test_an_untrained_one_says_what_the_likelihood_with_its_prior_does(estimate):
    _, whole = inferred(bundle_of(get_weights(canvas_model((8, 8), width=4, seed=0))), estimate)
    lit = whole.canvas.coverage > 0
    assert np.array_equal(whole.canvas.field[lit], estimate.field[lit])


def test_however_tiles_are_shared_out_the_canvas_has_the_same_bits(bundle, estimate, small):
    assert Tiles(VIEW.shape).seen == (56, 56)
    parts, first = inferred(bundle, estimate)
    assert len(parts[0].cores) == first.record["tiles"] == 6
    for shards in (2, 7):
        parts, other = inferred(bundle, estimate, shards)
        assert sum(len(part.cores) for part in parts) == 6
        assert np.array_equal(first.canvas.field, other.canvas.field)
        assert np.array_equal(first.disagreement, other.disagreement)
        assert first.record == other.record


def test_tiles_change_the_interior_by_rounding_only(bundle, monkeypatch):
    """Tiles whose margins hold all that the network sees, against the canvas in one piece, away from its edges."""
    shape = (144, 128)
    rng = np.random.default_rng(3)
    channels = rng.normal(size=(*shape, CHANNELS)).astype(np.float32)
    turn = np.exp(1j * rng.normal(size=shape)).astype(np.complex64)
    features = Features(channels, turn, rng.normal(size=shape).astype(np.complex64))

    def made():
        tiles = Tiles(shape)
        model = with_weights(tiles.seen, bundle["weights"], width=4)
        parts = _tiles(features, model, tiles, np.arange(len(tiles.corners)), VIEW)
        return tiles.joined(parts.cores), tiles.joined(parts.spread), len(parts.cores)

    field, spread, tiles = made()
    assert tiles == 1
    for name, value in (("_CORE_PX", 64), ("_MARGIN_PX", 56), ("_WHOLE_PX", 64)):
        monkeypatch.setattr(tiles_module, name, value)
    tiled, tiled_spread, tiles = made()
    # The border between cores, at 64 in rows and columns, lies within.
    inner = (slice(49, -49), slice(49, -49))
    assert tiles == 6
    np.testing.assert_allclose(tiled[inner], field[inner], atol=2e-5)
    np.testing.assert_allclose(tiled_spread[inner], spread[inner], atol=2e-5)
    assert not np.allclose(tiled, field, atol=1e-2), "at an edge a canvas goes on, and its margin ends"


def test_failures_are_handed_on(bundle, estimate):
    failed = bundle_of(bundle["weights"], status="failed", reason="not finite: loss in epoch 2")
    parts, whole = inferred(failed, estimate, 2)
    assert all(len(part.cores) == len(part.spread) == 0 for part in parts)
    assert whole.record["status"] == "failed" and "training: not finite" in whole.record["reason"]
    assert not whole.canvas.field.any()
    record = {"status": "failed", "reason": "no frame holds a photon"}
    _, whole = inferred(bundle, replace(estimate, record=record))
    assert whole.record["reason"] == "its input: no frame holds a photon"


def test_what_does_not_belong_together_is_refused(bundle, estimate):
    with pytest.raises(DataError, match="trained on doses 3000, the frames have 500"):
        other_dose = replace(VIEW, source=replace(SCAN, photons_requested=500.0))
        infer_canvas(bundle, other_dose, estimate, Shard(1, 1))
    for other in (
        replace(estimate, origin=(0, 0)),
        replace(estimate, field=estimate.field[:-1]),
    ):
        with pytest.raises(DataError, match="is not of the view's canvas"):
            infer_canvas(bundle, VIEW, other, Shard(1, 1))


def test_a_supervised_network_learns_from_several_doses():
    brighter = moved(made_scan(3e4))
    settings = BASELINE_SETTINGS.model_copy(update={"epochs": 1})
    made = train_canvas_network(BASELINE, [SCAN, brighter], [FRAMES], settings)
    assert list(made.normalization) == ["3000", "30000"]
    assert made.config["kind"] == "supervised" and made.config["objects"] == ["lines"]
    assert made.result.status == "ok" and len(made.result.history) == 1


def test_each_view_of_a_source_has_the_reconstruction_of_that_source_and_an_estimate_of_its_own(monkeypatch):
    class AskedForLessonsError(Exception):
        pass

    def note(views, known, settings, estimates):
        of_each = zip(views, known, estimates, strict=True)
        raise AskedForLessonsError([(view.source, view.index, *told) for view, *told in of_each])

    monkeypatch.setattr(train_canvas, "lessons_of", note)
    other, parts = made_scan(3e4), (np.arange(5), np.arange(5, 9))
    with pytest.raises(AskedForLessonsError) as asked:
        train_canvas_network(
            BASELINE, [SCAN, other], parts, BASELINE_SETTINGS, known=["dim", "bright"], estimates=range(4)
        )
    (pairs,) = asked.value.args
    wanted = [
        (SCAN, parts[0], "dim", 0),
        (SCAN, parts[1], "dim", 1),
        (other, parts[0], "bright", 2),
        (other, parts[1], "bright", 3),
    ]
    assert len(pairs) == 4
    for (source, index, *told), (scan, part, *meant) in zip(pairs, wanted, strict=True):
        assert source is scan and np.array_equal(index, part) and told == meant
