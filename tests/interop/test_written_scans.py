"""Scans that we write for other programs, opened by the programs themselves: Ptychodus 1.7.0 and pty-chi 2.2.0.

Each runs in a process of its own, reads the files, and its own forward model answers.
"""

import importlib.metadata
import json
import subprocess
import sys

import numpy as np
import pytest

from ptychostudy.physics.objects import make_object
from ptychostudy.physics.probes import make_probe
from ptychostudy.physics.propagate import intensities
from ptychostudy.writing.writers import WRITERS

VERSIONS = {"ptychodus": "1.7.0", "ptychi": "2.2.0"}
N, PIXEL_M, ENERGY_EV, DISTANCE_M = 32, 2.5e-8, 7100.0, 1.9
DECLARED = {"pixel_size_m": PIXEL_M, "photon_energy_ev": ENERGY_EV, "distance_m": DISTANCE_M}

PTYCHODUS = r"""
import json, sys
from pathlib import Path
import numpy as np
from ptychodus.api.simulate.diffraction import generate_diffraction_data
from ptychodus.plugins.cxi_file import CXIDiffractionFileReader, CXIProductFileIO
from ptychodus.plugins.h5_product_file import H5ProductFileIO

folder = Path(sys.argv[1])
answers = {}
for name, reader in (("scan.cxi", CXIProductFileIO()), ("scan.h5", H5ProductFileIO())):
    product = reader.read(folder / name)
    geometry = product.object_.get_geometry()
    places = [geometry.map_coordinates_probe_to_object(p) for p in product.probe_positions]
    np.save(folder / f"{name}.npy", generate_diffraction_data(product).get_patterns())
    answers[name] = {
        "centres": [[p.y_px, p.x_px] for p in places],
        "indexes": [int(p.index) for p in places],
        "energy_ev": product.metadata.photon_energy_eV,
        "distance_m": product.metadata.detector_object_distance_m
        if hasattr(product.metadata, "detector_object_distance_m") else product.metadata.detector_distance_m,
        "object": list(product.object_.get_array().shape),
    }
dataset = CXIDiffractionFileReader().read(folder / "scan.cxi")
metadata = dataset.get_metadata()
np.save(folder / "patterns.npy", np.concatenate([array.get_patterns() for array in dataset]))
np.save(folder / "bad.npy", dataset.get_bad_pixels())
answers["frames"] = {
    "energy_ev": metadata.photon_energy_eV,
    "distance_m": metadata.detector_distance_m,
    "pixel_m": [metadata.detector_pixel_geometry.height_m, metadata.detector_pixel_geometry.width_m],
}
print(json.dumps(answers))
"""

PTYCHI = r"""
import json, sys
from pathlib import Path
import numpy as np
from ptychostudy.iterative.session import torch_session

folder = Path(sys.argv[1])
arrays = np.load(folder / "scan.npz")
settings = json.loads((folder / "scan.json").read_text())
with torch_session(threads=1) as torch:  # what it takes to import pty-chi beside a torch for CPUs
    import ptychi.api as api
    from ptychi.api.task import PtychographyTask

    options = getattr(api, settings["class"])().load_from_dict(settings["options"])
    options.reconstructor_options.default_device = api.Devices.CPU
    options.reconstructor_options.batch_size = 64
    task = PtychographyTask(
        options,
        diffraction_data=arrays["diffraction_data"].astype(np.float32),
        object_data=arrays["object"],
        probe_data=arrays["probe"],
        probe_position_y_px=arrays["probe_position_y_px"].astype(np.float32),
        probe_position_x_px=arrays["probe_position_x_px"].astype(np.float32),
        valid_pixel_mask=arrays["valid_pixel_mask"],
    )
    with torch.no_grad():
        frames = task.reconstructor.forward_model.forward(torch.arange(len(arrays["diffraction_data"])))
    np.save(folder / "model.npy", np.asarray(frames))
    np.save(folder / "data.npy", np.asarray(task.dataset.patterns))
"""


def installed(package):
    found = importlib.metadata.version(package)
    if found != VERSIONS[package]:
        pytest.fail(f"{package} is {found}; needed: {VERSIONS[package]}")


def run(script, folder):
    command = [sys.executable, "-c", script, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def scan():
    """A scan of whole pixels, on which both programs split positions as we do; axes cannot be confused."""
    rng = np.random.default_rng(5)
    field = make_object("circuit", (90, 111), rng, amplitude=(0.4, 1.0), phase_rad=1.6).astype(np.complex64)
    probe = make_probe("disc", N, diameter_px=14, rng=rng)
    y, x = np.mgrid[:N, :N] / N - 0.5
    probe = probe * (1 + 0.6 * x + 0.3j * y)
    centres = np.round(rng.uniform((N / 2 + 2, N / 2 + 1), (90 - N / 2 - 2, 111 - N / 2 - 1), (24, 2)))
    light = intensities(field, probe, centres)
    scale = np.sqrt(1e7 / light.sum(axis=(1, 2)).mean())
    valid = np.ones((N, N), dtype=bool)
    valid[3, 5:9] = False
    counts = np.where(valid, np.rint(scale**2 * light), 0).astype(np.uint32)
    return {
        "ycoords": centres[:, 0],
        "xcoords": centres[:, 1],
        "probeGuess": (scale * probe).astype(np.complex64),
        "objectGuess": field,
        "counts": counts,
        "valid_pixels": valid,
    }


def misfit(scan, frames):
    valid = scan["valid_pixels"]
    found, right = np.sqrt(frames)[:, valid], np.sqrt(scan["counts"])[:, valid]
    factor = np.vdot(found, right) / np.vdot(found, found)
    return np.sqrt(np.mean((factor * found - right) ** 2) / np.mean(right**2)), factor


@pytest.fixture(scope="module")
def ptychodus(scan, tmp_path_factory):
    installed("ptychodus")
    folder = tmp_path_factory.mktemp("ptychodus")
    WRITERS["cxi"].write(folder / "scan.cxi", scan, DECLARED)
    WRITERS["ptychodus"].write(folder / "scan.h5", scan, DECLARED)
    return folder, json.loads(run(PTYCHODUS, folder))


@pytest.mark.parametrize("name", ["scan.cxi", "scan.h5"])
def test_ptychodus_makes_our_frames(name, scan, ptychodus):
    folder, answers = ptychodus
    found = answers[name]
    # It counts pixel centres from (N - 1) / 2.
    centres = np.stack([scan["ycoords"], scan["xcoords"]], axis=1)
    np.testing.assert_allclose(np.array(found["centres"]) + 0.5, centres, rtol=0, atol=1e-9)
    assert found["indexes"] == list(range(24)) and found["object"] == [1, 90, 111]
    assert (found["energy_ev"], found["distance_m"]) == (pytest.approx(ENERGY_EV, rel=1e-9), DISTANCE_M)
    # Whole photons, of 1e4 in a bright pixel, leave 1e-3; half a pixel is 0.05. Its Fresnel phase is 1e-6 rad here.
    assert misfit(scan, np.load(folder / f"{name}.npy"))[0] < 3e-3


def test_ptychodus_finds_frames_mask_and_geometry(scan, ptychodus):
    folder, answers = ptychodus
    np.testing.assert_array_equal(np.load(folder / "patterns.npy"), scan["counts"])
    np.testing.assert_array_equal(np.load(folder / "bad.npy"), ~scan["valid_pixels"])
    found = answers["frames"]
    assert found["energy_ev"] == pytest.approx(ENERGY_EV, rel=1e-9) and found["distance_m"] == DISTANCE_M
    # lambda z / (N p) = 25 nm, with h c = 1239.842 eV nm.
    pitch = 1239.841984e-9 / ENERGY_EV * DISTANCE_M / (N * PIXEL_M)
    assert found["pixel_m"] == [pytest.approx(pitch, rel=1e-8)] * 2


def test_pty_chi_makes_our_frames(scan, tmp_path):
    """With its own options and arrays, at the scale of the counts: no factor is left over."""
    installed("ptychi")
    WRITERS["ptychi"].write(tmp_path / "scan.npz", scan, DECLARED)
    run(PTYCHI, tmp_path)
    frames, data = np.load(tmp_path / "model.npy"), np.load(tmp_path / "data.npy")
    shifted = np.fft.fftshift(frames.reshape(scan["counts"].shape), axes=(1, 2))
    r, factor = misfit(scan, shifted)
    assert r < 3e-3 and factor == pytest.approx(1, abs=1e-3)
    np.testing.assert_array_equal(np.fft.fftshift(data, axes=(1, 2)), scan["counts"])
