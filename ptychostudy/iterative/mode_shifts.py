"""Sub-pixel shifts of the modes of a probe: pty-chi 2.2 moves the first mode only.

A position's fraction of a pixel moves the whole probe. pty-chi asks its forward model and its
solvers for the first mode alone, so that the others stay on whole pixels, up to half a pixel off.
"""

from collections.abc import Callable
from typing import Any

_MODES = 1


def shift_all_modes(reconstructor: Any) -> None:
    """Let a solver of pty-chi, and its forward model, shift every mode as they shift the first.

    Parameters
    ----------
    reconstructor : Reconstructor
        Of a task with several modes; it is changed.
    """
    model = reconstructor.forward_model
    model.shift_unique_probes = _for_each_mode(model.shift_unique_probes)
    name = "adjoint_shift_probe_update_direction"
    # Autodiff has none: it goes back through the forward model.
    if hasattr(reconstructor, name):
        setattr(reconstructor, name, _for_each_mode(getattr(reconstructor, name)))


def _for_each_mode(shift: Callable[..., Any]) -> Callable[..., Any]:
    """Return a shift of waves (frames, modes, N, N) that moves all modes."""

    def shifted(indices: Any, waves: Any, first_mode_only: bool = False) -> Any:
        from torch import cat

        # Its own way for all modes has one shift too few for each: one mode at a time is right.
        each = [shift(indices, one, first_mode_only=True) for one in waves.split(1, dim=_MODES)]
        return cat(each, dim=_MODES)

    return shifted
