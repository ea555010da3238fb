"""The rest of the short campaign: each kind of file damaged once, bad disks, undisturbed runs without an alarm."""

import pytest
from campaign_table import run_campaign

DAMAGE = {"cut short", "second half zeroed", "one bit flipped", "two files exchanged", "stale file with an old time"}


@pytest.mark.timeout(1500)
def test_short_campaign_of_damages(tmp_path, record_property):
    table, rows = run_campaign(tmp_path / "hub", "damage", "place", "undisturbed")
    record_property("table", table)
    for fault, (tries, survived, note) in rows.items():
        assert tries == survived, fault
        assert tries > 0 or note.startswith("NOT RUN"), fault
    assert sum(tries for fault, (tries, _, _) in rows.items() if fault in DAMAGE) >= 30
