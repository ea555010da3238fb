"""False alarms: scans as this package simulates them pass unremarked; damaged ones end in a `DataError`."""

import warnings

import numpy as np
import pytest
from known_scan import PIXEL_M, N, frames_of, known_scan, save

from ptychostudy.intake.user import take_scan
from ptychostudy.io.atomic import DataError
from ptychostudy.recipes.base import make_scene
from ptychostudy.study.sections.base import BaseSettings

PROBES = {
    "curved disc": {"kind": "disc"},
    "disc in focus": {"kind": "disc", "curvature_rad": 0.0, "edge_px": 0.5},
    "zone plate": {"kind": "zoneplate"},
    "speckle": {"kind": "speckle"},
}


def measured(**npz):
    return BaseSettings(
        kind="npz", frames="measured", frame_px=N, pixel_size_m=PIXEL_M, npz={"path": "a", "axes": "NHW", **npz}
    )


@pytest.mark.parametrize("photons", [10, 1e3, 1e6])
@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize(("kind", "scan"), [("circuit", "raster"), ("lines", "random"), ("siemens", "fly")])
def test_simulated_scans_pass(tmp_path, kind, scan, probe, photons):
    scene = make_scene(
        BaseSettings(
            frame_px=N,
            object={"shape_px": (110, 104), "kind": kind, "amplitude": (0.1, 1.0)},
            probe={"diameter_px": 18, **PROBES[probe]},
            scan={"kind": scan, "step_px": 5},
        )
    )
    counts = frames_of(scene.object, scene.probe, scene.positions, photons)
    rows, cols = scene.positions.T
    save(tmp_path / "a.npz", {"ycoords": rows, "xcoords": cols, "probeGuess": scene.probe, "counts": counts})
    taken, changes = take_scan(tmp_path / "a.npz", measured())
    assert changes == {}
    np.testing.assert_array_equal(taken["counts"], counts)
    np.testing.assert_array_equal(taken["positions"], scene.positions)


def test_a_crossed_grating_under_an_aperture_passes(tmp_path):
    """Electrons: discs of light with hard edges, which overlap, and darkness around them."""
    scan = known_scan()
    y, x = np.mgrid[:N, :N] - N / 2
    radius = np.hypot(y, x)
    aperture = (radius < 6) * np.exp(0.05j * radius**2)
    probe = np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(aperture))).astype(np.complex64)
    rows, cols = np.indices((88, 78))
    truth = np.exp(0.5j * (np.cos(2 * np.pi * rows / 4) + np.cos(2 * np.pi * cols / 4)))
    positions = np.stack([scan["ycoords"], scan["xcoords"]], axis=1)
    for photons in (100, 1e4, 1e6):
        scan |= {"probeGuess": probe, "counts": frames_of(truth, probe, positions, photons)}
        save(tmp_path / "a.npz", scan)
        assert take_scan(tmp_path / "a.npz", measured())[1] == {}


# --- damage -----------------------------------------------------------------------------------------------------------

NUMBERS = [np.nan, np.inf, -np.inf, 0, -1, 0.5, 1e-300, 1e300, 65535, 2**32 - 1, 2**40]


def damaged(rng):
    """Return a scan with some of its arrays changed, and settings that need not fit."""
    scan = known_scan(photons=float(rng.choice([3, 1e3, 1e5])))
    scan["mask"] = np.ones((N, N))
    for _ in range(rng.integers(1, 4)):
        key = str(rng.choice(sorted(scan)))
        scan[key] = changed(scan[key], rng)
    settings = {
        "measurement": str(rng.choice(["counts", "intensity", "amplitude", "auto"])),
        "axes": str(rng.choice(["NHW", "HWN", "auto"])),
        "position_unit": str(rng.choice(["auto", "px", "m", "um", "nm"])),
        "gain": float(rng.choice([1, 2, 0.5, 1e-9, 1e9])),
        "background": float(rng.choice([0, 0, 3, 1e9])),
        "saturation": rng.choice([None, 1.0, 50.0]),
        "mask_marks": str(rng.choice(["auto", "bad", "good"])),
        "drop_frames": [[], "auto", [0, 3], [1000]][rng.integers(4)],
        "accept": [
            [],
            [
                "units",
                "isolated",
                "line",
                "small",
                "gain",
                "background",
                "pixels",
                "mask",
                "weights",
                "frames",
                "centre",
            ],
        ][rng.integers(2)],
    }
    return scan, {key: value for key, value in settings.items() if rng.random() < 0.4}


def changed(array, rng):
    """Return an array with a few, many or all of its numbers others, or of another type or shape."""
    way = rng.integers(7)
    if way == 0:
        return np.full_like(array, rng.integers(0, 3))
    if way == 1:
        return array[: rng.integers(0, len(array) + 1)]
    if way == 2:
        return array.astype(rng.choice(["u1", "i2", "f4", "c8", "?"]))
    if way == 3:
        return array * rng.choice([1e-9, 1e9, -1, 8, 1000])
    if way == 4:
        return np.moveaxis(array, 0, -1)
    wide = array.astype(np.result_type(array, "f8"))
    places = rng.integers(0, wide.size, max(1, int(wide.size * rng.choice([0, 0.01, 0.5]))))
    wide.flat[places] = rng.choice(NUMBERS, len(places) if way == 5 else 1)
    return wide


@pytest.mark.parametrize("block", range(6))
def test_damage_ends_in_a_refusal_or_in_a_sound_scan(tmp_path, block):
    refused = 0
    for case in range(25):
        rng = np.random.default_rng([block, case])
        with warnings.catch_warnings(action="ignore"):  # of careless casts
            scan, settings = damaged(rng)
        save(tmp_path / "a.npz", scan)
        with warnings.catch_warnings(action="error"):
            try:
                taken, _ = take_scan(tmp_path / "a.npz", measured(**settings))
            except DataError as error:
                refused += 1
                assert "a.npz" in str(error) and "np." not in str(error) and len(str(error)) < 1500
                continue
        assert taken["counts"].dtype == np.uint32 and taken["counts"].shape == (len(taken["positions"]), N, N)
        assert np.isfinite(taken["positions"]).all() and taken["positions"].min() >= N // 2 - 1
    assert refused > 5
