"""Captions of the report: they render, are short, and say metric, photons, overlap, seeds and convergence."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from jinja2 import StrictUndefined, Template

FOLDER = Path(__file__).resolve().parents[2] / "report"
CAPTIONS = sorted(path for path in FOLDER.glob("*.rst") if path.stem != "workflow")


def rendered(path, config):
    wildcards = SimpleNamespace(dose="1000", view="dense", split="test")
    template = Template(path.read_text(encoding="utf-8"), undefined=StrictUndefined)
    return " ".join(template.render(snakemake=SimpleNamespace(config=config, wildcards=wildcards)).split())


@pytest.mark.parametrize("path", CAPTIONS, ids=lambda path: path.stem)
def test_every_caption_states_the_conditions(path):
    text = rendered(path, {"seeds": [3, 4]})
    for word in ("overlap", "linear", "onverge", "seed"):
        assert word in text.lower(), word
    assert "n, " in text or "with n and" in text or "per object pixel n" in text
    assert "Wang 200" in text or "Definitions" in text
    assert "3, 4" in text


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.rst")), ids=lambda path: path.stem)
def test_captions_are_short_and_need_no_seeds_in_the_configuration(path):
    text = path.read_text(encoding="utf-8")
    # What shows the page in the report is no prose.
    prose = re.sub(r"{% for .*?{% endfor -%}\n", "", text, flags=re.DOTALL)
    assert prose.count("\n") <= 6
    assert rendered(path, {})
