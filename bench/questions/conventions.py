"""Does `inspect` name the right convention of a scan whose file was shuffled? 32 ways, one after another.

python bench/questions/conventions.py [SCAN.npz]     default: the measured Siemens star, fetched into a temporary folder

Each of the eight orientations of the frames meets each pair of signs of the positions; exchanged positions, frames
with their zero frequency in a corner and a conjugated probe take turns in between. Frames are reversed as NumPy does
it, which puts the zero frequency off by a pixel. Right is what undoes the shuffle, up to what no data can tell: frames
and positions mirrored or turned together, and frames turned by half a turn for a conjugated probe.
"""

import itertools
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from ptychostudy.intake.conventions import alike, of_both, search
from ptychostudy.intake.first_pass import take_sample
from ptychostudy.intake.first_settings import measurement_of
from ptychostudy.intake.user import take_scan
from ptychostudy.physics.orientation import ORIENTATIONS, Orientation
from ptychostudy.study.sections.base import BaseSettings

HALF_TURN = Orientation(rows_reversed=True, cols_reversed=True)


def matrix(orientation):
    """Return what an orientation does to (row, col), as a matrix."""
    return orientation.of_positions(np.eye(2)).T


def shuffles():
    """Return frames' orientation, positions' orientation, conjugated, corner: 32 of them."""
    signs = list(itertools.product((False, True), repeat=2))
    for number, (frames, (rows, cols)) in enumerate(itertools.product(ORIENTATIONS, signs)):
        exchanged = number % 3 == 1
        yield frames, Orientation(exchanged, rows, cols), number % 5 in (2, 3), number % 4 == 2


def shuffled(scan, frames, positions, conjugated, corner):
    """Return the arrays of a scan as another program might have written them."""
    stack = np.swapaxes(scan["frames"], 1, 2) if frames.exchanged else scan["frames"]
    stack = stack[:, :: -1 if frames.rows_reversed else 1, :: -1 if frames.cols_reversed else 1]
    if corner:
        stack = np.fft.ifftshift(stack, axes=(1, 2))
    rows, cols = positions.of_positions(scan["positions"]).T
    probe = scan["probe"].conj() if conjugated else scan["probe"]
    return {"diffraction": stack, "ycoords": rows, "xcoords": cols, "probeGuess": probe}


def is_right(convention, frames, positions, conjugated):
    """Whether a convention undoes a shuffle: frames and positions are then laid out alike."""
    of_frames = matrix(convention.frames) @ matrix(frames)
    if conjugated:
        of_frames = matrix(HALF_TURN) @ of_frames
    return np.array_equal(of_frames, matrix(convention.positions) @ matrix(positions))


def named(path, n, measurement):
    """Return the conventions that fit best, and whether the zero frequency is said to be elsewhere."""
    npz = {"path": str(path), "measurement": measurement, "axes": "NHW"}
    base = BaseSettings(kind="npz", frames="measured", frame_px=n, npz=npz)
    scan, _ = take_scan(path, base)
    sample = take_sample(scan["counts"], scan["positions"], scan["probe"], np.ones((n, n), dtype=bool))
    return search(sample, of_both(), half_turns_too=True)


def main(path):
    """Shuffle a scan in 32 ways and count how often the right convention is named."""
    with np.load(path) as file:
        key = next(key for key in ("counts", "diffraction") if key in file)
        scan = {
            "frames": file[key],
            "positions": np.stack([file["ycoords"], file["xcoords"]], axis=1),
            "probe": file["probeGuess"],
        }
    measurement = measurement_of(scan["frames"])
    right = 0
    with tempfile.TemporaryDirectory() as folder:
        for number, (frames, positions, conjugated, corner) in enumerate(shuffles()):
            began = time.process_time()
            file = Path(folder) / "shuffled.npz"
            np.savez(file, **shuffled(scan, frames, positions, conjugated, corner))
            trials = named(file, scan["frames"].shape[-1], measurement)
            same = alike(trials)
            good = all(is_right(each, frames, positions, conjugated) for each in same)
            good = good and not any(any(each.rolled_px) for each in same)
            right += good
            rest = [each.misfit.value for each in trials if each.convention not in same]
            print(
                f"{number:2} {'right' if good else 'WRONG'} best R {trials[0].misfit.value:.3f}, {len(same)} alike, "
                f"others from {min(rest, default=np.nan):.3f}, {time.process_time() - began:.0f} s",
                flush=True,
            )
    print(f"{right} of 32 right")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1])
    else:
        from ptychostudy.formats.siemens_star import fetch_siemens_star

        with tempfile.TemporaryDirectory() as cache:
            np.savez(Path(cache) / "star.npz", **fetch_siemens_star(cache))
            main(Path(cache) / "star.npz")
