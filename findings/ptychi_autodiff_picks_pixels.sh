#!/usr/bin/env bash
# pty-chi 2.2.0: its autodiff reconstructor picks pixels out of the frames where no mask was given, too.
#
# In each batch it indexes predicted and measured frames by `valid_pixel_mask`, which is all true unless the data say
# otherwise; on the way back the slopes are put one by one where the pixels came from. One would expect a mask of which
# every pixel is good to cost nothing.
#
# Seen, in one epoch on frames without a mask: torch's operator `index` is asked four times for every pixel of all
# frames, and `index_put`, its derivative, once. On a CPU that was a third of a whole run with L-BFGS, which evaluates
# its frames seven times in such an epoch and indexes only the first. What to do: let the reconstructor's
# `get_constrained_pixel_mask` return `...` where all pixels count; a slice copies nothing, and the object is the same.
source "$(dirname "$0")/with_ptychi/install.sh"

"$python" - <<'PYTHON'
import numpy as np
import ptychi.api as api
from scan import OBJECT, POSITIONS, centred, make_frames, make_probe, make_task, run
from torch.utils._python_dispatch import TorchDispatchMode

modes = make_probe()[:1]
frames = centred(make_frames(OBJECT, modes, POSITIONS)[0])
OPERATORS = {"aten.index.Tensor": "index", "aten.index_put.default": "index_put", "aten.index_put_.default": "index_put"}


class Count(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.whole = {"index": 0, "index_put": 0}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        name = OPERATORS.get(str(function))
        if name and made.numel() == frames.size:
            self.whole[name] += 1
        return made


def reconstruct(whole):
    options = api.AutodiffPtychographyOptions()
    options.reconstructor_options.batch_size = len(frames)
    options.object_options.optimizer, options.object_options.step_size = "adam", 0.02
    options.probe_options.optimizable = False
    task = make_task(options, frames, POSITIONS, modes, np.ones_like(OBJECT))
    if whole:
        task.reconstructor.get_constrained_pixel_mask = lambda measured: ...
    with Count() as count:
        object_ = run(task, 1)
    return object_, count.whole


one, picked = reconstruct(False)
other, left = reconstruct(True)
print(f"no mask: {picked}; with `...` in place of it: {left}; objects differ by {np.abs(one - other).max():.1g}")
assert picked["index"] - left["index"] == 4 and picked["index_put"] - left["index_put"] == 1
assert np.abs(one - other).max() < 1e-6
PYTHON
