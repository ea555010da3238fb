"""Networks of the canvas on objects of kinds that they were not trained on, beside physics only and total variation.

    python bench/questions/unseen_objects.py --hub HUB --view sparse --doses 1000 100000

HUB is a finished study with networks of the canvas. An object of each kind is put behind the probe, the scan and the
dose of its test split, its frames are drawn, and what the bundles of both networks make of them is scored as the study
scores. Prints one line per kind and dose: rms phase error in rad, phase SSIM.
"""

import argparse
from pathlib import Path

import numpy as np

from ptychostudy.formats.bundle import read_bundle
from ptychostudy.formats.positions import COORDINATES, read_positions
from ptychostudy.formats.scan import open_scan
from ptychostudy.io.arrays import read_npz
from ptychostudy.measure import scoring
from ptychostudy.networks.canvas_network import learned
from ptychostudy.networks.canvas_plain import plain_with_weights
from ptychostudy.physics.maximum import plain
from ptychostudy.physics.rectangle import cut
from ptychostudy.physics.windows import scan_rectangle
from ptychostudy.recipes.canvas_lessons import Seen
from ptychostudy.recipes.maximise import ViewOfScan, weight_of
from ptychostudy.recipes.simulated_objects import simulated_objects
from ptychostudy.study import layout
from ptychostudy.study.sections.maximise import MaximiseSettings

KINDS = ("circuit", "siemens", "grf", "lines")
SEED = 1234


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--hub", type=Path, required=True)
    parser.add_argument("--view", default="sparse")
    parser.add_argument("--doses", type=int, nargs="+", default=[1000, 100000])
    options = parser.parse_args()
    print(
        "| dose | object | PhysicsOnly | TV | PtychoPINN | Baseline |",
        "|---|---|---|---|---|---|",
        sep="\n",
        flush=True,
    )
    for dose in options.doses:
        for row in rows(options.hub, options.view, dose):
            print(f"| {dose} | {' | '.join(row)} |", flush=True)


def rows(hub, view_name, dose):
    """Yield the cells of each kind's row."""
    settings = MaximiseSettings()
    source = open_scan(hub / layout.FRAMES.format(dose=dose, split="test"))
    cell = read_npz(hub / layout.VIEW.format(view=view_name, split="test"), ["frames", *COORDINATES])
    view = ViewOfScan.of(source, cell["frames"])
    weight = weight_of(view, settings)
    of_view = Seen.of(view.likelihood(), weight, settings)
    paths = layout.network_bundles(("PtychoPINN", "Baseline"), "each", 2, dose, view_name)
    bundles = {arm: read_bundle(hub / path) for arm, path in paths.items()}
    objects = simulated_objects(view, of_view.smooth, dict(enumerate(KINDS)), SEED)
    for kind, (likelihood, object_) in zip(KINDS, objects, strict=True):
        seen = Seen.of(likelihood, weight, settings)
        fields = [plain(likelihood, settings), seen.smooth]
        for bundle in bundles.values():
            model = plain_with_weights(view.shape, bundle["weights"])
            fields.append(learned(seen.features, model))
        yield kind, *(scored(field, object_, view, cell) for field in fields)


def scored(field, object_, view, cell):
    """Return the phase error and the phase SSIM of a canvas as text."""
    origin, shape = scan_rectangle(view.source.positions, 11)
    seen, truth = (cut(each, view.origin, origin, shape) for each in (field, object_))
    mask, _ = scoring.common_mask([np.ones(shape)], read_positions(cell), origin)
    found = scoring.score(seen.astype(np.complex64), truth, mask, phase_align="plane")
    return f"{found.record['rms_phase_rad']:.4f}, {found.evaluation.rows['ssim'][1]:.3f}"


if __name__ == "__main__":
    main()
