"""Objects: exact spans, no phase trend, structure at the scale of a frame, no symmetry."""

import numpy as np
import pytest

from ptychostudy.physics.objects import image_object, make_object

KINDS = ["lines", "siemens", "grf", "circuit"]
SHAPE = (150, 190)


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def made(kind):
    return make_object(kind, SHAPE, np.random.default_rng(5), amplitude=(0.3, 0.9), phase_rad=1.2)


def test_spans_are_attained_exactly(made):
    assert made.shape == SHAPE and made.dtype == np.complex128
    # |a exp(i p)| and its angle round in the last place only.
    ends = [np.abs(made).min(), np.abs(made).max(), np.angle(made).min(), np.angle(made).max()]
    np.testing.assert_allclose(ends, [0.3, 0.9, -0.6, 0.6], atol=1e-14)


def test_same_generator_same_object_other_generator_other_object(kind, made):
    again = make_object(kind, SHAPE, np.random.default_rng(5), amplitude=(0.3, 0.9), phase_rad=1.2)
    other = make_object(kind, SHAPE, np.random.default_rng(6), amplitude=(0.3, 0.9), phase_rad=1.2)
    np.testing.assert_array_equal(again, made)
    assert np.corrcoef(np.abs(other).ravel(), np.abs(made).ravel())[0, 1] < 0.5


def test_phase_has_no_plane_and_stays_near_zero(made):
    phase = np.angle(made)
    rows, cols = (np.linspace(-1, 1, size) for size in SHAPE)
    design = np.stack([np.ones(SHAPE), *np.broadcast_arrays(rows[:, None], cols[None, :])], -1).reshape(-1, 3)
    offset, *slopes = np.linalg.lstsq(design, phase.ravel(), rcond=None)[0]
    # The plane was subtracted by least squares: what stays is rounding.
    np.testing.assert_allclose(slopes, 0, atol=1e-12)
    # "Near zero": within a quarter of the span; the midrange, not the mean, is exactly zero.
    assert abs(offset) < 0.3


def test_phase_is_no_function_of_amplitude(made):
    amplitude, phase = np.abs(made).ravel(), np.angle(made).ravel()
    assert abs(np.corrcoef(amplitude, phase)[0, 1]) < 0.9
    # Pixels of nearly equal amplitude still differ in phase, by more than a tenth of the whole spread.
    order = np.argsort(amplitude)
    bands = np.array_split(phase[order], 40)
    assert np.mean([band.std() for band in bands]) > 0.1 * phase.std()


def grf_fields(seed, feature_px=6.0):
    """Return the two fields behind a random object, as amplitude and phase show them; bright is transparent."""
    object_ = make_object("grf", (256, 256), np.random.default_rng(seed), phase_rad=1.0, feature_px=feature_px)
    return np.abs(object_), np.angle(object_)


def test_random_amplitude_and_phase_correlate_by_one_half():
    found = [np.corrcoef(*(field.ravel() for field in grf_fields(seed)))[0, 1] for seed in range(24)]
    # Opacity and delay have 1/2, so transparency has -1/2. One field of some 20 long waves a side has a standard error
    # of about 0.15, the mean of 24 of 0.03; the delay's plane takes some of it away.
    assert np.mean(found) == pytest.approx(-0.5, abs=0.1)


@pytest.mark.parametrize("part", [0, 1])
def test_random_fields_have_the_power_law_they_are_said_to_have(part):
    q = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.fftfreq(256)[None, :])
    window = np.outer(np.hanning(256), np.hanning(256))
    # Between the long end (10 features) and the short one (a third of a feature) the power falls as q^-3.
    inside = (q > 3 / 60) & (q < 0.12)
    fields = [grf_fields(seed)[part] for seed in range(6)]
    power = sum(np.abs(np.fft.fft2(window * (field - field.mean()))) ** 2 for field in fields)
    slope = np.polyfit(np.log(q[inside]), np.log(power[inside] * np.exp(2 * (2 * q[inside]) ** 2)), 1)[0]
    assert slope == pytest.approx(-3.0, abs=0.25)


def test_every_frame_sees_structure(made):
    windows = np.lib.stride_tricks.sliding_window_view(np.abs(made), (64, 64))[::21, ::21]
    # A frame of 64 pixels over a featureless place would teach a network nothing: 3 % of the span is visible contrast.
    assert windows.std(axis=(-2, -1)).min() > 0.03 * 0.6


@pytest.mark.parametrize("turn", [np.flipud, np.fliplr, lambda x: x[::-1, ::-1]])
def test_object_is_asymmetric(made, turn):
    amplitude = np.abs(made)
    assert np.corrcoef(amplitude.ravel(), turn(amplitude).ravel())[0, 1] < 0.5


def test_structure_spans_scales(made):
    power = np.abs(np.fft.fft2(np.abs(made) - np.abs(made).mean())) ** 2
    q = np.hypot(np.fft.fftfreq(SHAPE[0])[:, None], np.fft.fftfreq(SHAPE[1])[None, :])
    # Coarse (> 40 px), middle (8-40 px) and fine (3-8 px) structures all carry at least 1 % of the contrast.
    shares = [
        power[(q > low) & (q <= high)].sum() / power.sum()
        for low, high in ((0, 1 / 40), (1 / 40, 1 / 8), (1 / 8, 1 / 3))
    ]
    assert min(shares) > 0.01


def test_feature_size_moves_the_spectrum(kind):
    q = np.hypot(np.fft.fftfreq(SHAPE[0])[:, None], np.fft.fftfreq(SHAPE[1])[None, :])

    def mean_frequency(feature_px):
        field = np.abs(make_object(kind, SHAPE, np.random.default_rng(2), feature_px=feature_px))
        power = np.abs(np.fft.fft2(field - field.mean())) ** 2
        return (q * power).sum() / power.sum()

    assert mean_frequency(10.0) < mean_frequency(4.0)


def test_pure_amplitude_and_pure_phase_objects(kind):
    flat_phase = make_object(kind, SHAPE, np.random.default_rng(1), phase_rad=0.0)
    np.testing.assert_array_equal(flat_phase.imag, 0.0)
    flat_amplitude = make_object(kind, SHAPE, np.random.default_rng(1), amplitude=(0.8, 0.8))
    np.testing.assert_allclose(np.abs(flat_amplitude), 0.8, atol=1e-15)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kind": "cat"}, "one of .*'circuit'.*found 'cat'"),
        ({"amplitude": (0.9, 0.3)}, "0 <= low <= high"),
        ({"phase_rad": 7.0}, "found 7.0"),
        ({"feature_px": 1.0}, "feature_px"),
        ({"shape": (20, 200)}, "smaller than four features"),
    ],
)
def test_bad_values_are_named(wrong, message):
    kind, shape = wrong.pop("kind", "lines"), wrong.pop("shape", SHAPE)
    with pytest.raises(ValueError, match=message):
        make_object(kind, shape, np.random.default_rng(0), **wrong)


def test_pictures_keep_orientation_and_sense():
    bright, delay = np.zeros((40, 60)), np.zeros((30, 30))
    bright[:10, :10], delay[-10:, :10] = 200, 3
    made = image_object(bright, delay, (80, 90), amplitude=(0.5, 1.0), phase_rad=1.0)
    np.testing.assert_allclose(np.abs(made[2, 2]), 1.0, atol=1e-12)
    np.testing.assert_allclose(np.abs(made[-2, -2]), 0.5, atol=1e-12)
    np.testing.assert_allclose(np.angle(made[-2, 2]), 0.5, atol=1e-12)
    np.testing.assert_allclose(np.angle(made[2, 2]), -0.5, atol=1e-12)


def test_pictures_in_colour_and_integers():
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    colour = np.repeat(grey[:, :, None], 4, axis=2)
    # The luminance weights add up to one to within 1e-15 only.
    np.testing.assert_allclose(image_object(colour, grey, (16, 16)), image_object(grey, grey, (16, 16)), atol=1e-12)


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (np.ones((8, 8)), "one grey level"),
        (np.full((8, 8), np.nan), "not finite"),
        (np.ones((8, 8, 2)), "found shape"),
    ],
)
def test_bad_pictures_are_named(picture, message):
    with pytest.raises(ValueError, match=message):
        image_object(picture, np.eye(8), (16, 16))
