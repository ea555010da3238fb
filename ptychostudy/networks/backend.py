"""Start the Keras backend where its greetings can be held back; say what it computes on and what its errors mean."""

import importlib.metadata
import logging
import re

import keras

from ptychostudy import gpu

_log = logging.getLogger("ptychostudy")


def start():
    """Run a first operation and log the device; without a GPU that is one clear line, not a failure."""
    device = (
        keras.ops.zeros(1).device
        if keras.backend.backend() == "tensorflow"
        else keras.backend.backend()
    )
    if "GPU" in str(device):
        _log.info("networks run on %s", device)
    elif gpu.given():
        gpu.warn_unused("TensorFlow", list(_causes()))
    else:
        _log.info("no GPU found: networks run on the CPU")


def _causes():
    """Yield what TensorFlow lacks of what it needs for a GPU, with the remedy."""
    import tensorflow as tf

    build = tf.sysconfig.get_build_info()
    if not build["is_cuda_build"]:
        yield f"TensorFlow {tf.__version__} here is built without CUDA (install its build for Linux on x86-64)"
        return
    missing, runtime = _missing_wheels(), f"libcudart.so.{build['cuda_version'].split('.')[0]}"
    if missing and not gpu.loadable(runtime):
        yield (
            f"its CUDA libraries are not here, neither {runtime} nor {len(missing)} packages, {missing[0]} and so on "
            "(install the extra `gpu`: make environment GPU=1)"
        )


def _missing_wheels():
    """Return the packages of TensorFlow's own extra for GPUs that are not installed."""
    wanted = [
        line for line in importlib.metadata.requires("tensorflow") or () if "and-cuda" in line
    ]
    installed = {
        re.sub(r"[-_.]+", "-", found.name).lower() for found in importlib.metadata.distributions()
    }
    return [
        name for line in wanted if (name := re.match(r"[\w.-]+", line).group()) not in installed
    ]


def out_of_memory(error):
    """Say whether an error of any backend means that the memory of the device, or of the machine, is used up."""
    names = {kind.__name__ for kind in type(error).__mro__}
    known = {
        "MemoryError",
        "ResourceExhaustedError",
        "OutOfMemoryError",
    }  # NumPy, TensorFlow, torch
    return bool(names & known) or "RESOURCE_EXHAUSTED" in str(error)  # JAX


def exhausted(error):
    """Return the error to raise where not even one group at a time fits."""
    reason = str(error).strip().partition("\n")[0][:200]
    return MemoryError(
        f"a single group does not fit: {reason}; needed: more memory, or a network or frames that need less of it "
        "(train.pinn.width, train.baseline.width, base.frame_px); a smaller batch_size cannot help any more"
    )
