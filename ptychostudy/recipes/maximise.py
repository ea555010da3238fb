"""Maximise: the likelihood of the frames of one view on one canvas, plain and with a prior."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy.formats.arm_product import ArmProduct
from ptychostudy.formats.scan import Scan
from ptychostudy.io.atomic import DataError
from ptychostudy.io.threads import allowed_threads
from ptychostudy.measure.misfit import Misfit, scan_misfit
from ptychostudy.measure.outcome import judge
from ptychostudy.physics.canvas import Canvas
from ptychostudy.physics.held_out import Frames, Kept, LeftOver, Source
from ptychostudy.physics.maximum import plain, smooth
from ptychostudy.physics.prior_weight import choose_weight
from ptychostudy.physics.scan_likelihood import PASSES, ScanLikelihood
from ptychostudy.recipes.scan_canvas import relative_light, scan_canvas
from ptychostudy.study.names import PHYSICS, TV

if TYPE_CHECKING:
    from ptychostudy.study.sections.maximise import MaximiseSettings

_CHOSEN_BY = 128
"""Frames by which the weight of the prior is chosen."""
_BLOCK = 64
"""Frames in memory together."""


@dataclass(frozen=True)
class ViewOfScan:
    """The frames of a view on the canvas of their scan.

    Attributes
    ----------
    source : Scan
    index : (m,) int
        Frames of the view.
    origin, shape : (int, int)
        Of the canvas: the same for every view of the scan.
    """

    source: Scan
    index: np.ndarray
    origin: tuple[int, int]
    shape: tuple[int, int]

    @classmethod
    def of(cls, source: Scan, index: np.ndarray) -> "ViewOfScan":
        """Return some frames (m,) of a scan on its canvas."""
        origin, shape = scan_canvas(source.positions, source.counts.shape[-1])
        return cls(source, index, origin, shape)

    def only(self, part: np.ndarray) -> "ViewOfScan":
        """Return some (k,) of its frames on the same canvas."""
        return ViewOfScan(self.source, self.index[part], self.origin, self.shape)

    def middle(self, frames: int) -> "ViewOfScan":
        """Return the frames nearest to the middle, as many as that at most, on their own canvas."""
        off = self.positions - self.positions.mean(axis=0)
        # Stable: of frames as far off the first ones are taken, on any machine.
        nearest = np.argsort(np.hypot(*off.T), kind="stable")[:frames]
        index = np.sort(self.index[nearest])
        canvas = scan_canvas(self.source.positions[index], self.source.counts.shape[-1])
        return ViewOfScan(self.source, index, *canvas)

    @property
    def positions(self) -> np.ndarray:
        """Window centres (m, 2) on the canvas."""
        centres: np.ndarray = self.source.positions[self.index] - self.origin
        return centres

    @property
    def frames(self) -> Frames:
        """The frames of the view."""
        return Frames(self.source.counts, self.index, self.source.valid)

    @property
    def photons(self) -> int:
        """What its frames count where pixels are valid."""
        frames = self.frames
        blocks = (frames[start : start + _BLOCK] for start in range(0, len(frames), _BLOCK))
        counted = (np.sum(block[:, self.source.valid], dtype=np.float64) for block in blocks)
        return round(float(sum(counted)))

    def likelihood(
        self,
        counts: Source | None = None,
        share: float = 1.0,
        passes: int = PASSES,
        *,
        streamed: bool = False,
    ) -> ScanLikelihood:
        """Return the likelihood of objects, given the frames or a share of their photons."""
        return ScanLikelihood(
            self.frames if counts is None else counts,
            self.source.whole_probe,
            self.positions,
            self.shape,
            valid=self.source.valid,
            share=share,
            threads=allowed_threads(),
            passes=passes,
            streamed=streamed,
        )

    def split(
        self, held_out: float, seed: int, draw: int = 0, passes: int = PASSES
    ) -> tuple[ScanLikelihood, ScanLikelihood]:
        """Return the likelihoods given some photons of a draw, and given those held out."""
        kept = Kept(self.frames, 1 - held_out, seed, draw)
        rest = LeftOver(kept)
        seen, left = (self.likelihood(part, part.share, passes) for part in (kept, rest))
        return seen, left

    def own(self, estimate: ArmProduct) -> np.ndarray:
        """Return the object (H, W) of an estimate, which must be one of these frames.

        Raises
        ------
        DataError
            If it is of another canvas, or of frames of another number or with other photons.
        """
        if (estimate.origin, estimate.field.shape) != (self.origin, self.shape):
            raise DataError(
                f"an estimate of shape {estimate.field.shape} from {estimate.origin} is not of the "
                f"view's canvas, {self.shape} from {self.origin}; needed: the one of its frames"
            )
        own = {"frames": len(self.index), "photons": self.photons}
        for key, needed in own.items():
            # Files of other programs, and of before, do not say it.
            found = estimate.record.get(key, needed)
            if found != needed:
                raise DataError(
                    f"an estimate of {found} {key} is not that of a view of {needed}; "
                    "needed: the one of this view at this dose"
                )
        return estimate.field

    def canvas(self, field: np.ndarray) -> Canvas:
        """Return a field (H, W) with its origin and the coverage by light."""
        light = relative_light(self.source.whole_probe, self.positions, self.shape)
        return Canvas(field, light, self.origin)


@dataclass(frozen=True)
class Estimate:
    """An object of a view.

    Attributes
    ----------
    arm : str
    canvas : Canvas
    misfit : Misfit
    frames, photons : int
        How many, and what they count.
    about : dict
        What else is recorded of it.
    """

    arm: str
    canvas: Canvas
    misfit: Misfit
    frames: int
    photons: int
    about: dict[str, Any]

    @property
    def record(self) -> dict[str, Any]:
        """Return how it ended, for the metadata of the product."""
        outcome = judge(self.canvas)
        # Of dark frames the likelihood makes an object that is nearly zero, and no reconstruction.
        if not self.misfit.amplitude:
            outcome.update(status="failed", reason="no frame holds a photon")
        return {
            "arm": self.arm,
            **outcome,
            "frames": self.frames,
            "photons": self.photons,
            "misfit": self.misfit.record,
            **self.about,
        }


def maximise_view(
    source: Scan,
    frames: np.ndarray,
    settings: "MaximiseSettings",
    on_step: Callable[[int, int], object] = lambda step, steps: None,
) -> tuple[Estimate, Estimate]:
    """Return the object of the greatest likelihood, and that with a smoothness prior.

    Parameters
    ----------
    source : Scan
        All frames of the split: they say how large the canvas is.
    frames : (m,) int
        Those of the view.
    settings : MaximiseSettings
    on_step : callable
        Told step and steps.
    """
    view = ViewOfScan.of(source, frames)
    likelihood = view.likelihood()
    field = plain(likelihood, settings)
    on_step(1, 3)
    weight = weight_of(view, settings)
    on_step(2, 3)
    smoothed = smooth(likelihood, weight, settings.smooth_iterations)
    on_step(3, 3)
    return (
        _estimate(PHYSICS, view, field, {}),
        _estimate(TV, view, smoothed, {"weight": float(weight)}),
    )


def weight_of(view: ViewOfScan, settings: "MaximiseSettings") -> float:
    """Return the weight of the smoothness prior: as the settings or held-out photons say."""
    if settings.weight != "auto":
        return settings.weight
    # As good on a part of the scan, and no dearer for a large one.
    part = view.middle(_CHOSEN_BY)
    # Compiled if all the view's frames will be.
    passes = PASSES * len(view.index) // max(1, len(part.index))
    seen, held_out = part.split(settings.held_out, settings.seed, passes=passes)
    return choose_weight(seen, held_out, settings.smooth_iterations)


def _estimate(arm: str, view: ViewOfScan, field: np.ndarray, about: dict[str, Any]) -> Estimate:
    source = view.source
    found = scan_misfit(field, source.whole_probe, view.positions, view.frames, source.valid)
    return Estimate(arm, view.canvas(field), found, len(view.index), view.photons, about)
