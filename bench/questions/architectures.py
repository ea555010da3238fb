"""The default network beside the ancestor's topology at equal training time, and beside its own sweeps untrained.

    python bench/questions/architectures.py --study quick --view dense --doses 100000 1000 --seeds 0 1 2

Each training is a process of its own, with one thread, through the stages of the study; time is CPU time of the stage
`train`. The ancestor's number of epochs is chosen so that it trains as long as the default did with the same data and
seed. Scores are of the test split of the view, stitched and aligned as in the study. Prints one line per training, and
before each dose's trainings those of the sweeps alone and of a flat object.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = {"quick": "config.yaml", "scaled": "scaled.yaml"}
EPOCHS = {"quick": 3, "scaled": 8}
COLUMNS = ("study", "view", "dose", "network", "seed", "parameters", "epochs", "train CPU s", "SSIM amp", "SSIM phase")
COLUMNS += ("Pearson amp", "Pearson phase", "phase MAE", "phase rms", "outcome")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--study", choices=CONFIGS, default="quick")
    parser.add_argument("--view", default="dense", help="one of the study's views (default: %(default)s)")
    parser.add_argument("--doses", type=int, nargs="+", default=[100000, 1000])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--hub", type=Path, help="folder for frames and networks (default: a temporary one)")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(train_and_score(**json.loads(options.one))))
        return
    hub = options.hub or Path(tempfile.mkdtemp())
    prepare(hub, options.study, options.view, options.doses)
    print(f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|", sep="\n", flush=True)
    common = {
        "hub": str(hub),
        "study": options.study,
        "view": options.view,
        "dose": options.doses[0],
        "seed": options.seeds[0],
    }
    short, longer = (child(**common, network="ptychopinn", epochs=epochs)["seconds"] for epochs in (1, 2))
    for dose in options.doses:
        for control in ("flat", "sweeps only"):
            report(child(**common | {"dose": dose}, network=control), common | {"dose": dose})
        for seed in options.seeds:
            compare(common | {"dose": dose, "seed": seed}, short, longer - short)


def prepare(hub, study, view, doses):
    """Make frames and groups."""
    hub.mkdir(parents=True, exist_ok=True)
    files = [f"data/phase_c/dose_{dose}/patched_train.npz" for dose in doses]
    files += [f"data/phase_d/{view}/{view}_{split}.npz" for split in ("train", "test")]
    command = ["snakemake", "--quiet", "all", "--cores", "1", "--snakefile", ROOT / "Snakefile", "--directory", hub]
    command += ["--configfile", ROOT / "config" / CONFIGS[study], "--config", f"doses={doses}", "--", *files]
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)


def compare(common, start, per_epoch):
    """Print the default, then the ancestor after as long: ``start`` s its first epoch, ``per_epoch`` each further."""
    default = child(**common, network="backprojection")
    report(default, common)
    epochs = 1 + max(0, round((default["seconds"] - start) / per_epoch))
    report(child(**common, network="ptychopinn", epochs=epochs), common)


def child(**options):
    """Train and score in a process of its own: TensorFlow does not give memory back."""
    environment = os.environ | dict.fromkeys(
        ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"
    )
    environment |= {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, __file__, "--one", json.dumps(options)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def report(found, common):
    """Print one row."""
    numbers = " | ".join(f"{value:.3f}" for value in found["scores"])
    where = " | ".join(str(common[key]) for key in ("study", "view", "dose"))
    print(
        f"| {where} | {found['network']} | {common['seed']} | {found['parameters']:,} | {found['epochs']} | "
        f"{found['seconds']:.0f} | {numbers} | {found['outcome']} |",
        flush=True,
    )


def train_and_score(hub, study, view, dose, seed, network, epochs=None):
    """Train one network (or none, for the sweeps alone and a flat object) and score it on the test split."""
    from ptychostudy.formats.bundle import read_bundle
    from ptychostudy.formats.scan import open_scan
    from ptychostudy.io.records import read_json
    from ptychostudy.stages import train
    from ptychostudy.study.settings import read_study
    from ptychostudy.study.stage_settings import stage_settings

    folder = Path(hub)
    settings = stage_settings(read_study(ROOT / "config" / CONFIGS[study]), "train_pinn")
    changes = {"seed": settings.seed + seed, "epochs": epochs or EPOCHS[study]}
    if network == "ptychopinn":
        # The ancestor's rate: with the default's it collapses more often.
        changes |= {"architecture": "ptychopinn", "amplitude_head": "sigmoid", "learning_rate": 1e-3}
    else:
        changes |= {"architecture": "backprojection"}
    settings = settings.model_copy(update=changes)
    scan = folder / f"data/phase_c/dose_{dose}/patched_train.npz"
    if network in ("sweeps only", "flat"):
        record = {"parameters": 0, "epochs_completed": 0, "status": "-"}
        bundle, seconds = untrained(settings, open_scan(scan), dose), 0.0
    else:
        with tempfile.TemporaryDirectory() as scratch:
            paths = {name: Path(scratch) / f"{name}.x" for name in ("bundle", "history", "record")}
            start, groups = time.process_time(), folder / f"data/phase_d/{view}/{view}_train.npz"
            train.run(settings, arm="PtychoPINN", scan=[scan], view=[groups], **paths)
            seconds = time.process_time() - start
            bundle, record = read_bundle(paths["bundle"]), read_json(paths["record"], ["status", "reason"])
    return {
        "network": network,
        "parameters": record["parameters"],
        "epochs": record["epochs_completed"],
        "seconds": seconds,
        "outcome": record["reason"] if record["status"] == "failed" else record["status"],
    } | score(folder, view, bundle, dose, flat=network == "flat")


def untrained(settings, source, dose):
    """Return the default network whose last maps are zero: its output is what the sweeps gave it."""
    from ptychostudy.networks.config import network_config, network_from_config
    from ptychostudy.networks.weights import get_weights
    from ptychostudy.physics.counts import input_scale, mean_counts
    from ptychostudy.study.sections.train import PinnSettings

    n = source.counts.shape[-1]
    config = network_config(PinnSettings.model_validate(settings), arm="PtychoPINN", n=n, frames=4)
    weights = get_weights(network_from_config(config, source.probe, 2 * n))
    last = ("amplitude_map", "phase_map")
    weights = {name: np.zeros_like(value) if name.startswith(last) else value for name, value in weights.items()}
    scale = input_scale(mean_counts(source.counts), n)
    unit = {"input_scale": scale, "probe_gauge": float(np.linalg.norm(source.probe)) * scale / (n / 2)}
    return {"config": config, "weights": weights, "normalization": {str(dose): unit}}


def score(folder, view, bundle, dose, *, flat=False):
    """Score a network on the test split of a view, or a flat object on the pixels that the network covers.

    Returns
    -------
    dict
        ``scores``: amplitude and phase SSIM, amplitude and phase Pearson, phase MAE and rms; ``beyond_plane``:
        correlation of amplitude and phase beyond a plane.
    """
    from ptychostudy.formats.positions import COORDINATES, read_positions
    from ptychostudy.formats.scan import open_scan
    from ptychostudy.io.arrays import read_npz
    from ptychostudy.measure import scoring
    from ptychostudy.measure.metrics import partial_pearson
    from ptychostudy.physics.rectangle import cut

    source = open_scan(folder / f"data/phase_c/dose_{dose}/patched_test.npz")
    cell = read_npz(folder / f"data/phase_d/{view}/{view}_test.npz", ["frames", "groups", *COORDINATES])
    canvas = stitched(source, cell["frames"], cell["groups"], bundle)
    mask, _ = scoring.common_mask([canvas.coverage], read_positions(cell), canvas.origin)
    truth = cut(source.truth, (0, 0), canvas.origin, canvas.field.shape)
    field, gauge = (np.ones_like(canvas.field), "mean") if flat else (canvas.field, "plane")  # as the stage compare
    found = scoring.score(field, truth, mask, phase_align=gauge)
    rows = found.evaluation.rows
    return {
        "scores": [*rows["ssim"][:2], *rows["pearson"][:2], rows["mae"][1], found.record["rms_phase_rad"]],
        "beyond_plane": partial_pearson(found.field, truth, mask),
    }


def stitched(source, frames, groups, bundle):
    """Return the canvas of a network over groups of frames, as the stages `infer` and `stitch` make it."""
    from ptychostudy.recipes.infer import ShardRun
    from ptychostudy.recipes.squares import Squares, members_of
    from ptychostudy.recipes.stitch import ShardPatches, stitch
    from ptychostudy.recipes.window import choose_window
    from ptychostudy.study.sections.infer import PatchSettings

    window = choose_window(PatchSettings(), source, frames, groups)
    squares = Squares.of(source, members_of(bundle["config"]["frames"], frames, groups), window)
    # A network that collapsed is scored, too.
    bundle = bundle | {"provenance": {"outcome": {"status": "ok"}}}
    passing = ShardRun(bundle, source, squares, np.arange(len(squares)), 16)
    patches = np.concatenate(list(passing.blocks()))
    return stitch([ShardPatches(passing.groups, patches, passing.record)], squares, in_phase=True).canvas


if __name__ == "__main__":
    main()
