"""How many epochs an iteration needs to come as far as another one."""

import numpy as np


def first_at_or_below(loss: np.ndarray, target: float | None) -> int | None:
    """Return the first epoch, counted from one, whose loss is no higher than a target.

    Parameters
    ----------
    loss : (epochs,) float
    target : float or None
        None where the other iteration came to no end.

    Returns
    -------
    int or None
        None where no epoch comes as far.
    """
    if target is None:
        return None
    reached = np.flatnonzero(np.asarray(loss) <= target)
    return int(reached[0]) + 1 if reached.size else None
