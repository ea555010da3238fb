"""One scan of known truth, to be written as other programs write theirs, and how well what was read explains it.

The frames are made here, with NumPy alone and not with the package's own model: what comes back from a file is put
through that model, and must give them again.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from formats_cases.known_scan import object_of, probe_of
from ptychostudy.intake.user import take_scan
from ptychostudy.physics.propagate import intensities
from ptychostudy.study.sections.base import BaseSettings

N = 32
SHAPE = (96, 120)
PIXEL_M = 8e-9
ENERGY_EV = 8000.0
# h c in eV m; the distance that gives 8 nm with 32 pixels of 75 micrometres.
WAVELENGTH_M = 1.239841984332e-6 / ENERGY_EV
DETECTOR_PIXEL_M = 75e-6
DISTANCE_M = PIXEL_M * N * DETECTOR_PIXEL_M / WAVELENGTH_M
JOULES = ENERGY_EV * 1.602176634e-19


@dataclass(frozen=True)
class Truth:
    """The scan: probe (N, N), object (H, W), window centres (k, 2) (row, col), whole photons (k, N, N)."""

    probe: np.ndarray
    object: np.ndarray
    positions: np.ndarray
    counts: np.ndarray

    @property
    def corners(self):
        """First pixels of the windows, as other programs count."""
        return self.positions - N / 2

    @property
    def metres(self):
        """Window centres from the middle of the object, in metres."""
        return (self.positions - np.array(SHAPE) / 2) * PIXEL_M


@functools.cache
def truth():
    """Return the scan: nothing in it is symmetric, and no two axes are alike."""
    rng = np.random.default_rng(11)
    probe = probe_of(N) * (1 + 0.5 * np.linspace(0, 1, N)[:, None])
    probe = np.roll(probe, (1, -2), axis=(0, 1)).astype(np.complex128)
    field = object_of(SHAPE, seed=4)
    grid = np.stack(np.meshgrid(np.arange(7), np.arange(9), indexing="ij"), axis=-1).reshape(-1, 2)
    positions = grid * (8.0, 9.0) + N / 2 + 3 + rng.uniform(-1.5, 1.5, grid.shape)
    frames = np.array([frame_of(field, probe, position) for position in positions])
    # As many photons as four bytes hold: rounding to whole ones then costs next to nothing.
    scale = 4e9 / frames.max()
    return Truth(probe * np.sqrt(scale), field, positions, np.rint(scale * frames).astype(np.uint32))


def frame_of(field, probe, centre):
    """Return one frame with its zero frequency in the centre: the nearest window, the rest by the shift theorem."""
    whole = np.floor(np.asarray(centre) + 0.5)
    row, col = (whole - N // 2).astype(int)
    frequencies = np.fft.fftfreq(N)
    ramp = np.exp(-2j * np.pi * np.add.outer(*(f * frequencies for f in np.asarray(centre) - whole)))
    moved = np.fft.ifft2(np.fft.fft2(probe) * ramp)
    wave = moved * field[row : row + N, col : col + N]
    return np.abs(np.fft.fftshift(np.fft.fft2(wave, norm="ortho"))) ** 2


def settings(path, frames="measured", **npz):
    """Return the section ``base`` of a study of some files."""
    names = [str(each) for each in path] if isinstance(path, list) else str(path)
    npz = {"path": names, **npz}
    return BaseSettings(kind="npz", frames=frames, frame_px=N, pixel_size_m=PIXEL_M, npz=npz)


def taken(path, frames="measured", **npz):
    """Return what a study gets of a file, or of several, with its changes."""
    base = settings(path, frames, **npz)
    return take_scan([Path(each) for each in path] if isinstance(path, list) else Path(path), base)


def residual(scan, *, counts=None):
    """Return R, the rms difference of amplitudes over their rms, after one factor for all, of what a scan explains."""
    model = np.sqrt(intensities(scan["object"], scan["probe"], scan["positions"]))
    measured = np.sqrt(np.asarray(scan["counts"] if counts is None else counts, float))
    factor = np.vdot(model, measured) / np.vdot(model, model)
    return float(np.sqrt(np.mean((measured - factor * model) ** 2) / np.mean(measured**2)))


def on_truth(scan, *, free=True):
    """Return a scan with the object of the truth, and its positions put on it where their origin is free."""
    right = truth()
    positions = scan["positions"]
    if free:
        positions = positions - positions.mean(axis=0) + right.positions.mean(axis=0)
    return {"object": right.object, "probe": right.probe, **scan} | {"positions": positions}


def mistakes(scan):
    """Return the scan as it would be, had its reader made each of the usual mistakes."""
    n, positions = len(scan["probe"]), scan["positions"]
    middle = positions.max(axis=0) + positions.min(axis=0)
    wrong = {
        "one axis negated": scan | {"positions": np.stack([middle[0] - positions[:, 0], positions[:, 1]], axis=1)},
        "the other negated": scan | {"positions": np.stack([positions[:, 0], middle[1] - positions[:, 1]], axis=1)},
        "both negated": scan | {"positions": middle - positions},
        "half a pixel in rows": scan | {"positions": positions + (0.5, 0)},
        "half a pixel in columns": scan | {"positions": positions - (0, 0.5)},
        "a pixel": scan | {"positions": positions + 1},
        "frames transposed": scan | {"counts": scan["counts"].transpose(0, 2, 1)},
        "frames half a turn off": scan | {"counts": np.roll(scan["counts"], n // 2, axis=(1, 2))},
        "object conjugated": scan | {"object": scan["object"].conj()},
        "probe conjugated": scan | {"probe": scan["probe"].conj()},
        "amplitudes as intensities": scan | {"counts": np.sqrt(scan["counts"].astype(float))},
    }
    swapped = positions[:, ::-1] - positions[:, ::-1].mean(axis=0) + positions.mean(axis=0)
    inside = np.clip(swapped, n / 2, np.array(scan["object"].shape) - n / 2)
    return wrong | {"axes swapped": scan | {"positions": inside}}
