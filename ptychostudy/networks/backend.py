"""Start the Keras backend where its greetings can be held back; say what it computes on and what its errors mean."""

import logging

import keras

_log = logging.getLogger("ptychostudy")


def start():
    """Run a first operation and log the device; without a GPU that is one clear line, not a failure."""
    device = keras.ops.zeros(1).device if keras.backend.backend() == "tensorflow" else keras.backend.backend()
    if "GPU" in str(device):
        _log.info("networks run on %s", device)
    else:
        _log.info("no GPU found: networks run on the CPU")


def out_of_memory(error):
    """Say whether an error of any backend means that the memory of the device, or of the machine, is used up."""
    names = {kind.__name__ for kind in type(error).__mro__}
    known = {"MemoryError", "ResourceExhaustedError", "OutOfMemoryError"}  # NumPy, TensorFlow, torch
    return bool(names & known) or "RESOURCE_EXHAUSTED" in str(error)  # JAX


def exhausted(error):
    """Return the error to raise where not even one group at a time fits."""
    reason = str(error).strip().partition("\n")[0][:200]
    return MemoryError(
        f"a single group does not fit: {reason}; needed: more memory, or a network or frames that need less of it "
        "(train.pinn.width, train.baseline.width, base.frame_px); a smaller batch_size cannot help any more"
    )
