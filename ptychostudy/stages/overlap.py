"""Stage overlap: the frames and groups of one view and split, and how much they overlap."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from ptychostudy.io.arrays import read_npz, write_npz
from ptychostudy.io.records import write_json
from ptychostudy.physics.draws import generator
from ptychostudy.physics.probes import probe_diameter_px
from ptychostudy.sampling.groups import form_groups
from ptychostudy.sampling.overlap import overlap_report
from ptychostudy.sampling.split import split_scan
from ptychostudy.sampling.subsample import solve_s_img, subsample_frames

if TYPE_CHECKING:
    from ptychostudy.study.sections.overlap import SamplingSettings


def run(
    settings: "SamplingSettings",
    *,
    base: Path,
    reference: Path,
    view: str,
    split: Literal["train", "test"],
    output: Path,
    metrics: Path,
) -> None:
    """Choose frames, form groups and measure overlap; positions only, no frame is read.

    Parameters
    ----------
    settings : SamplingSettings
        Section ``overlap`` of one view, and ``split``.
    base, reference : Path
        Positions; probe.
    view, split : str
        Names.
    output, metrics : Path
        ``{view}_{split}.npz`` with ``frames`` (indices into the split), ``groups`` (indices into ``frames``) and
        coordinates; ``{split}_metrics.json``.
    """
    arrays = read_npz(base, ["ycoords", "xcoords"])
    probe = read_npz(reference, ["probeGuess"])["probeGuess"]
    diameter = probe_diameter_px(probe)
    scan = np.stack([arrays["ycoords"], arrays["xcoords"]], axis=1)
    positions = scan[split_scan(scan, diameter, **dict(settings.split))[split]]
    seed, neighbours = settings.seed_subsampling, settings.metric_neighbor_count
    s_img = settings.s_img or solve_s_img(
        positions, settings.target_overlap, diameter, rng_seed=seed, neighbor_count=neighbours
    )
    frames = subsample_frames(len(positions), s_img, np.random.default_rng(seed))
    kept, size = positions[frames], settings.gridsize**2
    groups = form_groups(
        kept,
        size,
        generator(settings.seed_grouping, "grouping", view, split),
        n_groups=settings.n_groups,
        neighbor_count=settings.neighbor_count,
        oversample=settings.enable_oversampling,
        pool_size=settings.neighbor_pool_size,
    )
    report = overlap_report(
        kept,
        groups,
        diameter,
        gridsize=settings.gridsize,
        s_img=s_img,
        n_groups=settings.n_groups or len(groups),
        n_images_total=len(positions),
        neighbor_count=neighbours,
        rng_seed_subsample=seed,
        probe=probe,
    )
    report |= {"view": view, "split": split, "target_overlap": settings.target_overlap}
    found = {"frames": frames, "groups": groups, "ycoords": kept[:, 0], "xcoords": kept[:, 1]}
    write_npz(output, found, report)
    write_json(metrics, report)
