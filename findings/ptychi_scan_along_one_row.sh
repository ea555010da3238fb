#!/usr/bin/env bash
# pty-chi 2.2.0: with its ambiguity step on, a scan along one row or column makes the object NaN, without an error.
#
# `remove_object_probe_ambiguity`, which is on unless switched off, divides the object by its norm. The norm is that of
# the pixels between the outermost positions, not of all that the probe lights. One would expect a line scan, which has
# frames that overlap as those of any other, to be reconstructed, if badly determined across the line.
#
# Seen, from the exact object, after two epochs: seven positions in a row: no finite pixel; the same in a column; with
# one of them off the line by a pixel and a half all are finite, and so they are of the row with the step switched off.
# What to do: switch the step off, or add a position without light.
source "$(dirname "$0")/with_ptychi/install.sh"

"$python" - <<'PYTHON'
import numpy as np
import ptychi.api as api
from scan import OBJECT, centred, make_frames, make_probe, make_task, run

modes = make_probe()[:1]
along = np.arange(-9.0, 10.0, 3.0)
row = np.stack([np.zeros_like(along), along], axis=1)
bent = row.copy()
bent[3, 0] = 1.5


def finite(positions, step):
    """Return the share of finite pixels of the object after two epochs."""
    frames, _ = make_frames(OBJECT, modes, positions)
    options = api.LSQMLOptions()
    options.probe_options.optimizable = False
    options.reconstructor_options.batch_size = len(positions)
    task = make_task(options, centred(frames), positions, modes, OBJECT)
    # As it is when nothing is said; the helper has switched it off.
    task.reconstructor.parameter_group.object.options.remove_object_probe_ambiguity.enabled = step
    return float(np.isfinite(run(task, 2)).mean())


assert api.LSQMLOptions().object_options.remove_object_probe_ambiguity.enabled
found = {
    "row": finite(row, step=True),
    "column": finite(row[:, ::-1], step=True),
    "bent row": finite(bent, step=True),
    "row, step off": finite(row, step=False),
}
print(found)
assert found["row"] == found["column"] == 0
assert found["bent row"] == found["row, step off"] == 1
PYTHON
