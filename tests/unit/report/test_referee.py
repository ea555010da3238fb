"""The ten questions of referees are answered by the study's own numbers and records."""

import pytest

from ptychostudy.report.referee import Made, hardest_cell, referee_answers, referee_table
from studies import made_study

GROUPS = {
    "view": "dense",
    "gridsize": 2,
    "neighbor_count": 6,
    "n_groups": 714,
    "metric_1_group_based_avg": 0.7011,
    "metric_2_image_based_avg": 0.765,
}
CANVAS = {"kind": "pinn", "objects": [], "options": {"architecture": "canvas"}}
GROUPED = {"kind": "supervised", "options": {"architecture": "backprojection"}}
LEARNED = {"kind": "supervised", "objects": ["siemens", "grf"], "options": {"architecture": "canvas"}}


def made(*, wrong=None, frames="simulate", solver=None, trainings=None):
    nothing = {"defocus_rad": 0.0, "shift_px": [0.0, 0.0], "blur_px": 0.0}
    return Made(
        steps={
            "canonicalize": {"kind": "synthetic", "frames": frames},
            "detect": {"wrong_probe": nothing | (wrong or {})},
        },
        groups=GROUPS,
        solver=solver or {"refine_probe": False},
        trainings={"PtychoPINN": CANVAS, "Baseline": GROUPED} if trainings is None else trainings,
    )


def answers(summary=None, **options):
    return dict(referee_answers(summary or made_study(), made(**options)))


def test_there_are_ten_and_none_is_empty():
    said = answers()
    assert len(said) == 10
    assert all(text.endswith(".") and "None" not in text for text in said.values())


def test_numbers_are_those_of_the_cell_with_the_fewest_photons_a_pixel():
    cell = hardest_cell(made_study())
    assert (cell["dose"], cell["view"], cell["split"]) == (1000, "sparse", "test")
    # Scores of the made study: PtyChi 0.7, so 0.3 rad; 20 photons a pixel, so a floor of 1/sqrt(40).
    said = answers()["Which direct error stands beside SSIM?"]
    assert "sparse (n = 20 photons per object pixel)" in said
    assert "PtyChi 0.3000 rad" in said and "floor of an unbiased estimate 0.1581 rad" in said
    assert (
        "PhysicsOnly, the likelihood without a prior, 0.3500 rad"
        in answers()["What does a method without learning reach?"]
    )


def test_an_arm_that_failed_is_called_that():
    said = answers(made_study(change=lambda *cell: {"failed": ("TV",)}))["What does a method without learning reach?"]
    assert "PtyChi 0.3000 rad, TV failed;" in said


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({}, "Not asked here"),
        ({"defocus_rad": 0.5}, "Every arm is given a wrong one: defocus_rad 0.5;"),
        ({"shift_px": [0.0, -2.0]}, "Every arm is given a wrong one: shift_px 0.0 and -2.0;"),
        ({"blur_px": 1.5, "defocus_rad": -0.1}, "defocus_rad -0.1, blur_px 1.5;"),
    ],
)
def test_a_wrong_probe_is_told(wrong, told):
    assert told in answers(wrong=wrong)["What if the probe is wrong?"]


def test_what_networks_learned_from_is_told_of_those_that_were_trained():
    said = answers(trainings={"PtychoPINN": CANVAS, "Baseline": LEARNED})["Do the networks know this object?"]
    assert "PtychoPINN learns from frames alone" in said
    assert "Baseline learns from the training half of this object, and from simulated ones: siemens, grf." in said
    assert (
        "Baseline learns from the training half of this object. They" in answers()["Do the networks know this object?"]
    )
    assert "Baseline" not in answers(trainings={"PtychoPINN": CANVAS})["Do the networks know this object?"]
    own = answers(trainings={"Baseline": GROUPED | {"kind": "pinn"}})
    assert "Baseline learns from frames alone" in own["Do the networks know this object?"]


def test_doses_are_those_counted_and_measured_frames_are_called_that():
    said = answers()["Which data is a dose curve made from?"]
    assert "simulated frames" in said
    assert said.count("1 000 asked, 1 000 counted") == 1 and "100 000 asked, 100 010 counted" in said
    assert "thinned photon by photon" in answers(frames="file")["Which data is a dose curve made from?"]


def test_groups_matter_to_networks_of_groups_alone():
    said = answers()["Why that many neighbours?"]
    assert "C = 4 frames among K = 6 nearest neighbours, 714 of them in view dense" in said
    assert "PtychoPINN see all frames" in said and "Baseline see" not in said
    assert "whatever the groups" not in answers(trainings={"Baseline": GROUPED})["Why that many neighbours?"]


def test_who_knows_the_probe():
    assert "no arm changes it" in answers()["Is the probe solved for or given?"]
    assert "PtyChi refines it" in answers(solver={"refine_probe": True})["Is the probe solved for or given?"]


def test_a_number_is_not_broken_at_the_end_of_a_line():
    text = referee_table([("At 100 000 <photons>?", "1 000 asked, 12 of 21, 2 340 px.")])
    assert "1\N{NO-BREAK SPACE}000 asked, 12 of 21, 2\N{NO-BREAK SPACE}340 px." in text and "&lt;photons&gt;" in text
