#!/usr/bin/env bash
# pty-chi 2.2.0: the Poisson loss of its autodiff reconstructor takes the exponential of intensities.
#
# `LossFunctions.POISSON` builds torch's `PoissonNLLLoss` as it comes, whose input is the logarithm of an intensity;
# the model hands it the intensity. So the loss is the mean of exp(I) - d I. One would expect I - d log I, which has
# its minimum at I = d, and which is what the package's own Poisson noise model (LSQML) uses.
#
# Seen, from the exact object and probe: with frames of up to 10^5 counts the object is NaN after two epochs, without
# an error. With all counts below 0.2 the loss is finite: 1.001, as exp(I) - d I gives, where I - d log I is 0.005.
# What to do: hand the reconstructor `torch.nn.PoissonNLLLoss(log_input=False)` as its `loss_function`.
source "$(dirname "$0")/with_ptychi/install.sh"

"$python" - <<'PYTHON'
import numpy as np
import ptychi.api as api
import torch
from scan import OBJECT, POSITIONS, centred, make_frames, make_probe, make_task, run

modes = make_probe()[:1]
corner, _ = make_frames(OBJECT, modes, POSITIONS)


def make():
    options = api.AutodiffPtychographyOptions()
    options.reconstructor_options.loss_function = api.LossFunctions.POISSON
    options.reconstructor_options.batch_size = len(corner)
    options.probe_options.optimizable = False
    options.object_options.step_size = 0.01
    return make_task(options, centred(corner), POSITIONS, modes, OBJECT)


small = corner / corner.max() / 5
loss = float(make().reconstructor.loss_function(*(torch.as_tensor(small, dtype=torch.float32),) * 2))
exponential, likelihood = np.mean(np.exp(small) - small**2), np.mean(small - small * np.log(small))
print(f"loss {loss:.6f}; exp(I) - d I {exponential:.6f}; I - d log I {likelihood:.6f}")
assert abs(loss - exponential) < 1e-5
assert abs(loss - likelihood) > 0.5

broken = run(make(), 2)
mended = make()
mended.reconstructor.loss_function = torch.nn.PoissonNLLLoss(log_input=False)
kept = run(mended, 2)
print(f"NaN in the object: {np.isnan(broken).mean():.0%}; with log_input=False: {np.isnan(kept).mean():.0%}")
assert np.isnan(broken).any()
assert np.abs(kept - OBJECT).max() < 0.1
PYTHON
