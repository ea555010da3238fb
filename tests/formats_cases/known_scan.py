"""A small measured scan of known truth, as a user would bring it, and the stage `base` run on it."""

import functools
from pathlib import Path

import h5py
import numpy as np
import yaml

from ptychostudy.__main__ import main
from ptychostudy.io.arrays import read_metadata, read_npz
from ptychostudy.physics.propagate import intensities
from ptychostudy.physics.windows import corners, extract
from ptychostudy.recipes.base import make_scene
from ptychostudy.study.sections.base import BaseSettings
from ptychostudy.study.settings import read_study

N = 32
PIXEL_M = 8e-9


def probe_of(n=N):
    """Return a curved, soft disc."""
    y, x = np.mgrid[:n, :n] - n / 2
    wave = np.exp(-((np.hypot(y, x) / (0.22 * n)) ** 4)) * np.exp(1j * 1.6 / n * (x**2 + y**2))
    return wave.astype(np.complex64)


def object_of(shape, seed=1):
    """Return a smooth object, 0.9 transparent."""
    rng = np.random.default_rng(seed)
    rows, cols = np.meshgrid(*(np.fft.fftfreq(side) for side in shape), indexing="ij")
    noise = np.fft.ifft2(np.fft.fft2(rng.normal(size=shape)) * np.exp(-((np.hypot(rows, cols) / 0.12) ** 2))).real
    return 0.9 * np.exp(0.5j * noise / noise.std())


def frames_of(truth, probe, positions, photons, seed=2):
    """Return whole photons, zero frequency in the centre."""
    waves = extract(truth, corners(positions, len(probe)), len(probe)) * probe
    far = np.abs(np.fft.fftshift(np.fft.fft2(waves), axes=(1, 2))) ** 2
    far *= photons / far.sum(axis=(1, 2)).mean()
    return np.random.default_rng(seed).poisson(far).astype(np.uint32)


@functools.cache
def _made(rows, cols, step, photons):
    rng = np.random.default_rng(3)
    shape = (int(rows * step) + N + 6, int(cols * step) + N + 6)
    grid = np.stack(np.meshgrid(np.arange(rows), np.arange(cols), indexing="ij"), axis=-1).reshape(-1, 2)
    # Whole pixels: then units, shifts and rolls must give back exactly these numbers.
    positions = grid * step + N / 2 + 2 + rng.integers(-1, 2, (rows * cols, 2))
    probe = probe_of()
    counts = frames_of(object_of(shape), probe, positions, photons)
    return positions, probe, counts


def known_scan(rows=10, cols=8, step=5.0, photons=2e5):
    """Return a raster with one pixel of jitter, as the arrays of a file."""
    positions, probe, counts = _made(rows, cols, step, photons)
    return {
        "ycoords": positions[:, 0].copy(),
        "xcoords": positions[:, 1].copy(),
        "probeGuess": probe.copy(),
        "counts": counts.copy(),
    }


def save(path, arrays):
    """Write an NPZ, or HDF5 under any other suffix."""
    if Path(path).suffix == ".npz":
        np.savez(path, **arrays)
        return
    with h5py.File(path, "w") as file:
        for key, value in arrays.items():
            file[key] = value


def run_base(path, *, frames="measured", doses=(1,), split=None, **npz):
    """Run the stage in the working folder; return its exit code."""
    settings = {"path": str(path), "axes": "NHW", **npz}
    base = {"kind": "npz", "frames": frames, "frame_px": N, "pixel_size_m": PIXEL_M, "npz": settings}
    others = {"simulate": {"doses": list(doses)}, "split": split or {}}
    Path("study.yaml").write_text(yaml.safe_dump({"study": "mine", "base": base, **others}))
    mask = ["--mask", npz["mask"]] if "mask" in npz else []
    return main(["base", "--config", "study.yaml", "--source", str(path), *mask, "--output", "base.npz"])


def written():
    """Return the arrays of what the stage wrote, and what its metadata say was changed."""
    (step,) = read_metadata("base.npz")["data_transformations"]
    return read_npz("base.npz"), step.get("changes", {})


@functools.cache
def _speckled():
    probe, raster = {"kind": "speckle", "diameter_px": 18}, {"step_px": 4.0, "jitter_px": 1.0}
    scene = make_scene(BaseSettings(frame_px=32, object={"shape_px": (88, 76)}, probe=probe, scan=raster))
    expected = intensities(scene.object, scene.probe, scene.positions)
    counts = np.random.default_rng(4).poisson(expected * 1e5 / expected.sum(axis=(1, 2)).mean())
    return scene.positions, scene.probe.astype(np.complex64), counts.astype(np.uint32)


def speckled_scan():
    """Return a scan whose probe looks the same from no side."""
    positions, probe, counts = _speckled()
    return {"ycoords": positions[:, 0], "xcoords": positions[:, 1], "probeGuess": probe, "counts": counts.copy()}


def base_of(yaml="mine.yaml"):
    """Run the stage `base` with the study that was written; return its exit code."""
    path = read_study(Path(yaml)).base.npz.path
    return main(["base", "--config", yaml, "--source", path, "--output", "base.npz"])
