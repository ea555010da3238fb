"""`status` from another terminal, while a training runs on this machine."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import yaml

from conftest import copy_workflow
from running import TRAINED, check_told, long_study, told_of_training


def test_a_running_training_is_told_from_another_terminal(tmp_path):
    workflow = copy_workflow(tmp_path)
    workflow.config.write_text(yaml.safe_dump(long_study()), encoding="utf-8")
    tools = Path(sys.executable).parent
    command = [str(tools / "snakemake"), "--logger", "ptychostudy", "--snakefile", str(workflow.source / "Snakefile")]
    command += ["--directory", str(workflow.hub), "--configfile", str(workflow.config), "--cores", "1", "--", TRAINED]
    environment = os.environ | {
        "PYTHONPATH": str(workflow.source),
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "PTYCHOSTUDY_PROGRESS_S": "0.2",
    }
    output = tmp_path / "output.txt"
    with output.open("w") as file:
        run = subprocess.Popen(
            command, env=environment, cwd=workflow.source, stdout=file, stderr=file, start_new_session=True
        )
    try:
        check_told(*told_of_training(workflow.source, workflow.hub, run))
        # What the training says is in its log, and not on the screen.
        assert "epoch" not in output.read_text()
    finally:
        # To Snakemake and to the job, which ends by itself; SIGINT is ignored by what a shell runs in the background.
        os.killpg(run.pid, signal.SIGTERM)
        try:
            run.wait(60)
        finally:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
