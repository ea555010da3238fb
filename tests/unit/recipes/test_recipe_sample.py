"""Recipe sample: a view holds frames of its split, groups hold frames of the view, and draws are independent."""

import numpy as np
import pytest

from ptychostudy.physics.probe_width import bright_diameter_px
from ptychostudy.physics.probes import probe_diameter_px
from ptychostudy.recipes.sample import sample_view
from ptychostudy.sampling.split import split_scan
from ptychostudy.study.sections.overlap import SamplingSettings
from scenes import made_scene

SCENE = made_scene(step=4.0)


def view(name="sparse", split="test", axis="x", split_by=None, **changes):
    settings = SamplingSettings(**{"s_img": 0.6, "split": split_by or {"axis": axis}, **changes})
    return sample_view(SCENE.positions, SCENE.probe, name, split, settings)


@pytest.mark.parametrize("axis", ["x", "y"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_frames_are_of_the_split_and_groups_of_the_view(split, axis):
    chosen = view(split=split, axis=axis)
    part = split_scan(SCENE.positions, probe_diameter_px(SCENE.probe), axis=axis)[split]
    assert len(np.unique(chosen.frames)) == len(chosen.frames) == round(0.6 * len(part))
    np.testing.assert_array_equal(chosen.positions, SCENE.positions[part][chosen.frames])
    assert chosen.groups.shape == (len(chosen.frames), 4)
    assert chosen.groups.min() >= 0
    assert chosen.groups.max() < len(chosen.frames)
    # Four frames of a group are four, and its first seed is in it for every frame.
    assert all(len(set(group)) == 4 for group in chosen.groups)
    assert set(chosen.groups.ravel()) == set(range(len(chosen.frames)))


def test_what_was_asked_and_what_came_of_it_is_recorded():
    metrics = view().metrics
    assert (metrics["view"], metrics["split"], metrics["target_overlap"]) == ("sparse", "test", None)
    assert metrics["s_img"] == 0.6


def test_frames_do_not_depend_on_how_groups_are_drawn():
    first = view()
    other = view(seed_grouping=5)
    np.testing.assert_array_equal(first.frames, other.frames)
    assert np.any(first.groups != other.groups)


def test_each_view_draws_its_groups_for_itself():
    assert np.any(view().groups != view(name="dense").groups)


def test_a_wanted_overlap_is_met_by_thinning_the_scan():
    every = view(s_img=1.0).metrics["metric_2_image_based_avg"]
    wanted = 0.75 * every
    chosen = view(s_img=None, target_overlap=wanted)
    # One frame more or less of some fifty moves the mean overlap by about a percent.
    assert chosen.metrics["metric_2_image_based_avg"] == pytest.approx(wanted, abs=0.03)
    assert 0 < chosen.metrics["s_img"] < 1


@pytest.mark.parametrize("guard", [None, 11.0])
@pytest.mark.parametrize("axis", ["x", "y"])
def test_of_a_users_scan_it_is_recorded_what_the_cut_left(guard, axis):
    """Every frame is in the training part, in the test part, or counted as in neither."""
    cut = {"axis": axis, "guard_px": guard}
    train, test = (view(split=split, split_by=cut, probe_width="bright") for split in ("train", "test"))
    for one in (train, test):
        assert one.metrics["n_images_scan"] == len(SCENE.positions)
        assert one.metrics["guard_px"] == (guard or bright_diameter_px(SCENE.probe))
    parts = train.metrics["n_images_total"] + test.metrics["n_images_total"]
    neither = len(SCENE.positions) - parts
    assert train.metrics["n_images_in_neither_part"] == neither > 0
    assert f"of the scan's {len(SCENE.positions)} frames {neither} lie in the guard band" in test.text
    assert f"{len(test.frames)} of {test.metrics['n_images_total']} frames in {len(test.groups)} groups" in test.text


def test_of_a_scan_made_for_its_study_nothing_is():
    assert not {"n_images_scan", "n_images_in_neither_part", "guard_px"} & set(view().metrics)
    assert "guard" not in view().text
