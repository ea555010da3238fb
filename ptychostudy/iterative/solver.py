"""Iterative reconstruction with pty-chi: arrays in, arrays out.

The torch imports are lazy: importing this module costs nothing, a reconstruction pays for it.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ptychostudy.iterative.algorithms import AUTODIFF, LBFGS, RECIPES, Step, choose_step
from ptychostudy.iterative.convergence import (
    TRIAL_EPOCHS,
    detected_share,
    movement,
    try_further,
)
from ptychostudy.iterative.inputs import Scan, check_power, check_scan, first_object
from ptychostudy.iterative.likelihood import on_valid, set_likelihood
from ptychostudy.iterative.options import build_options, set_modes, set_step
from ptychostudy.iterative.result import IterativeResult, all_finite, summarize
from ptychostudy.iterative.session import choose_device, torch_session
from ptychostudy.iterative.task import Pair, build_task, read_result, run_epochs
from ptychostudy.physics.modes import as_modes, orthogonal_modes

if TYPE_CHECKING:
    from ptychostudy.study.sections.reconstruct import ReconstructSettings

# Frames that a forward model without gradients takes at once.
_AT_ONCE = 100

OnEpoch = Callable[[int, int, float], None]


def reconstruct(
    counts: ArrayLike,
    positions: ArrayLike,
    probe: ArrayLike,
    object_shape: tuple[int, int],
    settings: "ReconstructSettings",
    *,
    valid: ArrayLike | None = None,
    start: ArrayLike | None = None,
    threads: int = 1,
    device: str = "auto",
    on_epoch: OnEpoch | None = None,
) -> IterativeResult:
    """Reconstruct an object from diffraction counts.

    Parameters
    ----------
    counts : (k, N, N) array
        Photon counts, zero frequency in the centre; N even.
    positions : (k, 2) float
        Window centres (row, col) in object pixels, corner origin.
    probe : (N, N) or (m, N, N) complex
        Probe in photons: ``sum |P|^2`` is the mean number of counts in a frame (orthonormal FFT)
        of which every pixel is valid. Or its modes, whose intensities add; the result has as many.
    object_shape : (int, int)
        Rows and columns of the object; every window lies inside.
    settings : ReconstructSettings
        ``algorithm``: one of `ptychostudy.iterative.algorithms.ALGORITHMS`.

        ``epochs``: passes over all frames; with ``lbfgs`` an epoch holds five steps, which take
        about seven passes.

        ``batch_size``: frames in a batch (for DM and RAAR: in a chunk, which changes only memory;
        ``lbfgs`` takes all frames at once, whatever is said here).

        ``noise_model``: the likelihood. ``poisson`` exists for LSQML and autodiff.

        ``refine_probe``: whether the probe is reconstructed too.

        ``step_size``: first step of the object's updates; it falls linearly to 2 % over the first
        70 % of the epochs, that of ``lbfgs`` stays. Default depends on algorithm and optimizer. DM
        and RAAR have none.

        ``optimizer``: what scales the object's updates; ``sgd`` is the algorithm as published.
        Default: adam for LSQML and ePIE, lbfgs for autodiff, which alone has it.
    valid : (N, N) bool, optional
        Pixels of the detector that count photons; what the others hold has no weight anywhere.
        Default all.
    start : (H, W) complex, optional
        First object, transmissions behind the probe as it is given. Default ones.
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
        For an optimizer or a step that the algorithm does not take, an array of the wrong shape or
        content, a window outside the object, or a probe whose power is not that of the counts.
    """
    _check_machine(threads, device)
    scan = check_scan(counts, positions, probe, object_shape, valid)
    check_power(scan.counts, scan.probe, scan.valid)
    step = choose_step(settings)
    first = Pair(first_object(start, object_shape), scan.probe)
    with torch_session(threads) as torch:
        used = choose_device(torch, device)
        options = _choose_options(settings, step, len(scan.counts))
        if scan.probe.ndim > 2:
            set_modes(options, settings.refine_probe)
        options.reconstructor_options.default_device = used
        return _solve(options, scan, first, settings, on_epoch)


def _check_machine(threads: int, device: str) -> None:
    """Refuse a number of threads or a device that torch would take for something else."""
    if isinstance(threads, bool) or int(threads) != threads or threads < 1:
        raise ValueError(f"threads must be a whole number of at least 1, found {threads!r}")
    if device not in ("auto", "cpu", "gpu"):
        raise ValueError(f"device must be 'auto', 'cpu' or 'gpu'; found {device!r}")


def _choose_options(settings: "ReconstructSettings", step: Step | None, frames: int) -> Any:
    """Return pty-chi's options for all that the settings say."""
    options = build_options(
        RECIPES[settings.algorithm],
        batch_size=settings.batch_size,
        noise_model=settings.noise_model,
        refine_probe=settings.refine_probe,
    )
    set_step(options, step, settings.epochs, frames)
    return options


def _solve(
    options: Any,
    scan: Scan,
    start: Pair,
    settings: "ReconstructSettings",
    on_epoch: OnEpoch | None,
) -> IterativeResult:
    """Run an algorithm from a first object, and judge what it comes to."""
    task = _build(options, scan, start, settings)
    loss, earlier = _run(task, settings.epochs, start, on_epoch)
    pair = read_result(task, scan.probe)
    if options.object_options.optimizer == LBFGS:
        # Its own last epochs are what the others are tried with.
        moved = _movement(scan, pair, earlier, pair.object)
    else:
        device = options.reconstructor_options.default_device
        moved = _movement_of_a_trial(scan, pair, settings.noise_model, device)
    # A known probe comes back as given, not with the rounding of two changes of convention.
    final = _in_order(pair.probe) if settings.refine_probe else scan.probe.astype(np.complex64)
    return summarize(pair.object, final, loss, moved)


def _in_order(probe: np.ndarray) -> np.ndarray:
    """Return the modes of a probe orthogonal, the brightest first; one wave as it is."""
    if probe.ndim == 2 or not all_finite(probe):
        return probe
    return orthogonal_modes(probe).astype(np.complex64)


def _build(options: Any, scan: Scan, start: Pair, settings: "ReconstructSettings") -> Any:
    """Return a task that has yet to run its first epoch."""
    task = build_task(options, scan, start.object)
    if settings.algorithm == AUTODIFF:
        batch = options.reconstructor_options.batch_size
        modes = len(as_modes(start.probe))
        set_likelihood(task, settings.noise_model, batch, scan.valid, modes=modes)
    elif not scan.valid.all():
        _tell_valid_loss(task.reconstructor)
    return task


def _tell_valid_loss(reconstructor: Any) -> None:
    """Let the loss that is told be that of the valid pixels; DM and RAAR tell none of pixels."""
    tracker = reconstructor.loss_tracker
    if tracker.metric_function is not None:
        tracker.metric_function = on_valid(tracker.metric_function, reconstructor.dataset)


def _run(
    task: Any, epochs: int, start: Pair, on_epoch: OnEpoch | None
) -> tuple[np.ndarray, np.ndarray]:
    """Run all epochs; return the losses (epochs,) and an earlier object (H, W).

    It is the object as it was four epochs before the end, or the first one if that was not later.
    """
    earlier = start.object

    def after_epoch(epoch: int, loss: float) -> None:
        nonlocal earlier
        if epoch == epochs - TRIAL_EPOCHS:
            earlier = read_result(task, start.probe).object
        if on_epoch is not None:
            on_epoch(epoch, epochs, loss)

    loss = run_epochs(task, epochs, after_epoch)
    return loss, earlier


def _movement_of_a_trial(scan: Scan, pair: Pair, noise_model: str, device: str) -> float:
    """Return how far L-BFGS moves the result of another algorithm, in units of the floor."""
    further = try_further(scan, pair, noise_model=noise_model, device=device)
    return _movement(scan, pair, pair.object, further)


def _movement(scan: Scan, pair: Pair, before: np.ndarray, after: np.ndarray) -> float:
    """Return how far one object (H, W) lies from another, in floors of the photons detected."""
    share = detected_share(scan, pair)
    return movement(before, after, pair.probe, scan.positions, share=share)


def simulate_intensities(object_: ArrayLike, probe: ArrayLike, positions: ArrayLike) -> np.ndarray:
    """Return the intensities that pty-chi's own forward model predicts.

    It is a referee for `physics.propagate.intensities`.

    Parameters
    ----------
    object_ : (H, W) complex
        Object.
    probe : (N, N) or (m, N, N) complex
        Probe or its modes, orthonormal convention; N even.
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
    transmission = np.asarray(object_)
    n = np.shape(probe)[-1]
    blank = np.zeros((len(np.asarray(positions)), n, n), np.float32)
    rows, cols = transmission.shape
    scan = check_scan(blank, positions, probe, (rows, cols))
    with torch_session(threads=1) as torch:
        task = build_task(_referee_options(), scan, transmission)
        frames = _propagate(torch, task.reconstructor, len(blank))
    # pty-chi's detector has the zero frequency in the corner.
    return np.fft.fftshift(frames, axes=(-2, -1))


def _referee_options() -> Any:
    # Which algorithm it is does not matter: its forward model is asked, and no epoch is run.
    options = build_options(
        RECIPES["LSQML"], batch_size=_AT_ONCE, noise_model="gaussian", refine_probe=False
    )
    options.reconstructor_options.default_device = "cpu"
    return options


def _propagate(torch: Any, reconstructor: Any, frames: int) -> np.ndarray:
    """Return what a reconstructor expects on the detector, (frames, N, N), a chunk at a time."""
    with torch.no_grad():
        chunks = torch.arange(frames).split(_AT_ONCE)
        intensities = [reconstructor.forward_model(chunk).numpy() for chunk in chunks]
    return np.concatenate(intensities)
