"""Stitching of a finished study's networks in several forms: weights, synchronisation, seconds.

    python bench/questions/synchronise.py HUB --doses 100000 1000 --views dense sparse --arms PtychoPINN Baseline

Nothing is trained: each network of the study computes the patches of a cell's test split once, and these are stitched
as the ancestor did (a uniform square of 20 px, phases as they are) and otherwise. Scores are on the pixels that the
form's own canvas covers inside the hull of the view, aligned as in the study. Seconds are CPU time of the recipe
`stitch`. Prints one line per form.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from ptychostudy.formats.bundle import read_bundle
from ptychostudy.formats.positions import COORDINATES, read_positions
from ptychostudy.formats.scan import open_scan
from ptychostudy.io.arrays import read_npz
from ptychostudy.measure import scoring
from ptychostudy.physics.disagreement import root_mean_square
from ptychostudy.physics.rectangle import cut
from ptychostudy.recipes.infer import ShardRun
from ptychostudy.recipes.squares import Squares, members_of
from ptychostudy.recipes.stitch import ShardPatches, stitch
from ptychostudy.recipes.window import StitchWindow, choose_window
from ptychostudy.study.names import BASELINE, NETWORKS, PINN
from ptychostudy.study.sections.infer import PatchSettings

BUNDLES = {PINN: "{view}/gs2/wts.h5.zip", BASELINE: "baseline/gs1/wts.h5.zip"}
FORMS = (
    (PatchSettings(window="uniform", window_px=20), False),
    (PatchSettings(window="uniform", window_px=20), True),
    (PatchSettings(window="uniform"), False),
    (PatchSettings(window="uniform"), True),
    (PatchSettings(window="hann"), True),
    (PatchSettings(window="light"), False),
    (PatchSettings(window="light"), True),
)
COLUMNS = (
    "dose",
    "view",
    "network",
    "window",
    "px",
    "in phase",
    "SSIM phase",
    "Pearson phase",
    "phase rms",
    "SSIM amp",
)
COLUMNS += ("disagreement", "parts", "s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("hub", type=Path)
    parser.add_argument("--doses", type=int, nargs="+", default=[100000, 1000])
    parser.add_argument("--views", nargs="+", default=["dense", "sparse"])
    parser.add_argument("--arms", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    options = parser.parse_args()
    print(f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|", sep="\n", flush=True)
    for dose in options.doses:
        source = open_scan(options.hub / f"data/phase_c/dose_{dose}/patched_test.npz")
        for view in options.views:
            cell = read_npz(options.hub / f"data/phase_d/{view}/{view}_test.npz", ["frames", "groups", *COORDINATES])
            for arm in options.arms:
                place = options.hub / f"data/phase_e/dose_{dose}" / BUNDLES[arm].format(view=view)
                compare(read_bundle(place), source, cell, (dose, view, arm))


def compare(bundle, source, cell, names):
    """Print a row for each form of one network's stitching."""
    members = members_of(bundle["config"]["frames"], cell["frames"], cell["groups"])
    whole = Squares.of(source, members, StitchWindow(source.counts.shape[-1], "uniform"))
    every = np.arange(len(members))
    passing = ShardRun(bundle, source, whole, every, 16)
    patches = np.concatenate(list(passing.blocks()))
    for settings, in_phase in FORMS:
        squares = Squares.of(source, members, choose_window(settings, source, cell["frames"], cell["groups"]))
        inset = whole.inset - squares.inset
        along = slice(-inset, patches.shape[-1] + inset) if inset else slice(None)
        weighted = (patches[:, along, along] * squares.weights(every)).astype(np.complex64)
        start = time.process_time()
        found = stitch([ShardPatches(every, weighted, passing.record)], squares, in_phase=in_phase)
        report(found, source, cell, (*names, squares.window.window, squares.window.window_px, in_phase), start)


def report(found, source, cell, words, start):
    """Print one row."""
    seconds = time.process_time() - start
    canvas = found.canvas
    mask, _ = scoring.common_mask([canvas.coverage], read_positions(cell), canvas.origin)
    truth = cut(source.truth, (0, 0), canvas.origin, canvas.field.shape)
    scored = scoring.score(canvas.field, truth, mask)
    rows = scored.evaluation.rows
    spread = root_mean_square(found.disagreement, canvas.coverage, mask)
    numbers = (rows["ssim"][1], rows["pearson"][1], scored.record["rms_phase_rad"], rows["ssim"][0], spread)
    texts = [*map(str, words), *(f"{number:.4f}" for number in numbers)]
    print(f"| {' | '.join(texts)} | {found.record['stitching']['parts']} | {seconds:.2f} |", flush=True)


if __name__ == "__main__":
    main()
