"""What an iterative run comes to: its arrays, and whether it converged or diverged."""

from dataclasses import dataclass

import numpy as np

_WINDOW = 10
# Half a floor that is still missing adds in squares: the error is then 12 % above that of the
# converged run.
_SETTLED = 0.5


@dataclass(frozen=True)
class IterativeResult:
    """What an iterative solver returns.

    Attributes
    ----------
    object : (H, W) complex64
        Object on the pixels asked for, in the gauge of the probe that was given.
    probe : (N, N) or (m, N, N) complex64
        Probe in photons, or its orthogonal modes, brightest first; orthonormal convention; the
        given one unless it was refined.
    loss : (epochs,) float64
        pty-chi's loss for each epoch.
    converged : bool
        Finite, and `moved` is below one half.
    change_last_ten : float
        Relative change of the loss over the last ten epochs (over all, where there were fewer). It
        tells nothing of convergence: the smooth parts of the phase hardly touch the loss, and
        falling steps freeze it anywhere.
    moved : float
        How far twenty steps of L-BFGS on the likelihood of all frames move the phase, rms over the
        better lit half of the object, in units of the counting floor; infinite after a divergence.
    finite : bool
        Whether object, probe and loss are free of NaN and infinities.
    """

    object: np.ndarray
    probe: np.ndarray
    loss: np.ndarray
    converged: bool
    change_last_ten: float
    moved: float
    finite: bool


def all_finite(*arrays: np.ndarray) -> bool:
    """Return whether no array holds NaN or an infinity."""
    return all(bool(np.all(np.isfinite(array))) for array in arrays)


def summarize(
    object_: np.ndarray, probe: np.ndarray, loss: np.ndarray, moved: float
) -> IterativeResult:
    """Judge object (H, W), probe (N, N), loss (epochs,) and last movement of a run."""
    finite = all_finite(object_, probe, loss)
    # A loss may be NaN beside a finite object, and the movement NaN beside both: neither converged.
    distance = float(moved) if finite and np.isfinite(moved) else np.inf
    return IterativeResult(
        object=object_,
        probe=probe,
        loss=loss,
        converged=bool(distance < _SETTLED),
        change_last_ten=_recent_change(loss),
        moved=distance,
        finite=finite,
    )


def _recent_change(loss: np.ndarray) -> float:
    """Return by which share of its value of ten epochs ago the loss has changed."""
    start = max(len(loss) - 1 - _WINDOW, 0)
    earlier = float(loss[start])
    # A loss that was zero has no relative change; the smallest float stands in for it.
    scale = max(abs(earlier), np.finfo(np.float64).tiny)
    return float(abs(float(loss[-1]) - earlier) / scale)
