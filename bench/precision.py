"""A network of the ancestor's form in bfloat16 beside float32: CPU time of a pass with stitching, and the canvases.

    OMP_NUM_THREADS=1 python bench/precision.py --hub HUB --dose 1000 --view dense

HUB is the folder of a study with `train.feed_forward.enabled`. Times are processor times of one thread, medians of
turns, of all groups with the building of model and graph, and of those after the first chunk. The difference of the
canvases is stated in decibels of their power, and in the scores of both against the truth.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np

from ptychostudy.formats.bundle import read_bundle
from ptychostudy.formats.positions import COORDINATES, read_positions
from ptychostudy.formats.scan import open_scan
from ptychostudy.io.arrays import read_npz
from ptychostudy.measure import scoring
from ptychostudy.physics.rectangle import cut
from ptychostudy.recipes.infer import ShardRun
from ptychostudy.recipes.squares import Squares, members_of
from ptychostudy.recipes.stitch import ShardPatches, stitch
from ptychostudy.recipes.window import choose_window
from ptychostudy.study.sections.infer import PatchSettings

PRECISIONS = ("float32", "bfloat16")
BATCH = 16


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--hub", type=Path, required=True)
    parser.add_argument("--dose", type=int, required=True)
    parser.add_argument("--view", default="dense")
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    bundle_files = options.hub.glob(f"data/phase_e/dose_{options.dose}/{options.view}/feed_forward_gs*/wts.h5.zip")
    bundle = read_bundle(next(bundle_files))
    source = open_scan(options.hub / f"data/phase_c/dose_{options.dose}/patched_test.npz")
    cell = read_npz(options.hub / f"data/phase_d/{options.view}/{options.view}_test.npz")
    window = choose_window(PatchSettings(), source, cell["frames"], cell["groups"])
    squares = Squares.of(source, members_of(bundle["config"]["frames"], cell["frames"], cell["groups"]), window)
    taken, canvases = {name: [] for name in PRECISIONS}, {}
    for _ in range(options.turns):
        for name in PRECISIONS:
            canvases[name], seconds = passed(bundle, source, squares, name)
            taken[name].append(seconds)
    report(taken, canvases, len(squares))
    compare(canvases, source, read_positions({key: cell[key] for key in COORDINATES}))


def passed(bundle, source, squares, precision):
    """Return the canvas of one pass in a precision, and the CPU seconds a group, of all and warm."""
    start = time.process_time()
    passing = ShardRun(bundle, source, squares, np.arange(len(squares)), BATCH, precision=precision)
    blocks = passing.blocks()
    first = next(blocks)
    built = time.process_time()
    patches = np.concatenate([first, *blocks])
    passed = time.process_time()
    canvas = stitch([ShardPatches(passing.groups, patches, passing.record)], squares, in_phase=True).canvas
    end = time.process_time()
    warm = (passed - built) / (len(patches) - len(first))
    return canvas, ((end - start) / len(patches), warm + (end - passed) / len(patches))


def report(taken, canvases, groups):
    """Print times and the difference of the canvases."""
    medians = {name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in taken.items()}
    for name, (whole, warm) in medians.items():
        print(f"{name:9s} {groups} groups: {1 / whole:6.0f} /s with the build, {1 / warm:6.0f} /s warm")
    pairs = zip(*taken.values(), strict=True)
    ratios = [[full / short for full, short in zip(one, other, strict=True)] for one, other in pairs]
    whole, warm = (statistics.median(column) for column in zip(*ratios, strict=True))
    print(f"bfloat16 is faster by {whole:.2f} with the build, {warm:.2f} warm")
    full, short = (canvases[name].field for name in PRECISIONS)
    power = np.sum(np.abs(short - full) ** 2) / np.sum(np.abs(full) ** 2)
    print(f"difference of the canvases: {10 * np.log10(power):.1f} dB")


def compare(canvases, source, positions):
    """Print the scores of both canvases on the pixels that they cover."""
    for name, canvas in canvases.items():
        mask, _ = scoring.common_mask([canvas.coverage], positions, canvas.origin)
        truth = cut(source.truth, (0, 0), canvas.origin, canvas.field.shape)
        found = scoring.score(canvas.field, truth, mask, phase_align="plane")
        rows = found.evaluation.rows
        kept = {metric: [None if x is None else round(float(x), 4) for x in rows[metric]] for metric in ("ssim", "mae")}
        print(f"{name:9s} {kept}")


if __name__ == "__main__":
    main()
