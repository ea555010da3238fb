"""Captions of the report: under every condition they are whole, and a measured study has no truth in them."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from jinja2 import Environment, StrictUndefined

CAPTIONS = sorted((Path(__file__).resolve().parents[3] / "report").glob("*.rst"))
WILDCARDS = SimpleNamespace(dose="1000", view="dense", split="test")


def shown(path, frames):
    config = {"seeds": [0, 4], "base": {"frames": frames}}
    template = Environment(undefined=StrictUndefined).from_string(path.read_text(encoding="utf-8"))
    return template.render(snakemake=SimpleNamespace(config=config, wildcards=WILDCARDS))


@pytest.mark.parametrize("path", CAPTIONS, ids=lambda path: path.stem)
def test_a_caption_speaks_of_what_the_study_has(path):
    simulated, measured = (shown(path, frames) for frames in ("simulate", "measured"))
    assert not simulated[0].isspace() and not measured[0].isspace()
    assert not re.search(r"\btruth\b", measured) and not re.search(r"\breference\b", simulated)
    assert simulated.replace("truth", "reference") == measured


def test_some_captions_differ():
    assert sum(shown(path, "simulate") != shown(path, "measured") for path in CAPTIONS) >= 5
