"""`snakemake --report` of a finished study: the answer first, and small."""

import json
import re

import pytest

# Snakemake's own scripts, the figures of a study and its tables: beside them the page has room for 4.8 MB.
REST_MB = 5.6


@pytest.fixture(scope="module")
def report(finished, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    done = finished.snakemake("--report", str(path))
    assert done.returncode == 0, done.stdout
    return path.read_text(encoding="utf-8")


def variable(report, name):
    (text,) = re.findall(rf"^ *var {name} = ([{{\"].*);?$", report, re.MULTILINE)
    return json.loads(text.rstrip(";"))


def test_the_answer_is_its_first_entry(report):
    categories = variable(report, "categories")
    assert sorted(categories) == ["Answer", "Figures", "Tables"]
    assert [path for paths in categories["Answer"].values() for path in paths] == ["analysis/summary.html"]
    described = variable(report, "workflow_desc")
    assert "app.showResultInfo('analysis/summary.html')" in described and "system-message" not in described
    # In place, not behind a click; what it looks like is asked of a browser in test_quick.py.
    assert "results['analysis/summary.html']" in described and described.index("<iframe") < described.index("Controls:")


def test_every_entry_has_a_caption(report):
    results = variable(report, "results")
    assert len(results) >= 9
    assert [path for path, result in results.items() if len(result["caption"]) < 100] == []


def test_it_stays_below_twelve_megabytes(finished, report):
    """However many cells there are: their pictures are in the page, as many as it has room for."""
    page = (finished.hub / "analysis" / "summary.html").stat().st_size * 4 / 3
    assert (len(report) - page) / 1e6 < REST_MB
    assert len(report) < 12e6
    assert not [path for path in variable(report, "results") if "comparison_plot" in path]
