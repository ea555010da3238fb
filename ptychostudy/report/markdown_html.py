"""The reports' own Markdown as HTML: headings, paragraphs, lists and tables, and nothing else.

`ptychostudy.report.markdown` writes it; of other people's Markdown it knows too little.
"""

import re
from collections.abc import Sequence

from ptychostudy.report import html

_HEADING = re.compile(r"(#+) (.*)")
_STRONG = re.compile(r"\*\*(.+?)\*\*")
_CODE = re.compile(r"`([^`]+)`")
_BAR = re.compile(r"(?<!\\)\|")
# The page has a heading for each report; those of the report stand below it.
_DEEPER = 2
_LAST = 6


def markdown_html(markdown: str) -> str:
    """Return a report as markup; its first heading, which the page has too, is left out."""
    blocks = [block.splitlines() for block in markdown.strip().split("\n\n")]
    kept = [block for block in blocks if block and not block[0].startswith("# ")]
    return "\n".join(_block(block) for block in kept)


def _block(lines: Sequence[str]) -> str:
    heading = _HEADING.fullmatch(lines[0])
    if heading:
        level = min(len(heading[1]) + _DEEPER - 1, _LAST)
        return html.element(f"h{level}", _inline(heading[2])) + _rest(lines[1:])
    if lines[0].startswith("|"):
        return _table(lines)
    if all(line.startswith("- ") for line in lines):
        return html.items(_inline(line[2:]) for line in lines)
    return html.paragraph(_inline(" ".join(lines)))


def _rest(lines: Sequence[str]) -> str:
    return _block(lines) if lines else ""


def _table(lines: Sequence[str]) -> str:
    # The second line is the rule between header and rows.
    header, _, *rows = [_cells(line) for line in lines]
    return html.table(header, rows)


def _cells(line: str) -> list[str]:
    # A bar at either end has nothing beyond it.
    texts = _BAR.split(line)[1:-1]
    return [_inline(text.strip().replace("\\|", "|")) for text in texts]


def _inline(text: str) -> str:
    escaped = html.text(text)
    coded = _CODE.sub(r"<code>\1</code>", escaped)
    return _STRONG.sub(r"<strong>\1</strong>", coded)
