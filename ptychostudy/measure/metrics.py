"""Score a prediction against truth: amplitude, phase and the complex field, on covered pixels only.

Columns
-------
amplitude
    ``|pred|`` against ``|truth|``.
phase
    Errors are the wrapped difference ``angle(pred conj(truth))`` in radians. Metrics that need an image take both
    phases about the truth's mean direction, unwrapped where the truth winds, minus the truth's mean over the mask: no
    global phase enters the luminance term of ``ssim``, which then sees low-frequency errors, and a flat object stays
    below 0.05 where a reference at the truth's minimum would give it up to 0.4. The prediction's image is its own
    phase, never "truth plus wrapped difference": that hands it the truth, and pure noise correlates with it.
    Pixels on which the truth is opaque have no phase and are left out.
value
    The complex field's own figure; for ``ssim`` and ``ms_ssim`` the mean of the scored columns; none for
    ``partial_pearson``.

A truth without contrast in one column (a pure-amplitude object in phase, a pure-phase object in amplitude) leaves that
column ``None`` in every metric: any number there would be a metric of noise, and a flat object would win it.
"""

from dataclasses import dataclass

import numpy as np
from skimage.restoration import unwrap_phase

from ptychostudy.measure.fields import CONSTANT, bounding_box, check_fields
from ptychostudy.measure.frc import RingCurve, area, cutoff, half_period_px, ring_correlation
from ptychostudy.measure.ssim import ms_ssim, ssim
from ptychostudy.physics.plane import without_plane
from ptychostudy.study.names import SCORED

PSNR_CEILING_DB = 200.0
# While the truth keeps a quarter of pi clear of the cut at +-pi about its mean direction, plain angles compare well.
_FOLD_RAD = 0.75 * np.pi


@dataclass(frozen=True)
class Evaluation:
    """Scores of one prediction.

    Attributes
    ----------
    rows : dict of str to (amplitude, phase, value)
        Finite floats, or None in a column on which the truth has no contrast or the metric is not defined.
    curves : dict of str to RingCurve
        Fourier ring correlation of each scored column.
    ranges : dict of str to float
        Span of the truth in each scored column: the peak of ``psnr`` and the data range of ``ssim`` and ``ms_ssim``.
        For the complex field twice its largest distance from the mean, which no gauge changes.
    """

    rows: dict[str, tuple[float | None, ...]]
    curves: dict[str, RingCurve]
    ranges: dict[str, float]


@dataclass(frozen=True)
class _Column:
    """One scored quantity: images, signed or complex error, mask and span of the truth."""

    pred: np.ndarray
    truth: np.ndarray
    error: np.ndarray
    mask: np.ndarray
    span: float


def _continuous(field: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Phase without jumps: the angle itself where no neighbours differ by more than pi, else unwrapped."""
    angle: np.ndarray = np.angle(field)
    for axis in (0, 1):
        pairs = np.logical_and(
            *(np.take(mask, span, axis) for span in _neighbours(mask.shape[axis]))
        )
        if np.any(np.abs(np.diff(angle, axis=axis))[pairs] > np.pi):
            # The algorithm (Herraez 2002) sorts with random keys; a fixed seed makes it a function of its input.
            unwrapped = unwrap_phase(
                np.ma.array(angle, mask=~mask) if not mask.all() else angle, rng=0
            )
            return np.asarray(np.ma.filled(unwrapped, 0.0))
    return angle


def _neighbours(size: int) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(size - 1), np.arange(1, size)


def phase_pair(
    pred: np.ndarray, truth: np.ndarray, mask: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return continuous phases of prediction and truth, and their wrapped difference.

    Parameters
    ----------
    pred, truth : (H, W) complex
        Prediction, in the truth's gauge, and truth.
    mask : (H, W) bool
        Pixels on which the truth transmits.

    Returns
    -------
    pred_phase, truth_phase, difference : (H, W) float64
        Radians. `truth_phase` has mean zero over the mask; ``pred_phase - truth_phase`` equals `difference` modulo
        2 pi. A prediction of exactly zero has phase zero, not the truth's.
    """
    direction = np.sum(truth[mask])
    frame = np.conj(direction) / abs(direction) if direction else 1.0
    pred, truth = np.where(pred == 0, 1.0, pred) * frame, truth * frame
    reference = _continuous(truth, mask)
    difference, own = np.angle(pred * np.conj(truth)), np.angle(pred)
    if np.abs(reference[mask]).max() > _FOLD_RAD:
        own = _continuous(pred, mask)
        own = own + 2 * np.pi * np.rint(
            np.median((reference + difference - own)[mask]) / (2 * np.pi)
        )
    mean = reference[mask].mean()
    return own - mean, reference - mean, difference


def _spread(values: np.ndarray) -> float:
    return float(
        2 * np.abs(values - values.mean()).max() if np.iscomplexobj(values) else np.ptp(values)
    )


def _columns(pred: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> dict[str, _Column]:
    """Return the columns on which the truth has contrast."""
    amplitude, predicted = np.abs(truth), np.abs(pred)
    clear = mask & (amplitude > CONSTANT * amplitude[mask].max())
    pred_phase, truth_phase, difference = phase_pair(pred, truth, clear)
    candidates = {
        "amplitude": (predicted, amplitude, predicted - amplitude, mask),
        "phase": (pred_phase, truth_phase, difference, clear),
        "value": (pred, truth, pred - truth, mask),
    }
    scale = {"amplitude": amplitude[mask].max(), "phase": 1.0, "value": amplitude[mask].max()}
    spans = {name: _spread(parts[1][parts[3]]) for name, parts in candidates.items()}
    return {
        name: _Column(*parts, spans[name])
        for name, parts in candidates.items()
        if spans[name] > CONSTANT * scale[name]
    }


def psnr(mse: float, peak: float) -> float:
    """Return the peak signal-to-noise ratio in dB, ``10 log10(peak^2 / mse)``, at most 200 (equal to rounding)."""
    return float(10 * np.log10(peak**2 / max(mse, peak**2 * 10 ** (-PSNR_CEILING_DB / 10))))


def pearson(pred: np.ndarray, truth: np.ndarray) -> float:
    """Return Pearson's correlation of two lists of values, for complex ones the real part.

    A constant prediction explains nothing and has correlation 0 by definition.

    Raises
    ------
    ValueError
        If the truth is constant: no prediction could correlate with it.
    """
    first, second = pred - pred.mean(), truth - truth.mean()
    if np.abs(second).max() <= CONSTANT * abs(truth.mean()):
        raise ValueError(
            f"the truth is constant ({truth.mean():.6g}), correlation with it is not defined"
        )
    if np.abs(first).max() <= CONSTANT * max(abs(pred.mean()), np.abs(second).max()):
        return 0.0
    return float(np.vdot(second, first).real / (np.linalg.norm(first) * np.linalg.norm(second)))


def partial_pearson(
    pred: np.ndarray, truth: np.ndarray, mask: np.ndarray
) -> tuple[float | None, float | None]:
    """Return the correlation of amplitude and of phase beyond a plane: the partial correlation given row and column.

    Alignment fits a linear phase ramp, so a nearly flat prediction takes over that of the truth and correlates with
    it (`pearson` up to 0.35). With the best plane subtracted from both, only structure counts.

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
    return _beyond_plane(_columns(pred, truth, mask))


def _beyond_plane(columns: dict[str, _Column]) -> tuple[float | None, float | None]:
    amplitude, phase = (
        _structure(columns[name]) if name in columns else None for name in SCORED[:2]
    )
    return amplitude, phase


def rms_phase(pred: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    """Return the root mean square of the wrapped phase difference of two (H, W) complex fields on a mask, rad."""
    error = np.angle(pred[mask].astype(np.complex128) * np.conj(truth[mask]))
    return float(np.sqrt(np.mean(error**2)))


def _structure(column: _Column) -> float | None:
    first, second = (
        without_plane(image, column.mask)[column.mask] for image in (column.pred, column.truth)
    )
    if np.abs(second).max() <= CONSTANT * column.span:
        return None
    if np.abs(first).max() <= CONSTANT * column.span:
        return 0.0
    return pearson(first, second)


def _errors(column: _Column) -> dict[str, float]:
    size = np.abs(column.error[column.mask])
    mse = float(np.mean(size**2))
    return {
        "mae": float(size.mean()),
        "mse": mse,
        "psnr": psnr(mse, column.span),
        "psnr_255": psnr(mse, 255.0),
        "pearson": pearson(column.pred[column.mask], column.truth[column.mask]),
    }


def _similarities(column: _Column, sigma: float, boundary: str) -> dict[str, float]:
    images = (column.pred, column.truth, column.mask)
    multi = ms_ssim(*images, data_range=column.span, sigma=sigma, boundary=boundary)
    single = ssim(*images, data_range=column.span, boundary=boundary)
    return {"ssim": single, "ms_ssim": multi.score, "ms_ssim_scales": float(multi.scales)}


def _resolution(curve: RingCurve) -> dict[str, float]:
    half, seventh, bit = cutoff(curve, 0.5), cutoff(curve, 1 / 7), cutoff(curve, "half_bit")
    return {
        "frc50": half.frequency,
        "frc1over7": seventh.frequency,
        "frc_half_bit": bit.frequency,
        "frc_auc": area(curve),
        "frc50_px": half_period_px(half.frequency, curve.side_px),
        "frc50_ring": half.ring,
        "frc50_saturated": float(half.saturated),
    }


def evaluate(
    pred: np.ndarray,
    truth: np.ndarray,
    mask: np.ndarray,
    *,
    ms_ssim_sigma: float = 1.0,
    frc_taper: float = 0.25,
    boundary: str = "reflect",
) -> Evaluation:
    """Score a prediction on every metric.

    Parameters
    ----------
    pred, truth : (H, W) complex
        Prediction, gauge removed (`ptychostudy.measure.align.align`), and truth on the same rectangle.
    mask : (H, W) bool
        Scored pixels. Their bounding box, at least 16 px a side, is what the windowed metrics see.
    ms_ssim_sigma : float
        Blur of both fields before ``ms_ssim``, in px; 0 is off.
    frc_taper : float
        Share of the Tukey window's slopes in the ring correlation.
    boundary : {'reflect', 'valid'}
        Edge treatment of ``ssim`` and ``ms_ssim``.

    Returns
    -------
    Evaluation
        Rows ``mae``, ``mse``, ``psnr`` (peak = truth span), ``psnr_255``, ``pearson``, ``partial_pearson`` (beyond a
        plane, see `partial_pearson`), ``ssim``, ``ms_ssim``, ``ms_ssim_scales``, ``frc50``, ``frc1over7``,
        ``frc_half_bit`` (fractions of Nyquist), ``frc_auc``, ``frc50_px`` (half period), ``frc50_ring`` and
        ``frc50_saturated`` (0 or 1).

    Raises
    ------
    ValueError
        If shapes differ, values are not finite, a field is zero on the mask, the mask is too small, or the truth has
        no contrast at all.
    """
    pred, truth, mask = check_fields(pred, truth, mask)
    box = bounding_box(mask)
    columns = _columns(pred[box], truth[box], mask[box])
    if not columns:
        raise ValueError(
            "the truth is constant on the mask, in amplitude and in phase; no metric is defined against it"
        )
    curves = {
        name: ring_correlation(c.pred, c.truth, c.mask, taper=frc_taper)
        for name, c in columns.items()
    }
    scores = {name: _errors(column) | _resolution(curves[name]) for name, column in columns.items()}
    pictured = [name for name in columns if name != "value"]
    for name in pictured:
        scores[name] |= _similarities(columns[name], ms_ssim_sigma, boundary)
    similarities = ("ssim", "ms_ssim", "ms_ssim_scales")
    scores["value"] |= {
        key: float(np.mean([scores[name][key] for name in pictured])) for key in similarities
    }
    rows = {
        key: tuple(scores[name][key] if name in scores else None for name in SCORED)
        for key in scores["value"]
    }
    rows["partial_pearson"] = (*_beyond_plane(columns), None)
    return Evaluation(rows, curves, {name: column.span for name, column in columns.items()})
