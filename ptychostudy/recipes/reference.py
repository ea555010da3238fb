"""Reference: a measured scan at its full dose, by which every arm is scored."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ptychostudy.formats.probe_modes import mode_arrays
from ptychostudy.iterative.result import IterativeResult
from ptychostudy.iterative.solver import OnEpoch, reconstruct
from ptychostudy.measure.misfit import Misfit, scan_misfit
from ptychostudy.physics import windows
from ptychostudy.physics.counts import mean_counts, scale_probe
from ptychostudy.physics.expected import Expected
from ptychostudy.recipes.probe_modes import starting_probe

if TYPE_CHECKING:
    from ptychostudy.study.sections.reconstruct import ReconstructSettings

# What is left of R over that of photon noise: 0.035 on 250 frames of the measured star, 0.13 with
# their rows reversed, 0.14 with their positions in another order.
_POOR = 0.1


@dataclass(frozen=True)
class Reference:
    """The reconstruction of a measured scan.

    Attributes
    ----------
    result : IterativeResult
        Object from pixel 0 of the file's coordinates on, and probe or its modes in photons.
    coverage : (H, W) float32
        Photons that the scan put on each pixel.
    misfit : Misfit
        Of object and probe with all measured frames.
    """

    result: IterativeResult
    coverage: np.ndarray
    misfit: Misfit

    @property
    def fit_text(self) -> str:
        """Say how well the reference explains the frames, and what to look at if it does not."""
        value, expected = self.misfit.value, self.misfit.expected
        text = f"the reference leaves R = {value:.3f}; photon noise alone gives {expected:.3f}"
        if self.misfit.excess <= max(_POOR, expected):
            return text
        return (
            f"{text}: it explains the frames badly; look at the probe, the order and unit of the "
            "positions and the frames' orientation (python -m ptychostudy inspect FILE)"
        )

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """Return what is stored of it."""
        return {
            "objectGuess": self.result.object,
            **mode_arrays(self.result.probe),
            "coverage": self.coverage,
        }


def reconstruct_reference(
    counts: np.ndarray,
    positions: np.ndarray,
    probe: np.ndarray,
    settings: "ReconstructSettings",
    on_epoch: OnEpoch,
    *,
    valid: np.ndarray | None = None,
) -> Reference:
    """Reconstruct a measured scan at its full dose.

    Parameters
    ----------
    counts : (k, N, N) uint
        Measured frames.
    positions : (k, 2) float
        Window centres (row, col).
    probe : (N, N) or (k, N, N) complex
        In any units: it is scaled to the photons of the frames.
    settings : ReconstructSettings
    on_epoch : callable
        Told epoch, epochs and loss.
    valid : (N, N) bool, optional
        Pixels of the detector that count photons. Default all.

    Raises
    ------
    ValueError
        If the reconstruction diverged, or more modes are asked for than can be had.
    """
    # From pixel 0 on: the object keeps the coordinates of the file.
    _, end = windows.extent(positions, counts.shape[-1], 1)
    shape = (int(end[0]), int(end[1]))
    start = starting_probe(probe, settings, "reference")
    scaled = scale_probe(start, mean_counts(counts), valid)
    result = reconstruct(counts, positions, scaled, shape, settings, valid=valid, on_epoch=on_epoch)
    # An arm may fail and be told so; without what it is scored by there is no study.
    if not result.finite:
        raise ValueError(
            "the full-dose reconstruction of the measured scan diverged; "
            "change the section 'reference'"
        )
    if valid is not None and not valid.all():
        result = _of_whole_frames(result, positions)
    coverage = windows.light(result.probe, positions, shape).astype(np.float32)
    good = np.ones(counts.shape[1:], dtype=bool) if valid is None else valid
    misfit = scan_misfit(result.object, result.probe, positions, counts, good)
    return Reference(result, coverage, misfit)


def _of_whole_frames(result: IterativeResult, positions: np.ndarray) -> IterativeResult:
    """Scale a probe to the power that a frame has on the mean, bad pixels included.

    An object scatters light onto bad pixels, or away from them: the share of the bare probe that
    they miss is not that of the frames, and a mask would change the transmission of the object.
    What object and probe make of a frame says how much there is.
    """
    frame = Expected(result.object, result.probe, positions).mean()
    scale = np.sqrt(frame / float(np.sum(np.abs(result.probe) ** 2))).astype(np.float32)
    return replace(result, object=result.object / scale, probe=result.probe * scale)
