"""HTML elements as text: what comes from a study is escaped, what these functions return is not."""

import base64
import re
from collections.abc import Iterable, Sequence
from html import escape

_NUMBER = re.compile(r"[-+]?\d[\d ]*(?:\.\d+)?(?:e[-+]?\d+)?")


def text(value: object) -> str:
    """Return plain text for use between and within tags."""
    return escape(str(value))


def element(name: str, content: str, **attributes: str) -> str:
    """Return one element around markup; an attribute's underscores become hyphens.

    ``class`` is no name in Python: it is given as ``class_``.
    """
    given = [
        f' {key.strip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
    ]
    return f"<{name}{''.join(given)}>{content}</{name}>"


def paragraph(content: str, **attributes: str) -> str:
    """Return one paragraph around markup."""
    return element("p", content, **attributes)


def items(contents: Iterable[str]) -> str:
    """Return an unordered list."""
    return element("ul", "".join(element("li", content) for content in contents))


def table(header: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> str:
    """Return a table of markup that sorts by a click on a heading.

    Parameters
    ----------
    header, rows : list of str
        Markup of the cells; rows as long as the header, their first cell heads them.
    caption : str
        Markup above the table.
    """
    head = "".join(element("th", cell, scope="col") for cell in header)
    body = "".join(_row(row) for row in rows)
    top = element("caption", caption) if caption else ""
    inner = f"{top}{element('thead', element('tr', head))}{element('tbody', body)}"
    # A wide table scrolls by itself; the page does not.
    return element("div", element("table", inner, class_="sortable"), class_="wide")


def _row(row: Sequence[str]) -> str:
    first, *others = row
    cells = [element("th", first, scope="row"), *map(_cell, others)]
    return element("tr", "".join(cells))


def _cell(content: str) -> str:
    # A number stands under the one above it.
    if _NUMBER.match(content):
        return element("td", content, class_="number")
    return element("td", content)


def picture(png: bytes, described: str) -> str:
    """Return an image that carries its bytes (PNG)."""
    data = base64.b64encode(png).decode("ascii")
    return f'<img src="data:image/png;base64,{data}" alt="{escape(described)}">'


def figure(image: str, caption: str) -> str:
    """Return an image with its caption beneath; on a narrow screen it scrolls by itself."""
    return element("figure", element("div", image, class_="wide") + element("figcaption", caption))


def section(title: str, content: str, name: str) -> str:
    """Return a part of the page under its heading; links find it by its name."""
    return element("section", element("h2", text(title)) + content, id=name)


def fold(title: str, content: str) -> str:
    """Return what opens by a click; print shows it open."""
    return element("details", element("summary", text(title)) + content)
