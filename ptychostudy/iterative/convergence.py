"""Whether a run has converged: how far L-BFGS on the likelihood of all frames moves its object.

Neither the loss nor the object's own last movement tells it. Smooth parts of the phase hardly touch
the loss, and a step that falls to 2 % leaves the object where it is, wherever that is: LSQML as
published moves by 0.02 floors in its last ten of 50 epochs while it is 4 floors away from the truth
(docs/floor.md).
"""

from typing import Any

import numpy as np

from ptychostudy.iterative.algorithms import AUTODIFF, LBFGS, RECIPES, Step
from ptychostudy.iterative.inputs import Scan
from ptychostudy.iterative.likelihood import set_likelihood
from ptychostudy.iterative.options import build_options, set_step
from ptychostudy.iterative.result import all_finite
from ptychostudy.iterative.task import Pair, build_task, read_result, run_epochs
from ptychostudy.physics import windows

# Twenty steps: an epoch of L-BFGS holds five.
TRIAL_EPOCHS = 4
# A pixel counts as covered where the scan puts at least this share of the brightest pixel's light.
_COVERED = 0.02


def try_further(scan: Scan, pair: Pair, *, noise_model: str, device: str) -> np.ndarray:
    """Continue any algorithm's result with L-BFGS on its likelihood; return the object then.

    Parameters
    ----------
    scan : Scan
        As given to the run.
    pair : Pair
        Object (H, W) and probe (N, N) of the run, complex64; the probe stays.
    noise_model : {"gaussian", "poisson"}
        Likelihood.
    device : {"cpu", "gpu"}
        Where pty-chi computes.

    Returns
    -------
    (H, W) complex64
        Not finite if the pair was not: nothing leads back from a divergence, so nothing is tried.
    """
    if not all_finite(pair.object, pair.probe):
        return pair.object
    frames = len(scan.counts)
    options = _trial_options(noise_model, frames)
    options.reconstructor_options.default_device = device
    task = build_task(options, scan._replace(probe=pair.probe), pair.object)
    set_likelihood(task, noise_model, frames, pair.probe.shape[-1])
    run_epochs(task, TRIAL_EPOCHS)
    return read_result(task, pair.probe).object


def _trial_options(noise_model: str, frames: int) -> Any:
    """Return pty-chi's options for a few epochs of L-BFGS with a fixed probe."""
    options = build_options(
        RECIPES[AUTODIFF], batch_size=frames, noise_model=noise_model, refine_probe=False
    )
    set_step(options, Step(LBFGS, 1.0), TRIAL_EPOCHS, frames)
    return options


def movement(
    before: np.ndarray, after: np.ndarray, probe: np.ndarray, positions: np.ndarray
) -> float:
    """Return the rms phase between two objects in units of the counting floor ``1 / sqrt(2 n)``.

    Parameters
    ----------
    before, after : (H, W) complex
        Objects; a phase common to all pixels is no difference.
    probe : (N, N) complex
        Probe in photons.
    positions : (k, 2) float
        Window centres (row, col).

    Returns
    -------
    float
        Over the better lit half of the covered pixels; n is the mean of the photons detected
        through one of them. NaN where an object or the probe is not finite.
    """
    if not all_finite(before, after, probe):
        return np.nan
    light = windows.light(probe, positions, after.shape)
    lit = _better_lit(light)
    phase = _phase_between(before[lit], after[lit])
    # Photons that fall on a pixel are not those detected through it: the object absorbs.
    photons = np.mean(light[lit] * np.abs(after[lit]) ** 2)
    return float(np.sqrt(2 * photons * np.mean(phase**2)))


def _better_lit(light: np.ndarray) -> np.ndarray:
    """Return the half of the covered pixels that gets more light than the other, (H, W) bool."""
    covered = light[light > _COVERED * light.max()]
    lit: np.ndarray = light >= np.median(covered)
    return lit


def _phase_between(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return the phase (p,) of pixels against their phase before, less what all have in common."""
    turn = after.astype(np.complex128) * np.conj(before)
    # The sum weighs each pixel by its amplitudes; dark pixels, whose phase is noise, hardly count.
    common = np.angle(turn.sum())
    phase: np.ndarray = np.angle(turn * np.exp(-1j * common))
    return phase
