"""Checks of the texts: what people read of a study is what its JSON files say, to the digit."""

from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

from ptychostudy.checks.summaries import read_delta, read_summary
from ptychostudy.io.text import read_text
from ptychostudy.report import delta_texts, tables
from ptychostudy.study import layout
from ptychostudy.study.hub import Hub

Render = Callable[[Mapping[str, Any], Mapping[str, Any], float], str]
"""From summary, differences and the threshold of MS-SSIM to a text."""

_COMPARED = (layout.DELTA_HIGHLIGHTS, layout.DELTA_PREVIEW, layout.GRID_TEXT)


def summary_text(hub: Hub) -> list[str]:
    """Compare the text of the summary with its source."""
    return _rendered(hub, layout.SUMMARY_TEXT, _summary_alone)


def aggregate_highlights(hub: Hub) -> list[str]:
    """Compare the highlights of the study's means with their source."""
    return _rendered(hub, layout.AGGREGATE_HIGHLIGHTS, tables.aggregate_highlights)


def digest(hub: Hub) -> list[str]:
    """Compare the digest with its source."""
    return _rendered(hub, layout.DIGEST, tables.metrics_digest)


def highlights(hub: Hub) -> list[str]:
    """Compare highlights, preview and grid with the differences."""
    delta = read_delta(hub)
    texts = [read_text(hub.root / path) for path in _COMPARED]
    return delta_texts.check_highlights(delta, *texts)


def grid(hub: Hub) -> list[str]:
    """Check that the grid summary is phase only and equals its rendering."""
    text = read_text(hub.root / layout.GRID_TEXT)
    rendered = delta_texts.ssim_grid_summary(read_delta(hub))
    problems = []
    # Phase only by contract: the word may not occur at all.
    if "amplitude" in text.lower():
        name = PurePath(layout.GRID_TEXT).name
        problems.append(f"the word amplitude occurs in {name}")
    if text != rendered:
        problems.append(f"{layout.GRID_TEXT} differs from its source")
    return problems


def _summary_alone(
    summary: Mapping[str, Any], delta: Mapping[str, Any], ms_ssim_threshold: float
) -> str:
    return tables.metrics_summary(summary)


def _rendered(hub: Hub, path: str, render: Render) -> list[str]:
    """Compare a text with its rendering from the JSON files."""
    summary = read_summary(hub)
    delta = read_delta(hub)
    text = read_text(hub.root / path)
    rendered = render(summary, delta, hub.settings.ms_ssim_threshold)
    if text == rendered:
        return []
    if not text:
        return [f"{path} is empty"]
    return [f"{path} differs from its source at line {_first_difference(text, rendered)}"]


def _first_difference(text: str, rendered: str) -> int | str:
    """Return the number of the first line that differs; where one text only goes on, its end."""
    pairs = zip(text.splitlines(), rendered.splitlines(), strict=False)
    for number, (line, wanted) in enumerate(pairs, start=1):
        if line != wanted:
            return number
    return "its end"
