"""Files that the real Ptychodus writes: products, diffraction and training data come in as they were meant."""

import numpy as np
import pytest

from foreign_scans import (
    DETECTOR_PIXEL_M,
    DISTANCE_M,
    ENERGY_EV,
    PIXEL_M,
    SHAPE,
    WAVELENGTH_M,
    N,
    mistakes,
    residual,
    taken,
    truth,
)
from ptychostudy.formats.readers import load_user_file

VERSION = "1.7.0"
# Rounding to whole photons leaves 2e-5, and the least of the usual mistakes 2e-2.
EXACT = 5e-5

WRITER = r"""
import sys
from pathlib import Path
import numpy as np
from ptychodus.api.diffraction import (
    DiffractionDatasetLayoutNode, DiffractionMetadata, SimpleDiffractionArray, SimpleDiffractionDataset
)
from ptychodus.api.geometry import ImageExtent, PixelGeometry
from ptychodus.api.io import save_product, save_ptychopinn_training_data, save_training_data
from ptychodus.api.object import Object, ObjectCenter
from ptychodus.api.probe import ProbeSequence
from ptychodus.api.probe_positions import ProbePosition, ProbePositionSequence
from ptychodus.api.product import Product, ProductMetadata
from ptychodus.api.reconstruct import ReconstructInput
from ptychodus.api.simulate.diffraction import generate_diffraction_data
from ptychodus.plugins.cxi_file import CXIDiffractionFileWriter, CXIProductFileIO
from ptychodus.plugins.h5_diffraction_file import H5DiffractionFileWriter
from ptychodus.plugins.npz_diffraction_file import NPZDiffractionFileIO
from ptychodus.plugins.npz_product_file import NPZProductFileIO

truth = np.load("truth.npz")
pixel = PixelGeometry(truth["pixel_m"].item(), truth["pixel_m"].item())
pitch = PixelGeometry(truth["pitch_m"].item(), truth["pitch_m"].item())
counts, bad = truth["counts"], truth["bad"]

def product(metres):
    return Product(
        metadata=ProductMetadata(
            name="a", comments="b", detector_distance_m=truth["distance_m"].item(),
            photon_energy_eV=truth["energy_ev"].item(), probe_photon_count=1.0, exposure_time_s=0.0,
            mass_attenuation_m2_per_kg=0.0, tomography_angle_deg=0.0,
        ),
        probe_positions=ProbePositionSequence(
            [ProbePosition(k, x + 1.25e-6, y - 2e-6) for k, (y, x) in enumerate(metres)]
        ),
        probes=ProbeSequence(array=truth["probe"][None, None], opr_weights=None, pixel_geometry=pixel),
        object_=Object(
            array=truth["object"][None], pixel_geometry=pixel, center=ObjectCenter(1.25e-6, -2e-6),
            layer_spacing_m=[],
        ),
        losses=[],
    )

made = product(truth["metres"])
save_product(Path("product.h5"), made)
NPZProductFileIO().write(Path("product.npz"), made)
CXIProductFileIO().write(Path("product.cxi"), made)
metadata = DiffractionMetadata(
    num_patterns_per_array=[len(counts)], pattern_dtype=counts.dtype,
    detector_extent=ImageExtent(counts.shape[2], counts.shape[1]), detector_pixel_geometry=pitch,
    detector_distance_m=truth["distance_m"].item(), photon_energy_eV=truth["energy_ev"].item(),
)
array = SimpleDiffractionArray("a", np.arange(len(counts)), counts)
dataset = SimpleDiffractionDataset(metadata, DiffractionDatasetLayoutNode.create_root(), [array], bad)
NPZDiffractionFileIO().write(Path("frames.npz"), dataset)
CXIDiffractionFileWriter().write(Path("frames.cxi"), dataset)
H5DiffractionFileWriter("/entry/data/data").write(Path("frames.h5"), dataset)
given = ReconstructInput(counts, bad, made)
save_training_data(Path("training.h5"), given, inpaint_bad_pixels=False)
save_ptychopinn_training_data(Path("ptychopinn.npz"), given, inpaint_bad_pixels=False)
whole = product(truth["whole_metres"])
save_product(Path("whole.h5"), whole)
np.save("simulated.npy", generate_diffraction_data(whole).get_patterns())
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory, run_program):
    """The folder with one of each file."""
    folder = tmp_path_factory.mktemp("ptychodus")
    right = truth()
    # A nudge beyond the rounding of metres: Ptychodus rounds down, a whole pixel less a little to the one before.
    whole = np.rint(right.positions) + 1e-7 - np.array(SHAPE) / 2
    np.savez(
        folder / "truth.npz",
        probe=right.probe,
        object=right.object,
        counts=right.counts,
        metres=right.metres,
        whole_metres=whole * PIXEL_M,
        bad=np.zeros((N, N), bool),
        pixel_m=PIXEL_M,
        pitch_m=DETECTOR_PIXEL_M,
        distance_m=DISTANCE_M,
        energy_ev=ENERGY_EV,
    )
    run_program("ptychodus", VERSION, WRITER, folder)
    return folder


@pytest.fixture(autouse=True)
def there(files, monkeypatch):
    monkeypatch.chdir(files)


def check(scan):
    assert residual(scan) < EXACT
    wrong = {name: residual(each) for name, each in mistakes(scan).items()}
    assert min(wrong.values()) > 400 * EXACT, wrong


@pytest.mark.parametrize("frames", ["frames.npz", "frames.h5", "frames.cxi"])
@pytest.mark.parametrize("product", ["product.h5", "product.npz", "product.cxi"])
def test_product_and_frames(product, frames):
    scan, _ = taken([product, frames])
    check(scan)
    np.testing.assert_allclose(scan["positions"], truth().positions, atol=1e-9)


@pytest.mark.parametrize("product", ["product.h5", "product.npz", "product.cxi", "training.h5", "ptychopinn.npz"])
def test_whole_scans_are_simulated_from(product):
    scan, _ = taken(product, "simulate")
    assert residual(scan, counts=truth().counts) < EXACT


@pytest.mark.parametrize("name", ["training.h5", "ptychopinn.npz"])
def test_training_data(name):
    """Both count from the middle of the first pixel, the latter against PtychoPINN's own custom."""
    check(taken(name)[0])


def test_geometry(files):
    for name in ("product.h5", "product.npz", "product.cxi", "frames.cxi"):
        declared = load_user_file(name).declared
        assert declared["photon_energy_ev"] == pytest.approx(ENERGY_EV, rel=1e-9), name
        assert declared["distance_m"] == pytest.approx(DISTANCE_M, rel=1e-12), name
    assert load_user_file("frames.cxi").declared["detector_pixel_m"] == DETECTOR_PIXEL_M


def test_its_forward_model_carries_a_phase_that_ours_does_not():
    """With P q in the place of P its frames are ours to single precision, with P they are not."""
    scan, _ = taken("whole.h5", "simulate")
    counts = np.load("simulated.npy")
    radius = (np.mgrid[:N, :N] - N // 2) * PIXEL_M
    phase = np.exp(1j * np.pi * (radius**2).sum(axis=0) / (WAVELENGTH_M * DISTANCE_M))
    assert residual(scan | {"probe": scan["probe"] * phase}, counts=counts) < 1e-6
    assert 1e-5 < residual(scan, counts=counts) < 1e-3
