"""One cell in words: its facts in a sentence, and the conditions behind them."""

from ptychostudy.report import cell_texts
from studies import made_record

RECORD, _ = made_record(1000, "dense", "test")


def test_facts_are_photons_overlap_and_floor():
    # 1000 photons on 20 object pixels a frame; 1 / sqrt(2 * 50) = 0.1.
    facts = "n = 50 photons per object pixel, overlap 0.700 (linear 0.750), floor 0.1000 rad"
    assert cell_texts.describe(RECORD) == facts
    free = RECORD | {"conditions": ["noise-free", "wrong probe"]}
    assert cell_texts.describe(free) == f"{facts}; noise-free; wrong probe"


def test_an_overlap_that_is_not_known_is_said_to_be_so():
    assert cell_texts.overlap_text({"overlap": {}}) == "N/A (linear N/A)"
