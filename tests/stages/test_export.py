"""Stage export: places, probe and losses of an arm; a canvas smaller than the scan is padded, a failed arm refused."""

import numpy as np
import pytest

from ptychostudy.formats.ptychodus import read_product_h5
from ptychostudy.io.arrays import write_npz
from ptychostudy.io.atomic import DataError
from ptychostudy.stages import export

N = 8


@pytest.fixture
def cell(tmp_path):
    rng = np.random.default_rng(1)
    scan = np.array([[14.25, 31.5], [20.0, 40.75], [17.5, 36.0], [15.0, 33.0]])
    probe = (rng.normal(size=(N, N)) + 1j).astype(np.complex64)
    arrays = {"ycoords": scan[:, 0], "xcoords": scan[:, 1], "probeGuess": probe, "photons_requested": np.float64(1e4)}
    write_npz(tmp_path / "scan.npz", arrays, {})
    write_npz(tmp_path / "view.npz", {"frames": np.array([0, 1, 2])}, {"view": "sparse", "split": "train"})
    write_npz(tmp_path / "base.npz", {}, {"physics_parameters": {"pixel_size_m": 3e-8}})

    def product(origin, shape, status="ok", **arrays):
        field = (rng.normal(size=shape) + 2).astype(np.complex64)
        arrays |= {"reconstructed_object": field, "coverage": np.ones(shape, np.float32), "origin": np.array(origin)}
        record = {"arm": "PtychoPINN", "status": status, "reason": "" if status == "ok" else "the output is all zero"}
        write_npz(tmp_path / "arm.npz", arrays, record)
        paths = {key: tmp_path / f"{key}.npz" for key in ("scan", "view", "base")}
        export.run(arm_file=tmp_path / "arm.npz", **paths, output=tmp_path / "out.h5")
        return field, read_product_h5(tmp_path / "out.h5")

    return scan, probe, product


def test_a_canvas_that_holds_all_windows_is_exported_as_it_is(cell):
    scan, probe, product = cell
    field, found = product((3, 20), (40, 50))
    assert np.array_equal(found.object, field)
    # Pixels to metres and back: 1e-12 px is far above their rounding.
    assert np.allclose(found.positions, scan[:3] - (3, 20), rtol=0, atol=1e-12)
    assert np.array_equal(found.probe, probe)
    assert found.pixel_size_m == 3e-8
    assert found.loss.size == 0
    assert found.name == "PtychoPINN, 10000 photons per frame, sparse, train"


def test_a_smaller_canvas_is_padded_on_each_side(cell):
    scan, _, product = cell
    field, found = product((13, 30), (8, 12))
    # Windows of frames 0 to 2 span rows 10.25 to 24 and columns 27.5 to 44.75.
    assert found.object.shape == (24 - 10, 45 - 27)
    inside = (slice(3, 11), slice(3, 15))
    assert np.array_equal(found.object[inside], field)
    outside = np.ones(found.object.shape, bool)
    outside[inside] = False
    assert not found.object[outside].any()
    assert np.allclose(found.positions, scan[:3] - (10, 27), rtol=0, atol=1e-12)


def test_an_arm_that_brings_its_own_probe_and_losses(cell):
    refined = np.full((N, N), 5 + 1j, np.complex64)
    _, found = cell[2]((3, 20), (40, 50), reconstructed_probe=refined, loss=np.array([2.0, 1.0]))
    assert np.array_equal(found.probe, refined)
    assert found.loss.tolist() == [2.0, 1.0]


def test_a_failed_arm_is_refused(cell, tmp_path):
    with pytest.raises(DataError, match="the arm failed .the output is all zero."):
        cell[2]((3, 20), (40, 50), status="failed")
    assert not (tmp_path / "out.h5").exists()
