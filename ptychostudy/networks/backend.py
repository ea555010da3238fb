"""Start the Keras backend once, where its greetings can be held back, and say what it computes on."""

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
