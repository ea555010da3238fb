"""The shifted probes of a known probe, kept: they are the same at every evaluation.

pty-chi shifts the probe by each frame's fraction of a pixel whenever it evaluates the frame, which
is half the time of a run. Where the probe is not refined, here each frame's is shifted once.
"""

from typing import Any

# Bytes of all shifted probes together: those of 32 768 frames of 64 x 64 pixels. A scan of more is
# shifted anew each time, as by pty-chi itself.
_ROOM = 2**30
_COMPLEX64 = 8


class ShiftedProbes:
    """Stands in for ``shift_unique_probes`` of pty-chi's forward model, and gives the same bits.

    A frame's probe is taken from pty-chi when it is first asked for. All are forgotten as soon as
    the probe or a fraction differs from what they were made of.

    Parameters
    ----------
    model : PlanarPtychographyForwardModel
        The forward model of pty-chi 2.2.

    Attributes
    ----------
    shifts : int
        How often pty-chi was asked to shift.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._shift = model.shift_unique_probes
        self._probe: Any = None
        self._fractions: Any = None
        self._known: Any = None
        self._kept: Any = None
        self.shifts = 0

    def __call__(self, indices: Any, unique_probes: Any, first_mode_only: bool = False) -> Any:
        """Return the probes (b, modes, N, N) of frames (b,) at their fractions of a pixel.

        Parameters
        ----------
        indices : (b,) int tensor
            Frames.
        unique_probes : (b, modes, N, N) complex tensor
            The probe, once for each frame.
        first_mode_only : bool
            As pty-chi means it; its reconstructors always say True.
        """
        probe = unique_probes[0]
        fractions = self._model.get_probe_grid_position_data()[2]
        if not self._are_of(probe, fractions):
            self._begin(probe, fractions)
        chosen = indices.to(self._known.device)
        if not bool(self._known[chosen].all()):
            self.shifts += 1
            self._kept[chosen] = self._shift(indices, unique_probes, first_mode_only)
            self._known[chosen] = True
        return self._kept[chosen]

    def _are_of(self, probe: Any, fractions: Any) -> bool:
        """Say whether what is kept was made of this probe (modes, N, N) and these fractions."""
        if self._probe is None:
            return False
        same: bool = self._probe.equal(probe) and self._fractions.equal(fractions)
        return same

    def _begin(self, probe: Any, fractions: Any) -> None:
        """Make room for the shifted probes of all frames, none of which is known."""
        import torch

        frames = len(fractions)
        self._probe = probe.clone()
        self._fractions = fractions.clone()
        self._known = probe.new_zeros(frames, dtype=torch.bool)
        self._kept = probe.new_empty((frames, *probe.shape))


def keep_shifted_probes(task: Any) -> None:
    """Let a task shift each probe once, where they never change and fit into memory.

    That is, where neither the probe nor the positions are refined.

    Parameters
    ----------
    task : PtychographyTask
        Of pty-chi; its forward model is changed.
    """
    group = task.reconstructor.parameter_group
    positions = group.probe_positions
    refined = group.probe.optimizable or positions.optimizable
    if refined or len(positions.data) * _bytes_of(group.probe) > _ROOM:
        return
    model = task.reconstructor.forward_model
    model.shift_unique_probes = ShiftedProbes(model)


def _bytes_of(probe: Any) -> int:
    """Return how many bytes one shifted probe takes, with all its modes."""
    modes, rows, cols = probe.shape[-3:]
    return int(modes * rows * cols * _COMPLEX64)
