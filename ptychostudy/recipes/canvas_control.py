"""The control beside a network of canvases: its form with random weights, shown the detector."""

import numpy as np

from ptychostudy.networks.canvas_features import CHANNELS, Features
from ptychostudy.physics.windows import corners, place
from ptychostudy.recipes.maximise import ViewOfScan

# Frames in memory together.
_BLOCK = 64


def detector_features(view: ViewOfScan) -> Features:
    """Return what a network sees that knows no physics: the detector, where each frame lies.

    Every channel is the mean amplitude of the frames that lie on a pixel, each laid on its window
    as it is, in units of its mean over the canvas. The answer is a change of an object of ones.
    """
    seen = _laid(view)
    channels = np.zeros((*view.shape, CHANNELS), dtype=np.float32)
    channels[...] = seen[..., None]
    one = np.ones(view.shape, dtype=np.complex64)
    return Features(channels, one, one)


def _laid(view: ViewOfScan) -> np.ndarray:
    """Return the mean amplitude (H, W) of the frames that lie on each pixel, one on the mean."""
    first = corners(view.positions, view.source.probe.shape[-1])
    total, frames = np.zeros(view.shape), np.zeros(view.shape)
    for start in range(0, len(first), _BLOCK):
        block = slice(start, start + _BLOCK)
        amplitudes = np.sqrt(view.frames[block])
        total += place(amplitudes, first[block], view.shape)
        frames += place(np.ones_like(amplitudes), first[block], view.shape)
    mean = total / np.maximum(frames, 1)
    # Of dark frames nothing is made; that they are dark is told elsewhere.
    return np.asarray(mean / (mean.mean() or 1))
