"""The table of `docs/speed.md` is what `bench/results.json` gives, and says what is there."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "bench"


@pytest.fixture(scope="module")
def table():
    """Return the module that writes the table; its folder is on the path only meanwhile, as names in it are plain."""
    sys.path.insert(0, str(BENCH))
    try:
        spec = importlib.util.spec_from_file_location("speed_table", BENCH / "table.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(BENCH))
        sys.modules.pop("groups", None)
    return module


@pytest.fixture(scope="module")
def results():
    return json.loads((BENCH / "results.json").read_text(encoding="utf-8"))


def test_the_page_holds_the_table_of_the_results(table, results):
    page = (ROOT / "docs/speed.md").read_text(encoding="utf-8")
    assert table.filled(page, results) == page


def test_every_group_is_a_module_and_has_rows(table, results):
    assert {row["group"] for row in results["rows"]} == set(table.GROUPS) == set(results["dates"])
    assert [group for group in table.GROUPS if not (BENCH / f"{group}.py").is_file()] == []


def test_nothing_names_a_host(results):
    assert set(results["machine"]) == {"processor", "cores", "instructions", "versions"}
    assert "/" not in results["machine"]["processor"]


ROW = {"row": "work", "value": 0.02, "unit": "CPU s", "kind": "naive", "beside": "a loop", "beside_value": 0.25}


def test_a_row_is_a_line(table):
    found = table.line(ROW | {"ratio": 0.08, "turns": 5})
    assert found == "| work | 20 CPU ms | naive: a loop | 0.25 CPU s | 0.08 | 5 |"


def test_what_could_not_be_measured_says_why(table):
    found = table.line({"row": "work", "missing": "no such processor"})
    assert found == "| work | not measured: no such processor | | | | |"


def test_a_page_keeps_what_is_around_its_table(table, results):
    page = f"before\n{table.FIRST}\nold\n{table.LAST}\nafter"
    found = table.filled(page, results)
    assert found.startswith("before\n") and found.endswith("\nafter") and "\nold\n" not in found
    assert table.filled(found, results) == found
