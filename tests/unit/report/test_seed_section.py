"""Repetitions: means, pairs and rates of hand-made numbers; a failed arm is counted and never averaged."""

import json

import pytest

from ptychostudy.report import seeds
from ptychostudy.report.cells import shown_cells
from ptychostudy.report.deltas import make_delta
from ptychostudy.report.summary import summarize
from studies import made_cell, made_study

GAIN = {0: 0.80, 1: 0.90, 2: 0.85, 3: 0.70}


def scattered(seed, dose, view, split):
    """Return scores that all share the seed's shift, so that pairs do not see it."""
    return {"scores": {"PtychoPINN": GAIN[seed], "Baseline": GAIN[seed] - 0.2 - 0.01 * seed}}


def cell(summary, split="test"):
    return next(one for one in summary["jobs"] if one["split"] == split)


def test_mean_and_interval_of_three_seeds_are_those_of_the_numbers():
    study = made_study(seeds=(0, 1, 2), change=scattered)
    for column in ("amplitude", "phase"):
        found = seeds.repeated(study, cell(study), "PtychoPINN", "ssim", column)
        assert found["values"] == {"0": 0.8, "1": 0.9, "2": 0.85}
        # Of three values the interval is their range.
        assert (found["mean"], found["low"], found["high"]) == pytest.approx((0.85, 0.8, 0.9), abs=1e-15)
    assert seeds.repeated(study, cell(study), "PtychoPINN", "rms_phase_rad", "phase")["mean"] == pytest.approx(0.15)
    assert seeds.repeated(study, cell(study), "PtychoPINN", "ms_ssim_scales", "phase")["mean"] is None


def test_pairs_do_not_see_what_their_seed_shifts():
    study = made_study(seeds=(0, 1, 2), change=scattered)
    found = seeds.paired(study, cell(study), "Baseline", "ssim", "phase")
    assert found["n"] == 3 and sorted(found["values"]) == ["0", "1", "2"]
    assert (found["mean"], found["low"], found["high"]) == pytest.approx((0.21, 0.2, 0.22), abs=1e-12)
    single = seeds.repeated(study, cell(study), "PtychoPINN", "ssim", "phase")
    assert found["high"] - found["low"] < 0.25 * (single["high"] - single["low"])


def failing(seed, dose, view, split):
    bad = (seed, view, split) == (1, "sparse", "test")
    return scattered(seed, dose, view, split) | {"failed": ("Baseline",) if bad else ()}


def test_a_failed_arm_is_in_no_mean_and_no_pair_but_in_the_rate():
    study = made_study(doses=(1000,), seeds=(0, 1, 2), change=failing)
    bad = next(one for one in study["jobs"] if (one["view"], one["split"]) == ("sparse", "test"))
    assert seeds.repeated(study, bad, "Baseline", "ssim", "phase")["values"] == pytest.approx({"0": 0.6, "2": 0.63})
    # Two values: a mean, and never an interval.
    assert seeds.repeated(study, bad, "Baseline", "ssim", "phase")["low"] is None
    pair = seeds.paired(study, bad, "Baseline", "ssim", "phase")
    assert (pair["n"], pair["low"]) == (2, None) and pair["mean"] == pytest.approx(0.21)
    assert seeds.runs_of(study, bad, "Baseline") == {
        "dose": 1000,
        "view": "sparse",
        "split": "test",
        "model": "Baseline",
        "n_ok": 2,
        "converged": 0,
        "judged": 0,
        "failures": {"1": "collapsed"},
    }
    # One Baseline per seed and dose serves both views and splits: three trainings, one of which failed.
    rate = study["seeds"]["success"]["Baseline"]
    assert (rate["ok"], rate["trials"]) == (2, 3)
    # Wilson's closed form for 2 of 3 at z = 1.96.
    assert (rate["low"], rate["high"]) == pytest.approx((0.2077, 0.9385), abs=1e-4)
    assert (study["seeds"]["success"]["PtychoPINN"]["ok"], study["seeds"]["success"]["PtychoPINN"]["trials"]) == (6, 6)
    assert study["seeds"]["success"]["PtyChi"]["trials"] == 12


def test_differences_of_means_use_the_same_cells_in_every_seed():
    study = made_study(doses=(1000,), seeds=(0, 1, 2), change=failing)
    found = study["seeds"]["deltas"]["vs_Baseline"]["ms_ssim"]["phase"]
    assert (found["n"], found["n_cells"]) == (3, 3)
    assert found["mean"] == pytest.approx(0.21) and found["low"] == pytest.approx(0.2)
    assert study["seeds"]["deltas"]["vs_PtyChi"]["mae"]["phase"]["n_cells"] == 4
    # Where nothing failed, the first seed's value is the difference that the delta files print.
    whole = made_study(seeds=(0, 1, 2), change=scattered)
    for other in ("vs_Baseline", "vs_PtyChi"):
        value = whole["seeds"]["deltas"][other]["mae"]["phase"]["values"]["0"]
        assert value == pytest.approx(make_delta(whole)["deltas"][other]["mae"]["phase"], abs=1e-15)


@pytest.mark.parametrize(
    ("trained_on", "pinn", "baseline"), [("each", 2 * 2 * 2, 2 * 2), ("all", 2 * 2, 2)], ids=["each", "all"]
)
def test_a_trial_is_a_training_not_a_cell(trained_on, pinn, baseline):
    study = made_study(seeds=(0, 1), trained_on=trained_on)
    found = study["seeds"]["success"]
    assert [found[arm]["trials"] for arm in ("PtychoPINN", "Baseline", "PtyChi")] == [pinn, baseline, 16]


def test_convergence_is_counted_over_seeds_among_runs_that_ended():
    def change(seed, dose, view, split):
        return {"converged": seed != 2, "failed": ("PtyChi",) if seed == 1 and view == "sparse" else ()}

    study = made_study(doses=(1000,), seeds=(0, 1, 2), change=change)
    runs = {one["view"]: seeds.runs_of(study, one, "PtyChi") for one in shown_cells(study)}
    assert [(runs[v]["n_ok"], runs[v]["converged"], runs[v]["judged"]) for v in ("dense", "sparse")] == [
        (3, 2, 3),
        (2, 1, 2),
    ]
    assert seeds.endings(study, shown_cells(study)) == [
        "PtyChi converged in 3 of 5 runs",
        "PtyChi failed in 1 of 6 runs",
    ]
    assert study["seeds"]["success"]["PtyChi"]["converged"] == 6


def test_one_seed_has_values_and_no_interval():
    study = made_study()
    assert (study["seeds"]["n"], study["seeds"]["list"]) == (1, [0])
    assert all(entry["low"] is None for entry in study["seeds"]["cells"] + study["seeds"]["paired"])
    found = seeds.repeated(study, cell(study), "PtyChi", "frc50", "value")
    assert (found["values"], found["mean"]) == ({"0": 0.7}, 0.7)
    assert seeds.seeds_text(study) == "one seed (0): no interval"
    assert seeds.seeds_text(made_study(seeds=(3, 4))) == "2 seeds (3, 4)"


def test_the_section_is_the_same_after_a_round_trip_through_json():
    study = made_study(seeds=(0, 1, 2), change=scattered)
    assert json.loads(json.dumps(study, sort_keys=True)) == study


def test_the_other_sections_are_those_of_the_first_seed():
    many, one = made_study(seeds=(0, 1, 2, 3), change=scattered), made_study(change=scattered)
    for key in set(one) - {"seeds", "usefulness"}:
        assert many[key] == one[key], key
    assert make_delta(many) == make_delta(one)


def test_seeds_with_other_cells_are_refused():
    both = [made_cell(1000, "dense", split) for split in ("train", "test")]
    with pytest.raises(ValueError, match="seed 4 and the first seed do not both have dose 1000, dense, test"):
        summarize(both, {}, replicates={4: both[:1]})
