#!/usr/bin/env bash
# pty-chi 2.2.0: the middle of an object with an odd side lies half a pixel before or behind the middle, in turn.
#
# Positions count from the middle of the object (`SUPPORT`). For a side S the middle is (S - 1) / 2 as an index, and
# an even side gives that. For an odd side, S / 2 is rounded half to even and 0.5 taken away. One would expect an
# exact middle, or the same rounding for every odd side; here an object that grows by two pixels from 97 to 99 moves
# its middle by two, and the next two pixels do not move it at all.
#
# Seen: middle less (S - 1) / 2 for S = 96 ... 103 is 0, -0.5, 0, 0.5, 0, -0.5, 0, 0.5. What to do: state the origin
# (`SPECIFIED`) or give objects with even sides.
source "$(dirname "$0")/with_ptychi/install.sh"

"$python" - <<'PYTHON'
import numpy as np
import ptychi.api as api
from scan import N, make_probe, make_task

offsets = []
for side in range(96, 104):
    object_ = np.ones((side, side + 1))
    task = make_task(api.LSQMLOptions(), np.ones((2, N, N)), np.zeros((2, 2)), make_probe()[:1], object_)
    middle = task.reconstructor.parameter_group.object.pos_origin_coords.numpy()
    offsets.append(float(middle[0]) - (side - 1) / 2)
    print(f"{side} rows: middle {middle[0]}, {offsets[-1]:+} from (S - 1) / 2")
assert offsets == [0, -0.5, 0, 0.5, 0, -0.5, 0, 0.5]
PYTHON
