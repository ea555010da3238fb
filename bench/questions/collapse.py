"""How often a short training collapses: many seeds, two frame sizes, two doses; with a Wilson 95 % interval.

    python bench/questions/collapse.py --trials 20

Networks are trained for a few epochs on a part of the groups of the quick and of the scaled study, through the stage
`train` and under its own detector of collapse; besides, an output counts whose correlation with the truth
beyond a plane, of amplitude or phase, is below what a useful arm must have.
"""

import argparse
import tempfile
from itertools import cycle, islice
from pathlib import Path

from architectures import child, prepare
from ptychostudy.measure.statistics import wilson_interval
from ptychostudy.report.usefulness import LEAST_PEARSON


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--network", choices=("backprojection", "ptychopinn"), default="backprojection")
    parser.add_argument("--hub", type=Path, help="folder for frames (default: a temporary one)")
    options = parser.parse_args()
    hub = options.hub or Path(tempfile.mkdtemp())
    doses = [100000, 1000]
    for study in ("quick", "scaled"):
        prepare(hub / study, study, "dense", doses)
    cells = cycle([(study, dose) for study in ("quick", "scaled") for dose in doses])
    bad = 0
    print(
        "| study | dose | seed | train CPU s | SSIM phase | r amp beyond a plane | r phase beyond a plane | outcome |",
        "|---" * 8 + "|",
        sep="\n",
    )
    for seed, (study, dose) in enumerate(islice(cells, options.trials), start=100):
        common = {"hub": str(hub / study), "study": study, "view": "dense", "dose": dose, "seed": seed}
        found = child(**common, network=options.network, epochs=1)
        amplitude, phase = found["beyond_plane"]
        lost = found["outcome"] != "ok" or min(amplitude, phase) < LEAST_PEARSON
        bad += lost
        print(
            f"| {study} | {dose} | {seed} | {found['seconds']:.0f} | {found['scores'][1]:.3f} | "
            f"{amplitude:.3f} | {phase:.3f} | {'collapsed: ' if lost else ''}{found['outcome']} |",
            flush=True,
        )
    low, high = wilson_interval(bad, options.trials)
    print(f"\n{options.network}: {bad} of {options.trials} collapsed, Wilson 95 % [{low:.3f}, {high:.3f}]")


if __name__ == "__main__":
    main()
