"""Studies made of chosen numbers, for tests of what is computed and drawn from them; no array, no file."""

from ptychostudy.report.cell_records import make_cell
from ptychostudy.report.summary import summarize

MODELS = {
    "PtychoPINN": 0.8,
    "Baseline": 0.6,
    "PtyChi": 0.7,
    "TV": 0.75,
    "Flat": 0.0,
    "PhysicsOnly": 0.65,
    "Untrained": 0.05,
}
METRICS = ("ssim", "ms_ssim", "mae", "mse", "pearson", "partial_pearson", "frc50")
# view: frames per pixel, area overlap, linear overlap, fraction of the frames
VIEWS = {"dense": (1 / 20, 0.7, 0.75, 1.0), "sparse": (1 / 50, 0.5, 0.6, 0.4)}


def made_record(dose, view, split, *, scores=None, failed=(), converged=True):
    """Return the status record and the table of one cell: each score is one number in all columns, rms is 1 - it."""
    density, area, linear, s_img = VIEWS[view]
    scores = MODELS | (scores or {})
    arms = {
        model: {"status": "failed", "reason": "collapsed"}
        if model in failed
        else {"status": "ok", "reason": "", "rms_phase_rad": 1 - value}
        for model, value in scores.items()
    }
    if "PtyChi" not in failed:
        arms["PtyChi"]["converged"] = converged
    status = {
        "dose": dose,
        "view": view,
        "split": split,
        "status": "failed" if failed else "success",
        "truth": "simulated object",
        "pixel_size_m": 1e-8,
        "photons_requested": dose,
        "photons_measured": dose * 1.0001,
        "photons_per_pixel": dose * density,
        "phase_floor_rad": (2 * dose * density) ** -0.5,
        "overlap": {
            "metric_2_image_based_avg": area,
            "linear_overlap": linear,
            "s_img": s_img,
            "multiplicity_min": 1.25,
            "multiplicity_p05": 2.5,
        },
        "mask_px": 1200,
        "coverage": 0.981,
        "definitions": {"mae": "mean absolute error", "ms_ssim": "Wang 2003"},
        "arms": arms,
    }
    said = {model: "n/a" if model in failed else str(value) for model, value in scores.items()}
    rows = [
        {"model": model, "metric": metric, "amplitude": text, "phase": text, "value": text}
        for model, text in said.items()
        for metric in METRICS
    ]
    return status, rows


def made_cell(dose, view, split, **options):
    """Return one cell; options as in `made_record`."""
    return make_cell(*made_record(dose, view, split, **options))


def made_study(
    *, doses=(1000, 100000), views=("dense", "sparse"), splits=("train", "test"), seeds=(0,), change=None, **options
):
    """Return the summary of a study.

    ``change(seed, dose, view, split)`` returns options of `made_cell` for one cell; other options are those of
    `summarize`. At fixed fluence ``doses`` are nominal.
    """
    fluence = options.get("design") == "fixed_fluence"
    pairs = [(round(dose / VIEWS[view][3]) if fluence else dose, view) for dose in doses for view in views]
    cells = {
        seed: [
            made_cell(dose, view, split, **(change(seed, dose, view, split) if change else {}))
            for dose, view in pairs
            for split in splits
        ]
        for seed in seeds
    }
    first, *others = seeds
    return summarize(cells[first], {}, seed=first, replicates={seed: cells[seed] for seed in others}, **options)
