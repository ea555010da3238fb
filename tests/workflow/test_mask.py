"""A mask in a file of its own is an input of the rule base: another mask is another scan."""

import numpy as np
import pytest

from conftest import USER, copy_workflow
from ptychostudy.io.arrays import read_npz
from scenes import N, made_scan


@pytest.fixture
def workflow(tmp_path):
    """Return a study of a user's file with a mask beside it, made up to its base."""
    made = copy_workflow(tmp_path, USER)
    source = made_scan()
    rows, cols = source.positions.T
    arrays = {"ycoords": rows, "xcoords": cols, "probeGuess": source.probe, "objectGuess": source.truth}
    np.savez(made.hub / "scan.npz", **arrays)
    np.save(made.hub / "mask.npy", np.indices((N, N))[0] == 4)
    made.config.write_text(f"{made.config.read_text()}    mask: mask.npy\n")
    return made


def test_another_mask_makes_the_base_anew(workflow):
    target = ("--", "data/base/base.npz")
    assert workflow.snakemake(*target).returncode == 0
    valid = read_npz(workflow.hub / "data/base/base.npz")["valid_pixels"]
    np.testing.assert_array_equal(valid, np.indices((N, N))[0] != 4)
    assert workflow.jobs(*target) == {}
    np.save(workflow.hub / "mask.npy", np.indices((N, N))[1] == 7)
    assert workflow.jobs(*target) == {"base": 1}
    # Without the file there is nothing to go on with.
    (workflow.hub / "mask.npy").unlink()
    done = workflow.snakemake("-n", *target)
    assert done.returncode != 0 and "mask.npy" in done.stdout
