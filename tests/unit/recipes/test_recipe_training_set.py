"""Training sets: all doses train on the same places, each frame in the units of its dose; labels where known."""

from dataclasses import replace

import numpy as np
import pytest

from ptychostudy.formats.arm_product import ArmProduct
from ptychostudy.io.atomic import DataError
from ptychostudy.physics.propagate import far_field, intensities
from ptychostudy.physics.windows import corners
from ptychostudy.recipes.labels import KNOWN_SHARE, known_shares, make_labels
from ptychostudy.recipes.normalization import Normalization, dose_key, normalization_of, photons_of_a_frame
from ptychostudy.recipes.training_set import check_same_scan, make_training_set
from ptychostudy.study.sections.train import BaselineSettings, PinnSettings
from scenes import N, behind, made_scan

DOSES = (1e3, 1e5)
SOURCES = [made_scan(dose) for dose in DOSES]
FRAMES = len(SOURCES[0].positions)
FIRST = corners(SOURCES[0].positions, N)
TRUTH = BaselineSettings(labels="truth")
KNOWN = BaselineSettings(labels="reconstruction")


def reconstruction(covered, origin=(0, 0)):
    """Return what an arm made of the object, known where covered."""
    row, col = origin
    return ArmProduct(SOURCES[0].truth[row:, col:], covered[row:, col:].astype(float), origin, {"status": "ok"})


def everywhere():
    return np.ones(SOURCES[0].truth.shape, bool)


# --- doses ------------------------------------------------------------------------------------------------------------


def test_sources_are_one_scan_each_at_a_dose_of_its_own():
    check_same_scan(SOURCES, ["first", "second"])
    moved = replace(SOURCES[1], positions=SOURCES[1].positions + (0, 1e-9))
    with pytest.raises(DataError, match="^second: its positions are not those of first"):
        check_same_scan([SOURCES[0], moved], ["first", "second"])
    with pytest.raises(DataError, match="^first: a second file of dose 1000"):
        check_same_scan([SOURCES[0], SOURCES[0]], ["first", "second"])


def test_a_network_sees_frames_and_objects_alike_at_every_dose():
    for source in SOURCES:
        normalization = normalization_of(source)
        amplitudes = normalization.input_scale * np.sqrt(source.counts)
        # The mean frame of a network has the norm n / 2, by definition of the scale.
        assert np.mean(np.sum(amplitudes**2, axis=(1, 2))) == pytest.approx((N / 2) ** 2, rel=1e-12)
        # Its own probe has that norm, too: the gauge makes up for the rest.
        strength = np.linalg.norm(source.probe) * normalization.input_scale
        assert normalization.probe_gauge * N / 2 == pytest.approx(strength, rel=1e-6)
    assert list(map(dose_key, SOURCES)) == ["1000", "100000"]


def test_all_doses_train_on_the_same_places():
    groups = np.stack([np.arange(FRAMES - 1), np.arange(1, FRAMES)], axis=1)
    made = make_training_set(SOURCES, groups, PinnSettings(), ())
    assert len(made.data) == 2 * len(groups)
    np.testing.assert_array_equal(made.data.members[len(groups) :], groups + FRAMES)
    for chosen in (made.training, made.validation):
        half = len(chosen) // 2
        np.testing.assert_array_equal(chosen[half:], chosen[:half] + len(groups))
    learned = set(made.data.members[made.training].ravel() % FRAMES)
    held_out = set(made.data.members[made.validation].ravel() % FRAMES)
    assert held_out and not learned & held_out


@pytest.mark.parametrize("sources", [SOURCES[:1], SOURCES])
def test_every_frame_comes_in_the_units_of_its_dose(sources):
    made = make_training_set(sources, None, PinnSettings(), ())
    for k, source in enumerate(sources):
        inputs = made.data.inputs(np.array([3 + k * FRAMES]))["amplitude"][0, 0]
        expected = made.normalizations[k].input_scale * np.sqrt(source.counts[3])
        np.testing.assert_allclose(inputs, expected, rtol=1e-6)


# --- masks ------------------------------------------------------------------------------------------------------------

# A gap between modules and a hot pixel beside it; unlike on both axes.
GAP = np.ones((N, N), bool)
GAP[20:22], GAP[5, 7] = False, False
STOP = np.hypot(*(np.indices((N, N)) - N // 2)) > 9


def test_all_doses_lie_behind_one_mask():
    first, second = (behind(source, GAP) for source in SOURCES)
    check_same_scan([first, second], ["first", "second"])
    found = (
        r"^second: its 'valid_pixels' \(0 of 1024 pixels masked\) are not those of first \(65 of 1024 pixels masked\)"
    )
    with pytest.raises(DataError, match=found):
        check_same_scan([first, SOURCES[1]], ["first", "second"])
    with pytest.raises(DataError, match="^second: its 'valid_pixels'"):
        check_same_scan([first, behind(SOURCES[1], GAP.T)], ["first", "second"])


@pytest.mark.parametrize("mask", [GAP, STOP])
def test_masked_pixels_are_given_as_dark_and_count_for_no_normalization(mask):
    clean, spoiled = ([behind(source, mask, fill) for source in SOURCES] for fill in (0, 10**6))
    for k in (1, 2):
        first, second = (make_training_set(sources[:k], None, PinnSettings(), ()) for sources in (clean, spoiled))
        assert first.normalizations == second.normalizations
        every = np.arange(len(first.data))
        seen = [made.data.inputs(every)["amplitude"] for made in (first, second)]
        np.testing.assert_array_equal(*seen)
        assert not seen[1][..., ~mask].any() and seen[1][..., mask].any()
    assert make_training_set(SOURCES, None, PinnSettings(), ()).data.valid is None


@pytest.mark.parametrize("mask", [GAP, STOP])
def test_the_photons_of_an_empty_object_are_those_of_the_probe_behind_any_mask(mask):
    source = SOURCES[1]
    expected = intensities(np.ones_like(source.truth), source.probe, source.positions)
    empty = behind(replace(source, counts=np.rint(expected).astype(np.uint32)), mask)
    # Rounding moves each of a thousand pixels by half a photon at the most, of 1e5.
    assert photons_of_a_frame(empty) == pytest.approx(np.sum(np.abs(source.probe) ** 2), rel=5e-3)
    assert normalization_of(empty).probe_gauge == pytest.approx(1, rel=5e-3)


def test_a_stop_in_the_beam_leaves_objects_of_order_one():
    """Whether the object scatters past the stop or not."""
    source = SOURCES[1]
    noise = np.random.default_rng(5).uniform(-np.pi, np.pi, source.truth.shape)
    own = np.abs(far_field(source.probe)) ** 2
    assert own[STOP].sum() < 0.1 * own.sum()
    for object_ in (source.truth, np.exp(1j * noise)):
        whole = np.rint(intensities(object_, source.probe, source.positions)).astype(np.uint32)
        gauge = normalization_of(replace(source, counts=whole)).probe_gauge
        stopped = behind(replace(source, counts=whole), STOP)
        # What is added is at most the probe's own photons: less than a factor of two, of the root.
        assert 0.7 * gauge < normalization_of(stopped).probe_gauge < 1.01 * gauge


def test_frames_without_a_photon_stay_dark_behind_a_mask():
    dark = behind(replace(SOURCES[0], counts=np.zeros_like(SOURCES[0].counts)), GAP, 10**6)
    assert photons_of_a_frame(dark) == 0
    with pytest.raises(ValueError, match="hold no photons"):
        normalization_of(dark)


# --- labels -----------------------------------------------------------------------------------------------------------


def test_who_learns_from_frames_needs_no_labels():
    assert make_labels(PinnSettings(), SOURCES, [], ()) is None
    assert make_training_set(SOURCES, None, PinnSettings(), ()).data.labels is None


def test_the_truth_of_a_frame_is_what_its_window_holds_in_the_gauge_of_its_dose():
    gauges = [Normalization(1.0, 2.0), Normalization(1.0, 3.0)]
    labels = make_labels(TRUTH, SOURCES, gauges, ())
    row, col = FIRST[5]
    window = SOURCES[0].truth[row : row + N, col : col + N]
    for k, gauge in enumerate((2.0, 3.0)):
        (patch,) = labels.patches(np.array([5 + k * FRAMES]), N)
        np.testing.assert_allclose(patch[..., 0], gauge * np.abs(window), rtol=1e-6)
        np.testing.assert_allclose(patch[..., 1], np.angle(window), atol=1e-6)


def test_a_reconstruction_is_cut_where_it_lies():
    one = [Normalization(1.0, 1.0)]
    whole = make_labels(KNOWN, SOURCES[:1], one, [reconstruction(everywhere())])
    part = make_labels(KNOWN, SOURCES[:1], one, [reconstruction(everywhere(), origin=(1, 1))])
    frames = np.arange(FRAMES)
    np.testing.assert_array_equal(part.patches(frames, N), whole.patches(frames, N))


@pytest.mark.parametrize("axis", [0, 1])
def test_the_known_share_is_that_of_the_light(axis):
    """Light on one row, or column, of the window: a frame is known as that line is."""
    covered = everywhere()
    covered[(slice(None),) * axis + (slice(0, 40),)] = False
    labels = make_labels(KNOWN, SOURCES[:1], [Normalization(1.0, 1.0)], [reconstruction(covered)])
    light = np.zeros((N, N))
    light[(slice(None),) * axis + (4,)] = 1.0
    (share,) = known_shares(labels, np.arange(FRAMES), light)
    np.testing.assert_allclose(share, FIRST[:, axis] + 4 >= 40)


@pytest.mark.parametrize("axis", [0, 1])
def test_frames_are_learned_where_half_of_their_light_is_known(axis):
    covered = everywhere()
    covered[(slice(None),) * axis + (slice(0, 40),)] = False
    made = make_training_set(SOURCES[:1], None, KNOWN, [reconstruction(covered)])
    learned = made.data.members[:, 0]
    assert 0 < len(learned) < FRAMES
    # Half of a disc lies beyond its middle, which is the position but for half a pixel.
    along = SOURCES[0].positions[:, axis]
    assert along[learned].min() > 39
    assert np.delete(along, learned).max() < 41
    assert KNOWN_SHARE == 0.5


def test_a_frame_is_learned_where_it_is_known_at_every_dose():
    rows, cols = everywhere(), everywhere()
    rows[:40], cols[:, :40] = False, False
    made = make_training_set(SOURCES, None, KNOWN, [reconstruction(rows), reconstruction(cols)])
    learned = made.data.members[: len(made.data) // 2, 0]
    assert SOURCES[0].positions[learned].min() > 39
    np.testing.assert_array_equal(made.data.members[len(learned) :, 0], learned + FRAMES)


def test_nothing_known_is_refused():
    with pytest.raises(DataError, match="no frame lies where the reconstruction to learn from is covered"):
        make_training_set(SOURCES[:1], None, KNOWN, [reconstruction(~everywhere())])
