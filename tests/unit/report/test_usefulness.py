"""Which arm is better than a flat object: each measure decides alone; failures and flat truths are apart."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from ptychostudy.io.tables import read_csv, write_csv
from ptychostudy.measure.metrics import evaluate, rms_phase
from ptychostudy.report import closing, tables, usefulness, verdict_texts
from ptychostudy.report.cell_records import make_cell
from ptychostudy.report.deltas import make_delta
from ptychostudy.study.names import METRIC_COLUMNS, SCORED
from studies import made_cell, made_record, made_study


def better_cell(**changes):
    """Return a cell in which every arm is better than flat by every measure; ``changes`` are of PtychoPINN."""
    made = made_cell(1000, "sparse", "test", scores={"Flat": 0.0})
    arm = made["arms"]["PtychoPINN"] | {"rms_phase_rad": changes.pop("rms", 0.2)}
    made["arms"] = made["arms"] | {"PtychoPINN": arm, "Flat": made["arms"]["Flat"] | {"rms_phase_rad": 0.232}}
    for row in made["metrics"]:
        if row["model"] == "PtychoPINN" and row["metric"] in changes:
            row |= changes[row["metric"]]
    return made


def test_an_arm_that_is_better_by_every_measure_is_useful():
    found = usefulness.judge_arm(better_cell(), "PtychoPINN")
    assert (found["verdict"], found["useful"]) == ("useful", True)
    assert [(m["metric"], m["column"]) for m in found["measures"]] == [
        ("rms_phase_rad", "phase"),
        ("ssim", "phase"),
        ("partial_pearson", "amplitude"),
        ("partial_pearson", "phase"),
    ]
    assert found["text"].startswith("PtychoPINN, 1 000 photons, sparse, test: better than a flat object: ")
    assert "phase error 0.2000 rad, flat 0.2320 (floor 0.1581)" in found["text"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rms": 0.2661}, "phase error 0.2661 rad, flat 0.2320 (floor 0.1581)"),
        ({"rms": 0.232}, "phase error 0.2320 rad, flat 0.2320 (floor 0.1581)"),  # as good as flat is not better
        ({"ssim": {"phase": -0.01}}, "phase SSIM -0.010, flat 0.000"),
        ({"partial_pearson": {"phase": 0.099}}, "phase correlation beyond a plane 0.099, needed 0.100"),
        ({"partial_pearson": {"phase": -0.9}}, "phase correlation beyond a plane -0.900, needed 0.100"),
        ({"partial_pearson": {"amplitude": 0.05}}, "amplitude correlation beyond a plane 0.050, needed 0.100"),
    ],
)
def test_each_measure_decides_alone(changes, said):
    found = usefulness.judge_arm(better_cell(**changes), "PtychoPINN")
    assert (found["verdict"], found["useful"]) == ("not useful", False)
    assert [m["better"] for m in found["measures"]].count(False) == 1
    assert f"sparse, test: no better than a flat object: {said}. Better: " in found["text"]


def test_correlation_needs_its_margin_and_no_more():
    assert usefulness.judge_arm(better_cell(partial_pearson={"phase": 0.1}), "PtychoPINN")["useful"] is True


def test_where_flat_beats_the_floor_the_sentence_says_so():
    few = better_cell(rms=0.5)
    few["phase_floor_rad"] = 0.3
    found = usefulness.judge_arm(few, "PtychoPINN")
    assert "with so few photons only an estimate with a prior is better" in found["text"]
    free = few | {"conditions": ["noise-free: expected counts, for which the floor does not hold"]}
    assert usefulness.judge_arm(free, "PtychoPINN")["floor_rad"] is None


def test_a_failed_arm_is_neither_useful_nor_useless():
    found = usefulness.judge_arm(made_cell(1000, "dense", "test", failed=("Baseline",)), "Baseline")
    assert (found["verdict"], found["useful"], found["measures"]) == ("failed", None, [])
    assert found["text"].endswith("dense, test: failed: collapsed")


def without(made, *columns):
    made["metrics"] = [row | dict.fromkeys(columns) for row in made["metrics"]]
    return made


def test_a_column_without_contrast_is_not_judged():
    found = usefulness.judge_arm(without(better_cell(), "amplitude"), "PtychoPINN")
    assert {m["column"] for m in found["measures"]} == {"phase"} and found["useful"] is True
    found = usefulness.judge_arm(without(better_cell(), "phase"), "PtychoPINN")
    # mse is 0.7 for the arm and 0 for flat in these made numbers: of amplitude, it is the error that counts.
    assert [(m["metric"], m["better"]) for m in found["measures"]] == [
        ("rms_amplitude", False),
        ("ssim", True),
        ("partial_pearson", True),
    ]
    assert usefulness.judge_arm(without(better_cell(), "phase", "amplitude"), "PtyChi")["verdict"] == "not judged"


def poor_at_1000(seed, dose, view, split):
    return {"scores": {"PtychoPINN": -0.2}} if (dose, view) == (1000, "sparse") and seed else {}


def test_reports_and_closing_table_state_it_as_a_result():
    one = made_study(change=lambda _, *cell: poor_at_1000(1, *cell))
    assert len(one["usefulness"]) == 4 * 8
    closing_text = " ".join(" ".join(closing.usefulness_lines(one)).split())
    assert "PtychoPINN in 3 of 4 cases, Baseline in 4 of 4 cases, PtyChi in 4 of 4 cases" in closing_text
    assert (
        "PtychoPINN, 1 000 photons, sparse, test: no better than a flat object: phase error 1.2000 rad" in closing_text
    )
    assert "train" not in closing_text, "the closing table is of the test split"
    summary_text, report = tables.metrics_summary(one), tables.aggregate_report(one, make_delta(one), 0.8)
    for text in (summary_text, report):
        assert "## Better Than A Flat Object?" in text and "PtychoPINN in 6 of 8 cases" in text
        assert "- PtychoPINN, 1 000 photons, sparse, train: no better than a flat object" in text
    assert "| PtychoPINN | 1000 | sparse | test | 0 | **1.2000 (flat 1.0000)** |" in summary_text
    assert "not useful" in summary_text


def test_several_seeds_are_one_sentence():
    text = " ".join(verdict_texts.remarks(made_study(seeds=(0, 1, 2), change=poor_at_1000)["usefulness"]))
    assert text.count("PtychoPINN, 1 000 photons, sparse, test") == 1
    assert "no better than a flat object in 2 of 3 seeds; in seed 1: phase error" in text


ROWS, COLS = np.indices((64, 64))
MASK = (ROWS - 31.5) ** 2 + (COLS - 31.5) ** 2 < 30**2


def ramped_object():
    """Return an object whose phase is structure on a ramp, 0.1 rad rms each; its amplitude shows the structure, too."""
    rough = gaussian_filter(np.random.default_rng(3).normal(size=MASK.shape), 2.0, mode="wrap")
    structure = 0.1 * rough / rough[MASK].std()
    ramp = 0.1 * (ROWS + 0.5 * COLS) / (ROWS + 0.5 * COLS)[MASK].std()
    return (0.9 + structure) * np.exp(1j * (structure + ramp))


def plane_of_the_phase(truth):
    """Return the plane that fits the phase of the truth best: the most that alignment hands over."""
    plane = np.stack([np.ones(MASK.sum()), ROWS[MASK], COLS[MASK]], axis=1)
    level, down, right = np.linalg.lstsq(plane, np.angle(truth)[MASK])[0]
    return level + down * ROWS + right * COLS


def scored_cell(path, fields, truth):
    """Return the cell of some fields, scored, written and read as the workflow does."""
    status, _ = made_record(1000, "dense", "test")
    fields = {model: field.astype(np.complex64) for model, field in fields.items()}
    status["arms"] = {
        model: {"status": "ok", "rms_phase_rad": rms_phase(field, truth, MASK)} for model, field in fields.items()
    }
    rows = [
        {"model": model, "metric": metric}
        | {column: "n/a" if value is None else value for column, value in zip(SCORED, values, strict=True)}
        for model, field in fields.items()
        for metric, values in evaluate(field, truth, MASK).rows.items()
    ]
    write_csv(path, METRIC_COLUMNS, rows)
    return make_cell(status, read_csv(path, METRIC_COLUMNS))


def test_the_plane_of_the_truth_is_no_structure(tmp_path):
    truth = ramped_object()
    factor = np.vdot(np.ones(MASK.sum()), truth[MASK]) / MASK.sum()
    fields = {
        "Baseline": np.abs(truth) * np.exp(1j * plane_of_the_phase(truth)),
        "PtyChi": truth * np.exp(0.05j * np.random.default_rng(4).normal(size=MASK.shape)),
        "Flat": np.full(MASK.shape, factor),
    }
    cell = scored_cell(tmp_path / "comparison_metrics.csv", fields, truth)
    found = usefulness.judge_arm(cell, "Baseline")
    measures = {(m["metric"], m["column"]): m for m in found["measures"]}
    assert measures["partial_pearson", "phase"]["value"] == pytest.approx(0.0, abs=1e-6)
    assert (found["verdict"], found["useful"]) == ("not useful", False)
    # By every other measure it is better than flat: half of the phase's variance and all of the amplitude are right.
    assert [key for key, measure in measures.items() if not measure["better"]] == [("partial_pearson", "phase")]
    assert (
        "no better than a flat object: phase correlation beyond a plane 0.000, needed 0.100. Better: " in found["text"]
    )
    assert usefulness.judge_arm(cell, "PtyChi")["verdict"] == "useful", "the same truth with a little noise"
