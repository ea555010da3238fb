"""docs/gallery.md names every figure of a study, and its pictures are there and small."""

import re
from pathlib import Path

import pytest

from ptychostudy.study import layout

DOCS = Path(__file__).resolve().parents[2] / "docs"
GALLERY = (DOCS / "gallery.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"\*\*`([^`]+\.png)`\*\*", GALLERY))
PICTURES = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", GALLERY)


def figures():
    """Return the names of all figures of the layout: its texts that end as a picture does."""
    return {path for path in vars(layout).values() if isinstance(path, str) and path.endswith(".png")}


def test_every_figure_is_named_and_no_other():
    wanted = {f"analysis/dose_*/*/*/{path}" if "/" not in path else path for path in figures()}
    assert len(wanted) >= 12 and wanted == NAMED


def test_each_has_a_question():
    blocks = [block for block in GALLERY.split("\n\n") if block.startswith("**`")]
    assert len(blocks) == len(PICTURES) and all(re.search(r"\*[^*`]+[.?]\*$", block) for block in blocks)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_there_and_small(name):
    data = (DOCS / name).read_bytes()
    assert data[:4] == b"\x89PNG" and len(data) < 300_000


def test_together_they_stay_below_a_megabyte():
    assert sum((DOCS / name).stat().st_size for name in PICTURES) < 1_000_000
    shown = {DOCS / name for name in PICTURES}
    assert set((DOCS / "gallery").iterdir()) <= shown, "a picture that nobody shows"
