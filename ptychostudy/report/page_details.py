"""Below the first screen: verification in words, every table, provenance."""

from collections.abc import Mapping, Sequence
from typing import Any

from ptychostudy.report import html
from ptychostudy.report.aggregate_tables import conditions
from ptychostudy.report.cells import Summary
from ptychostudy.report.markdown_html import markdown_html
from ptychostudy.report.verdict_texts import counted

_STATES = {True: "passed", False: "FAILED", None: "could not be made"}
_NO_ADVICE = "Look at the file it names and at the log of its stage under logs/."


def verification(report: Mapping[str, Any]) -> str:
    """Return each check in words; of one that failed also why, and what to do."""
    checks = report["validations"]
    failed = [check for check in checks if check["valid"] is False]
    rows = [
        [html.text(check["description"]), html.text(check["path"]), _STATES[check["valid"]]]
        for check in checks
    ]
    table = html.table(["Check", "Of", "Result"], rows)
    problems = "".join(_problem(check) for check in failed)
    title = f"All {len(checks)} checks"
    return problems + _unmade(checks) + html.fold(title, table)


def _problem(check: Mapping[str, Any]) -> str:
    title = html.element("h3", html.text(f"Failed: {check['description']} ({check['path']})"))
    why = html.paragraph(html.text(check.get("error", "no reason given")))
    advice = html.paragraph(
        html.element("b", "What to do: ") + html.text(check.get("advice") or _NO_ADVICE)
    )
    return html.element("div", title + why + advice, class_="failed")


def _unmade(checks: Sequence[Mapping[str, Any]]) -> str:
    texts = [
        f"{check['description']}: {check['error']}" for check in checks if check["valid"] is None
    ]
    return html.items(map(html.text, texts)) if texts else ""


def tables(reports: Mapping[str, str]) -> str:
    """Return every report of the study (Markdown by title), each under a fold."""
    return "".join(html.fold(title, markdown_html(markdown)) for title, markdown in reports.items())


def provenance(
    summary: Summary, records: Sequence[tuple[str, object]], files: Sequence[tuple[str, str]]
) -> str:
    """Return under which conditions the numbers hold, what made them, and where they lie.

    Parameters
    ----------
    summary : dict
    records : list of (str, object)
        What made the numbers: name and value.
    files : list of (str, str)
        Path, relative to the page, and what it holds.
    """
    rows = [[html.text(name), html.text(value)] for name, value in records]
    links = [
        f"{html.element('a', html.text(path), href=path)}: {html.text(meaning)}"
        for path, meaning in files
    ]
    return "".join(
        [
            html.paragraph(html.text(counted(summary["usefulness"]))),
            html.paragraph(html.text(conditions(summary)), class_="note"),
            html.table(["What", "Which"], rows) if rows else "",
            html.items(links),
        ]
    )
