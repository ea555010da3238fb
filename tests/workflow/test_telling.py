"""Plan, explain and status on a finished study: five kinds of staleness, each named by its cause."""

import json
import os
import subprocess
import sys
import time

import pytest

from ptychostudy.io.text import write_text


def told(finished, command, *arguments):
    """Run a command of the copy's own package."""
    done = subprocess.run(
        [sys.executable, "-m", "ptychostudy", command, *arguments],
        cwd=finished.hub,
        env=os.environ | {"PYTHONPATH": str(finished.source), "COLUMNS": "100"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def why(finished, file):
    (record,) = json.loads(told(finished, "explain", file, "--configfile", str(finished.config), "--json"))["files"]
    return record["state"], [(entry["rule"], entry["kind"], entry["what"]) for entry in record["why"]]


@pytest.fixture
def kept(finished):
    """Return a function that names a file to be given back after the test, with its times."""
    files = {}

    def keep(path):
        files[path] = (path.read_bytes(), path.stat())
        return path

    yield keep
    for path, (content, times) in files.items():
        path.write_bytes(content)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def metrics_of(finished):
    """Return the scores of one cell, whichever the tiny study has."""
    return sorted(finished.hub.glob("analysis/dose_*/*/test/comparison_metrics.csv"))[0].relative_to(finished.hub)


def test_what_is_current_is_said_to_be(finished):
    assert why(finished, str(metrics_of(finished))) == ("up to date", [])
    assert "Nothing would run" in told(finished, "plan", "--configfile", str(finished.config))


def test_a_changed_key_is_named_with_both_values(finished, kept):
    config = kept(finished.config)
    config.write_text(config.read_text() + "compare:\n  ms_ssim_sigma: 1.5\n")
    expected = ("compare", "key changed", ["ms_ssim_sigma 1.0 -> 1.5"])
    assert why(finished, str(metrics_of(finished))) == ("out of date", [expected])
    plan = told(finished, "plan", "--configfile", str(finished.config)).splitlines()
    assert len(plan) <= 30 and "on " in plan[0] and "not known" not in plan[0]
    assert any(line.startswith("compare ") and "ms_ssim_sigma 1.0 -> 1.5" in line for line in plan)


def test_a_changed_module_is_named(finished, kept):
    module = kept(finished.source / "ptychostudy" / "measure" / "metrics.py")
    module.write_text(module.read_text() + "\n\ndef _new_metric():\n    return 0.0\n")
    expected = ("compare", "code changed", ["ptychostudy.measure.metrics"])
    assert why(finished, "analysis/metrics_summary.json") == ("out of date", [expected])


def test_a_missing_file_before_it_is_named(finished, kept):
    path = kept(sorted(finished.hub.glob("analysis/dose_*/*/test/status.json"))[0])
    path.unlink()
    state, ((rule, kind, what),) = why(finished, "analysis/metrics_summary.json")
    assert (state, rule, kind) == ("out of date", "compare", "file missing")
    assert what == [str(path.relative_to(finished.hub))]


def test_a_newer_input_is_named(finished, kept):
    grid = kept(finished.hub / "analysis" / "ssim_grid_summary.md")
    for beside in grid.parent.glob(f"*{grid.name}*"):
        kept(beside)
    write_text(grid, grid.read_text() + "\nanother line\n")
    expected = ("check", "input newer", ["analysis/ssim_grid_summary.md"])
    assert why(finished, "analysis/check_dense_highlights.log") == ("out of date", [expected])


def test_a_changed_rule_is_named(finished, kept):
    rules = kept(finished.source / "rules" / "compare.smk")
    rules.write_text(rules.read_text().replace("ptychostudy compare --settings", "ptychostudy compare  --settings"))
    state, ((rule, kind, _),) = why(finished, str(metrics_of(finished)))
    assert (state, rule, kind) == ("out of date", "compare", "rule changed")


def test_status_of_a_finished_study(finished):
    started = time.monotonic()
    record = json.loads(told(finished, "status", "--json"))
    assert time.monotonic() - started < 5
    assert record["alive"] is False and record["running"] == []
    assert record["done"] == record["total"] > 20
