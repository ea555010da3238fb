"""Structural similarity: the library's value, identity, scale count, masks and the published trap of the range."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity

from ptychostudy.measure.ssim import _components, ms_ssim, scale_count, ssim


def image(seed, shape, sigma=2.0):
    texture = gaussian_filter(np.random.default_rng(seed).normal(size=shape), sigma, mode="wrap")
    return texture / texture.std()


@pytest.fixture
def pair():
    truth = 3 + image(1, (90, 120))
    return truth + 0.4 * image(2, (90, 120), 1.0), truth, np.ones(truth.shape, dtype=bool)


def test_full_mask_equals_the_library(pair):
    pred, truth, mask = pair
    span = float(np.ptp(truth))
    expected = structural_similarity(
        truth, pred, data_range=span, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    # The same map, averaged in another order.
    assert ssim(pred, truth, mask, data_range=span, boundary="valid") == pytest.approx(expected, abs=1e-12)


def test_components_multiply_to_the_library_map(pair):
    pred, truth, _ = pair
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "full": True}
    expected = structural_similarity(truth, pred, data_range=5.0, **options)[1]
    luminance, contrast = _components(pred, truth, 5.0)
    # The library squares images of mean 3, which costs two digits of variance.
    np.testing.assert_allclose(luminance * contrast, expected, atol=1e-11)


@pytest.mark.parametrize("boundary", ["reflect", "valid"])
def test_identical_images_score_one(pair, boundary):
    _, truth, mask = pair
    assert ssim(truth, truth, mask, data_range=1.0, boundary=boundary) == pytest.approx(1.0, abs=1e-12)
    assert ms_ssim(truth, truth, mask, data_range=1.0, boundary=boundary).score == pytest.approx(1.0, abs=1e-12)


def test_constant_images_have_the_closed_form():
    truth, pred, mask = np.full((40, 40), 2.0), np.full((40, 40), 1.0), np.ones((40, 40), dtype=bool)
    luminance = (2 * 2 * 1 + 0.01**2) / (4 + 1 + 0.01**2)
    # No contrast in either: only the luminance term is left, at the last scale to the power of its weight.
    assert ssim(pred, truth, mask, data_range=1.0) == pytest.approx(luminance, abs=1e-9)
    score, scales = ms_ssim(pred, truth, mask, data_range=1.0)
    assert scales == 2
    assert score == pytest.approx(luminance ** (0.2856 / (0.0448 + 0.2856)), abs=1e-9)


@pytest.mark.parametrize(
    ("side", "scales"), [(11, 1), (20, 1), (21, 2), (41, 3), (80, 3), (81, 4), (160, 4), (161, 5), (999, 5)]
)
def test_scale_count(side, scales):
    assert scale_count((side, 2 * side)) == scale_count((2 * side, side)) == scales


def test_inverted_contrast_is_clamped_to_zero():
    truth = image(3, (170, 170), 6.0)
    score, scales = ms_ssim(-truth, truth, np.ones(truth.shape, dtype=bool), data_range=float(np.ptp(truth)))
    assert (score, scales) == (0.0, 5)


def test_only_covered_pixels_count(pair):
    pred, truth, mask = pair
    mask[30:60, 40:80] = False
    garbage = np.where(mask, truth, -50.0)
    assert ssim(garbage, truth, mask, data_range=1.0) == pytest.approx(1.0, abs=1e-12)
    assert ms_ssim(garbage, truth, mask, data_range=1.0).score == pytest.approx(1.0, abs=1e-12)


def test_flat_image_scores_badly_only_with_the_truth_span():
    truth = 0.1 * image(4, (130, 130))
    flat, mask = np.zeros(truth.shape), np.ones(truth.shape, dtype=bool)
    # Anchors, finding 2: a range of 2 pi flatters an object without any structure.
    assert ssim(flat, truth, mask, data_range=float(np.ptp(truth))) < 0.1
    assert ssim(flat + np.pi, truth + np.pi, mask, data_range=2 * np.pi) > 0.7


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("shift", [-3, 3])
def test_shifted_and_mirrored_images_score_worse(pair, axis, shift):
    _, truth, mask = pair
    span = float(np.ptp(truth))
    for worse in (np.roll(truth, shift, axis), np.flip(truth, axis)):
        assert ssim(worse, truth, mask, data_range=span) < 0.6
        assert ms_ssim(worse, truth, mask, data_range=span).score < 0.9


def test_blur_raises_the_score_of_grain(pair):
    _, truth, mask = pair
    pred = truth + np.random.default_rng(5).normal(size=truth.shape)
    blurred, sharp = (ms_ssim(pred, truth, mask, data_range=5.0, sigma=sigma).score for sigma in (1.0, 0.0))
    assert blurred > sharp


@pytest.mark.parametrize(
    ("options", "message"),
    [({"data_range": 0.0}, "positive data range"), ({"data_range": 1.0, "boundary": "wrap"}, "'reflect' or 'valid'")],
)
def test_bad_options_are_refused(pair, options, message):
    with pytest.raises(ValueError, match=message):
        ssim(*pair, **options)


def test_images_below_the_window_are_refused():
    small = np.zeros((10, 40))
    with pytest.raises(ValueError, match="at least 11 x 11 px, found"):
        ms_ssim(small, small, small == 0, data_range=1.0)
    rim = np.zeros((20, 20), dtype=bool)
    rim[:2] = True
    with pytest.raises(ValueError, match="whole 11 px window"):
        ssim(np.zeros((20, 20)), np.zeros((20, 20)), rim, data_range=1.0, boundary="valid")
