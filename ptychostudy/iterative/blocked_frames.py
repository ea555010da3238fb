"""The intensities that an object makes behind a known probe, block by block in a core's cache.

pty-chi makes all frames of a batch at once, and its automatic differentiation keeps and passes
through each step of them in memory: most of a run on a CPU. What is made here is the same function
of the object, and the same derivative of it, written out.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ptychostudy.iterative.shifted_probes import ShiftedProbes

# Pixels of the frames that are worked on together.
_BLOCK_PIXELS = 2**16
# Far fields that are kept for the way back are at most so many pixels; of more they are made again.
_KEPT_PIXELS = 2**23


class _Known(NamedTuple):
    """What frames need that no step of a solver changes.

    Attributes
    ----------
    indices : (b,) int tensor
    probes : (b, m, N, N) complex64
        Modes where each frame has them.
    corners : (b, 2) int
        First pixel of each window in the object.
    """

    indices: Any
    probes: np.ndarray
    corners: np.ndarray

    @property
    def blocks(self) -> Iterator[slice]:
        """Frames that are worked on together."""
        frames, _, n, _ = self.probes.shape
        step = max(1, _BLOCK_PIXELS // (n * n))
        return (slice(start, start + step) for start in range(0, frames, step))

    def far(self, field: np.ndarray, block: slice) -> np.ndarray:
        """Return the far fields (k, m, N, N) of a block of frames behind an object (H, W)."""
        from torch import fft, from_numpy

        probes = self.probes[block]
        waves = _room(probes.shape)
        n = probes.shape[-1]
        for frame, (row, col) in enumerate(self.corners[block]):
            waves[frame] = field[row : row + n, col : col + n]
        waves *= probes
        return np.asarray(fft.fft2(from_numpy(waves)))

    def back(self, far: np.ndarray, slope: np.ndarray, block: slice, conjugate: np.ndarray) -> None:
        """Add the slope of an object (H, W) to its conjugate: that along intensities (k, N, N)."""
        from torch import fft, from_numpy

        along = np.multiply(far, 2 * slope[:, None], out=_room(far.shape))
        # Not the inverse but the adjoint of the transform, which has no factor.
        waves = np.asarray(fft.ifft2(from_numpy(along), norm="forward"))
        np.conjugate(waves, out=waves)
        waves *= self.probes[block]
        n = waves.shape[-1]
        for step, (row, col) in zip(waves, self.corners[block], strict=True):
            conjugate[row : row + n, col : col + n] += step.sum(axis=0)


def _room(shape: tuple[int, ...]) -> np.ndarray:
    """Return room for waves where torch puts its own: a transform's rounding depends on that."""
    import torch

    return np.asarray(torch.empty(shape, dtype=torch.complex64))


class BlockedFrames:
    """Stands in for ``forward`` of pty-chi's forward model, where the probe is known.

    Parameters
    ----------
    model : PlanarPtychographyForwardModel
        The forward model of pty-chi 2.2, with `ShiftedProbes`.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._known: _Known | None = None
        self._function = _function()

    def __call__(self, indices: Any) -> Any:
        """Return the intensities (b, N, N) of frames (b,), zero frequency in the corner."""
        known = self._known
        if known is None or not known.indices.equal(indices):
            known = self._known = self._of(indices)
        field = self._model.get_probe_grid_object()[0]
        return self._function.apply(field, known)

    def _of(self, indices: Any) -> _Known:
        model = self._model
        unique = model.get_unique_probes(indices)
        probes = model.shift_unique_probes(indices, unique, first_mode_only=True)
        snapped = model.get_probe_grid_position_data()[1][indices]
        n = probes.shape[-1]
        # As pty-chi cuts windows; all of ours lie inside the object.
        corners = (snapped - (n - 1) / 2).round().int()
        return _Known(indices.clone(), probes.numpy(), corners.numpy())


def _function() -> Any:
    """Return the function of torch whose derivative is written out; torch is imported late."""
    from torch import autograd, from_numpy

    class Intensities(autograd.Function):
        @staticmethod
        def forward(ctx: Any, field: Any, known: _Known) -> Any:
            ctx.known = known
            ctx.field = field.detach().numpy()
            kept = known.probes.size <= _KEPT_PIXELS
            ctx.far = [] if kept else None
            frames, _, n, _ = known.probes.shape
            intensities = np.empty((frames, n, n), dtype=np.float32)
            for block in known.blocks:
                far = known.far(ctx.field, block)
                if kept:
                    ctx.far.append(far)
                squares = np.square(far.real) + np.square(far.imag)
                intensities[block] = squares.sum(axis=1)
            return from_numpy(intensities)

        @staticmethod
        def backward(ctx: Any, slope: Any) -> Any:
            known = ctx.known
            conjugate = np.zeros(ctx.field.shape, dtype=np.complex64)
            for number, block in enumerate(known.blocks):
                far = known.far(ctx.field, block) if ctx.far is None else ctx.far[number]
                known.back(far, slope[block].numpy(), block, conjugate)
            return from_numpy(conjugate.conj()), None

    return Intensities


def make_in_blocks(task: Any) -> None:
    """Let a likelihood's task make its frames block by block, where it is on a CPU.

    Parameters
    ----------
    task : PtychographyTask
        Of pty-chi; its forward model is changed where its shifted probes are kept.
    """
    from ptychi.reconstructors.ad_general import AutodiffReconstructor

    # Other solvers ask their model for what lies between object and frames.
    if not isinstance(task.reconstructor, AutodiffReconstructor):
        return
    model: Any = task.reconstructor.forward_model
    on_cpu = model.object.tensor.data.device.type == "cpu"
    if on_cpu and isinstance(model.shift_unique_probes, ShiftedProbes):
        model.forward = BlockedFrames(model)
