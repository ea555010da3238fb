"""Ptychodus products: there and back, fixed bytes, and everything that Ptychodus would swallow refused."""

import dataclasses
import subprocess
import sys

import h5py
import numpy as np
import pytest

from ptychostudy.formats.ptychodus import Product, read_product_h5, write_product_h5
from ptychostudy.io.atomic import DataError

N, ROWS, COLS, PIXEL_M = 8, 20, 31, 1e-8


@pytest.fixture
def product():
    rng = np.random.default_rng(3)
    field = rng.normal(size=(ROWS, COLS)) + 1j * rng.normal(size=(ROWS, COLS))
    probe = rng.normal(size=(N, N)) + 1j * rng.normal(size=(N, N))
    positions = rng.uniform((N / 2, N / 2), (ROWS - N / 2, COLS - N / 2), (7, 2))
    # The corners of the object are allowed places of a window.
    positions[:2] = (N / 2, N / 2), (ROWS - N / 2, COLS - N / 2)
    losses = np.array([4.0, 2.5])
    arrays = (field.astype(np.complex64), probe.astype(np.complex64), positions)
    return Product(*arrays, PIXEL_M, 8500.0, 1.9, losses, "a name", "a comment: µ")


@pytest.fixture
def path(tmp_path, product):
    write_product_h5(tmp_path / "product.h5", product)
    return tmp_path / "product.h5"


def test_there_and_back(path, product):
    found = read_product_h5(path)
    assert np.array_equal(found.object, product.object)
    assert np.array_equal(found.probe, product.probe)
    assert found.object.dtype == found.probe.dtype == np.complex64
    # Two multiplications and a sum in float64 at 30 px: 1e-12 px is a hundred times their rounding.
    assert np.allclose(found.positions, product.positions, rtol=0, atol=1e-12)
    assert np.array_equal(found.loss, product.loss)
    for key in ("pixel_size_m", "photon_energy_ev", "detector_distance_m", "name", "comments"):
        assert getattr(found, key) == getattr(product, key)


def test_the_file_is_the_union_that_all_releases_read(path, product):
    with h5py.File(path) as file:
        assert file.attrs["photon_energy_eV"] == file.attrs["probe_energy_eV"] == 8500.0
        assert file.attrs["mass_attenuation_m2_kg"] == file.attrs["mass_attenuation_m2_per_kg"] == 0.0
        assert file.attrs["detector_object_distance_m"] == 1.9
        assert file.attrs["exposure_time_s"] == file.attrs["tomography_angle_deg"] == 0.0
        assert file.attrs["probe_photon_count"] == pytest.approx(np.sum(np.abs(product.probe) ** 2), rel=1e-6)
        assert isinstance(file.attrs["name"], str)
        assert dict(file["object"].attrs) == {
            "pixel_width_m": PIXEL_M,
            "pixel_height_m": PIXEL_M,
            "center_x_m": COLS / 2 * PIXEL_M,
            "center_y_m": ROWS / 2 * PIXEL_M,
        }
        assert dict(file["probe"].attrs) == {"pixel_width_m": PIXEL_M, "pixel_height_m": PIXEL_M}
        assert np.array_equal(file["probe_position_x_m"], product.positions[:, 1] * PIXEL_M)
        assert np.array_equal(file["probe_position_y_m"], product.positions[:, 0] * PIXEL_M)
        assert file["probe_position_indexes"][()].tolist() == list(range(7))
        assert file["object_layer_spacing_m"].shape == (0,)
        assert file["loss_epochs"][()].tolist() == [1, 2]
        assert all(item.fletcher32 and item.chunks for item in file.values() if item.size)


def test_the_same_product_gives_the_same_bytes(tmp_path, path, product):
    """In another process, too: nothing of this one, such as a clock or an address, is in the file."""
    code = "import sys; from ptychostudy.formats.ptychodus import *; "
    code += "write_product_h5(sys.argv[2], read_product_h5(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", code, str(path), str(tmp_path / "again.h5")], check=True)
    positions = read_product_h5(path).positions
    write_product_h5(tmp_path / "here.h5", dataclasses.replace(product, positions=positions))
    assert (tmp_path / "again.h5").read_bytes() == (tmp_path / "here.h5").read_bytes()


def test_no_losses(tmp_path, product):
    write_product_h5(tmp_path / "a.h5", dataclasses.replace(product, loss=np.zeros(0)))
    assert read_product_h5(tmp_path / "a.h5").loss.shape == (0,)


def test_what_ptychodus_1_7_writes(path, product):
    """It puts layers and modes in front, knows one energy and a centre of its own, and leaves out what is empty."""
    with h5py.File(path, "r+") as file:
        for key, leading in (("object", 1), ("probe", 2)):
            kept, value = dict(file[key].attrs), file[key][()]
            del file[key]
            file.create_dataset(key, data=value.reshape((1,) * leading + value.shape)).attrs.update(kept)
        for key in ("center_x_m", "center_y_m"):
            file["object"].attrs[key] = 0.0
        file["probe_position_x_m"][...] -= COLS / 2 * PIXEL_M
        file["probe_position_y_m"][...] -= ROWS / 2 * PIXEL_M
        for key in ("probe_energy_eV", "mass_attenuation_m2_kg", "comments"):
            del file.attrs[key]
        del file["loss_values"], file["loss_epochs"]
    found = read_product_h5(path)
    assert np.allclose(found.positions, product.positions, rtol=0, atol=1e-12)
    assert np.array_equal(found.object, product.object)
    assert found.loss.shape == (0,)


def _put(key, value):
    def damage(file):
        kept = dict(file[key].attrs)
        del file[key]
        file.create_dataset(key, data=value).attrs.update(kept)

    return damage


def _attribute(item, key, value):
    def damage(file):
        file[item].attrs[key] = value

    return damage


def _without(key, item="/"):
    def damage(file):
        if item == "/" and key in file:
            del file[key]
        else:
            del file[item].attrs[key]

    return damage


def _external(file):
    del file["object"]
    file["object"] = h5py.ExternalLink("/etc/hostname", "/x")


def _group(file):
    del file["probe"]
    file.create_group("probe")


def _losses_alone(file):
    del file["loss_epochs"]


def _both_energies(file):
    file.attrs["photon_energy_eV"] = 1.0


DAMAGES = {
    "x shorter than y": (_put("probe_position_x_m", np.full(6, 1e-7)), "differ in length"),
    "indexes shorter": (_put("probe_position_indexes", np.arange(6)), "differ in length"),
    "NaN position": (_put("probe_position_x_m", np.full(7, np.nan)), "finite"),
    "a metre away": (_put("probe_position_x_m", np.full(7, 1.0)), "7 of 7 windows"),
    "half a pixel outside": (_put("probe_position_y_m", np.full(7, (N / 2 - 0.5) * PIXEL_M)), "7 of 7 windows"),
    "text positions": (_put("probe_position_x_m", np.array([b"a"] * 7)), "cannot|not a readable|needed"),
    "2-D positions": (_put("probe_position_x_m", np.ones((2, 7))), "needed 1 axes"),
    "no positions": (_put("probe_position_x_m", np.zeros(0)), "differ in length"),
    "repeated indexes": (_put("probe_position_indexes", np.zeros(7, int)), "1 of 7 distinct"),
    "float indexes": (_put("probe_position_indexes", np.arange(7) + 0.5), "needed: integers"),
    "negative indexes": (_put("probe_position_indexes", np.arange(7) - 1), "needed: integers"),
    "real object": (_put("object", np.ones((ROWS, COLS))), "'object' is float64"),
    "NaN object": (_put("object", np.full((ROWS, COLS), np.nan + 0j)), "'object' holds NaN"),
    "small object": (_put("object", np.ones((N - 1, COLS), complex)), "leave the object"),
    "two layers": (_put("object", np.ones((2, ROWS, COLS), complex)), "one layer"),
    "two modes": (_put("probe", np.ones((1, 2, N, N), complex)), "one mode"),
    "oblong probe": (_put("probe", np.ones((N, N + 2), complex)), "N x N"),
    "dark probe": (_put("probe", np.zeros((N, N), complex)), "is all zero"),
    "no object": (_without("object"), "'object' is missing"),
    "no energy": (lambda f: [_without(k)(f) for k in ("probe_energy_eV", "photon_energy_eV")], "nothing"),
    "two energies": (_both_energies, "one energy"),
    "negative energy": (
        lambda f: f.attrs.update({"probe_energy_eV": -1.0, "photon_energy_eV": -1.0}),
        "photon_energy_ev is -1",
    ),
    "text distance": (_attribute("/", "detector_object_distance_m", "far"), "needed one finite number"),
    "no distance": (_without("detector_object_distance_m"), "'detector_object_distance_m' is missing"),
    "no pixel": (_without("pixel_width_m", "object"), "'pixel_width_m' is missing"),
    "negative pixels": (
        lambda f: [
            f[i].attrs.update(dict.fromkeys(("pixel_width_m", "pixel_height_m"), -1e-8)) for i in ("object", "probe")
        ],
        "windows|pixel_size_m",
    ),
    "oblong pixels": (_attribute("object", "pixel_width_m", 2e-8), "one square size"),
    "another pixel for the probe": (_attribute("probe", "pixel_width_m", 2e-8), "one square size"),
    "no centre": (_without("center_x_m", "object"), "'center_x_m' is missing"),
    "values without epochs": (_losses_alone, "both or neither"),
    "more epochs than values": (_put("loss_epochs", np.arange(5)), "of one length"),
    "infinite loss": (_put("loss_values", np.array([1.0, np.inf])), "'loss_values' holds NaN"),
    "a link to another file": (_external, "'object' is a link"),
    "a group for a probe": (_group, "'probe' is a group"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_wrong_is_refused_and_named(path, name):
    damage, message = DAMAGES[name]
    with h5py.File(path, "r+") as file:
        damage(file)
    with pytest.raises(DataError, match=message) as caught:
        read_product_h5(path)
    assert str(path) in str(caught.value)


def test_damaged_files_are_refused(tmp_path, path, product):
    data = path.read_bytes()
    with h5py.File(path) as file:
        offset = file["object"].id.get_chunk_info(0).byte_offset
    flipped = bytearray(data)
    flipped[offset + 40] ^= 1
    cases = {"cut": data[: len(data) // 2], "empty": b"", "text": b"no HDF5 at all", "flipped": bytes(flipped)}
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=name):
            read_product_h5(tmp_path / name)
    with pytest.raises(DataError, match="no such file"):
        read_product_h5(tmp_path / "absent.h5")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"positions": np.full((3, 2), 1.0)}, "3 of 3 windows of side 8 leave the object"),
        ({"positions": np.zeros((0, 2))}, "k > 0"),
        ({"object": np.full((ROWS, COLS), np.inf + 0j)}, "'object' holds NaN"),
        ({"pixel_size_m": 0.0}, "pixel_size_m is 0.0"),
        ({"detector_distance_m": float("nan")}, "detector_distance_m is nan"),
    ],
)
def test_nothing_is_written_that_would_not_be_read(tmp_path, product, change, message):
    with pytest.raises(DataError, match=message):
        write_product_h5(tmp_path / "a.h5", dataclasses.replace(product, **change))
    assert list(tmp_path.iterdir()) == []
