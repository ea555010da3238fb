"""Texts of a study: the exact lines of the highlights, and every way to tamper with them."""

import pytest

from ptychostudy.core import closing, tables
from ptychostudy.core.summary import make_delta, make_job, summarize

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
    cell = {"dose": 1000, "view": "dense", "split": "test", **deltas}
    return {"source_metrics": "analysis/metrics_summary.json", "deltas": deltas, "cells": [cell]}


def made_summary(failed=()):
    scores = {"PtychoPINN": (0.987, 0.945), "Baseline": (0.864, 0.7), "PtyChi": (0.9, 0.95), "Flat": (0.01, 0.02)}
    rows = [
        {"model": model, "metric": metric, "amplitude": str(a), "phase": str(p), "value": str(p)}
        for model, (a, p) in scores.items()
        if model not in failed
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
        "overlap": {"metric_2_image_based_avg": 0.737},
        "mask_px": 1200,
        "coverage": 0.981,
        "definitions": {"mae": "mean absolute error"},
        "arms": arms,
    }
    return summarize([make_job(status, rows)], {})


def texts(delta):
    return tables.delta_highlights(delta), tables.delta_preview(delta), tables.ssim_grid_summary(delta)


def test_highlights_and_preview_to_the_letter():
    assert tables.delta_highlights(known_delta()) == HIGHLIGHTS
    assert tables.delta_preview(known_delta()) == PREVIEW


@pytest.mark.parametrize(
    ("value", "metric", "expected"),
    [
        (0.0154, "ms_ssim", "+0.015"),
        (-0.0154, "ms_ssim", "-0.015"),
        (-1e-9, "ms_ssim", "+0.000"),
        (1.23456789e-3, "mae", "+0.001235"),
        (None, "mae", "N/A"),
    ],
)
def test_one_format_of_numbers(value, metric, expected):
    assert tables.number(value, metric, signed=True) == expected


def test_a_missing_difference_is_not_available():
    delta = make_delta(made_summary(failed=["PtyChi"]))
    highlights, preview, grid = texts(delta)
    assert highlights.splitlines()[1] == "MS-SSIM Δ (PtychoPINN - PtyChi)    : amplitude N/A  phase N/A"
    assert preview.splitlines()[3] == "MAE Δ (PtychoPINN - PtyChi): N/A"
    assert "| vs_PtyChi | N/A | 0 |" in grid
    assert tables.check_highlights(delta, highlights, preview, grid) == []


def test_the_grid_is_about_phase_only_and_names_its_sources():
    grid = tables.ssim_grid_summary(known_delta())
    assert "amplitude" not in grid.lower() and "/work" not in grid
    assert grid.startswith("# SSIM Grid Summary (Phase-Only)\n")
    assert "**Generated from:** `analysis/metrics_delta_summary.json`" in grid
    assert "**Preview validated:** `analysis/metrics_delta_highlights_preview.txt` (phase-only)" in grid
    assert "## MS-SSIM Deltas (Phase)" in grid and "## MAE Deltas (Phase)" in grid
    assert "| vs_Baseline | +0.015 | 1 |" in grid and "| vs_PtyChi | -0.000018 | 1 |" in grid


def test_untouched_texts_pass():
    assert tables.check_highlights(known_delta(), *texts(known_delta())) == []


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize(("old", "new"), [("+0.015", "+0.016"), ("-0.000018", "+0.000018"), ("\n", "\r\n\n")])
def test_every_text_is_compared_with_the_numbers(which, old, new):
    found = list(texts(known_delta()))
    found[which] = found[which].replace(old, new, 1)
    problems = tables.check_highlights(known_delta(), *found)
    assert any("mismatch" in problem for problem in problems)


def test_a_cell_of_the_grid_is_compared_too():
    highlights, preview, grid = texts(known_delta())
    assert grid.count("+0.015") == 2
    tampered = "+0.015".join(grid.split("+0.015")[:2]) + "+0.115" + grid.split("+0.015")[2]
    assert [
        "SSIM grid mismatch" in p for p in tables.check_highlights(known_delta(), highlights, preview, tampered)
    ] == [True]


@pytest.mark.parametrize("word", ["amplitude", "Amplitude", "AMPLITUDE"])
def test_amplitude_in_the_preview_is_caught(word):
    assert "validation failed" in tables.check_preview(PREVIEW.replace("Δ", word, 1))[0]
    highlights, preview, grid = texts(known_delta())
    assert tables.check_highlights(known_delta(), highlights, preview.replace("MAE", word, 1), grid)


def test_a_grid_that_does_not_say_phase_only_is_caught():
    highlights, preview, grid = texts(known_delta())
    problems = tables.check_highlights(known_delta(), highlights, preview, grid.replace(" (phase-only)", ""))
    assert "preview metadata validation failed" in problems[0]


@pytest.mark.parametrize("lines", [0, 3, 5])
def test_exactly_four_lines(lines):
    wrong = "".join((HIGHLIGHTS.splitlines(keepends=True) * 2)[:lines])
    _, preview, grid = texts(known_delta())
    problems = tables.check_highlights(known_delta(), wrong, preview, grid)
    assert any(f"Expected exactly 4 lines, got {lines}" in problem for problem in problems)


def test_summary_text_shows_every_number_and_reason():
    text = tables.metrics_summary(made_summary(failed=["Baseline"]))
    for part in ("# Phase G Metrics Summary", "### PtychoPINN", "**MS-SSIM:**", "| Mean | 0.987 | 0.945 |", "**MAE:**"):
        assert part in text
    assert "| Mean | 0.987000 | 0.945000 |" in text
    assert "- failed in dose 1000, dense, test: all zero" in text
    assert "n = 52.25 photons per object pixel" in text and "(metric 2) 0.737" in text
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
    assert tables.aggregate_highlights(good, make_delta(good), 0.8).rstrip() in text
    text = tables.metrics_digest(bad, make_delta(bad), 0.8)
    assert "⚠️ FAILURES PRESENT ⚠️" in text and "1 of 1 comparison job(s) failed" in text
    assert "- Baseline in dose 1000, dense, test: all zero" in text


def test_a_bar_in_a_cell_does_not_break_the_table():
    assert tables.table(["a"], [["x|y"]])[-1] == "| x\\|y |"


def test_closing_table_marks_the_best_arm_never_a_control():
    summary = made_summary(failed=["Baseline"])
    summary["jobs"][0]["arms"]["PtyChi"]["converged"] = False
    (block,) = closing.final_rows(summary)
    assert [len(row) for row in block] == [len(closing.HEADER)] * 4
    assert block[0] == ["1000", "dense", "52.2", "0.737", "0.098", "PtychoPINN", "0.945", "0.945", "0.945", "0.100"]
    assert block[1] == [""] * 5 + ["Baseline", "N/A", "N/A", "N/A", "failed"]
    assert block[2][5:7] == ["PtyChi (not converged)", "*0.950"]
    assert block[3][5:] == ["Flat", "0.020", "0.020", "0.020", "0.100"]
    assert "Flat: controls" in closing.legend(summary) and "simulated object" in closing.legend(summary)


def test_verdict_separates_failed_from_unknown():
    check = {"path": "p", "description": "d"}
    report = {"validations": [check | {"valid": True}, check | {"valid": False, "error": "e"}, check | {"valid": None}]}
    assert closing.verdict(report) == (["d (p): e"], ["d (p): no reason given"])
