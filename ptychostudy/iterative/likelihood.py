"""The likelihood of an autodiff task: what L-BFGS can climb, within a bounded memory."""

from typing import Any

import numpy as np

from ptychostudy.iterative.algorithms import LBFGS
from ptychostudy.iterative.blocked_deviance import BlockedDeviance

# Gradients of this many detector pixels at once take about 1.3 GB.
_AT_ONCE = 2**23


def set_likelihood(
    task: Any, noise_model: str, frames: int, valid: np.ndarray, *, modes: int = 1
) -> None:
    """Give an autodiff task its likelihood, in the scale L-BFGS needs, and a bound on its memory.

    pty-chi 2.2 has a Poisson loss, but builds torch's `PoissonNLLLoss` with its default
    ``log_input=True``: it takes exponentials of intensities, and is infinite from the first epoch.

    Parameters
    ----------
    task : PtychographyTask
        Of the options `AutodiffPtychographyOptions`; it is changed.
    noise_model : {"gaussian", "poisson"}
        Likelihood.
    frames : int
        Frames in a batch.
    valid : (N, N) bool
        Pixels that have a weight.
    modes : int
        Of the probe.
    """
    reconstructor = task.reconstructor
    if noise_model == "poisson":
        mean = BlockedDeviance(reconstructor.dataset)
    elif valid.all():
        mean = reconstructor.loss_function
    else:
        mean = on_valid(reconstructor.loss_function, reconstructor.dataset)
    reconstructor.loss_function = mean
    _hand_over_frames(reconstructor)
    if reconstructor.parameter_group.object.options.optimizer == LBFGS:
        _take_sums(reconstructor, mean, frames * int(valid.sum()))
    # Each mode has waves of its own.
    parts = -(-frames * modes * valid.size // _AT_ONCE)
    if parts > 1:
        _propagate_in_parts(reconstructor.forward_model, parts)


def _hand_over_frames(reconstructor: Any) -> None:
    """Hand whole frames to the loss, which leaves out itself what is not valid.

    pty-chi 2.2 takes valid pixels one by one out of all frames of a batch and puts their slopes
    back, once in an epoch: a third of its time, most often to leave out none.
    """
    reconstructor.get_constrained_pixel_mask = lambda y_true: ...


def on_valid(mean: Any, dataset: Any) -> Any:
    """Return a loss of whole frames that leaves out pixels which are not valid.

    pty-chi 2.2 leaves them out neither of the frames that L-BFGS searches on nor of the loss that
    it tells.

    Parameters
    ----------
    mean : callable
        Loss of predicted and measured intensities, any shape.
    dataset : PtychographyDataset
        Knows the mask, with the zero frequency in the corner.
    """

    def loss(predicted: Any, measured: Any) -> Any:
        # Of a batch that a solver of pty-chi has thinned out one axis is left.
        if predicted.ndim > 1:
            valid = dataset.valid_pixel_mask.to(predicted.device)
            predicted, measured = predicted[..., valid], measured[..., valid]
        return mean(predicted, measured)

    return loss


def _take_sums(reconstructor: Any, mean: Any, pixels: int) -> None:
    """Descend on the sum over all pixels; the losses told remain means.

    torch's L-BFGS forgets curvatures below 1e-10. Those of a mean over all pixels lie there, and
    the object would stay where it is; those of the sum never do.
    """

    def total(predicted: Any, measured: Any) -> Any:
        return pixels * mean(predicted, measured)

    reconstructor.loss_function = total
    reconstructor.loss_tracker.metric_function = mean
    reconstructor.loss_tracker.always_compute_loss = True


def _propagate_in_parts(model: Any, parts: int) -> None:
    """Propagate a large batch in parts, each again on the way back, instead of keeping them all."""
    from torch import cat
    from torch.utils.checkpoint import checkpoint

    whole = model.forward

    def forward(indices: Any) -> Any:
        return cat([checkpoint(whole, part, use_reentrant=False) for part in indices.chunk(parts)])

    model.forward = forward
