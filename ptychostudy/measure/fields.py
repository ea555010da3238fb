"""Fields that are compared: what is refused, what rectangle they cover, when they are constant."""

import numpy as np

# Relative spread below which a field counts as constant: a few roundings of complex64, which
# canvases are stored in.
CONSTANT = 1e-6


def check_fields(
    pred: np.ndarray, truth: np.ndarray, mask: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return prediction, truth (complex128) and mask (bool), or say why they cannot be compared.

    Raises
    ------
    ValueError
        If shapes differ, the mask is empty, a value is not finite, or a field is zero all over the
        mask.
    """
    # Sums over millions of pixels need double precision, whatever the fields are stored in.
    pred = np.asarray(pred, dtype=np.complex128)
    truth = np.asarray(truth, dtype=np.complex128)
    mask = np.asarray(mask, dtype=bool)
    _check_same_pixels(pred, truth, mask)
    _check_covered(mask)
    _check_values("prediction", pred, mask)
    _check_values("truth", truth, mask)
    return pred, truth, mask


def _check_same_pixels(pred: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> None:
    if not pred.ndim == 2 or not pred.shape == truth.shape == mask.shape:
        raise ValueError(
            f"need three (H, W) arrays of one shape, found {pred.shape}, {truth.shape} and "
            f"{mask.shape}"
        )


def _check_covered(mask: np.ndarray) -> None:
    if not mask.any():
        raise ValueError("the mask covers no pixel, so there is nothing to compare")


def _check_values(name: str, field: np.ndarray, mask: np.ndarray) -> None:
    _check_finite(name, field)
    # The angle of zero is zero: a dead field would seem to have the phase of a perfect one.
    if not np.any(field[mask]):
        raise ValueError(
            f"the {name} is zero on all {int(mask.sum())} covered pixels; it has no phase to "
            "compare"
        )


def _check_finite(name: str, field: np.ndarray) -> None:
    wrong = int(np.sum(~np.isfinite(field)))
    if wrong:
        raise ValueError(f"the {name} has {wrong} values that are not finite")


def is_rounding(rest: np.ndarray, scale: float) -> bool:
    """Say whether what remains of values without their mean or plane is rounding: constant values.

    Parameters
    ----------
    rest : array of float or complex
        The remainder.
    scale : float
        Magnitude of the values; what is below `CONSTANT` of it is rounding.
    """
    return bool(np.abs(rest).max() <= CONSTANT * scale)


def bounding_box(mask: np.ndarray) -> tuple[slice, slice]:
    """Return the (rows, cols) slices of the smallest rectangle that holds every covered pixel."""
    rows = np.any(mask, axis=1)
    cols = np.any(mask, axis=0)
    return _span(rows), _span(cols)


def _span(covered: np.ndarray) -> slice:
    """Return the slice from the first to the last covered line."""
    lines = np.flatnonzero(covered)
    return slice(int(lines[0]), int(lines[-1]) + 1)
