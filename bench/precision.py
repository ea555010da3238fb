"""A network of the ancestor's form in bfloat16 beside float32: a pass with stitching over the dense test view.

Processor time of one thread, of all groups with the building of model and graph, and a group after the first chunk.
"""

import time

import numpy as np

import quick_study
from measuring import NAIVE, missing, row_of, with_rates
from ptychostudy.formats.bundle import read_bundle
from ptychostudy.formats.scan import open_scan
from ptychostudy.io.arrays import read_npz
from ptychostudy.networks.precision import cpu_features
from ptychostudy.recipes.infer import ShardRun
from ptychostudy.recipes.squares import Squares, members_of
from ptychostudy.recipes.stitch import ShardPatches, stitch
from ptychostudy.recipes.window import choose_window
from ptychostudy.study.sections.infer import PatchSettings

BATCH, TURNS = 16, 3
NATIVE = {"amx_bf16", "avx512_bf16"}
NAME = "the ancestor's form in bfloat16"


def rows(hub):
    if not NATIVE & cpu_features():
        yield missing(NAME, f"this processor has none of {', '.join(sorted(NATIVE))}")
        return
    bundle = read_bundle(quick_study.ancestor(hub))
    # Of one pass; whether it was enough is no matter here.
    bundle = bundle | {"provenance": {"outcome": {"status": "ok"}}}
    source = open_scan(hub / quick_study.FRAMES.format("test"))
    cell = read_npz(hub / quick_study.GROUPS.format("test"))
    window = choose_window(PatchSettings(), source, cell["frames"], cell["groups"])
    squares = Squares.of(source, members_of(bundle["config"]["frames"], cell["frames"], cell["groups"]), window)
    turns = [[passed(bundle, source, squares, name) for name in ("bfloat16", "float32")] for _ in range(TURNS)]
    groups = len(squares)
    for place, what in enumerate(("with model and graph", "once they are made")):
        pairs = [(short[place], full[place]) for short, full in turns]
        row = row_of(f"{NAME}, {groups} groups of 4, {what}", pairs, (NAIVE, "in float32"))
        yield with_rates(row, groups, "groups")


def passed(bundle, source, squares, precision):
    """Return the seconds of one pass in a precision, and those that it would take warm."""
    start = time.process_time()
    passing = ShardRun(bundle, source, squares, np.arange(len(squares)), BATCH, precision=precision)
    blocks = passing.blocks()
    first = next(blocks)
    built = time.process_time()
    patches = np.concatenate([first, *blocks])
    passed = time.process_time()
    stitch([ShardPatches(passing.groups, patches, passing.record)], squares, in_phase=True)
    end = time.process_time()
    warm = (passed - built) * len(patches) / (len(patches) - len(first))
    return end - start, warm + (end - passed)
