"""Texts of a study: the exact lines of the highlights, and every way to tamper with them."""

import pytest

from ptychostudy.report import closing, delta_texts, markdown, tables
from ptychostudy.report.cell_records import make_cell
from ptychostudy.report.deltas import make_delta
from ptychostudy.report.summary import summarize
from ptychostudy.study.names import SCORED
from studies import made_study

HIGHLIGHTS = """\
MS-SSIM Δ (PtychoPINN - Baseline)  : amplitude +0.010  phase +0.015
MS-SSIM Δ (PtychoPINN - PtyChi)    : amplitude +0.005  phase +0.008
MAE Δ (PtychoPINN - Baseline)      : amplitude -0.005000  phase -0.000025
MAE Δ (PtychoPINN - PtyChi)        : amplitude -0.002500  phase -0.000018
"""
PREVIEW = """\
MS-SSIM Δ (PtychoPINN - Baseline): +0.015
MS-SSIM Δ (PtychoPINN - PtyChi): +0.008
MAE Δ (PtychoPINN - Baseline): -0.000025
MAE Δ (PtychoPINN - PtyChi): -0.000018
"""


def known_delta():
    numbers = {
        "vs_Baseline": {"ms_ssim": (0.010, 0.015), "mae": (-0.005, -0.000025)},
        "vs_PtyChi": {"ms_ssim": (0.005, 0.008), "mae": (-0.0025, -0.000018)},
    }
    deltas = {
        other: {metric: {"amplitude": a, "phase": p, "n_cells": 1} for metric, (a, p) in found.items()}
        for other, found in numbers.items()
    }
    light = {"photons_per_pixel": 52.25, "overlap_area": 0.737, "overlap_linear": 0.79, "ptychi": "converged"}
    cell = {"dose": 1000, "view": "dense", "split": "test", **light, **deltas}
    return {"source_metrics": "analysis/metrics_summary.json", "seed": 0, "deltas": deltas, "cells": [cell]}


def made_summary(failed=()):
    scores = {"PtychoPINN": (0.987, 0.945), "Baseline": (0.864, 0.7), "PtyChi": (0.9, 0.95), "Flat": (0.01, 0.02)}
    rows = [
        {"model": model, "metric": metric, "amplitude": str(a), "phase": str(p), "value": str(p)}
        for model, (a, p) in (scores | dict.fromkeys(failed, ("n/a", "n/a"))).items()
        for metric in ("ms_ssim", "mae", "ssim", "frc50")
    ]
    arms = {
        m: {"status": "failed", "reason": "all zero"} if m in failed else {"status": "ok", "rms_phase_rad": 0.1}
        for m in scores
    }
    status = {
        "dose": 1000,
        "view": "dense",
        "split": "test",
        "status": "failed" if failed else "success",
        "truth": "simulated object",
        "photons_measured": 999.5,
        "photons_per_pixel": 52.25,
        "phase_floor_rad": 0.09782,
        "overlap": {"metric_2_image_based_avg": 0.737, "linear_overlap": 0.79, "multiplicity_min": 1.5},
        "mask_px": 1200,
        "coverage": 0.981,
        "definitions": {"mae": "mean absolute error"},
        "arms": arms,
    }
    return summarize([make_cell(status, rows)], {})


def texts(delta):
    return delta_texts.delta_highlights(delta), delta_texts.delta_preview(delta), delta_texts.ssim_grid_summary(delta)


def test_highlights_and_preview_to_the_letter():
    assert delta_texts.delta_highlights(known_delta()) == HIGHLIGHTS
    assert delta_texts.delta_preview(known_delta()) == PREVIEW


@pytest.mark.parametrize(
    ("value", "metric", "expected"),
    [
        (0.0154, "ms_ssim", "+0.015"),
        (-0.0154, "ms_ssim", "-0.015"),
        (-1e-9, "ms_ssim", "+0.000"),
        (1.23456789e-3, "mae", "+0.001235"),
        (0.01234, "rms_phase_rad", "+0.0123"),
        (None, "mae", "N/A"),
    ],
)
def test_one_format_of_numbers(value, metric, expected):
    assert markdown.number(value, metric, signed=True) == expected


def test_a_missing_difference_is_not_available():
    delta = make_delta(made_summary(failed=["PtyChi"]))
    highlights, preview, grid = texts(delta)
    assert highlights.splitlines()[1] == "MS-SSIM Δ (PtychoPINN - PtyChi)    : amplitude N/A  phase N/A"
    assert preview.splitlines()[3] == "MAE Δ (PtychoPINN - PtyChi): N/A"
    assert "| vs_PtyChi | N/A | 0 |" in grid
    assert delta_texts.check_highlights(delta, highlights, preview, grid) == []


def test_the_grid_is_about_phase_only_and_names_its_sources():
    grid = delta_texts.ssim_grid_summary(known_delta())
    assert "amplitude" not in grid.lower() and "/work" not in grid
    assert grid.startswith("# SSIM Grid Summary (Phase-Only)\n")
    assert "**Generated from:** `analysis/metrics_delta_summary.json`" in grid
    assert "**Preview validated:** `analysis/metrics_delta_highlights_preview.txt` (phase-only)" in grid
    assert "## MS-SSIM Deltas (Phase)" in grid and "## MAE Deltas (Phase)" in grid
    assert "seed 0." in grid and "| 1000 | dense | test | 52.2 | 0.737 | 0.790 | converged | +0.015 | +0.008 |" in grid
    assert "| vs_Baseline | +0.015 | 1 |" in grid and "| vs_PtyChi | -0.000018 | 1 |" in grid


def test_untouched_texts_pass():
    assert delta_texts.check_highlights(known_delta(), *texts(known_delta())) == []


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize(("old", "new"), [("+0.015", "+0.016"), ("-0.000018", "+0.000018"), ("\n", "\r\n\n")])
def test_every_text_is_compared_with_the_numbers(which, old, new):
    found = list(texts(known_delta()))
    found[which] = found[which].replace(old, new, 1)
    problems = delta_texts.check_highlights(known_delta(), *found)
    assert any("mismatch" in problem for problem in problems)


def test_a_cell_of_the_grid_is_compared_too():
    highlights, preview, grid = texts(known_delta())
    assert grid.count("+0.015") == 2
    tampered = "+0.015".join(grid.split("+0.015")[:2]) + "+0.115" + grid.split("+0.015")[2]
    assert [
        "SSIM grid mismatch" in p for p in delta_texts.check_highlights(known_delta(), highlights, preview, tampered)
    ] == [True]


@pytest.mark.parametrize("word", ["amplitude", "Amplitude", "AMPLITUDE"])
def test_amplitude_in_the_preview_is_caught(word):
    assert "validation failed" in delta_texts.check_preview(PREVIEW.replace("Δ", word, 1))[0]
    highlights, preview, grid = texts(known_delta())
    assert delta_texts.check_highlights(known_delta(), highlights, preview.replace("MAE", word, 1), grid)


def test_a_grid_that_does_not_say_phase_only_is_caught():
    highlights, preview, grid = texts(known_delta())
    problems = delta_texts.check_highlights(known_delta(), highlights, preview, grid.replace(" (phase-only)", ""))
    assert "preview metadata validation failed" in problems[0]


@pytest.mark.parametrize("lines", [0, 3, 5])
def test_exactly_four_lines(lines):
    wrong = "".join((HIGHLIGHTS.splitlines(keepends=True) * 2)[:lines])
    _, preview, grid = texts(known_delta())
    problems = delta_texts.check_highlights(known_delta(), wrong, preview, grid)
    assert any(f"Expected exactly 4 lines, got {lines}" in problem for problem in problems)


def test_summary_text_shows_every_number_and_reason():
    text = tables.metrics_summary(made_summary(failed=["Baseline"]))
    for part in ("# Phase G Metrics Summary", "### PtychoPINN", "**MS-SSIM:**", "| Mean | 0.987 | 0.945 |", "**MAE:**"):
        assert part in text
    assert "| Mean | 0.987000 | 0.945000 |" in text
    assert "- failed in dose 1000, dense, test: all zero" in text
    assert "n = 52.2 photons per object pixel, overlap 0.737 (linear 0.790), floor 0.0978 rad" in text
    assert "Validation of Phase C NPZ files" in text


def test_sanity_check_says_ok_low_and_missing():
    summary = made_summary(failed=["PtyChi"])
    text = tables.aggregate_report(summary, make_delta(summary), 0.8)
    assert "_Threshold: mean amplitude/phase ≥ 0.80_" in text
    assert "| PtychoPINN | 0.987 | 0.945 | OK |" in text
    assert "| Baseline | 0.864 | 0.700 | LOW (phase) |" in text
    assert "| PtyChi | N/A | N/A | MISSING |" in text


def test_aggregate_highlights_lines():
    summary = made_summary()
    lines = tables.aggregate_highlights(summary, make_delta(summary), 0.8).splitlines()
    assert lines[:2] == ["MS-SSIM (mean) threshold: 0.80", "PtychoPINN amplitude/phase: 0.987 / 0.945"]
    start = lines.index("MS-SSIM Deltas (PtychoPINN - Baseline):")
    assert lines[start + 1 : start + 3] == ["  Amplitude (mean): +0.123", "  Phase (mean): +0.245"]
    assert "MAE Deltas (PtychoPINN - PtyChi):" in lines


def test_digest_banner_tells_success_from_failure():
    good, bad = made_summary(), made_summary(failed=["Baseline"])
    text = tables.metrics_digest(good, make_delta(good), 0.8)
    assert "✓ ALL COMPARISONS SUCCESSFUL ✓" in text and "- Failed: 0" in text
    # Whether it ran is one thing, whether it is good another, and both stand at the top.
    assert "Below a mean MS-SSIM of 0.80: Baseline (phase)." in text.partition("## Pipeline Summary")[0]
    assert "Below a mean MS-SSIM of 0.00: no arm." in tables.metrics_digest(good, make_delta(good), 0.0)
    # No number stands twice.
    assert text.count("MS-SSIM Δ (PtychoPINN - Baseline)") == 1 and text.count("| 0.987 |") == 1
    text = tables.metrics_digest(bad, make_delta(bad), 0.8)
    assert "⚠️ FAILURES PRESENT ⚠️" in text and "1 of 1 comparison job(s) failed" in text
    assert "- Baseline in dose 1000, dense, test: all zero" in text


def test_a_bar_in_a_cell_does_not_break_the_table():
    assert markdown.table(["a"], [["x|y"]])[-1] == "| x\\|y |"


def test_every_cell_has_a_row_with_its_light_overlap_and_convergence():
    text = tables.metrics_summary(
        made_study(doses=(1000,), change=lambda s, d, view, p: {"converged": view == "dense"})
    )
    header = "| Dose | Measured | View | Split | n | Overlap, area | Overlap, linear | Multiplicity | Floor (rad) |"
    assert header in text
    dense = "| 1000 | 1000.1 | dense | test | 50 | 0.700 | 0.750 | 1.250 / 2.500 | 0.1000 | 1200 | 0.981 | converged |"
    assert dense in text and text.count("| 0.1581 | 1200 | 0.981 | not converged |") == 2


def test_at_fixed_fluence_the_nominal_dose_stands_first():
    text = tables.metrics_summary(made_study(doses=(1000,), design="fixed_fluence"))
    # The sparse view keeps 0.4 of the frames, so each gets 2500 photons.
    assert "| 1000 | 2500 | 2500.25 | sparse | test | 50 |" in text
    assert "Design: fixed fluence" in text and "| Nominal | Dose |" in text


def test_what_a_flat_object_gets_stands_beside_every_metric():
    text = tables.metrics_summary(made_study(doses=(1000,)))
    assert (
        "| Metric | Column | PtychoPINN | Baseline | PtyChi | TV | Flat (zero) | PhysicsOnly | Untrained | Perfect |"
        in text
    )
    assert "| ssim | phase | 0.800 | 0.600 | 0.700 | 0.750 | 0.000 | 0.650 | 0.050 | 1 |" in text
    assert "| rms_phase_rad | phase | 0.2000 | 0.4000 | 0.3000 | 0.2500 | 1.0000 | 0.3500 | 0.9500 | 0 |" in text
    assert "| `ms_ssim` | Wang 2003 | 0.000 | 0.000 | 0.000 | 1 |" in text


def failing(seed, dose, view, split):
    """Lose one Baseline; shift all scores of a seed; put PtychoPINN below the floor of the sparse view."""
    scores = {"PtychoPINN": 0.85 + 0.01 * seed, "Baseline": 0.6 + 0.01 * seed}
    return {"scores": scores, "failed": ("Baseline",) if (seed, view, split) == (1, "sparse", "test") else ()}


def test_seeds_show_means_intervals_pairs_and_rates():
    study = made_study(doses=(1000,), seeds=(0, 1, 2), change=failing)
    for text in (tables.metrics_summary(study), tables.aggregate_report(study, make_delta(study), 0.8)):
        assert "### dose 1000, sparse, test, 3 seeds" in text and "train, 3 seeds" not in text
        # 2 of 3 at 95 %: 0.208 to 0.939.
        assert "| Baseline | 2 of 3 trainings | 0.667 [0.208, 0.939] | N/A |" in text
        assert "| PtyChi | 12 of 12 reconstructions | 1.000 [0.758, 1.000] | 12 of 12 |" in text
        score = "0.860 [0.850, 0.870]"
        assert (
            f"| PtychoPINN | 3 of 3 | {score} | {score} | {score} | {score} | 0.1400 [0.1300, 0.1500] | N/A |" in text
        )
        assert "0.1400 [0.1300, 0.1500] (below the floor)" in text
        assert "| Baseline | 2 of 3 | 0.610 | 0.610 | 0.610 | 0.610 | 0.3900 | N/A |" in text
        assert "| PtychoPINN - Baseline | 2 | +0.250 | +0.250 | +0.250 | +0.250 | -0.2500 |" in text
        # Shared scatter drops out of the pairs: the interval has no width.
        assert "| PtychoPINN - Baseline | 3 | +0.250 [+0.250, +0.250] |" in text
        assert (
            "| MS-SSIM Δ (PtychoPINN - Baseline) | +0.250 [+0.250, +0.250] | +0.250 [+0.250, +0.250] | 3 | 3 |" in text
        )
        assert "expanded percentiles" in text and "±" not in text and "+-" not in text


def test_one_seed_says_that_it_has_no_interval():
    study = made_study()
    for text in (tables.metrics_summary(study), tables.aggregate_report(study, make_delta(study), 0.8)):
        assert "one seed (0): no interval." in text
        assert "Paired difference" not in text


def test_headings_say_under_which_conditions_means_were_taken():
    text = tables.aggregate_report(study := made_study(), make_delta(study), 0.8)
    for part in (
        "MS-SSIM: Wang 2003.",
        "photons per object pixel 20 to 5 000, area overlap 0.500 to 0.700, linear overlap 0.600 to 0.750",
        "Fixed photons per frame",
        "Seed 0.",
        "PtyChi converged in 8 of 8 cells.",
    ):
        assert part in text


def test_closing_table_marks_the_best_arm_never_a_control():
    summary = made_summary(failed=["Baseline"])
    lines = closing.closing_lines(summary)
    assert lines[2] == "1 000 photons per frame, dense: n = 52.2, overlap 0.737 (linear 0.790), floor 0.0978 rad"
    rows = [line.split() for line in lines[3:7]]
    assert lines[7] == "Controls, the best of all these cells"
    assert rows[0] == ["PtychoPINN", "0.945", "0.945", "0.945", "*0.1000", "1/1"]
    assert rows[1] == ["Baseline", "N/A", "N/A", "N/A", "N/A", "0/1"]
    assert rows[2] == ["PtyChi", "*0.950", "*0.950", "*0.950", "*0.1000", "1/1"]
    assert rows[3] == ["TV", "N/A", "N/A", "N/A", "N/A", "0/1"], "no cell has it"
    assert lines[8].split() == ["Flat", "0.020", "0.020", "0.020", "0.1000", "1/1"]
    legend = " ".join(closing.legend(summary))
    assert "Flat: controls" in legend and "simulated object" in legend and "one seed (0): no interval" in legend


def test_closing_table_of_seeds_fits_the_terminal_and_counts_convergence():
    def change(seed, dose, view, split):
        scores = {"PtychoPINN": -0.001 - 0.1 * seed, "Untrained": -0.02 - 0.01 * seed}
        return {"scores": scores, "converged": seed != 2}

    study = made_study(seeds=(0, 1, 2), change=change, design="fixed_fluence")
    lines = closing.closing_lines(study) + closing.legend(study)
    assert max(map(len, lines)) <= closing.WIDTH == 110
    assert "2 500 photons per frame (nominal 1 000), sparse: n = 50, " in "\n".join(lines)
    ptychi = next(line for line in lines if line.startswith("PtyChi"))
    assert ptychi.split()[1:4] == ["0.700", "[0.700", "0.700]"] and ptychi.split()[-2:] == ["3/3", "2/3"]
    best = next(line for line in lines if line.startswith("TV"))
    assert best.split()[1:4] == ["*0.750", "[0.750", "0.750]"]
    starts = {name: next(line for line in lines if line.startswith(name)) for name in ("Model", "PhysicsOnly", "Flat")}
    ends = {line.index("SSIM") + 4 if name == "Model" else line.index("]") + 1 for name, line in starts.items()}
    assert ends == {32}, "columns end below each other, whatever the length of a name"
    assert "Flat, PhysicsOnly and Untrained: controls. What Flat gets" in " ".join(closing.legend(study))
    untrained = next(line for line in lines if line.startswith("Untrained"))
    assert untrained.startswith("Untrained -0.030 [-0.040 -0.020] -0.030 [-0.040 -0.020]")
    assert untrained.endswith("12/12"), "of four cells and three seeds"


def test_a_control_is_shown_where_it_does_best():
    """An error is best where it is smallest; one that failed somewhere is counted."""
    scores = {(1000, "dense"): 0.3, (1000, "sparse"): 0.1, (100_000, "dense"): 0.2}

    def change(seed, dose, view, split):
        return {"scores": {"Flat": scores.get((dose, view), 0.0)}}

    plain, study = made_study(), made_study(change=change)
    flat = next(line for line in closing.closing_lines(study) if line.startswith("Flat")).split()
    others = [next(line for line in closing.closing_lines(plain) if line.startswith("Flat")).split()]
    assert float(flat[1]) == pytest.approx(float(others[0][1]) + 0.3) and flat[-1] == "4/4"
    assert sum(line.startswith("Flat") for line in closing.closing_lines(study)) == 1


def test_verdict_separates_failed_from_unknown():
    check = {"path": "p", "description": "d"}
    report = {"validations": [check | {"valid": True}, check | {"valid": False, "error": "e"}, check | {"valid": None}]}
    assert closing.verdict(report) == (["d (p): e"], ["d (p): no reason given"])


def test_a_mask_is_said_once_for_all_cells_that_have_it():
    study = made_study()
    said = "5 of 4096 detector pixels are masked: dose and n are photons on the others"
    before = tables.metrics_summary(study)
    for cell in study["jobs"]:
        cell["conditions"] = [said]
    text = tables.metrics_summary(study)
    assert said not in before
    # Once for the means, once for each cell.
    assert text.count(said) == 1 + len(study["jobs"])


@pytest.mark.parametrize("width", [40, 80, 110])
def test_what_stands_below_the_table_breaks_between_words(width):
    """A terminal would break longer lines in the middle of a word."""
    study = made_study()
    report = {"validations": [{"path": "p", "description": "d", "valid": False, "advice": "look at it " * 20}]}
    texts = [closing.legend, closing.usefulness_lines]
    wide = [" ".join(" ".join(text(study, 1000)).split()) for text in texts]
    for text, whole in zip(texts, wide, strict=True):
        lines = text(study, width)
        assert max(map(len, lines)) <= width
        assert " ".join(" ".join(lines).split()) == whole
    assert max(map(len, closing.advice_lines(report, width))) <= width


def test_a_resolution_stands_with_the_interval_in_which_it_is_known():
    """Behind the number and in no row of its own; without an interval, or of a failed arm, the number is alone."""
    study = made_study(doses=(1000,))
    known = {"PtychoPINN": 0.42, "Baseline": None}
    for cell in study["jobs"]:
        for end, by in (("low", -0.12), ("high", 0.13)):
            cell["metrics"] += [
                {"model": model, "metric": f"frc50_{end}", **dict.fromkeys(SCORED, value and value + by)}
                for model, value in known.items()
            ]
        for row in cell["metrics"]:
            if row["metric"] == "frc50" and row["model"] in known:
                row["value"] = known[row["model"]]
    text = tables.metrics_summary(study)
    lines = [line for line in text.splitlines() if line.startswith("| frc50 | value |")]
    assert lines and all("| 0.420 (0.300 to 0.550) | N/A | 0.700 |" in line for line in lines)
    assert "| frc50_low |" not in text and "| frc50_high |" not in text
