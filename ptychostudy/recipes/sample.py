"""Sample: the frames and groups of one view of a scan, and how much they overlap."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ptychostudy.physics.draws import generator
from ptychostudy.physics.probe_width import width_px
from ptychostudy.recipes.cut import cut_record, cut_text
from ptychostudy.sampling.groups import form_groups
from ptychostudy.sampling.overlap import overlap_report
from ptychostudy.sampling.split import split_scan
from ptychostudy.sampling.subsample import solve_s_img, subsample_frames, take_frames

if TYPE_CHECKING:
    from ptychostudy.study.sections.overlap import SamplingSettings


@dataclass(frozen=True)
class View:
    """One way to sample a split of the scan.

    Attributes
    ----------
    frames : (m,) int
        Indices of the frames that are kept, into the split.
    groups : (g, C) int
        Indices into `frames`.
    positions : (m, 2) float
        Window centres (row, col) of the frames that are kept.
    metrics : dict
        Overlap metrics, see `overlap_report`.
    """

    frames: np.ndarray
    groups: np.ndarray
    positions: np.ndarray
    metrics: dict[str, Any]

    @property
    def text(self) -> str:
        """Return in words how many frames there are, and what became of the others."""
        said = self.metrics
        text = f"{len(self.frames)} of {said['n_images_total']} frames in {len(self.groups)} groups"
        # An iterative arm takes these all the same; networks of groups do not see them.
        alone = len(self.frames) - len(np.unique(self.groups))
        text += f", {alone} in no group" if alone else ""
        if "n_images_scan" not in said:
            return text
        return f"{text}; {cut_text(said)}"


def sample_view(
    scan: np.ndarray, probe: np.ndarray, view: str, split: str, settings: "SamplingSettings"
) -> View:
    """Choose frames, form groups and measure overlap; from positions only.

    Parameters
    ----------
    scan : (k, 2) float
        Window centres (row, col) of the whole scan.
    probe : (N, N) complex
        Its diameter is the disc of the overlap metrics.
    view, split : str
        Names; they name the generator of the groups, too.
    settings : SamplingSettings
    """
    diameter = width_px(probe, settings.probe_width)
    parts = split_scan(scan, diameter, **dict(settings.split))
    positions = scan[parts[split]]
    s_img = _fraction(positions, diameter, settings)
    frames = _frames(len(positions), s_img, settings)
    kept = positions[frames]
    groups = _groups(kept, view, split, settings)
    # What came of the settings is recorded, not what was asked: s_img may have been solved for.
    report = overlap_report(
        kept,
        groups,
        diameter,
        gridsize=settings.gridsize,
        s_img=s_img,
        n_groups=settings.n_groups or len(groups),
        n_images_total=len(positions),
        neighbor_count=settings.metric_neighbor_count,
        rng_seed_subsample=settings.seed_subsampling,
        probe=probe,
    )
    wanted = {"view": view, "split": split, "target_overlap": settings.target_overlap}
    # Named where they say something, so that records of other views stay as they are.
    asked = {"n_subsample": settings.n_subsample, "sequential": settings.sequential}
    wanted |= {key: value for key, value in asked.items() if value}
    cut = cut_record(len(scan), parts, diameter, settings)
    return View(frames, groups, kept, {**report, **cut, **wanted})


def _fraction(positions: np.ndarray, diameter: float, settings: "SamplingSettings") -> float:
    """Return the fraction of frames to keep: as given, or what gives the number or the overlap."""
    if settings.n_subsample is not None:
        return settings.n_subsample / len(positions)
    if settings.target_overlap is None:
        return cast(float, settings.s_img)  # a view holds exactly one of the three
    return solve_s_img(
        positions,
        settings.target_overlap,
        diameter,
        rng_seed=settings.seed_subsampling,
        neighbor_count=settings.metric_neighbor_count,
    )


def _frames(n: int, s_img: float, settings: "SamplingSettings") -> np.ndarray:
    """Return the frames (m,) that a view keeps: drawn, or the first of the scan."""
    # A seed of its own, so that the frames of a view do not depend on how groups are drawn.
    rng = None if settings.sequential else np.random.default_rng(settings.seed_subsampling)
    if settings.n_subsample is not None:
        return take_frames(n, settings.n_subsample, rng)
    return subsample_frames(n, s_img, rng)


def _groups(
    positions: np.ndarray, view: str, split: str, settings: "SamplingSettings"
) -> np.ndarray:
    """Return groups (g, C) of neighbouring frames; each view and split draws for itself."""
    return form_groups(
        positions,
        settings.gridsize**2,
        generator(settings.seed_grouping, "grouping", view, split),
        n_groups=settings.n_groups,
        neighbor_count=settings.neighbor_count,
        oversample=settings.enable_oversampling,
        pool_size=settings.neighbor_pool_size,
        sequential=settings.sequential,
    )
