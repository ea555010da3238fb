"""Files of other programs in, and our forward model makes their frames; each mistake of a convention would be seen.

Layouts are those that the programs document and write (`program_files.py`). R is the rms of the amplitude difference
over the rms amplitude after one global factor; whole photons leave 2e-4 of it here.
"""

import h5py
import numpy as np
import pytest

import program_files as write
from ptychostudy.formats.readers import load_user_file
from ptychostudy.intake.masks import bad_by
from ptychostudy.intake.user import take_scan
from ptychostudy.io.atomic import DataError
from ptychostudy.physics.propagate import intensities
from ptychostudy.study.sections.base import BaseSettings

N = write.N
RIGHT, WRONG = 5e-4, 5e-3
FORMATS = {
    "ptypy": {"a.ptyd": write.ptypy_data, "a.ptyr": write.ptypy_result},
    "PtyRAD": {"a.hdf5": write.ptyrad_model},
    "cdtools": {"a.h5": write.cdtools_result},
    "tike NPZ": {"a.npz": write.tike_arrays},
    "tike HDF5": {"a.h5": write.tike_arrays},
    "PtyLab": {"a.hdf5": write.ptylab_input, "b.hdf5": write.ptylab_result},
}
"""A frame file for those that hold none is a plain one beside it."""


def base(paths, **settings):
    npz = {"path": [str(path) for path in paths], "axes": "NHW", **settings}
    section = {"kind": "npz", "frames": "measured", "frame_px": N, "pixel_size_m": write.PIXEL_M, "npz": npz}
    return BaseSettings(**section)


def written(name, folder, **options):
    """Write the files of a program, and plain frames beside those without; return their paths."""
    paths = [folder / file for file in FORMATS[name]]
    for path, build in zip(paths, FORMATS[name].values(), strict=True):
        build(path, **options)
    if name in ("PtyRAD", "cdtools"):
        np.savez(folder / "frames.npz", counts=write.truth()[3])
        paths.append(folder / "frames.npz")
    return paths


def taken(paths, **settings):
    return take_scan(list(map(str, paths)), base(paths, **settings))


def misfit(counts, field, probe, positions):
    """Return R; what leaves the object is moved in, and is wrong there, too."""
    inside = np.clip(positions, N / 2, np.array(field.shape) - N / 2)
    found, right = np.sqrt(intensities(field, probe, inside)), np.sqrt(counts)
    found = found * (np.vdot(found, right) / np.vdot(found, found))
    return float(np.sqrt(np.mean((found - right) ** 2) / np.mean(right**2)))


@pytest.mark.parametrize("name", FORMATS)
def test_our_model_makes_the_frames(name, tmp_path):
    scan, done = taken(written(name, tmp_path))
    parts = [scan[key] for key in ("counts", "object", "probe", "positions")]
    np.testing.assert_array_equal(scan["counts"], write.truth()[3])
    assert misfit(*parts) < RIGHT
    counts, field, probe, positions = parts
    middle = positions.min(axis=0) + positions.max(axis=0)
    wrong = {
        "half a row": (counts, field, probe, positions + (0.5, 0)),
        "half a column": (counts, field, probe, positions - (0, 0.5)),
        "one row": (counts, field, probe, positions + (1, 0)),
        "rows negated": (counts, field, probe, middle * (1, 0) + positions * (-1, 1)),
        "columns negated": (counts, field, probe, middle * (0, 1) + positions * (1, -1)),
        "axes exchanged": (counts, field, probe, positions[:, ::-1]),
        "conjugated": (counts, field.conj(), probe.conj(), positions),
        "object conjugated": (counts, field.conj(), probe, positions),
        "probe transposed": (counts, field, probe.T, positions),
        "frames transposed": (counts.transpose(0, 2, 1), field, probe, positions),
        "frames mirrored": (counts[:, ::-1], field, probe, positions),
        "whole pixels": (counts, field, probe, np.floor(positions + 0.5)),
        "fractions negated": (counts, field, probe, 2 * np.floor(positions + 0.5) - positions),
    }
    assert {what: r for what, parts in wrong.items() if (r := misfit(*parts)) < WRONG} == {}
    assert name.split()[0] in done["format"]


@pytest.mark.parametrize("name", FORMATS)
def test_positions_are_exact(name, tmp_path):
    """To float32, in which some programs keep them, or to 1e-9 px."""
    scan, _ = taken(written(name, tmp_path))
    shift = np.array([9, 0]) if name == "PtyLab" else np.zeros(2)  # its objects are square
    single = name == "PtyRAD" or "tike" in name
    tolerance = 1e-5 if single else 2e-9
    np.testing.assert_allclose(scan["positions"] - shift, write.truth()[2], rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_done_is_said(name, tmp_path, caplog):
    caplog.set_level("INFO")
    taken(written(name, tmp_path))
    assert "read as " in caplog.text and "np." not in caplog.text


# --- ptypy ------------------------------------------------------------------------------------------------------------


def test_the_fresnel_phase_counts(tmp_path):
    """1.3 rad at the window's edge here: left out, or of the other sign, the frames are others."""
    scan, done = taken(written("ptypy", tmp_path))
    counts, field, probe, positions = (scan[key] for key in ("counts", "object", "probe", "positions"))
    assert done["fresnel_phase_rad"] == pytest.approx(np.pi / 4 * N * write.PIXEL_M / write.DETECTOR_M, rel=1e-6)
    q = write.fresnel()
    assert misfit(counts, field, probe / q, positions) > 0.05
    assert misfit(counts, field, probe / q**2, positions) > 0.1


def test_a_probe_that_the_user_names_is_taken_as_it_is(tmp_path):
    """What ptypy's file states of its own probe does not hold of one in its place."""
    write.ptypy_result(tmp_path / "a.ptyr", distance=True)
    _, probe, centres, counts = write.truth()
    rows, cols = (centres - (41.5, 50.25)).T
    np.savez(tmp_path / "b.npz", counts=counts, ycoords=rows, xcoords=cols, ours=probe.astype(np.complex64))
    scan, done = taken([tmp_path / "a.ptyr", tmp_path / "b.npz"], keys={"probeGuess": "ours"})
    np.testing.assert_array_equal(scan["probe"], probe.astype(np.complex64))
    assert "fresnel_phase_rad" not in done


def test_without_a_distance_the_phase_is_not_guessed(tmp_path):
    paths = [tmp_path / "a.ptyr", tmp_path / "b.npz"]
    write.ptypy_result(paths[0])
    _, _, centres, counts = write.truth()
    rows, cols = (centres - (41.5, 50.25)).T
    np.savez(paths[1], counts=counts, ycoords=rows, xcoords=cols)
    with pytest.raises(DataError, match="keeps a Fresnel phase apart from the probe, .*accept: \\[probe\\]"):
        taken(paths)
    scan, done = taken(paths, accept=["probe"])
    assert "fresnel_phase_rad" not in done and len(done["accepted"]) == 1
    write.ptypy_result(paths[0], distance=True)
    scan, done = taken(paths)
    assert misfit(scan["counts"], scan["object"], scan["probe"], scan["positions"]) < RIGHT


@pytest.mark.parametrize("chunks", [1, 2, 11])
def test_chunks_are_sorted_as_numbers(chunks, tmp_path):
    write.ptypy_data(tmp_path / "a.ptyd", chunks=chunks)
    np.testing.assert_array_equal(load_user_file(tmp_path / "a.ptyd").arrays["counts"], write.truth()[3])


def test_a_weight_of_zero_is_bad(tmp_path):
    write.ptypy_data(tmp_path / "a.ptyd", weights=~write.bad_pixels())
    arrays = load_user_file(tmp_path / "a.ptyd").arrays
    assert arrays["weights"].shape == (N, N)
    np.testing.assert_array_equal(bad_by("weights", arrays["weights"]), write.bad_pixels())


def test_what_is_masked_has_no_weight_in_a_study(tmp_path):
    """Any number stands in a masked pixel; the study has none there, and all the others."""
    bad = write.bad_pixels()
    write.ptypy_data(tmp_path / "a.ptyd", chunks=1, weights=~bad)
    write.ptypy_result(tmp_path / "a.ptyr")
    with h5py.File(tmp_path / "a.ptyd", "r+") as file:
        frames = file["chunks/0/data"][()]
        frames[:, bad] = 4_000_000_000
        file["chunks/0/data"][...] = frames
    scan, _ = taken([tmp_path / "a.ptyd", tmp_path / "a.ptyr"])
    np.testing.assert_array_equal(scan["valid"], ~bad)
    np.testing.assert_array_equal(scan["counts"], np.where(bad, 0, write.truth()[3]))


def test_masks_that_differ_between_frames_stay_apart(tmp_path):
    write.ptypy_data(tmp_path / "a.ptyd", weights=~write.bad_pixels())
    with h5py.File(tmp_path / "a.ptyd", "r+") as file:
        file["chunks/3/weights"][1, 0, 0] = 0
    weights = load_user_file(tmp_path / "a.ptyd").arrays["weights"]
    assert weights.shape == (24, N, N) and weights[:, 0, 0].sum() == 23


def test_a_scan_of_ptypy_without_positions(tmp_path):
    write.ptypy_data(tmp_path / "a.ptyd", chunks=2)
    with h5py.File(tmp_path / "a.ptyd", "r+") as file:
        for chunk in ("0", "1"):
            del file[f"chunks/{chunk}/positions"]
            file[f"chunks/{chunk}/positions"] = np.zeros(1)
            file[f"chunks/{chunk}/positions"].attrs["type"] = "None"
    assert "xcoords" not in load_user_file(tmp_path / "a.ptyd").arrays


@pytest.mark.parametrize("folder", ["", "runs/", "/data/of/another/machine/"])
def test_a_linked_scan_of_ptypy(folder, tmp_path):
    """With ``save='link'`` each chunk is a file of its own, named by the folder of that day."""
    write.ptypy_data(tmp_path / "whole.ptyd", chunks=3)
    with h5py.File(tmp_path / "whole.ptyd") as whole, h5py.File(tmp_path / "a.ptyd", "w") as file:
        whole.copy("meta", file)
        for chunk in "012":
            with h5py.File(tmp_path / f"a.ptyd.part00{chunk}", "w") as part:
                for name in whole["chunks"][chunk]:
                    whole.copy(f"chunks/{chunk}/{name}", part, name)
            file[f"chunks/{chunk}"] = h5py.ExternalLink(f"{folder}a.ptyd.part00{chunk}", "/")
    np.testing.assert_array_equal(load_user_file(tmp_path / "a.ptyd").arrays["counts"], write.truth()[3])
    (tmp_path / "a.ptyd.part001").unlink()
    with pytest.raises(DataError, match="which is not there; needed: a.ptyd.part001 in the folder of"):
        load_user_file(tmp_path / "a.ptyd")


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"layers": 2}, "needed: one layer and one mode"),
        ({"psize": np.array([8e-9, 9e-9])}, "8e-09 x 9e-09 m; needed: square pixels"),
    ],
)
def test_what_no_scan_of_ours_can_be(options, part, tmp_path):
    write.ptypy_result(tmp_path / "a.ptyr", **options)
    with pytest.raises(DataError, match=part):
        load_user_file(tmp_path / "a.ptyr")


def test_several_storages_are_named(tmp_path):
    write.ptypy_result(tmp_path / "a.ptyr")
    with h5py.File(tmp_path / "a.ptyr", "r+") as file:
        file.copy("content/probe/Sscan00G00", "content/probe/Sscan01G00")
    with pytest.raises(DataError, match="'content/probe' holds 2 storages \\(Sscan00G00, Sscan01G00\\)"):
        load_user_file(tmp_path / "a.ptyr")


@pytest.mark.parametrize(
    ("build", "name"),
    [(write.ptypy_result, "a.ptyr"), (write.ptyrad_model, "a.hdf5"), (write.ptylab_result, "a.hdf5")],
)
def test_modes_are_kept_in_their_order(build, name, tmp_path):
    build(tmp_path / name, modes=3)
    probe = load_user_file(tmp_path / name).arrays["probeGuess"]
    assert probe.shape == (3, N, N)
    power = np.sum(np.abs(probe) ** 2, axis=(1, 2))
    np.testing.assert_allclose(power / power[0], [1, 0.01, 0.0025], rtol=1e-5)


# --- PtyRAD -----------------------------------------------------------------------------------------------------------


def test_a_shift_of_the_other_sign_is_seen(tmp_path):
    write.ptyrad_model(tmp_path / "a.hdf5", sign=-1.0)
    np.savez(tmp_path / "frames.npz", counts=write.truth()[3])
    scan, _ = taken([tmp_path / "a.hdf5", tmp_path / "frames.npz"])
    assert misfit(scan["counts"], scan["object"], scan["probe"], scan["positions"]) > WRONG


def test_layers_of_ptyrad_are_refused(tmp_path):
    write.ptyrad_model(tmp_path / "a.hdf5", layers=3)
    with pytest.raises(DataError, match="'optimizable_tensors/obja' has shape .* needed: one layer"):
        load_user_file(tmp_path / "a.hdf5")


def test_angstrom_are_metres(tmp_path):
    write.ptyrad_model(tmp_path / "a.hdf5")
    assert load_user_file(tmp_path / "a.hdf5").declared["pixel_size_m"] == pytest.approx(write.PIXEL_M, rel=1e-12)


# --- cdtools ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "basis", [((0, 1.0), (1.0, 0), (0, 0)), ((0, -1.0), (1.0, 0), (0, 0)), ((1.0, 0), (0, 1.0), (0, 0))]
)
def test_every_basis_gives_the_same_windows(basis, tmp_path):
    write.cdtools_result(tmp_path / "a.h5", basis=basis)
    arrays = load_user_file(tmp_path / "a.h5").arrays
    centres = np.stack([arrays["ycoords"], arrays["xcoords"]], axis=1)
    np.testing.assert_allclose(centres, write.truth()[2], rtol=0, atol=1e-9)


def test_a_background_is_said(tmp_path):
    write.cdtools_result(tmp_path / "a.h5", background=250.0)
    assert "background of up to 250 a pixel" in load_user_file(tmp_path / "a.h5").notes[0]
    write.cdtools_result(tmp_path / "a.h5")
    assert load_user_file(tmp_path / "a.h5").notes == []


@pytest.mark.parametrize(
    ("switch", "right", "wrong"),
    [
        ("oversampling", 1, 2),
        ("near_field", False, True),
        ("fourier_probe", False, True),
        ("exponentiate_obj", False, True),
    ],
)
def test_other_models_of_cdtools_are_refused(switch, right, wrong, tmp_path):
    for value in (right, wrong):
        write.cdtools_result(tmp_path / "a.h5")
        with h5py.File(tmp_path / "a.h5", "r+") as file:
            file[f"state_dict/{switch}"] = np.array(value)
        if value == right:
            load_user_file(tmp_path / "a.h5")
    with pytest.raises(DataError, match=f"'state_dict/{switch}' is not {right:d}; needed: "):
        load_user_file(tmp_path / "a.h5")


def test_parallel_steps_are_no_basis(tmp_path):
    write.cdtools_result(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file["obj_basis"][:, 1] = file["obj_basis"][:, 0]
    with pytest.raises(DataError, match="two steps that are not parallel"):
        load_user_file(tmp_path / "a.h5")


# --- EMD --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("unit", "metres"), [("A", 1e-10), ("nm", 1e-9), ("um", 1e-6)])
def test_a_datacube_is_a_raster_row_by_row(unit, metres, tmp_path):
    counts = write.emd_datacube(tmp_path / "a.h5", unit=unit)
    file = load_user_file(tmp_path / "a.h5")
    np.testing.assert_array_equal(file.arrays["counts"], counts)
    step = 700 * metres
    np.testing.assert_allclose(file.arrays["ycoords"].reshape(4, 6), np.arange(4)[:, None] * step + np.zeros(6))
    np.testing.assert_allclose(file.arrays["xcoords"].reshape(4, 6), np.arange(6) * step + np.zeros((4, 1)))
    assert file.declared["position_unit"] == "m" and file.doubts == {}
    assert file.declared["pixel_size_m"] == pytest.approx(write.PIXEL_M, rel=1e-12)


def test_a_datacube_lacks_a_probe(tmp_path):
    write.emd_datacube(tmp_path / "a.h5")
    with pytest.raises(DataError, match="key 'probeGuess' is missing"):
        taken([tmp_path / "a.h5"])
    np.savez(tmp_path / "probe.npz", probeGuess=write.truth()[1])
    scan, _ = taken([tmp_path / "a.h5", tmp_path / "probe.npz"])
    np.testing.assert_array_equal(
        np.ptp(scan["positions"], axis=0), np.round(np.array([3, 5]) * 7e-8 / write.PIXEL_M, 9)
    )


def test_an_uncalibrated_grid_gives_no_positions(tmp_path):
    write.emd_datacube(tmp_path / "a.h5", unit="pixels")
    file = load_user_file(tmp_path / "a.h5")
    assert "xcoords" not in file.arrays and "not calibrated" in file.notes[1]


def test_a_flipped_detector_is_a_doubt(tmp_path):
    write.emd_datacube(tmp_path / "a.h5", rotation=0.0)
    assert load_user_file(tmp_path / "a.h5").doubts == {}
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file["datacube_root/metadatabundle/calibration/QR_flip"] = True
    assert "and flipped" in load_user_file(tmp_path / "a.h5").doubts["axes"]


def test_an_angle_in_radians_counts(tmp_path):
    write.emd_datacube(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file["datacube_root/metadatabundle/calibration/QR_rotation"] = np.pi / 2
        file["datacube_root/metadatabundle/calibration/QR_rotation_degrees"] = b"_None"
    assert "turned by 90 degrees" in load_user_file(tmp_path / "a.h5").doubts["axes"]


def test_a_turned_detector_is_a_doubt(tmp_path):
    write.emd_datacube(tmp_path / "a.h5", rotation=-17.5)
    np.savez(tmp_path / "probe.npz", probeGuess=write.truth()[1])
    with pytest.raises(DataError, match="turned by -17.5 degrees .*accept: \\[axes\\]"):
        taken([tmp_path / "a.h5", tmp_path / "probe.npz"])
    taken([tmp_path / "a.h5", tmp_path / "probe.npz"], accept=["axes"])


# --- tike -------------------------------------------------------------------------------------------------------------


def test_centred_frames_are_not_tike_s(tmp_path):
    """Frames that were in the centre are then in the corner, which is found out; by the model they are wrong."""
    write.tike_arrays(tmp_path / "a.npz", centred=True)
    frames = load_user_file(tmp_path / "a.npz").arrays["counts"]
    _, _, _, counts = write.truth()
    assert not np.array_equal(frames, counts)
    scan, done = taken([tmp_path / "a.npz"])
    np.testing.assert_array_equal(scan["counts"], counts)
    assert done["shift_zero_frequency"] if "shift_zero_frequency" in done else done


def test_tike_without_frames(tmp_path):
    write.tike_arrays(tmp_path / "a.npz", frames=False)
    np.savez(tmp_path / "frames.npz", counts=write.truth()[3])
    scan, _ = taken([tmp_path / "a.npz", tmp_path / "frames.npz"])
    assert misfit(scan["counts"], scan["object"], scan["probe"], scan["positions"]) < RIGHT


# --- PtyLab -----------------------------------------------------------------------------------------------------------


def test_an_encoder_of_two_rows_is_turned(tmp_path):
    write.ptylab_input(tmp_path / "a.hdf5", turned=True)
    arrays = load_user_file(tmp_path / "a.hdf5").arrays
    centres = np.stack([arrays["ycoords"], arrays["xcoords"]], axis=1) / write.PIXEL_M
    right = write.truth()[2]
    np.testing.assert_allclose(centres, right - right.mean(axis=0), rtol=0, atol=1e-9)


@pytest.mark.parametrize("code", range(8))
def test_orientations_of_ptylab(code, tmp_path):
    write.ptylab_input(tmp_path / "a.hdf5", orientation=code)
    file = load_user_file(tmp_path / "a.hdf5")
    np.testing.assert_array_equal(file.arrays["counts"], write.truth()[3])
    assert len(file.notes) == (code > 0)


def test_other_orientations_are_refused(tmp_path):
    write.ptylab_input(tmp_path / "a.hdf5")
    for code in (8, -1, 2.5):
        with h5py.File(tmp_path / "a.hdf5", "r+") as file:
            file.pop("orientation", None)
            file["orientation"] = code
        with pytest.raises(DataError, match=f"'orientation' is {code:g}; needed: 0 to 7"):
            load_user_file(tmp_path / "a.hdf5")


def test_fourier_ptychography_is_refused(tmp_path):
    write.ptylab_input(tmp_path / "a.hdf5")
    with h5py.File(tmp_path / "a.hdf5", "r+") as file:
        file["zled"] = 0.06
    with pytest.raises(DataError, match="Fourier ptychography"):
        load_user_file(tmp_path / "a.hdf5")


def test_slices_of_ptylab_are_refused(tmp_path):
    write.ptylab_result(tmp_path / "a.hdf5", slices=2)
    with pytest.raises(DataError, match="'object' has shape"):
        load_user_file(tmp_path / "a.hdf5")


# --- damage (of other formats: test_foreign_fuzz.py) ------------------------------------------------------------------

HOSTILE = {
    "nothing": None,
    "scalar": 3.5,
    "empty": np.zeros(0),
    "text": "abc",
    "integers": np.arange(6),
    "not finite": np.full((4, 2), np.nan),
    "negative": -1.0,
    "huge rank": np.ones((1,) * 9),
    "compound": np.zeros(3, [("a", "f4"), ("b", "i2")]),
    "group": {},
}


@pytest.mark.parametrize("what", HOSTILE)
def test_whatever_is_in_a_datacube_it_is_read_or_refused(what, tmp_path):
    """Each entry in turn is missing, or something else; nothing but a DataError is raised."""
    np.savez(tmp_path / "probe.npz", probeGuess=write.truth()[1])
    path, refused = tmp_path / "a.h5", 0
    calibration = [f"metadatabundle/calibration/{side}_pixel_{of}" for side in "QR" for of in ("size", "units")]
    for name in ("datacube/data", "datacube", "metadatabundle", *calibration, "metadatabundle/calibration/QR_flip"):
        write.emd_datacube(path, rotation=0.0)
        with h5py.File(path, "r+") as file:
            root = file["datacube_root"]
            root.pop(name, None)
            if what == "group":
                root.create_group(name)
            elif HOSTILE[what] is not None:
                root[name] = HOSTILE[what]
        try:
            taken([path, tmp_path / "probe.npz"])
        except DataError as error:
            refused += 1
            assert str(path) in str(error) and "np." not in str(error)
    assert refused >= 2
