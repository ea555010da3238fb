"""A run that fails leaves a report; the run that repairs it closes the ledger."""

import numpy as np
import pytest

from conftest import USER, copy_workflow


@pytest.mark.parametrize(
    "quiet",
    [[], ["--quiet", "rules", "host"], ["--logger", "ptychostudy"]],
    ids=["plain", "quiet", "panel"],
)
def test_a_failure_is_reported_and_later_resolved(tmp_path, quiet):
    workflow = copy_workflow(tmp_path, USER)
    (workflow.hub / "scan.npz").write_text("no zip archive")
    target = "data/base/reference.npz"
    done = workflow.snakemake(*quiet, "--", target)
    assert done.returncode == 1, done.stdout
    (report,) = (workflow.hub / "red").glob("*.md")
    text = report.read_text()
    assert f"red/{report.name} says what failed" in done.stdout
    for part in ("\n## base\n", "exit code: 2", "python -m ptychostudy base", "scan.npz: not a zip", f"-- {target}"):
        assert part in text
    assert "blocked\tbase\t" in (workflow.hub / "analysis" / "blocker.log").read_text()

    rng = np.random.default_rng(0)
    field = np.ones((100, 90), complex)
    rows, cols = rng.uniform(20, 70, (2, 40))
    np.savez(
        workflow.hub / "scan.npz", xcoords=cols, ycoords=rows, probeGuess=np.ones((32, 32), complex), objectGuess=field
    )
    done = workflow.snakemake(*quiet, "--", target)
    assert done.returncode == 0, done.stdout
    assert f"resolved by this run:\n  base (red/{report.name})" in done.stdout
    ledger = workflow.hub / "analysis" / "blocker.log"
    assert "resolved by a later run\tbase\t" in ledger.read_text()
    ledger.write_text(ledger.read_text() + "A note of ours: the scan was cut short.\n")
    done = workflow.snakemake(*quiet, "--", target)
    assert done.returncode == 0 and "resolved by" not in done.stdout, done.stdout
