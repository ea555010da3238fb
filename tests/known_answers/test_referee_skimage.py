"""scikit-image and SciPy as referees: errors, correlation, SSIM and registration, called as their manuals show."""

import numpy as np
import pytest
from scipy import stats
from scipy.ndimage import gaussian_filter
from scipy.signal import correlate
from skimage.measure import pearson_corr_coeff
from skimage.metrics import (
    mean_squared_error,
    normalized_root_mse,
    peak_signal_noise_ratio,
    structural_similarity,
)
from skimage.registration import phase_cross_correlation

from ptychostudy.measure.align import register
from ptychostudy.measure.metrics import evaluate, pearson, psnr

SHAPE = (100, 140)
FULL = np.ones(SHAPE, dtype=bool)


def texture(rng, sigma=2.0):
    image = gaussian_filter(rng.normal(size=SHAPE), sigma, mode="wrap")
    return (image - image.mean()) / image.std()


@pytest.fixture
def pair():
    """Return prediction and truth, complex, the prediction noisy and of a little less contrast."""
    rng = np.random.default_rng(1)
    amplitude, phase = texture(rng), texture(rng)
    truth = (0.9 + 0.05 * amplitude) * np.exp(0.4j * phase)
    grain = 0.03 * (rng.normal(size=SHAPE) + 1j * rng.normal(size=SHAPE))
    return (0.9 + 0.04 * amplitude) * np.exp(0.35j * phase) + grain, truth


def columns(pred, truth):
    """Yield the real images that the columns amplitude and phase compare: no phase here comes near the cut at pi."""
    assert np.abs(np.angle(truth)).max() < 2.5
    yield np.abs(pred), np.abs(truth)
    yield np.angle(pred), np.angle(truth)


def test_errors_are_those_of_scikit_image(pair):
    rows = evaluate(*pair, FULL).rows
    for column, (pred, truth) in enumerate(columns(*pair)):
        mse = mean_squared_error(truth, pred)
        assert rows["mse"][column] == pytest.approx(mse, rel=1e-12)
        assert np.sqrt(rows["mse"][column] / np.mean(truth**2)) == pytest.approx(normalized_root_mse(truth, pred))
        for name, peak in (("psnr", np.ptp(truth)), ("psnr_255", 255.0)):
            expected = peak_signal_noise_ratio(truth, pred, data_range=peak)
            assert rows[name][column] == pytest.approx(expected, abs=1e-9)
            assert psnr(mse, peak) == pytest.approx(expected, abs=1e-9)


def test_correlation_is_that_of_scikit_image_and_scipy(pair):
    rows = evaluate(*pair, FULL).rows
    for column, (pred, truth) in enumerate(columns(*pair)):
        assert rows["pearson"][column] == pytest.approx(pearson_corr_coeff(pred, truth)[0], rel=1e-10)
        assert rows["pearson"][column] == pytest.approx(
            stats.pearsonr(pred.ravel(), truth.ravel()).statistic, rel=1e-10
        )
    # The real part for complex fields: that of real and imaginary parts as one list, each about its own mean.
    pred, truth = (np.concatenate([(f - f.mean()).real.ravel(), (f - f.mean()).imag.ravel()]) for f in pair)
    assert pearson(*pair) == pytest.approx(pearson_corr_coeff(pred, truth)[0], rel=1e-10)


def test_correlation_and_errors_on_a_mask_are_those_of_its_pixels(pair):
    mask = FULL.copy()
    mask[30:50, 60:90], mask[:3] = False, False
    rows = evaluate(*pair, mask).rows
    pred, truth = (np.abs(field)[mask] for field in pair)
    assert rows["mse"][0] == pytest.approx(mean_squared_error(truth, pred), rel=1e-12)
    assert rows["pearson"][0] == pytest.approx(stats.pearsonr(pred, truth).statistic, rel=1e-10)
    assert rows["psnr"][0] == pytest.approx(peak_signal_noise_ratio(truth, pred, data_range=np.ptp(truth)), abs=1e-9)


def test_similarity_is_that_of_scikit_image(pair):
    rows = evaluate(*pair, FULL, boundary="valid").rows
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    for column, (pred, truth) in enumerate(columns(*pair)):
        # Phases are compared about the truth's mean; the offset enters the luminance term, so the referee gets it too.
        level = truth.mean() if column else 0.0
        expected = structural_similarity(truth - level, pred - level, data_range=np.ptp(truth), **options)
        assert rows["ssim"][column] == pytest.approx(expected, abs=1e-9)
        assert 0.1 < expected < 0.98


@pytest.mark.parametrize("shift", [(4, 0), (-4, 0), (0, 7), (0, -7), (3, -5)])
def test_whole_pixel_registration_is_that_of_the_correlation_peak(pair, shift):
    _, truth = pair
    pred = np.roll(truth, [-s for s in shift], axis=(0, 1))
    free, moved = truth - truth.mean(), pred - pred.mean()
    # The textbook: the largest modulus of the full cross-correlation; zero lag sits at (rows - 1, cols - 1).
    peak = np.unravel_index(np.argmax(np.abs(correlate(free, moved, method="fft"))), (199, 279))
    np.testing.assert_array_equal(np.subtract(peak, (99, 139)), shift)
    np.testing.assert_allclose(register(pred, truth, FULL), shift, atol=0.02)


@pytest.mark.parametrize("shift", [(0.42, -1.3), (-2.26, 0.18)])
def test_subpixel_registration_is_that_of_scikit_image(pair, shift):
    _, truth = pair
    rows, cols = np.meshgrid(*(np.fft.fftfreq(side) for side in SHAPE), indexing="ij")
    pred = np.fft.ifft2(np.fft.fft2(truth) * np.exp(2j * np.pi * (rows * shift[0] + cols * shift[1])))
    found = register(pred, truth, FULL)
    # The library's own answer for periodic fields, which this texture is; steps of 0.01 px and of 0.02 px.
    expected = phase_cross_correlation(truth, pred, upsample_factor=100, normalization=None)[0]
    np.testing.assert_allclose(expected, shift, atol=0.011)
    np.testing.assert_allclose(found, expected, atol=0.05)
