"""Down to which dose an arm is usable: known scores, known answers."""

import pytest

from ptychostudy.report.improvements import improvements
from ptychostudy.report.usable import (
    alike,
    best_of_view,
    judge,
    just_below,
    lowest_usable,
    of_view,
    views_by_overlap,
)
from ptychostudy.study.sections.page import PageSettings
from studies import made_study

# In a made study the phase error is 1 - score: 0.8 is just usable.
LIMITS = PageSettings(max_phase_rms_rad=0.21, min_frc50=0.5)
DOSES = (100, 1000, 10000)


def scores(table, **options):
    """Return a study in which PtychoPINN has these scores by (dose, view)."""
    return made_study(
        doses=DOSES, change=lambda seed, dose, view, split: {"scores": {"PtychoPINN": table[dose, view]}}, **options
    )


TABLE = {
    (100, "dense"): 0.7,
    (1000, "dense"): 0.8,
    (10000, "dense"): 0.9,
    # A low dose that is good by luck, beneath one that is not.
    (100, "sparse"): 0.9,
    (1000, "sparse"): 0.7,
    (10000, "sparse"): 0.9,
}


@pytest.mark.parametrize(("view", "dose"), [("dense", 1000), ("sparse", 10000)])
def test_the_lowest_dose_with_all_above_it(view, dose):
    judged = judge(scores(TABLE), LIMITS)
    assert lowest_usable(of_view(judged, view, "PtychoPINN")).dose == dose
    assert lowest_usable(of_view(judged, view, "Baseline")) is None
    assert best_of_view(judged, view).arm == "PtychoPINN"


def test_over_seeds_arms_are_alike_whose_intervals_meet():
    def change(seed, *place):
        spread = 0.01 * (seed - 1)
        return {"scores": {"PtychoPINN": 0.8 + spread, "TV": 0.79 - spread, "PtyChi": 0.6 + spread, "Baseline": 0.59}}

    judged = judge(made_study(doses=DOSES, seeds=(0, 1, 2), change=change), PageSettings(max_phase_rms_rad=0.5))
    best = best_of_view(judged, "dense")
    # Errors 0.19 to 0.21 and 0.20 to 0.22 beside some 0.4: 95 % intervals of three values are four times as wide.
    assert (best.arm, best.dose, just_below(judged, best)) == ("PtychoPINN", 100, [])
    assert [one.arm for one in alike(judged, best)] == ["PtychoPINN", "TV"]


def test_the_dose_below_is_the_next_of_the_same_view():
    judged = judge(scores(TABLE), LIMITS)
    assert {one.dose for one in just_below(judged, best_of_view(judged, "dense"))} == {100}
    assert {one.dose for one in just_below(judged, best_of_view(judged, "sparse"))} == {1000}


def test_each_limit_decides_by_itself():
    summary = scores(TABLE)
    by_error = judge(summary, PageSettings(max_phase_rms_rad=0.19, min_frc50=0.5))
    by_resolution = judge(summary, PageSettings(max_phase_rms_rad=1, min_frc50=0.85))
    for judged, reason in ((by_error, "phase error"), (by_resolution, "resolution")):
        dense = of_view(judged, "dense", "PtychoPINN")
        assert [one.reasons for one in dense] == [[], [reason], [reason]]


def test_a_failed_arm_and_one_no_better_than_flat_are_not_usable():
    change = {
        (1000, "dense"): {"failed": ("TV",)},
        (10000, "dense"): {"scores": {"Baseline": 0.0}},
    }
    judged = judge(
        made_study(doses=DOSES, change=lambda seed, dose, view, split: change.get((dose, view), {})),
        PageSettings(max_phase_rms_rad=2, min_frc50=0.01),
    )
    assert [one.reasons for one in of_view(judged, "dense", "TV")] == [[], ["failed"], []]
    assert of_view(judged, "dense", "Baseline")[0].reasons == ["no better than a flat object", "resolution"]


def test_an_interval_across_a_limit_is_uncertain():
    def change(seed, dose, view, split):
        return {"scores": {"PtychoPINN": 0.79 + 0.01 * seed if dose == 1000 else 0.95}}

    limits = PageSettings(max_phase_rms_rad=0.205, min_frc50=0.5)
    judged = judge(made_study(doses=DOSES, seeds=(0, 1, 2), change=change), limits)
    assert [one.certain for one in of_view(judged, "sparse", "PtychoPINN")] == [True, False, True]
    assert all(one.certain for one in of_view(judged, "sparse", "PtyChi"))


def test_views_stand_by_their_overlap():
    assert views_by_overlap(made_study()) == ["dense", "sparse"]
    assert views_by_overlap(made_study(views=("sparse", "dense"))) == ["dense", "sparse"]


def test_what_would_improve_the_answer():
    summary = scores(TABLE)
    said = improvements(summary, judge(summary, LIMITS))
    assert said[0] == "More seeds: intervals need 3. Set seeds to [0, 1, 2]."
    assert "A dose between: add 300 photons per frame to doses (dense: PtychoPINN)." in said
    assert "A dose between: add 3 000 photons per frame to doses (sparse: PtychoPINN)." in said
    assert any(text.startswith("A dose above, as none is usable: add 100 000 photons") for text in said)
    all_good = judge(summary, PageSettings(max_phase_rms_rad=2, min_frc50=0.01))
    assert (
        "A dose below, as all studied are usable: add 10 photons per frame to doses "
        "(dense: every arm; sparse: every arm)." in improvements(summary, all_good)
    )
    unsettled = made_study(change=lambda *cell: {"converged": False})
    assert any(
        "PtyChi had not converged in 4 of 4 runs" in text for text in improvements(unsettled, judge(unsettled, LIMITS))
    )
