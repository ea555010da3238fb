"""GPUs: whether this process was given one, and the one line that says that a library does not use it."""

import ctypes
import logging
import os
from pathlib import Path

_log = logging.getLogger("ptychostudy")
_DEVICES = Path("/dev")


def given() -> str:
    """Return what says that this process was given a GPU, such as ``CUDA_VISIBLE_DEVICES=0``, or an empty text.

    ``CUDA_VISIBLE_DEVICES`` has the last word, since libraries follow it: empty or -1, it hides every GPU. Without it
    Slurm's word counts, then the device files of NVIDIA's driver.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return "" if visible.strip() in ("", "-1") else f"CUDA_VISIBLE_DEVICES={visible}"
    for name, none in (
        ("SLURM_JOB_GPUS", ""),
        ("SLURM_STEP_GPUS", ""),
        ("SLURM_GPUS_ON_NODE", "0"),
    ):
        if os.environ.get(name, none) not in ("", none):
            return f"{name}={os.environ[name]}"
    return next((str(path) for path in sorted(_DEVICES.glob("nvidia[0-9]*"))), "")


def loadable(library: str) -> bool:
    """Return whether the system finds a shared library, such as ``libcuda.so.1`` of NVIDIA's driver."""
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
        What the library itself lacks, each with its remedy; that there is no driver is found out here.
    """
    if not loadable("libcuda.so.1"):
        causes = [
            *causes,
            "NVIDIA's driver is not here, libcuda.so.1 (run where nvidia-smi shows the GPU)",
        ]
    reason = (
        "; ".join(causes)
        or "it sees none (driver too old for its CUDA, or the GPU too old or taken: nvidia-smi)"
    )
    _log.warning(
        "WARNING: this job was given a GPU (%s) and computes on the CPU all the same. %s does not use it: %s",
        given(),
        library,
        reason,
    )
