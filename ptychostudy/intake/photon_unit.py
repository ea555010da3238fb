"""What one photon is in frames that were divided by a number, as simulators and programs do."""

import numpy as np

# What single precision leaves of the square of a root, in its own steps, and of any whole number.
_STEPS = 4
_WHOLE = 1e-3
# Above, the steps are as wide as the gaps between whole numbers.
_MOST = 2e5
# Of different values: fewer are multiples of something by chance.
_FEW = 10


def photon_unit(numbers: np.ndarray) -> float | None:
    """Return the largest number of which all others are multiples, to single precision.

    Parameters
    ----------
    numbers : float64, any shape
        Not negative; zeros say nothing.

    Returns
    -------
    float or None
        None where there is no such number, or too few different ones or too large multiples to
        tell.
    """
    values = np.unique(numbers[numbers > 0])
    if len(values) < _FEW or values[-1] > _MOST * values[0]:
        return None
    times = np.rint(values / values[0])
    # By all of them, as the least one is itself rounded.
    unit = float(np.vdot(values, times) / np.vdot(times, times))
    allowed = _WHOLE + _STEPS * float(np.finfo(np.float32).eps) * times
    return None if np.any(np.abs(values / unit - times) > allowed) else unit
