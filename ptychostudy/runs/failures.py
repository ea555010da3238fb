"""What Snakemake's own log says about failed jobs. Text in, values out."""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ptychostudy.runs import snakemake_log
from ptychostudy.runs.snakemake_log import Log, fields, logs_of, outputs_of, plain
from ptychostudy.study import layout

_TEE = re.compile(r"\| tee (\S+)$", re.MULTILINE)
_RULE = re.compile(r"^rule ", re.MULTILINE)
_LOG_OF_RULE = re.compile(r'^    log:\s+"([^"]+)"', re.MULTILINE)
_WILDCARD = re.compile(r"\{(\w+)\}")
_RESULTS = (layout.DATA_FOLDER, layout.ANALYSIS_FOLDER, layout.EXPORT_FOLDER)
_FOLDERS = tuple(f"{folder}/" for folder in _RESULTS)


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
    exit_code: str = snakemake_log.NOT_REPORTED
    logs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    source: str = ""

    @property
    def job(self) -> str:
        """Rule and wildcards in one line."""
        values = [f"{name}={value}" for name, value in self.wildcards.items()]
        return " ".join([self.rule or "unknown rule", *values])


def parse_failures(text: str) -> list[Failure]:
    """Return the jobs that failed for good according to a Snakemake log, in order.

    Parameters
    ----------
    text : str
        Log of Snakemake 9. With ``--quiet rules`` it names neither rule nor wildcards of a failed
        job: what is left is its command, exit code, log and the file of the rule (see `identify`).
    """
    log = snakemake_log.read_log(text)
    failed: dict[str, Failure] = {}
    for message in log.messages():
        # The jobs of a group are named again, indented, without what is known of the group.
        again = message.re is snakemake_log.ERROR and message["indent"]
        for number, failure in _reported(message, log):
            group = failed.get(number, Failure()) if again else Failure()
            failed[number] = _completed(failure, log.jobs.get(number, {}), group)
            # A job that was tried again and ended well did not fail.
            if log.finished(number, message.end()):
                del failed[number]
    return _merged(list(failed.values()), _unnamed(log))


def _reported(message: re.Match[str], log: Log) -> list[tuple[str, Failure]]:
    """Return job number and failure of what one message is about; of a group, each job."""
    if message.re is snakemake_log.MISSING:
        return [(message["number"], _of_missing(message))]
    if message.re is snakemake_log.ERROR:
        values = fields(message)
        return [(values.get("jobid", ""), _of_error(message, values, log))]
    return _of_group(message, log)


def _of_missing(message: re.Match[str]) -> Failure:
    return Failure(
        message["rule"],
        exit_code="0, but outputs are missing",
        outputs=tuple(line.split(" (missing", 1)[0] for line in message["files"].splitlines()),
        source=message["source"],
    )


def _of_error(message: re.Match[str], values: Mapping[str, str], log: Log) -> Failure:
    shell = snakemake_log.SHELL.search(message["body"])
    command = plain(shell["command"]) if shell else ""
    if command in log.exits:
        known = _of_exit(log.exits[command])
    else:
        known = Failure(command=command, exit_code=snakemake_log.status_of(message["body"]))
    return replace(known, rule=message["rule"], logs=logs_of(values), outputs=outputs_of(values))


def _of_group(message: re.Match[str], log: Log) -> list[tuple[str, Failure]]:
    logs = logs_of({"log": message["log"]})
    words = [log.words[path] for path in logs if path in log.words]
    status = words[0] if words else snakemake_log.NOT_REPORTED
    failures = []
    for member in snakemake_log.MEMBER.finditer(message["members"]):
        values = fields(member)
        failure = Failure(
            member["rule"],
            exit_code=status,
            logs=logs_of(values) + logs,
            outputs=outputs_of(values),
        )
        failures.append((values.get("jobid", ""), failure))
    return failures


def _of_exit(match: re.Match[str]) -> Failure:
    command = plain(match["command"])
    return Failure(
        command=command,
        exit_code=match["status"] or f"killed by {match['signal']}",
        logs=tuple(_TEE.findall(command)),
        source=match["source"],
    )


def _completed(failure: Failure, values: Mapping[str, str], group: Failure) -> Failure:
    """Add what was said of a job when it started, and of its group when that failed."""
    logs = failure.logs or logs_of(values)
    logs += tuple(path for path in group.logs if path not in logs)
    exit_code = failure.exit_code
    if exit_code == snakemake_log.NOT_REPORTED:
        exit_code = group.exit_code
    wildcards = snakemake_log.wildcards_of(values)
    return replace(failure, wildcards=wildcards, logs=logs, exit_code=exit_code)


def _unnamed(log: Log) -> list[Failure]:
    """Return the commands that failed and that no message names, as with ``--quiet rules``."""
    named = log.commands()
    return [_of_exit(match) for command, match in log.exits.items() if command not in named]


def _merged(failures: Sequence[Failure], exits: Sequence[Failure]) -> list[Failure]:
    """Give failures without a command those of the same log.

    What is left over are failures of their own.
    """
    by_log = {log: of_command for of_command in exits for log in of_command.logs}
    merged = []
    taken = []
    for failure in failures:
        of_command = None if failure.command else _of_same_log(failure, by_log)
        if of_command is None:
            merged.append(failure)
            continue
        taken.append(of_command)
        merged.append(
            replace(
                failure,
                command=of_command.command,
                exit_code=of_command.exit_code,
                source=of_command.source,
            )
        )
    return merged + [of_command for of_command in exits if of_command not in taken]


def _of_same_log(failure: Failure, by_log: Mapping[str, Failure]) -> Failure | None:
    return next((by_log[log] for log in failure.logs if log in by_log), None)


def identify(failure: Failure, source: str) -> Failure:
    """Name rule and wildcards of a failure by its log path, where Snakemake's log did not.

    Parameters
    ----------
    failure : Failure
    source : str
        Text of the ``.smk`` file that the failure names: the rule whose ``log`` pattern matches is
        the one, of several the one with the fewest wildcards.
    """
    if failure.rule or not failure.logs:
        return failure
    candidates = []
    for block in _RULE.split(source)[1:]:
        pattern = _LOG_OF_RULE.search(block)
        path = re.fullmatch(_expression(pattern[1]), failure.logs[0]) if pattern else None
        if path:
            rule = block.split(":", 1)[0]
            candidates.append(replace(failure, rule=rule, wildcards=path.groupdict()))
    # Of two patterns the one with more literal text is meant, as `baseline` is no view.
    return min(candidates, key=lambda one: len(one.wildcards), default=failure)


def _expression(pattern: str) -> str:
    """Return the regular expression of a path with ``{wildcards}``.

    A wildcard that is repeated must repeat its value.
    """
    seen: set[str] = set()
    expression = ""
    # Split at a group, text and names of wildcards take turns.
    for place, part in enumerate(_WILDCARD.split(pattern)):
        if place % 2 == 0:
            expression += re.escape(part)
        elif part in seen:
            expression += f"(?P={part})"
        else:
            expression += f"(?P<{part}>[^/]+)"
            seen.add(part)
    return expression


def files_of(failure: Failure) -> list[str]:
    """Return the study's files that a failed job names: its outputs, or those of its command."""
    if failure.outputs:
        return list(failure.outputs)
    try:
        words = shlex.split(failure.command)
    except ValueError:
        return []
    # Each once, in the order of the command.
    return list(dict.fromkeys(word for word in words if word.startswith(_FOLDERS)))
