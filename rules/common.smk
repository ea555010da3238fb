"""Common: validate the configuration, and what the rules ask of it. No rules."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from functools import partial

sys.path.insert(0, str(workflow.basedir))

from ptychostudy import provenance
from ptychostudy.settings import files
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
    return files.listed(STUDY)


def whole_study(wildcards):
    """Return every file of the study and the verdict on it: named one by one, a deleted one is missed."""
    return ["analysis/verified.txt", *files.listed(STUDY), *files.shards(STUDY)]


def frames_mb():
    """Return the size of all frames of the study as numbers of 4 bytes, from its settings, or else that of its file."""
    base = STUDY.base
    if base.kind == "synthetic":
        rows, columns = (side - base.frame_px for side in base.object.shape_px)
        return rows * columns / base.scan.step_px**2 * base.frame_px**2 * 4e-6
    path = base_source(None)
    return os.path.getsize(path) * 1e-6 if path and os.path.exists(path) else 0


def needed(floor, share):
    """Return a resource function: a floor and a share of each megabyte of frames, twice as much at each retry."""

    def of(wildcards, attempt):
        return int((floor + share * FRAMES_MB) * 2 ** (attempt - 1))

    return of


# The floors stand in the rules: megabytes that the libraries take, minutes that a small study may take.
memory, minutes = partial(needed, share=10), partial(needed, share=0.1)
FRAMES_MB = frames_mb()


def gpu_slots():
    """Return how many gpu=1 jobs may run at once here: the GPUs that are visible, or without any one per core."""
    listed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if listed is None and shutil.which("nvidia-smi"):
        ask = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
        listed = subprocess.run(ask, capture_output=True, text=True, check=False).stdout.replace("\n", ",")
    found = [number for number in (listed or "").split(",") if number not in ("", "-1")]
    return len(found) or workflow.resource_settings.cores or 1


# Local scope: the limit holds on one machine, so too inside a cluster job, and not for what is submitted to others.
resource_scopes:
    gpu="local",


if "gpu" not in workflow.global_resources:
    workflow.register_resource("gpu", gpu_slots())
