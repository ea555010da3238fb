"""Every writer under every fault: the old file stays whole, the message names path and need, nothing is left behind."""

import ast
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from writer_cases import FAULTS, WRITERS

from ptychostudy.io.atomic import atomic, remove_stale
from ptychostudy.io.text import write_text

ROOT = Path(__file__).resolve().parents[2]
NEEDS = {
    "full disk": ("No space left on device|File too large", "free space|room"),
    "read-only folder": ("Read-only file system", "writable folder"),
    "vanished folder": ("No such file or directory", "which is no more|writable folder"),
    "failed rename": ("Input/output error", "writable folder"),
    "failed sync": ("Input/output error", "writable folder"),
}


@pytest.fixture(scope="module")
def outcomes():
    """Run all cases once, on a small disk of their own where the system lends one."""
    with tempfile.TemporaryDirectory() as folder:
        script = [sys.executable, str(Path(__file__).with_name("writer_cases.py")), folder]
        private = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
        mount = [*private, "mount", "-t", "tmpfs", "tmpfs", folder]
        real = shutil.which("unshare") and subprocess.run(mount, capture_output=True, check=False).returncode == 0
        if real:
            shell = f"mount -t tmpfs -o size=4m tmpfs {folder} && exec {' '.join(script)}"
            command = [*private, "sh", "-c", shell]
        else:
            command = [*script, "faked"]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=900)
        assert done.returncode == 0, done.stderr
        print(f"disk full and read-only: {'a real small disk' if real else 'answers given by hand'}")
        return json.loads(done.stdout)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("writer", WRITERS)
def test_fault_while_writing(outcomes, fault, writer):
    found, file = outcomes[fault][writer], WRITERS[writer][0]
    assert found["said"], "the fault was not noticed"
    kind, message = found["said"]
    said, needed = NEEDS[fault]
    assert kind == "DataError"
    assert file in message and re.search(said, message) and re.search(f"needed: .*({needed})", message), message
    assert found["unchanged"] and found["works again"]
    assert found["left"] == [] or fault == "vanished folder"  # where it is, the temporary file is out of reach
    assert found["left later"] == []


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("writer", WRITERS)
def test_kill_while_writing(outcomes, call, writer):
    found = outcomes[f"kill -9 in {call}"][writer]
    assert found["signal"] == 9 and found["stale"], "the writer was not killed half-way"
    assert found["unchanged"] and found["works again"]
    assert found["left later"] == []


def functions_with(package, wanted):
    """Return the names of the functions of a package whose own statements satisfy a condition."""
    return {
        function.name
        for path in sorted(package.rglob("*.py"))
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and wanted(node)
    }


def called(node):
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def test_no_writer_is_forgotten():
    atomic = functions_with(ROOT / "ptychostudy", lambda node: called(node) == "atomic")
    assert atomic == {function for _, _, function in WRITERS.values()}


def test_nothing_is_written_past_atomic():
    """Beside `_put` of `io.atomic` only pip's own scratch folder is written; whole folders are moved aside."""
    writing = {"write_text", "write_bytes", "savez", "savetxt", "tofile", "to_csv", "savefig"}

    def writes(node):
        modes = [*node.args[1:], *(word.value for word in node.keywords if word.arg == "mode")]
        if called(node) in ("open", "File") and any(
            isinstance(mode, ast.Constant) and set(str(mode.value)) & set("wax+") for mode in modes
        ):
            return True
        if not isinstance(node.func, ast.Attribute):
            return False
        owner = getattr(node.func.value, "id", "")
        return (called(node) in writing and owner != "io") or (called(node) in ("replace", "rename") and owner == "os")

    through_atomic = {"write_utf8", "write_npz", "_write_member", "write_product_h5", "write_figure"}
    through_atomic |= {"write_bundle", "_copy", "_fetch", "new_hdf5"}
    in_memory = {"_weights_bytes", "svg_text"}
    locks = {"_open"}  # of `liveness`, where the file is a lock and its content a hint
    # Of `submissions`, a line in a log of Snakemake's; of `sums`, `kept_digests` and `code_record`, what only saves
    # reading or helps to explain, and is no file of the study.
    notes = {"_noted", "_write", "note"}
    scratch = {"infer"}  # of `calls`, in a temporary folder
    found = functions_with(ROOT / "ptychostudy", writes) - locks - notes - scratch
    assert found - through_atomic - in_memory == {"_put", "_pip_download", "_write_backend"}


def names(folder):
    """Return the names in a folder, without the sums that are written beside each file."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".sha256")


def test_living_writer_is_left_alone(tmp_path):
    with atomic(tmp_path / "a.txt") as mine:
        mine.write_text("first")
        write_text(tmp_path / "a.txt", "second")  # a twin of this job
        assert mine.exists()
    assert (tmp_path / "a.txt").read_text() == "first"
    assert names(tmp_path) == ["a.txt"]


def test_only_own_temporary_names_are_removed(tmp_path):
    kept = [
        ".a.txt.part",
        ".b.txt.abcd1234.part",
        ".a.txt.abcd1234.part.x",
        "a.txt.abcd1234.part",
        ".a.txt.ABCD1234.part",
    ]
    for name in [*kept, ".a.txt.abcd1234.part"]:
        (tmp_path / name).write_text("x")
    write_text(tmp_path / "a.txt", "new")
    assert names(tmp_path) == sorted([*kept, "a.txt"])


def test_stale_link_and_pipe_do_no_harm(tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("precious")
    hub = tmp_path / "hub"
    hub.mkdir()
    (hub / ".a.txt.abcd1234.part").symlink_to(outside)
    os.mkfifo(hub / ".a.txt.abcd5678.part")
    write_text(hub / "a.txt", "new")
    assert outside.read_text() == "precious"
    assert (hub / "a.txt").read_text() == "new"


def test_without_locks_nothing_is_removed(tmp_path, monkeypatch):
    (tmp_path / ".a.txt.abcd1234.part").write_text("x")
    monkeypatch.setattr(fcntl, "flock", lambda *arguments: (_ for _ in ()).throw(OSError(37, "No locks available")))
    remove_stale(tmp_path, ".a.txt.", ".part")
    write_text(tmp_path / "a.txt", "new")
    assert names(tmp_path) == [".a.txt.abcd1234.part", "a.txt"]


def test_trouble_with_an_input_is_not_blamed_on_the_output(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"input\.bin"), atomic(tmp_path / "a.txt"):
        (tmp_path / "input.bin").read_bytes()
    assert list(tmp_path.iterdir()) == []
