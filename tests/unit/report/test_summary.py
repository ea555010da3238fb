"""Means, differences and counts of a study: hand-made numbers, failed arms, wrong input."""

import json

import pytest

from ptychostudy.report import cell_records, cells, compliance, deltas, summary
from ptychostudy.study.names import DELTA_METRICS, OTHERS, PARTS


def made(dose=1000, view="dense", split="test", *, scores=None, failed=(), **changes):
    """Return one cell; `scores` is {model: (ms_ssim amplitude, ms_ssim phase, mae amplitude, mae phase)}."""
    scores = scores or {"PtychoPINN": (0.9, 0.8, 0.01, 0.02), "Baseline": (0.7, 0.5, 0.03, 0.05)}
    scores = {"PtyChi": (0.85, 0.9, 0.02, 0.01), "Flat": (0.1, 0.0, 0.2, 0.4)} | scores
    rows = [
        dict(zip(("model", "metric", "amplitude", "phase", "value"), (model, metric, *texts), strict=True))
        for model, (sa, sp, ma, mp) in scores.items()
        for metric, a, p in (("ms_ssim", sa, sp), ("mae", ma, mp))
        for texts in [("n/a",) * 3 if model in failed else (str(a), str(p), "0.5")]
    ]
    arms = {m: {"status": "failed", "reason": "constant"} if m in failed else {"status": "ok"} for m in scores}
    status = {"dose": dose, "view": view, "split": split, "arms": arms, "truth": "simulated object"}
    return cell_records.make_cell(status | {"status": "failed" if failed else "success"} | changes, rows)


def test_mean_and_best_of_the_known_example():
    first = made(split="train", scores={"PtychoPINN": (0.95, 0.9, 0.1, 0.2), "Baseline": (0.5, 0.5, 0.2, 0.2)})
    second = made(split="test", scores={"PtychoPINN": (0.945, 0.92, 0.3, 0.1), "Baseline": (0.5, 0.5, 0.2, 0.2)})
    found = summary.summarize([first, second], {})["aggregate_metrics"]["PtychoPINN"]
    assert found["ms_ssim"] == pytest.approx(
        {"mean_amplitude": 0.9475, "best_amplitude": 0.95, "mean_phase": 0.91, "best_phase": 0.92}
    )
    assert found["mae"] == pytest.approx({"mean_amplitude": 0.2, "mean_phase": 0.15})


def test_cells_are_counted_and_sorted():
    made_cells = [
        made(100000),
        made(1000, "sparse", failed=["Baseline"]),
        made(1000, split="test"),
        made(1000, split="train"),
    ]
    found = summary.summarize(made_cells, {})
    assert (found["n_jobs"], found["n_executed"], found["n_success"], found["n_failed"]) == (4, 4, 3, 1)
    names = [cells.cell_name(cell) for cell in found["jobs"]]
    expected = [
        "dose 1000, dense, train",
        "dose 1000, dense, test",
        "dose 1000, sparse, test",
        "dose 100000, dense, test",
    ]
    assert names == expected
    assert found == summary.summarize(made_cells[::-1], {})
    assert list(found["aggregate_metrics"]) == ["PtychoPINN", "Baseline", "PtyChi", "TV", "Flat"]


def test_a_failed_arm_enters_no_mean_and_no_difference():
    good = made(split="train")
    bad = made(scores={"PtychoPINN": (0.1, 0.1, 0.9, 0.9), "Baseline": (0.0, 0.0, 1.0, 1.0)}, failed=["Baseline"])
    found = summary.summarize([good, bad], {})
    assert found["aggregate_metrics"]["Baseline"]["ms_ssim"]["mean_phase"] == 0.5
    assert found["arms"]["Baseline"] == {"n_ok": 1, "n_failed": 1, "failures": {"dose 1000, dense, test": "constant"}}
    delta = deltas.make_delta(found)["deltas"]["vs_Baseline"]["ms_ssim"]
    # Only the cell with both arms counts: the plain difference of means would be 0.45 - 0.5 < 0.
    assert delta == pytest.approx({"amplitude": 0.2, "phase": 0.3, "n_cells": 1})


def test_differences_are_those_of_the_means_where_nothing_failed():
    second = made(split="train", scores={"PtychoPINN": (0.5, 0.4, 0.1, 0.1), "Baseline": (0.6, 0.1, 0.2, 0.3)})
    found = summary.summarize([made(), second], {})
    for other in OTHERS:
        for metric in DELTA_METRICS:
            for column in PARTS:
                first, last = (found["aggregate_metrics"][m][metric][f"mean_{column}"] for m in ("PtychoPINN", other))
                # Rounding of a sum of two numbers of order one.
                delta = deltas.make_delta(found)["deltas"][f"vs_{other}"][metric][column]
                assert delta == pytest.approx(first - last, abs=1e-15)


def test_an_arm_that_always_fails_has_null_numbers():
    found = summary.summarize([made(failed=["PtyChi"])], {})
    assert found["aggregate_metrics"]["PtyChi"]["ms_ssim"] == dict.fromkeys(
        ("mean_amplitude", "best_amplitude", "mean_phase", "best_phase")
    )
    delta = deltas.make_delta(found)
    assert delta["deltas"]["vs_PtyChi"]["mae"] == {"amplitude": None, "phase": None, "n_cells": 0}
    assert delta["cells"][0]["vs_PtyChi"]["mae"] == {"amplitude": None, "phase": None}
    assert summary.make_comparison_manifest(found)["execution_results"][0]["error"] == "PtyChi: constant"


def test_hashed_files_carry_no_time_and_survive_json():
    found = summary.summarize([made()], {})
    delta = deltas.make_delta(found)
    assert sorted(delta) == ["cells", "deltas", "seed", "source_metrics"]
    assert deltas.make_delta(json.loads(json.dumps(found, sort_keys=True))) == delta


def test_manifest_adds_up():
    manifest = summary.make_comparison_manifest(
        summary.summarize([made(), made(view="sparse", failed=["PtychoPINN"])], {})
    )
    assert manifest["n_success"] + manifest["n_failed"] == manifest["n_executed"] == len(manifest["execution_results"])
    assert [result["returncode"] for result in manifest["execution_results"]] == [0, 1]
    assert manifest["jobs"][1] == {"dose": 1000, "view": "sparse", "split": "test"}


def test_a_truth_without_phase_is_shown_by_amplitude():
    cell = made()
    for row in cell["metrics"]:
        row["phase"] = None
    found = summary.summarize([cell], {})
    assert cells.shown_column(found) == "amplitude"
    assert cells.shown_column(summary.summarize([made()], {})) == "phase"
    assert found["aggregate_metrics"]["PtychoPINN"]["mae"] == {"mean_amplitude": 0.01, "mean_phase": None}


def test_the_test_split_is_shown_where_there_is_one():
    both = summary.summarize([made(split="train"), made(split="test")], {})
    assert [cell["split"] for cell in cells.shown_cells(both)] == ["test"]
    assert [cell["split"] for cell in cells.shown_cells(summary.summarize([made(split="train")], {}))] == ["train"]


@pytest.mark.parametrize("text", ["nan", "inf", "", "many"])
def test_a_cell_that_is_no_number_is_named(text):
    row = {"model": "PtyChi", "metric": "mae", "amplitude": "1", "phase": text, "value": "1"}
    with pytest.raises(ValueError, match="PtyChi mae: column 'phase'"):
        cell_records.make_cell({"dose": 1, "view": "v", "split": "test", "arms": {"PtyChi": {"status": "ok"}}}, [row])


def test_table_and_status_must_agree():
    status = {
        "dose": 1,
        "view": "v",
        "split": "test",
        "arms": {"PtyChi": {"status": "ok"}, "Flat": {"status": "failed"}},
    }
    with pytest.raises(ValueError, match="needed: the same models"):
        cell_records.make_cell(status, [])


def test_a_failed_arm_has_lines_and_no_number():
    status = {"dose": 1, "view": "v", "split": "test", "arms": {"PtyChi": {"status": "failed"}}}
    row = {"model": "PtyChi", "metric": "mae", "amplitude": "n/a", "phase": "n/a", "value": "n/a"}
    assert cell_records.make_cell(status, [row])["metrics"] == []
    with pytest.raises(ValueError, match="holds numbers of .'PtyChi'., which failed"):
        cell_records.make_cell(status, [row | {"phase": "0.5"}])


def test_no_cell_and_repeated_cells_are_refused():
    with pytest.raises(ValueError, match="no cell"):
        summary.summarize([], {})
    with pytest.raises(ValueError, match="dose 1000, dense, test comes 2 times"):
        summary.summarize([made(), made()], {})


def test_compliance_needs_the_canonical_step():
    good = {"data_transformations": [{"operation": "canonicalize"}, {"operation": "detect"}]}
    files = {"train": good, "test": {"data_transformations": [{"operation": "detect"}]}, "extra": None}
    judged = [compliance.judge_metadata(f"data/phase_c/dose_5/patched_{s}.npz", m, "gone") for s, m in files.items()]
    found = compliance.collect_compliance(judged)["dose_5"]
    assert [found[s]["compliant"] for s in files] == [True, False, False]
    assert [found[s]["has_metadata"] for s in files] == [True, True, False]
    assert "error" not in found["train"] and found["extra"]["error"] == "gone"


def test_the_nominal_dose_joins_cells_of_equal_fluence():
    cell = {"dose": 2857, "overlap": {"s_img": 0.35}}
    assert cells.nominal_dose(cell, "fixed_fluence") == 1000
    assert cells.nominal_dose(cell, "fixed_frame") == 2857


def test_convergence_counts_cells_that_ran_to_an_end():
    arms = [{"status": "ok", "converged": True}, {"status": "ok", "converged": False}, {"status": "failed"}]
    assert cells.convergence([{"arms": {"PtyChi": arm}} for arm in arms]) == "PtyChi converged in 1 of 2 cells"
    assert cells.convergence([{"arms": {"PtyChi": arms[2]}}]) == ""
