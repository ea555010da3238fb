"""One task of pty-chi: its arrays in its own conventions, its epochs, and the result in ours.

pty-chi differs from this package in three ways, and each is translated here and nowhere else: its
FFT is unnormalised (so its probe is ours divided by N), its positions count from the middle of the
object, and its detector has the zero frequency in the corner.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ptychostudy.iterative.blocked_frames import make_in_blocks
from ptychostudy.iterative.inputs import Scan
from ptychostudy.iterative.mode_shifts import shift_all_modes
from ptychostudy.iterative.session import silence
from ptychostudy.iterative.shifted_probes import keep_shifted_probes
from ptychostudy.physics.modes import as_modes


class Pair(NamedTuple):
    """Object (H, W) and probe (N, N), or its modes (m, N, N), in our convention, complex."""

    object: np.ndarray
    probe: np.ndarray


def build_task(options: Any, scan: Scan, object_: np.ndarray) -> Any:
    """Hand the arrays of a scan and the first object (H, W) to pty-chi in its own conventions."""
    from ptychi.api.task import PtychographyTask

    middle = np.array(object_.shape) // 2
    # pty-chi reads the window that begins at position + origin - (N - 1) / 2. The origin is stated,
    # not left to its default, which differs for odd objects.
    options.object_options.position_origin_coords = [float(value) - 0.5 for value in middle]
    rows, cols = _from_the_middle(scan.positions, middle)
    n = scan.probe.shape[-1]
    wave = scan.probe / n
    with silence():
        task = PtychographyTask(
            options,
            diffraction_data=scan.counts,
            # True is good; it is moved to pty-chi's corner as the frames are.
            valid_pixel_mask=scan.valid,
            object_data=object_.astype(np.complex64)[None],
            probe_data=as_modes(wave.astype(np.complex64))[None],
            probe_position_x_px=cols,
            probe_position_y_px=rows,
        )
    reconstructor: Any = task.reconstructor
    _widen(reconstructor.parameter_group.object.roi_bbox)
    if wave.ndim > 2:
        shift_all_modes(reconstructor)
    return task


def _widen(box: Any) -> None:
    """Give the part of an object by whose norm pty-chi scales it a pixel, where it has none.

    It lies between the outermost positions: of a scan along one row or column there is nothing, and
    the norm of nothing is no number.
    """
    for side, end in zip(box.get_slicer(), (1, 3), strict=True):
        if side.stop <= side.start:
            box.tensor[end] += 1


def _from_the_middle(positions: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Return window centres (k, 2) from the middle of the object: rows (k,), then columns (k,).

    pty-chi rounds half to even, `physics.windows.split_positions` rounds it up: a fraction of
    exactly half a pixel is moved by 1e-4, so that both read the same window.
    """
    whole = np.floor(positions + 0.5)
    fractions = np.maximum(positions - whole, -0.4999)
    centred: np.ndarray = (whole + fractions - middle).astype(np.float32)
    return centred.T


def run_epochs(
    task: Any, epochs: int, on_epoch: Callable[[int, float], None] | None = None
) -> np.ndarray:
    """Run epoch by epoch, which pty-chi does too, and return the losses (epochs,).

    `on_epoch` is called as ``on_epoch(epoch, loss)``, counted from one.
    """
    keep_shifted_probes(task)
    make_in_blocks(task)
    for epoch in range(1, epochs + 1):
        # What is called after an epoch writes progress: it is not silenced.
        with silence():
            task.run(1)
        if on_epoch is not None:
            on_epoch(epoch, float(_losses(task)[-1]))
    return _losses(task)


def _losses(task: Any) -> np.ndarray:
    """Return pty-chi's loss of each epoch so far, (epochs,) float64."""
    table = task.reconstructor.loss_tracker.table
    losses: np.ndarray = table["loss"].to_numpy(np.float64)
    return losses


def read_result(task: Any, probe: np.ndarray) -> Pair:
    """Return object and probe of a task in our convention, complex64.

    The factor that the pair traded is given back to the object. The refined probe keeps the given
    one's power and, against it, no phase: power is what the data fix.
    """
    object_ = _read_field(task, "object")[0]
    refined = _read_field(task, "probe")[0].reshape(probe.shape) * probe.shape[-1]
    factor = _traded_factor(refined, probe)
    # After a divergence there is no factor; what is not finite is returned as it is.
    if np.isfinite(factor) and factor != 0:
        object_ = object_ * factor
        refined = refined / factor
    return Pair(object_.astype(np.complex64), refined.astype(np.complex64))


def _read_field(task: Any, name: str) -> np.ndarray:
    field: np.ndarray = task.get_data_to_cpu(name, as_numpy=True)
    return field.astype(np.complex128)


def _traded_factor(refined: np.ndarray, probe: np.ndarray) -> np.complex128:
    """Return by which complex factor a refined probe differs from the given one.

    Any factor of the probe with its inverse on the object gives the same frames. Of modes the
    phase is the first one's, for that of each is free.
    """
    gain = np.linalg.norm(refined) / np.linalg.norm(probe)
    turn = np.exp(1j * np.angle(np.vdot(as_modes(probe)[0], as_modes(refined)[0])))
    factor: np.complex128 = gain * turn
    return factor
