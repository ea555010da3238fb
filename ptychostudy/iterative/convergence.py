"""Whether a run has converged: how far L-BFGS on the likelihood of all frames still moves its object.

Neither the loss nor the object's own last movement tells it. Smooth parts of the phase hardly touch the loss, and a
step that falls to 2 % leaves the object where it is, wherever that is: LSQML as published moves by 0.02 floors in its
last ten of 50 epochs while it is 4 floors away from the truth (docs/floor.md).
"""

import numpy as np

from ptychostudy.iterative.algorithms import RECIPES
from ptychostudy.iterative.task import (
    LBFGS,
    build_options,
    build_task,
    read_result,
    run_epochs,
    set_likelihood,
    set_step,
)
from ptychostudy.physics import windows

TRIAL_EPOCHS = 4


def try_further(counts, positions, pair, *, noise_model, device):
    """Continue any algorithm's result with L-BFGS on its likelihood, and return the object that comes of it.

    Parameters
    ----------
    counts : (k, N, N) float32
        Counts, as given to the run.
    positions : (k, 2) float
        Window centres (row, col).
    pair : ((H, W) complex64, (N, N) complex)
        Object and probe of the run; the probe stays.
    noise_model : {"gaussian", "poisson"}
        Likelihood.
    device : {"cpu", "gpu"}
        Where pty-chi computes.

    Returns
    -------
    (H, W) complex64
        Not finite if the pair was not: nothing leads back from a divergence, so nothing is tried.
    """
    object_, probe = pair
    if not (np.all(np.isfinite(object_)) and np.all(np.isfinite(probe))):
        return object_
    options = build_options(
        RECIPES["autodiff"], batch_size=len(counts), noise_model=noise_model, refine_probe=False
    )
    set_step(options, (LBFGS, 1.0), TRIAL_EPOCHS, len(counts))
    options.reconstructor_options.default_device = device
    task = build_task(options, counts, positions, probe, object_)
    set_likelihood(task, noise_model, len(counts), probe.shape[-1])
    run_epochs(task, TRIAL_EPOCHS)
    return read_result(task, probe)[0]


def movement(before, after, probe, positions):
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
        Over the better lit half of the covered pixels; n is the mean of the photons detected through one of them.
        NaN where an object or the probe is not finite.
    """
    if not all(np.all(np.isfinite(array)) for array in (before, after, probe)):
        return np.nan
    light = windows.light(probe, positions, after.shape)
    # A pixel counts as covered where the scan puts at least 2 % of the brightest pixel's light.
    lit = light >= np.median(light[light > 0.02 * light.max()])
    turn = after[lit].astype(np.complex128) * np.conj(before[lit])
    phase = np.angle(turn * np.exp(-1j * np.angle(turn.sum())))
    photons = np.mean(light[lit] * np.abs(after[lit]) ** 2)
    return float(np.sqrt(2 * photons * np.mean(phase**2)))
