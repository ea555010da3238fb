"""Stage maximise through the command line: two objects of a view's frames, with how they ended."""

import numpy as np
import pytest
import yaml

from ptychostudy.__main__ import main
from ptychostudy.formats.arm_product import read_arm_product
from ptychostudy.io.arrays import write_npz
from ptychostudy.recipes.maximise import maximise_view
from ptychostudy.study.sections.maximise import MaximiseSettings
from scenes import made_scan, write_scan

SCAN = made_scan(1e4)
FRAMES = np.arange(3, 60)
SETTINGS = {"iterations": 8, "smooth_iterations": 4, "weight": 1.5}


@pytest.fixture
def inputs(tmp_path):
    write_scan(tmp_path / "scan.npz", SCAN)
    write_npz(tmp_path / "view.npz", {"frames": FRAMES, "groups": np.arange(4)[None]})
    (tmp_path / "study.yaml").write_text(yaml.safe_dump({"study": "one", "maximise": SETTINGS}))
    return tmp_path


def maximise(folder, **changes):
    files = {"scan": "scan.npz", "view": "view.npz", "physics": "physics_only.npz", "smooth": "tv.npz"}
    words = [word for key, name in (files | changes).items() for word in (f"--{key}", str(folder / name))]
    return main(["maximise", "--config", str(folder / "study.yaml"), *words, "--label", "dense"])


def test_both_objects_are_written_as_the_recipe_makes_them(inputs, caplog):
    assert maximise(inputs) == 0
    wanted = maximise_view(SCAN, FRAMES, MaximiseSettings(**SETTINGS))
    for name, estimate in zip(("physics_only.npz", "tv.npz"), wanted, strict=True):
        found = read_arm_product(inputs / name)
        assert np.array_equal(found.field, estimate.canvas.field) and found.origin == estimate.canvas.origin
        assert np.array_equal(found.coverage, estimate.canvas.coverage)
        assert found.good and {key: found.record[key] for key in estimate.record} == estimate.record
    assert read_arm_product(inputs / "tv.npz").record["weight"] == 1.5
    assert "likelihood dense: done" in caplog.text


def test_the_weight_is_chosen_where_it_is_not_given(inputs):
    (inputs / "study.yaml").write_text(yaml.safe_dump({"study": "one", "maximise": SETTINGS | {"weight": "auto"}}))
    assert maximise(inputs) == 0
    weight = read_arm_product(inputs / "tv.npz").record["weight"]
    assert 0.125 <= weight <= 64 and weight != 1.5


@pytest.mark.parametrize(("name", "said"), [("scan", "scan.npz"), ("view", "view.npz")])
def test_a_missing_file_is_named(inputs, capsys, name, said):
    (inputs / said).unlink()
    assert maximise(inputs) != 0
    assert said in "".join(capsys.readouterr())
    assert not (inputs / "tv.npz").exists()


def test_a_view_without_frames_is_refused(inputs, capsys):
    write_npz(inputs / "view.npz", {"groups": np.arange(4)[None]})
    assert maximise(inputs) != 0
    assert "frames" in "".join(capsys.readouterr())
