"""Common: validate the configuration, and what the rules ask of it. No rules."""

import json
import os
import shlex
import shutil
import subprocess
import sys

sys.path.insert(0, str(workflow.basedir))

from ptychostudy import provenance
from ptychostudy.settings import ConfigError, parse_study, stage_settings
from ptychostudy.stages import blocked

try:
    STUDY = parse_study(config)
except ConfigError as error:
    sys.exit(f"ptychostudy: {error}")  # a WorkflowError would add lines of this file, which are not what is wrong

DOSES, VIEWS, SPLITS = STUDY.dose_list, STUDY.view_list, ["train", "test"]
CELL = "dose_{dose}/{view}/{split}"


wildcard_constraints:
    dose=r"[0-9]+",
    view="|".join(VIEWS),
    split=r"train|test",
    arm=r"PtychoPINN|Baseline|PtyChi",


scattergather:
    shards=STUDY.infer.shards,


def settings(stage):
    """Return a params function: the JSON of what one stage reads, and nothing else."""

    def of(wildcards):
        view = wildcards.get("view") if stage == "overlap" else None
        return json.dumps(stage_settings(STUDY, stage, view), sort_keys=True)

    return of


def code(stage):
    """Return the digest of a stage's own sources; comments and docstrings do not count."""
    return provenance.code_digest(f"ptychostudy.stages.{stage}")


def cells(pattern):
    """Expand a path over all doses, views and splits of the study."""
    return expand(pattern, dose=DOSES, view=VIEWS, split=SPLITS)


def base_source(wildcards):
    """Return the file a study starts from, where it has one."""
    if STUDY.base.kind == "siemens_star":
        return "data/base/siemens_star.npz"
    return STUDY.base.npz.path or []


def arm_file(wildcards):
    """Return the product of the arm that is to be exported."""
    if wildcards.arm == "PtyChi":
        return "data/phase_f/dose_{dose}/{view}/{split}/ptychi_reconstruction.npz"
    return "data/inference/dose_{dose}/{view}/{split}/{arm}.npz"


def resume_command():
    """Return what a person types to continue this run."""
    return f"cd {shlex.quote(str(workflow.workdir_init))} && {shlex.join(sys.argv)}"


def study_files(wildcards):
    """Return every file of the study that the inventory lists; logs and reports about it are not among them."""
    files = [
        "data/base/base.npz",
        "data/base/reference.npz",
        "data/phase_c/run_manifest.json",
        "data/phase_d/metrics_bundle.json",
    ]
    files += expand("data/phase_c/dose_{dose}/patched_{split}.npz", dose=DOSES, split=SPLITS)
    files += expand("data/phase_d/{view}/{view}_{split}.npz", view=VIEWS, split=SPLITS)
    files += expand("data/phase_d/{view}/{split}_metrics.json", view=VIEWS, split=SPLITS)
    networks = ["baseline/gs1", *(f"{view}/gs{STUDY.overlap.gridsize}" for view in VIEWS)]
    kept = ["wts.h5.zip", "history.csv", "training.json"]
    files += expand("data/phase_e/dose_{dose}/{network}/{file}", dose=DOSES, network=networks, file=kept)
    kept = ["ptychi_reconstruction.npz", "manifest.json"]
    files += cells(expand("data/phase_f/dose_{{dose}}/{{view}}/{{split}}/{file}", file=kept))
    kept = ["PtychoPINN.npz", "Baseline.npz", "Untrained.npz"]
    files += cells(expand("data/inference/dose_{{dose}}/{{view}}/{{split}}/{file}", file=kept))
    kept = ["reconstructions.npz", "reconstructions_aligned.npz", "comparison_metrics.csv"]
    kept += ["frc_curves.csv", "comparison_plot.png", "status.json"]
    files += cells(expand("analysis/dose_{{dose}}/{{view}}/{{split}}/{file}", file=kept))
    kept = ["comparison_manifest.json", "metrics_summary.json", "metrics_summary.md", "metrics_delta_summary.json"]
    kept += ["metrics_delta_highlights.txt", "metrics_delta_highlights_preview.txt", "aggregate_report.md"]
    kept += ["aggregate_highlights.txt", "metrics_digest.md", "ssim_grid_summary.md", "ssim_grid.png"]
    kept += ["correlation_heatmap.png", "ms_ssim_heatmap.png", "dose_curves.png", "overlap_curves.png"]
    return files + expand("analysis/{file}", file=kept)


def memory(floor_mb, share=10):
    """Return a function for mem_mb: what the libraries need and a multiple of the input, twice as much at each retry."""

    def of(wildcards, input, attempt):
        return int((floor_mb + share * input.size_mb) * 2 ** (attempt - 1))

    return of


def minutes(floor, share=0.1):
    """Return a function for runtime: a floor and some time a megabyte of input, twice as much at each retry."""

    def of(wildcards, input, attempt):
        return int((floor + share * input.size_mb) * 2 ** (attempt - 1))

    return of


def gpu_slots():
    """Return how many gpu=1 jobs may run at once here: the GPUs that are visible, or without any one per core."""
    if "CUDA_VISIBLE_DEVICES" in os.environ:
        found = len([number for number in os.environ["CUDA_VISIBLE_DEVICES"].split(",") if number not in ("", "-1")])
    elif shutil.which("nvidia-smi"):
        listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, check=False)
        found = listed.stdout.count("GPU ")
    else:
        found = 0
    return found or workflow.resource_settings.cores or 1


# Local scope: the limit holds on one machine, so too inside a cluster job, and not for what is submitted to others.
resource_scopes:
    gpu="local",


if "gpu" not in workflow.global_resources:
    workflow.register_resource("gpu", gpu_slots())
