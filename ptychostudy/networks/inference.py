"""Weights of a network as plain arrays, and object canvases from them."""

import logging

import numpy as np

from ptychostudy.networks.backend import exhausted, out_of_memory
from ptychostudy.networks.batches import micro_batches

_log = logging.getLogger("ptychostudy")


class Predictor:
    """A network that computes object canvases of groups, and takes fewer at a time where memory is short.

    Every network call sees exactly ``batch_size`` groups (the last call is filled up by repetition), so the result
    for a group does not depend on how the groups were cut into chunks.

    Parameters
    ----------
    model : NetworkModel
        Network.
    data : GroupData
        Frames and groups.
    batch_size : int
        Groups in one network call; halved for good by each call that runs out of memory.
    """

    def __init__(self, model, data, batch_size=16):
        self.model, self.data, self.batch_size = model, data, batch_size

    def __call__(self, indices):
        """Return the canvases (k, P, P) complex64 of k groups; `MemoryError` where not even one group fits."""
        while True:
            try:
                return self._canvases(np.asarray(indices))
            except Exception as error:
                if not out_of_memory(error):
                    raise
                if self.batch_size == 1:
                    raise exhausted(error) from error
                self.batch_size //= 2
                _log.warning(
                    "out of memory: %d groups at a time from now on (infer.batch_size)",
                    self.batch_size,
                )

    def _canvases(self, indices):
        side, size = self.model.side, self.batch_size
        out = np.empty((len(indices), side, side), dtype=np.complex64)
        for start, chosen in micro_batches(indices, size):
            canvas = np.asarray(self.model.predictor.predict_on_batch(self.data.inputs(chosen)))
            kept = min(size, len(indices) - start)
            out[start : start + kept] = canvas[:kept, ..., 0] + 1j * canvas[:kept, ..., 1]
        return out


def predict(model, data, indices, *, batch_size=16):
    """Compute the object canvases of some groups once, see `Predictor`.

    Parameters
    ----------
    model : NetworkModel
        Network.
    data : GroupData
        Frames and groups.
    indices : (k,) int
        Groups to compute.
    batch_size : int
        Groups in one network call.

    Returns
    -------
    (k, P, P) complex64
    """
    return Predictor(model, data, batch_size)(indices)
