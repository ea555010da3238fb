"""Advice where a check fails: each says what to look at or change, in words that mean something here."""

import re
from html import escape
from pathlib import Path

import pytest

from ptychostudy.__main__ import STAGES
from ptychostudy.checks.check import Check, perform
from ptychostudy.checks.verification import CHECKS
from ptychostudy.report.closing import advice_lines
from ptychostudy.report.page_details import verification
from ptychostudy.stages import gate, verify
from ptychostudy.study.hub import Hub
from ptychostudy.study.sections.page import PageSettings
from ptychostudy.study.settings import parse_study
from ptychostudy.study.stage_settings import stage_settings

ROOT = Path(__file__).resolve().parents[2]
RULES = {
    name
    for path in (ROOT / "rules").glob("*.smk")
    for name in re.findall(r"^rule (\w+):", path.read_text(encoding="utf-8"), re.MULTILINE)
}
KEYS = (ROOT / "config" / "README.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"snakemake --forcerun (\w+)|ptychostudy (\w+)(?: FILE)?")
FILE = re.compile(r"\b\w+\.(?:json|png|csv|npz|txt|zip|log)\b|logs/")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.description)
def test_each_check_has_advice_that_names_a_file_key_or_command(check):
    quoted = re.findall(r"`([^`]+)`", check.advice)
    assert quoted or FILE.search(check.advice)
    for text in quoted:
        command = COMMAND.fullmatch(text)
        if command:
            assert (command[1] or command[2]) in (RULES if command[1] else STAGES), text
        elif "." in text:
            assert f"`{text.replace('*', 'pinn')}`" in KEYS or f"`{text}.NAME" in KEYS or f"`{text}`" in KEYS, text
        else:
            assert text in RULES, text
    assert check.advice.endswith(".") and len(check.advice) < 300


def test_advice_is_given_where_a_check_failed_and_nowhere_else():
    failed = perform(Check("a", "b", lambda hub: ["x"], advice="Look at y.json."), None)
    assert failed["advice"] == "Look at y.json."
    assert "advice" not in perform(Check("a", "b", lambda hub: [], advice="Look at y.json."), None)


@pytest.fixture
def report(tmp_path):
    """The report on an empty hub: everything is missing."""
    settings = stage_settings(parse_study({"views": ["dense"], "simulate": {"doses": [1000]}}), "verify")
    entries = verify.perform_all(Hub(tmp_path, settings))
    return {"validations": entries, **verify._soundness(entries)}


def test_report_page_and_terminal_show_it(report):
    failed = [entry for entry in report["validations"] if entry["valid"] is False]
    assert len(failed) > 15 and all(entry["advice"] for entry in failed)
    page = verification(report)
    lines = advice_lines(report)
    assert lines[0] == "What to do:" and max(map(len, lines)) <= 110
    text = " ".join(" ".join(lines).split())
    for entry in failed:
        assert entry["advice"] in text and escape(entry["advice"], quote=True) in page


def test_a_sound_study_is_given_none():
    assert advice_lines({"validations": [{"valid": True, "description": "a", "path": "b"}]}) == []


def test_the_gate_prints_it_before_it_fails(report, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(gate, "read_json", lambda path, keys: report if "validations" in keys else {})
    monkeypatch.setattr(gate, "_result", lambda study, limits, width: [])
    with pytest.raises(ValueError, match="the run is not sound"):
        gate.run(PageSettings(), report=tmp_path / "report.json", summary=tmp_path / "summary.json")
    assert "What to do:" in capsys.readouterr().out
