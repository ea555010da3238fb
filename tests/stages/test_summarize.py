"""Stage summarize and the stages that show its numbers, on cells made by hand, through the command line."""

import json

import pytest

from ptychostudy.__main__ import main
from ptychostudy.io.records import write_json
from ptychostudy.io.tables import write_csv
from ptychostudy.study.names import CURVE_COLUMNS, METRIC_COLUMNS
from studies import made_record

SETTINGS = {"ms_ssim_threshold": 0.8, "seeds": [0, 4, 7], "design": "fixed_frame", "trained_on": "each"}
CELLS = [(dose, view, split) for dose in (1000, 100000) for view in ("dense", "sparse") for split in ("train", "test")]
OUTPUTS = {
    "manifest": "comparison_manifest.json",
    "summary-json": "metrics_summary.json",
    "summary-md": "metrics_summary.md",
    "delta-json": "metrics_delta_summary.json",
    "highlights": "metrics_delta_highlights.txt",
    "preview": "metrics_delta_highlights_preview.txt",
    "report-md": "aggregate_report.md",
    "report-highlights": "aggregate_highlights.txt",
    "digest-md": "metrics_digest.md",
}


def folder(seed, cell):
    prefix = "" if seed == 0 else f"seeds/seed_{seed}/"
    return "{}analysis/dose_{}/{}/{}".format(prefix, *cell)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Work in a hub with the comparisons of three seeds; the Baseline of one collapsed."""
    monkeypatch.chdir(tmp_path)
    for seed in SETTINGS["seeds"]:
        for cell in CELLS:
            failed = ("Baseline",) if (seed, cell) == (7, (1000, "sparse", "test")) else ()
            status, rows = made_record(*cell, scores={"PtychoPINN": 0.8 + 0.01 * seed}, failed=failed)
            write_json(f"{folder(seed, cell)}/status.json", status)
            write_csv(f"{folder(seed, cell)}/comparison_metrics.csv", METRIC_COLUMNS, rows)
    return tmp_path


def files(name, *seeds):
    return [f"{folder(seed, cell)}/{name}" for seed in seeds for cell in CELLS]


def summarize(seeds=(4, 7), settings=SETTINGS):
    arguments = ["summarize", "--settings", json.dumps(settings)]
    arguments += ["--status", *files("status.json", 0), "--tables", *files("comparison_metrics.csv", 0)]
    arguments += ["--replicate-status", *files("status.json", *seeds)]
    arguments += ["--replicate-tables", *files("comparison_metrics.csv", *seeds)]
    arguments += ["--scans", "data/phase_c/dose_1000/patched_test.npz"]
    for option, name in OUTPUTS.items():
        arguments += [f"--{option}", f"analysis/{name}"]
    return main(arguments)


def test_seeds_are_read_from_their_paths(hub):
    assert summarize() == 0
    found = json.loads((hub / "analysis/metrics_summary.json").read_text())
    assert (found["seeds"]["n"], found["seeds"]["list"]) == (3, [0, 4, 7])
    wanted = {
        "dose": 1000,
        "view": "dense",
        "split": "test",
        "model": "PtychoPINN",
        "metric": "ssim",
        "column": "phase",
    }
    (entry,) = [e for e in found["seeds"]["cells"] if wanted.items() <= e.items()]
    assert entry["values"] == pytest.approx({"0": 0.8, "4": 0.84, "7": 0.87})
    assert (entry["low"], entry["high"]) == pytest.approx((0.8, 0.87))
    assert found["seeds"]["success"]["Baseline"] | {"low": 0, "high": 0} == {
        "ok": 5,
        "trials": 6,
        "rate": pytest.approx(5 / 6),
        "low": 0,
        "high": 0,
        "converged": 0,
        "judged": 0,
    }
    # Jobs, means and the four lines stay those of the first seed.
    assert len(found["jobs"]) == 8 and found["n_failed"] == 0
    assert found["aggregate_metrics"]["PtychoPINN"]["ms_ssim"]["mean_phase"] == pytest.approx(0.8)
    lines = (hub / "analysis/metrics_delta_highlights.txt").read_text().splitlines()
    assert lines[0] == "MS-SSIM Δ (PtychoPINN - Baseline)  : amplitude +0.200  phase +0.200" and len(lines) == 4


def test_one_seed_needs_no_replicates(hub):
    assert summarize(seeds=(), settings=SETTINGS | {"seeds": [0]}) == 0
    assert "one seed (0): no interval." in (hub / "analysis/metrics_summary.md").read_text()


@pytest.mark.parametrize(
    ("seeds", "settings", "message"),
    [
        ((4,), SETTINGS, "files of the seeds [4] are given beside the first seed's, settings name [4, 7]"),
        ((4, 7), SETTINGS | {"seeds": [0]}, "files of the seeds [4, 7] are given"),
        ((0,), SETTINGS, "names no seed; needed: a path with seeds/seed_K/"),
    ],
)
def test_seeds_that_do_not_fit_the_settings_are_refused(hub, capsys, seeds, settings, message):
    assert summarize(seeds, settings) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert not (hub / "analysis/metrics_summary.json").exists()


def test_a_seed_that_lacks_a_cell_is_refused(hub, capsys):
    for name in ("status.json", "comparison_metrics.csv"):
        (hub / folder(4, CELLS[-1]) / name).unlink()
    assert summarize() == 2
    assert folder(4, CELLS[-1]) in "".join(capsys.readouterr().err.split())


def test_figures_and_gate_show_the_seeds(hub, capsys):
    summarize()
    summary, analysis = hub / "analysis/metrics_summary.json", hub / "analysis"
    pictures = {"correlation": "c.png", "ms-ssim": "m.png", "dose": "d.png", "overlap": "o.png", "frc": "f.png"}
    arguments = [word for option, name in pictures.items() for word in (f"--{option}", str(analysis / name))]
    vectors = [analysis / "d.svg", analysis / "f.svg"]
    command = ["figures", "--summary", str(summary), *arguments, "--vectors", *map(str, vectors), "--curves"]
    tables = files("frc_curves.csv", 0)
    for table in tables:
        rings = [("Flat", ring, ring / 2, 1 + 8 * ring, 0.5, 0.0, 0.0, 0.0) for ring in range(3)]
        write_csv(table, CURVE_COLUMNS, [dict(zip(CURVE_COLUMNS, ring, strict=True)) for ring in rings])
    assert main([*command, tables[0]]) == 2
    assert "no table of ring correlations in dose_" in " ".join(capsys.readouterr().err.split())
    assert main([*command, *tables]) == 0
    assert all((analysis / name).read_bytes()[:4] == b"\x89PNG" for name in pictures.values())
    assert all(vector.read_text().startswith("<?xml") for vector in vectors)
    validations = [{"path": "analysis", "description": "x", "valid": True}]
    write_json(analysis / "report.json", {"all_valid": True, "n_checks": 1, "validations": validations})
    capsys.readouterr()
    assert main(["gate", "--settings", "{}", "--report", str(analysis / "report.json"), "--summary", str(summary)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines if "/" not in line) <= 110
    assert any(line.startswith("PtychoPINN  *0.837 [0.800 0.870]") for line in lines)
    assert lines[-1] == "The run is sound: all 1 checks valid"
    validations.append({"path": "data", "description": "y", "valid": None, "error": "could not check: one dose only"})
    write_json(analysis / "report.json", {"all_valid": True, "n_checks": 2, "validations": validations})
    assert main(["gate", "--settings", "{}", "--report", str(analysis / "report.json"), "--summary", str(summary)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == [
        "y (data): could not check: one dose only",
        "The run is sound: 1 of 2 checks valid, none failed",
    ]
