"""Doctor: what is wrong with a machine or a hub is named, with its remedy; what is well is not."""

import importlib.metadata
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ptychostudy.runs.process import THREAD_VARIABLES
from ptychostudy.telling import doctor, hub_state, installed, machine
from ptychostudy.telling.finding import OK, PROBLEM, WARNING

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A machine without Slurm, GPU and threads said, and a hub in which nothing was done."""
    for name in (*THREAD_VARIABLES, "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    tools = tmp_path / "tools"
    tools.mkdir()
    monkeypatch.setenv("PATH", str(tools))
    hub = tmp_path / "hub"
    (hub / ".snakemake" / "locks").mkdir(parents=True)
    return hub


def asked(hub, capsys):
    code = doctor.run(hub=hub, json=True)
    record = json.loads(capsys.readouterr().out)
    assert record["ok"] == (code == 0)
    return code, {finding["name"]: finding for finding in record["findings"]}


def tool(monkeypatch, tmp_path, name, text):
    path = Path(os.environ["PATH"].split(os.pathsep)[0]) / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def without(monkeypatch, package):
    there = importlib.metadata.version

    def version(name):
        if name == package:
            raise importlib.metadata.PackageNotFoundError(name)
        return there(name)

    monkeypatch.setattr(importlib.metadata, "version", version)


def absent(monkeypatch, _):
    """torch is not installed."""
    without(monkeypatch, "torch")
    return "package torch", PROBLEM, "constraints.txt"


def spared(monkeypatch, _):
    """What networks of canvases, the default, do without is not installed."""
    without(monkeypatch, "tensorflow")
    return "package tensorflow", WARNING, "keras"


def slower(monkeypatch, _):
    """What only makes a study faster is not installed."""
    without(monkeypatch, "pyfftw")
    return "package pyfftw", WARNING, "fast"


def unfit(monkeypatch, _):
    """Numba is installed and does not go with another package."""
    monkeypatch.setitem(sys.modules, "numba", None)
    return "package numba", WARNING, "fast"


def threads(monkeypatch, _):
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    return "OMP_NUM_THREADS", PROBLEM, "unset OMP_NUM_THREADS"


def graphics(monkeypatch, _):
    """A GPU is given, and there is no driver to use it."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    return "gpu", PROBLEM, "CUDA_VISIBLE_DEVICES=-1"


def full(monkeypatch, _):
    monkeypatch.setattr(hub_state, "FULL", 1e30)
    return "disk", PROBLEM, "archive"


def unwritable(monkeypatch, hub):
    """A file stands where a folder of the study would, which also root cannot write into."""
    (hub / "analysis").write_text("")
    return "write access", PROBLEM, "chown"


def locked(monkeypatch, hub):
    (hub / ".snakemake" / "locks" / "0.input.lock").write_text("data/base/base.npz\n")
    return "lock", PROBLEM, "snakemake --unlock"


def slurm(monkeypatch, hub):
    for name in ("sbatch", "squeue", "scancel", "scontrol"):
        tool(monkeypatch, hub, name, ":")
    tool(monkeypatch, hub, "sinfo", "echo no controller >&2; exit 1")
    return "slurm", WARNING, "--profile slurm"


@pytest.mark.parametrize("wrong", [absent, spared, slower, unfit, threads, graphics, full, unwritable, locked, slurm])
def test_what_is_wrong_is_named_with_its_remedy(monkeypatch, bare, capsys, wrong):
    name, state, remedy = wrong(monkeypatch, bare)
    code, found = asked(bare, capsys)
    assert found[name]["state"] == state and remedy in found[name]["remedy"]
    # Only that: what this machine has beside the lock's versions is no business of this test.
    others = {one for one, finding in found.items() if finding["state"] == PROBLEM} - {name}
    assert others == set() and code == int(state == PROBLEM)


def test_where_all_is_well_nothing_is_advised(bare, capsys):
    code, found = asked(bare, capsys)
    assert code == 0
    assert [one["name"] for one in found.values() if one["state"] == OK and one["remedy"]] == []
    assert {"python", "cores", "threads", "gpu", "slurm", "disk", "write access", "lock"} <= set(found)


def test_versions_are_compared_with_lock_and_floor(tmp_path):
    (tmp_path / "constraints.txt").write_text("numpy==1.0\nh5py==" + importlib.metadata.version("h5py") + "\n")
    (tmp_path / "pyproject.toml").write_text(
        '[project]\ndependencies = ["rich>=999"]\n[project.optional-dependencies]\ndev = ["pytest"]\n'
    )
    found = {one.name: one for one in installed.findings(tmp_path)}
    assert found["package numpy"].state == WARNING and "constraints.txt has 1.0" in found["package numpy"].text
    assert found["package rich"].state == PROBLEM and "older than 999" in found["package rich"].text
    assert "package h5py" not in found


@pytest.mark.parametrize(("quota", "paid"), [("max 100000\n", 1.0), ("25000 100000\n", 0.25), ("", 1.0)])
def test_a_container_pays_for_its_share(tmp_path, quota, paid):
    file = tmp_path / "cpu.max"
    file.write_text(quota)
    allowed, got = machine.usable_cores(file)
    assert got == (allowed if paid == 1.0 else paid)
    assert machine.cores(file).state == (OK if got == allowed else WARNING)


def test_a_lock_is_told_by_its_owner(bare, tmp_path):
    claim = bare / ".snakemake" / "ptychostudy.run"
    # Its name makes it a Snakemake to those who look.
    program = tmp_path / "snakemake.py"
    program.write_text("import time; time.sleep(60)")
    process = subprocess.Popen([sys.executable, program])
    try:
        claim.write_text(f"{socket.gethostname()} {process.pid}\n")
        deadline = time.monotonic() + 10
        # Until the child has become Python, its command line is this process's.
        while hub_state.lock(bare).state != OK and time.monotonic() < deadline:
            time.sleep(0.05)
        assert f"process {process.pid}" in hub_state.lock(bare).text
    finally:
        process.kill()
        process.wait()
    assert "was killed" in hub_state.lock(bare).text and "continues" in hub_state.lock(bare).remedy
    claim.write_text("elsewhere 4\n")
    assert hub_state.lock(bare).state == WARNING and "elsewhere" in hub_state.lock(bare).remedy


def test_lines_fit_a_terminal_and_say_the_remedy(monkeypatch, bare, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    locked(monkeypatch, bare)
    assert doctor.run(hub=bare) == 1
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80 or str(bare) in max(lines, key=len)
    assert any("-> snakemake --unlock" in line for line in lines)


def test_the_console_script_is_the_module():
    import tomllib

    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    module, _, function = scripts["ptychostudy"].partition(":")
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; from {module} import {function}; sys.exit({function}())",
            "doctor",
            "--help",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and "--json" in done.stdout and "--threads" not in done.stdout


def test_a_reader_that_stops_is_no_error():
    command = f"{sys.executable} -m ptychostudy doctor --json; echo code $? >&2"
    done = subprocess.run(["sh", "-c", f"( {command} ) | true"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "Broken pipe" not in done.stderr and "Exception" not in done.stderr
    assert done.stderr.strip() in ("code 0", "code 1")
