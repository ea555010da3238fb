"""Start the Keras backend where its greetings can be held back.

Say what it computes on.
"""

import importlib.metadata
import logging
import re
from typing import Any

import keras

from ptychostudy.io import gpu
from ptychostudy.io.threads import allowed_threads

_log = logging.getLogger("ptychostudy")

_TITLES = {"tensorflow": "TensorFlow", "torch": "torch", "jax": "JAX"}
# As the devices of TensorFlow, torch and JAX are called.
_GPU = re.compile("gpu|cuda", re.IGNORECASE)


def start() -> None:
    """Run a first operation and log the device.

    Without a GPU that is one clear line, not a failure.
    """
    # Known to TensorFlow only after a first operation.
    device = str(keras.ops.zeros(1).device)
    used = " ".join(made_by().values())
    if _GPU.search(device):
        _log.info("networks run on %s (%s)", device, used)
    elif gpu.given():
        gpu.warn_unused(_TITLES[made_by()["name"]], _causes())
    else:
        _log.info("no GPU found: networks run on the CPU (%s)", used)


def made_by() -> dict[str, str]:
    """Return the name and the version of the backend, as records of what it made keep them."""
    name = str(keras.backend.backend())
    return {"name": name, "version": importlib.metadata.version(name)}


def calls() -> int:
    """Return how many calls of a network are made beside each other.

    On a CPU TensorFlow makes more of a thread for each of several calls than of all for one. A GPU
    takes calls one after the other, and so do torch and JAX here.
    """
    if keras.backend.backend() != "tensorflow" or gpu.given():
        return 1
    return allowed_threads()


def compiled() -> bool:
    """Return whether graphs are compiled by XLA.

    JAX is slow without it; for the others Keras leaves it off on CPUs, and here on GPUs as well, so
    that a network has the same numbers everywhere.
    """
    return bool(keras.backend.backend() == "jax")


def _causes() -> list[str]:
    """Return what the backend lacks of what it needs for a GPU, with the remedy."""
    if keras.backend.backend() != "tensorflow":
        return []
    import tensorflow  # type: ignore[import-untyped]  # it declares no types

    build = tensorflow.sysconfig.get_build_info()
    if not build["is_cuda_build"]:
        return [
            f"TensorFlow {tensorflow.__version__} here is built without CUDA "
            "(install its build for Linux on x86-64)"
        ]
    missing = _missing_wheels()
    runtime = _cuda_runtime(build)
    # Either source will do: the libraries of the system, or the wheels that the extra installs.
    if missing and not gpu.loadable(runtime):
        return [
            f"its CUDA libraries are not here, neither {runtime} nor {len(missing)} packages, "
            f"{missing[0]} and so on (install the extra `gpu`: make environment GPU=1)"
        ]
    return []


def _cuda_runtime(build: dict[str, Any]) -> str:
    """Return the file name of the CUDA runtime that this TensorFlow loads."""
    major, *_ = build["cuda_version"].split(".")
    return f"libcudart.so.{major}"


def _missing_wheels() -> list[str]:
    """Return the packages of TensorFlow's own extra for GPUs that are not installed."""
    requirements = importlib.metadata.requires("tensorflow") or ()
    wanted = [_name(line) for line in requirements if "and-cuda" in line]
    installed = _installed()
    return [name for name in wanted if name not in installed]


def _name(requirement: str) -> str:
    """Return the name at the head of a requirement, such as ``nvidia-cudnn-cu12<10.0,>=9.3``."""
    name: str = re.findall(r"^[\w.-]+", requirement)[0]
    return name


def _installed() -> set[str]:
    """Return the names of all installed packages, spelt as in requirements (PEP 503)."""
    names = set()
    for package in importlib.metadata.distributions():
        names.add(re.sub(r"[-_.]+", "-", package.name).lower())
    return names
