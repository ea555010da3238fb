"""What a run finds on this machine: cores, threads, GPU, Slurm."""

import importlib.metadata
import os
import shutil
import subprocess
from pathlib import Path

from ptychostudy.io import gpu
from ptychostudy.runs import slurm_preflight
from ptychostudy.runs.preflight import PreflightError
from ptychostudy.runs.process import THREAD_VARIABLES
from ptychostudy.telling.finding import OK, PROBLEM, WARNING, Finding

QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""Where a container's share of the processors stands: microseconds of work, and in which time."""
_PLUGIN = "snakemake-executor-plugin-slurm"
_CUDA = "nvidia-cudnn-cu12"
"""What TensorFlow's CUDA libraries bring and a CPU installation does not."""
_DRIVER_S = 5


def findings() -> list[Finding]:
    """Return what there is of cores, threads, GPUs and Slurm."""
    return [cores(), *threads(), graphics(), slurm()]


def usable_cores(quota: Path = QUOTA) -> tuple[int, float]:
    """Return the cores that this process may run on, and how many of them its container pays."""
    # Not every system tells which cores a process may use.
    tells = hasattr(os, "sched_getaffinity")
    allowed = len(os.sched_getaffinity(0)) if tells else os.cpu_count() or 1
    try:
        share, period = quota.read_text(encoding="utf-8").split()
        return allowed, min(allowed, int(share) / int(period))
    except (OSError, ValueError):
        # No such control group, or `max`: no limit.
        return allowed, float(allowed)


def cores(quota: Path = QUOTA) -> Finding:
    """Say how many cores a run takes, and whether it gets them."""
    allowed, paid = usable_cores(quota)
    if paid >= allowed:
        return Finding("cores", OK, f"{allowed}, which a run takes all")
    text = f"{allowed} seen, but the control group pays {paid:g}: jobs would wait for each other"
    return Finding("cores", WARNING, text, f"snakemake --cores {max(1, int(paid))}")


def threads() -> list[Finding]:
    """Say whether the environment's numbers of threads mean anything here."""
    allowed, _ = usable_cores()
    said = {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ}
    wrong = [_threads(name, value, allowed) for name, value in said.items()]
    bad = [finding for finding in wrong if finding is not None]
    text = "each job sets its own (`threads` of its rule)"
    return bad or [Finding("threads", OK, text)]


def _threads(name: str, value: str, allowed: int) -> Finding | None:
    if not value.isdigit() or int(value) < 1:
        return Finding(name, PROBLEM, f"is {value!r}, no number of threads", f"unset {name}")
    if int(value) > allowed:
        text = f"is {value}, of {allowed} cores: what runs outside the workflow is slowed down"
        return Finding(name, WARNING, text, f"export {name}={allowed}, or unset {name}")
    return None


def graphics() -> Finding:
    """Say whether there is a GPU, and whether the libraries could use it, by what is installed.

    Neither TensorFlow nor torch is started: that costs ten seconds, and each says it in its jobs.
    """
    given = gpu.given()
    if not given:
        return Finding("gpu", OK, "none is given to this process: networks run on the CPU")
    shown = _driver()
    if not shown:
        text = f"{given}, but NVIDIA's driver does not answer (nvidia-smi)"
        return Finding("gpu", PROBLEM, text, "export CUDA_VISIBLE_DEVICES=-1 to run on the CPU")
    lacking = _lacking()
    if lacking:
        text = f"{shown}; not used by {' and '.join(lacking)}, which lack their CUDA libraries"
        return Finding("gpu", WARNING, text, "make environment GPU=1; torch from its CUDA index")
    return Finding("gpu", OK, f"{shown}; TensorFlow and torch have their CUDA libraries")


def _driver() -> str:
    """Return the name of the GPU and of its driver, or an empty text."""
    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(
            query, capture_output=True, text=True, timeout=_DRIVER_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "; ".join(answer.stdout.split("\n")).strip("; ") if answer.returncode == 0 else ""


def _lacking() -> list[str]:
    lacking = [] if _version(_CUDA) else ["TensorFlow"]
    torch = _version("torch")
    # The CPU build bears it in its label; without a label it is the index's CUDA build.
    return [*lacking, "torch"] if not torch or torch.endswith("+cpu") else lacking


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def slurm() -> Finding:
    """Say whether ``--profile slurm`` would find a Slurm that answers."""
    if not any(shutil.which(name) for name in slurm_preflight.PROGRAMS):
        return Finding("slurm", OK, "not on this machine: runs are local")
    try:
        slurm_preflight.check_programs(guesses_account=False, named=False)
        slurm_preflight.check_partitions({})
    except PreflightError as error:
        # A run on this machine needs no Slurm.
        remedy = "module load slurm, or ask your site; without --profile slurm runs are local"
        return Finding("slurm", WARNING, str(error).partition("; ")[0], remedy)
    if not _version(_PLUGIN):
        text = f"answers, but {_PLUGIN} is not installed"
        return Finding("slurm", WARNING, text, "make environment, or pip install '.[slurm]'")
    return Finding("slurm", OK, "sbatch and squeue are there, and Slurm answers")
