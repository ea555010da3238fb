"""Resources: memory and run time by a study's size; how many GPU jobs run at once. No rules."""

import os
import shutil
import subprocess
from functools import partial

from ptychostudy.runs import preflight
from ptychostudy.study.sections.base import side_px


def frames_mb():
    """Return megabytes of all frames of the study: of 4 bytes a pixel, or as large as its files."""
    base = STUDY.base
    if base.kind == "synthetic":
        # One frame for each step by step of the area in which its window fits.
        n = side_px(base)
        rows, columns = (side - n for side in base.object.shape_px)
        frames = rows * columns / base.scan.step_px**2
        return frames * n**2 * 4e-6
    # What is not there yet will be fetched: how large it is nobody knows.
    files = [path for path in base_source(None) if os.path.exists(path)]
    return sum(os.path.getsize(path) for path in files) * 1e-6


def needed(floor, share):
    """Return a resource function: a floor and a share of each megabyte, doubled at each retry."""

    def of(wildcards, attempt):
        return int((floor + share * FRAMES_MB) * 2 ** (attempt - 1))

    return of


# The floors stand in the rules: megabytes that libraries take, minutes that a small study may take.
memory = partial(needed, share=10)
minutes = partial(needed, share=0.1)
FRAMES_MB = frames_mb()


def visible_gpus():
    """Return the numbers of the GPUs that CUDA may use, or else of those that the driver knows."""
    listed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if listed is None and shutil.which("nvidia-smi"):
        ask = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
        answer = subprocess.run(ask, capture_output=True, text=True, check=False)
        listed = answer.stdout.replace("\n", ",")
    # Of -1, which is no GPU, CUDA makes none.
    return [number for number in (listed or "").split(",") if number not in ("", "-1")]


def gpu_slots():
    """Return how many gpu=1 jobs may run at once here: one a GPU, or without any one a core."""
    return len(visible_gpus()) or workflow.resource_settings.cores or 1


# Local scope: the limit is one machine's, also inside a cluster job; what is submitted has others.
resource_scopes:
    gpu="local",


if "gpu" not in workflow.global_resources:
    workflow.register_resource("gpu", gpu_slots())


def inherit_profile(prefix):
    """Let a further seed's rules run under what the profile says of their namesakes.

    That is partition, memory, group.
    """
    own = workflow.resource_settings
    line = preflight.command_line()
    groups = line.groups if line else None
    # As a module its rules may have names that begin with something more.
    before = workflow.modifier.modify_rulename("")
    for said in (own.overwrite_resources, own.overwrite_threads, groups or {}):
        for name, value in list(said.items()):
            if name.startswith(before):
                said[before + prefix + name.removeprefix(before)] = value


# Snakemake reads these settings once, when the first rule is defined.
for seed in STUDY.seeds[1:]:
    inherit_profile(f"seed_{seed}_")
