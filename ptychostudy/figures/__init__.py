"""Figures: arrays and dicts in, a matplotlib Figure out. The only importer of matplotlib; no files, no global state."""

from ptychostudy.figures.curves import dose_curves, frc_plot, overlap_curves
from ptychostudy.figures.fields import comparison_plot
from ptychostudy.figures.grids import correlation_heatmap, ms_ssim_heatmap, ssim_grid

__all__ = [
    "comparison_plot",
    "correlation_heatmap",
    "dose_curves",
    "frc_plot",
    "ms_ssim_heatmap",
    "overlap_curves",
    "ssim_grid",
]
