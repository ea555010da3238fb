"""Score a prediction against truth: amplitude, phase and the complex field, covered pixels only.

The columns are those of `ptychostudy.measure.columns`. Column ``value`` holds the complex field's
own figure; for ``ssim`` and ``ms_ssim`` the mean of the other columns; none for
``partial_pearson``. A column on which the truth has no contrast is ``None`` in every metric.
"""

from dataclasses import dataclass

import numpy as np

from ptychostudy.measure.columns import Column, columns
from ptychostudy.measure.cutoff import Cutoff, cutoff, half_period_px
from ptychostudy.measure.fields import bounding_box, check_fields, is_rounding
from ptychostudy.measure.frc import RingCurve, area, ring_correlation, smoothed
from ptychostudy.measure.ssim import ms_ssim, ssim
from ptychostudy.physics.plane import without_plane
from ptychostudy.study.metric_names import interval_of
from ptychostudy.study.names import PARTS, SCORED

PSNR_CEILING_DB = 200.0


@dataclass(frozen=True)
class Evaluation:
    """Scores of one prediction.

    Attributes
    ----------
    rows : dict of str to (amplitude, phase, value)
        Finite floats, or None in a column on which the truth has no contrast or the metric is not
        defined.
    curves : dict of str to RingCurve
        Fourier ring correlation of each scored column.
    ranges : dict of str to float
        Span of the truth in each scored column: the peak of ``psnr`` and the data range of ``ssim``
        and ``ms_ssim``. For the complex field twice its largest distance from the mean, which no
        gauge changes.
    """

    rows: dict[str, tuple[float | None, ...]]
    curves: dict[str, RingCurve]
    ranges: dict[str, float]


def psnr(mse: float, peak: float) -> float:
    """Return the peak signal-to-noise ratio in dB, ``10 log10(peak^2 / mse)``.

    At most 200, which is equal to rounding.
    """
    # Without a ceiling a perfect prediction would be infinite, which JSON and a table cannot hold.
    least = peak**2 * 10 ** (-PSNR_CEILING_DB / 10)
    return float(10 * np.log10(peak**2 / max(mse, least)))


def pearson(pred: np.ndarray, truth: np.ndarray) -> float:
    """Return Pearson's correlation of two lists of values, for complex ones the real part.

    A constant prediction explains nothing and has correlation 0 by definition.

    Raises
    ------
    ValueError
        If the truth is constant: no prediction could correlate with it.
    """
    first = pred - pred.mean()
    second = truth - truth.mean()
    if is_rounding(second, abs(truth.mean())):
        raise ValueError(
            f"the truth is constant ({truth.mean():.6g}), correlation with it is not defined"
        )
    # The truth's spread, too: a prediction about zero has no mean to be compared with.
    if is_rounding(first, max(abs(pred.mean()), np.abs(second).max())):
        return 0.0
    return _correlation(first, second)


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Return the correlation of values whose mean is zero."""
    # Not the modulus: contrast of the wrong sign has to read negative.
    product = np.vdot(second, first).real
    return float(product / (np.linalg.norm(first) * np.linalg.norm(second)))


def partial_pearson(
    pred: np.ndarray, truth: np.ndarray, mask: np.ndarray
) -> tuple[float | None, float | None]:
    """Return the correlation of amplitude and of phase beyond a plane.

    It is the partial correlation given row and column. Alignment fits a linear phase ramp, so a
    nearly flat prediction takes over that of the truth and correlates with it (`pearson` up to
    0.35). With the best plane subtracted from both, only structure counts.

    Parameters
    ----------
    pred, truth : (H, W) complex
        Prediction, gauge removed, and truth.
    mask : (H, W) bool
        Compared pixels.

    Returns
    -------
    amplitude, phase : float or None
        None where the truth has no contrast beyond a plane; 0 where the prediction has none.

    Raises
    ------
    ValueError
        If shapes differ, the mask is empty, values are not finite, or a field is zero on the mask.
    """
    pred, truth, mask = check_fields(pred, truth, mask)
    return _beyond_plane(columns(pred, truth, mask))


def _beyond_plane(scored: dict[str, Column]) -> tuple[float | None, float | None]:
    amplitude, phase = (_structure(scored.get(name)) for name in PARTS)
    return amplitude, phase


def _structure(column: Column | None) -> float | None:
    """Return the correlation of what both images are without their best planes."""
    if column is None:
        return None
    mask = column.mask
    first = without_plane(column.pred, mask)[mask]
    second = without_plane(column.truth, mask)[mask]
    if is_rounding(second, column.span):
        return None
    return 0.0 if is_rounding(first, column.span) else pearson(first, second)


def rms_phase(pred: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    """Return the root mean square of the wrapped phase difference of two fields on a mask, rad.

    Fields are (H, W) complex.
    """
    # One product and one angle: a difference of two angles would jump where either wraps.
    error = np.angle(pred[mask].astype(np.complex128) * np.conj(truth[mask]))
    return float(np.sqrt(np.mean(error**2)))


def _errors(column: Column) -> dict[str, float]:
    size = np.abs(column.error_values)
    mse = float(np.mean(size**2))
    return {
        "mae": float(size.mean()),
        "mse": mse,
        "psnr": psnr(mse, column.span),
        "psnr_255": psnr(mse, 255.0),
        "pearson": pearson(column.pred_values, column.truth_values),
    }


def _similarities(column: Column, sigma: float, boundary: str) -> dict[str, float]:
    images = (column.pred, column.truth, column.mask)
    single = ssim(*images, data_range=column.span, boundary=boundary)
    multi = ms_ssim(*images, data_range=column.span, sigma=sigma, boundary=boundary)
    return {"ssim": single, "ms_ssim": multi.score, "ms_ssim_scales": float(multi.scales)}


def _resolution(curve: RingCurve) -> dict[str, float]:
    # Against the truth 0.5 is what 1/7 is between two halves of the data; both are customary.
    half = cutoff(curve, 0.5)
    seventh = cutoff(curve, 1 / 7)
    bit = cutoff(curve, "half_bit")
    return {
        **_known("frc50", half),
        **_known("frc1over7", seventh),
        **_known("frc_half_bit", bit),
        "frc_auc": area(curve),
        "frc50_px": half_period_px(half.frequency, curve.side_px),
        "frc50_ring": half.ring,
        "frc50_saturated": float(half.saturated),
    }


def _known(metric: str, found: Cutoff) -> dict[str, float]:
    """Return a frequency with the interval in which it is known."""
    low, high = interval_of(metric)
    return {metric: found.frequency, low: found.low, high: found.high}


def evaluate(
    pred: np.ndarray,
    truth: np.ndarray,
    mask: np.ndarray,
    *,
    ms_ssim_sigma: float = 1.0,
    frc_taper: float = 0.25,
    frc_sigma: float = 0.0,
    boundary: str = "reflect",
) -> Evaluation:
    """Score a prediction on every metric.

    Parameters
    ----------
    pred, truth : (H, W) complex
        Prediction, gauge removed (`ptychostudy.measure.align.align`), and truth on the same
        rectangle.
    mask : (H, W) bool
        Scored pixels. Their bounding box, at least 16 px a side, is what the windowed metrics see.
    ms_ssim_sigma : float
        Blur of both fields before ``ms_ssim``, in px; 0 is off.
    frc_taper : float
        Share of the Tukey window's slopes in the ring correlation.
    frc_sigma : float
        Blur of the ring correlation before it is judged, in rings; 0 is off.
    boundary : {'reflect', 'valid'}
        Edge treatment of ``ssim`` and ``ms_ssim``.

    Returns
    -------
    Evaluation
        Rows ``mae``, ``mse``, ``psnr`` (peak = truth span), ``psnr_255``, ``pearson``,
        ``partial_pearson`` (beyond a plane, see `partial_pearson`), ``ssim``, ``ms_ssim``,
        ``ms_ssim_scales``, ``frc50``, ``frc1over7``, ``frc_half_bit`` (fractions of Nyquist, each
        with ``_low`` and ``_high`` where the curve is a standard error lower or higher),
        ``frc_auc``, ``frc50_px`` (half period), ``frc50_ring`` and ``frc50_saturated`` (0 or 1).

    Raises
    ------
    ValueError
        If shapes differ, values are not finite, a field is zero on the mask, the mask is too small,
        or the truth has no contrast at all.
    """
    pred, truth, mask = check_fields(pred, truth, mask)
    # Windows and rings see the covered rectangle only, not the empty margin around it.
    box = bounding_box(mask)
    scored = _scored_columns(pred[box], truth[box], mask[box])
    curves = {
        name: smoothed(_ring_curve(column, frc_taper), frc_sigma) for name, column in scored.items()
    }
    rows = _rows(_scores(scored, curves, _all_similarities(scored, ms_ssim_sigma, boundary)))
    rows["partial_pearson"] = (*_beyond_plane(scored), None)
    ranges = {name: column.span for name, column in scored.items()}
    return Evaluation(rows, curves, ranges)


def _scored_columns(pred: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> dict[str, Column]:
    scored = columns(pred, truth, mask)
    # Two contrasts just under the bound can make a complex one just over it: there is no image.
    if not any(part in scored for part in PARTS):
        raise ValueError(
            "the truth is constant on the mask, in amplitude and in phase; no metric is defined "
            "against it"
        )
    return scored


def _scores(
    scored: dict[str, Column],
    curves: dict[str, RingCurve],
    similarities: dict[str, dict[str, float]],
) -> dict[str, dict[str, float]]:
    """Return all metrics of each column, in the order in which they stand in a table."""
    scores = {}
    for name, column in scored.items():
        scores[name] = _errors(column) | _resolution(curves[name]) | similarities[name]
    return scores


def _ring_curve(column: Column, taper: float) -> RingCurve:
    return ring_correlation(column.pred, column.truth, column.mask, taper=taper)


def _all_similarities(
    scored: dict[str, Column], sigma: float, boundary: str
) -> dict[str, dict[str, float]]:
    """Return the similarities of each column."""
    similarities = {
        name: _similarities(scored[name], sigma, boundary) for name in PARTS if name in scored
    }
    # Structural similarity knows real images only: the complex field has the mean of its parts'.
    similarities["value"] = _means(list(similarities.values()))
    return similarities


def _means(records: list[dict[str, float]]) -> dict[str, float]:
    means = {}
    for metric in ("ssim", "ms_ssim", "ms_ssim_scales"):
        means[metric] = float(np.mean([record[metric] for record in records]))
    return means


def _rows(scores: dict[str, dict[str, float]]) -> dict[str, tuple[float | None, ...]]:
    """Return a row for each metric, from the scores of each column."""
    # Those of the complex value come first; a metric that has none is a row all the same.
    metrics = dict.fromkeys(metric for name in reversed(SCORED) for metric in scores.get(name, {}))
    rows: dict[str, tuple[float | None, ...]] = {}
    for metric in metrics:
        rows[metric] = tuple(scores.get(name, {}).get(metric) for name in SCORED)
    return rows
