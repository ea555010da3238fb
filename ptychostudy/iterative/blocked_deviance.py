"""Half the Poisson deviance of frames, block by block in a core's cache.

As torch computes it, each of its ten steps, and each of their derivatives, passes through all
frames of a batch in memory: a third of a run on a CPU. Here its derivative is written out.
"""

from typing import Any

import numpy as np

# Pixels that are worked on together.
_BLOCK_PIXELS = 2**15
# Photons added to measured and expected ones: the logarithm stays finite where no light is
# expected.
_DARK = np.float32(1e-3)


class BlockedDeviance:
    """Stands in for a loss of pty-chi: the mean over valid pixels of half the Poisson deviance.

    It is the negative log-likelihood above that of a perfect fit. The likelihood itself is
    thousands of times larger, and what is left of it to gain would drown in float32.

    Parameters
    ----------
    dataset : PtychographyDataset
        Knows the mask, with the zero frequency in the corner.
    """

    def __init__(self, dataset: Any) -> None:
        valid = dataset.valid_pixel_mask
        self._valid = None if bool(valid.all()) else valid
        self._function = _function()

    def __call__(self, predicted: Any, measured: Any) -> Any:
        """Return the loss () of predicted against measured counts (b, N, N), tensors."""
        if predicted.device.type == "cpu":
            valid = None if self._valid is None else self._valid.cpu().numpy()
            return self._function.apply(predicted, measured, valid)
        if self._valid is not None:
            valid = self._valid.to(predicted.device)
            predicted, measured = predicted[..., valid], measured[..., valid]
        lifted = measured + _DARK
        ratio = lifted / (predicted + _DARK)
        return (predicted - measured + lifted * ratio.log()).mean()


def _function() -> Any:
    """Return the function of torch whose derivative is written out; torch is imported late."""
    from torch import autograd, from_numpy, tensor

    class Deviance(autograd.Function):
        @staticmethod
        def forward(ctx: Any, predicted: Any, measured: Any, valid: np.ndarray | None) -> Any:
            total, ctx.slope = half_deviance(predicted.detach().numpy(), measured.numpy(), valid)
            seen = predicted[0].numel() if valid is None else int(valid.sum())
            ctx.pixels = len(predicted) * seen
            return tensor(total / ctx.pixels, dtype=predicted.dtype)

        @staticmethod
        def backward(ctx: Any, slope: Any) -> Any:
            share = np.float32(slope.item() / ctx.pixels)
            return from_numpy(ctx.slope * share), None, None

    return Deviance


def half_deviance(
    predicted: np.ndarray, measured: np.ndarray, valid: np.ndarray | None = None
) -> tuple[float, np.ndarray]:
    """Return half the deviance of frames, and its slope along what was predicted.

    Parameters
    ----------
    predicted, measured : (b, N, N) float32
        Counts.
    valid : (N, N) bool, optional
        Pixels that have a weight.

    Returns
    -------
    total : float
        Of all valid pixels.
    slope : (b, N, N) float32
        Zero where a pixel is not valid.
    """
    slope = np.empty(predicted.shape, dtype=np.float32)
    total = 0.0
    step = max(1, _BLOCK_PIXELS // predicted[0].size)
    for start in range(0, len(predicted), step):
        block = slice(start, start + step)
        lifted = measured[block] + _DARK
        ratio = lifted / (predicted[block] + _DARK)
        each = np.log(ratio)
        each *= lifted
        each += predicted[block]
        each -= measured[block]
        along = np.subtract(1, ratio, out=slope[block])
        if valid is not None:
            each *= valid
            along *= valid
        # Frame by frame in single precision, which is pairwise, and all of them in double.
        total += float(each.sum(axis=(1, 2)).sum(dtype=np.float64))
    return total, slope
