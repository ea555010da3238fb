"""The short form of the fault campaign: 20 kills and some SIGTERM. Damages and disks: test_damages.py."""

import pytest
from campaign_table import run_campaign

KINDS = {"kill -9 of a job", "kill -9 of Snakemake", "SIGTERM to the whole run"}


@pytest.mark.timeout(1500)
def test_short_campaign(tmp_path, record_property):
    table, rows = run_campaign(tmp_path / "hub", "kill")
    record_property("table", table)
    assert sum(tries for fault, (tries, _, _) in rows.items() if fault.startswith("kill -9")) == 20
    assert "0 files different, 0 finished jobs done again" in rows["all of these"][2]
    for fault, (tries, survived, note) in rows.items():
        assert tries == survived, fault
        # What cannot be tried here says so in the table, which is printed at the end.
        assert tries > 0 or note.startswith("NOT RUN") or fault in KINDS, fault
