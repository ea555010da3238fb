"""A part of the short fault campaign, in processes of its own, and its table as numbers."""

import re
import subprocess
import sys
from pathlib import Path

CAMPAIGN = Path(__file__).parent / "campaign" / "campaign.py"
ROW = re.compile(r"^\| (.+?) \| (\d+) \| (\d+) \| (.*) \|$", re.MULTILINE)


def run_campaign(hub, *parts):
    """Return the table as text, and of each fault how often it was tried and survived, with a note."""
    command = [sys.executable, str(CAMPAIGN), "--hub", str(hub), "--kills", "20", "--short"]
    command += ["--undisturbed", "1", "--cores", "1", "--seed", "1", "--only", *parts]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-6000:]}"
    rows = ROW.findall(done.stdout)
    return done.stdout, {fault: (int(tries), int(survived), note) for fault, tries, survived, note in rows}
