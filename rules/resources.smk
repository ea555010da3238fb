"""Resources: memory and run time from the size of a study, and how many GPU jobs run at once. No rules."""

import os
import shutil
import subprocess
from functools import partial

from ptychostudy.runs import preflight


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
        listed = subprocess.run(ask, capture_output=True, text=True, check=False).stdout.replace(
            "\n", ","
        )
    found = [number for number in (listed or "").split(",") if number not in ("", "-1")]
    return len(found) or workflow.resource_settings.cores or 1


# Local scope: the limit holds on one machine, so too inside a cluster job, and not for what is submitted to others.
resource_scopes:
    gpu="local",


if "gpu" not in workflow.global_resources:
    workflow.register_resource("gpu", gpu_slots())


def inherit_profile(prefix):
    """Let the rules of a further seed run under what the profile says of their namesakes: partition, memory, group."""
    own, line = workflow.resource_settings, preflight.command_line()
    for said in (own.overwrite_resources, own.overwrite_threads, (line and line.groups) or {}):
        for rule, value in list(said.items()):
            said[prefix + rule] = value


# Snakemake reads these settings once, when the first rule is defined.
for seed in STUDY.seeds[1:]:
    inherit_profile(f"seed_{seed}_")
