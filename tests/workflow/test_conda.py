"""Rules in environments of conda, which hold what the package imports but not the package, from a hub elsewhere.

No registry that the tests may use has conda. So Snakemake drives a stand-in that makes, for each file of `envs/`, a
bare environment of Python with what is installed here, but without this package: it is real but for who made it.
"""

import os
import subprocess
import sys
import sysconfig

from conftest import copy_workflow

CONDA = f"""#!{sys.executable}
import json, os, subprocess, sys
from pathlib import Path

words, root = sys.argv[1:], Path(sys.argv[0]).resolve().parent.parent
if words == ["--version"]:
    print("conda 26.1.0")
elif words[0] == "info":
    print(json.dumps({{"conda_prefix": str(root), "platform": "linux-64"}}))
elif words[0] == "config":
    print(json.dumps({{"get": {{"channel_priority": "strict"}}}}))
elif words[:2] == ["env", "create"]:
    prefix = [after.strip('"') for word, after in zip(words, words[1:]) if word in ("--prefix", "-p")][0]
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", prefix], check=True)
    (site,) = Path(prefix).glob("lib/python*/site-packages")
    for path in Path({sysconfig.get_path("purelib")!r}).iterdir():
        if not any(word in path.name for word in ("ptychostudy", "__editable__", "snakemake")):
            (site / path.name).symlink_to(path)
elif words[0] != "clean":
    sys.exit(f"the stand-in of conda does not know {{words}}")
"""


def test_a_stage_finds_its_package_in_an_environment_without_it(tmp_path, monkeypatch):
    tools = tmp_path / "conda" / "bin"
    tools.mkdir(parents=True)
    (tools / "conda").write_text(CONDA)
    (tools / "conda").chmod(0o755)
    (tools / "activate").write_text('export PATH="$1/bin:$PATH"\n')
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")

    workflow = copy_workflow(tmp_path / "a copy")
    done = workflow.snakemake("data/phase_d/dense/dense_train.npz", "--sdm", "conda")
    assert done.returncode == 0, done.stdout[-6000:]
    assert done.stdout.count("Activating conda environment: .snakemake/conda/") >= 3  # base, truth, overlap
    made = {path.parent.parent for path in (workflow.hub / ".snakemake" / "conda").glob("*/bin/python")}
    assert len(made) == 1, "core"
    for folder in made:
        find = [folder / "bin" / "python", "-c", "import numpy, ptychostudy"]
        missed = subprocess.run(find, cwd=folder, env={}, capture_output=True, text=True, check=False).stderr
        assert "No module named 'ptychostudy'" in missed
