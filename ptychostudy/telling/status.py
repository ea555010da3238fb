"""Stage status: what runs now, how far it is, and what is left; from another terminal."""

import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ptychostudy.runs import liveness
from ptychostudy.study import layout
from ptychostudy.telling.answer import in_time, show, wrapped
from ptychostudy.telling.left import jobs_left, log_of, seconds_left
from ptychostudy.telling.records import Record, begun, records
from ptychostudy.telling.run_log import Epoch, RunLog, epoch, last_run, last_warning

_INDENT = 10
_SHOWN = 8
"""Running jobs that a person is shown."""
_QUEUE = ("squeue", "--me", "--noheader", "--format=%T|%Z")
_QUEUE_S = 5
_SEED_FOLDERS = 2
"""Parts of a path that say the seed: ``seeds/seed_1``."""


def run(*, hub: Path = Path("."), json: bool = False) -> None:
    """Print the state of the run in a hub: jobs, trainings with epoch and loss, the time left.

    It is read from the files that a run leaves, so it can be asked from anywhere that sees the
    hub. On a machine with Slurm it also counts the user's jobs of this hub.

    Parameters
    ----------
    hub : Path
        Working directory of the study.
    json : bool
        One JSON object instead.
    """
    record: dict[str, Any] = {**_owner(hub), "running": [], "slurm": _queue(hub)}
    log = last_run(hub, working=record["alive"] is not False)
    if log is not None:
        known = records(hub)
        record["running"] = _running(hub, log) if record["alive"] is not False else []
        record |= _course(log, known, record["running"])
        record["warning"] = _warning(hub, log)
    record["kept"] = [] if record["alive"] else _kept(hub)
    show(_lines(record), record, as_json=json)


def _owner(hub: Path) -> dict[str, Any]:
    """Return whose run it is; of another machine's process it is not known whether it lives."""
    claim = liveness.claimant(hub)
    if claim is None:
        return {"alive": False, "host": None, "process": None}
    return {"alive": liveness.is_alive(claim), "host": claim[0], "process": claim[1]}


def _running(hub: Path, log: RunLog) -> list[dict[str, Any]]:
    """Return the jobs that have begun and not ended, a job of several files once."""
    jobs: dict[str, dict[str, Any]] = {}
    for output, since in sorted(begun(hub).items(), key=lambda pair: pair[1]):
        own = _log(hub, output) if since >= log.started else None
        if own is not None:
            # A log of an earlier run says nothing of this job.
            fresh = own.stat().st_mtime >= since
            job = _job(output, since, epoch(own) if fresh else None)
            jobs.setdefault(str(own), job)
    return list(jobs.values())


def _log(hub: Path, output: str) -> Path | None:
    """Return the log of a job; those of a further seed lie in its folder."""
    parts = Path(output).parts
    own = _SEED_FOLDERS if parts[0] == layout.SEEDS_FOLDER else 0
    folder = hub.joinpath(*parts[:own])
    return log_of(folder, str(Path(*parts[own:])), layout.LOGS_FOLDER)


def _job(output: str, since: float, far: Epoch | None) -> dict[str, Any]:
    seconds = round(time.time() - since, 1)
    return {"file": output, "seconds": seconds, "epoch": None if far is None else asdict(far)}


def _course(
    log: RunLog, known: Mapping[str, Record], running: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    left = jobs_left(log)
    worked = sum(job["seconds"] for job in running)
    seconds, unknown = seconds_left(log, known, worked)
    # Jobs may take longer than they used to: a run cannot end before what its trainings say.
    told = [job["epoch"]["seconds_left"] for job in running if job["epoch"] is not None]
    if seconds is not None:
        seconds = max([seconds, *told])
    return {
        "total": log.planned.total(),
        "done": log.finished.total(),
        "left": dict(left),
        "failed": dict(Counter(log.failed)),
        "seconds": round(time.time() - log.started),
        "seconds_left": None if seconds is None else round(seconds),
        "jobs_of_unknown_time": unknown,
    }


def _warning(hub: Path, log: RunLog) -> dict[str, str] | None:
    """Return the last warning in a log that this run has written."""
    folders = [hub / layout.LOGS_FOLDER, *hub.glob(f"{layout.SEEDS_FOLDER}/*/{layout.LOGS_FOLDER}")]
    logs = [path for folder in folders for path in folder.rglob("*.log")]
    found = last_warning([path for path in logs if path.stat().st_mtime >= log.started])
    return None if found is None else {"log": str(found[0].relative_to(hub)), "text": found[1]}


def _kept(hub: Path) -> list[str]:
    """Return the trainings that a stopped run left, and the next one continues."""
    files = [
        path
        for folder in (layout.TRAINING_FOLDER, f"{layout.SEEDS_FOLDER}/*/{layout.TRAINING_FOLDER}")
        for path in hub.glob(f"{folder}/**/{layout.TRAINING_STATE}")
    ]
    return sorted(str(path.parent.relative_to(hub)) for path in files)


def _queue(hub: Path) -> dict[str, int] | None:
    """Return the number of the user's Slurm jobs of this hub in each state; None without Slurm."""
    if not shutil.which(_QUEUE[0]):
        return None
    try:
        answer = subprocess.run(
            _QUEUE, capture_output=True, text=True, timeout=_QUEUE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if answer.returncode:
        return None
    pairs = [line.partition("|") for line in answer.stdout.splitlines()]
    return dict(Counter(state for state, _, folder in pairs if folder == str(hub.resolve())))


def _lines(record: Mapping[str, Any]) -> list[str]:
    if "total" not in record:
        return ["No run has been in this folder. `plan` says what one would do."]
    lines = wrapped(_state(record), _INDENT, "run")
    lines += wrapped(_jobs(record), _INDENT, "jobs")
    for job in record["running"][:_SHOWN]:
        lines += wrapped(_told(job), _INDENT, "now")
    hidden = len(record["running"]) - _SHOWN
    if hidden > 0:
        lines.append(f"{'':{_INDENT}}and {hidden} more")
    if record["slurm"]:
        counted = ", ".join(f"{count} {state}" for state, count in record["slurm"].items())
        lines += wrapped(counted, _INDENT, "slurm")
    return [*lines, *_troubles(record)]


def _state(record: Mapping[str, Any]) -> str:
    if record["process"] is None:
        return "none now; this is of the last one"
    where = f"process {record['process']} on {record['host']}"
    if record["alive"] is None:
        return f"{where}, which cannot be seen from here"
    if not record["alive"]:
        return f"{where} was killed; the same command continues"
    return f"{where}, for {in_time(record['seconds'])}"


def _jobs(record: Mapping[str, Any]) -> str:
    text = f"{record['done']} of {record['total']} done"
    if not record["left"]:
        return text
    if record["process"] is not None and record["alive"] is not False:
        text += f", {_time_left(record)}"
    counted = ", ".join(f"{count} {rule}" for rule, count in record["left"].items())
    return f"{text}; left: {counted}"


def _time_left(record: Mapping[str, Any]) -> str:
    if record["seconds_left"] is None:
        return "time left not known: none of these has run here"
    unknown = record["jobs_of_unknown_time"]
    more = f" and {unknown} jobs of rules that have never run here" if unknown else ""
    return f"about {in_time(record['seconds_left'])} left{more}"


def _told(job: Mapping[str, Any]) -> str:
    far = job["epoch"]
    if far is None:
        return f"{job['file']}, for {in_time(job['seconds'])}"
    loss = "" if far["loss"] is None else f", loss {far['loss']:.5g}"
    left = in_time(far["seconds_left"])
    return f"{far['label']}: epoch {far['done']} of {far['total']}{loss}, about {left} left"


def _troubles(record: Mapping[str, Any]) -> list[str]:
    lines = []
    if record["failed"]:
        counted = ", ".join(f"{count} {rule}" for rule, count in record["failed"].items())
        lines += wrapped(f"{counted}; see red/ for why", _INDENT, "failed")
    if record["warning"]:
        lines += wrapped("{log}: {text}".format(**record["warning"]), _INDENT, "warning")
    for folder in record["kept"]:
        lines += wrapped(f"{folder} keeps its last epoch: the next run continues", _INDENT, "kept")
    return lines
