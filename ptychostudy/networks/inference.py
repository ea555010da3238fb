"""Object canvases of groups, from a network."""

import logging
import threading

import numpy as np

from ptychostudy.networks.batches import GroupData, micro_batches
from ptychostudy.networks.memory import exhausted, out_of_memory
from ptychostudy.networks.models import NetworkModel
from ptychostudy.physics.team import Team

_log = logging.getLogger("ptychostudy")

# Groups of a call whose canvases are not used. Kernels take rows by blocks, and what is left over
# at the end of a call by another kernel, which rounds in another way (TensorFlow 2.21 on AMD EPYC
# without AVX-512: the last group of 16 differs in its last bit).
_SPARE = 1


class Predictor:
    """A network that computes object canvases of groups, fewer at a time where memory is short.

    Every network call sees exactly ``batch_size`` groups (the last of each is a repetition, and the
    last call is filled up by more), so the result for a group does not depend on how the groups
    were cut into chunks.

    Parameters
    ----------
    model : NetworkModel
        Network.
    data : GroupData
        Frames and groups.
    batch_size : int
        Groups in one network call; halved for good by each call that runs out of memory.
    calls : int
        That are made beside each other; no bit depends on it. Where memory is short one is made
        after the other, before fewer groups are taken.
    """

    def __init__(
        self, model: NetworkModel, data: GroupData, batch_size: int = 16, calls: int = 1
    ) -> None:
        self.model = model
        self.data = data
        self.batch_size = batch_size
        self._calls = calls
        self._team = Team(calls)
        self._reading = threading.Lock()

    @property
    def round(self) -> int:
        """Groups of as many calls as are made beside each other."""
        return self._calls * self.own

    @property
    def own(self) -> int:
        """Groups of a call whose canvases are used."""
        return max(1, self.batch_size - _SPARE)

    def __call__(self, indices: np.ndarray) -> np.ndarray:
        """Return the canvases (k, P, P) complex64 of k groups.

        Raises
        ------
        MemoryError
            Where not even one group fits.
        """
        while True:
            try:
                return self._canvases(np.asarray(indices))
            except Exception as error:
                self._take_less(error)

    def _take_less(self, error: Exception) -> None:
        """Make one call at a time, or take half as many groups for it.

        What is no lack of memory or has no cure is raised.
        """
        if not out_of_memory(error):
            raise error
        if self._calls > 1:
            _log.warning("out of memory: one call of the network at a time from now on (threads)")
            self._calls, self._team = 1, Team(1)
            return
        if self.batch_size == 1:
            raise exhausted(error) from error
        # For good: what did not fit once would most likely not fit the next time either.
        self.batch_size //= 2
        _log.warning(
            "out of memory: %d groups at a time from now on (infer.batch_size)", self.batch_size
        )

    def _canvases(self, indices: np.ndarray) -> np.ndarray:
        """Return the canvases (k, P, P) of k groups, batch by batch."""
        side = self.model.side
        out = np.empty((len(indices), side, side), dtype=np.complex64)

        def call(batch: tuple[slice, np.ndarray]) -> None:
            where, chosen = batch
            # A file may not be read by several threads.
            with self._reading:
                shown = self.data.inputs(chosen)
            canvas = self.model.predictor.predict_on_batch(shown)
            out[where] = _complex(np.asarray(canvas)[: where.stop - where.start])

        batches = micro_batches(indices, self.batch_size, self.batch_size - self.own)
        for _ in self._team.map(call, batches):
            pass
        return out


def _complex(canvas: np.ndarray) -> np.ndarray:
    """Return complex canvases (k, P, P) of real and imaginary parts (k, P, P, 2)."""
    field: np.ndarray = canvas[..., 0] + 1j * canvas[..., 1]
    return field


def predict(
    model: NetworkModel, data: GroupData, indices: np.ndarray, *, batch_size: int = 16
) -> np.ndarray:
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
