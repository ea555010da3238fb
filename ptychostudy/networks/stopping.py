"""Early stopping: the weights of the best validation epoch, and how long none was better."""

import math

from ptychostudy.networks.weights import Learner, get_weights


class Best:
    """The best validation epoch of a training.

    Attributes
    ----------
    weights : dict of str to float32 array
        Those that the network had after it; the initial ones before any epoch.
    loss : float
        Its validation loss.
    epoch : int
        Its number, from 1; 0 before any epoch.
    wait : int
        Epochs since.
    """

    def __init__(self, model: Learner) -> None:
        self.weights = get_weights(model)
        self.loss = math.inf
        self.epoch = 0
        self.wait = 0

    def see(self, epoch: int, loss: float, model: Learner) -> None:
        """Take an epoch's weights if its validation loss is the lowest so far."""
        # A loss that is not a number is lower than none, so its weights are never kept.
        if loss < self.loss:
            self.loss = loss
            self.epoch = epoch
            self.wait = 0
            self.weights = get_weights(model)
        else:
            self.wait += 1
