"""A scan written for other programs means the same when it is read back by their conventions.

The conventions are computed here, from what the programs document and do, not with the package's own readers.
"""

import json

import h5py
import numpy as np
import pytest
from known_scan import N, object_of, probe_of

from ptychostudy.formats.mask_keys import MASK_KEYS
from ptychostudy.formats.ptychodus import read_product_h5
from ptychostudy.formats.readers import load_user_file
from ptychostudy.intake.masks import bad_by
from ptychostudy.intake.user import take_scan
from ptychostudy.io.atomic import DataError
from ptychostudy.physics.modes import first_mode
from ptychostudy.physics.propagate import intensities
from ptychostudy.study.sections.base import BaseSettings
from ptychostudy.writing.writers import WRITERS

PIXEL_M, ENERGY_EV, DISTANCE_M = 8e-9, 6200.0, 2.3
DECLARED = {"pixel_size_m": PIXEL_M, "photon_energy_ev": ENERGY_EV, "distance_m": DISTANCE_M}


def scan_with(shape=(70, 83), fractions=True, n=N):
    """Return a scan over an object that is no square, whose axes cannot be confused."""
    rng = np.random.default_rng(7)
    positions = rng.uniform((n / 2 + 1, n / 2 + 2), (shape[0] - n / 2 - 1, shape[1] - n / 2 - 3), (9, 2))
    positions = positions if fractions else np.round(positions)
    field, probe = object_of(shape).astype(np.complex64), 300 * probe_of(n)
    valid = np.ones((n, n), dtype=bool)
    valid[3, 5:9] = False
    counts = np.where(valid, np.rint(intensities(field, probe, positions)), 0).astype(np.uint32)
    scan = {"ycoords": positions[:, 0], "xcoords": positions[:, 1], "probeGuess": probe.astype(np.complex64)}
    return scan | {"counts": counts, "objectGuess": field, "valid_pixels": valid}


def centres(scan):
    return np.stack([scan["ycoords"], scan["xcoords"]], axis=1)


def without(scan, *keys):
    return {key: value for key, value in scan.items() if key not in keys}


def misfit(scan, field, probe, corners, n=N):
    """Return the rms amplitude difference over the rms amplitude; no factor is fitted."""
    # A wrong window can leave the object; it is moved in, and is wrong there, too.
    frames = intensities(field, probe, np.clip(corners, 0, np.array(field.shape) - n) + n / 2)
    right = np.sqrt(scan["counts"])[:, scan["valid_pixels"]]
    found = np.sqrt(frames)[:, scan["valid_pixels"]]
    return np.sqrt(np.mean((found - right) ** 2) / np.mean(right**2))


# Counts are rounded to whole photons, of 1e5 in a bright pixel.
ROUNDING = 0.005
DISPLACED = 0.04
"""Half a pixel is 0.05, and each other mistake more."""


@pytest.mark.parametrize("name", WRITERS)
def test_the_same_scan_gives_the_same_bytes(name, tmp_path):
    for folder in "ab":
        WRITERS[name].write(tmp_path / folder / f"scan{WRITERS[name].SUFFIX}", scan_with(), DECLARED)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "b").iterdir())
    assert all((tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes() for file in names)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("key", ["xcoords", "probeGuess"])
def test_what_is_missing_is_named(name, key, tmp_path):
    path = tmp_path / f"scan{WRITERS[name].SUFFIX}"
    with pytest.raises(DataError, match=f"the scan has no '{key}'"):
        WRITERS[name].write(path, without(scan_with(), key), DECLARED)
    assert not path.exists()


@pytest.mark.parametrize("name", ["cxi", "ptychi", "ptychopinn"])
def test_formats_of_frames_need_frames(name, tmp_path):
    with pytest.raises(DataError, match="the scan has no 'counts'"):
        WRITERS[name].write(tmp_path / "scan", without(scan_with(), "counts"), DECLARED)


def test_a_product_needs_an_object(tmp_path):
    with pytest.raises(DataError, match="the scan has no 'objectGuess'"):
        WRITERS["ptychodus"].write(tmp_path / "a.h5", without(scan_with(), "objectGuess"), DECLARED)


@pytest.mark.parametrize("name", ["cxi", "ptychodus"])
def test_metres_need_a_pixel(name, tmp_path):
    declared = {"photon_energy_ev": ENERGY_EV, "distance_m": DISTANCE_M}
    with pytest.raises(DataError, match="needed: pixel_size_m, or photon energy, distance and detector pixel"):
        WRITERS[name].write(tmp_path / "scan", scan_with(), declared)


def test_the_pixel_follows_from_energy_distance_and_detector(tmp_path):
    """lambda z / (N p), with h c = 1239.842 eV nm: the same 8 nm, and so the same positions."""
    pitch = 1239.84198e-9 / ENERGY_EV * DISTANCE_M / (N * PIXEL_M)
    declared = {"photon_energy_ev": ENERGY_EV, "distance_m": DISTANCE_M, "detector_pixel_m": pitch}
    assert WRITERS["cxi"].write(tmp_path / "a.cxi", scan_with(), declared) == []
    with h5py.File(tmp_path / "a.cxi") as file:
        assert file["entry_1/ptychodus/object_pixel_width_m"][()] == pytest.approx(PIXEL_M, rel=1e-8)
        assert file["entry_1/instrument_1/detector_1/x_pixel_size"][()] == pytest.approx(pitch, rel=1e-8)


@pytest.mark.parametrize("value", [0.0, -1.0, np.inf, np.nan])
@pytest.mark.parametrize("key", DECLARED)
def test_declared_numbers_must_be_numbers(key, value, tmp_path):
    with pytest.raises(DataError, match=f"{key} is .*; needed: a finite number > 0"):
        WRITERS["cxi"].write(tmp_path / "a.cxi", scan_with(), DECLARED | {key: value})


def test_what_is_assumed_is_said(tmp_path):
    said = WRITERS["cxi"].write(tmp_path / "a.cxi", scan_with(), {"pixel_size_m": PIXEL_M})
    assert [text.split(":")[0] for text in said] == [
        "photon energy not known",
        "distance to the detector not known",
    ]
    said = WRITERS["cxi"].write(tmp_path / "a.cxi", scan_with(), DECLARED | {"detector_pixel_m": 55e-6})
    assert len(said) == 1 and "5.5e-05 m was declared" in said[0]


# --- and back through our readers -------------------------------------------------------------------------------------


def read_back(name, folder, scan):
    """Write a scan, and frames beside a format without; return what `base` takes of the files."""
    paths = [folder / f"scan{WRITERS[name].SUFFIX}"]
    WRITERS[name].write(paths[0], scan, DECLARED)
    if name == "ptychodus":
        paths.append(folder / "frames.npz")
        np.savez(paths[1], counts=scan["counts"])
    npz = {"path": [str(path) for path in paths]}
    base = {"kind": "npz", "frames": "measured", "frame_px": N, "pixel_size_m": PIXEL_M, "npz": npz}
    return take_scan(npz["path"], BaseSettings(**base))


@pytest.mark.parametrize("name", WRITERS)
def test_a_scan_comes_back(name, tmp_path):
    scan = without(scan_with(), "valid_pixels")
    scan["counts"] = np.rint(intensities(scan["objectGuess"], scan["probeGuess"], centres(scan))).astype(np.uint32)
    found, _ = read_back(name, tmp_path, scan)
    np.testing.assert_array_equal(found["counts"], scan["counts"])
    np.testing.assert_allclose(found["positions"], centres(scan), rtol=0, atol=1e-9)
    np.testing.assert_array_equal(found["object"], scan["objectGuess"])
    # pty-chi's probe is divided by N, here a power of two: all but the smallest numbers of float32 stay as they are.
    np.testing.assert_allclose(found["probe"], scan["probeGuess"], rtol=0, atol=1e-37)


@pytest.mark.parametrize("name", ["npz", "cxi", "ptychi", "ptychopinn"])
def test_a_mask_comes_back(name, tmp_path):
    scan, path = scan_with(), tmp_path / f"scan{WRITERS[name].SUFFIX}"
    WRITERS[name].write(path, scan, DECLARED)
    arrays = load_user_file(path).arrays
    ((key, mask),) = [(key, arrays[key]) for key in MASK_KEYS if key in arrays]
    np.testing.assert_array_equal(bad_by(key, mask), ~scan["valid_pixels"])


@pytest.mark.parametrize("name", ["npz", "cxi", "ptychi", "ptychopinn"])
def test_a_masked_scan_comes_back_to_a_study(name, tmp_path):
    scan = scan_with()
    found, _ = read_back(name, tmp_path, scan)
    np.testing.assert_array_equal(found["valid"], scan["valid_pixels"])
    np.testing.assert_array_equal(found["counts"], scan["counts"])


@pytest.mark.parametrize("name", ["cxi", "ptychi"])
def test_a_measured_scan_without_object_comes_back(name, tmp_path):
    """Then nobody knows where an object begins: positions are the same but for whole pixels."""
    scan = without(scan_with(), "valid_pixels", "objectGuess")
    found, _ = read_back(name, tmp_path, scan)
    shift = found["positions"] - centres(scan)
    np.testing.assert_allclose(shift, np.rint(shift[0]) + np.zeros((9, 1)), rtol=0, atol=1e-9)
    np.testing.assert_allclose(found["probe"], scan["probeGuess"], rtol=0, atol=1e-37)


@pytest.mark.parametrize("name", WRITERS)
def test_all_modes_of_a_probe_come_back(name, tmp_path):
    """Three orthogonal modes of shares 0.7, 0.2, 0.1, each of another sign under mirrors of the axes."""
    scan = with_three_modes()
    found, _ = read_back(name, tmp_path, scan)
    np.testing.assert_allclose(found["modes"], scan["probeModes"], rtol=0, atol=1e-6)
    again = intensities(scan["objectGuess"], found["modes"], found["positions"])
    assert np.abs(np.sqrt(again) - np.sqrt(scan["counts"])).max() < 1
    # The first alone is another model.
    first = intensities(scan["objectGuess"], found["modes"][0], found["positions"])
    assert np.abs(np.sqrt(first) - np.sqrt(scan["counts"])).max() > 10


def with_three_modes():
    scan = without(scan_with(), "valid_pixels")
    y, x = (np.mgrid[:N, :N] - N // 2) / 9
    disc = np.exp(-(np.hypot(y, x) ** 4)) * np.exp(0.2j * (x**2 + y**2))
    waves = [wave * disc for wave in (1, x, y)]
    for wave in waves:
        wave[0], wave[:, 0] = 0, 0
    power = float(np.sum(np.abs(scan["probeGuess"]) ** 2))
    lengths = [
        np.sqrt(share * power) / np.linalg.norm(wave) for share, wave in zip((0.7, 0.2, 0.1), waves, strict=True)
    ]
    modes = np.stack([length * wave for length, wave in zip(lengths, waves, strict=True)]).astype(np.complex64)
    counts = np.rint(intensities(scan["objectGuess"], modes, centres(scan))).astype(np.uint32)
    return scan | {"probeGuess": first_mode(modes), "probeModes": modes, "counts": counts}


def test_modes_are_where_the_programs_look_for_them(tmp_path):
    scan = with_three_modes()
    for name in ("cxi", "ptychi", "ptychodus", "ptychopinn"):
        WRITERS[name].write(tmp_path / f"{name}{WRITERS[name].SUFFIX}", scan, DECLARED)
    modes = scan["probeModes"]
    with h5py.File(tmp_path / "cxi.cxi") as file:
        np.testing.assert_array_equal(file["entry_1/image_1/data"], modes[None])
    with h5py.File(tmp_path / "ptychodus.h5") as file:
        np.testing.assert_array_equal(np.reshape(file["probe"], modes.shape), modes)
    np.testing.assert_array_equal(np.load(tmp_path / "ptychi.npz")["probe"], modes[None] / N)
    # Who knows of one wave has all photons in it.
    np.testing.assert_array_equal(np.load(tmp_path / "ptychopinn.npz")["probeGuess"], scan["probeGuess"])


# --- canonical NPZ ----------------------------------------------------------------------------------------------------


def test_canonical_npz_is_taken_without_a_question(tmp_path):
    from ptychostudy.intake.user import read_user_scan

    scan = scan_with()
    assert WRITERS["npz"].write(tmp_path / "a.npz", scan, DECLARED) == []
    found = read_user_scan(tmp_path / "a.npz")
    np.testing.assert_array_equal(found["positions"], centres(scan))
    np.testing.assert_array_equal(found["counts"], scan["counts"])
    np.testing.assert_array_equal(found["probe"], scan["probeGuess"])
    np.testing.assert_array_equal(found["object"], scan["objectGuess"])
    np.testing.assert_array_equal(np.load(tmp_path / "a.npz")["valid_pixels"], scan["valid_pixels"])


# --- CXI --------------------------------------------------------------------------------------------------------------


def corners_by_cdtools(file):
    """Return corners of windows as cdtools finds them, moved to where they lie in the object."""
    source, detector = file["entry_1/instrument_1/source_1"], file["entry_1/instrument_1/detector_1"]
    basis = detector["basis_vectors"][()]
    wavelength, distance = source["wavelength"][()], detector["distance"][()]
    # A step of the object along an axis of the detector: wavelength z / (N p) in that axis' direction.
    lengths = np.linalg.norm(basis, axis=0)
    steps = basis / lengths * wavelength * distance / (N * lengths)
    translation = file["entry_1/sample_1/geometry_1/translation"][()]
    return (np.linalg.pinv(steps) @ -translation.T).T - N / 2


def test_cxi_is_what_cdtools_takes_it_for(tmp_path):
    scan = scan_with()
    WRITERS["cxi"].write(tmp_path / "a.cxi", scan, DECLARED)
    with h5py.File(tmp_path / "a.cxi") as file:
        corners = corners_by_cdtools(file)
        detector = file["entry_1/instrument_1/detector_1"]
        np.testing.assert_array_equal(file["entry_1/data_1/data"], scan["counts"])
        np.testing.assert_array_equal(detector["mask"][()] == 0, scan["valid_pixels"])
        assert detector["mask"].dtype == np.uint32
        field, probe = file["entry_1/image_2/data"][0], file["entry_1/image_1/data"][0, 0]
        # h c = 1239.842 eV nm, 1 eV = 1.602177e-19 J.
        assert file["entry_1/instrument_1/source_1/wavelength"][()] == pytest.approx(
            1239.84198e-9 / ENERGY_EV, rel=1e-8
        )
        assert file["entry_1/instrument_1/source_1/energy"][()] == pytest.approx(1.602176634e-19 * ENERGY_EV, rel=1e-12)
    np.testing.assert_allclose(corners + N / 2, centres(scan), rtol=0, atol=1e-9)
    assert misfit(scan, field, probe, corners) < ROUNDING
    for wrong in (corners + (0.5, 0), corners + (0, 0.5), corners[:, ::-1], -corners + corners.min(0) + corners.max(0)):
        assert misfit(scan, field, probe, wrong) > DISPLACED


def test_cxi_is_what_ptychodus_takes_it_for(tmp_path):
    """Place of the probe from the stated middle of the object, whose own middle is W / 2 from its corner."""
    scan = scan_with()
    WRITERS["cxi"].write(tmp_path / "a.cxi", scan, DECLARED)
    with h5py.File(tmp_path / "a.cxi") as file:
        extra = file["entry_1/ptychodus"]
        translation = file["entry_1/data_1/translation"][()]
        middle = np.array([extra["object_center_y_m"][()], extra["object_center_x_m"][()]])
        side = np.array([extra["object_pixel_height_m"][()], extra["object_pixel_width_m"][()]])
        shape = np.array(file["entry_1/image_2/data"].shape[1:])
        np.testing.assert_array_equal(extra["probe_position_indexes"], np.arange(9))
    found = (translation[:, 1::-1] - middle) / side + shape / 2
    np.testing.assert_allclose(found, centres(scan), rtol=0, atol=1e-9)


def test_cxi_without_object(tmp_path):
    WRITERS["cxi"].write(tmp_path / "a.cxi", without(scan_with(), "objectGuess", "valid_pixels"), DECLARED)
    with h5py.File(tmp_path / "a.cxi") as file:
        assert "entry_1/image_2" not in file and not file["entry_1/instrument_1/detector_1/mask"][()].any()


# --- Ptychodus --------------------------------------------------------------------------------------------------------


def test_a_product_comes_back(tmp_path):
    scan = scan_with()
    said = WRITERS["ptychodus"].write(tmp_path / "a.h5", scan, DECLARED)
    assert [text.split(":")[0] for text in said] == ["counts not written", "valid_pixels not written"]
    found = read_product_h5(tmp_path / "a.h5")
    np.testing.assert_allclose(found.positions, centres(scan), rtol=0, atol=1e-9)
    np.testing.assert_array_equal(found.object, scan["objectGuess"])
    np.testing.assert_array_equal(found.probe, scan["probeGuess"])
    assert (found.pixel_size_m, found.photon_energy_ev, found.detector_distance_m) == (PIXEL_M, ENERGY_EV, DISTANCE_M)


# --- pty-chi ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", range(96, 100))
@pytest.mark.parametrize("with_object", [True, False])
def test_pty_chi_finds_the_windows(rows, with_object, tmp_path):
    """First pixel of a window as pty-chi 2.2.0 was found to place it, by the support and by the stated origin."""
    scan = scan_with((rows, 83))
    given = scan if with_object else without(scan, "objectGuess")
    WRITERS["ptychi"].write(tmp_path / "a.npz", given, DECLARED)
    arrays = np.load(tmp_path / "a.npz")
    options = json.loads((tmp_path / "a.json").read_text())["options"]
    offsets = np.stack([arrays["probe_position_y_px"], arrays["probe_position_x_px"]], axis=1)
    shape = arrays["object"].shape[1:]
    by_support = offsets + [round(side / 2) for side in shape] - N / 2
    by_origin = offsets + options["object_options"]["position_origin_coords"] - (N - 1) / 2
    np.testing.assert_allclose(by_support, by_origin, rtol=0, atol=1e-9)
    if with_object:
        np.testing.assert_allclose(by_support + N / 2, centres(scan), rtol=0, atol=1e-9)
        np.testing.assert_array_equal(arrays["object"][0], scan["objectGuess"])
    else:
        steps = by_support - by_support[0]
        np.testing.assert_allclose(steps, centres(scan) - centres(scan)[0], rtol=0, atol=1e-9)
        # Two pixels more than the windows need, which fractions make three at most.
        assert 1 <= by_support.min() and np.all(by_support.max(0) + N + 1 <= shape) and np.all(by_support.min(0) <= 3)
    np.testing.assert_array_equal(arrays["valid_pixel_mask"], scan["valid_pixels"])
    np.testing.assert_array_equal(arrays["diffraction_data"], scan["counts"])
    # Its transform is not normalised.
    power = np.abs(np.fft.fft2(arrays["probe"][0, 0])) ** 2
    assert power.sum() == pytest.approx(np.sum(np.abs(scan["probeGuess"]) ** 2), rel=1e-6)


def test_odd_frames_are_put_in_the_corner_for_pty_chi(tmp_path):
    scan = scan_with(n=N - 1)
    WRITERS["ptychi"].write(tmp_path / "a.npz", scan, {})
    frames = np.load(tmp_path / "a.npz")["diffraction_data"]
    np.testing.assert_array_equal(np.fft.fftshift(frames, axes=(1, 2)), scan["counts"])
    assert json.loads((tmp_path / "a.json").read_text())["options"]["data_options"] == {"fft_shift": False}


# --- PtychoPINN -------------------------------------------------------------------------------------------------------


def test_ptychopinn_gets_amplitudes(tmp_path):
    scan = scan_with()
    said = WRITERS["ptychopinn"].write(tmp_path / "a.npz", scan, DECLARED)
    arrays = np.load(tmp_path / "a.npz")
    assert arrays["diff3d"].dtype == np.float32 and arrays["diff3d"].shape == scan["counts"].shape
    np.testing.assert_array_equal(np.rint(arrays["diff3d"].astype(float) ** 2), scan["counts"])
    for key in ("xcoords", "ycoords", "probeGuess", "objectGuess", "valid_pixels"):
        np.testing.assert_array_equal(arrays[key], scan[key])
    assert len(said) == 1 and "knows no mask" in said[0]
    assert WRITERS["ptychopinn"].write(tmp_path / "a.npz", without(scan, "valid_pixels"), {}) == []
    assert "valid_pixels" not in np.load(tmp_path / "a.npz")
