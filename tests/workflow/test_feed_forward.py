"""The published form of PtychoPINN as an arm of its own, through Snakemake: trained, inferred, stitched, awaited."""

import numpy as np
import pytest
import yaml

from conftest import TINY, copy_workflow
from ptychostudy.formats.arm_product import read_arm_product
from ptychostudy.formats.bundle import read_bundle
from ptychostudy.io.records import read_json
from ptychostudy.study import layout

CELL = {"dose": 10000, "view": "dense", "split": "test"}
CANVAS = layout.CANVAS.format(**CELL, arm="FeedForward")
BUNDLE = "data/phase_e/dose_10000/dense/feed_forward_gs2/wts.h5.zip"


@pytest.fixture(scope="module")
def workflow(tmp_path_factory):
    """Return a study of windows of the least side that the network takes, and too few frames to learn much from."""
    workflow = copy_workflow(tmp_path_factory.mktemp("feed_forward"))
    study = yaml.safe_load(TINY.read_text())
    study["doses"] = [10000]
    study["base"] |= {"frame_px": 64, "object": {"shape_px": [208, 128]}, "probe": {"diameter_px": 32}}
    study["base"]["scan"] = {"step_px": 8.0, "jitter_px": 1}
    study["train"]["feed_forward"] = {"enabled": True, "epochs": 1, "precision": "float32"}
    workflow.config.write_text(yaml.safe_dump(study))
    done = workflow.snakemake(CANVAS, cores=2)
    assert done.returncode == 0, done.stdout[-6000:]
    return workflow


def test_it_has_the_published_form_and_a_canvas_by_its_name(workflow):
    config = read_bundle(workflow.hub / BUNDLE)["config"]
    assert (config["arm"], config["kind"], config["frames"]) == ("FeedForward", "pinn", 4)
    assert config["options"]["architecture"] == "ptychopinn"
    told = workflow.hub / BUNDLE.replace(layout.BUNDLE, layout.TRAINING_RECORD)
    record = read_json(told, ["parameters", "precision"])
    # As counted layer by layer in reference/ptychopinn.md 4.5.
    assert record["parameters"] == 2257000 and record["precision"] == "float32"
    product = read_arm_product(workflow.hub / CANVAS)
    assert product.good and np.abs(product.field[product.coverage > 0]).std() > 0


def test_every_cell_waits_for_it(workflow):
    """Of two views at one dose: the other view's training is left, and of 4 x 4 canvases in two shards all but one."""
    jobs = workflow.jobs()
    assert (jobs["train_feed_forward"], jobs["train_pinn"], jobs["train_baseline"]) == (1, 2, 1)
    # The untrained control comes with PtychoPINN's shards.
    assert (jobs["infer"], jobs["stitch"], jobs["compare"]) == (3 * 4 * 2 - 2, 4 * 4 - 1, 4)


def test_a_study_without_it_does_not_hear_of_it(workflow):
    text = workflow.config.read_text()
    workflow.config.write_text(text.replace("enabled: true", "enabled: false"))
    try:
        jobs = workflow.jobs()
    finally:
        workflow.config.write_text(text)
    assert "train_feed_forward" not in jobs and jobs["infer"] == 2 * 4 * 2
