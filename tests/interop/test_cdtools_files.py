"""CXI files that the real cdtools writes: positions by its own geometry, whatever the detector's basis."""

import numpy as np
import pytest

from foreign_scans import (
    DETECTOR_PIXEL_M,
    DISTANCE_M,
    ENERGY_EV,
    PIXEL_M,
    WAVELENGTH_M,
    N,
    mistakes,
    on_truth,
    residual,
    truth,
)
from ptychostudy.formats.readers import load_user_file

VERSION = "0.3.2"
EXACT = 5e-5

WRITER = r"""
import sys
import numpy as np
import torch as t
from cdtools.datasets import Ptycho2DDataset
from cdtools.tools.initializers import exit_wave_geometry
from cdtools.tools.interactions import pixel_to_translations

truth = np.load("truth.npz")
for name in sys.argv[1:]:
    basis = t.as_tensor(truth[name])
    wavelength, distance = t.as_tensor(truth["wavelength_m"]), t.as_tensor(truth["distance_m"])
    object_basis = exit_wave_geometry(basis, truth["counts"].shape[1:], wavelength, distance)
    corners = t.as_tensor(truth["corners"])
    translations = pixel_to_translations(object_basis.double(), corners, t.tensor([0.0, 0, 1]).double())
    dataset = Ptycho2DDataset(
        translations.numpy(), t.as_tensor(truth["counts"].astype(np.int64)), wavelength=wavelength,
        detector_geometry={"distance": distance, "basis": basis, "corner": None}, mask=truth["good"],
    )
    dataset.to_cxi(f"{name}.cxi")
"""

BASES = {
    "default": [[0, -1], [-1, 0], [0, 0]],
    "along": [[0, 1], [1, 0], [0, 0]],
    "mirrored": [[0, -1], [1, 0], [0, 0]],
    "turned": [[0.6, -0.8], [-0.8, -0.6], [0, 0]],
}


@pytest.fixture(scope="module")
def files(tmp_path_factory, run_program):
    folder = tmp_path_factory.mktemp("cdtools")
    good = np.ones((N, N), bool)
    good[3, 5] = False
    np.savez(
        folder / "truth.npz",
        counts=truth().counts,
        corners=truth().corners,
        good=good,
        wavelength_m=WAVELENGTH_M,
        distance_m=DISTANCE_M,
        **{name: DETECTOR_PIXEL_M * np.array(basis, float) for name, basis in BASES.items()},
    )
    np.savez(folder / "probe.npz", probeGuess=truth().probe)
    run_program("cdtools-py", VERSION, WRITER, folder, *BASES)
    return folder


@pytest.mark.parametrize("basis", BASES)
def test_translations_along_the_basis(files, monkeypatch, basis):
    monkeypatch.chdir(files)
    found = load_user_file(f"{basis}.cxi")
    assert np.argwhere(found.arrays["bad_pixels"]).tolist() == [[3, 5]]
    assert found.declared["photon_energy_ev"] == pytest.approx(ENERGY_EV, rel=1e-6)
    positions = np.stack([found.arrays["ycoords"], found.arrays["xcoords"]], axis=1) / PIXEL_M
    scan = on_truth({"positions": positions, "counts": found.arrays["counts"]})
    assert residual(scan) < EXACT
    wrong = {name: residual(each) for name, each in mistakes(scan).items()}
    assert min(wrong.values()) > 400 * EXACT, wrong
