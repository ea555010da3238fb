"""Stage doctor: what this machine and this folder lack for a run, each with its remedy."""

from dataclasses import asdict
from pathlib import Path

from ptychostudy.telling import hub_state, installed, machine
from ptychostudy.telling.answer import show, wrapped
from ptychostudy.telling.finding import OK, PROBLEM, WARNING, Finding

_NAMES = 10


def run(*, hub: Path = Path("."), json: bool = False) -> int:
    """Print one line for each thing that was looked at: ok, warning or problem, with its remedy.

    Versions, cores, threads, GPU, Slurm, disk, write access, locks. Nothing is changed, and no
    library of the networks is started.

    Parameters
    ----------
    hub : Path
        Working directory of the study.
    json : bool
        One JSON object instead.

    Returns
    -------
    int
        1 with a problem, else 0.
    """
    found = [*installed.findings(), *machine.findings(), *hub_state.findings(hub)]
    states = [finding.state for finding in found]
    record = {"findings": [asdict(finding) for finding in found], "ok": PROBLEM not in states}
    show([*_lines(found), _total(states)], record, as_json=json)
    return int(PROBLEM in states)


def _lines(found: list[Finding]) -> list[str]:
    lines = []
    for finding in found:
        lines += wrapped(f"{finding.name}: {finding.text}", _NAMES, finding.state)
        if finding.state != OK:
            lines += wrapped(finding.remedy, _NAMES + 3, " " * _NAMES + "-> ")
    return lines


def _total(states: list[str]) -> str:
    problems, warnings = states.count(PROBLEM), states.count(WARNING)
    if not problems and not warnings:
        return "All is well."
    return f"Problems: {problems}. Warnings: {warnings}."
