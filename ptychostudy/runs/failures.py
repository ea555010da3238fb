"""What Snakemake's own log says about failed jobs. Text in, values out."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

_BLOCK = re.compile(r"^([ ]*)(?:local)?(?:rule|checkpoint) (\w+):\n((?:\1    .*\n)+)", re.MULTILINE)
_ERROR = re.compile(
    r"^([ ]*)Error in (?:rule|checkpoint) (\w+):\n((?:\1    .*\n|\s*\n)+)", re.MULTILINE
)
_GROUP = re.compile(
    r"^    message: Error in group \S+\n    log: (.+)\n    jobs:\n((?:        .*\n)+)", re.MULTILINE
)
_MEMBER = re.compile(r"^(        )rule (\w+):\n((?:            .*\n)+)", re.MULTILINE)
_SLURM = re.compile(r"SLURM status is: '(\w+)'")
# Of a group Snakemake keeps Slurm's word to itself; its line in the job's log, not always the last, stands for it.
_STEP = re.compile(
    r"^slurmstepd.*: \*\*\* \w+ \S+ ON \S+ CANCELLED AT \S+(?: DUE TO (.+?))? ?\*\*\*", re.MULTILINE
)
_REFUSED = re.compile(
    r"Slurm did not take this job: (.+?)\. *(?:For further error details .*)?$", re.MULTILINE
)
_STATES = {
    "": "CANCELLED",
    "TIME LIMIT": "TIMEOUT",
    "NODE FAILURE, SEE SLURMCTLD LOG FOR DETAILS": "NODE_FAIL",
    "PREEMPTION": "PREEMPTED",
}
_SHELL = re.compile(
    r"^ *shell:\n(.*?)\n *\(command exited with non-zero exit code\)", re.MULTILINE | re.DOTALL
)
_EXIT = re.compile(
    r'^CalledProcessError in file "([^"]*)", line \d+:\n'
    r"Command '(.*?)' (?:returned non-zero exit status (\d+)|died with <Signals\.(\w+): \d+>)\.$",
    re.MULTILINE | re.DOTALL,
)
_MISSING = re.compile(
    r'^MissingOutputException in rule (\w+) in file "([^"]*)".*\nJob (\d+) .*\n((?:.+ \(missing.*\n)+)',
    re.MULTILINE,
)
# A log that Snakemake shows: innermost first, because the log of a cluster job shows logs of its own.
_SHOWN = re.compile(r"^Logfile (.+):\n(=+)\n(?:(?!Logfile .+:\n=).*\n)*?\2\n", re.MULTILINE)
_PREFIX = re.compile(
    r"^set -euo pipefail;( trap '' TERM;)?( export PYTHONPATH=.*?:\$PYTHONPATH\};)?\s*"
)
_TEE = re.compile(r"\| tee (\S+)$", re.MULTILINE)
_LOG_HINT = " (check log file(s) for error details)"


@dataclass(frozen=True)
class Failure:
    """A failed job.

    Attributes
    ----------
    rule : str
        Empty where the log does not name it.
    wildcards : dict of str to str
    command : str
    exit_code : str
        A number, a signal, or what is known instead.
    logs : tuple of str
        The job's own log files.
    outputs : tuple of str
    source : str
        File of the rule, where the log names it.
    """

    rule: str = ""
    wildcards: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    exit_code: str = "not reported"
    logs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    source: str = ""

    @property
    def job(self) -> str:
        """Rule and wildcards in one line."""
        return " ".join(
            [self.rule or "unknown rule", *(f"{k}={v}" for k, v in self.wildcards.items())]
        )


def parse_failures(text: str) -> list[Failure]:
    """Return the jobs that failed for good according to a Snakemake log, in order.

    Parameters
    ----------
    text : str
        Log of Snakemake 9. With ``--quiet rules`` it names neither rule nor wildcards of a failed job: what is left
        is its command, exit code, log and the file of the rule (see `identify`).
    """
    exits = {_plain(match[2]): match for match in _EXIT.finditer(text)}
    states = {match[1]: _last_word(match[0]) for match in _SHOWN.finditer(text)}
    # What a job's own log says has other job numbers: of it only commands and their exit codes count.
    shown = 1
    while shown:
        text, shown = _SHOWN.subn("", text)
    jobs: dict[str, dict[str, str]] = {}
    for value in map(_fields, _BLOCK.finditer(text)):
        jobs.setdefault(value.get("jobid", ""), value)
    found: dict[str, Failure] = {}
    reported = [*_ERROR.finditer(text), *_MISSING.finditer(text), *_GROUP.finditer(text)]
    for match in sorted(reported, key=re.Match.start):
        for number, failure in _reported(match, exits, states):
            pairs = (
                pair.split("=", 1)
                for pair in jobs.get(number, {}).get("wildcards", "").split(", ")
                if "=" in pair
            )
            logs = failure.logs or _logs(jobs.get(number, {}))
            # The jobs of a group are named again, indented, without what is known of the group.
            group = found.get(number, Failure()) if match.re is _ERROR and match[1] else Failure()
            known = group.exit_code if failure.exit_code == Failure.exit_code else failure.exit_code
            logs += tuple(path for path in group.logs if path not in logs)
            found[number] = replace(failure, wildcards=dict(pairs), logs=logs, exit_code=known)
            # A job that was tried again and ended well did not fail.
            if re.search(rf"^Finished jobid: {number} ", text[match.end() :], re.MULTILINE):
                del found[number]
    named = {_plain(shell[1]) for shell in _SHELL.finditer(text)}
    others = [_of_exit(match) for command, match in exits.items() if command not in named]
    return _merged(list(found.values()), others)


def is_slurms_word(line: str) -> bool:
    """Say whether a line of a job's log is Slurm's own, on why it ends the job."""
    return _STEP.match(line) is not None


def _merged(failures: list[Failure], exits: list[Failure]) -> list[Failure]:
    """Give failures without a command those of the same log; what is left over are failures of their own."""
    by_log = {log: failure for failure in exits for log in failure.logs}
    known = [
        next((by_log[log] for log in f.logs if log in by_log), None) if not f.command else None
        for f in failures
    ]
    pairs = zip(failures, known, strict=True)
    merged = [
        replace(f, command=e.command, exit_code=e.exit_code, source=e.source) if e else f
        for f, e in pairs
    ]
    return merged + [failure for failure in exits if failure not in known]


def _reported(
    match: re.Match[str], exits: Mapping[str, re.Match[str]], states: Mapping[str, str]
) -> list[tuple[str, Failure]]:
    """Return job number and failure of what one message of Snakemake is about; of a group, each job."""
    if match.re is _MISSING:
        return [_of_missing(match)]
    if match.re is _ERROR:
        return [_of_error(match, exits)]
    logs = _logs({"log": match[1]})
    status = next((states[path] for path in logs if path in states), Failure.exit_code)
    return [
        (number, replace(failure, exit_code=status, logs=failure.logs + logs))
        for number, failure in map(_of_member, _MEMBER.finditer(match[2]))
    ]


def _last_word(log: str) -> str:
    """Return what Slurm wrote into a job's log when it ended the job, or what was noted when it did not take it."""
    if refused := _REFUSED.search(log):
        return f"none, Slurm did not take the job: {refused[1]}"
    match = _STEP.search(log)
    return f"Slurm says {_STATES.get(match[1] or '', match[1])}" if match else Failure.exit_code


def _of_member(match: re.Match[str]) -> tuple[str, Failure]:
    value = _fields(match)
    return value.get("jobid", ""), Failure(match[2], logs=_logs(value), outputs=_outputs(value))


def _of_error(match: re.Match[str], exits: Mapping[str, re.Match[str]]) -> tuple[str, Failure]:
    value, shell = _fields(match), _SHELL.search(match[3])
    command = _plain(shell[1]) if shell else ""
    known = (
        _of_exit(exits[command])
        if command in exits
        else Failure(command=command, exit_code=_status(match[3]))
    )
    return value.get("jobid", ""), replace(
        known, rule=match[2], logs=_logs(value), outputs=_outputs(value)
    )


def _status(text: str) -> str:
    """Return what Slurm says of a job, which has no exit code here."""
    if refused := _REFUSED.search(text):
        return _last_word(refused[0])
    match = _SLURM.search(text)
    return f"Slurm says {match[1]}" if match else Failure.exit_code


def _outputs(block: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(block["output"].split(", ")) if "output" in block else ()


def _of_missing(match: re.Match[str]) -> tuple[str, Failure]:
    outputs = tuple(line.split(" (missing", 1)[0] for line in match[4].splitlines())
    return match[3], Failure(
        match[1], exit_code="0, but outputs are missing", outputs=outputs, source=match[2]
    )


def _fields(match: re.Match[str]) -> dict[str, str]:
    """Return the ``key: value`` lines of a block that starts with a rule's name."""
    depth = len(match[1]) + 4
    lines = [line[depth:] for line in match[3].splitlines() if line[depth : depth + 1].strip()]
    return dict(line.split(": ", 1) for line in lines if ": " in line)


def _logs(block: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(path for path in block.get("log", "").removesuffix(_LOG_HINT).split(", ") if path)


def _of_exit(match: re.Match[str]) -> Failure:
    command = _plain(match[2])
    code = match[3] or f"killed by {match[4]}"
    return Failure(
        command=command, exit_code=code, logs=tuple(_TEE.findall(command)), source=match[1]
    )


def _plain(command: str) -> str:
    """Return a command without what Snakemake puts around it: its prefix, empty lines, and runs of spaces."""
    lines = (" ".join(line.split()) for line in _PREFIX.sub("", command).splitlines())
    return "\n".join(line for line in lines if line)


def identify(failure: Failure, source: str) -> Failure:
    """Name rule and wildcards of a failure by its log path, where Snakemake's log did not.

    Parameters
    ----------
    failure : Failure
    source : str
        Text of the ``.smk`` file that the failure names: the rule whose ``log`` pattern matches is the one, of several
        the one with the fewest wildcards.
    """
    if failure.rule or not failure.logs:
        return failure
    found = []
    for block in re.split(r"^rule ", source, flags=re.MULTILINE)[1:]:
        pattern = re.search(r'^    log:\s+"([^"]+)"', block, re.MULTILINE)
        match = pattern and re.fullmatch(_expression(pattern[1]), failure.logs[0])
        if match:
            found.append(replace(failure, rule=block.split(":", 1)[0], wildcards=match.groupdict()))
    # Of two patterns the one with more literal text is meant, as `baseline` is no view.
    return min(found, key=lambda one: len(one.wildcards), default=failure)


def _expression(pattern: str) -> str:
    """Return the regular expression of a path with ``{wildcards}``; a repeated one must repeat its value."""
    seen: set[str] = set()
    found = ""
    for place, part in enumerate(re.split(r"\{(\w+)\}", pattern)):
        if place % 2:
            found += f"(?P={part})" if part in seen else f"(?P<{part}>[^/]+)"
            seen.add(part)
        else:
            found += re.escape(part)
    return found


def files_of(failure: Failure) -> list[str]:
    """Return the study's files that a failed job names: its outputs, or else all that its command mentions."""
    if failure.outputs:
        return list(failure.outputs)
    try:
        words = shlex.split(failure.command)
    except ValueError:
        return []
    return list(
        dict.fromkeys(
            word for word in words if word.startswith(("data/", "analysis/", "products/"))
        )
    )
