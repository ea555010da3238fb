"""Bring every arm onto the truth's rectangle and score it: one mask and one gauge rule for all."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ptychostudy.measure.align import AlignedField, align, register
from ptychostudy.measure.gauge import remove_gauge
from ptychostudy.measure.metrics import Evaluation, evaluate, rms_phase
from ptychostudy.physics.illumination import hull_mask
from ptychostudy.study.metric_names import interval_of


def _of_crossing(metric: str, threshold: str) -> dict[str, str]:
    """Return the definitions of a resolution and of the interval in which it is known."""
    low, high = interval_of(metric)
    return {
        metric: (
            f"share of the frequencies up to Nyquist at which the Fourier ring correlation with "
            f"the truth is above {threshold}: the frequency at which it falls below, where it "
            "only falls"
        ),
        low: f"{metric} of the correlation less its standard error in each ring",
        high: (
            f"{metric} of the correlation plus its standard error; far from {low} where the curve "
            f"runs along {threshold}"
        ),
    }


DEFINITIONS = {
    "mae": (
        "mean absolute error on the mask; phase as wrapped difference in rad; value: of the "
        "complex field"
    ),
    "mse": "mean squared error on the mask; phase as wrapped difference in rad^2",
    "psnr": "10 log10(range^2 / mse), range = span of the truth on the mask, in dB",
    "psnr_255": (
        "the same with a peak of 255, as in earlier tables of PtychoPINN: +48.13 dB on a unit range"
    ),
    "pearson": "correlation coefficient on the mask; value: of the complex fields",
    "partial_pearson": "correlation coefficient on the mask beyond a plane in row and column",
    "ssim": "Wang 2004: Gaussian window, sigma 1.5, data range = span of the truth",
    "ms_ssim": (
        "Wang 2003 after a Gaussian blur; fewer scales with renormalised weights under 161 px"
    ),
    **_of_crossing("frc50", "0.5"),
    **_of_crossing("frc1over7", "1/7"),
    **_of_crossing("frc_half_bit", "the half-bit curve"),
    "frc_auc": "area under the Fourier ring correlation up to Nyquist",
    "frc50_px": (
        "half period of frc50, object pixels; the side of the crop where no ring is correlated"
    ),
    "frc50_ring": (
        "index of the ring at which the correlation first falls below 0.5, as in earlier tables of "
        "PtychoPINN: saturates at Nyquist, and jumps where the curve runs along 0.5"
    ),
    "frc50_saturated": (
        "1 where the correlation never falls below 0.5, so that frc50 is a lower bound"
    ),
    "ms_ssim_scales": "scales that ms_ssim had room for, of 5",
    "rms_phase_rad": (
        "root mean square of the wrapped phase difference on the mask, rad; its floor is 1/sqrt(2n)"
    ),
}


@dataclass(frozen=True)
class Score:
    """One arm on the common rectangle.

    Attributes
    ----------
    field : (H, W) complex64
        Aligned field; the metrics are those of exactly these numbers.
    evaluation : Evaluation
        Metrics and ring curves.
    record : dict
        Shift (measured for every arm), whether it was applied, factor, ramp, rms phase error.
    """

    field: np.ndarray
    evaluation: Evaluation
    record: dict[str, Any]


def common_mask(
    coverages: list[np.ndarray], positions: np.ndarray, origin: tuple[int, int]
) -> tuple[np.ndarray, float]:
    """Return the pixels that every arm covers inside the scanned hull, and their share of it.

    Parameters
    ----------
    coverages : list of (H, W) float
        Coverage of each arm on the common rectangle.
    positions : (k, 2) float
        Window centres of the cell's frames.
    origin : (int, int)
        Origin of the rectangle.

    Returns
    -------
    mask : (H, W) bool
    coverage : float
        Share of the hull that the mask keeps.
    """
    hull = hull_mask(positions, origin=origin, shape=coverages[0].shape)
    # One mask for all arms: scores on different pixels could not be compared.
    covered = np.logical_and.reduce([coverage > 0 for coverage in coverages])
    mask = hull & covered
    return mask, float(mask.sum() / max(hull.sum(), 1))


def score(
    field: np.ndarray,
    truth: np.ndarray,
    mask: np.ndarray,
    *,
    phase_align: str = "plane",
    registration: bool = False,
    ms_ssim_sigma: float = 1.0,
    frc_sigma: float = 0.0,
) -> Score:
    """Align one arm and evaluate it.

    Parameters
    ----------
    field, truth : (H, W) complex
    mask : (H, W) bool
    phase_align : {'plane', 'mean', 'none'}
        Gauge that is removed.
    registration : bool
        Whether the measured shift is applied; it is reported in any case.
    ms_ssim_sigma : float
        Blur before MS-SSIM.
    frc_sigma : float
        Blur of the ring correlation, in rings.

    Returns
    -------
    Score
    """
    shift = _measured_shift(field, truth, mask)
    aligned = align(field, truth, mask, phase_align=phase_align, registration=registration)
    # Rounded as it is stored, before it is scored: who reads the field finds the same numbers.
    kept = aligned.field.astype(np.complex64)
    evaluation = evaluate(kept, truth, mask, ms_ssim_sigma=ms_ssim_sigma, frc_sigma=frc_sigma)
    record = {
        "shift_px": _floats(shift),
        "registered": registration,
        **_removed_gauge(aligned),
        "rms_phase_rad": rms_phase(kept, truth, mask),
    }
    return Score(kept, evaluation, record)


def _removed_gauge(aligned: AlignedField) -> dict[str, list[float]]:
    factor = aligned.factor
    return {
        "factor": _floats((factor.real, factor.imag)),
        "ramp_rad_per_px": _floats(aligned.ramp),
    }


def _measured_shift(field: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> tuple[float, float]:
    straight, _ = remove_gauge(field, truth, mask)
    # A flat object has no place; only the ramp that was fitted to it would be registered.
    if np.ptp(np.abs(field[mask])) == 0:
        return 0.0, 0.0
    return register(straight, truth, mask)


def _floats(numbers: tuple[float, float]) -> list[float]:
    """Return plain numbers, as a record of JSON holds them."""
    return [float(number) for number in numbers]
