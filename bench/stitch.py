"""5216 patches of 20 x 20 on a canvas, beside padding each to the whole of it, a loop that only adds, and a copy."""

from functools import partial

import numpy as np

from measuring import CEILING, NAIVE, compared, itself, timed
from ptychostudy.physics.canvas import PartialCanvas, stitch_window

PATCHES, SIDE, PADDED, TURNS = 5216, 20, 64, 7


def rows(_):
    patches, window = made_patches(), stitch_window(SIDE)
    for canvas in (364, 4096):
        corners = np.random.default_rng(1).integers(0, canvas - SIDE, size=(PATCHES, 2))
        yield from on_canvas((canvas, patches, corners, window))


def on_canvas(arguments):
    """Yield the rows of a canvas, of a small one the naive way, too, whose end is a division."""
    canvas, patches, *_ = arguments
    of = f"{PATCHES} patches of {SIDE} x {SIDE}, canvas of {canvas} x {canvas}"
    ours, whole = partial(placed, *arguments), partial(finished, *arguments)
    yield compared(f"add {of}", ours, partial(added, *arguments), (CEILING, "a loop that only adds"), turns=TURNS)
    yield compared(f"add {of}", ours, partial(np.copy, patches), (CEILING, "a copy of the patches"), turns=TURNS)
    if canvas < 1000:
        beside = (NAIVE, f"each padded to the canvas (by {PADDED} patches)")
        yield compared(f"stitch {of}", lambda: timed(whole), partial(of_all, *arguments), beside, measure=itself)


def made_patches():
    rng = np.random.default_rng(0)
    shape = (PATCHES, SIDE, SIDE)
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(np.complex64)


def placed(canvas, patches, corners, window):
    whole = PartialCanvas((0, 0), (canvas, canvas))
    whole.add(patches, corners, window)
    return whole


def finished(*arguments):
    return placed(*arguments).finish().field


def added(canvas, patches, corners, _):
    total = np.zeros((canvas, canvas), np.complex64)
    for patch, (row, col) in zip(patches, corners, strict=True):
        total[row : row + SIDE, col : col + SIDE] += patch


def of_all(canvas, patches, corners, window):
    """Return the seconds that all patches would take, by those of some."""
    return timed(partial(padded, canvas, patches[:PADDED], corners[:PADDED], window)) * PATCHES / PADDED


def padded(canvas, patches, corners, window):
    total, weight = np.zeros((canvas, canvas), np.complex128), np.zeros((canvas, canvas))
    for patch, (row, col) in zip(patches, corners, strict=True):
        whole, mask = np.zeros((canvas, canvas), np.complex128), np.zeros((canvas, canvas))
        whole[row : row + SIDE, col : col + SIDE] = patch * window
        mask[row : row + SIDE, col : col + SIDE] = window
        total += whole
        weight += mask
    return total / np.maximum(weight, 1e-30)
