"""Arms of other programs in tables, figures and the page: told and drawn beside ours, of which no number changes."""

import numpy as np
import pytest

from ptychostudy.figures.curves import dose_curves, overlap_curves
from ptychostudy.figures.grids import ms_ssim_heatmap, ssim_grid
from ptychostudy.figures.rings import Rings, frc_curves
from ptychostudy.figures.style import STYLES, styles_of
from ptychostudy.report.cells import arms_in, model_order
from ptychostudy.report.closing import closing_lines, legend
from ptychostudy.report.deltas import make_delta
from ptychostudy.report.improvements import improvements
from ptychostudy.report.markdown import MISSING
from ptychostudy.report.page_answer import answer, lowest_table, overlap_map
from ptychostudy.report.tables import aggregate_highlights, aggregate_report, metrics_digest, metrics_summary
from ptychostudy.report.usable import judge
from ptychostudy.study.arm_names import arms_of
from ptychostudy.study.names import ARMS, CONTROLS
from ptychostudy.study.sections.page import PageSettings
from studies import MODELS, made_study

THEIRS, BAD = "Theirs", "Other"
LIMITS = PageSettings()


def with_theirs(seed=0, dose=0, view="", split=""):
    """Better than all of ours; the other one failed everywhere."""
    return {"scores": {THEIRS: 0.95, BAD: 0.0}, "failed": (BAD,)}


@pytest.fixture(scope="module", params=[(0,), (0, 1, 2)], ids=["one seed", "three seeds"])
def both(request):
    return made_study(seeds=request.param, change=with_theirs), made_study(seeds=request.param)


def test_arms_come_first_then_theirs_then_controls(both):
    summary, without = both
    assert arms_in(summary["jobs"]) == [*ARMS, BAD, THEIRS] == arms_of([THEIRS, BAD, *CONTROLS])
    assert model_order(summary["jobs"]) == [*ARMS, BAD, THEIRS, *sorted(CONTROLS)]
    assert model_order(without["jobs"]) == [*ARMS, *sorted(CONTROLS)]


def test_no_number_of_ours_changes(both):
    summary, without = both
    for model in MODELS:
        assert summary["aggregate_metrics"][model] == without["aggregate_metrics"][model]
    ours = [entry for entry in summary["seeds"]["cells"] if entry["model"] not in (THEIRS, BAD)]
    assert ours == without["seeds"]["cells"]
    assert [one for one in summary["usefulness"] if one["arm"] in ARMS] == without["usefulness"]
    assert make_delta(summary)["deltas"] == make_delta(without)["deltas"]


def test_every_table_and_text_has_a_row(both):
    summary, _ = both
    delta = make_delta(summary)
    texts = [
        metrics_summary(summary),
        aggregate_report(summary, delta, 0.8),
        aggregate_highlights(summary, delta, 0.8),
        metrics_digest(summary, delta, 0.8),
    ]
    for text in texts:
        assert THEIRS in text and BAD in text
    assert f"{THEIRS} amplitude/phase: 0.950 / 0.950" in texts[2]
    assert f"{BAD} amplitude/phase: {MISSING} / {MISSING}" in texts[2]
    assert f"- {BAD} in dose 1000, dense, train: collapsed" in texts[3]


def test_the_best_one_is_marked_wherever_it_comes_from(both):
    summary, _ = both
    lines = closing_lines(summary)
    marked = [line for line in lines if "*" in line]
    assert marked and all(line.startswith(THEIRS) for line in marked)
    assert max(map(len, lines)) <= 110
    assert any("Flat, PhysicsOnly and Untrained: controls" in line for line in legend(summary))


def test_the_page_judges_them(both):
    summary, _ = both
    judged = judge(summary, LIMITS)
    assert f"<b>{THEIRS}</b>" in answer(summary, judged, LIMITS)
    assert f"{THEIRS}</" in lowest_table(summary, judged)
    assert f"✗ {BAD}" in overlap_map(summary, judged) and f"✓ {THEIRS}" in overlap_map(summary, judged)
    assert any(BAD in sentence for sentence in improvements(summary, judged))


def labels(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_every_figure_draws_them(both):
    summary, _ = both
    for figure in (dose_curves(summary), overlap_curves(summary)):
        assert {THEIRS, BAD} <= set(labels(figure))
    ring = Rings(*np.array([[0.1, 0.5, 0.9], [1.0, 0.8, 0.3], [0.9, 0.5, 0.3]]))
    shown = [model for model in model_order(summary["jobs"]) if model != BAD]
    rings = {(c["dose"], c["view"], c["split"]): dict.fromkeys(shown, ring) for c in summary["jobs"]}
    figure = frc_curves(summary, rings)
    # What failed has its place in the legend.
    assert {THEIRS, BAD} <= set(labels(figure))
    rows = [label.get_text() for label in ms_ssim_heatmap(summary).axes[0].get_yticklabels()]
    assert rows == [*ARMS, BAD, THEIRS, *sorted(CONTROLS)]
    grid = ssim_grid(summary).axes[0]
    assert [label.get_text() for label in grid.get_yticklabels()][-1] == f"vs {THEIRS}"
    assert any("0.800 | 0.950" in text.get_text() for text in grid.texts)


def test_their_marks_are_none_of_ours_and_differ():
    styles = styles_of([*MODELS, "a", "b", "c", "d"])
    assert {model: styles[model] for model in STYLES} == STYLES
    for key in ("color", "marker"):
        assert len({style[key] for style in styles.values()}) == len(styles)
    # More than there are colours take turns.
    assert styles_of("abcde")["e"] == styles_of("abcde")["a"]
