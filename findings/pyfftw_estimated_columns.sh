#!/usr/bin/env bash
# pyFFTW 0.15.1 (FFTW 3.3.10): estimated plans are as good as measured ones of 64 x 64 and 128 x 128; of 256 x 256 they take
# five times as long, three times as long as SciPy's transform.
#
# FFTW_ESTIMATE is what one takes so that plans, and with them the rounding of results, are the same in every run. Its
# documentation says that such plans are probably less than optimal. One would expect some tens of per cent, as for most
# sides, and not that a library chosen for its speed is the slowest of all at the commonest side of a cropped frame.
#
# Seen, complex64 in place, two frames of 256 x 256 on one core of a Xeon with AVX-512: estimated 660 us a frame, measured
# 130, SciPy 225; of 128 x 128 24, 25 and 51, of 64 x 64 4.5, 4.5 and 11. Columns are what takes long, 530 us, rows take 75.
# With four numbers between rows, so that columns no longer lie a power of two apart, the same estimate takes 200, less than
# SciPy (complex128, where SciPy takes 480: 280 in place of 745; of 128 x 128 30 in place of 42).
# What to do: leave room between rows; where that cannot be, estimate sides that are powers of two up to 128 only.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 scipy==1.17.1 pyfftw==0.15.1

cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import statistics
import time

import numpy as np
import pyfftw
import scipy.fft


def seconds(function):
    times = []
    for _ in range(40):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


ratios = {}
for side in (64, 128, 256):
    frames = 2**17 // side**2
    waves = pyfftw.empty_aligned((frames, side, side), dtype="complex64")
    taken = []
    # The estimate first: what was measured in this process would be taken again.
    for effort in ("FFTW_ESTIMATE", "FFTW_MEASURE"):
        plan = pyfftw.FFTW(waves, waves, axes=(-2, -1), flags=(effort,))
        waves[...] = 0
        taken.append(seconds(plan.execute))
    taken.append(seconds(lambda: scipy.fft.fft2(waves, overwrite_x=True)))
    rows = pyfftw.zeros_aligned((frames, side, side + 4), dtype="complex64")[..., :side]
    pyfftw.forget_wisdom()
    taken.append(seconds(pyfftw.FFTW(rows, rows, axes=(-2, -1), flags=("FFTW_ESTIMATE",)).execute))
    estimated, measured, other, apart = (1e6 * value / frames for value in taken)
    ratios[side] = estimated / measured, estimated / other, estimated / apart
    print(
        f"{side} x {side}: estimated {estimated:.1f} us a frame, measured {measured:.1f}, SciPy {other:.1f}, "
        f"estimated with rows apart {apart:.1f}"
    )
assert all(ratios[side][0] < 1.5 and ratios[side][1] < 1 for side in (64, 128))
assert ratios[256][0] > 2.5 and ratios[256][1] > 1.5
assert ratios[256][2] > 2 and ratios[64][2] < 1.5
PYTHON
