"""Checks of the reconstructed fields: something is in them, where the scan is, in its place.

Whether an arm is useful is a result, and no check.
"""

import numpy as np

from ptychostudy.checks.cells import Cell, cell_path, read_status
from ptychostudy.io.arrays import read_npz
from ptychostudy.measure.outcome import judge
from ptychostudy.physics.canvas import Canvas
from ptychostudy.study import layout
from ptychostudy.study.arm_names import further
from ptychostudy.study.hub import Hub
from ptychostudy.study.names import ARMS


def arms(hub: Hub) -> list[str]:
    """Check that every arm's field is finite and not constant."""
    problems = []
    for cell in hub.cells():
        problems += _empty_arms(hub, cell)
    return problems


def coverage(hub: Hub) -> list[str]:
    """Check that arms cover the scanned hull and that nothing uncovered is scored."""
    problems = []
    for cell in hub.cells():
        problems += _uncovered(hub, cell)
    return problems


def shifts(hub: Hub) -> list[str]:
    """Check that the measured shift of every arm is small: canvases are placed by coordinates."""
    problems = []
    for cell in hub.cells():
        problems += _shifted_arms(hub, cell)
    return problems


def _empty_arms(hub: Hub, cell: Cell) -> list[str]:
    fields = read_npz(hub.analysis(*cell) / layout.ALIGNED)
    counted = _counted(hub, cell)
    problems = []
    for arm in hub.arms:
        where = f"{cell_path(cell)}: {arm}"
        if arm in counted:
            continue
        if arm not in fields:
            problems.append(f"{where} has no field")
            continue
        outcome = judge(_scored_part(fields[arm], fields["mask"]))
        if outcome["status"] != "ok":
            problems.append(f"{where}: {outcome['reason']}")
    return problems


def _scored_part(field: np.ndarray, mask: np.ndarray) -> Canvas:
    """Return a field (H, W) as a canvas that covers the mask: elsewhere it may be anything."""
    return Canvas(field, mask.astype(np.float32), (0, 0))


def _counted(hub: Hub, cell: Cell) -> list[str]:
    """Return the arms whose failure is a result, which is counted.

    In a repetition that of any, of arms that not every study has that of the first seed, too.
    """
    recorded = read_status(hub, cell)["arms"]
    arms = hub.arms if hub.repetition else further(hub.arms)
    return [arm for arm in arms if recorded.get(arm, {}).get("status") == "failed"]


def _uncovered(hub: Hub, cell: Cell) -> list[str]:
    status = read_status(hub, cell, ["coverage", "mask_px"])
    fields = read_npz(hub.analysis(*cell) / layout.FIELDS)
    covered = status["coverage"]
    needed = hub.settings.verify.min_coverage
    mask_px = int(fields["mask"].sum())
    problems = []
    if covered < needed:
        problems.append(f"arms cover {covered:.3f} of the hull, needed {needed}")
    if mask_px != status["mask_px"]:
        problems.append(f"the stored mask has {mask_px} pixels, recorded {status['mask_px']}")
    problems += _holes(fields)
    return [f"{cell_path(cell)}: {problem}" for problem in problems]


def _holes(fields: dict[str, np.ndarray]) -> list[str]:
    mask = fields["mask"]
    problems = []
    for arm in ARMS:
        # A canvas is exactly zero where no patch came.
        if arm in fields and np.any(fields[arm][mask] == 0):
            problems.append(f"{arm} is zero on scored pixels")
    return problems


def _shifted_arms(hub: Hub, cell: Cell) -> list[str]:
    recorded = read_status(hub, cell)["arms"]
    bound = hub.settings.verify.max_shift_px
    problems = []
    for arm in ARMS:
        shift = recorded.get(arm, {}).get("shift_px")
        # Of an arm that failed no shift was measured.
        if shift and max(abs(along) for along in shift) > bound:
            problems.append(f"{cell_path(cell)}: {arm} is {shift} px off, allowed {bound}")
    return problems
