"""What the network of a canvas is shown, in lessons and when it answers."""

import numpy as np

from ptychostudy.networks.canvas_features import Features, features_of
from ptychostudy.physics.maximum import freed
from ptychostudy.physics.scan_likelihood import ScanLikelihood


def shown(likelihood: ScanLikelihood, smoothed: np.ndarray) -> Features:
    """Return what a network is shown of an object (H, W) that is smoothed, and of its frames."""
    known = likelihood.value_and_gradient(smoothed)
    found = freed(likelihood, smoothed, known)
    return features_of(found, smoothed, known[1], likelihood.light)
