"""The short form of the fault campaign: 20 kills and some SIGTERM, each kind of file damaged once, bad disks."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

CAMPAIGN = Path(__file__).parent / "campaign" / "campaign.py"


@pytest.mark.timeout(1500)
def test_short_campaign(tmp_path, record_property):
    command = [sys.executable, str(CAMPAIGN), "--hub", str(tmp_path / "hub"), "--kills", "20", "--short"]
    command += ["--undisturbed", "1", "--cores", "1", "--seed", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    record_property("table", done.stdout)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-6000:]}"
    rows = {fault: (int(tries), int(survived), note) for fault, tries, survived, note in ROW.findall(done.stdout)}
    assert sum(tries for fault, (tries, _, _) in rows.items() if fault.startswith("kill -9")) == 20
    assert "0 files different, 0 finished jobs done again" in rows["all of these"][2]
    for fault, (tries, survived, note) in rows.items():
        assert tries == survived, fault
        # What cannot be tried here says so in the table, which is printed at the end.
        assert tries > 0 or note.startswith("NOT RUN") or fault in KINDS, fault
    assert sum(tries for fault, (tries, _, _) in rows.items() if fault in DAMAGE) >= 30


ROW = re.compile(r"^\| (.+?) \| (\d+) \| (\d+) \| (.*) \|$", re.MULTILINE)
KINDS = {"kill -9 of a job", "kill -9 of Snakemake", "SIGTERM to the whole run"}
DAMAGE = {"cut short", "second half zeroed", "one bit flipped", "two files exchanged", "stale file with an old time"}
