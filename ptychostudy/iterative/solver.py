"""Iterative reconstruction with pty-chi: arrays in, arrays out.

The torch imports are lazy: importing this module costs nothing, a reconstruction pays for it.
"""

import numpy as np

from ptychostudy.iterative.algorithms import (
    RECIPES,
    at_least_one,
    choose_step,
    find_recipe,
    summarize,
)
from ptychostudy.iterative.convergence import TRIAL_EPOCHS, movement, try_further
from ptychostudy.iterative.inputs import check_power, check_scan
from ptychostudy.iterative.session import choose_device, torch_session
from ptychostudy.iterative.task import (
    LBFGS,
    build_options,
    build_task,
    read_result,
    run_epochs,
    set_likelihood,
    set_step,
)


def reconstruct(
    counts,
    positions,
    probe,
    object_shape,
    *,
    algorithm="LSQML",
    epochs=60,
    batch_size=None,
    noise_model="gaussian",
    refine_probe=False,
    step_size=None,
    optimizer=None,
    threads=1,
    device="auto",
    on_epoch=None,
):
    """Reconstruct an object from diffraction counts, starting from ones.

    Parameters
    ----------
    counts : (k, N, N) array
        Photon counts, zero frequency in the centre; N even.
    positions : (k, 2) float
        Window centres (row, col) in object pixels, corner origin.
    probe : (N, N) complex
        Probe in photons: ``sum |P|^2`` is the mean number of counts in a frame (orthonormal FFT).
    object_shape : (int, int)
        Rows and columns of the object; every window lies inside.
    algorithm : str
        One of `ptychostudy.iterative.algorithms.ALGORITHMS`.
    epochs : int
        Passes over all frames; with ``lbfgs`` an epoch holds five steps, which take about seven passes.
    batch_size : int, optional
        Frames in a batch (for DM and RAAR: in a chunk, which changes only memory; ``lbfgs`` takes all frames at once,
        whatever is said here). Default depends on the algorithm.
    noise_model : {"gaussian", "poisson"}
        Likelihood. ``poisson`` exists for LSQML and autodiff.
    refine_probe : bool
        Whether the probe is reconstructed too.
    step_size : float, optional
        First step of the object's updates; it falls linearly to 2 % over the first 70 % of the epochs, that of
        ``lbfgs`` stays. Default depends on algorithm and optimizer. DM and RAAR have none.
    optimizer : {"adam", "sgd", "lbfgs"}, optional
        What scales the object's updates; ``sgd`` is the algorithm as published. Default: adam for LSQML and ePIE,
        lbfgs for autodiff, which alone has it.
    threads : int
        Torch threads. More than one makes results differ in the last bits from run to run.
    device : {"auto", "cpu", "gpu"}
        ``auto`` takes the GPU where there is one; ``gpu`` without one warns and takes the CPU.
    on_epoch : callable, optional
        Called as ``on_epoch(epoch, epochs, loss)`` after each epoch, counted from one.

    Returns
    -------
    IterativeResult
        A run that diverged is returned with ``finite=False``; it raises nothing.

    Raises
    ------
    ValueError
        For an unknown name, an array of the wrong shape or content, a window outside the object, or a probe whose
        power is not that of the counts.
    """
    recipe = find_recipe(algorithm, noise_model, device)
    at_least_one("epochs", epochs)
    at_least_one("threads", threads)
    counts, positions, probe = check_scan(counts, positions, probe, object_shape)
    check_power(counts, probe)
    batch_size = recipe.batch_size if batch_size is None else at_least_one("batch_size", batch_size)
    step = choose_step(recipe, algorithm, optimizer, step_size)
    with torch_session(threads) as torch:
        options = build_options(
            recipe, batch_size=batch_size, noise_model=noise_model, refine_probe=refine_probe
        )
        set_step(options, step, epochs, len(counts))
        device = options.reconstructor_options.default_device = choose_device(torch, device)
        flat = np.ones(object_shape, np.complex64)
        task = build_task(options, counts, positions, probe, flat)
        if algorithm == "autodiff":
            set_likelihood(
                task, noise_model, options.reconstructor_options.batch_size, probe.shape[-1]
            )
        loss, earlier = _run(task, epochs, probe, on_epoch)
        object_, refined = read_result(task, probe)
        later = object_
        if step is None or step[0] != LBFGS:
            earlier = object_
            later = try_further(
                counts, positions, (object_, refined), noise_model=noise_model, device=device
            )
    moved = movement(flat if earlier is None else earlier, later, refined, positions)
    return summarize(object_, refined if refine_probe else probe.astype(np.complex64), loss, moved)


def _run(task, epochs, probe, on_epoch):
    """Run all epochs; return the losses and the object as it was four epochs before the end, if there were more."""
    kept = []

    def after_epoch(epoch, loss):
        if epoch == epochs - TRIAL_EPOCHS:
            kept.append(read_result(task, probe)[0])
        if on_epoch is not None:
            on_epoch(epoch, epochs, loss)

    return run_epochs(task, epochs, after_epoch), kept[0] if kept else None


def simulate_intensities(object_, probe, positions):
    """Return the intensities that pty-chi's own forward model predicts: a referee for `core.propagate.intensities`.

    Parameters
    ----------
    object_ : (H, W) complex
        Object.
    probe : (N, N) complex
        Probe, orthonormal convention; N even.
    positions : (k, 2) float
        Window centres (row, col) in object pixels.

    Returns
    -------
    (k, N, N) float32
        Intensities, zero frequency in the centre, in units of ``|probe|^2``.

    Raises
    ------
    ValueError
        If a shape is wrong or a window leaves the object.
    """
    object_ = np.asarray(object_)
    n = np.shape(probe)[-1]
    blank = np.zeros((len(positions), n, n), np.float32)
    blank, positions, probe = check_scan(blank, positions, probe, object_.shape)
    with torch_session(threads=1) as torch:
        options = build_options(
            RECIPES["LSQML"], batch_size=100, noise_model="gaussian", refine_probe=False
        )
        options.reconstructor_options.default_device = "cpu"
        task = build_task(options, blank, positions, probe, object_)
        with torch.no_grad():
            chunks = torch.arange(len(positions)).split(100)
            frames = np.concatenate(
                [task.reconstructor.forward_model(chunk).numpy() for chunk in chunks]
            )
    return np.fft.fftshift(frames, axes=(-2, -1))
