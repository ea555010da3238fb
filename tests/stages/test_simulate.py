"""Stage simulate: what a study's options do to the files, and what they leave alone."""

import numpy as np
import pytest

from ptychostudy.io.arrays import read_metadata, read_npz, write_npz
from ptychostudy.io.atomic import DataError
from ptychostudy.physics.objects import make_object
from ptychostudy.physics.probes import distort_probe, make_probe
from ptychostudy.physics.propagate import intensities
from ptychostudy.stages import simulate
from ptychostudy.study.sections.simulate import FramesSettings

N = 32
SPLIT = {"axis": "y", "fraction": 0.5, "guard_px": None}
RIGHT = {"defocus_rad": 0.0, "shift_px": [0.0, 0.0], "blur_px": 0.0}
WRONG = {"defocus_rad": 1.0, "shift_px": [1.5, -2.0], "blur_px": 0.5}


@pytest.fixture
def inputs(tmp_path):
    """Return base and reference of a small simulated study."""
    rows, cols = np.meshgrid(np.arange(16.0, 104.0, 8.0), np.arange(16.0, 48.0, 8.0), indexing="ij")
    object_ = make_object("circuit", (124, 68), np.random.default_rng(1)).astype(np.complex64)
    probe = make_probe("disc", N, diameter_px=16.0).astype(np.complex64)
    write_npz(tmp_path / "base.npz", {"ycoords": rows.ravel(), "xcoords": cols.ravel()}, {"data_transformations": []})
    write_npz(tmp_path / "reference.npz", {"objectGuess": object_, "probeGuess": probe}, {"truth": "simulated object"})
    return tmp_path


def simulated(folder, dose=2000, **options):
    """Run the stage; return the arrays of both parts and the parameters they record."""
    parts = {name: folder / f"{name}.npz" for name in ("train", "test")}
    paths = {"base": folder / "base.npz", "reference": folder / "reference.npz", **parts}
    simulate.run(FramesSettings(**{"seed": 42, "split": SPLIT, **options}), **paths, dose=dose)
    found = {name: read_npz(path) for name, path in parts.items()}
    return found, read_metadata(parts["train"])["data_transformations"][-1]["parameters"]


def assert_same_arrays(first, second):
    for part in ("train", "test"):
        assert first[part].keys() == second[part].keys()
        for key, array in first[part].items():
            np.testing.assert_array_equal(second[part][key], array, err_msg=key)


def test_the_defaults_written_out_change_no_array(inputs):
    plain, _ = simulated(inputs)
    spelt, parameters = simulated(inputs, noise="poisson", wrong_probe=RIGHT)
    assert_same_arrays(plain, spelt)
    assert "probeTrue" not in plain["train"]
    assert parameters == {"dose": 2000, "seed": 42, "split": SPLIT, "noise": "poisson", "wrong_probe": RIGHT}


def test_a_wrong_probe_is_given_to_the_arms_and_draws_no_frame(inputs):
    right, _ = simulated(inputs)
    wrong, parameters = simulated(inputs, wrong_probe=WRONG)
    assert parameters["wrong_probe"] == WRONG
    for part in ("train", "test"):
        true = right[part]["probeGuess"]
        given = wrong[part].pop("probeGuess")
        np.testing.assert_array_equal(wrong[part].pop("probeTrue"), true)
        # complex64 of each: two roundings of 6e-8 of the largest value.
        np.testing.assert_allclose(given, distort_probe(true, **WRONG), atol=2e-7 * np.abs(true).max())
        assert np.sum(np.abs(given) ** 2) == pytest.approx(np.sum(np.abs(true) ** 2), rel=1e-6)
        assert given.dtype == np.complex64
        del right[part]["probeGuess"]
    # Frames, split and all else are those of the true probe.
    assert_same_arrays(right, wrong)


def test_without_noise_the_counts_are_the_expectation(inputs):
    dose = 1000 * N * N
    found, parameters = simulated(inputs, dose=dose, noise="none")
    assert parameters["noise"] == "none"
    for arrays in found.values():
        positions = np.stack([arrays["ycoords"], arrays["xcoords"]], axis=1)
        expected = intensities(arrays["objectGuess"].astype(complex), arrays["probeGuess"].astype(complex), positions)
        # The stored probe is complex64, so its power is known to 1e-7.
        assert np.abs(arrays["counts"] - expected).max() < 1 + 1e-6 * expected.max()
        # Each frame's total is right to one half, and so is the recounted dose.
        assert abs(float(arrays["photons_measured"]) - dose) < 0.5
        assert float(arrays["photons_requested"]) == dose


def test_without_noise_the_seed_does_not_matter(inputs):
    first, _ = simulated(inputs, dose=1000 * N * N, noise="none")
    second, _ = simulated(inputs, dose=1000 * N * N, noise="none", seed=1)
    assert_same_arrays(first, second)


def test_too_few_photons_without_noise_are_refused(inputs):
    with pytest.raises(ValueError, match="simulate.noise is none, but 2000 photons on 32 x 32 pixels"):
        simulated(inputs, noise="none")


def test_measured_frames_are_thinned_and_cannot_lose_their_noise(inputs):
    base = read_npz(inputs / "base.npz")
    counts = np.random.default_rng(2).poisson(40.0, (len(base["ycoords"]), N, N)).astype(np.uint32)
    write_npz(inputs / "base.npz", {**base, "counts": counts}, {"data_transformations": []})
    with pytest.raises(DataError, match="holds measured counts, but simulate.noise is none"):
        simulated(inputs, dose=4000, noise="none")
    plain, _ = simulated(inputs, dose=4000)
    wrong, _ = simulated(inputs, dose=4000, noise="poisson", wrong_probe=WRONG)
    for part in ("train", "test"):
        assert np.all(plain[part]["counts"] <= counts[plain[part]["scan_index"]])
        np.testing.assert_array_equal(wrong[part]["counts"], plain[part]["counts"])
        np.testing.assert_array_equal(wrong[part]["probeTrue"], plain[part]["probeGuess"])


@pytest.mark.parametrize("measured", [False, True])
def test_a_mask_goes_along_and_the_dose_is_of_the_others(inputs, measured):
    base = read_npz(inputs / "base.npz")
    valid = np.ones((N, N), bool)
    valid[15], valid[20, 3] = False, False
    counts = np.random.default_rng(2).poisson(40.0, (len(base["ycoords"]), N, N)) * valid
    arrays = {**base, "valid_pixels": valid} | ({"counts": counts.astype(np.uint32)} if measured else {})
    write_npz(inputs / "base.npz", arrays, {"data_transformations": []})
    found, _ = simulated(inputs, dose=20_000)
    for part in found.values():
        np.testing.assert_array_equal(part["valid_pixels"], valid)
        assert not part["counts"][:, ~valid].any()
        assert float(part["photons_measured"]) == pytest.approx(20_000, rel=0.02)
        assert part["counts"][:, valid].sum() / len(part["counts"]) == float(part["photons_measured"])
    physics = read_metadata(inputs / "train.npz")["physics_parameters"]
    assert physics == {"N": N, "nphotons": 20_000, "masked_pixels": 33, "photons": "of the valid pixels"}


def test_without_a_mask_files_say_nothing_of_one(inputs):
    found, _ = simulated(inputs)
    assert "valid_pixels" not in found["train"]
    assert read_metadata(inputs / "train.npz")["physics_parameters"] == {"N": N, "nphotons": 2000}


@pytest.mark.parametrize("dose", [0, -5])
def test_a_dose_of_nothing_is_refused(inputs, dose):
    with pytest.raises(ValueError, match=f"--dose is {dose}"):
        simulated(inputs, dose=dose)
