"""Damage of every kind of file, and the same command afterwards: it names the file before it uses it, or heals it."""

import contextlib
import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass

from campaign import artifacts, runs, stages

DAY_S = 86400


@dataclass(frozen=True)
class Case:
    """One injected fault and what became of it: ``named``, ``verify``, ``healed`` or ``missed``."""

    fault: str
    name: str
    outcome: str
    said: str = ""


def cut(path, rng, other):
    """Cut a file short."""
    data = path.read_bytes()
    path.write_bytes(data[: rng.randrange(len(data))])


def zero(path, rng, other):
    """Overwrite the second half with zeros, as after a crash of a file system."""
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + bytes(len(data) - len(data) // 2))


def flip(path, rng, other):
    """Flip one bit."""
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def exchange(path, rng, other):
    """Exchange two files that are both whole."""
    one, two = path.read_bytes(), other.read_bytes()
    path.write_bytes(two)
    other.write_bytes(one)


def stale(path, rng, other):
    """Put another whole file in its place that looks older than everything made from it."""
    path.write_bytes(other.read_bytes())
    os.utime(path, (time.time() - DAY_S,) * 2)


FAULTS = {
    "cut short": cut,
    "second half zeroed": zero,
    "one bit flipped": flip,
    "two files exchanged": exchange,
    "stale file with an old time": stale,
}


@contextlib.contextmanager
def private_copy(study, folder):
    """Yield a copy of a finished study that may be damaged."""
    hub = folder / "damaged"
    shutil.copytree(study.hub, hub, symlinks=True)
    try:
        yield runs.Study(hub, study.source, study.config)
    finally:
        shutil.rmtree(hub)
        hub.with_suffix(".log").unlink(missing_ok=True)


def inject(study, reference, fault, name, *, rng, folder):
    """Damage one file in a copy of a finished study and run the same command; return the `Case`."""
    names = artifacts.files(study.hub)
    other = artifacts.partner(name, names)
    with private_copy(study, folder) as copy:
        before = (copy.hub / name).read_bytes()
        FAULTS[fault](copy.hub / name, rng, copy.hub / other)
        if (copy.hub / name).read_bytes() == before:
            return None
        code, said = copy.run()
        touched = (name, other) if fault == "two files exchanged" else (name,)
        if code != 0:
            return Case(fault, name, "named" if any(path in said for path in touched) else "missed", said)
        if not artifacts.differences(copy.hub, reference):
            return Case(fault, name, "healed")
        return Case(fault, name, "verify" if _verify_names(copy, touched) else "missed", said)


def _verify_names(study, names):
    """Say whether the verification by hand fails and names one of the files."""
    report = study.hub.parent / "report.json"
    command = stages.python("verify", "--config", str(study.config), "--output", str(report))
    subprocess.run(command, cwd=study.hub, env=stages.environment(study.source), capture_output=True, check=False)
    found = json.loads(report.read_text()) if report.is_file() else {"validations": []}
    report.unlink(missing_ok=True)
    invalid = [check for check in found["validations"] if check["valid"] is False]
    return any(name in json.dumps(check) for check in invalid for name in names)


def touch(study, reference, *, folder, age_s):
    """Give every file a new or an old time; return what the same command made of it, which must be nothing."""
    with private_copy(study, folder) as copy:
        for name in artifacts.files(copy.hub):
            os.utime(copy.hub / name, (time.time() - age_s,) * 2)
        code, said = copy.run()
        wrong = artifacts.differences(copy.hub, reference)
    return "" if code == 0 and not wrong else f"exit status {code}, different {wrong}\n{said[-2000:]}"
