"""The page of a study: one HTML file that needs nothing beside it, the answer first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ptychostudy.report import html
from ptychostudy.report.cells import DESIGNS, Cell, Summary
from ptychostudy.report.improvements import improvements
from ptychostudy.report.page_answer import (
    answer,
    decisive_cells,
    lowest_table,
    next_steps,
    overlap_map,
    saved,
    speed_table,
    terms,
    verdict_line,
)
from ptychostudy.report.page_details import provenance, tables, verification
from ptychostudy.report.page_figures import compared, picture_path, studied
from ptychostudy.report.page_look import SCRIPT, STYLE
from ptychostudy.report.referee import Made, referee_answers, referee_table
from ptychostudy.report.speed import Speed
from ptychostudy.report.usable import Judged, judge
from ptychostudy.study import layout

if TYPE_CHECKING:
    from ptychostudy.study.sections.page import PageSettings

_TITLE = "Reconstruction quality against dose and overlap"
_LINKS = {
    "answer": "Answer",
    "pictures": "Pictures",
    "figures": "Figures",
    "verification": "Verification",
    "questions": "Referees ask",
    "tables": "Tables",
    "provenance": "Provenance",
}
# Figures that carry the answer; the others stand with the rest.
_FIRST = 2


@dataclass(frozen=True)
class Material:
    """What a page is made of.

    Attributes
    ----------
    summary, verification : dict
        ``metrics_summary.json`` and ``verification_report.json``.
    reports : dict of str to str
        Markdown by title.
    figures, pictures : dict of str to bytes
        PNG of the study by name, and of cells by path.
    speeds : list of Speed
    made : Made
        How the study was made, for the questions of referees.
    records : list of (str, object)
        What made the numbers.
    files : list of (str, str)
        Path relative to the page, and what it holds.
    """

    summary: Summary
    verification: Mapping[str, Any]
    reports: Mapping[str, str]
    figures: Mapping[str, bytes]
    pictures: Mapping[str, bytes]
    speeds: Sequence[Speed]
    made: Made
    records: Sequence[tuple[str, object]]
    files: Sequence[tuple[str, str]]


def page(material: Material, limits: "PageSettings") -> str:
    """Return the page of a study as text; of the same material it is the same."""
    judged = judge(material.summary, limits)
    # A blank between them lets the line break.
    links = " ".join(html.element("a", words, href=f"#{name}") for name, words in _LINKS.items())
    body = "\n".join(
        [
            html.element("h1", _TITLE),
            verdict_line(material.verification),
            _first_screen(material, judged, limits),
            html.element("nav", links),
            *_below(material, judged),
        ]
    )
    return _document(body)


def _first_screen(material: Material, judged: Sequence[Judged], limits: "PageSettings") -> str:
    summary = material.summary
    columns = [
        lowest_table(summary, judged) + next_steps(improvements(summary, judged)),
        overlap_map(summary, judged) + speed_table(material.speeds) + saved(summary),
    ]
    grid = html.element("div", "".join(map(_block, columns)), class_="grid")
    first = [answer(summary, judged, limits), grid, terms(summary)]
    return html.element("div", "".join(first), id="answer")


def _block(content: str) -> str:
    return html.element("div", content)


def _below(material: Material, judged: Sequence[Judged]) -> list[str]:
    summary = material.summary
    figures = studied(material.figures, summary["jobs"])
    cells = decisive_cells(summary, judged)
    pictures = compared(cells, material.pictures)
    design = html.paragraph(html.text(f"Design: {DESIGNS[summary['design']]}."), class_="note")
    asked = referee_table(referee_answers(summary, material.made))
    first = [*figures[:_FIRST], *pictures[:1]]
    rest = [*figures[_FIRST:], *pictures[1:], _elsewhere(summary, material.pictures)]
    return [
        html.section("The pictures that matter", design + "".join(first), "pictures"),
        html.section("All figures", "".join(rest), "figures"),
        html.section("Verification", verification(material.verification), "verification"),
        html.section("What referees ask", asked, "questions"),
        html.section("Tables", tables(material.reports), "tables"),
        html.section(
            "Provenance", provenance(summary, material.records, material.files), "provenance"
        ),
    ]


def _elsewhere(summary: Summary, shown: Mapping[str, bytes]) -> str:
    """Return links to the pictures of cells that the page does not carry."""
    paths = [picture_path(cell) for cell in summary["jobs"]]
    left = [path.removeprefix(f"{layout.ANALYSIS_FOLDER}/") for path in paths if path not in shown]
    if not left:
        return ""
    links = [html.element("a", html.text(path), href=path) for path in left]
    return html.paragraph("Pictures of the other cells, beside this page:") + html.items(links)


def wanted_pictures(summary: Summary, limits: "PageSettings") -> list[Cell]:
    """Return the cells whose pictures the page would carry, the most telling first."""
    return decisive_cells(summary, judge(summary, limits))


def _document(body: str) -> str:
    head = "".join(
        [
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<link rel="icon" href="data:,">',
            html.element("title", _TITLE),
            f"<style>{STYLE}</style>",
        ]
    )
    script = f"<script>{SCRIPT}</script>"
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>{head}</head>\n'
        f"<body>\n{body}\n{script}\n</body>\n</html>\n"
    )
