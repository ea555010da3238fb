"""Hybrid in tables, figures and the page: a row behind our arms, and the epochs it saves in words."""

import pytest

from ptychostudy.figures.curves import dose_curves
from ptychostudy.figures.grids import ssim_grid
from ptychostudy.figures.style import STYLES, styles_of
from ptychostudy.report.cells import model_order
from ptychostudy.report.hybrid import epochs_saved, hybrid_blocks
from ptychostudy.report.page_answer import saved, speed_table, terms
from ptychostudy.report.speed import Speed
from ptychostudy.report.tables import metrics_summary
from ptychostudy.study.arm_names import TRAINED, arms_of, arms_of_study, further
from ptychostudy.study.names import ARMS, CONTROLS, NETWORKS
from studies import MODELS, made_study

# By split: reached, never, failed.
STARTED = {"arm": "Baseline", "epochs": 20, "loss_to_reach": 0.5, "sha256": ""}


def with_hybrid(seed, dose, view, split):
    failed = ("Hybrid",) if (dose, view) == (1000, "sparse") else ()
    return {"scores": {"Hybrid": 0.85}, "failed": failed}


@pytest.fixture(scope="module")
def summary():
    study = made_study(change=with_hybrid)
    for cell in study["jobs"]:
        reached = None if cell["view"] == "sparse" else 3
        cell["arms"]["Hybrid"]["start"] = {**STARTED, "reached": reached}
    return study


def test_it_comes_behind_our_arms_and_before_those_of_other_programs(summary):
    assert model_order(summary["jobs"]) == [*ARMS, "Hybrid", *sorted(CONTROLS)]
    assert arms_of(["Zeta", "Hybrid", "Alpha", *CONTROLS]) == [*ARMS, "Hybrid", "Alpha", "Zeta"]
    assert further(["Zeta", "Hybrid", *ARMS]) == ["Hybrid", "Zeta"]
    assert arms_of_study(NETWORKS, "flat", ["Zeta"]) == [*ARMS, "Zeta"]
    assert arms_of_study(NETWORKS, "Baseline", ["Zeta"]) == [*ARMS, "Hybrid", "Zeta"]
    assert arms_of_study(TRAINED, "Baseline", ["Zeta"]) == [*ARMS, "FeedForward", "Hybrid", "Zeta"]


def test_the_table_says_from_where_and_after_how_many_epochs(summary):
    heading, told, table = hybrid_blocks(summary)
    assert heading == ["## Epochs Saved By A Start"] and "equal losses are no equal errors" in told[0]
    assert table[0] == "| Dose | View | Split | Starts from | Epochs | PtyChi's loss after | Saved |"
    assert table[2] == "| 1000 | dense | train | Baseline | 20 | 3 | 17 |"
    assert "| 100000 | sparse | test | Baseline | 20 | never | 0 |" in table
    assert "| 1000 | sparse | test | Baseline | 20 | failed | N/A |" in table
    assert "\n".join(table) in metrics_summary(summary)


def test_the_page_says_it_in_sentences(summary):
    assert epochs_saved(summary) == [
        "1 000 photons, dense: Hybrid, from Baseline, reaches PtyChi's final loss after 3 of 20 epochs.",
        "1 000 photons, sparse: Hybrid failed (collapsed).",
        "100 000 photons, dense: Hybrid, from Baseline, reaches PtyChi's final loss after 3 of 20 epochs.",
        "100 000 photons, sparse: Hybrid, from Baseline, never reaches PtyChi's final loss.",
    ]
    assert "after 3 of 20 epochs" in saved(summary)
    speeds = [Speed("TV", 5.0, 20.0, None), Speed("Hybrid", 10.0, 10.0, 60.0)]
    assert "Hybrid: PtyChi from a network" in speed_table(speeds)
    assert "Hybrid: PtyChi from a network" not in speed_table(speeds[:1])


def test_a_study_without_it_says_nothing_of_it():
    study = made_study()
    assert hybrid_blocks(study) == [] and epochs_saved(study) == [] and saved(study) == ""
    assert "Hybrid" not in metrics_summary(study)


def test_figures_draw_it(summary):
    drawn = [text.get_text() for legend in dose_curves(summary).legends for text in legend.get_texts()]
    assert "Hybrid" in drawn
    assert [label.get_text() for label in ssim_grid(summary).axes[0].get_yticklabels()][-1] == "vs Hybrid"
    assert styles_of([*MODELS, "Hybrid"]) == STYLES


def test_the_page_says_what_a_third_network_is_where_there_is_one(summary):
    """By name: the words of a study without it do not speak of it."""
    assert "FeedForward" not in terms(summary)
    jobs = [{**cell, "arms": {**cell["arms"], "FeedForward": cell["arms"]["PtychoPINN"]}} for cell in summary["jobs"]]
    assert "FeedForward: PtychoPINN as published" in terms({**summary, "jobs": jobs})
