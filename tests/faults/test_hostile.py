"""Hostile files: refused by name, in little memory and time, and without running or opening anything."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hostile_files import GOOD, HOSTILE, readers

ROOT = Path(__file__).resolve().parents[2]
# A block of 4 MiB, a text of 16 MiB and its parts; every bomb here unpacks to 60 MiB or far more.
LARGEST_GROWTH_BYTES = 48 << 20
LONGEST_S = 10


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    command = [sys.executable, str(Path(__file__).with_name("hostile_child.py")), str(folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=900, check=False)
    except subprocess.TimeoutExpired as error:
        pytest.fail(f"a reader hangs: {(error.stderr or b'').decode().splitlines()[-1:]}")
    assert done.returncode == 0, f"ended by {done.returncode}: {done.stderr[-2000:]}"
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_refused(outcomes, name):
    reader, _, _, part = HOSTILE[name]
    found = outcomes["cases"][name]
    kind, message = found["said"]
    assert kind == "DataError", f"{kind}: {message}"
    assert re.search(part, message), message
    assert found["events"] == []
    assert found["grown"] < LARGEST_GROWTH_BYTES
    assert found["seconds"] < LONGEST_S
    if reader in ("scan", "hdf5", "image"):
        code, printed = found["printed"]
        assert code == 2 and printed.startswith("ptychostudy base: ")
        assert "Traceback" not in printed and "\n\n" not in printed.strip()


def test_nothing_was_run_and_nothing_written(outcomes):
    assert outcomes["left"] == []


@pytest.mark.parametrize("reader", GOOD)
def test_good_file_is_read(tmp_path, reader):
    """The same makers make files that are accepted: what is refused above is refused for its malice."""
    suffix, build = GOOD[reader]
    build(tmp_path / f"a{suffix}")
    readers()[reader](tmp_path / f"a{suffix}")


def test_the_watch_sees_what_it_should(tmp_path):
    """A reader that unpickles would leave its mark and be seen."""
    code = (
        "import sys, pickle, hostile_child, hostile_files; events = []; hostile_child.watch(events, sys.argv[1]);"
        "pickle.loads(pickle.dumps(hostile_files.Trap(sys.argv[1] + '/mark'))); open('/etc/hostname').close();"
        "print([event.split()[0] for event in events])"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(__file__).parent)])}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.strip() == "['pickle.find_class', 'os.mkdir', 'open']"
    assert (tmp_path / "mark").is_dir()
