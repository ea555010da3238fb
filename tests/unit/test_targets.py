"""Targets that mean the verdict bring the whole study with them; others stay as they are."""

import pytest

from ptychostudy.runs.targets import widened

VERDICTS = ["analysis/verification_report.json"]


@pytest.mark.parametrize("spelt", ["analysis/verification_report.json", "./analysis/verification_report.json"])
def test_the_verdict_brings_the_study(spelt):
    assert widened([spelt, "x"], VERDICTS, "all") == {spelt, "x", "all"}


@pytest.mark.parametrize("targets", [[], ["all"], ["analysis"], ["seeds/seed_1/analysis/verification_report.json"]])
def test_others_do_not(targets):
    assert widened(targets, VERDICTS, "all") == set(targets)
