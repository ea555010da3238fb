"""An object of pictures: they are inputs of the rule, and come to the stage as such."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from conftest import copy_workflow
from ptychostudy.formats.picture import read_image
from ptychostudy.intake.sources import named_pictures
from ptychostudy.stages import base
from ptychostudy.study.settings import parse_study
from ptychostudy.study.stage_settings import stage_settings

KEYS = {
    "base": {
        "frame_px": 32,
        "object": {"kind": "image", "shape_px": [96, 80], "amplitude_image": "a.png", "phase_image": "p.png"},
        "probe": {"diameter_px": 12},
        "scan": {"step_px": 6, "jitter_px": 0},
    }
}


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("a", "p")):
        noise = np.random.default_rng(seed).integers(0, 255, (96, 80)).astype(np.uint8)
        Image.fromarray(noise).save(f"{name}.png")
    return tmp_path


def test_pictures_are_those_that_are_given_wherever_they_lie(hub):
    settings = stage_settings(parse_study(KEYS), "base")
    assert named_pictures(settings) == ["a.png", "p.png"]
    base.run(settings, output=hub / "named.npz", source=[])
    (hub / "below").mkdir()
    moved = [(hub / name).rename(hub / "below" / name) for name in ("a.png", "p.png")]
    base.run(settings, output=hub / "given.npz", source=[], pictures=moved)
    objects = [np.load(hub / name)["objectGuess"] for name in ("named.npz", "given.npz")]
    assert np.array_equal(*objects)
    # The amplitude is the first picture and no other: grey levels rise with it.
    grey = read_image(moved[0])
    assert np.corrcoef(np.abs(objects[0]).ravel(), grey.ravel())[0, 1] > 0.99


def test_pictures_of_another_number_are_refused(hub):
    settings = stage_settings(parse_study(KEYS), "base")
    with pytest.raises(
        ValueError, match=r"--pictures names a.png, base.object.kind is image; needed: amplitude and phase"
    ):
        base.run(settings, output=hub / "base.npz", source=[], pictures=[hub.joinpath("a.png").relative_to(hub)])


def test_an_edited_picture_makes_the_object_anew(hub):
    workflow = copy_workflow(hub / "study")
    workflow.config.write_text(json.dumps(KEYS))
    for name in ("a.png", "p.png"):
        (hub / name).rename(workflow.hub / name)
    target = ["data/base/base.npz"]
    done = workflow.snakemake(*target)
    assert done.returncode == 0, done.stdout
    assert workflow.jobs(*target) == {}
    Image.fromarray(np.zeros((96, 80), np.uint8)).save(workflow.hub / "p.png")
    assert workflow.jobs(*target) == {"base": 1}
    (workflow.hub / "p.png").unlink()
    missing = workflow.snakemake("-n", *target)
    assert missing.returncode and re.search(r"p\.png", missing.stdout)
