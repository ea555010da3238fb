"""What a study costs is said within the factor of two that is promised, on the study it was measured with."""

from pathlib import Path

import pytest

from ptychostudy.recipes.study_cost import study_cost
from ptychostudy.study.settings import parse_study
from ptychostudy.study.yaml_file import read_yaml

QUICK = Path(__file__).resolve().parents[3] / "config" / "config.yaml"
SIDE, FRAMES = 64, 2 * 714


def cost(frames=FRAMES, **changes):
    return study_cost(parse_study(read_yaml(QUICK) | changes), SIDE, frames, frames)


def test_the_quick_study_takes_what_its_benchmarks_add_up_to():
    # 8.6 minutes of all jobs' times, two jobs at a time on two cores.
    assert 8.6 / 2 < cost().minutes < 8.6 * 2


@pytest.mark.parametrize("architecture", ["canvas", "backprojection"])
def test_each_frame_more_costs_the_same(architecture):
    train = {arm: {"architecture": architecture, "epochs": 4} for arm in ("pinn", "baseline")}
    one, two, three = (cost(frames, train=train).minutes for frames in (2000, 3000, 4000))
    assert two - one == pytest.approx(three - two, rel=1e-9)
    assert two > one


def test_passes_of_networks_of_groups_cost():
    few, many = (
        {arm: {"architecture": "backprojection", "epochs": epochs} for arm in ("pinn", "baseline")} for epochs in (2, 4)
    )
    assert cost(train=few).minutes < cost(train=many).minutes


def test_a_network_in_the_published_form_costs_by_its_passes():
    none, few, more, many = (
        cost(train={"feed_forward": network}).minutes
        for network in ({}, *({"enabled": True, "epochs": epochs} for epochs in (10, 35, 60)))
    )
    # 12 s of CPU a pass over 288 groups of four frames of 128 x 128 pixels in bfloat16, 33 s in float32.
    known = 33 * 10 / (288 * 4 * 128**2) * 4 * FRAMES / 2 * SIDE**2 * 4 / 60
    assert none < few < many
    assert known / 2 < few - none < known * 2
    # Beside its passes it has jobs that start Keras, and those are as many whatever the passes.
    assert many - more == pytest.approx(more - few, rel=1e-9)
    assert known / 2 < (many - few) / 5 < known * 2
