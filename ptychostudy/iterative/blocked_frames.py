"""The intensities that an object makes behind a known probe, block by block in a core's cache.

pty-chi makes all frames of a batch at once, and its automatic differentiation keeps and passes
through each step of them in memory: most of a run on a CPU. What is made here is the same function
of the object, and the same derivative of it, written out.
"""

from typing import Any

import numpy as np

from ptychostudy.iterative.shifted_probes import ShiftedProbes
from ptychostudy.physics.block_transform import BlockTransform, block_transform
from ptychostudy.physics.frame_steps import FrameSteps, frame_steps
from ptychostudy.physics.windows import check_inside

# Pixels of the frames that are worked on together.
_BLOCK_PIXELS = 2**16
# About how often a run passes all frames.
_PASSES = 100
# Far fields that are kept for the way back are at most so many pixels; of more they are made again.
_KEPT_PIXELS = 2**23


class _Block:
    """Some frames that are worked on together.

    Parameters
    ----------
    probes : (m, b, N, N) complex64
        Modes where each frame has them.
    corners : (b, 2) int
        First pixel of each window in the object.
    steps : FrameSteps
    transform : BlockTransform
        Of waves as the probes. It may be that of other blocks, too.
    """

    def __init__(
        self,
        probes: np.ndarray,
        corners: np.ndarray,
        steps: FrameSteps,
        transform: BlockTransform,
    ) -> None:
        self.probes = probes
        self.corners = corners
        self.steps = steps
        self.transform = transform

    def go(self, field: np.ndarray) -> None:
        """Leave the far fields (m, b, N, N) behind an object (H, W) in the transform."""
        self.steps.expose(field, self.probes, self.corners, self.transform.waves)
        self.transform.forward()

    def intensities(self, found: np.ndarray) -> None:
        """Put the intensities of the far fields, of all modes together, into (b, N, N)."""
        self.steps.power(self.transform.waves, found)

    def back(self, slope: np.ndarray, conjugate: np.ndarray) -> None:
        """Add what an object (H, W) has along intensities (b, N, N): half its slope, conjugate.

        The far fields are no longer there afterwards.
        """
        self.steps.weigh(self.transform.waves, slope)
        # Not the inverse but the adjoint of the transform, which has no factor.
        self.transform.backward()
        self.steps.place(self.transform.waves, self.probes, self.corners, conjugate)


class _Known:
    """Frames, and what they need that no step of a solver changes.

    Parameters
    ----------
    indices : (b,) int tensor
    probes : (m, b, N, N) complex64
    corners : (b, 2) int

    Attributes
    ----------
    passes : int
        How often far fields were made or used up: those of another number are no longer there.
    """

    def __init__(self, indices: Any, probes: np.ndarray, corners: np.ndarray) -> None:
        self.indices = indices
        self.shape = probes.shape[1:]
        self.passes = 0
        self._kept = probes.size <= _KEPT_PIXELS
        step = max(1, _BLOCK_PIXELS // (probes.shape[-1] ** 2))
        frames = probes.shape[1]
        self.slices = [slice(start, min(start + step, frames)) for start in range(0, frames, step)]
        steps = frame_steps(_PASSES * frames * probes.shape[-1] ** 2)
        shared: dict[tuple[int, ...], BlockTransform] = {}
        self.blocks = []
        for part in self.slices:
            own = np.ascontiguousarray(probes[:, part])
            shape = own.shape
            if self._kept or shape not in shared:
                shared[shape] = block_transform(shape)
            self.blocks.append(_Block(own, corners[part], steps, shared[shape]))

    def intensities(self, field: np.ndarray) -> np.ndarray:
        """Return the intensities (b, N, N) float32 behind an object (H, W)."""
        self.passes += 1
        found = np.empty(self.shape, dtype=np.float32)
        for part, block in zip(self.slices, self.blocks, strict=True):
            block.go(field)
            block.intensities(found[part])
        return found

    def slope(self, field: np.ndarray, along: np.ndarray, made: int) -> np.ndarray:
        """Return the slope (H, W) of an object whose intensities (b, N, N) have another.

        Parameters
        ----------
        field : (H, W) complex64
        along : (b, N, N) float32
        made : int
            The pass that made the intensities of this object.
        """
        lost = not self._kept or made != self.passes
        self.passes += 1
        conjugate = np.zeros(field.shape, dtype=np.complex64)
        for part, block in zip(self.slices, self.blocks, strict=True):
            if lost:
                block.go(field)
            block.back(along[part], conjugate)
        return 2 * conjugate.conj()


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
        corners = (snapped - (n - 1) / 2).round().numpy().astype(np.int64)
        # What is compiled would read, and write, what lies beside the object in memory.
        check_inside(corners, n, tuple(model.get_probe_grid_object()[0].shape))
        return _Known(indices.clone(), probes.numpy().swapaxes(0, 1), corners)


def _function() -> Any:
    """Return the function of torch whose derivative is written out; torch is imported late."""
    from torch import autograd, from_numpy

    class Intensities(autograd.Function):
        @staticmethod
        def forward(ctx: Any, field: Any, known: _Known) -> Any:
            ctx.known = known
            ctx.field = np.ascontiguousarray(field.detach().numpy())
            intensities = known.intensities(ctx.field)
            ctx.made = known.passes
            return from_numpy(intensities)

        @staticmethod
        def backward(ctx: Any, slope: Any) -> Any:
            along = np.ascontiguousarray(slope.numpy())
            return from_numpy(ctx.known.slope(ctx.field, along, ctx.made)), None

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
