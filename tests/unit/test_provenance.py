"""Digests: what a stage runs counts, how it is written does not, and other stages are none of its business."""

import re
import tomllib
from pathlib import Path

import pytest

from ptychostudy import __version__, provenance

PACKAGE = {
    "ptychostudy/__init__.py": "",
    "ptychostudy/optics/__init__.py": "",
    "ptychostudy/optics/wave.py": "def wave(x):\n    return x + 1\n",
    "ptychostudy/optics/field.py": "from ptychostudy.optics import wave\n\n\ndef field(x):\n    return wave.wave(x)\n",
    "ptychostudy/optics/far.py": "def far(x):\n    from .field import field\n\n    return field(x)\n",
    "ptychostudy/stages/__init__.py": "",
    "ptychostudy/stages/first.py": '"""First."""\n\nfrom ..optics.far import far\n\n\ndef run(x):\n    return far(x)\n',
    "ptychostudy/stages/second.py": "import numpy as np\n\n\ndef run(x):\n    return np.sin(x)\n",
    "ptychostudy/stages/third.py": "import ptychostudy.optics.wave as w\n\n\ndef run(x):\n    return w.wave(x)\n",
}

WAVE = "ptychostudy/optics/wave.py"


@pytest.fixture
def digest(tmp_path, monkeypatch):
    """Return a function: the digest of a stage in a copy of the little package with some files replaced."""
    copies = iter(range(1000))

    def of(stage, changes=None):
        root = tmp_path / str(next(copies))  # a new folder each time: parsed files are remembered by their path
        for name, text in (PACKAGE | (changes or {})).items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        monkeypatch.setattr(provenance, "ROOT", root)
        return provenance.code_digest(f"ptychostudy.stages.{stage}")

    return of


def test_digest_does_not_depend_on_the_folder(digest):
    assert digest("first") == digest("first")
    assert re.fullmatch("[0-9a-f]{16}", digest("first"))


@pytest.mark.parametrize(
    "text",
    [
        "# why\ndef wave(x):\n    return x + 1  # one more\n",
        '"""Waves."""\n\n\ndef wave(x):\n    """Return the next wave."""\n    return x + 1\n',
        "\n\ndef wave(x):\n\n    return (x\n            + 1)\n",
    ],
    ids=["comment", "docstring", "layout"],
)
def test_comments_docstrings_and_layout_do_not_count(digest, text):
    assert digest("first", {WAVE: text}) == digest("first")


@pytest.mark.parametrize(
    "text",
    [
        "def wave(x):\n    return x + 2\n",
        "def wave(y):\n    return y + 1\n",
        "def wave(x):\n    'text'\n    'more text'\n    return x + 1\n",
        "LEVEL = 1\n\n\ndef wave(x):\n    return x + 1\n",
    ],
)
def test_code_counts_however_deep_it_is_imported(digest, text):
    # first -> ..optics.far -> (inside a function) .field -> wave: relative, lazy and absolute imports in one chain.
    assert digest("first", {WAVE: text}) != digest("first")
    assert digest("third", {WAVE: text}) != digest("third")
    assert digest("second", {WAVE: text}) == digest("second")


def test_another_stage_does_not_count(digest):
    change = {"ptychostudy/stages/second.py": "def run(x):\n    return x\n"}
    assert digest("first", change) == digest("first")
    assert digest("second", change) != digest("second")


def test_parents_count_because_they_run(digest):
    change = {"ptychostudy/stages/__init__.py": "import os\n"}
    assert digest("second", change) != digest("second")


def test_closure_of_a_stage(digest):
    digest("first")
    found = {
        path.relative_to(provenance.ROOT).as_posix() for path in provenance.import_closure("ptychostudy.stages.first")
    }
    assert found == set(PACKAGE) - {"ptychostudy/stages/second.py", "ptychostudy/stages/third.py"}


def test_unknown_module_is_refused():
    with pytest.raises(ValueError, match="no source file for"):
        provenance.code_digest("elsewhere.stage")


def test_real_stages_depend_on_what_they_run():
    closure = {
        path.relative_to(provenance.ROOT).as_posix() for path in provenance.import_closure("ptychostudy.stages.base")
    }
    assert {"ptychostudy/physics/scans.py", "ptychostudy/formats/scan.py", "ptychostudy/stages/base.py"} <= closure
    assert not any(name.startswith(("ptychostudy/networks", "ptychostudy/figures")) for name in closure)


def test_versions(monkeypatch):
    found = provenance.versions()
    assert set(provenance.PACKAGES) < set(found)
    assert re.match(r"\d+\.\d+", found["numpy"])
    monkeypatch.setattr(provenance, "PACKAGES", ("no-such-package",))
    assert provenance.versions()["no-such-package"] == "not installed"


def test_version_of_the_package_is_known_where_it_is_not_installed():
    project = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert provenance.versions()["ptychostudy"] == __version__ == project["project"]["version"]
