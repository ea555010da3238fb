"""GPUs: whether this process was given one, and the warning that a library does not use it."""

import ctypes
import logging
import os
from pathlib import Path

_log = logging.getLogger("ptychostudy")
_DEVICES = Path("/dev")
_DRIVER = "libcuda.so.1"
# What Slurm sets for a job with GPUs, and what it says there for none.
_SLURM = {"SLURM_JOB_GPUS": "", "SLURM_STEP_GPUS": "", "SLURM_GPUS_ON_NODE": "0"}
_NO_DRIVER = "NVIDIA's driver is not here, libcuda.so.1 (run where nvidia-smi shows the GPU)"
_UNSEEN = "it sees none (driver too old for its CUDA, or the GPU too old or taken: nvidia-smi)"
_WARNING = (
    "WARNING: this job was given a GPU (%s) and computes on the CPU all the same. "
    "%s does not use it: %s"
)


def given() -> str:
    """Return what says that this process was given a GPU, or an empty text.

    It is such as ``CUDA_VISIBLE_DEVICES=0``. That variable has the last word, since libraries
    follow it: empty or -1, it hides every GPU. Without it Slurm's word counts, then the device
    files of NVIDIA's driver.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return "" if visible.strip() in ("", "-1") else f"CUDA_VISIBLE_DEVICES={visible}"
    for name, none in _SLURM.items():
        said = os.environ.get(name, none)
        if said not in ("", none):
            return f"{name}={said}"
    devices = sorted(_DEVICES.glob("nvidia[0-9]*"))
    return str(devices[0]) if devices else ""


def loadable(library: str) -> bool:
    """Return whether the system finds a shared library, such as ``libcuda.so.1``."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def warn_unused(library: str, causes: list[str]) -> None:
    """Log one warning: this job was given a GPU, the library computes on the CPU, and why.

    Parameters
    ----------
    library : str
        Name of the library.
    causes : list of str
        What the library itself lacks, each with its remedy; that there is no driver is found out
        here.
    """
    causes = list(causes)
    # Without the driver a library sees no GPU however complete it is.
    if not loadable(_DRIVER):
        causes.append(_NO_DRIVER)
    _log.warning(_WARNING, given(), library, "; ".join(causes) or _UNSEEN)
