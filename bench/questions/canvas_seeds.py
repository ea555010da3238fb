"""How networks of the canvas end from many seeds, beside physics only and total variation; with a Wilson 95 % interval.

    python bench/questions/canvas_seeds.py --hub HUB --study quick --view sparse --dose 1000 --trials 20

HUB is a finished study, of which frames and groups are read. Each trial draws anew what a seed of a training draws:
weights, held-out photons, simulated objects. A trial has collapsed if its training failed, or if its phase error on the
test split is above that of physics only. Prints one line per training: CPU seconds, phase error in rad, phase SSIM.
"""

import argparse
import time
from pathlib import Path

from ptychostudy.formats.scan import open_scan
from ptychostudy.io.arrays import read_npz
from ptychostudy.measure.statistics import wilson_interval
from ptychostudy.networks.canvas_network import learned
from ptychostudy.networks.canvas_plain import plain_with_weights
from ptychostudy.physics.maximum import plain
from ptychostudy.recipes.canvas_lessons import Seen, _placed
from ptychostudy.recipes.maximise import ViewOfScan, weight_of
from ptychostudy.recipes.passes import passes, settled
from ptychostudy.recipes.train_canvas import count_lessons, train_canvas_network
from ptychostudy.study import layout
from ptychostudy.study.settings import read_study
from ptychostudy.study.stage_settings import TRAIN, stage_settings
from unseen_objects import scored

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = {"quick": "config.yaml", "scaled": "scaled.yaml"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--hub", type=Path, required=True)
    parser.add_argument("--study", choices=CONFIGS, default="quick")
    parser.add_argument("--view", default="sparse")
    parser.add_argument("--dose", type=int, default=1000)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--networks", nargs="+", choices=TRAIN, default=list(TRAIN))
    parser.add_argument("--objects", nargs="+", help="kinds that the Baseline learns from, beside its own object")
    options = parser.parse_args()
    cell = Cell(options.hub, options.view, options.dose)
    print(f"PhysicsOnly {cell.text(cell.plain)}; TV {cell.text(cell.seen.smooth)}", flush=True)
    print("| network | seed | train CPU s | rms phase, SSIM phase | outcome |", "|---" * 5 + "|", sep="\n", flush=True)
    study = read_study(ROOT / "config" / CONFIGS[options.study])
    for network in options.networks:
        settings = stage_settings(study, TRAIN[network])
        if network == "Baseline" and options.objects:
            settings = settings.model_copy(update={"objects": tuple(options.objects)})
        many(network, settings, cell, options.trials)


class Cell:
    """Both splits of a cell; what the likelihood says of the test split."""

    def __init__(self, hub, view, dose):
        self.train = self._view(hub, view, dose, "train")
        self.test = self._view(hub, view, dose, "test")
        self.positions = read_npz(hub / layout.VIEW.format(view=view, split="test"))
        how = stage_settings(read_study(ROOT / "config" / CONFIGS["quick"]), "maximise")
        likelihood = self.test.likelihood()
        self.plain = plain(likelihood, how)
        self.seen = Seen.of(likelihood, weight_of(self.test, how), how)

    @staticmethod
    def _view(hub, view, dose, split):
        source = open_scan(hub / layout.FRAMES.format(dose=dose, split=split))
        return ViewOfScan.of(source, read_npz(hub / layout.VIEW.format(view=view, split=split), ["frames"])["frames"])

    def text(self, field):
        """Return phase error and phase SSIM of a canvas of the test split."""
        truth = _placed(self.test.source.truth, (0, 0), self.test)
        return scored(field, truth, self.test, self.positions)


def many(network, settings, cell, trials):
    """Print a line per seed, and how many of them collapsed."""
    limit = float(cell.text(cell.plain).split(",")[0])
    bad = 0
    for seed in range(trials):
        chosen = settings.model_copy(update={"seed": settings.seed + 100 + seed})
        chosen = settled(chosen, passes(network, count_lessons(1, chosen), chosen))
        start = time.process_time()
        trained = train_canvas_network(network, [cell.train.source], [cell.train.index], chosen)
        seconds = time.process_time() - start
        failed = trained.result.status == "failed"
        model = plain_with_weights(cell.test.shape, trained.weights)
        text = cell.text(learned(cell.seen.features, model))
        lost = failed or float(text.split(",")[0]) > limit
        bad += lost
        outcome = "collapsed" if lost else "ok"
        print(f"| {network} | {seed} | {seconds:.0f} | {text} | {outcome} |", flush=True)
    low, high = wilson_interval(bad, trials)
    print(f"\n{network}: {bad} of {trials} collapsed, Wilson 95 % [{low:.3f}, {high:.3f}]\n", flush=True)


if __name__ == "__main__":
    main()
