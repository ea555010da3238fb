"""Iterative reconstruction with pty-chi: arrays in, arrays out; the only importer of torch and ptychi.

pty-chi differs from this package in three ways, and each is translated here and nowhere else: its FFT is unnormalised
(so its probe is ours divided by N), its positions count from the middle of the object, and its detector has the zero
frequency in the corner. The torch imports are lazy: importing this module costs nothing, a reconstruction pays for it.
"""

import contextlib
import logging
import warnings

import numpy as np

from ptychostudy.core.consistency import check_power, check_scan
from ptychostudy.iterative.algorithms import RECIPES, at_least_one, choose_step, find_recipe, summarize

# Steps fall linearly over this share of the epochs to this fraction, and stay there: large steps carry the slow, smooth
# parts of the phase, small ones average the noise of the batches, and the constant end makes the loss comparable.
_DECAY_SHARE, _DECAY_END = 0.7, 0.02


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
        Passes over all frames.
    batch_size : int, optional
        Frames in a batch (for DM and RAAR: in a chunk, which changes only memory). Default depends on the algorithm.
    noise_model : {"gaussian", "poisson"}
        Likelihood. ``poisson`` exists for LSQML only.
    refine_probe : bool
        Whether the probe is reconstructed too.
    step_size : float, optional
        First step of the object's updates; it falls linearly to 2 % over the first 70 % of the epochs. Default depends
        on algorithm and optimizer. DM and RAAR have none.
    optimizer : {"adam", "sgd"}, optional
        What scales the object's updates; ``sgd`` is the algorithm as published. Default: adam for LSQML, ePIE and
        autodiff.
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
    with _torch_session(threads) as torch:
        options = _build_options(recipe, batch_size, noise_model, refine_probe)
        _set_step(options, step, epochs)
        options.reconstructor_options.default_device = _choose_device(torch, device)
        task = _build_task(options, counts, positions, probe, np.ones(object_shape, np.complex64))
        loss = _run(task, epochs, on_epoch)
        object_, refined = _read_result(task, probe)
    return summarize(object_, refined if refine_probe else probe.astype(np.complex64), loss)


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
    with _torch_session(threads=1) as torch:
        options = _build_options(RECIPES["LSQML"], 100, "gaussian", refine_probe=False)
        options.reconstructor_options.default_device = "cpu"
        task = _build_task(options, blank, positions, probe, object_.astype(np.complex64))
        with torch.no_grad():
            chunks = torch.arange(len(positions)).split(100)
            frames = np.concatenate([task.reconstructor.forward_model(chunk).numpy() for chunk in chunks])
    return np.fft.fftshift(frames, axes=(-2, -1))


@contextlib.contextmanager
def _torch_session(threads):
    """Yield torch with a thread count and a seeded generator; put both back after.

    LSQML's Poisson step draws from torch's global generator: a fixed seed makes a second run equal to the first.
    """
    torch = _import_torch()
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            yield torch
    finally:
        torch.set_num_threads(before)
        torch.set_default_device("cpu")


@contextlib.contextmanager
def _silence():
    """Hold pty-chi's log, progress bar and warnings: it writes through the root logger, and so to standard error."""
    logger, disabled = logging.getLogger("ptychi"), logging.root.manager.disable
    level = logger.level
    logger.setLevel(logging.ERROR)
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        logger.setLevel(level)


def _import_torch():
    """Import torch so that ptychi can be imported after it.

    torchvision's wheel is linked to a CUDA torch; beside a CPU build it fails for two missing operators that ptychi
    never calls. Only when that happens are the two declared, and the import is tried again.
    """
    import torch

    try:
        import ptychi.api
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        torch._ptychostudy_operators = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            torch._ptychostudy_operators.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import ptychi.api  # noqa: F401
    return torch


def _choose_device(torch, device):
    """Translate a device into pty-chi's word; without a GPU the CPU is taken, with one warning if a GPU was asked."""
    present = torch.cuda.is_available()
    if device == "gpu" and not present:
        warnings.warn("no GPU that torch can use: reconstructing on the CPU", RuntimeWarning, stacklevel=3)
    return "gpu" if present and device != "cpu" else "cpu"


def _build_options(recipe, batch_size, noise_model, refine_probe):
    """Fill in pty-chi's options; what is not named here keeps pty-chi's default."""
    import ptychi.api as api

    options = getattr(api, recipe.options)()
    solver, object_, probe = options.reconstructor_options, options.object_options, options.probe_options
    solver.allow_nondeterministic_algorithms = False
    # The probe keeps the plain step: Adam's would have the size of the object's, whatever the photons.
    probe.step_size = recipe.steps.get("sgd", 1.0)
    probe.optimizable = refine_probe
    # With a fixed probe there is no ambiguity, and its removal would rescale the probe all the same.
    object_.remove_object_probe_ambiguity.enabled = refine_probe
    object_.determine_position_origin_coords_by = "specified"
    if hasattr(solver, "chunk_length"):
        solver.chunk_length = batch_size
    else:
        solver.batch_size = batch_size
    if recipe.options == "LSQMLOptions":
        solver.noise_model = noise_model
        solver.rescale_probe_intensity_in_first_epoch = False
        solver.single_slice_solve_obj_prb_step_size_jointly = refine_probe
    if recipe.options == "EPIEOptions":
        object_.alpha = probe.alpha = 1.0
    if recipe.options == "AutodiffPtychographyOptions":
        solver.loss_function = "poisson" if noise_model == "poisson" else "mse_sqrt"
    return options


def _set_step(options, step, epochs):
    """Set the number of epochs, and the object's optimizer, step size and its decay."""
    options.reconstructor_options.num_epochs = epochs
    if step is None:
        return
    object_ = options.object_options
    object_.optimizer, object_.step_size = step
    object_.optimization_plan.step_size_scheduler_class = "LinearLR"
    decay = {"start_factor": 1.0, "end_factor": _DECAY_END, "total_iters": max(1, round(_DECAY_SHARE * epochs))}
    object_.optimization_plan.step_size_scheduler_options = decay


def _build_task(options, counts, positions, probe, object_):
    """Hand arrays to pty-chi in its own conventions.

    pty-chi reads the window that begins at ``position + origin - (N - 1) / 2``, positions rounded half to even. The
    origin is stated, not left to its default, which differs for odd objects; and a fraction of exactly half a pixel
    is moved by 1e-4 so that it falls on the side to which `core.propagate.split_positions` puts it.
    """
    from ptychi.api.task import PtychographyTask

    middle = np.array(object_.shape) // 2
    options.object_options.position_origin_coords = [float(value) - 0.5 for value in middle]
    whole = np.floor(positions + 0.5)
    rows, cols = (whole + np.maximum(positions - whole, -0.4999) - middle).astype(np.float32).T
    with _silence():
        return PtychographyTask(
            options,
            diffraction_data=counts,
            object_data=object_[None],
            probe_data=(probe / probe.shape[-1]).astype(np.complex64)[None, None],
            probe_position_x_px=cols,
            probe_position_y_px=rows,
        )


def _run(task, epochs, on_epoch):
    """Run epoch by epoch, which pty-chi does too, and return the losses."""
    for epoch in range(1, epochs + 1):
        with _silence():
            task.run(1)
        if on_epoch is not None:
            on_epoch(epoch, epochs, float(task.reconstructor.loss_tracker.table["loss"].iloc[-1]))
    return task.reconstructor.loss_tracker.table["loss"].to_numpy(np.float64)


def _read_result(task, probe):
    """Return object and probe in our convention; the factor that the pair traded is given back to the object.

    The refined probe keeps the given one's power and, against it, no phase: power is what the data fix.
    """
    object_ = task.get_data_to_cpu("object", as_numpy=True)[0].astype(np.complex128)
    refined = task.get_data_to_cpu("probe", as_numpy=True)[0, 0].astype(np.complex128) * probe.shape[-1]
    factor = np.linalg.norm(refined) / np.linalg.norm(probe) * np.exp(1j * np.angle(np.vdot(probe, refined)))
    if np.isfinite(factor) and factor != 0:
        object_, refined = object_ * factor, refined / factor
    return object_.astype(np.complex64), refined.astype(np.complex64)
