"""The commands of docs/tutorial.md, read from it and typed in an empty folder, on the measured star.

``PTYCHOSTUDY_WHOLE_TUTORIAL=1`` runs its study as it is written; otherwise one dose, one view and short trainings stand
for it: a third of the jobs, and minutes instead of a quarter of an hour.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import copy_workflow

TUTORIAL = (Path(__file__).resolve().parents[2] / "docs" / "tutorial.md").read_text(encoding="utf-8")
STEPS = re.findall(r"^```sh\n(.*?)^```", TUTORIAL, re.MULTILINE | re.DOTALL)
# Behind the study's own keys; none of them is among those.
LIGHT = """
doses: [10000]
views: [dense]
reference: {epochs: 5}
train:
  pinn: {epochs: 2, width: 4, draws: 2}
  baseline: {epochs: 2, width: 4, draws: 2, objects: [lines]}
reconstruct: {epochs: 5}
maximise: {iterations: 20, smooth_iterations: 10, weight: 1.5}
"""


def test_every_step_has_its_commands():
    headings = re.findall(r"^## (\d)\. ", TUTORIAL, re.MULTILINE)
    assert headings == [str(number) for number in range(1, len(headings) + 1)]
    # Step 2 has two blocks: what is said, and what is asked.
    assert len(STEPS) == len(headings) + 1


@pytest.mark.slow
def test_the_commands_run_to_an_answer(tmp_path):
    source = copy_workflow(tmp_path).source
    hub = tmp_path / "hub"
    tools = Path(sys.executable).parent
    # As a desktop that has no browser: what is opened is looked for here.
    environment = os.environ | {
        "PYTHONPATH": str(source),
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "BROWSER": "true",
    }
    said = []
    for step in STEPS:
        commands = step.replace("REPOSITORY", str(source)).replace("ptychostudy plan", "python -m ptychostudy plan")
        commands = re.sub(r"^ptychostudy ", "python -m ptychostudy ", commands, flags=re.MULTILINE)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=hub,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode and " fetch " in commands:
            pytest.skip(f"the measured star cannot be had here: {done.stdout[-500:]}")
        assert done.returncode == 0, f"{commands}\n{done.stdout[-3000:]}"
        said.append(done.stdout)
        if ">> study.yaml" in commands and not os.environ.get("PTYCHOSTUDY_WHOLE_TUTORIAL"):
            with open(hub / "study.yaml", "a") as study:
                study.write(LIGHT)
    inspected, planned, answer = said[1], said[3], said[5]
    # The numbers that the text tells of this file.
    assert "R = 0.116; photon noise alone: 0.046" in re.sub(r"; best: [\d.]+", "", inspected)
    assert "overlap            72%" in inspected and "217 in train, 212 in test; 87 of 516" in inspected
    assert re.search(r"\d+ jobs of \d+ rules would run", planned)
    report = json.loads((hub / "analysis" / "verification_report.json").read_text())
    assert report["all_valid"] and answer.strip()
    page = (hub / "analysis" / "summary.html").read_text()
    assert "usable" in page and "full-dose iterative reference" in page
    shutil.rmtree(hub / "download", ignore_errors=True)
