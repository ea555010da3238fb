#!/usr/bin/env bash
# pty-chi 2.2.0: the L-BFGS optimizer of its autodiff reconstructor does not know `valid_pixel_mask`.
#
# The mask (true = good) is honoured by the loss of a batch and by its gradient. L-BFGS evaluates the loss again in a
# closure of its own, and that closure compares all pixels. One would expect an option of the data to hold for every
# optimizer.
#
# Seen, after five epochs on frames whose ten masked pixels hold the true counts or 0: Adam gives the same object bit
# for bit; that of L-BFGS is another one. With the mask inside its loss function L-BFGS, too, gives the same object:
# that is what to do.
source "$(dirname "$0")/with_ptychi/install.sh"

"$python" - <<'PYTHON'
import numpy as np
import ptychi.api as api
import torch
from ptychi.metrics import MSELossOfSqrt
from scan import MASK, OBJECT, POSITIONS, centred, make_frames, make_probe, make_task, run

modes = make_probe()[:1]
true = centred(make_frames(OBJECT, modes, POSITIONS)[0])
dead = np.where(MASK, true, 0)


def masked_loss(predicted, measured):
    if predicted.ndim == 3:  # the closure hands over whole frames, the batch its valid pixels
        valid = torch.as_tensor(np.fft.ifftshift(MASK))
        predicted, measured = predicted[:, valid], measured[:, valid]
    return MSELossOfSqrt()(predicted, measured)


def reconstruct(optimizer, step, frames, loss_function=None):
    options = api.AutodiffPtychographyOptions()
    options.reconstructor_options.batch_size = len(frames)
    options.object_options.optimizer, options.object_options.step_size = optimizer, step
    options.probe_options.optimizable = False
    task = make_task(options, frames, POSITIONS, modes, np.ones_like(OBJECT), valid_pixel_mask=MASK)
    if loss_function is not None:
        task.reconstructor.loss_function = loss_function
    return run(task, 5)


changes = []
for optimizer, step, loss_function in (("adam", 0.02, None), ("lbfgs", 1.0, None), ("lbfgs", 1.0, masked_loss)):
    one, other = (reconstruct(optimizer, step, frames, loss_function) for frames in (true, dead))
    assert np.isfinite(other).all()
    changes.append(np.linalg.norm(other - one) / np.linalg.norm(one - 1))
    where = "in the data alone" if loss_function is None else "in the loss"
    print(f"{optimizer}, mask {where}: masked pixels change the object by {changes[-1]:.2g} of what changed at all")
assert changes[0] == changes[2] == 0
assert changes[1] > 0.1
PYTHON
