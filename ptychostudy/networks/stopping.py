"""Early stopping: the weights of the best validation epoch, and how long none was better."""

import math

import numpy as np


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

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self.weights = weights
        self.loss = math.inf
        self.epoch = 0
        self.wait = 0

    def see(self, epoch: int, loss: float, weights: dict[str, np.ndarray]) -> None:
        """Take an epoch's weights if its validation loss is the lowest so far."""
        # A loss that is not a number is lower than none, so its weights are never kept.
        if loss < self.loss:
            self.loss = loss
            self.epoch = epoch
            self.wait = 0
            self.weights = weights
        else:
            self.wait += 1
