"""Largest memory of stages that stream, of 20 000 frames a split beside 1000 on the same object."""

import tempfile
from pathlib import Path

import numpy as np

import quick_study
from measuring import CEILING, MB, peak_mb, python, row_of
from ptychostudy.formats.arm_product import canvas_arrays
from ptychostudy.formats.scan import open_scan
from ptychostudy.io.arrays import read_npz, write_npz
from ptychostudy.physics.canvas import Canvas
from ptychostudy.recipes.maximise import ViewOfScan
from ptychostudy.study.settings import parse_study
from ptychostudy.study.stage_settings import encode, stage_settings

STEPS_PX = {1000: 3.39, 20_000: 0.759}
"""Step of a raster over 160 x 160 pixels by the number of frames of a split, about: a band between both is left out."""
FEWER, MORE = STEPS_PX
DOSE, VIEW = quick_study.DOSE, quick_study.VIEW
NUMPY = (CEILING, "Python with NumPy")


def rows(hub):
    """Yield two rows for each stage: both scans one after the other, once, as a peak hardly scatters."""
    with tempfile.TemporaryDirectory() as folder:
        peaks = {frames: peaks_of(hub, Path(folder) / str(frames), step) for frames, step in STEPS_PX.items()}
    start = peak_mb(python("-c", "import numpy"))
    for stage, peak in peaks[MORE].items():
        name = f"memory of {stage}, {MORE} frames of 32 x 32 a split"
        yield row_of(name, [(peak, peaks[FEWER][stage])], (CEILING, f"{FEWER} frames"), unit=MB)
        yield row_of(name, [(peak, start)], NUMPY, unit=MB)


def peaks_of(hub, folder, step_px):
    """Return the largest memory of each stage of a small study, `infer` with the network of the quick study."""
    folder.mkdir()
    study = small_study(step_px)
    own, truth, train, test, view = (folder / f"{name}.npz" for name in ("base", "truth", "train", "test", "view"))
    made = ["--base", own, "--reference", truth]
    words = {
        "base": [*settings(study, "base"), "--source", "--mask", "--pictures", "--output", own],
        "truth": ["--base", own, "--output", truth],
        "simulate": [*settings(study, "simulate"), *made, "--dose", DOSE, "--train", train, "--test", test],
        "overlap": [*settings(study, "overlap"), *made, "--view", VIEW, "--split", "test", "--output", view],
    }
    words["overlap"] += ["--metrics", folder / "metrics.json"]
    peaks = {stage: peak_of(stage, options) for stage, options in words.items()}
    bundle = next(hub.glob(f"data/phase_e/dose_{DOSE}/{VIEW}/gs*/wts.h5.zip"))
    options = ["--settings", "{}", "--arm", "PtychoPINN", "--bundle", bundle, "--scan", test, "--view", view]
    options += ["--estimate", flat(folder, test, view), "--shard", "1-of-1", "--output", folder / "shard.npz"]
    return peaks | {"infer": peak_of("infer", options)}


def small_study(step_px):
    base = {"kind": "synthetic", "frame_px": 32, "object": {"shape_px": [192, 192]}, "probe": {"diameter_px": 16}}
    return parse_study({"base": base | {"scan": {"step_px": step_px}}})


def settings(study, stage):
    view = VIEW if stage == "overlap" else None
    return ["--settings", encode(stage_settings(study, stage, view))]


def peak_of(stage, options):
    return peak_mb(python("-m", "ptychostudy", stage, *options))


def flat(folder, test, view):
    """Write and return an estimate of ones, on the canvas of the scan: what it holds changes no memory."""
    on_canvas = ViewOfScan.of(open_scan(test), read_npz(view, ["frames"])["frames"])
    field = np.ones(on_canvas.shape, np.complex64)
    canvas = Canvas(field, np.ones(field.shape, np.float32), on_canvas.origin)
    estimate = folder / "tv.npz"
    write_npz(estimate, canvas_arrays(canvas), {"arm": "TV", "status": "ok", "reason": "", "statistics": {}})
    return estimate
