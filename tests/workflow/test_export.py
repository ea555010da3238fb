"""The export rule: from nothing to a Ptychodus product of one arm, and where each arm's product comes from."""

from conftest import copy_workflow
from ptychostudy.formats.ptychodus import read_product_h5
from ptychostudy.io.arrays import read_metadata, read_npz
from ptychostudy.study.names import ARMS


def test_one_product_is_a_target_of_its_own(tmp_path):
    workflow = copy_workflow(tmp_path)
    target = "products/dose_1000/sparse/test/PtyChi.h5"
    assert workflow.jobs("--", target) == {
        "base": 1,
        "truth": 1,
        "simulate": 1,
        "overlap": 1,
        "reconstruct": 1,
        "export": 1,
    }
    done = workflow.snakemake("--", target)
    assert done.returncode == 0, done.stdout
    found = read_product_h5(workflow.hub / target)
    arm = read_npz(workflow.hub / "data/phase_f/dose_1000/sparse/test/ptychi_reconstruction.npz")
    view = read_npz(workflow.hub / "data/phase_d/sparse/sparse_test.npz")
    assert len(found.positions) == len(view["frames"])
    # The arm's canvas has a margin around all windows, so it is exported as it is; 1e-10 px: metres and back.
    assert (found.object == arm["reconstructed_object"]).all()
    assert abs(found.positions[:, 1] + arm["origin"][1] - view["xcoords"]).max() < 1e-10
    assert abs(found.positions[:, 0] + arm["origin"][0] - view["ycoords"]).max() < 1e-10
    assert (found.loss == arm["loss"]).all()
    pixel = read_metadata(workflow.hub / "data/base/base.npz")["physics_parameters"]["pixel_size_m"]
    assert found.pixel_size_m == pixel


def test_all_products_are_one_target_outside_of_all(tmp_path):
    workflow = copy_workflow(tmp_path)
    assert workflow.jobs("--", "export_all")["export"] == 2 * 2 * 2 * len(ARMS)
    assert "export" not in workflow.jobs()
