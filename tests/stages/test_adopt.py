"""Stage adopt: a file of any format becomes an arm of a cell; what cannot be one is recorded with its reason."""

import h5py
import numpy as np
import pytest

from ptychostudy.__main__ import main
from ptychostudy.formats.arm_product import read_arm_product
from ptychostudy.formats.positions import position_arrays
from ptychostudy.io.arrays import write_npz
from ptychostudy.io.atomic import sha256_of
from ptychostudy.recipes.adopt import Ground
from scenes import made_scan, write_scan

SOURCE = made_scan(truth="simulated object", physics={}, data_transformations=[])
TRUTH = SOURCE.truth
WANTED = Ground.of_cell(TRUTH, SOURCE.positions, SOURCE.positions, "the truth").rectangle.cut(TRUTH, (0, 0))


def as_npz(path):
    write_npz(path, {"objectGuess": TRUTH, "probeGuess": SOURCE.probe})


def as_npy(path):
    with open(path, "wb") as file:
        np.save(file, TRUTH[None], allow_pickle=False)


def as_hdf5(path):
    with h5py.File(path, "w") as file:
        file["run/7/result"] = TRUTH[::-1].conj()


@pytest.fixture
def adopt(tmp_path):
    """Return a function that adopts a file as the arm Theirs; it returns the exit code and the product."""
    write_scan(tmp_path / "scan.npz", SOURCE)
    write_npz(tmp_path / "view.npz", position_arrays(SOURCE.positions))

    def run(path, *options, settings="{}"):
        output = tmp_path / "Theirs.npz"
        files = ["--scan", tmp_path / "scan.npz", "--view", tmp_path / "view.npz", "--output", output]
        words = ["adopt", "--settings", settings, "--name", "Theirs", "--source", path, *options, *files]
        code = main([str(word) for word in words])
        return code, read_arm_product(output) if output.exists() else None

    return run


@pytest.mark.parametrize(
    ("write", "key", "changed"),
    [(as_npz, [], ""), (as_npy, [], ""), (as_hdf5, ["run/7/result"], "rows reversed, conjugated")],
)
def test_any_format_becomes_an_arm(adopt, tmp_path, write, key, changed):
    path = tmp_path / "theirs"
    write(path)
    code, product = adopt(path, *(["--key", *key] if key else []))
    assert code == 0 and product.good
    np.testing.assert_array_equal(product.field, WANTED)
    assert product.record["placed"]["changed"] == changed and product.record["arm"] == "Theirs"
    assert product.record["source"] == {"file": str(path), "key": key, "sha256": sha256_of(path)}


def test_who_is_named_is_not_registered(adopt, tmp_path):
    as_npz(tmp_path / "theirs.npz")
    _, product = adopt(tmp_path / "theirs.npz")
    assert product.record["registered"] is True
    _, product = adopt(tmp_path / "theirs.npz", settings='{"unregistered": ["Theirs"]}')
    assert product.record["registered"] is False


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        (np.abs(TRUTH), "complex (H, W)"),
        (np.zeros_like(TRUTH), "is all zero"),
        (np.full_like(TRUTH, np.nan), "NaN or infinite"),
        (np.random.default_rng(2).normal(size=(60, 60)) + 0j, "is nowhere like the truth of"),
    ],
    ids=["real", "zero", "nan", "noise"],
)
def test_what_is_no_reconstruction_fails_with_its_reason(adopt, tmp_path, field, reason):
    with h5py.File(tmp_path / "theirs.h5", "w") as file:
        file["object"] = field
    code, product = adopt(tmp_path / "theirs.h5", "--key", "object")
    assert code == 0 and not product.good
    assert reason in product.record["reason"] and "theirs.h5" in product.record["reason"]
    # It has its place all the same, so that a comparison shows that there is nothing.
    assert product.field.shape == WANTED.shape and not product.coverage.any()


def test_what_is_no_file_of_any_format_fails_too(adopt, tmp_path):
    (tmp_path / "theirs.txt").write_text("a note\n")
    _, product = adopt(tmp_path / "theirs.txt")
    assert product.record["status"] == "failed" and "neither an NPZ nor an HDF5 file" in product.record["reason"]


def test_a_file_that_is_not_there_is_a_mistake_and_no_arm(adopt, tmp_path, capsys):
    code, product = adopt(tmp_path / "nowhere.npz")
    assert code == 2 and product is None
    assert "nowhere.npz" in capsys.readouterr().err
