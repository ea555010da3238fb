"""Iterative reconstruction with pty-chi: arrays in, arrays out.

The torch imports are lazy: importing this module costs nothing, a reconstruction pays for it.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ptychostudy.iterative.algorithms import AUTODIFF, LBFGS, RECIPES, Step, choose_step
from ptychostudy.iterative.convergence import TRIAL_EPOCHS, movement, try_further
from ptychostudy.iterative.inputs import Scan, check_power, check_scan
from ptychostudy.iterative.likelihood import set_likelihood
from ptychostudy.iterative.options import build_options, set_step
from ptychostudy.iterative.result import IterativeResult, summarize
from ptychostudy.iterative.session import choose_device, torch_session
from ptychostudy.iterative.task import Pair, build_task, read_result, run_epochs

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
    threads: int = 1,
    device: str = "auto",
    on_epoch: OnEpoch | None = None,
) -> IterativeResult:
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
    scan = check_scan(counts, positions, probe, object_shape)
    check_power(scan.counts, scan.probe)
    step = choose_step(settings)
    start = Pair(np.ones(object_shape, np.complex64), scan.probe)
    with torch_session(threads) as torch:
        used = choose_device(torch, device)
        options = _choose_options(settings, step, len(scan.counts))
        options.reconstructor_options.default_device = used
        return _solve(options, scan, start, settings, on_epoch)


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
        moved = movement(earlier, pair.object, pair.probe, scan.positions)
    else:
        device = options.reconstructor_options.default_device
        moved = _movement_of_a_trial(scan, pair, settings.noise_model, device)
    # A known probe comes back as given, not with the rounding of two changes of convention.
    final = pair.probe if settings.refine_probe else scan.probe.astype(np.complex64)
    return summarize(pair.object, final, loss, moved)


def _build(options: Any, scan: Scan, start: Pair, settings: "ReconstructSettings") -> Any:
    """Return a task that has yet to run its first epoch."""
    task = build_task(options, scan, start.object)
    if settings.algorithm == AUTODIFF:
        batch = options.reconstructor_options.batch_size
        set_likelihood(task, settings.noise_model, batch, start.probe.shape[-1])
    return task


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
    return movement(pair.object, further, pair.probe, scan.positions)


def simulate_intensities(object_: ArrayLike, probe: ArrayLike, positions: ArrayLike) -> np.ndarray:
    """Return the intensities that pty-chi's own forward model predicts.

    It is a referee for `physics.propagate.intensities`.

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
